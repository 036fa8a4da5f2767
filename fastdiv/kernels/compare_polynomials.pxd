"""The polynomials of compare_terms.pxd, fitted by bench/polynomials.py.

In pairs, for half as long a chain as Horner's; of doubles, which have twice as many, by halves
(Estrin). Two of them leave the constant term to their caller, so that they round no worse. Errors
are in units of u, see polynomials.pxd, and of what is made of the value.
"""

from fastdiv.kernels.arithmetic cimport fma, real


cdef inline real tanh_tail(real v) noexcept nogil:
    """(1 - tanh(h) / h) / h^2 for v = h^2 <= 1; 1 - (h^2 + h) tanh_tail is within 0.35 u (float),
    0.50 u (double).
    """
    cdef real w = v * v, x, low, high, part
    if real is float:
        low = fma(<float>0.0003676587366499007, w,
                  fma(<float>-0.002336077857762575, v, <float>0.007997517473995686))
        low = fma(low, w, fma(<float>-0.02152438461780548, v, <float>0.053893961012363434))
        return fma(low, w, fma(<float>-0.13332593441009521, v, <float>0.3333331048488617))
    else:
        x = w * w
        low = fma(fma(-0.02186948835417751, v, 0.05396825395965991), w,
                  fma(-0.13333333333313926, v, 0.333333333333332))
        part = fma(fma(-0.000589676761584594, v, 0.001455741661453827), w,
                   fma(-0.0035921106389869436, v, 0.00886323330554525))
        low = fma(part, x, low)
        high = fma(fma(-1.2478812004268178e-05, v, 3.6273071172249954e-05), w,
                   fma(-9.494445225354716e-05, v, 0.00023816301190609718))
        part = fma(6.524466375573305e-08, w,
                   fma(-6.739955989916657e-07, v, 3.486804247162416e-06))
        high = fma(part, x, high)
        return fma(high, x * x, low)


cdef inline real chi_tail(real v) noexcept nogil:
    """(chi(tanh(h)) / (2 h^2) - 1/4) / h^2 for v = h^2 <= 1; 1/4 + v chi_tail is within 0.19 u
    (float), 0.27 u (double).

    chi(s) = ((1 + s) log(1 + s) + (1 - s) log(1 - s)) / 2 is a pair's share of Jensen-Shannon.
    """
    cdef real w = v * v, x, low, high, part
    if real is float:
        low = fma(<float>-0.00016523162776138633, w,
                  fma(<float>0.0010584144620224833, v, <float>-0.003627588041126728))
        low = fma(low, w, fma(<float>0.009658734314143658, v, <float>-0.023568611592054367))
        return fma(low, w, fma(<float>0.05555075779557228, v, <float>-0.12499981373548508))
    else:
        x = w * w
        low = fma(fma(0.009841269702323371, v, -0.0236111111036058), w,
                  fma(0.05555555555534921, v, -0.124999999999998))
        part = fma(fma(0.00027842268383727843, v, -0.0006823664250077425), w,
                   fma(0.001667762579057407, v, -0.004062314745894843))
        low = fma(part, x, low)
        high = fma(fma(5.913477257900577e-06, v, -1.726467430804623e-05), w,
                   fma(4.5204945601603295e-05, v, -0.00011305372471838902))
        part = fma(-2.999257078448658e-08, w,
                   fma(3.1349515593613864e-07, v, -1.6390361102505193e-06))
        high = fma(part, x, high)
        return fma(high, x * x, low)


cdef inline real half_log_tail(real r) noexcept nogil:
    """(log(2 / (1 + r)) - log 2) / (2 r) for 0 <= r <= exp(-2); the Jensen-Shannon term made of it
    is within 0.02 u (float), 0.13 u (double).
    """
    cdef real w = r * r, x, low, high, part
    if real is float:
        low = fma(<float>-0.07187413424253464, w,
                  fma(<float>0.12092733383178711, r, <float>-0.1663864105939865))
        return fma(low, w, fma(<float>0.24999134242534637, r, <float>-0.49999991059303284))
    else:
        x = w * w
        low = fma(fma(0.12499998784266905, r, -0.16666666646387082), w,
                  fma(0.24999999999830905, r, -0.49999999999999506))
        part = fma(fma(0.06132946902751633, r, -0.07130024766192218), w,
                   fma(0.0833241756885902, r, -0.09999957762532985))
        low = fma(part, x, low)
        high = fma(0.026072747448919652, r, -0.048743042494728925)
        return fma(high, x * x, low)
