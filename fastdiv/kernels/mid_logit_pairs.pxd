"""Two rows of one block of logits: Kullback-Leibler and Jensen-Shannon, several pairs at once.

What logit_pairs.pxd computes, with exponentials that are taken once and kept. As in mid_logits.pxd
each step is taken for all pairs of a tile before the next, what is done once a pair with a lane for
each: maxima, exponentials and their sums, offsets, terms.

NaN in ``made`` gives a pair back, see ``end_rows`` in rows.pxd.
"""

from fastdiv.kernels.arithmetic cimport INFINITY, NAN, PADDING, real
from fastdiv.kernels.block_rows cimport again, fetch_rows, room_of
from fastdiv.kernels.coming cimport next_tile
from fastdiv.kernels.compare_terms cimport logit_gap
from fastdiv.kernels.exp_sums cimport exp_and_sum
from fastdiv.kernels.lanes cimport MAX_BLOCK, MAX_LANES, clear, lanes, whole_sets
from fastdiv.kernels.logit_gaps cimport is_masked, unmask
from fastdiv.kernels.logit_pair_results cimport js_of, kl_of
from fastdiv.kernels.logit_pair_terms cimport pair_term
from fastdiv.kernels.pair_offsets cimport begin_rows, exp_rows, offsets
from fastdiv.kernels.sources cimport tail_of
from fastdiv.kernels.sum_trees cimport FINE
from fastdiv.kernels.sums cimport block_sum, lane_sum
from fastdiv.kernels.tasks cimport source, task
from fastdiv.kernels.tiles cimport TILE, abreast, tile


cdef inline void keep_exps(
    const source* row, const char* const* start, Py_ssize_t n, Py_ssize_t c, real* scratch,
    const real** x, exp_rows* s,
) noexcept nogil:
    """exp(x - reference) of every row, in the room of each, and the sums."""
    cdef Py_ssize_t many = abreast(<const real*>scratch)
    cdef real m[TILE]
    cdef real low[TILE]
    cdef real rounder[TILE]
    cdef real* e
    cdef const real* tail
    cdef double ties
    cdef Py_ssize_t r
    # The differences of padding are to be finite.
    fetch_rows(row, start, n, c, scratch, <real>PADDING, x, <real*>m, NULL, NULL)
    begin_rows(<const real*>m, <real*>low, <real*>rounder, s)
    for r in range(n):
        e = room_of(scratch, r)
        tail = tail_of(<const real*>e)
        s.total[r] = exp_and_sum(
            x[r], c, tail, <const real*>(start[r] + next_tile(start, many)), True, m[r], <real>0,
            low[r], rounder[r], e, True, &ties, False, False, NULL, FINE, <real*>NULL)


cdef inline void gap_set(
    const real* x, const real* y, real low_p, real low_q, real offset, real offset_low, real* d,
    Py_ssize_t width, bint masked,
) noexcept nogil:
    """d of ``width`` lanes."""
    cdef real a, b
    cdef Py_ssize_t lane
    for lane in range(width):
        a, b = x[lane], y[lane]
        if masked:
            unmask(&a, &b, low_p, low_q)
        d[lane] = logit_gap(a, b, offset, offset_low, False)


cdef inline void term_set(
    const real* d, const real* ep, const real* eq, real factor, real* made, real* moments,
    Py_ssize_t width, bint symmetric,
) noexcept nogil:
    """The terms of ``width`` lanes."""
    cdef Py_ssize_t lane
    for lane in range(width):
        made[lane] = pair_term(
            d[lane], ep[lane], eq[lane] * factor, &moments[lane], symmetric, False, False)


cdef inline double term_sum(
    const real* xp, const real* xq, const real* ep, const real* eq, Py_ssize_t n,
    real low_p, real low_q, real offset, real offset_low, real factor, double* moment,
    bint symmetric, bint masked,
) noexcept nogil:
    """The sum of a pair's terms, and their moment; NaN of infinite ones not ``masked``."""
    cdef real made[MAX_BLOCK]
    cdef real moments[MAX_LANES]
    cdef real gaps[MAX_BLOCK]
    cdef const real* p_tail = tail_of(ep)
    cdef const real* q_tail = tail_of(eq)
    cdef Py_ssize_t width = lanes(xp), half = width // 2, whole = n - n % width, k = 0
    # Of the tail half a set will often do.
    cdef bint more = n - whole > half
    clear(<real*>moments)
    if whole < n:
        clear(<real*>made + whole)
        gap_set(p_tail, q_tail, low_p, low_q, offset, offset_low, <real*>gaps + whole, half, masked)
    if more:
        gap_set(p_tail + half, q_tail + half, low_p, low_q, offset, offset_low,
                <real*>gaps + whole + half, half, masked)
    # The next set's d beside the terms of one: half as long a chain
    # (KL of 1000 classes: 1.75 > 1.86 Gel/s).
    gap_set(xp, xq, low_p, low_q, offset, offset_low, <real*>gaps, width, masked)
    while k < whole:
        if k + width < whole:
            gap_set(xp + k + width, xq + k + width, low_p, low_q, offset, offset_low,
                    <real*>gaps + k + width, width, masked)
        term_set(<const real*>gaps + k, ep + k, eq + k, factor, <real*>made + k, <real*>moments,
                 width, symmetric)
        k += width
    if whole < n:
        term_set(<const real*>gaps + k, ep + k, eq + k, factor, <real*>made + k, <real*>moments,
                 half, symmetric)
    if more:
        k += half
        term_set(<const real*>gaps + k, ep + k, eq + k, factor, <real*>made + k,
                 <real*>moments + half, half, symmetric)
    # Of second order in the result: a plain chain will do.
    moment[0] = lane_sum(<const real*>moments)
    return block_sum(<const real*>made, whole_sets(xp, n), p_tail, FINE)


cdef inline void pair_rows(
    const task* t, const tile* rows, real* scratch, double* total, double* moments, real* offset,
    bint symmetric,
) noexcept nogil:
    """The terms of both divergences, their moments and the offsets, see logit_pairs.pxd."""
    cdef Py_ssize_t many = abreast(<const real*>scratch)
    cdef real offset_low[TILE]
    cdef real factor[TILE]
    cdef const real* xp[TILE]
    cdef const real* xq[TILE]
    cdef const real* x
    cdef const real* y
    cdef const real* ep
    cdef const real* eq
    cdef real* second = room_of(scratch, many)
    cdef real* room_p = room_of(scratch, 2 * many)
    cdef real* room_q = room_of(room_p, 1)
    cdef exp_rows p, q
    cdef bint masks
    cdef Py_ssize_t r, c = t.c
    keep_exps(&t.p, rows.p, rows.rows, c, scratch, <const real**>xp, &p)
    keep_exps(&t.q, rows.q, rows.rows, c, second, <const real**>xq, &q)
    offsets(&p, &q, offset, <real*>offset_low, <real*>factor)
    for r in range(many):
        total[r] = moments[r] = 0
    for r in range(rows.rows):
        ep = room_of(scratch, r)
        eq = room_of(second, r)
        x = again(&t.p, rows.p[r], c, xp[r], ep, room_p)
        y = again(&t.q, rows.q[r], c, xq[r], eq, room_q)
        total[r] = term_sum(
            x, y, ep, eq, c, <real>p.low[r], <real>q.low[r], offset[r], offset_low[r], factor[r],
            &moments[r], symmetric, False)
        masks = total[r] != total[r]
        if masks:
            total[r] = term_sum(
                x, y, ep, eq, c, <real>p.low[r], <real>q.low[r], offset[r], offset_low[r],
                factor[r], &moments[r], symmetric, True)
        if not symmetric and (masks or total[r] == INFINITY):
            if is_masked(x, y, c, tail_of(ep), tail_of(eq)):
                # Any weight at all.
                total[r] = INFINITY
            elif total[r] == INFINITY:
                # The product of an exponential and a large difference has overflowed.
                total[r] = NAN
    for r in range(many):
        # A NaN in q beside p = 0 is in the offset.
        total[r] = total[r] / p.total[r] if offset[r] == offset[r] else NAN
        moments[r] /= p.total[r]


cdef inline void kl_divergence_from_logits(
    const task* t, const tile* rows, real* scratch, double* made
) noexcept nogil:
    cdef double terms[TILE]
    cdef double moment[TILE]
    cdef real offset[TILE]
    pair_rows(t, rows, scratch, <double*>terms, <double*>moment, <real*>offset, False)
    kl_of(<const double*>terms, <const double*>moment, <const real*>offset, made,
          <const real*>scratch)


cdef inline void js_divergence_from_logits(
    const task* t, const tile* rows, real* scratch, double* made
) noexcept nogil:
    cdef double terms[TILE]
    cdef double moment[TILE]
    cdef real offset[TILE]
    pair_rows(t, rows, scratch, <double*>terms, <double*>moment, <real*>offset, True)
    js_of(<const double*>terms, <const double*>moment, <const real*>offset, made,
          <const real*>scratch)
