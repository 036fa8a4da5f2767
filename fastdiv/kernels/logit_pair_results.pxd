"""Several pairs of rows of logits: what is done once a pair, a lane for each."""

from fastdiv.kernels.arithmetic cimport LN2_HI, NAN, real
from fastdiv.kernels.logit_pair_terms cimport blur
from fastdiv.kernels.scalars cimport log1p_excess_small
from fastdiv.kernels.tiles cimport abreast
from fastdiv.kernels.weights cimport unit


cdef inline void kl_of(
    const double* terms, const double* moment, const real* offset, double* made, const real* like
) noexcept nogil:
    cdef double excess, error, least = 2.0 ** -100 if real is float else 0.0
    cdef bint good
    cdef Py_ssize_t lane
    for lane in range(abreast(like)):
        excess = log1p_excess_small(moment[lane])
        made[lane] = terms[lane] - excess
        # Less, and the moment is an error of the offset, see offset_error.
        good = (excess <= 2.0 ** -6 * terms[lane]) & (made[lane] >= least)
        error = blur(offset[lane], like[0])
        good = good & (made[lane] >= error * error)
        good = good | (terms[lane] == 0) & (excess == 0)
        made[lane] = made[lane] if good else NAN


cdef inline void js_of(
    const double* terms, const double* moment, const real* offset, double* made, const real* like
) noexcept nogil:
    cdef double js, y, error, ln2 = LN2_HI, u = unit(like)
    cdef bint good
    cdef Py_ssize_t lane
    for lane in range(abreast(like)):
        js = terms[lane]
        y = 0.125 * moment[lane] * moment[lane]
        good = (y <= 2.0 ** -6 * js) | (js >= 2.0 ** -20)
        # Of rows next to each other a quarter of KL.
        error = blur(offset[lane], like[0])
        good = good & (4 * js >= error * error)
        js = js - y if js < 8 * u else js
        js = ln2 if js > ln2 else js
        made[lane] = js if good & (js >= 0) else NAN
