"""Sums over a row, in trees.

The terms of a block are written to a buffer and then added up, see sum_trees.pxd. The block sums
are added with their rounding errors kept.
"""

from fastdiv.kernels.apart cimport apart
from fastdiv.kernels.arithmetic cimport real
from fastdiv.kernels.double_sums cimport add, double_sum, lost_in, value
from fastdiv.kernels.lanes cimport MAX_LANES, block_size, clear, lanes
from fastdiv.kernels.sum_trees cimport FINE, FINEST, ROUGH, count_of, tree_of, tree_sum

ctypedef double (*sum_f32)(const float*, Py_ssize_t, const float*) noexcept nogil
ctypedef double (*sum_f64)(const double*, Py_ssize_t, const double*) noexcept nogil
ctypedef double (*rest_f32)(
    const float*, Py_ssize_t, const float*, float, double*) noexcept nogil
ctypedef double (*rest_f64)(
    const double*, Py_ssize_t, const double*, double, double*) noexcept nogil


cdef inline double lane_sum(const real* accumulator) noexcept nogil:
    """Sum of the lanes, of which the first halves are added in their own type."""
    cdef double s[MAX_LANES]
    cdef Py_ssize_t lane, half = lanes(accumulator) // 2
    for lane in range(half):
        s[lane] = accumulator[lane] + accumulator[lane + half]
    return tree_of(<double*>s, accumulator)


cdef inline double kept_sum(const double* x, Py_ssize_t n) noexcept nogil:
    """The sum of whole sets of doubles, rounded once: what every step loses is kept."""
    cdef double high[MAX_LANES]
    cdef double low[MAX_LANES]
    cdef double_sum total
    cdef double sum
    cdef Py_ssize_t width = lanes(x), k = 0, lane
    total.high = total.low = 0
    for lane in range(width):
        high[lane] = low[lane] = 0
    while k < n:
        for lane in range(width):
            sum = high[lane] + x[k + lane]
            low[lane] += lost_in(sum, high[lane], x[k + lane])
            high[lane] = sum
        k += width
    for lane in range(width):
        add(&total, high[lane])
        total.low += low[lane]
    return value(&total)


# For ``apart``, the steps as a constant.

cdef inline double fine_sum(const real* x, Py_ssize_t n, const real* tail) noexcept nogil:
    return tree_sum(x, n, tail, FINE, <real>0, <real*>NULL)


cdef inline double finest_sum(const real* x, Py_ssize_t n, const real* tail) noexcept nogil:
    if real is float:
        return tree_sum(x, n, tail, FINEST, <float>0, <float*>NULL)
    else:
        return kept_sum(x, n)


cdef inline double rough_sum(const float* x, Py_ssize_t n, const float* tail) noexcept nogil:
    return tree_sum(x, n, tail, ROUGH, <float>0, <float*>NULL)


cdef inline double fine_rest(
    const real* x, Py_ssize_t n, const real* tail, real top, double* tied
) noexcept nogil:
    cdef real ties[MAX_LANES]
    cdef double sum
    clear(<real*>ties)
    sum = tree_sum(x, n, tail, FINE, top, <real*>ties)
    tied[0] = count_of(<const real*>ties)
    return sum


cdef inline double block_sum(
    const real* x, Py_ssize_t n, const real* tail, int in_float
) noexcept nogil:
    """Sum of a block; in_float: see ``eight``. Doubles that are FINEST are whole sets, of which
    nothing is lost; otherwise they are FINE."""
    if real is double:
        if in_float == FINEST:
            return (<sum_f64>apart(<void*>finest_sum[double]))(x, n, tail)
        return (<sum_f64>apart(<void*>fine_sum[double]))(x, n, tail)
    elif in_float == ROUGH:
        return (<sum_f32>apart(<void*>rough_sum))(x, n, tail)
    elif in_float == FINEST:
        return (<sum_f32>apart(<void*>finest_sum[float]))(x, n, tail)
    else:
        return (<sum_f32>apart(<void*>fine_sum[float]))(x, n, tail)


cdef inline double rest_sum(
    const real* x, Py_ssize_t n, const real* tail, real top, double* tied
) noexcept nogil:
    """Sum of a block without its largest elements, FINE, and how many these are."""
    if real is float:
        return (<rest_f32>apart(<void*>fine_rest[float]))(x, n, tail, top, tied)
    else:
        return (<rest_f64>apart(<void*>fine_rest[double]))(x, n, tail, top, tied)


cdef inline double sum_of(const double* w, Py_ssize_t n) noexcept nogil:
    """The sum of any number of doubles, in trees of a block each."""
    cdef double_sum total
    cdef Py_ssize_t k = 0, whole
    total.high = total.low = 0
    while n - k >= lanes(w):
        whole = min(n - k, block_size(w)) // lanes(w) * lanes(w)
        add(&total, block_sum(w + k, whole, w, FINE))
        k += whole
    while k < n:
        add(&total, w[k])
        k += 1
    return value(&total)
