"""The polynomials, fitted by bench/polynomials.py.

u is half a unit in the last place of 1: 2^-24 (float), 2^-53 (double). Errors are first those of
the polynomial, and then, with the rounding of its evaluation, those of every float of the domain
and of sampled doubles, as tests/test_elementary.py finds and holds them.
"""

from fastdiv.kernels.arithmetic cimport fma, real


cdef inline float exp_eighth(float t, float missing) noexcept nogil:
    """exp(t) - 1 for |t| <= 0.0435, plus what is missing, within 0.34 u of exp(t).

    Evaluated: 0.390 u at t = -0.0434982. With power and table, all of exp is within 0.876 ulp, at
    -0.7364665.
    """
    cdef float r = fma(<float>0.16669024527072906, t, <float>0.5000789165496826)
    return fma(fma(r, t, <float>1), t, missing)


cdef inline double exp_head(double t) noexcept nogil:
    """The higher half of exp_tail, for loops that take it for all lanes before the rest."""
    cdef double v = t * t
    return fma(
        fma(2.3044171176501903e-08, v, fma(2.7628549175700875e-07, t, 2.756432278181021e-06)),
        v, fma(2.4801498628638916e-05, t, 0.00019841261053362889))


cdef inline double exp_rest(double t, double head) noexcept nogil:
    """exp_tail of t and its head."""
    cdef double v = t * t
    cdef double r = fma(head, v, fma(0.001388888893721382, t, 0.008333333338142042))
    r = fma(r, v, fma(0.041666666666559354, t, 0.16666666666655955))
    r = fma(r, t, 0.5000000000000007)
    return fma(r, t, 1.0000000000000007)


cdef inline double exp_tail(double t) noexcept nogil:
    """(exp(t) - 1) / t for |t| <= 0.348; 1 + t * this is within 0.22 u.

    Evaluated: 0.441 u at t = 0.3016.

    In pairs, but for the last two steps, whose roundings count: a chain of seven and not ten
    (log-sum-exp of 1000 classes 0.71 > 0.79 Gel/s with AVX2).
    """
    return exp_rest(t, exp_head(t))


cdef inline real log_tail(real v) noexcept nogil:
    """S(v) in log((1 + t) / (1 - t)) = 2 t + t^3 S(t^2), for v = t^2 <= 0.0296: logarithms of
    sqrt(1/2) to sqrt(2).

    Evaluated, times t: 0.33 u (double).

    Of doubles in pairs as exp_tail (entropy of 1000 classes 0.57 > 0.62 Gel/s).
    """
    cdef real r, w
    if real is float:
        r = fma(<float>0.297676146030426, v, <float>0.39981982111930847)
        return fma(r, v, <float>0.6666673421859741)
    else:
        w = v * v
        r = fma(0.14722739230800058, w, fma(0.15321618657129088, v, 0.18183258405628022))
        r = fma(r, w, fma(0.22222204657179867, v, 0.28571428681195593))
        r = fma(r, v, 0.3999999999969783)
        return fma(r, v, 0.6666666666666691)


cdef inline real phi_tail(real v) noexcept nogil:
    """The same for v <= 0.0425: ratios from 0.67 to 1.52.

    Evaluated, against the leading term of phi: 0.072 u at v = 0.0424884 (float), 0.08 u at 0.0412
    (double).
    """
    cdef real r, w
    if real is float:
        r = fma(<float>0.24323222041130066, v, <float>0.2849358320236206)
        r = fma(r, v, <float>0.4000106453895569)
        return fma(r, v, <float>0.6666666269302368)
    else:
        w = v * v
        r = fma(0.13875081114394905, v, 0.13170361530911848)
        r = fma(r, w, fma(0.15391191733242757, v, 0.1818166784957374))
        r = fma(r, w, fma(0.2222222416811467, v, 0.28571428558072975))
        r = fma(r, v, 0.40000000000041186)
        return fma(r, v, 0.6666666666666663)


cdef inline real psi_tail(real z) noexcept nogil:
    """(exp(z) - 1 - z) / z^2 for |z| <= 2, within 0.22 u (float), 0.18 u (double).

    Evaluated: 2.04 u at z = -1.9718212 (float), 1.79 u at 1.8532 (double).

    In pairs, for half as long a chain as Horner's; that is 0.2 u worse next to -2.
    """
    cdef real v = z * z
    cdef real r
    if real is float:
        r = fma(<float>2.0914949772077307e-09, z, <float>2.6939613206877766e-08)
        r = fma(r, v, fma(<float>2.758654318313347e-07, z, <float>2.747384769463679e-06))
        r = fma(r, v, fma(<float>2.48013802774949e-05, z, <float>0.00019843023619614542))
        r = fma(r, v, fma(<float>0.0013888874091207981, z, <float>0.008333316072821617))
        r = fma(r, v, fma(<float>0.0416666679084301, z, <float>0.1666666716337204))
        return fma(r, z, <float>0.5)
    else:
        r = fma(7.811986982364477e-18, z, 1.6355671981238993e-16)
        r = fma(r, v, fma(2.821930202279843e-15, z, 4.774123745190459e-14))
        r = fma(r, v, fma(7.646342147769494e-13, z, 1.147095095179092e-11))
        r = fma(r, v, fma(1.6059076103386682e-10, z, 2.0876752536563465e-09))
        r = fma(r, v, fma(2.5052107681654806e-08, z, 2.7557319277778415e-07))
        r = fma(r, v, fma(2.7557319232521228e-06, z, 2.4801587301257365e-05))
        r = fma(r, v, fma(0.00019841269841216477, z, 0.0013888888888889683))
        r = fma(r, v, fma(0.008333333333333475, z, <double>0.041666666666666664))
        return fma(r, v, fma(<double>0.16666666666666666, z, <double>0.5))


cdef inline real expm1_tail(real t, real v) noexcept nogil:
    """(exp(t) - 1 - t - v / 2) / t^3 for |t| <= 1, v = t^2; 1/2 + t * this is within 0.04 u
    (float), 0.03 u (double).

    By halves (Estrin): half as long a chain as Horner's, which is what its loop waits for. The
    roundings that this adds count by t / 3 at most.
    """
    cdef real w = v * v
    cdef real low, high
    if real is float:
        low = fma(fma(<float>0.0013888870598748326, t, <float>0.008333306759595871), v,
                  fma(<float>0.0416666679084301, t, <float>0.1666666716337204))
        high = fma(fma(<float>2.8804024054807087e-07, t, <float>2.781074044833076e-06), v,
                   fma(<float>2.479267459420953e-05, t, <float>0.00019843420886900276))
        return fma(high, w, low)
    else:
        low = fma(fma(0.0013888888888889007, t, 0.008333333333333505), v,
                  fma(<double>0.041666666666666664, t, <double>0.16666666666666666))
        high = fma(fma(2.7557319074451327e-07, t, 2.7557319226757973e-06), v,
                   fma(2.480158730178891e-05, t, 0.00019841269841194435))
        low = fma(high, w, low)
        high = fma(fma(1.1466823761812106e-11, t, 1.605797424241174e-10), v,
                   fma(2.087679372763494e-09, t, 2.5052113012883382e-08))
        high = fma(fma(4.9484449805841e-14, t, 7.739190298829742e-13), w, high)
        return fma(high, w * w, low)
