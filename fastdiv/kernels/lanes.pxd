"""Sums and maxima over a row: fixed lanes, fixed blocks, one order of addition.

Element k of a block is added into lane k mod LANES; at the end of the block the lanes are added
pairwise in double, and the block's sum into a compensated pair. The order stands in the source,
so it is the same for every instruction set, and a row's sum depends on nothing but the row.

A block reaches these functions as (x, n, tail): n elements at x, of which the last n mod LANES
stand again at ``tail``, padded to a full set of lanes with what adds nothing.
"""

from fastdiv.kernels.arithmetic cimport INFINITY, real
from fastdiv.kernels.math cimport or_bits

cdef enum:
    # Two 512-bit registers of either type; 32 additions a lane and block keep the float sums of
    # a block within 1 u.
    LANES_F32 = 32
    LANES_F64 = 16
    BLOCK_F32 = 1024
    BLOCK_F64 = 512
    MAX_LANES = 32
    # What a row kernel needs for one operand: a block and a padded tail (floats need it all).
    SCRATCH = 1024 + 32

ctypedef struct double_sum:
    # The value is high + low; high alone once it is not finite.
    double high
    double low


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
    return x + k if k < whole else tail


cdef inline void clear(real* accumulator) noexcept nogil:
    cdef Py_ssize_t lane
    for lane in range(lanes(<const real*>accumulator)):
        accumulator[lane] = 0


cdef inline double tree_sum(const real* accumulator) noexcept nogil:
    """Sum of the lanes in double, halves upon halves."""
    cdef double s[MAX_LANES]
    cdef Py_ssize_t lane, half = lanes(accumulator)
    for lane in range(lanes(accumulator)):
        s[lane] = accumulator[lane]
    while half > 1:
        half = half // 2
        for lane in range(half):
            s[lane] += s[lane + half]
    return s[0]


cdef inline void add(double_sum* s, double value) noexcept nogil:
    """Add with the rounding error kept (Knuth's TwoSum)."""
    cdef double high = s.high + value
    cdef double part = high - s.high
    s.low += (s.high - (high - part)) + (value - part)
    s.high = high


cdef inline void multiply(double_sum* s, double factor) noexcept nogil:
    s.high *= factor
    s.low *= factor


cdef inline double value(const double_sum* s) noexcept nogil:
    return s.high + s.low if -INFINITY < s.high < INFINITY else s.high


cdef inline real greatest(real* m, Py_ssize_t n) noexcept nogil:
    """The largest of n numbers, n a power of two; m is used up."""
    cdef Py_ssize_t lane
    while n > 1:
        n = n // 2
        for lane in range(n):
            m[lane] = m[lane + n] if m[lane + n] > m[lane] else m[lane]
    return m[0]


cdef inline real block_max(const real* x, Py_ssize_t n, const real* tail) noexcept nogil:
    """Largest element; NaNs are passed over (the sums find them), -inf if there is no other."""
    cdef real m[4 * MAX_LANES]
    cdef Py_ssize_t width = lanes(x), whole = n - n % width, k = 0, lane
    cdef const real* y
    for lane in range(width):
        m[lane] = -INFINITY
    if n >= 4 * width:
        for lane in range(width, 4 * width):
            m[lane] = -INFINITY
        # Four chains hide the latency of the comparison; a maximum has no rounding to reorder.
        while k + 4 * width <= whole:
            for lane in range(4 * width):
                m[lane] = x[k + lane] if x[k + lane] > m[lane] else m[lane]
            k += 4 * width
        for lane in range(2 * width):
            m[lane] = m[lane + 2 * width] if m[lane + 2 * width] > m[lane] else m[lane]
        for lane in range(width):
            m[lane] = m[lane + width] if m[lane + width] > m[lane] else m[lane]
    while k < n:
        y = at(x, k, whole, tail)
        for lane in range(width):
            m[lane] = y[lane] if y[lane] > m[lane] else m[lane]
        k += width
    return greatest(<real*>m, width)


cdef inline real least(const real* accumulator) noexcept nogil:
    """The smallest of the lanes."""
    cdef real low[MAX_LANES]
    cdef Py_ssize_t lane, half = lanes(accumulator)
    for lane in range(lanes(accumulator)):
        low[lane] = accumulator[lane]
    while half > 1:
        half = half // 2
        for lane in range(half):
            low[lane] = low[lane + half] if low[lane + half] < low[lane] else low[lane]
    return low[0]


cdef inline real any_bits(const real* accumulator) noexcept nogil:
    """The bits set in any of the lanes."""
    cdef real all_bits[MAX_LANES]
    cdef Py_ssize_t lane, half = lanes(accumulator)
    for lane in range(lanes(accumulator)):
        all_bits[lane] = accumulator[lane]
    while half > 1:
        half = half // 2
        for lane in range(half):
            all_bits[lane] = or_bits(all_bits[lane], all_bits[lane + half])
    return all_bits[0]
