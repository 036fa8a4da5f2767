"""Short rows of weights: what weight_rows.pxd computes, a lane for each row (see tiles.pxd).

NaN in ``made`` gives a row back, see ``end_rows`` in rows.pxd.
"""

from fastdiv.kernels.arithmetic cimport INFINITY, NAN, real
from fastdiv.kernels.coming cimport ask, coming
from fastdiv.kernels.infinite_pairs cimport infinite_rows
from fastdiv.kernels.logarithms cimport binade_of, log_gap, log_ratio, mantissa_of
from fastdiv.kernels.math cimport or_bits, sign_bit
from fastdiv.kernels.scalars cimport log_normal
from fastdiv.kernels.sources cimport element
from fastdiv.kernels.sum_trees cimport FINE, FINEST
from fastdiv.kernels.tasks cimport source, task
from fastdiv.kernels.tile_logs cimport log1p_tile
from fastdiv.kernels.tile_sums cimport tile_sum
from fastdiv.kernels.tiles cimport TILE, abreast, after, any_nan, clear_tile, tile, tile_max
from fastdiv.kernels.turning cimport load_tile
from fastdiv.kernels.weights cimport faint, most, pair_flags


cdef inline void least_of(
    const real* x, Py_ssize_t c, const coming* next, real* low
) noexcept nogil:
    """The least of every row's elements and ``low``."""
    cdef Py_ssize_t many = abreast(x)
    cdef Py_ssize_t j, k, lane
    for j in range(c):
        ask(next, j)
        k = j * many
        for lane in range(many):
            low[lane] = x[k + lane] if x[k + lane] < low[lane] else low[lane]


cdef inline void mass(const task* t, const tile* rows, real* p, double* made) noexcept nogil:
    cdef Py_ssize_t many = abreast(<const real*>p)
    cdef real low[TILE]
    cdef coming next
    cdef bint good
    cdef Py_ssize_t lane
    next = load_tile(&t.p, rows.p, t.c, p)
    clear_tile(<real*>low)
    least_of(<const real*>p, t.c, &next, <real*>low)
    tile_sum(<const real*>p, t.c, made, FINEST)
    for lane in range(many):
        good = (low[lane] >= 0) & (made[lane] < INFINITY)
        made[lane] = made[lane] if good else NAN


cdef inline void anchors(
    const real* m, real* binade, real* mantissa, bint normalize
) noexcept nogil:
    """What log_gap takes for every row's maximum, or for 1 where sums are taken as they stand."""
    cdef Py_ssize_t many = abreast(m)
    cdef real anchor
    cdef Py_ssize_t lane
    for lane in range(many):
        anchor = m[lane] if normalize else <real>1
        binade[lane] = binade_of(anchor)
        mantissa[lane] = mantissa_of(anchor, binade[lane])


cdef inline void gap_results(
    const real* m, const real* ties, const real* bad, const double* gap, const double* rest,
    double* total, double* made, bint targeted, bint normalize,
) noexcept nogil:
    """H(p, q) of every row from its sums, or of q alone, where ``total`` is still to be made."""
    cdef Py_ssize_t many = abreast(m)
    cdef double log_sum[TILE]
    cdef double result, sum_q, tiny = faint(m), top = most(m)
    cdef bint good, alone
    cdef Py_ssize_t lane
    for lane in range(many):
        sum_q = m[lane] * <double>ties[lane] + rest[lane]
        if not targeted:
            total[lane] = sum_q
        good = (bad[lane] == 0) & (total[lane] < top) & (sum_q < top)
        made[lane] = gap[lane] if good & (abs(gap[lane]) < INFINITY) else NAN
    if not normalize:
        for lane in range(many):
            good = (abs(made[lane]) > tiny) | (made[lane] == 0)
            made[lane] = made[lane] if good else NAN
        return
    for lane in range(many):
        log_sum[lane] = ties[lane] - 1.0 + rest[lane] / m[lane]
    log1p_tile(<double*>log_sum, NULL, m)
    for lane in range(many):
        result = made[lane] / total[lane] + log_sum[lane]
        good = (total[lane] > tiny) & (m[lane] > tiny)
        # Of one class alone 0 is exact; any other may be a product that has vanished.
        alone = (gap[lane] == 0) & (rest[lane] == 0) & (ties[lane] == 1)
        made[lane] = result if good & (alone | (result * total[lane] > tiny)) else NAN


cdef inline void gap_tile(
    const real* p, real* q, Py_ssize_t c, const coming* next_p, const coming* next_q, real* gaps,
    double* made, bint targeted, bint normalize,
) noexcept nogil:
    """H(p, q), or with q for p H(q); q is used up. See weight_gaps.pxd."""
    cdef Py_ssize_t many = abreast(p)
    cdef real m[TILE]
    cdef real binade[TILE]
    cdef real mantissa[TILE]
    cdef real ties[TILE]
    cdef real signs[TILE]
    cdef real bad[TILE]
    cdef double gap[TILE]
    cdef double rest[TILE]
    cdef double total[TILE]
    cdef real a, f, fraction = 0, steps = 0
    cdef Py_ssize_t j, k, lane
    tile_max(<const real*>q, c, <real*>m)
    anchors(<const real*>m, <real*>binade, <real*>mantissa, normalize)
    clear_tile(<real*>ties)
    clear_tile(<real*>signs)
    for j in range(c):
        ask(next_q, j)
        if targeted:
            ask(next_p, j)
        k = j * many
        for lane in range(many):
            a = q[k + lane]
            f = log_ratio(a, binade[lane], &fraction, &steps)
            f = log_gap(fraction, f, steps, mantissa[lane])
            gaps[k + lane] = (p[k + lane] if targeted else a) * f
            f = pair_flags(p[k + lane], a, <real>1, False, False) if targeted else a
            signs[lane] = or_bits(signs[lane], f)
            ties[lane] += <real>1 if a >= m[lane] else <real>0
            q[k + lane] = <real>0 if a >= m[lane] else a
    # A step in float may make half a unit more of each: of two sums there is room for that, of
    # three not (cross-entropy would be 2.99 ulp off, of 3).
    tile_sum(<const real*>gaps, c, <double*>gap, FINEST if targeted else FINE)
    tile_sum(<const real*>q, c, <double*>rest, FINEST if targeted else FINE)
    if targeted:
        tile_sum(p, c, <double*>total, FINEST)
    for lane in range(many):
        bad[lane] = <real>1 if sign_bit(signs[lane]) else <real>0
    gap_results(<const real*>m, <const real*>ties, <const real*>bad, <const double*>gap,
                <const double*>rest, <double*>total, made, targeted, normalize)


cdef inline void entropy(const task* t, const tile* rows, real* p, double* made) noexcept nogil:
    cdef coming next
    next = load_tile(&t.p, rows.p, t.c, p)
    gap_tile(<const real*>p, p, t.c, &next, &next, after(p), made, False, t.normalize)


cdef inline void cross_entropy(
    const task* t, const tile* rows, real* p, double* made
) noexcept nogil:
    cdef coming next_p, next_q
    next_p = load_tile(&t.p, rows.p, t.c, p)
    next_q = load_tile(&t.q, rows.q, t.c, after(p))
    gap_tile(<const real*>p, after(p), t.c, &next_p, &next_q, after(after(p)), made, True,
             t.normalize)
    if any_nan(made, abreast(<const real*>p)):
        # q was used up.
        load_tile(&t.q, rows.q, t.c, after(p))
        infinite_rows(<const real*>p, <const real*>after(p), t.c, made)


cdef inline void infinite_labels(
    const task* t, const tile* rows, const real* low, const double* others, double* made
) noexcept nogil:
    """Infinity for rows without a result that have no weight at their label."""
    cdef source row = t.q
    cdef bint some
    cdef Py_ssize_t r
    for r in range(rows.rows):
        row.data = rows.q[r]
        # Of nothing but zeros no distribution is made.
        some = others[r] > 0 or not t.normalize
        if made[r] != made[r] and some and low[r] >= 0 and others[r] < INFINITY:
            made[r] = INFINITY if element(&row, rows.label[r], <real>0) == 0 else NAN


cdef inline void cross_entropy_label(
    const task* t, const tile* rows, real* q, double* made
) noexcept nogil:
    cdef Py_ssize_t many = abreast(<const real*>q)
    cdef real low[TILE]
    cdef double at_label[TILE]
    cdef double others[TILE]
    cdef double tiny = faint(<const real*>q)
    cdef coming next
    cdef bint good
    cdef Py_ssize_t lane
    next = load_tile(&t.q, rows.q, t.c, q)
    for lane in range(many):
        at_label[lane] = q[rows.label[lane] * many + lane]
        q[rows.label[lane] * many + lane] = 0
    clear_tile(<real*>low)
    least_of(<const real*>q, t.c, &next, <real*>low)
    tile_sum(<const real*>q, t.c, <double*>others, FINEST)
    for lane in range(many):
        good = (low[lane] >= 0) & (at_label[lane] > tiny) & (at_label[lane] < INFINITY)
        good = good & (others[lane] < INFINITY)
        at_label[lane] = at_label[lane] if good else NAN
    if t.normalize:
        for lane in range(many):
            # Quotients beyond the largest number are for the careful function.
            made[lane] = others[lane] / at_label[lane]
            made[lane] = made[lane] if made[lane] < INFINITY else NAN
        log1p_tile(made, NULL, <const real*>q)
    else:
        for lane in range(many):
            made[lane] = -log_normal(at_label[lane])
            made[lane] = made[lane] if at_label[lane] > 0 else NAN
    if any_nan(made, many):
        infinite_labels(t, rows, <const real*>low, <const double*>others, made)
