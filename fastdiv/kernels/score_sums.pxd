"""What a score needs of a block of exponentials: two sums of it and one of its squares."""

from fastdiv.kernels.arithmetic cimport fma, real
from fastdiv.kernels.lanes cimport MAX_LANES, lanes
from fastdiv.kernels.sums cimport fold, tree_of, tree_sum


cdef inline real square_of_two(const real* y, Py_ssize_t step) noexcept nogil:
    return fma(y[step], y[step], y[0] * y[0])


cdef inline double sum_of_squares(const real* x, Py_ssize_t n) noexcept nogil:
    """That of a block in whole sets of lanes."""
    cdef double sums[MAX_LANES]
    cdef double late[MAX_LANES]
    cdef Py_ssize_t width = lanes(x), half = width // 2, k = 0, lane
    cdef const real* y
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


cdef inline void score_sums(
    const real* rest, const real* spread, Py_ssize_t n, const real* tail, double* made
) noexcept nogil:
    """The sums of both, as block_sum makes them, and of the first one's squares."""
    made[0] = tree_sum(rest, n, tail, False, <real>0, <real*>NULL)
    made[1] = tree_sum(spread, n, tail, True, <real>0, <real*>NULL)
    made[2] = sum_of_squares(rest, n)
