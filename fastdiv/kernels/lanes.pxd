"""Rows in fixed sets of lanes and fixed blocks, and the maxima of a block.

A block reaches the kernels as (x, n, tail): n elements at x, of which the last n mod LANES stand
again at ``tail``, padded to a full set of lanes with what changes nothing. Element k belongs to
lane k mod LANES whatever the instruction set: the order of every operation stands in the source,
and what comes of a row depends on nothing but the row.
"""

from fastdiv.kernels.arithmetic cimport INFINITY, prefetch, prefetch_second, real
from fastdiv.kernels.math cimport or_bits

cdef enum:
    # Two 512-bit registers of either type.
    LANES_F32 = 32
    LANES_F64 = 16
    MAX_LANES = 32
    BLOCK_F32 = 1024
    BLOCK_F64 = 512
    MAX_BLOCK = 1024
    # What a row kernel needs for one operand: a block and a padded tail (floats need it all).
    SCRATCH = 1024 + 32


cdef inline Py_ssize_t lanes(const real* x) noexcept nogil:
    if real is float:
        return LANES_F32
    else:
        return LANES_F64


cdef inline Py_ssize_t block_size(const real* x) noexcept nogil:
    if real is float:
        return BLOCK_F32
    else:
        return BLOCK_F64


cdef inline const real* at(
    const real* x, Py_ssize_t k, Py_ssize_t whole, const real* tail
) noexcept nogil:
    """The lanes that begin at k: in the block, or past its last whole set the tail's."""
    return x + k if k < whole else tail + (k - whole)


cdef inline Py_ssize_t whole_sets(const real* x, Py_ssize_t n) noexcept nogil:
    """n rounded up to whole sets of lanes."""
    return (n + lanes(x) - 1) // lanes(x) * lanes(x)


cdef inline void ahead(const real* x, bint second) noexcept nogil:
    """Ask for a set of lanes that is wanted next, one block further on or in another row; in the
    second cache what there are two of at a time, or is written as well, and see ``in_second``.

    While a block is worked on in several passes the processor's own prefetching comes to a halt.
    """
    if second:
        prefetch_second(x)
        prefetch_second(x + lanes(x) // 2)
    else:
        prefetch(x)
        prefetch(x + lanes(x) // 2)


cdef inline bint in_second(const real* x) noexcept nogil:
    """Whether what there is one of is asked for in the second cache, unless the first one holds all
    that is asked for at a time (``are_far`` in coming.pxd).

    For the first, each line takes one of few places until it comes from memory, 24 on Zen 4: with
    the second, softmax of 2000 classes is 1.1 times as fast, entropy from logits 1.06. Doubles,
    which take longer than they are waited for, have 0.98.
    """
    return real is float


cdef inline const real* two_ahead(const real* x) noexcept nogil:
    """What to ask for while a block of a long row is worked on: one block ahead is too late for a
    row that comes from memory."""
    return x + 2 * block_size(x)


cdef inline void clear(real* accumulator) noexcept nogil:
    cdef Py_ssize_t lane
    for lane in range(lanes(<const real*>accumulator)):
        accumulator[lane] = 0


cdef inline void put_lanes(real* to, const real* made, Py_ssize_t width) noexcept nogil:
    """Write lanes that were made in an array of their own.

    Lanes written one after the other to ``to`` might be some of those read, which the compiler
    would ask about in every set.
    """
    cdef Py_ssize_t lane
    for lane in range(width):
        to[lane] = made[lane]


cdef inline void put_set(real* to, const real* made) noexcept nogil:
    """The same of a set of lanes."""
    put_lanes(to, made, lanes(made))


cdef inline void fold_lanes(real* m, Py_ssize_t n, bint bits) noexcept nogil:
    """Of each of the first n numbers and the one n further on: the larger, or the bits of both."""
    cdef Py_ssize_t lane
    for lane in range(n):
        if bits:
            m[lane] = or_bits(m[lane], m[lane + n])
        else:
            m[lane] = m[lane + n] if m[lane + n] > m[lane] else m[lane]


cdef inline real folded(real* m, bint bits) noexcept nogil:
    """All the lanes in one; m is used up.

    The steps stand there one by one: of a loop over them the compiler makes branches and a detour
    through memory, which is what short rows would spend their time on.
    """
    if real is float:
        fold_lanes(m, 16, bits)
    fold_lanes(m, 8, bits)
    fold_lanes(m, 4, bits)
    fold_lanes(m, 2, bits)
    fold_lanes(m, 1, bits)
    return m[0]


cdef inline real greatest(real* m) noexcept nogil:
    """The largest of the lanes; m is used up."""
    return folded(m, False)


cdef inline real any_bits(real* m) noexcept nogil:
    """The bits set in any of the lanes; m is used up."""
    return folded(m, True)


cdef inline real least(const real* accumulator) noexcept nogil:
    """The smallest of the lanes."""
    cdef real m[MAX_LANES]
    cdef Py_ssize_t lane
    for lane in range(lanes(accumulator)):
        m[lane] = -accumulator[lane]
    return -greatest(<real*>m)


cdef inline void take_maxima(real* m, const real* y) noexcept nogil:
    """NaNs are passed over."""
    cdef Py_ssize_t lane
    for lane in range(lanes(y)):
        m[lane] = y[lane] if y[lane] > m[lane] else m[lane]


cdef inline void lane_maxima(
    const real* x, Py_ssize_t n, const real* tail, real* m
) noexcept nogil:
    """Largest elements of four sets of lanes; NaNs are passed over, -inf where there is no other.

    Two sets and then the others: AVX2 has registers for no more.
    """
    cdef Py_ssize_t width = lanes(x), whole = n - n % width, fours = n // (4 * width) * 4 * width
    cdef Py_ssize_t k, i, lane
    for lane in range(4 * width):
        m[lane] = -INFINITY
    for i in range(2):
        k = 2 * i * width
        while k < fours:
            take_maxima(m + 2 * i * width, x + k)
            take_maxima(m + (2 * i + 1) * width, x + k + width)
            k += 4 * width
    k = fours
    while k < n:
        take_maxima(m, at(x, k, whole, tail))
        k += width


cdef inline real greatest_of_four(real* m) noexcept nogil:
    """The largest of four sets of lanes; m is used up."""
    fold_lanes(m, 2 * lanes(<const real*>m), False)
    fold_lanes(m, lanes(<const real*>m), False)
    return greatest(m)


cdef inline real block_max(const real* x, Py_ssize_t n, const real* tail) noexcept nogil:
    """Largest element; NaNs are passed over (the sums find them), -inf if there is no other.

    Two chains hide the latency of the comparison; a maximum has no rounding to reorder.
    """
    cdef real m[2 * MAX_LANES]
    cdef Py_ssize_t width = lanes(x), whole = n - n % width, k = 0, lane
    for lane in range(2 * width):
        m[lane] = -INFINITY
    while k + 2 * width <= whole:
        take_maxima(<real*>m, x + k)
        take_maxima(<real*>m + width, x + k + width)
        k += 2 * width
    while k < n:
        take_maxima(<real*>m, at(x, k, whole, tail))
        k += width
    fold_lanes(<real*>m, width, False)
    return greatest(<real*>m)


cdef inline real block_min(const real* x, Py_ssize_t n) noexcept nogil:
    """Smallest element, or 0 if that is smaller; NaNs are passed over."""
    cdef real m[MAX_LANES]
    cdef Py_ssize_t width = lanes(x), k = 0, lane
    # All of them: gcc does not see that fewer than a set of lanes is left at the end.
    for lane in range(MAX_LANES):
        m[lane] = 0
    while k + width <= n:
        for lane in range(width):
            m[lane] = -x[k + lane] if -x[k + lane] > m[lane] else m[lane]
        k += width
    for lane in range(n - k):
        m[lane] = -x[k + lane] if -x[k + lane] > m[lane] else m[lane]
    return -greatest(<real*>m)
