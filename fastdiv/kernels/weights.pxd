"""What every kernel from weights needs: limits of the types, and plain sums of a row."""

from libc.float cimport DBL_MAX, DBL_MIN, FLT_MAX, FLT_MIN

from fastdiv.kernels.arithmetic cimport real
from fastdiv.kernels.lanes cimport MAX_LANES, at, block_size, clear, lanes, least
from fastdiv.kernels.sums cimport add, block_sum, double_sum

cdef inline real least_normal(const real* like) noexcept nogil:
    if real is float:
        return FLT_MIN
    else:
        return DBL_MIN


cdef inline double most(const real* like) noexcept nogil:
    """Above this the sum of two weights may be infinite."""
    return FLT_MAX / <float>4 if real is float else DBL_MAX / 4


cdef inline double unit(const real* like) noexcept nogil:
    """u, half a unit in the last place of 1."""
    return 2.0 ** -24 if real is float else 2.0 ** -53


cdef inline double faint(const real* like) noexcept nogil:
    """Below this a sum may have lost digits to underflow."""
    return 2.0 ** -60 if real is float else 2.0 ** -900


cdef inline const real* without(
    const real* x, Py_ssize_t n, Py_ssize_t y, real* scratch
) noexcept nogil:
    """A copy of a block, and of its tail, with 0 at y."""
    cdef Py_ssize_t j, whole = n - n % lanes(x)
    if x != scratch:
        for j in range(n):
            scratch[j] = x[j]
    scratch[y] = 0
    if y >= whole:
        scratch[block_size(x) + y - whole] = 0
    return scratch


cdef inline real weight_block(
    const real* x, Py_ssize_t n, const real* tail, double_sum* total, real lowest
) noexcept nogil:
    """Add a block up; its least element, or ``lowest`` if that is less, comes back."""
    cdef real low[MAX_LANES]
    cdef Py_ssize_t k = 0, lane, width = lanes(x), whole = n - n % width
    cdef const real* y
    clear(<real*>low)
    while k < n:
        y = at(x, k, whole, tail)
        for lane in range(width):
            low[lane] = y[lane] if y[lane] < low[lane] else low[lane]
        k += width
    add(total, block_sum(x, n, tail, False))
    return min(lowest, least(<const real*>low))
