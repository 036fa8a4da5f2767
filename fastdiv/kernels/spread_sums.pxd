"""What entropies and scores need of a block of exponentials beside its sum: that of exponentials
times their gaps m - x, and of their squares."""

from fastdiv.kernels.apart cimport apart
from fastdiv.kernels.arithmetic cimport fma, real
from fastdiv.kernels.lanes cimport MAX_LANES, lanes
from fastdiv.kernels.sum_trees cimport FINE, fold, tree_of
from fastdiv.kernels.sums cimport block_sum
from fastdiv.kernels.wide cimport WIDE, add_product, tree_of_wide, wide, wide_zero, widened

ctypedef void (*sums_f32)(const float*, const float*, Py_ssize_t, double*) noexcept nogil


cdef inline void sums_in_double(
    const float* e, const float* gaps, Py_ssize_t n, double* made, bint squares
) noexcept nogil:
    """Of floats: products are exact, and what is lost in sums of a block is nothing next to a
    float's unit, so that they may be chains. With products and trees in float the entropy of rows
    of which one term is most of the sum was 4.96 ulp off."""
    cdef wide spread[MAX_LANES]
    cdef wide square[MAX_LANES]
    cdef Py_ssize_t width = lanes(e), half = width // 2, k = 0, i, j
    cdef wide a, b
    for i in range(half // WIDE):
        spread[i] = square[i] = wide_zero()
    while k < n:
        for i in range(half // WIDE):
            j = k + i * WIDE
            a = widened(e + j)
            b = widened(e + j + half)
            spread[i] = add_product(b, widened(gaps + j + half),
                                    add_product(a, widened(gaps + j), spread[i]))
            if squares:
                square[i] = add_product(b, b, add_product(a, a, square[i]))
        k += width
    made[0] = tree_of_wide(<const wide*>spread, e)
    made[1] = tree_of_wide(<const wide*>square, e)


cdef inline double square_of_two(const double* y, Py_ssize_t step) noexcept nogil:
    return fma(y[step], y[step], y[0] * y[0])


cdef inline double sum_of_squares(const double* x, Py_ssize_t n) noexcept nogil:
    """That of a block in whole sets of lanes."""
    cdef double sums[MAX_LANES]
    cdef double late[MAX_LANES]
    cdef Py_ssize_t width = lanes(x), half = width // 2, k = 0, lane
    cdef const double* y
    for lane in range(half):
        sums[lane] = late[lane] = 0
    while k + 4 * width <= n:
        for lane in range(half):
            y = x + k + lane
            sums[lane] += ((square_of_two(y, 2 * width) + square_of_two(y + width, 2 * width))
                           + (square_of_two(y + half, 2 * width)
                              + square_of_two(y + half + width, 2 * width)))
        k += 4 * width
    while k < n:
        for lane in range(half):
            late[lane] += square_of_two(x + k + lane, half)
        k += width
    fold(<double*>sums, <const double*>late, half)
    return tree_of(<double*>sums, x)


# For ``apart``, the flag as a constant.

cdef inline void one_sum(
    const float* e, const float* gaps, Py_ssize_t n, double* made
) noexcept nogil:
    sums_in_double(e, gaps, n, made, False)


cdef inline void two_sums(
    const float* e, const float* gaps, Py_ssize_t n, double* made
) noexcept nogil:
    sums_in_double(e, gaps, n, made, True)


cdef inline void spread_sums(
    const real* e, const real* spread, Py_ssize_t n, const real* tail, double* made, bint squares
) noexcept nogil:
    """The sums of a block in whole sets of lanes; ``spread`` as exp_terms makes it."""
    if real is float:
        if squares:
            (<sums_f32>apart(<void*>two_sums))(e, spread, n, made)
        else:
            (<sums_f32>apart(<void*>one_sum))(e, spread, n, made)
    else:
        made[0] = block_sum(spread, n, tail, FINE)
        made[1] = sum_of_squares(e, n) if squares else 0
