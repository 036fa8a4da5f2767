"""Logarithms of one number and of a ratio, and phi, written as math.pxd is."""

from libc.float cimport DBL_MIN, FLT_MIN
from libc.stdint cimport int32_t, uint32_t, uint64_t

from fastdiv.kernels.arithmetic cimport LN2_HI, LN2_HI_F, fma, real
from fastdiv.kernels.math cimport bits32, bits64, double_of, float_of
from fastdiv.kernels.polynomials cimport atanh_tail


cdef inline real origin_of(real m) noexcept nogil:
    """The largest sqrt(1/2) 2^e up to m, for a normal m."""
    # 0x3f3504f3 and its like are sqrt(1/2).
    if real is float:
        return float_of(((bits32(m) - <uint32_t>0x3f3504f3) & <uint32_t>0xff800000)
                        + <uint32_t>0x3f3504f3)
    else:
        return double_of(((bits64(m) - <uint64_t>0x3fe6a09e667f3bcd)
                          & <uint64_t>0xfff0000000000000) + <uint64_t>0x3fe6a09e667f3bcd)


cdef inline real unit_of(real origin) noexcept nogil:
    """2^-e of an origin."""
    if real is float:
        return float_of(<uint32_t>0x3f3504f3) / origin
    else:
        return double_of(<uint64_t>0x3fe6a09e667f3bcd) / origin


cdef inline real log_ratio(
    real a, real origin, real unit, real* fraction, real* steps
) noexcept nogil:
    """g and d in a = (1 + g) 2^(e + d), 1 + g in [0.71, 1.42), for a normal a and an origin's e,
    the unit being 2^-e; g / (2 + g).

    d comes in ``steps``: 2^23 d of a float. For a = 0 and an e below the type's largest all are
    finite, so that 0 * log(0) comes out as 0.
    """
    cdef real g
    cdef uint32_t i
    cdef uint64_t j
    if real is float:
        i = (bits32(a) - bits32(origin)) & <uint32_t>0xff800000
        steps[0] = <float><int32_t>i
        g = fma(float_of(bits32(a) - i), unit, <float>-1)
    else:
        # d through the low bits of 2^52, see phi_ratio.
        j = (bits64(a) - bits64(origin)) & <uint64_t>0xfff0000000000000
        steps[0] = double_of(
            ((j + (<uint64_t>2047 << 52)) >> 52) | <uint64_t>0x4330000000000000
        ) - 4503599627372543.0
        g = fma(double_of(bits64(a) - j), unit, -1.0)
    fraction[0] = g
    return g / (<real>2.0 + g)


cdef inline real log_series(real g, real t) noexcept nogil:
    """log(1 + g) = g - t (g - t^2 S(t^2)), t = g / (2 + g), however small g is.

    Within 1.32 u, at 1 + g = 1.2864696 in a float; 1.09 u, at 1.2971938 in sampled doubles.
    """
    cdef real v = t * t
    return fma(-t, fma(-v, atanh_tail(v), g), g)


cdef inline real log_gap(real g, real t, real steps, real mantissa) noexcept nogil:
    """log(m / a) of what log_ratio makes of a, where m = exp(mantissa) 2^e, the origin's e.

    Within 1.36 u, at 6.66353e-23 of 1.96443e-22, in samples of either type.
    """
    cdef real f = mantissa - log_series(g, t)
    if real is float:
        return fma(steps, -LN2_HI_F / <float>8388608.0, f)
    else:
        return fma(steps, -LN2_HI, f)


cdef inline real mantissa_of(real m, real origin, real unit) noexcept nogil:
    """What log_gap takes, from the lanes' own functions: the gap of m itself is exactly 0."""
    cdef real g = 0, steps = 0
    cdef real t = log_ratio(m, origin, unit, &g, &steps)
    return log_series(g, t)


cdef inline real phi_ratio(
    real p, real q, real delta, real factor, bint rounded, bint scaled, real* steps
) noexcept nogil:
    """t = (m - b) / (m + b), where m = p 2^-d is p in b's binade, m / b in [2/3, 3/2].

    b is q or, if ``scaled``, factor * q, which is not rounded where it matters. delta is p - b,
    which the caller knows better than by rounding, unless ``rounded``. Within a factor of two of
    b, d is taken as 0. It comes back in ``steps``: 2^23 d of a float, d of a double. p = b = 0
    gives t = 0, because the denominator is kept above 0.
    """
    cdef real m, top, bottom, b = factor * q if scaled else q
    cdef uint32_t i, e, far
    cdef uint64_t j, f, away
    # The selects are made with bit masks: of conditional expressions gcc makes two branches with
    # a division in each, and of these two masked divisions.
    if real is float:
        i = bits32(p) - bits32(b)
        far = <uint32_t>(i + <uint32_t>0x7fffff < <uint32_t>0xffffff) - <uint32_t>1
        # d 2^23, d the nearest exponent difference; exact in a float, as is ln 2 / 2^23.
        e = ((i + <uint32_t>0x400000) & <uint32_t>0xff800000) & far
        steps[0] = <float><int32_t>e
        m = float_of(bits32(p) - e)
        top = fma(-q, factor, m) if scaled else m - b
        if not rounded:
            top = float_of((bits32(top) & far) | (bits32(delta) & ~far))
        bottom = m + b
        return top / (FLT_MIN if bottom < FLT_MIN else bottom)
    else:
        j = bits64(p) - bits64(b)
        away = <uint64_t>(
            j + <uint64_t>0xfffffffffffff < <uint64_t>0x1fffffffffffff) - <uint64_t>1
        # No conversion of 64-bit integers in AVX2: d through the low bits of 2^52, 2047 keeping the
        # shifted number positive.
        f = ((j + <uint64_t>0x8000000000000) & <uint64_t>0xfff0000000000000) & away
        steps[0] = double_of(
            ((f + (<uint64_t>2047 << 52)) >> 52) | <uint64_t>0x4330000000000000
        ) - 4503599627372543.0
        m = double_of(bits64(p) - f)
        top = fma(-q, factor, m) if scaled else m - b
        if not rounded:
            top = double_of((bits64(top) & away) | (bits64(delta) & ~away))
        bottom = m + b
        return top / (DBL_MIN if bottom < DBL_MIN else bottom)


cdef inline real phi_series(
    real p, real delta, real t, real steps, bint fine
) noexcept nogil:
    """phi from the ratio: log(p / q) = d ln 2 + 2 t + t^3 S(t^2).

    Where d = 0, phi = delta t + p t^3 S: nothing cancels. Of pairs sampled at every distance within
    3.4 u in either type (tests/test_elementary.py); the worst, 2.8 times apart, are 5.7 u off if
    ``fine``, else 7.0 u, as the logarithm is rounded before p - q is taken from it.
    """
    cdef real ln2 = LN2_HI_F / <float>8388608.0 if real is float else LN2_HI
    cdef real lead, v = t * t
    cdef uint32_t far
    cdef uint64_t away
    if fine:
        lead = fma(p, t + t, fma(p, steps * ln2, -delta))
    else:
        lead = fma(p, fma(steps, ln2, t + t), -delta)
    if real is float:
        far = <uint32_t>(steps == 0) - <uint32_t>1
        lead = float_of((bits32(lead) & far) | (bits32(delta * t) & ~far))
    else:
        away = <uint64_t>(steps == 0) - <uint64_t>1
        lead = double_of((bits64(lead) & away) | (bits64(delta * t) & ~away))
    return fma(p * t * v, atanh_tail(v), lead)


cdef inline real phi_lane(real p, real q, real delta, bint rounded) noexcept nogil:
    """phi(p, q) = p log(p / q) - p + q >= 0 for p >= 0 and a normal q (any q if p = 0); q for
    p = 0."""
    cdef real steps = 0
    cdef real t = phi_ratio(p, q, delta, <real>1, rounded, False, &steps)
    return phi_series(p, delta, t, steps, True)
