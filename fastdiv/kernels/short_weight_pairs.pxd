"""Short rows of two sets of weights: Kullback-Leibler and Jensen-Shannon, a lane for each pair.

See tiles.pxd and, for the sums, weight_pairs.pxd. NaN in ``made`` gives a pair back, see
``end_rows`` in rows.pxd.
"""

from fastdiv.kernels.arithmetic cimport real
from fastdiv.kernels.coming cimport ask, coming
from fastdiv.kernels.infinite_pairs cimport infinite_rows
from fastdiv.kernels.logarithms cimport are_near, are_near_mean, phi_ratio, phi_series
from fastdiv.kernels.math cimport or_bits, sign_bit
from fastdiv.kernels.sum_trees cimport FINE, FINEST
from fastdiv.kernels.tasks cimport expects_unequal, task
from fastdiv.kernels.tile_sums cimport tile_sum
from fastdiv.kernels.tiles cimport TILE, abreast, after, any_nan, clear_tile, tile
from fastdiv.kernels.turning cimport load_tile
from fastdiv.kernels.weight_pair_results cimport pair_results, plain_results
from fastdiv.kernels.weight_pair_terms cimport difference
from fastdiv.kernels.weight_pairs cimport are_unequal, turned_down
from fastdiv.kernels.weights cimport pair_flags


cdef inline void pair_pass(
    const real* p, const real* q, const real* factor, Py_ssize_t c, const coming* next_p,
    const coming* next_q, real* phi, double* made, bint symmetric, bint scaled, bint plain,
    bint normalize,
) noexcept nogil:
    """KL or Jensen-Shannon of p and q, or if ``scaled`` factor * q, see weight_pairs.pxd. Plain: KL
    of p and q as they stand."""
    cdef Py_ssize_t many = abreast(p)
    cdef real delta[TILE]
    cdef real phi_q[TILE]
    cdef real signs[TILE]
    cdef real ratio[TILE]
    cdef real lead[TILE]
    cdef real rest[TILE]
    cdef real ratio_q[TILE]
    cdef real lead_q[TILE]
    cdef real rest_q[TILE]
    cdef real bad[TILE]
    cdef double mass[TILE]
    cdef double total[TILE]
    cdef double deltas[TILE]
    cdef double phi_qs[TILE]
    cdef double nearby[TILE]
    cdef real* near = after(phi)
    cdef real a, b, d, f
    cdef Py_ssize_t j, k, lane
    cdef bint close
    clear_tile(<real*>delta)
    clear_tile(<real*>phi_q)
    clear_tile(<real*>signs)
    for j in range(c):
        ask(next_p, j)
        ask(next_q, j)
        k = j * many
        # All lanes up to their divisions, then on to their terms: of one loop gcc makes two, for
        # pairs that are near and others, and takes the half of each.
        for lane in range(many):
            a = p[k + lane]
            b = q[k + lane]
            d = difference(a, b, factor[lane], scaled)
            if symmetric:
                near[k + lane] = d
                b = factor[lane] * b if scaled else b
                close = are_near_mean(a, b)
                ratio[lane] = phi_ratio(
                    a + a, a + b, d, <real>1, close, False, False, &lead[lane], &rest[lane])
                ratio_q[lane] = phi_ratio(
                    b + b, a + b, -d, <real>1, close, False, False, &lead_q[lane], &rest_q[lane])
            else:
                delta[lane] += d
                ratio[lane] = phi_ratio(
                    a, b, d, factor[lane], False, scaled, plain, &lead[lane], &rest[lane])
                if plain:
                    # Of p and q that are near each other phi and, exact, p - q; of others
                    # p log(p / q) itself, which may be much less than either.
                    near[k + lane] = d if are_near(a, b) else <real>0
            # q's own sign: of negative weights alone the factor is negative, too.
            f = pair_flags(a, q[k + lane], factor[lane], symmetric, scaled)
            signs[lane] = or_bits(signs[lane], f)
        for lane in range(many):
            a = p[k + lane]
            b = q[k + lane]
            if symmetric:
                b = factor[lane] * b if scaled else b
                f = phi_series(b + b, ratio_q[lane], lead_q[lane], rest_q[lane])
                phi[k + lane] = phi_series(a + a, ratio[lane], lead[lane], rest[lane]) + f
                phi_q[lane] += f
            else:
                phi[k + lane] = phi_series(a, ratio[lane], lead[lane], rest[lane])
    # A step in float may make half a unit more of the result, which Jensen-Shannon, of two terms
    # for each class, has no room for.
    tile_sum(<const real*>phi, c, <double*>total, FINEST if symmetric else FINE)
    tile_sum(p, c, <double*>mass, FINEST if symmetric else FINE)
    for lane in range(many):
        bad[lane] = <real>1 if sign_bit(signs[lane]) else <real>0
        deltas[lane] = delta[lane]
        phi_qs[lane] = 0.5 * phi_q[lane]
    if symmetric:
        # Terms were of 2 p and 2 q against p + q.
        for lane in range(many):
            total[lane] *= 0.5
        # Not in a chain: see sum_terms.
        tile_sum(<const real*>near, c, <double*>deltas, FINEST)
    elif plain:
        tile_sum(<const real*>near, c, <double*>nearby, FINEST)
        for lane in range(many):
            total[lane] += nearby[lane]
    if not normalize:
        plain_results(<const real*>bad, <const double*>total, <const double*>deltas,
                      <const double*>mass, made, symmetric)
        return
    pair_results(<const real*>bad, <const double*>total, <const double*>phi_qs,
                 <const double*>deltas, <const double*>mass, made, symmetric)


cdef inline Py_ssize_t equal_tile(
    const real* p, const real* q, Py_ssize_t c, real* factor, bint* unequal, bint symmetric
) noexcept nogil:
    """In ``factor`` what makes the sums of every row's q those of p, and whether these are far
    apart; in how many rows they are."""
    cdef double of_p[TILE]
    cdef double of_q[TILE]
    cdef double least = turned_down(symmetric, True, <real>0)
    cdef Py_ssize_t lane, found = 0
    tile_sum(p, c, <double*>of_p, FINE)
    tile_sum(q, c, <double*>of_q, FINE)
    for lane in range(abreast(p)):
        factor[lane] = <real>(of_p[lane] / of_q[lane])
        unequal[lane] = are_unequal(of_p[lane], of_q[lane], least)
        found += unequal[lane]
    return found


cdef inline void pair_tile(
    const task* t, const tile* rows, real* p, double* made, bint symmetric
) noexcept nogil:
    """KL or Jensen-Shannon; in another pass where the sums of a row's operands differ, or in that
    one alone, see weight_pairs.pxd."""
    cdef Py_ssize_t many = abreast(<const real*>p), found = 0, lane
    cdef real* q = after(p)
    cdef real* phi = after(q)
    cdef real factor[TILE]
    cdef bint unequal[TILE]
    cdef double again[TILE]
    cdef coming next_p, next_q
    cdef bint expected = expects_unequal(t), missing = True
    next_p = load_tile(&t.p, rows.p, t.c, p)
    next_q = load_tile(&t.q, rows.q, t.c, q)
    if expected:
        found = equal_tile(<const real*>p, <const real*>q, t.c, <real*>factor, <bint*>unequal,
                           symmetric)
    if found < many:
        if t.normalize or symmetric:
            pair_pass(<const real*>p, <const real*>q, <const real*>factor, t.c, &next_p, &next_q,
                      phi, made, symmetric, False, False, t.normalize)
        else:
            pair_pass(<const real*>p, <const real*>q, <const real*>factor, t.c, &next_p, &next_q,
                      phi, made, symmetric, False, True, False)
        missing = any_nan(made, many)
    if missing and t.normalize:
        if not expected:
            found = equal_tile(<const real*>p, <const real*>q, t.c, <real*>factor,
                               <bint*>unequal, symmetric)
        pair_pass(<const real*>p, <const real*>q, <const real*>factor, t.c, &next_p, &next_q, phi,
                  <double*>again, symmetric, True, False, True)
        if found == many:
            for lane in range(many):
                made[lane] = again[lane]
        for lane in range(many):
            made[lane] = again[lane] if made[lane] != made[lane] else made[lane]
    t.unequal[0] = 2 * found > many
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
