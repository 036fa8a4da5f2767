"""Logarithms of one number and of a ratio, and phi, written as math.pxd is."""

from libc.float cimport DBL_MIN
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

from fastdiv.kernels.arithmetic cimport LN2_HI, LN2_HI_F, fma, real
from fastdiv.kernels.math cimport bits32, bits64, double_of, float_of
from fastdiv.kernels.polynomials cimport atanh_tail


cdef inline real binade_of(real m) noexcept nogil:
    """The e of m = (1 + g) 2^e, 1 + g in [0.71, 1.42), for a normal m; in the bits of a real, where
    the type has its exponent."""
    # 0x3f3504f3 and its like are sqrt(1/2).
    if real is float:
        return float_of((bits32(m) - <uint32_t>0x3f3504f3) & <uint32_t>0xff800000)
    else:
        return double_of((bits64(m) - <uint64_t>0x3fe6a09e667f3bcd)
                         & <uint64_t>0xfff0000000000000)


cdef inline real steps_of(real binades) noexcept nogil:
    """The d in the bits of ``binades``; of a float 2^23 d. Exact."""
    if real is float:
        return <float><int32_t>bits32(binades)
    else:
        # No conversion of 64-bit integers in AVX2: d through the low bits of 2^52, 2047 keeping the
        # shifted number positive.
        return double_of(
            ((bits64(binades) + (<uint64_t>2047 << 52)) >> 52) | <uint64_t>0x4330000000000000
        ) - 4503599627372543.0


cdef inline real log_ratio(real a, real binade, real* fraction, real* steps) noexcept nogil:
    """g and d in a = (1 + g) 2^(e + d), 1 + g in [0.71, 1.42), for a normal a and the e of a
    binade; g / (2 + g).

    d comes in ``steps``: 2^23 d of a float. For a = 0 all are finite, so that 0 * log(0) comes out
    as 0.
    """
    cdef real g
    cdef uint32_t i, k
    cdef uint64_t j, n
    if real is float:
        k = bits32(a) - bits32(binade)
        i = (k - <uint32_t>0x3f3504f3) & <uint32_t>0xff800000
        steps[0] = steps_of(float_of(i))
        g = float_of(k - i) - <float>1
    else:
        n = bits64(a) - bits64(binade)
        j = (n - <uint64_t>0x3fe6a09e667f3bcd) & <uint64_t>0xfff0000000000000
        steps[0] = steps_of(double_of(j))
        g = double_of(n - j) - 1.0
    fraction[0] = g
    return g / (<real>2.0 + g)


cdef inline real log_series(real g, real t) noexcept nogil:
    """log(1 + g) = g - t (g - t^2 S(t^2)), t = g / (2 + g), however small g is.

    Within 1.32 u, at 1 + g = 1.2864696 in a float; 1.09 u, at 1.2971938 in sampled doubles.
    """
    cdef real v = t * t
    return fma(-t, fma(-v, atanh_tail(v), g), g)


cdef inline real log_gap(real g, real t, real steps, real mantissa) noexcept nogil:
    """log(m / a) of what log_ratio makes of a, where m = exp(mantissa) 2^e.

    Within 1.36 u, at 6.66353e-23 of 1.96443e-22, in samples of either type.
    """
    cdef real f = mantissa - log_series(g, t)
    if real is float:
        return fma(steps, -LN2_HI_F / <float>8388608.0, f)
    else:
        return fma(steps, -LN2_HI, f)


cdef inline real mantissa_of(real m, real binade) noexcept nogil:
    """What log_gap takes, from the lanes' own functions: the gap of m itself is exactly 0."""
    cdef real g = 0, steps = 0
    cdef real t = log_ratio(m, binade, &g, &steps)
    return log_series(g, t)


cdef inline real phi_ratio(
    real p, real q, real delta, real factor, bint rounded, bint scaled, real* binades
) noexcept nogil:
    """t = (m - b) / (m + b), where m = p 2^-d is within a factor of two of b, on p's side of it.

    b is q or, if ``scaled``, factor * q, which is not rounded where it matters. delta is p - b,
    which the caller knows better than by rounding, unless ``rounded``. Within a factor of two of
    b, p is m. d comes in the bits of ``binades``, where the type has its exponent. p = b = 0 gives
    t = 0, because the denominator is kept above 0.
    """
    cdef real m, top, bottom, b = factor * q if scaled else q
    cdef uint32_t i, e
    cdef int32_t least
    cdef uint64_t j, f
    # In integers, of which there are units enough: comparisons take those of the multiply-adds.
    if real is float:
        i = bits32(p) - bits32(b)
        e = (i + (<uint32_t>(<int32_t>i >> 31) & <uint32_t>0x7fffff)) & <uint32_t>0xff800000
        binades[0] = float_of(e)
        m = float_of(bits32(p) - e)
        top = fma(-q, factor, m) if scaled else m - b
        if not rounded:
            top = delta if e == 0 else top
        least = <int32_t>bits32(m + b)
        least = 0x00800000 if least < 0x00800000 else least
        return top / float_of(<uint32_t>least)
    else:
        j = bits64(p) - bits64(b)
        f = ((j + (<uint64_t>(<int64_t>j >> 63) & <uint64_t>0xfffffffffffff))
             & <uint64_t>0xfff0000000000000)
        binades[0] = double_of(f)
        m = double_of(bits64(p) - f)
        top = fma(-q, factor, m) if scaled else m - b
        if not rounded:
            top = delta if f == 0 else top
        bottom = m + b
        return top / (DBL_MIN if bottom < DBL_MIN else bottom)


cdef inline bint are_near(real binades) noexcept nogil:
    """Whether p is within a factor of two of b."""
    if real is float:
        return bits32(binades) == 0
    else:
        return bits64(binades) == 0


cdef inline real phi_series(real p, real delta, real t, real binades) noexcept nogil:
    """phi from the ratio: log(p / b) = d ln 2 + 2 t + t^3 S(t^2).

    Where d = 0, phi = delta t + p t^3 S: nothing cancels, and up to a factor of two it is within
    4.0 u. The worst are 5.1 u off: pairs p = 0.41 q (tests/test_elementary.py).
    """
    cdef real ln2 = LN2_HI_F / <float>8388608.0 if real is float else LN2_HI
    cdef real lead, rest, v = t * t
    lead = delta if are_near(binades) else p + p
    rest = <real>0 if are_near(binades) else fma(p, steps_of(binades) * ln2, -delta)
    return fma(t, fma(p * v, atanh_tail(v), lead), rest)


cdef inline real phi_lane(real p, real q, real delta, bint rounded) noexcept nogil:
    """phi(p, q) = p log(p / q) - p + q >= 0 for p >= 0 and a normal q (any q if p = 0); q for
    p = 0."""
    cdef real binades = 0
    cdef real t = phi_ratio(p, q, delta, <real>1, rounded, False, &binades)
    return phi_series(p, delta, t, binades)
