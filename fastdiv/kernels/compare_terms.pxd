"""Two rows of logits compared: terms of all the divergences from d = log(p / q), and their sums.

With s = tanh(d / 2) = (p - q) / (p + q), a pair of classes contributes

    KL(p, q)            p d - p + q = (p + q) ((d + d s) / 2 - s)
    KL(q, p)            the same with -d and -s for d and s
    Jensen-Shannon      (p + q) chi(s) / 2, see js_tail
    total variation     |p - q| / 2 = (p + q) |s| / 2

none of which is ever negative. Up to |d| = 2 all are made of p + q, d and polynomials in d^2, where
nothing cancels; the first two share one. Beyond, the difference of p and q will do, and

    2 JS = (p + q) log(2 / (1 + r)) - less |d|,   r = less / more of p and q.

Of an error y common to all d the sums of the first three keep y^2 / 2, y^2 / 2 and y^2 / 8. That of
|p - q| keeps y times half of ``side``, p + q with the sign of d, but for what lies so near to 0 that
its sign is in doubt, ``close``. p - q, which should sum up to 0, tells y.
"""

from libc.float cimport DBL_MAX, DBL_MIN, FLT_MAX, FLT_MIN

from fastdiv.kernels.arithmetic cimport INFINITY, fma, real
from fastdiv.kernels.lanes cimport MAX_LANES, at, lanes
from fastdiv.kernels.polynomials cimport half_log, js_tail, tanh_tail
from fastdiv.kernels.sources cimport tail_of
from fastdiv.kernels.sums cimport block_sum, tree_of

cdef enum:
    HALF_BLOCK = 512

ctypedef struct compare_sums:
    # Of a block or a row, in the unit of the exponentials.
    double kl
    double reverse          # KL(q, p)
    double js
    double apart            # |p - q|
    double gap              # p - q
    double side             # p + q with the sign of d
    double close            # p + q where |d| is no more than what it may be off


cdef inline void compare_lane(
    real a, real b, real p, real q, real offset, real offset_low, real* kl, real* reverse,
    real* js, real* gap, real* side, real* close, bint masks,
) noexcept nogil:
    """The terms of a pair of logits a, b and of their exponentials.

    Unless it ``masks``, a logit of -inf makes NaN of them.
    """
    # The log-sum-exps together are off by less. Doubles are rounded at their own size.
    cdef real doubt = <real>(2.0 ** -21 if real is float else 2.0 ** -46)
    cdef real tiny = FLT_MIN if real is float else DBL_MIN
    cdef real most = FLT_MAX if real is float else DBL_MAX
    cdef real d = a - b
    cdef real part = d - a
    cdef real error = (a - (d - part)) - (b + part)
    cdef real size, both, v, w, g, h, twice, more, less, r, far, share
    cdef bint is_near
    if masks:
        error = error if error == error else <real>0
    d = (d - offset) + (error - offset_low)
    if masks:
        # A finite number, whose product with 0 is 0; 0 where both are masked.
        d = d if d == d else <real>0
        d = d if d < most else most
        d = d if d > -most else -most
    size = abs(d)
    is_near = size <= 2
    both = p + q
    more = p if p > q else q
    less = q if p > q else p
    r = less / (more if more > tiny else tiny)
    far = p - q
    share = <real>0.5 * fma(both, half_log(r), -less * size)
    # d s = 2 d^2 (1/4 - d^2 tanh_tail) and d - 2 s = 4 d d^2 tanh_tail.
    v = d * d
    w = both * v
    g = tanh_tail(v)
    h = fma(-v, g, <real>0.25)
    twice = d + d
    kl[0] = w * fma(twice, g, h) if is_near else fma(p, d, -far)
    reverse[0] = w * fma(-twice, g, h) if is_near else fma(-q, d, far)
    js[0] = w * js_tail(v) if is_near else share
    gap[0] = both * twice * h if is_near else far
    side[0] = both if d > 0 else -both
    close[0] = both if size < doubt else <real>0
    if masks:
        # A masked class under any weight at all is infinite.
        kl[0] = <real>INFINITY if (d == most) & ((b == -INFINITY) | (p > 0)) else kl[0]
        reverse[0] = <real>INFINITY if (d == -most) & ((a == -INFINITY) | (q > 0)) else reverse[0]


cdef inline void compare_set(
    const real* xp, const real* xq, const real* ep, const real* eq, real factor, real offset,
    real offset_low, real* kl, real* reverse, real* js, real* apart, real* gap, real* side,
    real* close, bint masks,
) noexcept nogil:
    """The terms of a set of lanes, of which the first halves of the sums are added here."""
    cdef Py_ssize_t lane, other, half = lanes(xp) // 2
    cdef real kl_a = 0, reverse_a = 0, js_a = 0, gap_a = 0, side_a = 0, close_a = 0
    cdef real kl_b = 0, reverse_b = 0, js_b = 0, gap_b = 0, side_b = 0, close_b = 0
    for lane in range(half):
        other = lane + half
        compare_lane(xp[lane], xq[lane], ep[lane], eq[lane] * factor, offset, offset_low, &kl_a,
                     &reverse_a, &js_a, &gap_a, &side_a, &close_a, masks)
        compare_lane(xp[other], xq[other], ep[other], eq[other] * factor, offset, offset_low, &kl_b,
                     &reverse_b, &js_b, &gap_b, &side_b, &close_b, masks)
        kl[lane] = kl_a + kl_b
        reverse[lane] = reverse_a + reverse_b
        js[lane] = js_a + js_b
        gap[lane] = gap_a + gap_b
        apart[lane] = abs(gap_a) + abs(gap_b)
        side[lane] += side_a + side_b
        close[lane] += close_a + close_b


cdef inline double half_sum(real* terms, Py_ssize_t n, const real* tail) noexcept nogil:
    """Sum of n terms, whole halves of a set of lanes; room for another half is filled."""
    cdef Py_ssize_t lane, half = lanes(<const real*>terms) // 2
    if n % (2 * half):
        for lane in range(half):
            terms[n + lane] = 0
        n += half
    return block_sum(<const real*>terms, n, tail, True)


cdef inline double half_lanes(const real* accumulator) noexcept nogil:
    """Sum of half as many lanes."""
    cdef double s[MAX_LANES]
    cdef Py_ssize_t lane
    for lane in range(lanes(accumulator) // 2):
        s[lane] = accumulator[lane]
    return tree_of(<double*>s, accumulator)


cdef inline void compare_block(
    const real* xp, const real* xq, const real* ep, const real* eq, Py_ssize_t n,
    const real* p_tail, const real* q_tail, real factor, real offset, real offset_low,
    compare_sums* s, bint masks,
) noexcept nogil:
    """The sums of a block; ep and eq are its exponentials in whole sets of lanes.

    ``factor`` brings eq to the unit of ep.
    """
    cdef real kl[HALF_BLOCK]
    cdef real reverse[HALF_BLOCK]
    cdef real js[HALF_BLOCK]
    cdef real apart[HALF_BLOCK]
    cdef real gap[HALF_BLOCK]
    cdef real side[MAX_LANES]
    cdef real close[MAX_LANES]
    cdef Py_ssize_t width = lanes(xp), whole = n - n % width, k = 0, made = 0, lane
    for lane in range(width // 2):
        side[lane] = close[lane] = 0
    while k < n:
        if k < whole and not masks:
            compare_set(xp + k, xq + k, ep + k, eq + k, factor, offset, offset_low,
                        <real*>kl + made, <real*>reverse + made, <real*>js + made,
                        <real*>apart + made, <real*>gap + made, <real*>side, <real*>close, False)
        else:
            # Padding, too, is -inf.
            compare_set(at(xp, k, whole, p_tail), at(xq, k, whole, q_tail), ep + k, eq + k, factor,
                        offset, offset_low, <real*>kl + made, <real*>reverse + made,
                        <real*>js + made, <real*>apart + made, <real*>gap + made, <real*>side,
                        <real*>close, True)
        k += width
        made += width // 2
    s.kl = half_sum(<real*>kl, made, p_tail)
    s.reverse = half_sum(<real*>reverse, made, p_tail)
    s.js = half_sum(<real*>js, made, p_tail)
    s.apart = half_sum(<real*>apart, made, p_tail)
    s.gap = half_sum(<real*>gap, made, p_tail)
    s.side = half_lanes(<const real*>side)
    s.close = half_lanes(<const real*>close)


cdef inline void compare_masked(
    const real* xp, const real* xq, const real* ep, const real* eq, Py_ssize_t n,
    const real* p_tail, const real* q_tail, real factor, real offset, real offset_low,
    compare_sums* s,
) noexcept nogil:
    """The sums of a block, done anew for logits of -inf if there are any."""
    compare_block(xp, xq, ep, eq, n, p_tail, q_tail, factor, offset, offset_low, s, False)
    if not (s.js == s.js and s.apart == s.apart):
        compare_block(xp, xq, ep, eq, n, p_tail, q_tail, factor, offset, offset_low, s, True)
