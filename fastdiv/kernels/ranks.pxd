"""Where in a block the largest element is, and how many come before another one."""

from fastdiv.kernels.arithmetic cimport INFINITY, real
from fastdiv.kernels.lanes cimport (
    MAX_BLOCK, MAX_LANES, at, greatest_of_four, lanes,
)
from fastdiv.kernels.math cimport bits32, bits64, double_of, float_of
from fastdiv.kernels.sums cimport lane_sum


cdef inline real next_above(real a) noexcept nogil:
    """The smallest number above a; of -inf the lowest finite one."""
    if real is float:
        return float_of(1 if a == 0 else bits32(a) + 1 if a > 0 else bits32(a) - 1)
    else:
        return double_of(1 if a == 0 else bits64(a) + 1 if a > 0 else bits64(a) - 1)


cdef inline void max_and_count(
    const real* y, Py_ssize_t n, real bound, real* m, real* found
) noexcept nogil:
    """Of n lanes the larger of two, and one more where an element reaches the bound."""
    cdef Py_ssize_t lane
    for lane in range(n):
        m[lane] = y[lane] if y[lane] > m[lane] else m[lane]
        found[lane] += <real>1 if y[lane] >= bound else <real>0


cdef inline real max_and_rank(
    const real* x, Py_ssize_t n, const real* tail, real a, Py_ssize_t before, Py_ssize_t* rank
) noexcept nogil:
    """As block_max; and how many are above a, or equal to it and among the first ``before``.

    One comparison each, with a bound that changes where ``before`` is: those that are equal and
    just before it are counted afterwards. What pads the tail, -inf, comes after it.
    """
    cdef real m[4 * MAX_LANES]
    cdef real found[4 * MAX_LANES]
    cdef real above = next_above(a)
    cdef Py_ssize_t width = lanes(x), whole = n - n % width, k = 0, lane
    cdef int equal = 0
    for lane in range(4 * width):
        m[lane] = -INFINITY
        found[lane] = 0
    while k + 4 * width <= whole:
        max_and_count(
            x + k, 4 * width, a if k + 4 * width <= before else above, <real*>m, <real*>found)
        k += 4 * width
    while k < n:
        max_and_count(
            at(x, k, whole, tail), width, a if k + width <= before else above, <real*>m,
            <real*>found)
        k += width
    if 0 < before < n:
        k = 4 * width if before < whole - whole % (4 * width) else width
        for k in range(before // k * k, before):
            equal += x[k] == a
    for lane in range(width):
        found[lane] = ((found[lane] + found[lane + width])
                       + (found[lane + 2 * width] + found[lane + 3 * width]))
    rank[0] = <Py_ssize_t>lane_sum(<const real*>found) + equal
    return greatest_of_four(<real*>m)


cdef inline void note_place(
    const real* y, Py_ssize_t n, real m, real place, real* first
) noexcept nogil:
    """Keep the larger of what is there and, in lanes that hold m, the place."""
    cdef Py_ssize_t lane
    cdef real found
    for lane in range(n):
        found = place if y[lane] >= m else <real>-MAX_BLOCK
        first[lane] = found if found > first[lane] else first[lane]


cdef inline Py_ssize_t first_in_block(
    const real* x, Py_ssize_t n, const real* tail, real m
) noexcept nogil:
    """Index of the first element of a block that equals m, its maximum: -index is the largest."""
    cdef real first[4 * MAX_LANES]
    cdef Py_ssize_t width = lanes(x), whole = n - n % width, k = 0, lane
    for lane in range(4 * width):
        first[lane] = -MAX_BLOCK
    while k + 4 * width <= whole:
        note_place(x + k, 4 * width, m, <real>-k, <real*>first)
        k += 4 * width
    while k < n:
        note_place(at(x, k, whole, tail), width, m, <real>-k, <real*>first)
        k += width
    for lane in range(4 * width):
        first[lane] -= <real>lane
    return -<Py_ssize_t>greatest_of_four(<real*>first)
