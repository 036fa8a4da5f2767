"""Where in a block the largest element is, and how many come before another one."""

from fastdiv.kernels.arithmetic cimport INFINITY, real
from fastdiv.kernels.lanes cimport MAX_BLOCK, MAX_LANES, at, greatest, lanes
from fastdiv.kernels.math cimport bits32, bits64, double_of, float_of
from fastdiv.kernels.sums cimport lane_sum


cdef inline real next_above(real a) noexcept nogil:
    """The smallest number above a; of -inf the lowest finite one."""
    if real is float:
        return float_of(1 if a == 0 else bits32(a) + 1 if a > 0 else bits32(a) - 1)
    else:
        return double_of(1 if a == 0 else bits64(a) + 1 if a > 0 else bits64(a) - 1)


cdef inline void max_and_count(
    const real* y, real bound, real* m, real* found
) noexcept nogil:
    """Of a set of lanes the larger of two, and one more where an element reaches the bound."""
    cdef Py_ssize_t lane
    for lane in range(lanes(y)):
        m[lane] = y[lane] if y[lane] > m[lane] else m[lane]
        found[lane] += <real>1 if y[lane] >= bound else <real>0


cdef inline real max_and_rank(
    const real* x, Py_ssize_t n, const real* tail, real a, Py_ssize_t before, Py_ssize_t* rank
) noexcept nogil:
    """As block_max; and how many are above a, or equal to it and among the first ``before``.

    One comparison each, with a bound that changes where ``before`` is: those that are equal and
    just before it are counted afterwards. What pads the tail, -inf, comes after it.
    """
    cdef real m[MAX_LANES]
    cdef real found[MAX_LANES]
    cdef real above = next_above(a)
    cdef Py_ssize_t width = lanes(x), whole = n - n % width, k = 0, lane
    cdef int equal = 0
    for lane in range(width):
        m[lane] = -INFINITY
        found[lane] = 0
    while k < n:
        max_and_count(at(x, k, whole, tail), a if k + width <= before else above, <real*>m,
                      <real*>found)
        k += width
    if 0 < before < n:
        for k in range(before // width * width, before):
            equal += x[k] == a
    rank[0] = <Py_ssize_t>lane_sum(<const real*>found) + equal
    return greatest(<real*>m)


cdef inline Py_ssize_t first_in_block(
    const real* x, Py_ssize_t n, const real* tail, real m
) noexcept nogil:
    """Index of the first element of a block that equals m, its maximum: -index is the largest."""
    cdef real first[MAX_LANES]
    cdef real found
    cdef Py_ssize_t width = lanes(x), whole = n - n % width, k = 0, lane
    cdef const real* y
    for lane in range(width):
        first[lane] = -MAX_BLOCK
    while k < n:
        y = at(x, k, whole, tail)
        for lane in range(width):
            found = <real>-k if y[lane] >= m else <real>-MAX_BLOCK
            first[lane] = found if found > first[lane] else first[lane]
        k += width
    for lane in range(width):
        first[lane] -= <real>lane
    return -<Py_ssize_t>greatest(<real*>first)
