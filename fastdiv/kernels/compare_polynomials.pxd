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
    """(chi(tanh(h)) / (2 h^2) - 1/4) / h^2 for v = h^2 <= 1.25^2; 1/4 + v chi_tail is within 0.06 u
    (float), 0.38 u (double).

    chi(s) = ((1 + s) log(1 + s) + (1 - s) log(1 - s)) / 2 is a pair's share of Jensen-Shannon.
    """
    cdef real w = v * v, x, low, high, part
    if real is float:
        low = fma(<float>-8.34982802189188e-06, w,
                  fma(<float>8.556048851460218e-05, v, <float>-0.0004247985780239105))
        low = fma(low, w, fma(<float>0.0014313689898699522, v, <float>-0.003918966744095087))
        low = fma(low, w, fma(<float>0.009786566719412804, v, <float>-0.023598982021212578))
        return fma(low, w, fma(<float>0.055554211139678955, v, <float>-0.12499994784593582))
    else:
        x = w * w
        low = fma(fma(0.009841269783660534, v, -0.023611111107699218), w,
                  fma(0.05555555555545206, v, -0.12499999999999889))
        part = fma(fma(0.0002785588975391564, v, -0.0006824035812609192), w,
                   fma(0.0016677697695347768, v, -0.004062315697510926))
        low = fma(part, x, low)
        high = fma(fma(6.99746121135865e-06, v, -1.8288220157576626e-05), w,
                   fma(4.59141115634575e-05, v, -0.00011341622150373876))
        part = fma(fma(3.500466133652566e-08, v, -1.8901907466094792e-07), w,
                   fma(7.580877567295549e-07, v, -2.468125304451253e-06))
        high = fma(part, x, high)
        high = fma(fma(2.43048337423591e-10, v, -4.205548512155683e-09), x * x, high)
        return fma(high, x * x, low)


cdef inline real half_log_tail(real r) noexcept nogil:
    """(log(2 / (1 + r)) - log 2) / (2 r) for 0 <= r <= exp(-2.5); the Jensen-Shannon term made of
    it is within 0.05 u (float), 0.04 u (double).
    """
    cdef real w = r * r, x, low, part
    if real is float:
        return fma(fma(<float>0.10671176016330719, r, <float>-0.1654224693775177), w,
                   fma(<float>0.24996577203273773, r, <float>-0.4999997019767761))
    else:
        x = w * w
        low = fma(fma(0.12499998872118691, r, -0.1666666665277364), w,
                  fma(0.249999999999156, r, -0.4999999999999982))
        part = fma(fma(0.05976340386892517, r, -0.07117281973048178), w,
                   fma(0.08331869462062462, r, -0.09999947892905102))
        low = fma(part, x, low)
        return fma(-0.038759336730451614, x * x, low)
