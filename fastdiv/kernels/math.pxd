"""Elementary functions of one number, written so that a loop over lanes becomes vector code.

No branch on data (conditional expressions become selects), no table, no libm call. The only fused
multiply-adds are the explicit ones, so that every instruction set gives the same bits.
u is half a unit in the last place of 1: 2^-24 (float), 2^-53 (double). The polynomials are fitted
and their errors measured by bench/polynomials.py.
"""

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.string cimport memcpy

ctypedef fused real:
    float
    double

cdef extern from "math.h" nogil:
    # With FMA in the instruction set the compiler makes one instruction of these; without, libm's
    # call is exact too: the bits stay the same and only the baseline module is slow.
    float fmaf(float a, float b, float c) noexcept
    double _fma "fma"(double a, double b, double c) noexcept
    double ldexp(double x, int n) noexcept
    const double INFINITY
    const double NAN

cdef extern from *:
    """
    /* ln 2 = HI + LO to twice the working precision; X_LN2_HI has 32 trailing zero bits, so that
       a binary exponent times it is exact. */
    #define FASTDIV_LN2_HI 0.69314718055994531
    #define FASTDIV_LN2_LO 2.3190468138462996e-17
    #define FASTDIV_X_LN2_HI 0.693147180369123816490
    #define FASTDIV_X_LN2_LO 1.90821492927058770002e-10
    #define FASTDIV_LN2_HI_F 0.693147182464599609375f
    #define FASTDIV_LN2_LO_F (-1.904654299957768e-09f)
    #define FASTDIV_LOG2E 1.4426950408889634
    #define FASTDIV_LOG2E_F 1.44269504f
    /* 1.5 * 2^(p-1): adding it rounds to an integer, which then stands in the low bits. */
    #define FASTDIV_ROUNDER 6755399441055744.0
    #define FASTDIV_ROUNDER_F 12582912.0f
    """
    const double LN2_HI "FASTDIV_LN2_HI"
    const double LN2_LO "FASTDIV_LN2_LO"
    const double X_LN2_HI "FASTDIV_X_LN2_HI"
    const double X_LN2_LO "FASTDIV_X_LN2_LO"
    const float LN2_HI_F "FASTDIV_LN2_HI_F"
    const float LN2_LO_F "FASTDIV_LN2_LO_F"
    const double LOG2E "FASTDIV_LOG2E"
    const float LOG2E_F "FASTDIV_LOG2E_F"
    const double ROUNDER "FASTDIV_ROUNDER"
    const float ROUNDER_F "FASTDIV_ROUNDER_F"

cdef enum:
    # Exponentials are kept multiplied by 2^EXP_SCALE, so that the smallest number of the type can
    # still be a sum of them, and nothing is subnormal on the way.
    EXP_SCALE_F32 = 32
    EXP_SCALE_F64 = 128


cdef inline bint finite(double x) noexcept nogil:
    return -INFINITY < x < INFINITY


cdef inline real fma(real a, real b, real c) noexcept nogil:
    if real is float:
        return fmaf(a, b, c)
    else:
        return _fma(a, b, c)


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


# ------------------------------------------------------------------------------- polynomials

cdef inline real exp_tail(real t) noexcept nogil:
    """(exp(t) - 1) / t for |t| <= 0.348; 1 + t * this is within 0.06 u (float), 0.22 u (double)."""
    cdef real r
    if real is float:
        r = <float>0.0013843191554769874
        r = fma(r, t, <float>0.008369537070393562)
        r = fma(r, t, <float>0.041668061167001724)
        r = fma(r, t, <float>0.16666513681411743)
        r = fma(r, t, <float>0.4999999403953552)
        return fma(r, t, <float>1.0)
    else:
        r = 2.3044171176501903e-08
        r = fma(r, t, 2.7628549175700875e-07)
        r = fma(r, t, 2.756432278181021e-06)
        r = fma(r, t, 2.4801498628638916e-05)
        r = fma(r, t, 0.00019841261053362889)
        r = fma(r, t, 0.001388888893721382)
        r = fma(r, t, 0.008333333338142042)
        r = fma(r, t, 0.041666666666559354)
        r = fma(r, t, 0.16666666666655955)
        r = fma(r, t, 0.5000000000000007)
        return fma(r, t, 1.0000000000000007)


cdef inline real atanh_tail(real v) noexcept nogil:
    """S(v) in log((1 + t) / (1 - t)) = 2 t + t^3 S(t^2), for v = t^2 <= 1/9."""
    cdef real r
    if real is float:
        r = <float>0.23704519867897034
        r = fma(r, v, <float>0.21591311693191528)
        r = fma(r, v, <float>0.2860133647918701)
        r = fma(r, v, <float>0.3999946415424347)
        return fma(r, v, <float>0.6666666865348816)
    else:
        r = 0.16678442264917556
        r = fma(r, v, 0.0852954860638919)
        r = fma(r, v, 0.12061271102924992)
        r = fma(r, v, 0.1330683645454861)
        r = fma(r, v, 0.15386097274479774)
        r = fma(r, v, 0.18181766447523467)
        r = fma(r, v, 0.22222223306274141)
        r = fma(r, v, 0.2857142855893812)
        r = fma(r, v, 0.40000000000066127)
        return fma(r, v, 0.6666666666666656)


cdef inline real psi_tail(real z) noexcept nogil:
    """(exp(z) - 1 - z) / z^2 for |z| <= 2, within 0.22 u (float), 0.18 u (double)."""
    cdef real r
    if real is float:
        r = <float>2.0914949772077307e-09
        r = fma(r, z, <float>2.6939613206877766e-08)
        r = fma(r, z, <float>2.758654318313347e-07)
        r = fma(r, z, <float>2.747384769463679e-06)
        r = fma(r, z, <float>2.48013802774949e-05)
        r = fma(r, z, <float>0.00019843023619614542)
        r = fma(r, z, <float>0.0013888874091207981)
        r = fma(r, z, <float>0.008333316072821617)
        r = fma(r, z, <float>0.0416666679084301)
        r = fma(r, z, <float>0.1666666716337204)
        return fma(r, z, <float>0.5)
    else:
        r = 7.811986982364477e-18
        r = fma(r, z, 1.6355671981238993e-16)
        r = fma(r, z, 2.821930202279843e-15)
        r = fma(r, z, 4.774123745190459e-14)
        r = fma(r, z, 7.646342147769494e-13)
        r = fma(r, z, 1.147095095179092e-11)
        r = fma(r, z, 1.6059076103386682e-10)
        r = fma(r, z, 2.0876752536563465e-09)
        r = fma(r, z, 2.5052107681654806e-08)
        r = fma(r, z, 2.7557319277778415e-07)
        r = fma(r, z, 2.7557319232521228e-06)
        r = fma(r, z, 2.4801587301257365e-05)
        r = fma(r, z, 0.00019841269841216477)
        r = fma(r, z, 0.0013888888888889683)
        r = fma(r, z, 0.008333333333333475)
        r = fma(r, z, 0.041666666666666664)
        r = fma(r, z, 0.16666666666666666)
        return fma(r, z, 0.5)


cdef inline real js_tail(real v) noexcept nogil:
    """chi(tanh(d / 2)) / (2 d^2) for v = d^2 <= 4, within 0.18 u (float), 0.25 u (double).

    chi(s) = ((1 + s) log(1 + s) + (1 - s) log(1 - s)) / 2 is a pair's share of Jensen-Shannon.
    """
    cdef real r
    if real is float:
        r = <float>-2.5212512078098825e-09
        r = fma(r, v, <float>6.460067680791326e-08)
        r = fma(r, v, <float>-8.856423505676503e-07)
        r = fma(r, v, <float>9.432358638150617e-06)
        r = fma(r, v, <float>-9.206488903146237e-05)
        r = fma(r, v, <float>0.0008679805905558169)
        r = fma(r, v, <float>-0.007812488358467817)
        return fma(r, v, <float>0.0625)
    else:
        r = -6.983189908392082e-18
        r = fma(r, v, 2.919651256132619e-16)
        r = fma(r, v, -6.105885445393984e-15)
        r = fma(r, v, 8.811767877292835e-14)
        r = fma(r, v, -1.0290547838976307e-12)
        r = fma(r, v, 1.0777698914285256e-11)
        r = fma(r, v, -1.0781643367514304e-10)
        r = fma(r, v, 1.0620982507845865e-09)
        r = fma(r, v, -1.041208534259881e-08)
        r = fma(r, v, 1.0179214960073011e-07)
        r = fma(r, v, -9.917760610095129e-07)
        r = fma(r, v, 9.610614943675176e-06)
        r = fma(r, v, -9.223090274846016e-05)
        r = fma(r, v, 0.0008680555555523314)
        r = fma(r, v, -0.007812499999999875)
        return fma(r, v, 0.0625)


# --------------------------------------------------------------------------------------- exp

cdef inline real exp_lane(real x, real shift, real low, int64_t bias) noexcept nogil:
    """2^EXP_SCALE exp(x - reference), see ``exp_reference`` in lanes.pxd; 0 below the range.

    x is reduced directly, x - shift = n ln 2 + t, and not x minus the row's maximum: that
    difference would be rounded, which at a gap of 60 is 30 u of the result. NaN in, NaN out.
    """
    cdef real z = x - shift
    cdef real b, n, t, s
    z = low if z < low else z
    if real is float:
        b = fma(z, LOG2E_F, ROUNDER_F)
        n = b - ROUNDER_F
        t = fma(n, -LN2_HI_F, z)
        t = fma(n, -LN2_LO_F, t)
        s = float_of((bits32(b) + <uint32_t>bias) << 23)
    else:
        b = fma(z, LOG2E, ROUNDER)
        n = b - ROUNDER
        t = fma(n, -LN2_HI, z)
        t = fma(n, -LN2_LO, t)
        s = double_of((bits64(b) + <uint64_t>bias) << 52)
    return fma(t * s, exp_tail(t), s)


# ------------------------------------------------------------------------------ log, log ratio

cdef inline real log_mantissa(real a, real* exponent) noexcept nogil:
    """log(f) and the integer e in a = f 2^e, f in [0.71, 1.42), for a normal a.

    For a = 0 both are finite, so that 0 * log(0) comes out as 0.
    With f = 1 + g and t = g / (2 + g): log f = g - t (g - t^2 S(t^2)), relative error below 1 u
    however close f is to 1.
    """
    cdef real g, t, v
    cdef uint32_t i
    cdef uint64_t j
    if real is float:
        # 0x3f3504f3 is sqrt(1/2); the bias of 127 keeps the shifted number positive.
        i = bits32(a) - <uint32_t>0x3f3504f3 + (<uint32_t>127 << 23)
        exponent[0] = float_of((i >> 23) | <uint32_t>0x4b000000) - <float>8388735.0
        g = float_of((i & <uint32_t>0x7fffff) + <uint32_t>0x3f3504f3) - <float>1.0
        t = g / (<float>2.0 + g)
    else:
        j = bits64(a) - <uint64_t>0x3fe6a09e667f3bcd + (<uint64_t>1023 << 52)
        exponent[0] = double_of((j >> 52) | <uint64_t>0x4330000000000000) - 4503599627371519.0
        g = double_of((j & <uint64_t>0xfffffffffffff) + <uint64_t>0x3fe6a09e667f3bcd) - 1.0
        t = g / (2.0 + g)
    v = t * t
    return g - t * (g - v * atanh_tail(v))


cdef inline double log_careful(double a) noexcept nogil:
    """log(a) of any double, subnormal or not, within 1 u; NaN for a negative one."""
    cdef double e = 0, f
    cdef double lifted = a * 18014398509481984.0 if a < 1e-290 else a
    if not (a > 0 and a < INFINITY):
        return a if a > 0 else (-INFINITY if a == 0 else NAN)
    f = log_mantissa(lifted, &e)
    e = e - 54.0 if a < 1e-290 else e
    return fma(e, X_LN2_HI, f + e * X_LN2_LO)


cdef inline real phi_lane(real p, real q, real delta) noexcept nogil:
    """phi(p, q) = p log(p / q) - p + q >= 0 for p >= 0 and a normal q (any q if p = 0).

    delta is p - q, which the caller may know better than by rounding.

    p is brought to q's binade, p = m 2^d with m / q in [2/3, 3/2], and t = (m - q) / (m + q):
    log(p / q) = d ln 2 + 2 t + t^3 S(t^2). Within a factor of two of q, d is taken as 0 and
    phi = delta t + p t^3 S, where nothing cancels. p = 0 gives q; p = q = 0 gives 0, because the
    denominator is kept above 0.
    """
    cdef bint near = (p + p > q) & (q + q > p)
    cdef real m, d, t, v, top, bottom, lead
    cdef uint32_t i
    cdef uint64_t j
    if real is float:
        # Nearest exponent difference, plus 255 to keep the shifted number positive.
        i = bits32(p) - bits32(q) + <uint32_t>0x400000 + (<uint32_t>255 << 23)
        d = float_of((i >> 23) | <uint32_t>0x4b000000) - <float>8388863.0
        m = float_of(bits32(p) - ((i & <uint32_t>0xff800000) - (<uint32_t>255 << 23)))
        m = p if near else m
        top = delta if near else m - q
        bottom = m + q
        t = top / (bottom if bottom > <float>1.1754943508222875e-38 else <float>1.1754943508222875e-38)
        lead = delta * t if near else fma(p, fma(d, LN2_HI_F, t + t), -delta)
    else:
        j = bits64(p) - bits64(q) + <uint64_t>0x8000000000000 + (<uint64_t>2047 << 52)
        d = double_of((j >> 52) | <uint64_t>0x4330000000000000) - 4503599627372543.0
        m = double_of(bits64(p) - ((j & <uint64_t>0xfff0000000000000) - (<uint64_t>2047 << 52)))
        m = p if near else m
        top = delta if near else m - q
        bottom = m + q
        t = top / (bottom if bottom > 2.2250738585072014e-308 else 2.2250738585072014e-308)
        lead = delta * t if near else fma(p, fma(d, LN2_HI, t + t), -delta)
    v = t * t
    return fma(p * t * v, atanh_tail(v), lead)


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


# ------------------------------------------------------- one number, once or twice in a row

cdef inline double exp_scalar(double x) noexcept nogil:
    """exp(x) for x <= 0.4, within 1 u; 0 below -708."""
    return exp_lane(x, <double>0.0, <double>-709.0895657128241, <int64_t>1023)


cdef inline double log1p_scalar(double r) noexcept nogil:
    """log(1 + r) for r >= 0, within 1.5 u."""
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
    if not (e > -1.0) or not (e < INFINITY):
        return INFINITY if e == -1.0 or e == INFINITY else NAN
    return phi_lane(<double>1.0, 1.0 + e, -e)
