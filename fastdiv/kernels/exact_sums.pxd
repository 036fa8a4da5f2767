"""Exact sums of doubles and of products of two: a small superaccumulator.

A sum is LIMBS integers of 64 bits; limb i counts units of 2^(32 i - 2148). A double is an integer m
below 2^53 times a power of two that puts it into two limbs; a product of two, below 2^106, goes
into four. Nothing is rounded, and nothing over- or underflows: 2^-2148 is the square of the
smallest double, and 2^63 squares of the largest still fit. Every addition to a limb is below 2^52,
so the carries can wait for BLOCK numbers. After them all limbs but the last are in 0 .. 2^32 - 1:
equal sums are equal limbs, in whatever order they came about.

Neal, "Fast exact summation using small and large superaccumulators", arXiv:1505.05571. The two
lanes and the products are not his: an addition to a limb waits for the one before, and of two
lanes, taken in turns, each has the time of two numbers for it.
"""

from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcpy, memset

cdef enum:
    LIMBS = 134
    # Two lanes of half as many, each 2^52 and less: with what is in the limb, below 2^62.
    BLOCK = 1024
    # Where the units of a limb's lowest double, 2^-1074, stand.
    UNIT = 1074

cdef extern from *:
    """
    #define FASTDIV_LOW32 0xFFFFFFFFULL
    #define FASTDIV_FRACTION 0xFFFFFFFFFFFFFULL
    """
    const uint64_t LOW32 "FASTDIV_LOW32"
    const uint64_t FRACTION "FASTDIV_FRACTION"

ctypedef struct number:
    # (-1)^negative m 2^(place - 1074); m is 0 of what is not finite.
    uint64_t m
    int64_t place
    int64_t negative  # 0, or all bits
    bint finite


cdef inline number taken_apart(const double* x) noexcept nogil:
    cdef number it
    cdef uint64_t bits, exponent, normal
    memcpy(&bits, x, 8)
    exponent = (bits >> 52) & 2047
    normal = exponent != 0
    it.m = (bits & FRACTION) | (normal << 52)
    it.place = <int64_t>(exponent - normal)
    it.negative = -<int64_t>(bits >> 63)
    it.finite = exponent != 2047
    return it


cdef inline void count_special(int64_t* kinds, double x) noexcept nogil:
    """Count a term that is infinite or NaN."""
    kinds[2 if x != x else (0 if x > 0 else 1)] += 1


cdef inline int64_t signed_part(uint64_t part, int64_t negative) noexcept nogil:
    return (<int64_t>part ^ negative) - negative


cdef inline void add_value(int64_t* lane, int64_t* kinds, const double* x) noexcept nogil:
    """Add a number to a lane."""
    cdef number it = taken_apart(x)
    cdef int64_t place = it.place + UNIT
    cdef int64_t* limb = lane + (place >> 5)
    cdef int shift = place & 31
    if not it.finite:
        count_special(kinds, x[0])
        return
    limb[0] += signed_part((it.m << shift) & LOW32, it.negative)
    limb[1] += signed_part(it.m >> (32 - shift), it.negative)


cdef inline void add_product(
    int64_t* lane, int64_t* kinds, const double* x, const double* y
) noexcept nogil:
    """Add a product to a lane: halves of the integers multiplied as at school."""
    cdef number a = taken_apart(x), b = taken_apart(y)
    cdef int64_t place = a.place + b.place, negative = a.negative ^ b.negative
    cdef int64_t* limb = lane + (place >> 5)
    cdef int shift = place & 31
    cdef uint64_t low, middle, high
    if not (a.finite and b.finite):
        count_special(kinds, x[0] * y[0])
        return
    low = (a.m & LOW32) * (b.m & LOW32)
    middle = (a.m >> 32) * (b.m & LOW32) + (a.m & LOW32) * (b.m >> 32) + (low >> 32)
    high = (a.m >> 32) * (b.m >> 32) + (middle >> 32)
    low = (low & LOW32) << shift
    middle = (middle & LOW32) << shift
    limb[0] += signed_part(low & LOW32, negative)
    limb[1] += signed_part((low >> 32) + (middle & LOW32), negative)
    limb[2] += signed_part((middle >> 32) + ((high << shift) & LOW32), negative)
    limb[3] += signed_part(high >> (32 - shift), negative)


cdef inline void carry(int64_t* limbs, int64_t* lanes) noexcept nogil:
    """Add two lanes to a sum, clear them, and leave every limb but the last in 0 .. 2^32 - 1."""
    cdef int64_t carried = 0
    cdef Py_ssize_t i
    for i in range(LIMBS - 1):
        carried += limbs[i] + lanes[i] + lanes[LIMBS + i]
        limbs[i] = carried & <int64_t>LOW32
        carried >>= 32
    limbs[LIMBS - 1] += carried + lanes[LIMBS - 1] + lanes[2 * LIMBS - 1]
    memset(lanes, 0, 2 * LIMBS * sizeof(int64_t))


cdef inline void add_term(
    int64_t* lane, int64_t* kinds, const double* x, const double* y, bint products
) noexcept nogil:
    if products:
        add_product(lane, kinds, x, y)
    else:
        add_value(lane, kinds, x)


cdef inline void add_terms(
    int64_t* limbs,
    int64_t* kinds,
    const double* x,
    const double* y,
    Py_ssize_t n,
    bint products,
) noexcept nogil:
    """Add n numbers x to a sum, or n products x y."""
    cdef int64_t lanes[2 * LIMBS]
    cdef Py_ssize_t i = 0, end
    memset(<int64_t*>lanes, 0, 2 * LIMBS * sizeof(int64_t))
    while i < n:
        end = min(n, i + BLOCK)
        while i + 2 <= end:
            add_term(lanes, kinds, x + i, y + i, products)
            add_term(<int64_t*>lanes + LIMBS, kinds, x + i + 1, y + i + 1, products)
            i += 2
        if i < end:
            add_term(lanes, kinds, x + i, y + i, products)
            i += 1
        carry(limbs, lanes)


cdef inline void add_limbs(int64_t* limbs, const int64_t* other) noexcept nogil:
    """Add a sum to another."""
    cdef int64_t lanes[2 * LIMBS]
    memset(<int64_t*>lanes, 0, 2 * LIMBS * sizeof(int64_t))
    memcpy(<int64_t*>lanes, other, LIMBS * sizeof(int64_t))
    carry(limbs, lanes)
