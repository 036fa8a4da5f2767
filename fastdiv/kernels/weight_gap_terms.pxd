"""A block of weights: p log(m / q) of a row and its target, or log(q / m), see weight_gaps.pxd."""

from fastdiv.kernels.arithmetic cimport INFINITY, prefetch, real
from fastdiv.kernels.lanes cimport MAX_LANES, ahead, any_bits, clear, lanes, put_lanes
from fastdiv.kernels.logarithms cimport log_gap, log_ratio
from fastdiv.kernels.math cimport or_bits, sign_bit
from fastdiv.kernels.weights cimport are_good, flags_of, note_pair, pair_flags, start_notes


cdef inline void ratio_step(
    const real* p, const real* q, real binade, real* ratio, real* fraction, real* steps,
    real* signs, real* low, Py_ssize_t width, bint targeted, bint logs,
) noexcept nogil:
    """What log(q) needs of ``width`` lanes that takes a division, and in ``signs`` what shows a
    row that is not for this pass; ``low``: see note_pair, or NULL for pair_flags."""
    cdef Py_ssize_t lane
    cdef real f
    for lane in range(width):
        ratio[lane] = log_ratio(q[lane], binade, &fraction[lane], &steps[lane])
        if not (targeted or logs):
            signs[lane] = or_bits(signs[lane], q[lane])
        elif low != NULL:
            note_pair(p[lane], q[lane], <real>1, False, False, &signs[lane], &low[lane])
        else:
            f = pair_flags(p[lane], q[lane], <real>1, False, False)
            signs[lane] = or_bits(signs[lane], f)


cdef inline void gap_step(
    const real* p, const real* q, real mantissa, const real* ratio, const real* fraction,
    const real* steps, real* gaps, Py_ssize_t width, bint logs,
) noexcept nogil:
    """The terms of ``width`` lanes."""
    cdef real made[MAX_LANES]
    cdef Py_ssize_t lane
    cdef real gap
    for lane in range(width):
        gap = log_gap(fraction[lane], ratio[lane], steps[lane], mantissa)
        if logs:
            made[lane] = -INFINITY if q[lane] == 0 else -gap
        else:
            made[lane] = p[lane] * gap
    put_lanes(gaps, <const real*>made, width)


cdef inline bint gap_terms(
    const real* p, const real* q, Py_ssize_t n, const real* p_tail, const real* q_tail,
    const real* next_p, const real* next_q, bint second, real binade, real mantissa, real* gaps,
    bint targeted, bint logs,
) noexcept nogil:
    """The terms of a block, in whole sets of lanes; whether the block is for this pass.

    logs: the terms are log(q / m), -inf where q is 0. next_p, next_q: what is to be read next;
    second: see ``ahead``, of q.
    """
    cdef real ratio[2 * MAX_LANES]
    cdef real fraction[2 * MAX_LANES]
    cdef real steps[2 * MAX_LANES]
    cdef real signs[MAX_LANES]
    cdef real low[MAX_LANES]
    cdef Py_ssize_t width = lanes(q), half = width // 2, whole = n - n % width, k = 0, i, j
    cdef Py_ssize_t lane
    start_notes(<real*>signs, <real*>low)
    # In twos, see pair_terms.
    while k + 2 * width <= whole:
        for j in range(2):
            i = j * width
            ahead(next_q + k + i, second)
            ratio_step(p + k + i, q + k + i, binade, <real*>ratio + i,
                       <real*>fraction + i, <real*>steps + i, <real*>signs, <real*>low, width,
                       targeted, logs)
        for j in range(2):
            i = j * width
            if targeted:
                ahead(next_p + k + i, True)
            gap_step(p + k + i, q + k + i, mantissa, <const real*>ratio + i,
                     <const real*>fraction + i, <const real*>steps + i, gaps + k + i, width,
                     logs)
        k += 2 * width
    if k < whole:
        ahead(next_q + k, second)
        if targeted:
            ahead(next_p + k, True)
        ratio_step(p + k, q + k, binade, <real*>ratio, <real*>fraction, <real*>steps,
                   <real*>signs, <real*>low, width, targeted, logs)
        gap_step(p + k, q + k, mantissa, <const real*>ratio, <const real*>fraction,
                 <const real*>steps, gaps + k, width, logs)
    for lane in range(width):
        signs[lane] = flags_of(signs[lane], low[lane])
    # Of the tail half a set will often do.
    if whole < n:
        clear(gaps + whole)
    k = whole
    while k < n:
        i = k - whole
        prefetch(next_q + k)
        if targeted:
            prefetch(next_p + k)
        ratio_step(p_tail + i, q_tail + i, binade, <real*>ratio, <real*>fraction,
                   <real*>steps, <real*>signs, <real*>NULL, half, targeted, logs)
        gap_step(p_tail + i, q_tail + i, mantissa, <const real*>ratio, <const real*>fraction,
                 <const real*>steps, gaps + k, half, logs)
        k += half
    if not sign_bit(any_bits(<real*>signs)):
        return True
    return (targeted or logs) and are_good(p, q, n, p_tail, q_tail, <real>1, False, False)
