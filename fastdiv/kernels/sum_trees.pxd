"""Trees that sums over a block are taken in: pairwise, halves upon halves.

Of floats from the first, the second or the fourth step on in double. In a tree equal elements add
without rounding, while in a chain their additions all round the same way: lanes that took up 32
elements one by one were 5 u off, and could be 16 u.
"""

from libc.stdint cimport uint32_t, uint64_t

from fastdiv.kernels.arithmetic cimport added, real
from fastdiv.kernels.lanes cimport MAX_LANES, at, lanes
from fastdiv.kernels.math cimport bits32, bits64, double_of, float_of

cdef enum:
    # Doubles: eight numbers for each 64 of a block. Floats: sixteen.
    SUMS = 64
    # How many of the first three steps of a sum of floats are taken in float, see ``eight``.
    FINEST = 0
    FINE = 1
    ROUGH = 3


cdef inline void fold(double* s, const double* other, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t lane
    for lane in range(n):
        s[lane] += other[lane]


cdef inline double tree_of(double* s, const real* like) noexcept nogil:
    """Sum of half as many numbers as there are lanes, halves upon halves; s is used up."""
    if real is float:
        fold(s, s + 8, 8)
    fold(s, s + 4, 4)
    fold(s, s + 2, 2)
    return s[0] + s[1]


cdef inline real below(real x, real top, real* ties) noexcept nogil:
    """x, but 0 where it is ``top``, which is counted in the bits of ``ties``, if that is not NULL:
    with masks, in place of which gcc adds both 1 and 0 and selects."""
    cdef uint32_t few
    cdef uint64_t many
    if ties == NULL:
        return x
    if real is float:
        few = <uint32_t>0 - <uint32_t>(x >= top)
        ties[0] = float_of(bits32(ties[0]) - few)
        return float_of(bits32(x) & ~few)
    else:
        many = <uint64_t>0 - <uint64_t>(x >= top)
        ties[0] = double_of(bits64(ties[0]) - many)
        return double_of(bits64(x) & ~many)


cdef inline double count_of(const real* ties) noexcept nogil:
    """How many ``below`` has counted in the lanes."""
    cdef Py_ssize_t lane, n = 0
    for lane in range(lanes(ties)):
        if real is float:
            n += bits32(ties[lane])
        else:
            n += <Py_ssize_t>bits64(ties[lane])
    return n


cdef inline double eight(const real* y, int in_float, real top, real* ties) noexcept nogil:
    """The sum of eight elements half a set of lanes apart.

    Where one term of a row is most of it, every step it takes through the tree is a rounding:
    cross-entropy of such rows is up to 3.3 ulp off with three steps in float, 2.6 with one, and
    log_softmax 2.1 ulp with one, 1.6 with none. ROUGH is a tenth faster than FINE, and that than
    FINEST (log-sum-exp of 1000 classes 0.92), for what is within its bound all the same.
    """
    cdef Py_ssize_t width = lanes(y), half = width // 2
    cdef real a, b, c, d
    if in_float == FINEST:
        return added(added(added(y[0], y[2 * width]), added(y[width], y[3 * width])),
                     added(added(y[half], y[half + 2 * width]),
                           added(y[half + width], y[half + 3 * width])))
    a = below(y[0], top, ties) + below(y[2 * width], top, ties)
    b = below(y[width], top, ties) + below(y[3 * width], top, ties)
    c = below(y[half], top, ties) + below(y[half + 2 * width], top, ties)
    d = below(y[half + width], top, ties) + below(y[half + 3 * width], top, ties)
    if in_float == ROUGH:
        return (a + b) + (c + d)
    if real is float:
        return added(added(a, b), added(c, d))
    else:
        # Doubles are not converted: 0.98 with multiply-adds.
        return (a + b) + (c + d)


cdef inline void take_eight(
    double* sums, Py_ssize_t i, Py_ssize_t lane, double sum, const real* like
) noexcept nogil:
    """Take that of a lane of the i-th four sets: of floats to the others, of doubles beside them,
    for ``tree_end``."""
    if real is float:
        sums[lane] += sum
    else:
        sums[i * (lanes(like) // 2) + lane] = sum


cdef inline void add_pairs(double* sums, Py_ssize_t i, const real* pairs) noexcept nogil:
    """What ``tree_sum`` does, FINE, with the i-th four sets of a block, of which the first and the
    third, and the second and the fourth, are added up.

    By additions: exponentials beside it take the units that multiply.
    """
    cdef Py_ssize_t width = lanes(pairs), half = width // 2, lane
    cdef const real* y
    for lane in range(half):
        y = pairs + lane
        take_eight(sums, i, lane, (<double>y[0] + <double>y[width])
                   + (<double>y[half] + <double>y[half + width]), pairs)


cdef inline double tree_end(
    double* sums, Py_ssize_t fours, const real* x, Py_ssize_t n, const real* tail, int in_float,
    real top, real* ties,
) noexcept nogil:
    """The sum of a block of which so many fours of sets are in ``sums``, and n elements at x."""
    cdef double late[MAX_LANES]
    cdef Py_ssize_t width = lanes(x), half = width // 2, whole = n - n % width, i, lane
    cdef Py_ssize_t k = 0, made = fours * half
    cdef real* own
    cdef const real* y
    if real is double:
        while made > half:
            i = (made // half + 1) // 2 * half
            fold(sums, <const double*>sums + i, made - i)
            made = i
    if k < n:
        for lane in range(half):
            late[lane] = 0
        while k < n:
            y = at(x, k, whole, tail)
            for lane in range(half):
                own = ties + lane if ties != NULL else NULL
                if in_float == FINEST:
                    late[lane] += <double>y[lane] + <double>y[lane + half]
                else:
                    late[lane] += below(y[lane], top, own) + below(y[lane + half], top, own)
            k += width
        fold(sums, <const double*>late, half)
        # Here too: what comes after two paths gcc takes from memory.
        return tree_of(sums, x)
    # Of doubles that are all -0 the sum is 0, as it is with a ``late`` of 0.
    return tree_of(sums, x) + 0.0


cdef inline void start_tree(double* sums, const real* like) noexcept nogil:
    cdef Py_ssize_t lane
    for lane in range(lanes(like) // 2):
        sums[lane] = 0


cdef inline double tree_sum(
    const real* x, Py_ssize_t n, const real* tail, int in_float, real top, real* ties
) noexcept nogil:
    """The sum of a block. If ``ties`` is not NULL of the elements below ``top``, its largest, while
    those that equal it are counted there; not with FINEST."""
    cdef double sums[SUMS]
    cdef Py_ssize_t width = lanes(x), half = width // 2, i, lane
    cdef Py_ssize_t fours = n // (4 * width), taken = fours * 4 * width
    cdef real* own
    cdef const real* y
    start_tree(<double*>sums, x)
    for i in range(fours):
        y = x + i * 4 * width
        for lane in range(half):
            own = ties + lane if ties != NULL else NULL
            take_eight(sums, i, lane, eight(y + lane, in_float, top, own), x)
    return tree_end(<double*>sums, fours, x + taken, n - taken, tail, in_float, top, ties)
