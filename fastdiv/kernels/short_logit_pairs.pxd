"""Two short rows of logits: Kullback-Leibler and Jensen-Shannon, a lane for each pair.

What logit_pairs.pxd computes, with exponentials that are taken once. NaN in ``made`` gives a pair
back, see ``end_rows`` in rows.pxd.
"""

from fastdiv.kernels.arithmetic cimport INFINITY, NAN, real
from fastdiv.kernels.coming cimport ask, coming
from fastdiv.kernels.compare_terms cimport logit_gap
from fastdiv.kernels.exponentials cimport exp_column
from fastdiv.kernels.lanes cimport put_lanes
from fastdiv.kernels.logit_gaps cimport unmask
from fastdiv.kernels.logit_pair_results cimport js_of, kl_of
from fastdiv.kernels.logit_pair_terms cimport pair_term
from fastdiv.kernels.pair_offsets cimport begin_rows, count_masked, exp_rows, offsets
from fastdiv.kernels.sum_trees cimport FINE
from fastdiv.kernels.tasks cimport task
from fastdiv.kernels.tile_sums cimport tile_sum
from fastdiv.kernels.tiles cimport TILE, abreast, after, clear_tile, tile, tile_max
from fastdiv.kernels.turning cimport load_tile


cdef inline void exp_rows_of(
    const real* x, Py_ssize_t c, const coming* next, real* e, exp_rows* s
) noexcept nogil:
    """exp(x - reference) of every row, and the sums."""
    cdef Py_ssize_t many = abreast(x), j, k
    cdef real m[TILE]
    cdef real low[TILE]
    cdef real rounder[TILE]
    cdef real made[TILE]
    tile_max(x, c, <real*>m)
    begin_rows(<const real*>m, <real*>low, <real*>rounder, s)
    for j in range(c):
        ask(next, j)
        k = j * many
        exp_column(x + k, <const real*>low, <const real*>rounder, <real*>made, many)
        put_lanes(e + k, <const real*>made, many)
    tile_sum(<const real*>e, c, s.total, FINE)


cdef inline void term_tile(
    const real* xp, const real* xq, real* ep, const real* eq, Py_ssize_t c, const real* low_p,
    const real* low_q, const real* offset, const real* offset_low, const real* factor,
    double* total, double* moments, bint symmetric, bint masked
) noexcept nogil:
    """The sums of the terms, which take the place of ep, and their moments, in p's own unit.

    Unless ``masked`` a logit of -inf makes NaN or infinity of Kullback-Leibler.
    """
    cdef Py_ssize_t many = abreast(xp), j, k, lane
    cdef real moment[TILE]
    cdef real made[TILE]
    cdef real a, b, d
    clear_tile(<real*>moment)
    for j in range(c):
        k = j * many
        for lane in range(many):
            a, b = xp[k + lane], xq[k + lane]
            if masked:
                unmask(&a, &b, low_p[lane], low_q[lane])
            d = logit_gap(a, b, offset[lane], offset_low[lane], False)
            made[lane] = pair_term(d, ep[k + lane], eq[k + lane] * factor[lane], &moment[lane],
                                   symmetric, False, False)
        # Through an array that nothing else is in, as in exp_terms.
        for lane in range(many):
            ep[k + lane] = made[lane]
    tile_sum(<const real*>ep, c, total, FINE)
    for lane in range(many):
        moments[lane] = moment[lane]


cdef inline bint seems_masked(const real* x, Py_ssize_t c) noexcept nogil:
    """Whether a row's first or last logit is -inf, as of a batch with masks one most likely is."""
    cdef Py_ssize_t many = abreast(x), last = (c - 1) * many, lane
    cdef bint found = False
    for lane in range(many):
        found = found | (x[lane] == -INFINITY) | (x[last + lane] == -INFINITY)
    return found


cdef inline bint is_number(const double* a, const real* like) noexcept nogil:
    cdef bint so = True
    cdef Py_ssize_t lane
    for lane in range(abreast(like)):
        so = so & (-INFINITY < a[lane]) & (a[lane] < INFINITY)
    return so


cdef inline void lows_of(
    const real* xp, const real* xq, Py_ssize_t c, const exp_rows* p, const exp_rows* q,
    real* low_p, real* low_q
) noexcept nogil:
    """Below what logits are of pairs with one of -inf; -inf itself of the others, of which no bit
    is to depend on their neighbours."""
    cdef Py_ssize_t many = abreast(xp), j, k, lane
    cdef real least[TILE]
    for lane in range(many):
        least[lane] = 0
    for j in range(c):
        k = j * many
        for lane in range(many):
            least[lane] = xp[k + lane] if xp[k + lane] < least[lane] else least[lane]
            least[lane] = xq[k + lane] if xq[k + lane] < least[lane] else least[lane]
    for lane in range(many):
        low_p[lane] = <real>p.low[lane] if least[lane] == -INFINITY else -<real>INFINITY
        low_q[lane] = <real>q.low[lane]


cdef inline void settle_infinite(
    const real* xp, const real* xq, Py_ssize_t c, double* total
) noexcept nogil:
    """An infinite sum is NaN, a product of an exponential and a large difference having overflowed,
    unless q masks what p does not."""
    cdef real found[TILE]
    cdef Py_ssize_t lane
    count_masked(xp, xq, c, <real*>found)
    for lane in range(abreast(xp)):
        total[lane] = total[lane] if total[lane] < INFINITY else NAN
        # Any weight at all.
        total[lane] = INFINITY if found[lane] > 0 else total[lane]


cdef inline void logit_pair_tile(
    const task* t, const tile* rows, real* xp, double* total, double* moments, real* offset,
    bint symmetric,
) noexcept nogil:
    """The terms of both divergences, their moments and the offsets, see logit_pairs.pxd."""
    cdef Py_ssize_t many = abreast(<const real*>xp)
    cdef real* xq = after(xp)
    cdef real* ep = after(xq)
    cdef real* eq = after(ep)
    cdef real offset_low[TILE]
    cdef real factor[TILE]
    cdef real low_p[TILE]
    cdef real low_q[TILE]
    cdef exp_rows p, q
    cdef bint masked = False
    cdef Py_ssize_t lane
    cdef coming next_p, next_q
    next_p = load_tile(&t.p, rows.p, t.c, xp)
    next_q = load_tile(&t.q, rows.q, t.c, xq)
    if not symmetric:
        masked = seems_masked(xp, t.c) or seems_masked(xq, t.c)
    exp_rows_of(xp, t.c, &next_p, ep, &p)
    exp_rows_of(xq, t.c, &next_q, eq, &q)
    offsets(&p, &q, offset, <real*>offset_low, <real*>factor)
    if symmetric or not masked:
        term_tile(xp, xq, ep, eq, t.c, <const real*>low_p, <const real*>low_q,
                  offset, <const real*>offset_low, <const real*>factor, total,
                  moments, symmetric, False)
    if not symmetric and (masked or not is_number(total, <const real*>xp)):
        if not masked:
            exp_rows_of(xp, t.c, &next_p, ep, &p)
        lows_of(xp, xq, t.c, &p, &q, <real*>low_p, <real*>low_q)
        term_tile(xp, xq, ep, eq, t.c, <const real*>low_p, <const real*>low_q,
                  offset, <const real*>offset_low, <const real*>factor, total,
                  moments, False, True)
        settle_infinite(xp, xq, t.c, total)
    for lane in range(many):
        # A NaN in q beside p = 0 is in the offset.
        total[lane] = total[lane] / p.total[lane] if offset[lane] == offset[lane] else NAN
        moments[lane] /= p.total[lane]


cdef inline void kl_divergence_from_logits(
    const task* t, const tile* rows, real* x, double* made
) noexcept nogil:
    cdef double terms[TILE]
    cdef double moment[TILE]
    cdef real offset[TILE]
    logit_pair_tile(t, rows, x, <double*>terms, <double*>moment, <real*>offset, False)
    kl_of(<const double*>terms, <const double*>moment, <const real*>offset, made, <const real*>x)


cdef inline void js_divergence_from_logits(
    const task* t, const tile* rows, real* x, double* made
) noexcept nogil:
    cdef double terms[TILE]
    cdef double moment[TILE]
    cdef real offset[TILE]
    logit_pair_tile(t, rows, x, <double*>terms, <double*>moment, <real*>offset, True)
    js_of(<const double*>terms, <const double*>moment, <const real*>offset, made, <const real*>x)
