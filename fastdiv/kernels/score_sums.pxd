"""What a score needs of a block of exponentials: two sums of it and one of its squares."""

from fastdiv.kernels.arithmetic cimport fma, real
from fastdiv.kernels.lanes cimport MAX_LANES, lanes
from fastdiv.kernels.sums cimport SUMS, fold, tree_of, tree_sum


cdef inline real square_of_two(const real* y, Py_ssize_t step) noexcept nogil:
    return fma(y[step], y[step], y[0] * y[0])


cdef inline void partial_squares(const real* x, Py_ssize_t n, double* sums) noexcept nogil:
    """What tree_of makes the sum of a block's squares of; the block is in whole sets of lanes."""
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
    fold(sums, <const double*>late, half)


cdef inline void score_sums(
    const real* rest, const real* spread, Py_ssize_t n, const real* tail, double* made
) noexcept nogil:
    """The sums of both, as block_sum makes them, and of the first one's squares."""
    cdef double of_rest[SUMS]
    cdef double of_spread[SUMS]
    cdef double of_squares[SUMS]
    made[0] = tree_sum(rest, n, tail, False, <real>0, <real*>NULL, <double*>of_rest)
    made[1] = tree_sum(spread, n, tail, True, <real>0, <real*>NULL, <double*>of_spread)
    partial_squares(rest, n, <double*>of_squares)
    made[2] = tree_of(<double*>of_squares, rest)
