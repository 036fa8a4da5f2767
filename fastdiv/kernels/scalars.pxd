"""Elementary functions in double, for what is done once or twice in a row, and for careful rows."""

from libc.stdint cimport int64_t

from fastdiv.kernels.arithmetic cimport (
    INFINITY, LN2_HI, NAN, X_LN2_HI, X_LN2_LO, fma,
)
from fastdiv.kernels.math cimport exp_lane, log_mantissa, phi_lane
from fastdiv.kernels.polynomials cimport atanh_tail


cdef inline double log_careful(double a) noexcept nogil:
    """log(a) of any double, subnormal or not, within 1 u; NaN for a negative one."""
    cdef double e = 0, f
    cdef double lifted = a * 18014398509481984.0 if a < 1e-290 else a
    if not (a > 0 and a < INFINITY):
        return a if a > 0 else (-INFINITY if a == 0 else NAN)
    f = log_mantissa(lifted, &e)
    e = e - 54.0 if a < 1e-290 else e
    return fma(e, X_LN2_HI, f + e * X_LN2_LO)


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
    two logarithms of mantissas is exact enough.
    """
    cdef double p_up = p * 18014398509481984.0 if p < 1e-290 else p
    cdef double q_up = q * 18014398509481984.0 if q < 1e-290 else q
    cdef double shift = (54.0 if p < 1e-290 else 0.0) - (54.0 if q < 1e-290 else 0.0)
    cdef double one = q if q > 0 else 1.0
    cdef bint near = close(p, q)
    cdef double t = delta / (p + q if near else one)
    cdef double v = t * t
    cdef double together = fma(p * t * v, atanh_tail(v), delta * t)
    cdef double e_p = 0, e_q = 0
    cdef double f = log_mantissa(p_up, &e_p) - log_mantissa(q_up, &e_q)
    cdef double apart = fma(p, fma(e_p - e_q - shift, LN2_HI, f), -delta)
    apart = INFINITY if q == 0 and p > 0 else apart
    return together if near else apart


cdef inline double exp_scalar(double x) noexcept nogil:
    """exp(x) for x <= 0.4, within 1 u; 0 below -708."""
    return exp_lane(x, <double>0.0, <double>-709.0895657128241, <int64_t>1023, False)


cdef inline double log1p_scalar(double r) noexcept nogil:
    """log(1 + r) for r >= -0.3, within 1.5 u."""
    cdef double t, v, one
    if r < 0.41:
        t = r / (2.0 + r)
        v = t * t
        return r - t * (r - v * atanh_tail(v))
    one = 1.0 + r
    if not (one < INFINITY):
        return one
    return log_careful(one) + (r - (one - 1.0)) / one


cdef inline double log1p_excess(double e) noexcept nogil:
    """e - log(1 + e) >= 0 for e > -1, without cancellation: phi(1, 1 + e) = e - log1p(e)."""
    if -2.0 ** -13 < e < 2.0 ** -13:
        # Two sums of one row: a division here would cost a row of 100 classes 14 % of its time.
        return e * e * (0.5 - e * (1.0 / 3.0 - e * (0.25 - e * 0.2)))
    if not (e > -1.0) or not (e < INFINITY):
        return INFINITY if e == -1.0 or e == INFINITY else NAN
    return phi_lane(<double>1.0, 1.0 + e, -e, False)
