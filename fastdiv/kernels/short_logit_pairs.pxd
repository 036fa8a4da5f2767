"""Two short rows of logits: Kullback-Leibler and Jensen-Shannon, a lane for each pair.

What logit_pairs.pxd computes, with exponentials that are taken once. NaN in ``made`` gives a pair
to its row function.
"""

from fastdiv.kernels.arithmetic cimport INFINITY, LN2_HI, NAN, real
from fastdiv.kernels.coming cimport ask, coming, coming_after
from fastdiv.kernels.logit_pairs cimport logit_gap, pair_term
from fastdiv.kernels.math cimport exp_lane
from fastdiv.kernels.scalars cimport log1p_excess_small, log1p_lane
from fastdiv.kernels.short_logits cimport references
from fastdiv.kernels.sources cimport task
from fastdiv.kernels.tiles cimport TILE, abreast, after, clear_tile, tile, tile_max, tile_sum
from fastdiv.kernels.turning cimport load_tile
from fastdiv.kernels.weights cimport unit


cdef inline void exp_lanes(
    const real* x, Py_ssize_t c, const coming* next, real* e, real* m, real* top, double* rest
) noexcept nogil:
    """exp(x - reference), 0 where x = m, and what it is there; the sum of exp(x - m), less 1."""
    cdef Py_ssize_t many = abreast(x)
    cdef real low[TILE]
    cdef real bias[TILE]
    cdef real ties[TILE]
    cdef double power[TILE]
    cdef real a
    cdef Py_ssize_t j, k, lane
    tile_max(x, c, m)
    references(<const real*>m, <real*>low, <real*>bias, <double*>power, NULL)
    clear_tile(<real*>ties)
    for lane in range(many):
        top[lane] = exp_lane(m[lane], <real>0, low[lane], bias[lane], False)
    for j in range(c):
        ask(next, j)
        k = j * many
        for lane in range(many):
            a = exp_lane(x[k + lane], <real>0, low[lane], bias[lane], False)
            # not (x >= m) lets NaN through to the sum.
            e[k + lane] = <real>0 if x[k + lane] >= m[lane] else a
            ties[lane] += <real>1 if x[k + lane] >= m[lane] else <real>0
    tile_sum(<const real*>e, c, rest)
    for lane in range(many):
        rest[lane] = (ties[lane] - 1.0) + rest[lane] / top[lane]


cdef inline void check_infinite(
    const real* xp, const real* xq, Py_ssize_t c, double* total
) noexcept nogil:
    """NaN for an infinite sum of a pair of which q masks nothing that p does not: the product of an
    exponential and a large difference has overflowed."""
    cdef Py_ssize_t many = abreast(xp), j, k, lane
    cdef bint masked, found = False
    for lane in range(many):
        found = found | (total[lane] == INFINITY)
    for lane in range(many if found else 0):
        if total[lane] == INFINITY:
            masked = False
            for j in range(c):
                k = j * many + lane
                masked = masked | ((xq[k] == -INFINITY) & (xp[k] > -INFINITY))
            total[lane] = INFINITY if masked else NAN


cdef inline void logit_pair_tile(
    const task* t, const tile* rows, real* xp, double* total, double* moments, bint symmetric
) noexcept nogil:
    """The terms of both divergences and their moments, see logit_pairs.pxd.

    They are summed in p's own unit, so that the exponentials of p are rounded no more.
    """
    cdef Py_ssize_t many = abreast(<const real*>xp)
    cdef real* xq = after(xp)
    cdef real* ep = after(xq)
    cdef real* eq = after(ep)
    cdef real m_p[TILE]
    cdef real m_q[TILE]
    cdef real top_p[TILE]
    cdef real top_q[TILE]
    cdef real factor_q[TILE]
    cdef double sum_p[TILE]
    cdef real offset[TILE]
    cdef real offset_low[TILE]
    cdef real moment[TILE]
    cdef real made[TILE]
    cdef double rest_p[TILE]
    cdef double rest_q[TILE]
    cdef double difference, part, error, ratio, limit = 65536.0 if real is float else 4294967296.0
    cdef double more, less
    cdef real p, q, d
    cdef Py_ssize_t j, k, lane
    cdef coming next_p = coming_after(&t.p, rows.p, t.c, many)
    cdef coming next_q = coming_after(&t.q, rows.q, t.c, many)
    load_tile(&t.p, rows.p, t.c, xp)
    load_tile(&t.q, rows.q, t.c, xq)
    exp_lanes(xp, t.c, &next_p, ep, <real*>m_p, <real*>top_p, <double*>rest_p)
    exp_lanes(xq, t.c, &next_q, eq, <real*>m_q, <real*>top_q, <double*>rest_q)
    clear_tile(<real*>moment)
    for lane in range(many):
        difference = <double>m_p[lane] - <double>m_q[lane]
        part = difference - m_p[lane]
        error = (m_p[lane] - (difference - part)) - (m_q[lane] + part)
        more = rest_p[lane] if rest_p[lane] > rest_q[lane] else rest_q[lane]
        less = rest_q[lane] if rest_p[lane] > rest_q[lane] else rest_p[lane]
        ratio = log1p_lane((more - less) / (1 + less))
        error += ratio if rest_p[lane] > rest_q[lane] else -ratio
        error = error if (abs(m_p[lane]) < limit) & (abs(m_q[lane]) < limit) else NAN
        offset[lane] = <real>(difference + error)
        offset_low[lane] = <real>((difference - offset[lane]) + error)
        sum_p[lane] = top_p[lane] * (1 + rest_p[lane])
        factor_q[lane] = <real>(sum_p[lane] / (top_q[lane] * (1 + rest_q[lane])))
        top_q[lane] *= factor_q[lane]
    for j in range(t.c):
        k = j * many
        for lane in range(many):
            p = top_p[lane] if xp[k + lane] >= m_p[lane] else ep[k + lane]
            q = top_q[lane] if xq[k + lane] >= m_q[lane] else eq[k + lane] * factor_q[lane]
            d = logit_gap(xp[k + lane], xq[k + lane], offset[lane], offset_low[lane], True)
            made[lane] = pair_term(
                d, p, q, &moment[lane], symmetric, True,
                (xq[k + lane] == -INFINITY) & (xp[k + lane] > -INFINITY))
        # Through an array that nothing else is in, as in exp_terms.
        for lane in range(many):
            ep[k + lane] = made[lane]
    tile_sum(<const real*>ep, t.c, total)
    if not symmetric:
        check_infinite(<const real*>xp, <const real*>xq, t.c, total)
    for lane in range(many):
        # A NaN in q beside p = 0 is in the offset.
        error = offset[lane]
        total[lane] = total[lane] / sum_p[lane] if error == error else NAN
        moments[lane] = moment[lane] / sum_p[lane]


cdef inline void kl_of(
    const double* terms, const double* moment, double* made, const real* like
) noexcept nogil:
    cdef double excess, least = 2.0 ** -100 if real is float else 0.0
    cdef bint good
    cdef Py_ssize_t lane
    for lane in range(abreast(like)):
        excess = log1p_excess_small(moment[lane])
        made[lane] = terms[lane] - excess
        # Less, and the moment is an error of the offset, see offset_error.
        good = (excess <= 2.0 ** -6 * terms[lane]) & (made[lane] >= least)
        good = good | (terms[lane] == 0) & (excess == 0)
        made[lane] = made[lane] if good else NAN


cdef inline void js_of(
    const double* terms, const double* moment, double* made, const real* like
) noexcept nogil:
    cdef double js, y, ln2 = LN2_HI, u = unit(like)
    cdef bint good
    cdef Py_ssize_t lane
    for lane in range(abreast(like)):
        js = terms[lane]
        y = 0.125 * moment[lane] * moment[lane]
        good = (y <= 2.0 ** -6 * js) | (js >= 2.0 ** -20)
        js = js - y if js < 8 * u else js
        js = ln2 if js > ln2 else js
        made[lane] = js if good & (js >= 0) else NAN


cdef inline void kl_divergence_from_logits(
    const task* t, const tile* rows, real* x, double* made
) noexcept nogil:
    cdef double terms[TILE]
    cdef double moment[TILE]
    logit_pair_tile(t, rows, x, <double*>terms, <double*>moment, False)
    kl_of(<const double*>terms, <const double*>moment, made, <const real*>x)


cdef inline void js_divergence_from_logits(
    const task* t, const tile* rows, real* x, double* made
) noexcept nogil:
    cdef double terms[TILE]
    cdef double moment[TILE]
    logit_pair_tile(t, rows, x, <double*>terms, <double*>moment, True)
    js_of(<const double*>terms, <const double*>moment, made, <const real*>x)
