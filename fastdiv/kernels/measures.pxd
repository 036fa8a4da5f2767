"""A row of weights as the careful functions see it: its largest weight, its sum, and the power of
two that brings them next to 1.
"""

from fastdiv.kernels.arithmetic cimport INFINITY, NAN, ldexp
from fastdiv.kernels.double_sums cimport add, double_sum, value
from fastdiv.kernels.lanes cimport block_max, block_size
from fastdiv.kernels.sources cimport fetch, tail_of
from fastdiv.kernels.tasks cimport source
from fastdiv.kernels.weights cimport weight_block

cdef extern from "math.h" nogil:
    double frexp(double x, int* exponent) noexcept

ctypedef struct measure:
    double largest          # NaN if some weight is negative, infinite or NaN
    double scale            # the power of two that brings it next to 1, or 1
    double mass             # the sum of the weights times that


cdef inline measure measured(
    const source* s, Py_ssize_t c, double* scratch, bint rescale
) noexcept nogil:
    cdef measure found
    cdef double_sum total
    cdef double lowest = 0
    cdef Py_ssize_t k = 0, n, j
    cdef int exponent = 0
    cdef const double* x
    found.largest = 0
    found.scale = 1
    total.high = total.low = 0
    while k < c:
        n = min(c - k, block_size(<const double*>scratch))
        x = fetch(s, k, n, scratch, <double>0)
        found.largest = max(found.largest, block_max(x, n, tail_of(<const double*>scratch)))
        lowest = weight_block(x, n, tail_of(<const double*>scratch), &total, lowest)
        k += n
    found.mass = value(&total)
    if lowest < 0 or not (found.largest < INFINITY) or found.mass != found.mass:
        found.largest = NAN
        return found
    if not rescale or found.largest == 0:
        return found
    frexp(found.largest, &exponent)
    found.scale = ldexp(1.0, max(-1000, min(1000, 1 - exponent)))
    if -900 < exponent < 900:
        found.mass *= found.scale
        return found
    # Too near the ends of the range to scale the sum.
    total.high = total.low = 0
    k = 0
    while k < c:
        n = min(c - k, block_size(<const double*>scratch))
        x = fetch(s, k, n, scratch, <double>0)
        for j in range(n):
            add(&total, x[j] * found.scale)
        k += n
    found.mass = value(&total)
    return found


cdef inline void divide_by_mass(source* s, const measure* found) noexcept nogil:
    """Have a row of weights sum up to 1."""
    s.scale, s.divisor = found.scale, found.mass
    s.direct = False
