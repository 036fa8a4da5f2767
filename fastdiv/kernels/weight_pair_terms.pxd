"""The terms of two rows of weights, of which weight_pairs.pxd makes the sums."""

from fastdiv.kernels.arithmetic cimport fma, real
from fastdiv.kernels.lanes cimport (
    MAX_BLOCK, MAX_LANES, ahead, any_bits, at, clear, lanes, put_lanes, whole_sets,
)
from fastdiv.kernels.logarithms cimport are_near, are_near_mean, phi_ratio, phi_series
from fastdiv.kernels.math cimport or_bits, sign_bit
from fastdiv.kernels.sum_trees cimport FINE
from fastdiv.kernels.sums cimport block_sum, lane_sum
from fastdiv.kernels.weights cimport are_good, flags_of, note_pair, pair_flags, start_notes
from fastdiv.kernels.wide cimport WIDE, tree_of_wide, wide, wide_zero, widened


cdef inline real difference(real p, real q, real factor, bint scaled) noexcept nogil:
    """p - factor * q, rounded once."""
    return fma(-q, factor, p) if scaled else p - q


cdef inline void ratio_step(
    const real* p, const real* q, real factor, real* t, real* lead, real* rest, real* gap,
    Py_ssize_t width, bint symmetric, bint scaled, bint plain,
) noexcept nogil:
    """What phi needs of ``width`` lanes up to its division; of Jensen-Shannon what phi(q, m) needs
    comes MAX_LANES further on. Of plain rows ``gap`` is p - q or 0."""
    cdef Py_ssize_t lane
    cdef real b, d, f
    cdef bint near
    for lane in range(width):
        d = difference(p[lane], q[lane], factor, scaled)
        if symmetric:
            b = factor * q[lane] if scaled else q[lane]
            f = p[lane] + b
            near = are_near_mean(p[lane], b)
            t[lane] = phi_ratio(
                p[lane] + p[lane], f, d, <real>1, near, False, False, &lead[lane], &rest[lane])
            t[MAX_LANES + lane] = phi_ratio(
                b + b, f, -d, <real>1, near, False, False, &lead[MAX_LANES + lane],
                &rest[MAX_LANES + lane])
        else:
            t[lane] = phi_ratio(
                p[lane], q[lane], d, factor, False, scaled, plain, &lead[lane], &rest[lane])
            if plain:
                gap[lane] = d if are_near(p[lane], q[lane]) else <real>0


cdef inline void phi_step(
    const real* p, const real* q, real factor, const real* t, const real* lead, const real* rest,
    real* phi, real* phi_q, real* delta, Py_ssize_t width, bint symmetric, bint scaled,
) noexcept nogil:
    """The terms of ``width`` lanes."""
    cdef real made[MAX_LANES]
    cdef Py_ssize_t lane
    cdef real b, f
    for lane in range(width):
        delta[lane] += difference(p[lane], q[lane], factor, scaled)
        if symmetric:
            b = factor * q[lane] if scaled else q[lane]
            f = phi_series(
                b + b, t[MAX_LANES + lane], lead[MAX_LANES + lane], rest[MAX_LANES + lane])
            made[lane] = phi_series(p[lane] + p[lane], t[lane], lead[lane], rest[lane]) + f
            phi_q[lane] += f
        else:
            made[lane] = phi_series(p[lane], t[lane], lead[lane], rest[lane])
    put_lanes(phi, <const real*>made, width)


cdef inline double exact_sum(
    const real* x, Py_ssize_t n, const real* tail
) noexcept nogil:
    """Sum of a block in double, whole sets of lanes."""
    cdef wide s[MAX_LANES]
    cdef Py_ssize_t width = lanes(x), half = width // 2, k = 0, i, j
    if real is float:
        # A chain, of which no rounding shows in a float.
        for i in range(half // WIDE):
            s[i] = wide_zero()
        while k < n:
            for i in range(half // WIDE):
                j = k + i * WIDE
                s[i] = s[i] + (widened(x + j) + widened(x + j + half))
            k += width
        return tree_of_wide(<const wide*>s, x)
    else:
        return block_sum(x, n, tail, FINE)


cdef inline void last_terms(
    const real* p, const real* q, real factor, real* gaps, real* phi, real* phi_qs, real* deltas,
    real* signs, Py_ssize_t width, bint symmetric, bint scaled, bint plain,
) noexcept nogil:
    """The terms of ``width`` lanes, of which some may be pairs of zeros, to their division and on.

    In a loop over halves of a set, and another one on from their divisions, what was left of a row
    of some hundred classes took twice as long.
    """
    cdef real t[2 * MAX_LANES]
    cdef real lead[2 * MAX_LANES]
    cdef real rest[2 * MAX_LANES]
    cdef Py_ssize_t lane
    ratio_step(p, q, factor, <real*>t, <real*>lead, <real*>rest, gaps, width, symmetric, scaled,
               plain)
    for lane in range(width):
        signs[lane] = or_bits(
            signs[lane], pair_flags(p[lane], q[lane], factor, symmetric, scaled))
    phi_step(p, q, factor, <const real*>t, <const real*>lead, <const real*>rest, phi, phi_qs,
             deltas, width, symmetric, scaled)


cdef inline bint pair_terms(
    const real* p, const real* q, Py_ssize_t n, const real* p_tail, const real* q_tail,
    const real* next_p, const real* next_q, real factor, real* phi, double* phi_q, double* delta,
    bint symmetric, bint scaled, bint plain,
) noexcept nogil:
    """The terms of a block, in whole sets of lanes, and the smaller sums; whether the block is for
    this pass. phi of p and m, and of q and m, are half of those of 2 p and 2 q against p + q, which
    the terms are.

    next_p, next_q: what is to be read next.
    """
    cdef real t[2 * MAX_LANES]
    cdef real lead[2 * MAX_LANES]
    cdef real rest[2 * MAX_LANES]
    cdef real phi_qs[MAX_LANES]
    cdef real gaps[MAX_BLOCK]
    cdef real deltas[MAX_LANES]
    cdef real signs[MAX_LANES]
    cdef real low[MAX_LANES]
    cdef Py_ssize_t width = lanes(p), whole = n - n % width, k = 0, i, j
    cdef Py_ssize_t lane, sets = 1 if symmetric else 2
    cdef const real* a
    cdef const real* b
    clear(<real*>phi_qs)
    clear(<real*>deltas)
    start_notes(<real*>signs, <real*>low)
    # Two sets up to their divisions, then both on to their terms: one after the other, a set is too
    # long a chain for the processor to keep enough of it in flight. Of Jensen-Shannon, with two
    # divisions each, two sets have more numbers than there are registers.
    while k + sets * width <= whole:
        for j in range(sets):
            i = j * width
            a = p + k + i
            b = q + k + i
            ahead(next_p + k + i, True)
            ratio_step(a, b, factor, <real*>t + i, <real*>lead + i, <real*>rest + i, gaps + k + i,
                       width, symmetric, scaled, plain)
            for lane in range(width):
                note_pair(a[lane], b[lane], factor, symmetric, scaled, &signs[lane], &low[lane])
        for j in range(sets):
            i = j * width
            ahead(next_q + k + i, True)
            phi_step(p + k + i, q + k + i, factor, <const real*>t + i, <const real*>lead + i,
                     <const real*>rest + i, phi + k + i, <real*>phi_qs, <real*>deltas, width,
                     symmetric, scaled)
        k += sets * width
    for lane in range(width):
        signs[lane] = flags_of(signs[lane], low[lane])
    # What is left, fewer than two sets: of the tail half a set will often do.
    while k < n:
        a = at(p, k, whole, p_tail)
        b = at(q, k, whole, q_tail)
        ahead(next_p + k, True)
        ahead(next_q + k, True)
        if n - k > width // 2:
            last_terms(a, b, factor, <real*>gaps + k, phi + k, <real*>phi_qs, <real*>deltas,
                       <real*>signs, width, symmetric, scaled, plain)
        else:
            clear(phi + k)
            if plain:
                clear(<real*>gaps + k)
            last_terms(a, b, factor, <real*>gaps + k, phi + k, <real*>phi_qs, <real*>deltas,
                       <real*>signs, width // 2, symmetric, scaled, plain)
        k += width
    # Of second order in the result: plain chains will do, but see sum_terms.
    delta[0] = lane_sum(<const real*>deltas)
    phi_q[0] = 0.5 * lane_sum(<const real*>phi_qs)
    if plain:
        phi_q[0] = exact_sum(<const real*>gaps, whole_sets(p, n), q_tail)
    return (not sign_bit(any_bits(<real*>signs))
            or are_good(p, q, n, p_tail, q_tail, factor, symmetric, scaled))
