"""Blocks of two rows of logits compared: the sums of the terms of compare_terms.pxd."""

from fastdiv.kernels.arithmetic cimport INFINITY, NAN, fma, real
from fastdiv.kernels.compare_polynomials cimport tanh_tail
from fastdiv.kernels.compare_terms cimport compare_lane, half_gap, half_log, near_lane, split
from fastdiv.kernels.lanes cimport MAX_BLOCK, MAX_LANES, at, clear, greatest, lanes, put_lanes
from fastdiv.kernels.logit_gaps cimport is_masked
from fastdiv.kernels.sums cimport ROUGH, block_sum, tree_of

cdef extern from *:
    """
    /* A logit that pads a tail: of probability 0, and with a finite difference. */
    #define FASTDIV_PADDING (-3e38)
    """
    const double PADDING "FASTDIV_PADDING"

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


cdef inline void begin_set(
    const real* xp, const real* xq, const real* ep, const real* eq, real factor, real offset,
    real offset_low, real* q, real* both, real* h, real* g, real* logs, bint masks,
) noexcept nogil:
    """What the terms of a set of lanes are made of."""
    cdef Py_ssize_t lane
    for lane in range(lanes(xp)):
        q[lane] = eq[lane] * factor
        both[lane] = fma(eq[lane], factor, ep[lane])
        h[lane] = half_gap(xp[lane], xq[lane], offset, offset_low, masks)
        g[lane] = tanh_tail(h[lane] * h[lane])
        logs[lane] = half_log(ep[lane], q[lane])


cdef inline void compare_set(
    const real* p, const real* q, const real* both, const real* h, const real* g,
    const real* logs, real* kl, real* reverse, real* js, real* above, real* below, real* side,
    real* close,
) noexcept nogil:
    """The terms of a set of lanes, of which the first halves of the sums are added here."""
    cdef Py_ssize_t lane, other, half = lanes(p) // 2
    cdef real kl_a = 0, reverse_a = 0, js_a = 0, gap_a = 0, side_a = 0, close_a = 0
    cdef real kl_b = 0, reverse_b = 0, js_b = 0, gap_b = 0, side_b = 0, close_b = 0
    cdef real above_a = 0, above_b = 0, below_a = 0, below_b = 0
    for lane in range(half):
        other = lane + half
        compare_lane(p[lane], q[lane], both[lane], h[lane], g[lane], logs[lane], &kl_a,
                     &reverse_a, &js_a, &gap_a, &side_a, &close_a)
        compare_lane(p[other], q[other], both[other], h[other], g[other], logs[other], &kl_b,
                     &reverse_b, &js_b, &gap_b, &side_b, &close_b)
        kl[lane] = kl_a + kl_b
        reverse[lane] = reverse_a + reverse_b
        js[lane] = js_a + js_b
        split(gap_a, &above_a, &below_a)
        split(gap_b, &above_b, &below_b)
        above[lane] = above_a + above_b
        below[lane] = below_a + below_b
        side[lane] += side_a + side_b
        close[lane] += close_a + close_b


cdef inline void near_set(
    const real* xp, const real* xq, const real* p, const real* eq, real factor, real offset,
    real offset_low, real* reach, real* kl, real* reverse, real* js, real* above, real* below,
    real* side, real* close,
) noexcept nogil:
    """The same where all |h| are 1 at most; ``reach``: the largest of each lane so far.

    Through arrays that nothing else is in, as in exp_terms: else there are too many that might be
    one another for gcc to make vector code (128256 classes 0.15, not 0.75 Gel/s).
    """
    cdef real made[5][MAX_LANES]
    cdef Py_ssize_t lane, other, half = lanes(p) // 2
    cdef real kl_a = 0, reverse_a = 0, js_a = 0, gap_a = 0, side_a = 0, close_a = 0, a
    cdef real kl_b = 0, reverse_b = 0, js_b = 0, gap_b = 0, side_b = 0, close_b = 0, b
    cdef real above_a = 0, above_b = 0, below_a = 0, below_b = 0
    for lane in range(half):
        other = lane + half
        a = half_gap(xp[lane], xq[lane], offset, offset_low, False)
        b = half_gap(xp[other], xq[other], offset, offset_low, False)
        near_lane(fma(eq[lane], factor, p[lane]), a, tanh_tail(a * a), &kl_a, &reverse_a,
                  &js_a, &gap_a, &side_a, &close_a)
        near_lane(fma(eq[other], factor, p[other]), b, tanh_tail(b * b), &kl_b, &reverse_b,
                  &js_b, &gap_b, &side_b, &close_b)
        made[0][lane] = kl_a + kl_b
        made[1][lane] = reverse_a + reverse_b
        made[2][lane] = js_a + js_b
        split(gap_a, &above_a, &below_a)
        split(gap_b, &above_b, &below_b)
        made[3][lane] = above_a + above_b
        made[4][lane] = below_a + below_b
        side[lane] += side_a + side_b
        close[lane] += close_a + close_b
        reach[lane] = abs(a) if abs(a) > reach[lane] else reach[lane]
        reach[lane] = abs(b) if abs(b) > reach[lane] else reach[lane]
    put_lanes(kl, made[0], half)
    put_lanes(reverse, made[1], half)
    put_lanes(js, made[2], half)
    put_lanes(above, made[3], half)
    put_lanes(below, made[4], half)


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


cdef inline double unless_infinite(double sum) noexcept nogil:
    """A sum, or NaN if a product of an exponential and a large difference has overflowed."""
    return sum if sum < INFINITY else NAN


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
