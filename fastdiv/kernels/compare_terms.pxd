"""Two rows of logits compared: terms of all the divergences from d = log(p / q), and their sums.

With h = d / 2, tanh(h) = (p - q) / (p + q), a pair of classes contributes

    KL(p, q)            p d - p + q = (p + q) (h + h tanh(h) - tanh(h))
    KL(q, p)            the same with -h
    Jensen-Shannon      (p + q) chi(tanh(h)) / 2, see js_tail
    total variation     |p - q| / 2 = (p + q) |tanh(h)| / 2

none of which is ever negative. Up to |h| = 1 all are made of p + q, h and polynomials in h^2, where
nothing cancels; the first two and the last share one. Beyond, the difference of p and q will do, and

    JS = (p + q) log(2 / (1 + r)) / 2 - less |h|,   r = less / more of p and q.

Of an error y common to all d the sums of the first three keep y^2 / 2, y^2 / 2 and y^2 / 8. That of
|p - q| keeps y times half of ``side``, p + q with the sign of h, but for what lies so near to 0 that
its sign is in doubt, ``close``. p - q, which should sum up to 0, tells y.
"""

from libc.float cimport DBL_MAX, DBL_MIN, FLT_MAX, FLT_MIN
from libc.stdint cimport uint32_t, uint64_t

from fastdiv.kernels.arithmetic cimport INFINITY, LN2_HI, LN2_HI_F, fma, real
from fastdiv.kernels.compare_polynomials cimport chi_tail, half_log_tail, tanh_tail
from fastdiv.kernels.lanes cimport MAX_BLOCK, MAX_LANES, at, greatest, lanes
from fastdiv.kernels.math cimport bits32, bits64, double_of, float_of
from fastdiv.kernels.sums cimport block_sum, tree_of

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


cdef inline real most_half(real like) noexcept nogil:
    """The largest h: d = 2 h is finite."""
    if real is float:
        return FLT_MAX / <float>2
    else:
        return DBL_MAX / 2


cdef inline real half_gap(
    real a, real b, real offset, real offset_low, bint masks
) noexcept nogil:
    """h of a pair of logits, exact to 1 u of itself.

    Unless it ``masks``, a logit of -inf makes NaN of it. Else it is finite, so that its product with
    0 is 0, and 0 where both are masked.
    """
    cdef real d = a - b
    cdef real part = d - a
    cdef real error = (a - (d - part)) - (b + part)
    cdef real h, most = most_half(<real>0)
    if masks:
        error = error if error == error else <real>0
    h = <real>0.5 * ((d - offset) + (error - offset_low))
    if masks:
        h = h if h == h else <real>0
        h = h if h < most else most
        h = h if h > -most else -most
    return h


cdef inline real ratio(real p, real q) noexcept nogil:
    """The less of two over the more; 0 if both are 0."""
    cdef real more = p if p > q else q, less = q if p > q else p
    return less / (more + (FLT_MIN if real is float else DBL_MIN))


cdef inline real with_sign(real a, real of) noexcept nogil:
    """A number that is not negative, with the sign of another."""
    if real is float:
        return float_of(bits32(a) | (bits32(of) & <uint32_t>0x80000000))
    else:
        return double_of(bits64(a) | (bits64(of) & (<uint64_t>1 << 63)))


cdef inline void compare_lane(
    real p, real q, real h, real r, real* kl, real* reverse, real* js, real* gap, real* side,
    real* close,
) noexcept nogil:
    """The terms of a pair."""
    # The log-sum-exps together are off by less. Doubles are rounded at their own size.
    cdef real doubt = <real>(2.0 ** -22 if real is float else 2.0 ** -47)
    cdef real half_log2 = LN2_HI_F / <float>2 if real is float else LN2_HI / 2
    cdef real size = abs(h), d = h + h, both = p + q, far = p - q
    cdef real less = q if p > q else p
    cdef real v = h * h, w = both * v, g = tanh_tail(v)
    # tanh(h) / h
    cdef real t = fma(-v, g, <real>1)
    cdef real share = fma(both, fma(r, half_log_tail(r), half_log2), -(less * size))
    cdef bint is_near = size <= 1
    kl[0] = w * fma(h, g, t) if is_near else fma(p, d, -far)
    reverse[0] = w * fma(-h, g, t) if is_near else fma(-q, d, far)
    js[0] = w * fma(v, chi_tail(v), <real>0.25) if is_near else share
    gap[0] = both * h * t if is_near else far
    side[0] = with_sign(both, h)
    close[0] = both if size < doubt else <real>0


cdef inline void begin_set(
    const real* xp, const real* xq, const real* ep, const real* eq, real factor, real offset,
    real offset_low, real* q, real* h, real* r, bint masks,
) noexcept nogil:
    """What the terms of a set of lanes are made of."""
    cdef Py_ssize_t lane
    for lane in range(lanes(xp)):
        q[lane] = eq[lane] * factor
        h[lane] = half_gap(xp[lane], xq[lane], offset, offset_low, masks)
        r[lane] = ratio(ep[lane], q[lane])


cdef inline void compare_set(
    const real* p, const real* q, const real* h, const real* r, real* kl, real* reverse, real* js,
    real* apart, real* gap, real* side, real* close,
) noexcept nogil:
    """The terms of a set of lanes, of which the first halves of the sums are added here."""
    cdef Py_ssize_t lane, other, half = lanes(p) // 2
    cdef real kl_a = 0, reverse_a = 0, js_a = 0, gap_a = 0, side_a = 0, close_a = 0
    cdef real kl_b = 0, reverse_b = 0, js_b = 0, gap_b = 0, side_b = 0, close_b = 0
    for lane in range(half):
        other = lane + half
        compare_lane(p[lane], q[lane], h[lane], r[lane], &kl_a, &reverse_a, &js_a, &gap_a, &side_a,
                     &close_a)
        compare_lane(p[other], q[other], h[other], r[other], &kl_b, &reverse_b, &js_b, &gap_b,
                     &side_b, &close_b)
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


cdef inline bint is_masked(
    const real* x, const real* y, Py_ssize_t n, const real* x_tail, const real* y_tail
) noexcept nogil:
    """Whether some class of a block is masked in y and not in x."""
    cdef real found[MAX_LANES]
    cdef Py_ssize_t width = lanes(x), whole = n - n % width, k = 0, lane
    cdef const real* a
    cdef const real* b
    cdef real kept
    for lane in range(width):
        found[lane] = 0
    while k < n:
        a = at(x, k, whole, x_tail)
        b = at(y, k, whole, y_tail)
        for lane in range(width):
            kept = <real>1 if a[lane] > -INFINITY else <real>0
            found[lane] += kept if b[lane] == -INFINITY else <real>0
        k += width
    return greatest(<real*>found) > 0


cdef inline void compare_block(
    const real* xp, const real* xq, const real* ep, const real* eq, Py_ssize_t n,
    const real* p_tail, const real* q_tail, real factor, real offset, real offset_low,
    compare_sums* s, bint masks,
) noexcept nogil:
    """The sums of a block; ep and eq are its exponentials in whole sets of lanes.

    ``factor`` brings eq to the unit of ep. In two loops: one would be a chain of 80 cycles, of
    which the processor cannot keep enough in flight.
    """
    cdef real q[MAX_BLOCK]
    cdef real h[MAX_BLOCK]
    cdef real r[MAX_BLOCK]
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
        begin_set(at(xp, k, whole, p_tail), at(xq, k, whole, q_tail), ep + k, eq + k, factor,
                  offset, offset_low, <real*>q + k, <real*>h + k, <real*>r + k, masks)
        k += width
    k = 0
    while k < n:
        compare_set(ep + k, <const real*>q + k, <const real*>h + k, <const real*>r + k,
                    <real*>kl + made, <real*>reverse + made, <real*>js + made,
                    <real*>apart + made, <real*>gap + made, <real*>side, <real*>close)
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
    compare_sums* s, bint* masked,
) noexcept nogil:
    """The sums of a block, done anew if a class is masked; ``masked``: one is, or likely is."""
    if not masked[0]:
        compare_block(xp, xq, ep, eq, n, p_tail, q_tail, factor, offset, offset_low, s, False)
        if s.js == s.js:
            return
        masked[0] = True
    compare_block(xp, xq, ep, eq, n, p_tail, q_tail, factor, offset, offset_low, s, True)
    # Any weight at all where the other row is masked.
    s.kl = INFINITY if is_masked(xp, xq, n, p_tail, q_tail) else s.kl
    s.reverse = INFINITY if is_masked(xq, xp, n, q_tail, p_tail) else s.reverse
