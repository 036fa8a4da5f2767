"""Sets of lanes of two rows of logits compared: what blocks are made of."""

from fastdiv.kernels.arithmetic cimport fma, real
from fastdiv.kernels.compare_polynomials cimport tanh_tail
from fastdiv.kernels.compare_terms cimport compare_lane, half_gap, half_log, near_lane, split
from fastdiv.kernels.lanes cimport MAX_LANES, lanes, put_lanes


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
