"""Blocks of two rows of logits compared: the sums of the terms of compare_terms.pxd."""

from fastdiv.kernels.arithmetic cimport INFINITY, real
from fastdiv.kernels.compare_sets cimport begin_set, compare_set, near_set
from fastdiv.kernels.compare_terms cimport unless_infinite
from fastdiv.kernels.lanes cimport MAX_BLOCK, MAX_LANES, at, clear, greatest, lanes
from fastdiv.kernels.logit_gaps cimport is_masked
from fastdiv.kernels.sum_trees cimport ROUGH, tree_of
from fastdiv.kernels.sums cimport block_sum

cdef enum:
    HALF_BLOCK = 512

ctypedef struct compare_sums:
    # Of a block or a row, in the unit of the exponentials.
    double kl
    double reverse          # KL(q, p)
    double js
    double apart            # |p - q|
    double gap              # p - q
    double side             # p + q with the sign of h
    double close            # p + q where |h| is no more than what it may be off


cdef inline double half_sum(real* terms, Py_ssize_t n, const real* tail) noexcept nogil:
    """Sum of n terms, whole halves of a set of lanes; room for another half is filled."""
    cdef Py_ssize_t lane, half = lanes(<const real*>terms) // 2
    if n % (2 * half):
        for lane in range(half):
            terms[n + lane] = 0
        n += half
    return block_sum(<const real*>terms, n, tail, ROUGH)


cdef inline double half_lanes(const real* accumulator) noexcept nogil:
    """Sum of half as many lanes."""
    cdef double s[MAX_LANES]
    cdef Py_ssize_t lane
    for lane in range(lanes(accumulator) // 2):
        s[lane] = accumulator[lane]
    return tree_of(<double*>s, accumulator)


cdef inline void end_block(
    compare_sums* s, real* kl, real* reverse, real* js, real* above, real* below,
    const real* side, const real* close, Py_ssize_t made, const real* tail,
) noexcept nogil:
    cdef double more = half_sum(above, made, tail), less = half_sum(below, made, tail)
    s.kl = half_sum(kl, made, tail)
    s.reverse = half_sum(reverse, made, tail)
    s.js = half_sum(js, made, tail)
    s.apart = 0.5 * (more + less)
    s.gap = 0.5 * (more - less)
    s.side = half_lanes(side)
    s.close = half_lanes(close)


cdef inline void compare_block(
    const real* xp, const real* xq, const real* ep, const real* eq, Py_ssize_t n,
    const real* p_tail, const real* q_tail, real factor, real offset, real offset_low,
    compare_sums* s, bint masks,
) noexcept nogil:
    """The sums of a block; ep and eq are its exponentials in whole sets of lanes.

    ``factor`` brings eq to the unit of ep. In two loops: one would be a chain of 80 cycles, of
    which the processor cannot keep enough in flight. Each has about half of the multiplications.
    """
    cdef real q[MAX_BLOCK]
    cdef real both[MAX_BLOCK]
    cdef real h[MAX_BLOCK]
    cdef real g[MAX_BLOCK]
    cdef real logs[MAX_BLOCK]
    cdef real kl[HALF_BLOCK]
    cdef real reverse[HALF_BLOCK]
    cdef real js[HALF_BLOCK]
    cdef real above[HALF_BLOCK]
    cdef real below[HALF_BLOCK]
    cdef real side[MAX_LANES]
    cdef real close[MAX_LANES]
    cdef Py_ssize_t width = lanes(xp), whole = n - n % width, k = 0, made = 0, lane
    for lane in range(width // 2):
        side[lane] = close[lane] = 0
    while k < n:
        begin_set(at(xp, k, whole, p_tail), at(xq, k, whole, q_tail), ep + k, eq + k, factor,
                  offset, offset_low, <real*>q + k, <real*>both + k, <real*>h + k,
                  <real*>g + k, <real*>logs + k, masks)
        k += width
    k = 0
    while k < n:
        compare_set(ep + k, <const real*>q + k, <const real*>both + k, <const real*>h + k,
                    <const real*>g + k, <const real*>logs + k, <real*>kl + made,
                    <real*>reverse + made, <real*>js + made, <real*>above + made,
                    <real*>below + made, <real*>side, <real*>close)
        k += width
        made += width // 2
    end_block(s, <real*>kl, <real*>reverse, <real*>js, <real*>above, <real*>below,
              <const real*>side, <const real*>close, made, p_tail)


cdef inline bint near_block(
    const real* xp, const real* xq, const real* ep, const real* eq, Py_ssize_t n,
    const real* p_tail, const real* q_tail, real factor, real offset, real offset_low,
    compare_sums* s,
) noexcept nogil:
    """The same of a block whose classes are all near, in one loop; whether they are comes back."""
    cdef real kl[HALF_BLOCK]
    cdef real reverse[HALF_BLOCK]
    cdef real js[HALF_BLOCK]
    cdef real above[HALF_BLOCK]
    cdef real below[HALF_BLOCK]
    cdef real side[MAX_LANES]
    cdef real close[MAX_LANES]
    cdef real reach[MAX_LANES]
    cdef Py_ssize_t width = lanes(xp), whole = n - n % width, k = 0, made = 0
    clear(<real*>side)
    clear(<real*>close)
    clear(<real*>reach)
    while k < n:
        near_set(at(xp, k, whole, p_tail), at(xq, k, whole, q_tail), ep + k, eq + k, factor,
                 offset, offset_low, <real*>reach, <real*>kl + made, <real*>reverse + made,
                 <real*>js + made, <real*>above + made, <real*>below + made, <real*>side,
                 <real*>close)
        k += width
        made += width // 2
    end_block(s, <real*>kl, <real*>reverse, <real*>js, <real*>above, <real*>below,
              <const real*>side, <const real*>close, made, p_tail)
    return greatest(<real*>reach) <= 1


cdef inline bint are_near(
    const real* xp, const real* xq, Py_ssize_t n, real offset
) noexcept nogil:
    """Whether the first of a block's classes are near, as most likely all are; NaNs are not."""
    cdef Py_ssize_t k
    cdef bint near = True
    for k in range(min(n, 4 * lanes(xp))):
        near = near & (abs(xp[k] - xq[k] - offset) <= 2)
    return near


cdef inline void compare_masked(
    const real* xp, const real* xq, const real* ep, const real* eq, Py_ssize_t n,
    const real* p_tail, const real* q_tail, real factor, real offset, real offset_low,
    compare_sums* s, bint* masked, bint fits,
) noexcept nogil:
    """The sums of a block, done anew if a class is masked; ``masked``: one is, or likely is.

    Unless everything ``fits``, a sum that overflows is NaN.
    """
    cdef bint anew = masked[0]
    if not anew:
        # A model and the same model quantised: no division is needed.
        if not (are_near(xp, xq, n, offset) and near_block(
                xp, xq, ep, eq, n, p_tail, q_tail, factor, offset, offset_low, s)):
            compare_block(xp, xq, ep, eq, n, p_tail, q_tail, factor, offset, offset_low, s, False)
        masked[0] = anew = s.js != s.js
    if anew:
        compare_block(xp, xq, ep, eq, n, p_tail, q_tail, factor, offset, offset_low, s, True)
    if not fits:
        s.kl = unless_infinite(s.kl)
        s.reverse = unless_infinite(s.reverse)
    if anew:
        # Any weight at all where the other row is masked.
        s.kl = INFINITY if is_masked(xp, xq, n, p_tail, q_tail) else s.kl
        s.reverse = INFINITY if is_masked(xq, xp, n, q_tail, p_tail) else s.reverse
