"""Elementary functions in double, for what is done once or twice in a row, and for careful rows."""

from libc.stdint cimport uint64_t

from fastdiv.kernels.arithmetic cimport INFINITY, LN2_HI, NAN, X_LN2_HI, X_LN2_LO, fma
from fastdiv.kernels.exponentials cimport exp_double, rounder_for
from fastdiv.kernels.logarithms cimport phi_lane
from fastdiv.kernels.math cimport bits64, double_of, expm1_excess, expm1_reduced
from fastdiv.kernels.polynomials cimport exp_tail, log_tail, phi_tail


cdef inline double ratio_near(double g) noexcept nogil:
    return g / (2.0 + g)


cdef inline double below_g(double g, double t, double tail) noexcept nogil:
    """g - log(1 + g) = t (g - t^2 S(t^2)), t = g / (2 + g), of ``tail`` = S(t^2)."""
    return t * (g - t * t * tail)


cdef inline double log_near(double g) noexcept nogil:
    """log(1 + g) for 1 + g in [0.71, 1.42), however small g is.

    Within 1.22 u, at 1 + g = 1.5156771 / 2 in samples.
    """
    cdef double t = ratio_near(g)
    return g - below_g(g, t, log_tail(t * t))


cdef inline double log_mantissa(double a, double* exponent) noexcept nogil:
    """log(f) and the integer e in a = f 2^e, f in [0.71, 1.42), for a normal a."""
    # 0x3fe6a09e667f3bcd is sqrt(1/2); the bias of 1023 keeps the shifted number positive.
    cdef uint64_t j = bits64(a) - <uint64_t>0x3fe6a09e667f3bcd + (<uint64_t>1023 << 52)
    exponent[0] = double_of((j >> 52) | <uint64_t>0x4330000000000000) - 4503599627371519.0
    return log_near(
        double_of((j & <uint64_t>0xfffffffffffff) + <uint64_t>0x3fe6a09e667f3bcd) - 1.0)


cdef inline double log_normal(double a) noexcept nogil:
    """log(a) of a normal a, within 1 u, without a branch: for lanes, too."""
    cdef double e = 0, f = log_mantissa(a, &e)
    return fma(e, X_LN2_HI, f + e * X_LN2_LO)


cdef inline double log_careful(double a) noexcept nogil:
    """log(a) of any double, subnormal or not, within 1 u; NaN for a negative one."""
    cdef double e = 0, f
    cdef double lifted = a * 18014398509481984.0 if a < 1e-290 else a
    if not (a > 0 and a < INFINITY):
        return a if a > 0 else (-INFINITY if a == 0 else NAN)
    f = log_mantissa(lifted, &e)
    e = e - 54.0 if a < 1e-290 else e
    return fma(e, X_LN2_HI, f + e * X_LN2_LO)


cdef inline double log_lane(double a) noexcept nogil:
    """log_careful of a number that is not subnormal, without a branch: for lanes, too."""
    cdef double made = log_normal(a)
    made = made if a < INFINITY else a
    made = -INFINITY if a == 0 else made
    return NAN if a < 0 else made


cdef inline double log_quotient_lane(double a, double b, double quotient) noexcept nogil:
    """log(a / b) for 0 <= a <= b and their quotient, not subnormal, to 3 u of itself. For lanes.

    Next to 1 the quotient's own rounding would be all of its logarithm.
    """
    cdef double near = log_near((a - b) / b), far = log_lane(quotient)
    return near if quotient >= 0.75 else far


cdef inline double log_quotient(double a, double b) noexcept nogil:
    """log(a / b) for a <= b, to a few u of itself."""
    cdef double quotient = a / b
    if quotient > 1e-290 or not a > 0:
        return log_careful(quotient)
    return log_careful(a) - log_careful(b)


cdef inline bint close(double p, double q) noexcept nogil:
    """Whether p and q are within a factor of two, so that p - q is exact."""
    return (p + p > q) & (q + q > p)


cdef inline double phi_careful(double p, double q, double delta) noexcept nogil:
    """phi_lane for any p >= 0 and q >= 0: +inf where q is 0 and p is not, 0 where both are.

    Where p and q are not close, delta = 0 asks for p log(p / q) alone.

    Subnormal numbers are lifted by 2^54. Apart by more than a factor of two, the difference of
    two logarithms of mantissas is exact enough; by less, it is as in logarithms.pxd, of p against
    2 q or q / 2 where they are not near each other, of which delta tells more than q.
    """
    cdef double p_up = p * 18014398509481984.0 if p < 1e-290 else p
    cdef double q_up = q * 18014398509481984.0 if q < 1e-290 else q
    cdef double shift = (54.0 if p < 1e-290 else 0.0) - (54.0 if q < 1e-290 else 0.0)
    cdef double one = q if q > 0 else 1.0
    cdef bint near = close(p, q), above = p > 1.5 * q, below = q > 1.5 * p
    cdef double top = delta - 0.5 * p if above else (0.5 * (p + delta) if below else delta)
    cdef double bottom = 0.5 * p + q if above else (p + 0.5 * q if below else p + q)
    cdef double t = top / (bottom if near else one)
    cdef double v = t * t
    cdef double rest = fma(p, LN2_HI - 1.0, delta) if above else (
        fma(p, 0.5 - LN2_HI, -0.5 * delta) if below else 0.0)
    cdef double together = fma(t, fma(p * v, phi_tail(v), top + top if above else top), rest)
    cdef double e_p = 0, e_q = 0
    cdef double f = log_mantissa(p_up, &e_p) - log_mantissa(q_up, &e_q)
    cdef double apart = fma(p, fma(e_p - e_q - shift, LN2_HI, f), -delta)
    apart = INFINITY if q == 0 and p > 0 else apart
    return together if near else apart


cdef inline double exp_scalar(double x) noexcept nogil:
    """exp(x) for x <= 0.4, within 1 u; 0 below -708."""
    cdef double rounder = rounder_for(1023, &x)
    return exp_double(x, -709.0895657128241, rounder)


cdef inline double exp_near(double x, double* low) noexcept nogil:
    """exp(x) for |x| <= 0.348, and what it is rounded by."""
    cdef double tail = exp_tail(x), e = fma(x, tail, 1.0)
    low[0] = fma(x, tail, 1.0 - e)
    return e


cdef inline double log1p_parts(double r, double* e) noexcept nogil:
    """g and the integer e in 1 + r = (1 + g) 2^e, 1 + g in [0.71, 1.42)."""
    cdef double one = 1.0 + r
    cdef double missing = r - (one - 1.0)
    # As in log_mantissa, with what the addition has lost: g is r itself where 1 + r is about 1.
    cdef uint64_t j = bits64(one) - <uint64_t>0x3fe6a09e667f3bcd + (<uint64_t>1023 << 52)
    cdef double g = double_of((j & <uint64_t>0xfffffffffffff) + <uint64_t>0x3fe6a09e667f3bcd) - 1.0
    cdef double scale = double_of((<uint64_t>2046 << 52) - (j & <uint64_t>0xfff0000000000000))
    e[0] = double_of((j >> 52) | <uint64_t>0x4330000000000000) - 4503599627371519.0
    return g + missing * scale


cdef inline double log1p_end(double r, double e, double g, double below) noexcept nogil:
    """log(1 + r) of its parts, ``below`` being g - log(1 + g)."""
    return fma(e, X_LN2_HI, g - below + e * X_LN2_LO) if 1.0 + r < INFINITY else 1.0 + r


cdef inline double log1p_sum_end(double r, double e, double g, double below) noexcept nogil:
    """The same with what e ln 2 + g is rounded by: from r = 0.42 on g is negative, and their sum
    half of ln 2."""
    cdef double high = fma(e, X_LN2_HI, g)
    cdef double low = g - fma(-e, X_LN2_HI, high)
    return high + (low + fma(e, X_LN2_LO, -below)) if 1.0 + r < INFINITY else 1.0 + r


cdef inline double log1p_lane(double r) noexcept nogil:
    """log(1 + r) for r >= -0.3, however small r is, without a branch: for lanes, too.

    Within 2.5 u (at r = 0.4529, in samples), 1.3 u below r = 0.41.
    """
    cdef double e = 0, g = log1p_parts(r, &e), t = ratio_near(g)
    return log1p_end(r, e, g, below_g(g, t, log_tail(t * t)))


cdef inline double log1p_of_sum(double r, double low) noexcept nogil:
    """log(1 + r) of an r that is rounded by ``low`` (1 + r).

    Within 1.72 u (at r = 0.4243, in samples), 1.3 u below r = 0.41.
    """
    cdef double e = 0, g = log1p_parts(r, &e), t = ratio_near(g)
    return log1p_sum_end(r, e, g, below_g(g, t, log_tail(t * t)) - low)


cdef inline double log1p_excess_small(double e) noexcept nogil:
    """e - log(1 + e) of what the sums of one row may differ by, 2^-7; else NaN. For lanes."""
    cdef double tail = 1.0 / 6.0 - e * (1.0 / 7.0 - e * (0.125 - e * (1.0 / 9.0)))
    cdef double excess = e * e * (0.5 - e * (1.0 / 3.0 - e * (0.25 - e * (0.2 - e * tail))))
    return excess if (e > -2.0 ** -7) & (e < 2.0 ** -7) else NAN


cdef inline double log1p_excess(double e) noexcept nogil:
    """e - log(1 + e) >= 0 for e > -1, without cancellation: phi(1, 1 + e) = e - log1p(e)."""
    cdef double excess = log1p_excess_small(e)
    if excess == excess:
        # A division here would cost a row of 200 classes 7 % of its time.
        return excess
    if not (e > -1.0) or not (e < INFINITY):
        return INFINITY if e == -1.0 or e == INFINITY else NAN
    return phi_lane(<double>1.0, 1.0 + e, -e, False)


cdef inline double excess_of(double z, double* expm1) noexcept nogil:
    """exp(z) - 1 - z, and exp(z) - 1, for -700 <= z < 80."""
    cdef double scale = 0
    cdef double t = expm1_reduced(
        z, z, <double>0, <double>0, <double>0, <double>-700, &scale)
    return expm1_excess(z, t, scale, expm1)
