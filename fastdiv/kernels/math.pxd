"""Bits and exponentials of one number, written so that a loop over lanes becomes vector code.

No branch on data (conditional expressions become selects), no table, no libm call. The only fused
multiply-adds are the explicit ones, so that every instruction set gives the same bits.
"""

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.string cimport memcpy

from fastdiv.kernels.arithmetic cimport (
    LN2_HI, LN2_HI_F, LN2_LO, LN2_LO_F, LOG2E, LOG2E_F, ROUNDER, ROUNDER_F, fma, real,
)
from fastdiv.kernels.polynomials cimport expm1_tail


cdef inline uint32_t bits32(float x) noexcept nogil:
    cdef uint32_t i
    memcpy(&i, &x, 4)
    return i


cdef inline float float_of(uint32_t i) noexcept nogil:
    cdef float x
    memcpy(&x, &i, 4)
    return x


cdef inline uint64_t bits64(double x) noexcept nogil:
    cdef uint64_t i
    memcpy(&i, &x, 8)
    return i


cdef inline double double_of(uint64_t i) noexcept nogil:
    cdef double x
    memcpy(&x, &i, 8)
    return x


cdef inline real or_bits(real a, real b) noexcept nogil:
    """The bits of either: an accumulator of flags that stays in the lanes' own registers."""
    if real is float:
        return float_of(bits32(a) | bits32(b))
    else:
        return double_of(bits64(a) | bits64(b))


cdef inline real lesser_bits(real a, real b) noexcept nogil:
    """The one of two whose bits are the lesser integer: of two that are not negative the lesser;
    a negative one, if there is one."""
    # As integers: of numbers gcc makes a comparison and a selection.
    cdef int32_t i, j
    cdef int64_t k, m
    if real is float:
        i, j = <int32_t>bits32(a), <int32_t>bits32(b)
        return float_of(<uint32_t>(i if i < j else j))
    else:
        k, m = <int64_t>bits64(a), <int64_t>bits64(b)
        return double_of(<uint64_t>(k if k < m else m))


cdef inline bint sign_bit(real a) noexcept nogil:
    if real is float:
        return bits32(a) >> 31
    else:
        return bits64(a) >> 63


cdef inline real expm1_reduced(
    real z, real difference, real error, real power, real rest, real low, real* scale
) noexcept nogil:
    """t and the power of two in exp(z) = scale exp(t), |t| <= 1; z up to 88 (float), 700 (double).

    z = difference + offset + error, rounded, offset = power ln 2 + rest. Up to 1 z is its own t and
    nothing cancels in exp(z) - 1 - z. Further off the rounding of z would be z u of exp(z): there
    the difference is reduced, and the offset joins it afterwards, which makes |t| <= ln 2. Below
    ``low``, with which exp(z) is next to 0, a difference counts as that.
    """
    cdef real b, n, t
    cdef uint32_t far
    cdef uint64_t away
    difference = low if difference < low else difference
    # Bit masks, as in logarithms.pxd.
    if real is float:
        far = <uint32_t>((z >= -1) & (z <= 1)) - <uint32_t>1
        b = fma(difference, LOG2E_F, ROUNDER_F + power)
        n = b - (ROUNDER_F + power)
        t = (fma(n, -LN2_HI_F, difference) + rest) + fma(n, -LN2_LO_F, error)
        scale[0] = float_of(((bits32(b) & far) << 23) + <uint32_t>0x3f800000)
        return float_of((bits32(t) & far) | (bits32(z) & ~far))
    else:
        away = <uint64_t>((z >= -1) & (z <= 1)) - <uint64_t>1
        b = fma(difference, LOG2E, ROUNDER + power)
        n = b - (ROUNDER + power)
        t = (fma(n, -LN2_HI, difference) + rest) + fma(n, -LN2_LO, error)
        scale[0] = double_of(((bits64(b) & away) << 52) + <uint64_t>0x3ff0000000000000)
        return double_of((bits64(t) & away) | (bits64(z) & ~away))


cdef inline real expm1_excess(real z, real t, real scale, real* expm1) noexcept nogil:
    """exp(z) - 1 - z >= 0, and exp(z) - 1, of what expm1_reduced made of z.

    The excess of |z| <= 1 is within 2.58 u, at z = -0.80787 in a float.
    """
    cdef real v = t * t
    cdef real w = fma(t * v, expm1_tail(t, v), <real>0.5 * v)
    cdef real e = fma(scale, t + w, scale - <real>1)
    expm1[0] = e
    return w if scale == 1 else e - z
