"""Short rows of weights: what weight_rows.pxd computes, a lane for each row (see tiles.pxd).

NaN in ``made`` gives a row to its row function. Rows are normalised; sums as they stand are not
computed here.
"""

from fastdiv.kernels.arithmetic cimport INFINITY, NAN, real
from fastdiv.kernels.math cimport (
    log_gap, log_ratio, mantissa_of, or_bits, origin_of, phi_ratio, phi_series, sign_bit, unit_of,
)
from fastdiv.kernels.scalars cimport log1p_excess_small, log1p_lane
from fastdiv.kernels.sources cimport task
from fastdiv.kernels.tiles cimport (
    OPERAND, TILE, abreast, ask, clear_tile, coming, coming_after, tile, tile_max, tile_sum,
)
from fastdiv.kernels.turning cimport load_tile
from fastdiv.kernels.weight_pairs cimport difference, inspect
from fastdiv.kernels.weight_rows cimport js_of, kl_of
from fastdiv.kernels.weights cimport faint, least_normal, most


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
    cdef coming next = coming_after(&t.p, rows.p, t.c, abreast(<const real*>p))
    cdef bint good
    cdef Py_ssize_t lane
    load_tile(&t.p, rows.p, rows.p_end, t.c, p)
    clear_tile(<real*>low)
    least_of(<const real*>p, t.c, &next, <real*>low)
    tile_sum(<const real*>p, t.c, made)
    for lane in range(many):
        good = (low[lane] >= 0) & (made[lane] < INFINITY)
        made[lane] = made[lane] if good else NAN


cdef inline void anchors(
    const real* m, real* origin, real* unit, real* mantissa
) noexcept nogil:
    """What log_gap takes for every row's maximum."""
    cdef Py_ssize_t many = abreast(m)
    cdef Py_ssize_t lane
    for lane in range(many):
        origin[lane] = origin_of(m[lane])
        unit[lane] = unit_of(origin[lane])
        mantissa[lane] = mantissa_of(m[lane], origin[lane], unit[lane])


cdef inline void gap_results(
    const real* m, const real* ties, const real* bad, const double* gap, const double* rest,
    double* total, double* made, bint targeted,
) noexcept nogil:
    """H(p, q) of every row from its sums, or of q alone, where ``total`` is still to be made."""
    cdef Py_ssize_t many = abreast(m)
    cdef double result, sum_q, tiny = faint(m), top = most(m)
    cdef bint good, alone
    cdef Py_ssize_t lane
    for lane in range(many):
        sum_q = m[lane] * <double>ties[lane] + rest[lane]
        if not targeted:
            total[lane] = sum_q
        result = gap[lane] / total[lane] + log1p_lane(ties[lane] - 1.0 + rest[lane] / m[lane])
        good = (bad[lane] == 0) & (total[lane] > tiny) & (m[lane] > tiny)
        good = good & (total[lane] < top) & (sum_q < top)
        # Of one class alone 0 is exact; any other may be a product that has vanished.
        alone = (gap[lane] == 0) & (rest[lane] == 0) & (ties[lane] == 1)
        made[lane] = result if good & (alone | (result * total[lane] > tiny)) else NAN


cdef inline void gap_tile(
    const real* p, real* q, Py_ssize_t c, const coming* next_p, const coming* next_q, real* gaps,
    double* made, bint targeted,
) noexcept nogil:
    """H(p, q), or with q for p H(q); q is used up. See weight_gaps.pxd."""
    cdef Py_ssize_t many = abreast(p)
    cdef real m[TILE]
    cdef real origin[TILE]
    cdef real unit[TILE]
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
    anchors(<const real*>m, <real*>origin, <real*>unit, <real*>mantissa)
    clear_tile(<real*>ties)
    clear_tile(<real*>signs)
    for j in range(c):
        ask(next_q, j)
        if targeted:
            ask(next_p, j)
        k = j * many
        for lane in range(many):
            a = q[k + lane]
            f = log_ratio(a, origin[lane], unit[lane], &fraction, &steps)
            f = log_gap(fraction, f, steps, mantissa[lane])
            gaps[k + lane] = (p[k + lane] if targeted else a) * f
            signs[lane] = or_bits(signs[lane], a)
            if targeted:
                # Weight on a q that is 0 or about subnormal is as bad as a negative weight.
                f = <real>0 - p[k + lane] if a < 4 * least_normal(p) else <real>0
                signs[lane] = or_bits(or_bits(signs[lane], f), p[k + lane])
            ties[lane] += <real>1 if a >= m[lane] else <real>0
            q[k + lane] = <real>0 if a >= m[lane] else a
    tile_sum(<const real*>gaps, c, <double*>gap)
    tile_sum(<const real*>q, c, <double*>rest)
    if targeted:
        tile_sum(p, c, <double*>total)
    for lane in range(many):
        bad[lane] = <real>1 if sign_bit(signs[lane]) else <real>0
    gap_results(<const real*>m, <const real*>ties, <const real*>bad, <const double*>gap,
                <const double*>rest, <double*>total, made, targeted)


cdef inline void entropy(const task* t, const tile* rows, real* p, double* made) noexcept nogil:
    cdef coming next = coming_after(&t.p, rows.p, t.c, abreast(<const real*>p))
    load_tile(&t.p, rows.p, rows.p_end, t.c, p)
    gap_tile(<const real*>p, p, t.c, &next, &next, p + OPERAND, made, False)


cdef inline void cross_entropy(
    const task* t, const tile* rows, real* p, double* made
) noexcept nogil:
    cdef coming next_p = coming_after(&t.p, rows.p, t.c, abreast(<const real*>p))
    cdef coming next_q = coming_after(&t.q, rows.q, t.c, abreast(<const real*>p))
    load_tile(&t.p, rows.p, rows.p_end, t.c, p)
    load_tile(&t.q, rows.q, rows.q_end, t.c, p + OPERAND)
    gap_tile(<const real*>p, p + OPERAND, t.c, &next_p, &next_q, p + 2 * OPERAND, made, True)


cdef inline void cross_entropy_label(
    const task* t, const tile* rows, real* q, double* made
) noexcept nogil:
    cdef Py_ssize_t many = abreast(<const real*>q)
    cdef real low[TILE]
    cdef double at_label[TILE]
    cdef double others[TILE]
    cdef double tiny = faint(<const real*>q)
    cdef coming next = coming_after(&t.q, rows.q, t.c, abreast(<const real*>q))
    cdef bint good
    cdef Py_ssize_t lane
    load_tile(&t.q, rows.q, rows.q_end, t.c, q)
    for lane in range(many):
        at_label[lane] = q[rows.label[lane] * many + lane]
        q[rows.label[lane] * many + lane] = 0
    clear_tile(<real*>low)
    least_of(<const real*>q, t.c, &next, <real*>low)
    tile_sum(<const real*>q, t.c, <double*>others)
    for lane in range(many):
        good = (low[lane] >= 0) & (at_label[lane] > tiny) & (at_label[lane] < INFINITY)
        good = good & (others[lane] < INFINITY)
        made[lane] = log1p_lane(others[lane] / at_label[lane])
        made[lane] = made[lane] if good else NAN


# ----------------------------------------------------------------------------------- two rows

cdef inline void pair_results(
    const real* bad, const double* phi, const double* phi_q, const double* delta,
    const double* mass, real* factor, double* made, bint symmetric,
) noexcept nogil:
    """KL or Jensen-Shannon of every row from its sums; in ``factor`` what makes the sums equal."""
    cdef Py_ssize_t many = abreast(bad)
    cdef double e, excess, result, top = most(bad)
    cdef bint good
    cdef Py_ssize_t lane
    for lane in range(many):
        e = -delta[lane] / mass[lane]
        if symmetric:
            result = js_of(phi[lane], phi_q[lane], e, mass[lane], bad)
        else:
            excess = log1p_excess_small(e)
            result = kl_of(phi[lane], e, excess, mass[lane], bad)
        # No weight is above the sum of its row.
        good = (bad[lane] == 0) & (mass[lane] < top) & (mass[lane] - delta[lane] < top)
        made[lane] = result if good & (phi[lane] < INFINITY) else NAN
        factor[lane] = <real>(mass[lane] / (mass[lane] - delta[lane]))


cdef inline void pair_pass(
    const real* p, const real* q, real* factor, Py_ssize_t c, const coming* next_p,
    const coming* next_q, real* phi, double* made, bint symmetric, bint scaled,
) noexcept nogil:
    """KL or Jensen-Shannon of p and q, or if ``scaled`` factor * q, see weight_pairs.pxd. In
    ``factor`` comes what makes the sums equal."""
    cdef Py_ssize_t many = abreast(p)
    cdef real delta[TILE]
    cdef real phi_q[TILE]
    cdef real signs[TILE]
    cdef real bad[TILE]
    cdef double mass[TILE]
    cdef double total[TILE]
    cdef double deltas[TILE]
    cdef double phi_qs[TILE]
    cdef real a, b, d, f, m, one, other, steps = 0
    cdef Py_ssize_t j, k, lane
    clear_tile(<real*>delta)
    clear_tile(<real*>phi_q)
    clear_tile(<real*>signs)
    for j in range(c):
        ask(next_p, j)
        ask(next_q, j)
        k = j * many
        for lane in range(many):
            a = p[k + lane]
            b = q[k + lane]
            d = difference(a, b, factor[lane], scaled)
            delta[lane] += d
            if symmetric:
                b = factor[lane] * b if scaled else b
                d = d * <real>0.5
                m = (a + b) * <real>0.5
                f = phi_ratio(b, m, -d, <real>1, False, False, &steps)
                other = phi_series(b, -d, f, steps)
                f = phi_ratio(a, m, d, <real>1, False, False, &steps)
                one = phi_series(a, d, f, steps)
                phi[k + lane] = one + other
                phi_q[lane] += other
                f = <real>0 - (a + b) if m < 4 * least_normal(p) else <real>0
            else:
                f = phi_ratio(a, b, <real>0, factor[lane], True, scaled, &steps)
                phi[k + lane] = phi_series(a, d, f, steps)
                b = factor[lane] * b if scaled else b
                # Weight on a q that is 0 or about subnormal is as bad as a negative weight.
                f = <real>0 - a if b < 4 * least_normal(p) else <real>0
            signs[lane] = or_bits(or_bits(signs[lane], f), or_bits(a, b))
    tile_sum(<const real*>phi, c, <double*>total)
    tile_sum(p, c, <double*>mass)
    for lane in range(many):
        bad[lane] = <real>1 if sign_bit(signs[lane]) else <real>0
        deltas[lane] = delta[lane]
        phi_qs[lane] = phi_q[lane]
    pair_results(<const real*>bad, <const double*>total, <const double*>phi_qs,
                 <const double*>deltas, <const double*>mass, factor, made, symmetric)


cdef inline void infinite_rows(
    const real* p, const real* q, Py_ssize_t c, double* made
) noexcept nogil:
    """Infinity for rows without a result that is_infinite in weight_pairs.pxd."""
    cdef Py_ssize_t many = abreast(p)
    cdef real worst[TILE]
    cdef real top[TILE]
    cdef real lost[TILE]
    cdef bint found
    cdef Py_ssize_t j, k, lane
    clear_tile(<real*>worst)
    clear_tile(<real*>top)
    clear_tile(<real*>lost)
    for j in range(c):
        k = j * many
        for lane in range(many):
            inspect(p[k + lane], q[k + lane], &worst[lane], &top[lane], &lost[lane])
    for lane in range(many):
        found = (worst[lane] == 0) & (top[lane] > 0) & (lost[lane] > 0)
        made[lane] = INFINITY if found & (made[lane] != made[lane]) else made[lane]


cdef inline void pair_tile(
    const task* t, const tile* rows, real* p, double* made, bint symmetric
) noexcept nogil:
    """KL or Jensen-Shannon; a second time where the sums of a row's operands differ."""
    cdef Py_ssize_t many = abreast(<const real*>p)
    cdef real* q = p + OPERAND
    cdef real* phi = q + OPERAND
    cdef real factor[TILE]
    cdef double again[TILE]
    cdef coming next_p = coming_after(&t.p, rows.p, t.c, abreast(<const real*>p))
    cdef coming next_q = coming_after(&t.q, rows.q, t.c, abreast(<const real*>p))
    cdef bint missing = False
    cdef Py_ssize_t lane
    load_tile(&t.p, rows.p, rows.p_end, t.c, p)
    load_tile(&t.q, rows.q, rows.q_end, t.c, q)
    pair_pass(<const real*>p, <const real*>q, <real*>factor, t.c, &next_p, &next_q, phi, made,
              symmetric, False)
    for lane in range(many):
        missing = missing | (made[lane] != made[lane])
    if missing:
        pair_pass(<const real*>p, <const real*>q, <real*>factor, t.c, &next_p, &next_q, phi,
                  <double*>again, symmetric, True)
        for lane in range(many):
            made[lane] = made[lane] if made[lane] == made[lane] else again[lane]
    if missing and not symmetric:
        infinite_rows(<const real*>p, <const real*>q, t.c, made)


cdef inline void kl_divergence(
    const task* t, const tile* rows, real* p, double* made
) noexcept nogil:
    pair_tile(t, rows, p, made, False)


cdef inline void js_divergence(
    const task* t, const tile* rows, real* p, double* made
) noexcept nogil:
    pair_tile(t, rows, p, made, True)
