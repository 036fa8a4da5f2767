"""The polynomials of compare_terms.pxd, fitted by bench/polynomials.py.

Evaluated by halves (Estrin): half as long a chain as Horner's, which is what their loop waits for.
The constant terms of two stay out of the halves, which then round no worse. Errors as in
polynomials.pxd.
"""

from fastdiv.kernels.arithmetic cimport fma, real


cdef inline real tanh_tail(real v) noexcept nogil:
    """(1 - tanh(h) / h) / h^2 for v = h^2 <= 1, within 0.35 u (float), 0.50 u (double) of what is made
    of it, (p + q) h^2 (1 + h tanh_tail - h^2 tanh_tail).
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
    """(chi(tanh(h)) / h^2 / 2 - 1/4) / h^2 for v = h^2 <= 1: js_tail with d = 2 h, less its constant.
    """
    cdef real w = v * v, x, low, high, part
    if real is float:
        low = fma(<float>-0.00016523271915502846, w,
                  fma(<float>0.0010584174888208508, v, <float>-0.0036275910679250956))
        low = fma(low, w, fma(<float>0.009658735245466232, v, <float>-0.023568611592054367))
        return fma(low, w, fma(<float>0.05555075779557228, v, <float>-0.12499981373548508))
    else:
        x = w * w
        low = fma(fma(0.00984126970232338, v, -0.0236111111036058), w,
                  fma(0.05555555555534921, v, -0.124999999999998))
        part = fma(fma(0.00027842268385367465, v, -0.0006823664250125556), w,
                   fma(0.0016677625790583622, v, -0.004062314745894965))
        low = fma(part, x, low)
        high = fma(fma(5.913477320768135e-06, v, -1.7264674385283873e-05), w,
                   fma(4.5204945666982306e-05, v, -0.00011305372475734679))
        part = fma(-2.999257227830123e-08, w,
                   fma(3.1349516652037293e-07, v, -1.6390361438180973e-06))
        high = fma(part, x, high)
        return fma(high, x * x, low)


cdef inline real half_log_tail(real r) noexcept nogil:
    """(log(2 / (1 + r)) - log 2) / 2 r for 0 <= r <= exp(-2), within 0.06 u (float), 0.31 u (double)
    of what is made of it, (p + q) log(2 / (1 + r)) / 2 - less |d| / 2.
    """
    cdef real v = r, w = r * r, x, low, high, part
    if real is float:
        low = fma(<float>-0.07928990572690964, w,
                  fma(<float>0.12355666607618332, v, <float>-0.16671738028526306))
        return fma(low, w, fma(<float>0.2500087022781372, v, <float>-0.5000002384185791))
    else:
        x = w * w
        low = fma(fma(0.12499997578923551, v, -0.16666666620621595), w,
                  fma(0.24999999999546427, v, -0.49999999999998235))
        part = fma(fma(0.06098143472540032, v, -0.07124444392076017), w,
                   fma(0.08331875696153841, v, -0.09999925091343637))
        low = fma(part, x, low)
        high = fma(0.0243020828264118, v, -0.04753952040514967)
        return fma(high, x * x, low)
