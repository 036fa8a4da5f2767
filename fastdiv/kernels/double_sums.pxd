"""A sum of doubles with its rounding errors kept: what block sums are added up in."""

from fastdiv.kernels.arithmetic cimport INFINITY

ctypedef struct double_sum:
    # The value is high + low; high alone once it is not finite.
    double high
    double low


cdef inline double lost_in(double sum, double a, double b) noexcept nogil:
    """What is missing in the rounded sum of a and b (Knuth's TwoSum)."""
    cdef double part = sum - a
    return (a - (sum - part)) + (b - part)


cdef inline void add(double_sum* s, double value) noexcept nogil:
    """Add with the rounding error kept."""
    cdef double high = s.high + value
    s.low += lost_in(high, s.high, value)
    s.high = high


cdef inline void join(double_sum* s, const double_sum* other) noexcept nogil:
    add(s, other.high)
    s.low += other.low


cdef inline void multiply(double_sum* s, double factor) noexcept nogil:
    s.high *= factor
    s.low *= factor


cdef inline double value(const double_sum* s) noexcept nogil:
    return s.high + s.low if -INFINITY < s.high < INFINITY else s.high
