"""Two rows of logits compared: the terms of all the divergences from d = log(p / q).

With h = d / 2, tanh(h) = (p - q) / (p + q), a pair of classes contributes

    KL(p, q)            p d - p + q = (p + q) (h + h tanh(h) - tanh(h))
    KL(q, p)            the same with -h
    Jensen-Shannon      (p + q) chi(tanh(h)) / 2, see chi_tail
    total variation     |p - q| / 2 = (p + q) |tanh(h)| / 2

none of which is ever negative. Up to |h| = 1 all are made of p + q, h and polynomials in h^2, where
nothing cancels; the first two and the last share one. Beyond, the difference of p and q will do;
for Jensen-Shannon beyond |h| = 1.25, as of

    JS = (p + q) log(2 / (1 + r)) / 2 - less |h|,   r = less / more of p and q,

at |h| = 1 the roundings count 1.7 times.

Of an error y common to all d the sums of the first three keep y^2 / 2, y^2 / 2 and y^2 / 8. That
of |p - q| keeps y times half of ``side``, p + q with the sign of h, but for what lies so near to 0
that its sign is in doubt, ``close``. p - q, which should sum up to 0, tells y.
"""

from libc.float cimport DBL_MAX, DBL_MIN, FLT_MAX, FLT_MIN
from libc.stdint cimport uint32_t, uint64_t

from fastdiv.kernels.arithmetic cimport INFINITY, LN2_HI, LN2_HI_F, NAN, fma, real
from fastdiv.kernels.compare_polynomials cimport chi_tail, half_log_tail
from fastdiv.kernels.math cimport bits32, bits64, double_of, float_of


cdef inline real most_half(real like) noexcept nogil:
    """The largest h: d = 2 h is finite."""
    if real is float:
        return FLT_MAX / <float>2
    else:
        return DBL_MAX / 2


cdef inline real logit_gap(
    real a, real b, real offset, real offset_low, bint masks
) noexcept nogil:
    """d = log(p / q), exact to 1 u of itself. Unless it ``masks``, a logit of -inf makes it NaN."""
    cdef real d = a - b
    cdef real part = d - a
    cdef real error = (a - (d - part)) - (b + part)
    if masks:
        error = error if error == error else <real>0
    return (d - offset) + (error - offset_low)


cdef inline real half_gap(
    real a, real b, real offset, real offset_low, bint masks
) noexcept nogil:
    """h of a pair of logits, exact to 1 u of itself.

    Unless it ``masks``, a logit of -inf makes NaN of it. Else it is finite, so that its product
    with 0 is 0, and 0 where both are masked.
    """
    cdef real h = <real>0.5 * logit_gap(a, b, offset, offset_low, masks)
    cdef real most = most_half(<real>0)
    if masks:
        h = h if h == h else <real>0
        h = h if h < most else most
        h = h if h > -most else -most
    return h


cdef inline real half_log(real p, real q) noexcept nogil:
    """log(2 / (1 + r)) / 2 for r, the less of two over the more; 0 if both are 0."""
    cdef real half_log2 = LN2_HI_F / <float>2 if real is float else LN2_HI / 2
    cdef real more = p if p > q else q, less = q if p > q else p
    # Without its type the sum, and with it the division, would be of doubles.
    cdef real r = less / (more + <real>(FLT_MIN if real is float else DBL_MIN))
    return fma(r, half_log_tail(r), half_log2)


cdef inline real near_share(real w, real v) noexcept nogil:
    """What a pair of classes adds to Jensen-Shannon, of w = (p + q) v, v = h^2 <= 1.25^2."""
    return w * fma(v, chi_tail(v), <real>0.25)


cdef inline real js_share(
    real p, real q, real both, real near, real size, real log
) noexcept nogil:
    """The same for any h, of both = p + q, near_share, size = |h| and log = half_log(p, q)."""
    cdef real less = q if p > q else p
    return near if size <= <real>1.25 else fma(both, log, -(less * size))


cdef inline real with_sign(real a, real of) noexcept nogil:
    """A number that is not negative, with the sign of another."""
    if real is float:
        return float_of(bits32(a) | (bits32(of) & <uint32_t>0x80000000))
    else:
        return double_of(bits64(a) | (bits64(of) & (<uint64_t>1 << 63)))


cdef inline void near_lane(
    real both, real h, real g, real* kl, real* reverse, real* js, real* gap, real* side,
    real* close,
) noexcept nogil:
    """The terms of a pair with |h| <= 1, both = p + q and g = tanh_tail(h^2)."""
    # The log-sum-exps together are off by less. Doubles are rounded at their own size.
    cdef real doubt = <real>(2.0 ** -22 if real is float else 2.0 ** -47)
    cdef real first = both * h, w = first * h, v = h * h, third = w * g
    # (p + q) h tanh(h)
    cdef real even = fma(-v, third, w)
    kl[0] = fma(h, third, even)
    reverse[0] = fma(-h, third, even)
    js[0] = near_share(w, v)
    gap[0] = fma(-h, third, first)
    side[0] = with_sign(both, h)
    close[0] = both if abs(h) < doubt else <real>0


cdef inline void split(real gap, real* above, real* below) noexcept nogil:
    """Twice p - q where that is positive, and twice q - p where that is.

    Of a pair of rows of which two classes make up total variation neither sum is rounded, and one
    half of it is as exact as the better of the two.
    """
    cdef real size = abs(gap)
    above[0] = size + gap
    below[0] = size - gap


cdef inline void compare_lane(
    real p, real q, real both, real h, real g, real log, real* kl, real* reverse, real* js,
    real* gap, real* side, real* close,
) noexcept nogil:
    """The same for any h, with log = half_log(p, q)."""
    cdef real size = abs(h), d = h + h, far = p - q
    near_lane(both, h, g, kl, reverse, js, gap, side, close)
    kl[0] = kl[0] if size <= 1 else fma(p, d, -far)
    reverse[0] = reverse[0] if size <= 1 else fma(-q, d, far)
    js[0] = js_share(p, q, both, js[0], size, log)
    gap[0] = gap[0] if size <= 1 else far


cdef inline double unless_infinite(double sum) noexcept nogil:
    """A sum, or NaN if a product of an exponential and a large difference has overflowed."""
    return sum if sum < INFINITY else NAN
