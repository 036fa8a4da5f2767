"""A temperature: exponentials of x / T without a division of x.

x = n (T ln 2) + t makes exp(x / T) = 2^n exp(t / T), and so with eighths of it, as exponentials.pxd
has them. With T ln 2 as the unevaluated sum of two numbers t is as exact as exp_reduced's, and its
division by T is a rounding of a small number: T costs a multiplication. Quotients rounded before
they are exponents would be off by their size in u.
"""

from fastdiv.kernels.arithmetic cimport LN2_HI, LN2_LO, LOG2E, fma, real
from fastdiv.kernels.exponentials cimport reduced, steps_each

ctypedef struct temperature:
    double value
    double step             # T ln 2, as a sum of doubles
    double step_low
    # Numbers of the type computed in: the steps of exponentials.pxd in x, and a step as a sum of
    # two; 1 / T.
    double lane_rate
    double lane_step
    double lane_step_low
    double lane_inverse


cdef inline temperature temperature_of(double t, real like) noexcept nogil:
    cdef temperature made
    cdef double each = steps_each(&like)
    made.value = t
    made.step = t * LN2_HI
    made.step_low = fma(t, LN2_HI, -made.step) + t * LN2_LO
    made.lane_rate = <real>(each * LOG2E / t)
    made.lane_step = <real>(made.step / each)
    made.lane_step_low = <real>((made.step / each - made.lane_step) + made.step_low / each)
    made.lane_inverse = <real>(1 / t)
    return made


cdef inline real warm_reduced(
    real z, real rounder, real rate, real step, real step_low, real inverse, real* b
) noexcept nogil:
    """exp_reduced of z / T: z lies within the range, and the shift is taken off."""
    return reduced(z, rate, step, step_low, rounder, b) * inverse
