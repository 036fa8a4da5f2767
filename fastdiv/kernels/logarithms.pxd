"""Logarithms of one number and of a ratio, and phi, written as math.pxd is."""

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

from fastdiv.kernels.arithmetic cimport LN2_HI, LN2_HI_F, LN2_LO, fma, real
from fastdiv.kernels.math cimport bits32, bits64, double_of, float_of
from fastdiv.kernels.polynomials cimport log_tail, phi_tail


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

    Within 1.32 u, at 1 + g = 1.2889758 in a float; 1.09 u, at 1.2971938 in sampled doubles.
    """
    cdef real v = t * t
    return fma(-t, fma(-v, log_tail(v), g), g)


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


cdef inline real binades_apart(real p, real b) noexcept nogil:
    """The d of the 2^d b that p is 0.67 to 1.52 times, in the bits of a real, where the type has
    its exponent; for p and b >= 0.

    It is the difference of the two patterns, rounded up from 0.516 on. p below twice the smallest
    normal number counts as that, which no sum above ``faint`` shows: 2^d b is normal and above 0
    whatever p and b are.
    """
    cdef int32_t i
    cdef int64_t j
    if real is float:
        i = <int32_t>bits32(p)
        i = 0x01000000 if i < 0x01000000 else i
        return float_of((<uint32_t>i - bits32(b) + <uint32_t>0x003e0000) & <uint32_t>0xff800000)
    else:
        j = <int64_t>bits64(p)
        j = <int64_t>0x0020000000000000 if j < <int64_t>0x0020000000000000 else j
        return double_of((<uint64_t>j - bits64(b) + <uint64_t>0x0007c00000000000)
                         & <uint64_t>0xfff0000000000000)


cdef inline bint are_near(real p, real b) noexcept nogil:
    """Whether p is between 2/3 and 3/2 of b, or all but."""
    cdef real binades = binades_apart(p, b)
    if real is float:
        return bits32(binades) == 0
    else:
        return bits64(binades) == 0


cdef inline bint are_near_mean(real p, real b) noexcept nogil:
    """Whether p and b are near their mean m, so that phi(p, m) and phi(b, m) are known by p - b.

    2 m is rounded, which the sum of the two shows in the second order alone: what the one gains the
    other loses. So both are to be of p - b, or both of the rounded m.
    """
    return are_near(p + p, p + b) & are_near(b + b, p + b)


cdef inline real moved(real b, real binades) noexcept nogil:
    """2^d b."""
    if real is float:
        return float_of(bits32(b) + bits32(binades))
    else:
        return double_of(bits64(b) + bits64(binades))


cdef inline real power_of(real binades) noexcept nogil:
    """2^d, or 0 for what it is next to 0; past the range, where p is all that counts, inf or 0."""
    cdef int32_t i
    cdef int64_t j
    if real is float:
        i = <int32_t>(bits32(binades) + <uint32_t>0x3f800000)
        return float_of(<uint32_t>(0 if i < 0 else i))
    else:
        j = <int64_t>(bits64(binades) + <uint64_t>0x3ff0000000000000)
        return double_of(<uint64_t>(<int64_t>0 if j < 0 else j))


cdef inline real phi_ratio(
    real p, real q, real delta, real factor, bint known, bint scaled, bint plain, real* lead,
    real* rest,
) noexcept nogil:
    """What phi_series takes of p and b, which is q or, if ``scaled``, factor * q, as if it were not
    rounded. With c = 2^d b, p being 0.67 to 1.52 times that,

        phi(p, b) = phi(p, c) + (d p ln 2 + b - c),

    of which the second term, 0 where d is, has the rounding of no logarithm and takes away 0.56 of
    the first at most. t = (p - c) / (p + c) comes back, ``lead`` is p - c, ``rest`` the second.

    known: p is near b, and delta is p - b as the caller knows it better than by rounding. phi of
    p = 0 is b, and 0 if that is 0. plain: if p is not near b, p log(p / b) in place of phi.
    """
    cdef real b = factor * q if scaled else q
    cdef real apart = binades_apart(p, b), c = moved(b, apart)
    cdef real ln2 = LN2_HI_F / <float>8388608.0 if real is float else LN2_HI
    cdef real top = p - c, lost, power
    rest[0] = fma(p, steps_of(apart) * ln2, <real>0 if plain else b - c)
    if real is double:
        # What LN2_HI lacks would be 5 u of phi where p is 4/3 of b.
        rest[0] = fma(p, steps_of(apart) * LN2_LO, rest[0])
    if scaled:
        lost = fma(q, factor, -b)
        power = power_of(apart)
        top = fma(-power, lost, top)
        rest[0] = fma(<real>1 - power, lost, rest[0])
    top = delta if known else top
    lead[0] = p + p if plain and not are_near(p, b) else top
    return top / (p + c)


cdef inline real phi_series(real p, real t, real lead, real rest) noexcept nogil:
    """phi of what phi_ratio makes: log(p / c) = 2 t + t^3 S(t^2), so that phi(p, c) is
    lead t + p t^3 S, and nothing cancels.

    Within 4.4 u, at p = 1.926209 and b = 1.4026765 in samples of floats: about 4/3 and 3/4 are the
    worst.
    """
    cdef real v = t * t
    return fma(t, fma(p * v, phi_tail(v), lead), rest)


cdef inline real phi_lane(real p, real q, real delta, bint rounded) noexcept nogil:
    """phi(p, q) = p log(p / q) - p + q >= 0 for p >= 0 and a normal q (any q if p = 0); q for
    p = 0."""
    cdef real lead = 0, rest = 0
    cdef bint known = not rounded and are_near(p, q)
    cdef real t = phi_ratio(p, q, delta, <real>1, known, False, False, &lead, &rest)
    return phi_series(p, t, lead, rest)
