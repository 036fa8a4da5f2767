"""A temperature: exponentials of x / T without a division of x.

x = n (T ln 2) + t makes exp(x / T) = 2^n exp(t / T). With T ln 2 as the unevaluated sum of two
numbers t is as exact as exp_lane's, and its division by T is a rounding of a small number: T costs
a multiplication. Quotients rounded before they are exponents would be off by their size in u.
"""

from fastdiv.kernels.arithmetic cimport (
    LN2_HI, LN2_LO, LOG2E, fma, real,
)
from fastdiv.kernels.math cimport bits32, bits64, double_of, float_of

ctypedef struct temperature:
    double value
    double step             # T ln 2, as a sum of doubles
    double step_low
    # Numbers of the type computed in: log2(e) / T, T ln 2 as a sum of two, 1 / T.
    double lane_rate
    double lane_step
    double lane_step_low
    double lane_inverse


cdef inline temperature temperature_of(double t, real like) noexcept nogil:
    cdef temperature made
    made.value = t
    made.step = t * LN2_HI
    made.step_low = fma(t, LN2_HI, -made.step) + t * LN2_LO
    made.lane_rate = <real>(LOG2E / t)
    made.lane_step = <real>made.step
    made.lane_step_low = <real>((made.step - made.lane_step) + made.step_low)
    made.lane_inverse = <real>(1 / t)
    return made


cdef inline real warm_reduced(
    real z, real rounder, real rate, real step, real step_low, real inverse, real* scale
) noexcept nogil:
    """exp_reduced of z / T: z lies within the range, and the shift is taken off."""
    cdef real b, n, t
    if real is float:
        b = fma(z, rate, rounder)
        n = b - rounder
        t = fma(n, -step_low, fma(n, -step, z)) * inverse
        scale[0] = float_of(bits32(b) << 23)
    else:
        b = fma(z, rate, rounder)
        n = b - rounder
        t = fma(n, -step_low, fma(n, -step, z)) * inverse
        scale[0] = double_of(bits64(b) << 52)
    return t
