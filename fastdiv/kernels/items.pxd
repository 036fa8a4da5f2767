"""Elements of every type that rows may have, as numbers: those of a row, some step apart."""

from libc.stdint cimport (
    int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t,
)
from libc.string cimport memcpy

from fastdiv.kernels.arithmetic cimport real
from fastdiv.kernels.halves cimport bfloat16, float16, from_bfloat16, from_float16

ctypedef fused item:
    int8_t
    uint8_t
    int16_t
    uint16_t
    int32_t
    uint32_t
    int64_t
    uint64_t
    float16
    bfloat16
    float
    double


cdef inline uint32_t swapped32(uint32_t i) noexcept nogil:
    return (i >> 24) | ((i >> 8) & 0xff00) | ((i & 0xff00) << 8) | (i << 24)


cdef inline item swapped(item element) noexcept nogil:
    """An element in the other byte order, by shifts, which become vector code."""
    cdef uint64_t h
    cdef uint32_t i
    cdef uint16_t j
    if sizeof(item) == 8:
        memcpy(&h, &element, 8)
        h = (<uint64_t>swapped32(<uint32_t>h) << 32) | swapped32(<uint32_t>(h >> 32))
        memcpy(&element, &h, 8)
    elif sizeof(item) == 4:
        memcpy(&i, &element, 4)
        i = swapped32(i)
        memcpy(&element, &i, 4)
    elif sizeof(item) == 2:
        memcpy(&j, &element, 2)
        j = <uint16_t>((j >> 8) | (j << 8))
        memcpy(&element, &j, 2)
    return element


cdef inline real number(item element, real like) noexcept nogil:
    if item is float16:
        return <real>from_float16(element.bits)
    elif item is bfloat16:
        return <real>from_bfloat16(element.bits)
    else:
        return <real>element


cdef inline void gather_every(
    const char* at, Py_ssize_t step, Py_ssize_t n, real* block, const item* like, bint swaps
) noexcept nogil:
    """n elements, ``step`` bytes apart, converted; vector code where that is known."""
    cdef item element
    cdef Py_ssize_t j
    for j in range(n):
        memcpy(&element, at + j * step, sizeof(item))
        block[j] = number(swapped(element) if swaps else element, <real>0)


cdef inline void gather_far(
    const char* at, Py_ssize_t step, Py_ssize_t n, real* block, const item* like
) noexcept nogil:
    """The same of elements that are not next to each other. The usual steps, of every second or
    third class and of classes in reverse, are numbers here: vector code knows what to shuffle."""
    cdef Py_ssize_t size = sizeof(item)
    if item is float or item is double:
        if step == 2 * size:
            gather_every(at, 2 * size, n, block, like, False)
            return
        if step == 3 * size:
            gather_every(at, 3 * size, n, block, like, False)
            return
        if step == -size:
            gather_every(at, -size, n, block, like, False)
            return
    gather_every(at, step, n, block, like, False)
