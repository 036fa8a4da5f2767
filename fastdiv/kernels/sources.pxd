"""Rows as they lie in memory, handed out in blocks of the type the kernel computes in.

A block of native, contiguous, aligned elements is used where it is. Anything else – another type,
stride, byte order or alignment, or a row to be divided by a number first – is converted block by
block into a buffer of the caller: no copy of the array is ever made.
"""

from libc.string cimport memcpy

from fastdiv.kernels.arithmetic cimport INFINITY, NAN, finite, real
from fastdiv.kernels.conversions cimport read
from fastdiv.kernels.lanes cimport block_max, block_size, lanes
from fastdiv.kernels.tasks cimport FLOAT32, FLOAT64, kind, source, task


cdef inline kind native(const real* like) noexcept nogil:
    if real is float:
        return FLOAT32
    else:
        return FLOAT64


cdef inline const real* tail_of(const real* scratch) noexcept nogil:
    return scratch + block_size(scratch)


cdef inline const real* fetch(
    const source* s, Py_ssize_t k, Py_ssize_t n, real* scratch, real padding
) noexcept nogil:
    """Elements k .. k + n of a row; their padded tail is at ``tail_of(scratch)``."""
    cdef const real* x = (<const real*>s.data) + k
    cdef Py_ssize_t j, width = lanes(x), rest = n % width
    cdef real* tail = scratch + block_size(x)
    if not (s.direct and s.type == native(x)):
        read(s, k, n, scratch)
        x = scratch
    if rest:
        # One masked load; a copy of part of the lanes would stall the load that follows.
        for j in range(width):
            tail[j] = x[n - rest + j] if j < rest else padding
    return x


cdef inline void set_top(source* s, Py_ssize_t c, double* scratch) noexcept nogil:
    """Have a row that is to be divided count from its largest element."""
    cdef source plain = s[0]
    cdef double top = -INFINITY
    cdef Py_ssize_t k = 0, n
    cdef const double* x
    plain.logarithm = False
    plain.divisor = 1.0
    while k < c:
        n = min(c - k, block_size(<const double*>scratch))
        x = fetch(&plain, k, n, scratch, <double>-INFINITY)
        top = max(top, block_max(x, n, tail_of(<const double*>scratch)))
        k += n
    # An infinite logit stays what it is, and is found out; weights below 0 have no logarithms, nor
    # have their quotients.
    if s.logarithm:
        s.top = top if top >= 0 else NAN
    else:
        s.top = top if finite(top) else 0.0


cdef inline bint holds_nan(const source* s, Py_ssize_t c, real* scratch) noexcept nogil:
    """Whether a NaN is in a row, if there is one."""
    cdef Py_ssize_t k = 0, n, i
    cdef bint found = False
    cdef const real* x
    if s.size == 0:
        return False
    while k < c and not found:
        n = min(c - k, block_size(<const real*>scratch))
        # The tail is not asked for: fetch takes longer than all of a row of ten.
        x = (<const real*>s.data) + k
        if not (s.direct and s.type == native(x)):
            read(s, k, n, scratch)
            x = scratch
        for i in range(n):
            found = found | (x[i] != x[i])
        k += n
    return found


cdef inline real element(const source* s, Py_ssize_t k, real like) noexcept nogil:
    """Element k of a row."""
    cdef real x = like
    read(s, k, 1, &x)
    return x


cdef inline bint takes(const task* t, const real* like) noexcept nogil:
    """Whether what is made can be written where it belongs as it is."""
    return (t.out_type == native(like) and t.out_stride == <Py_ssize_t>sizeof(real)
            and t.out_aligned)


cdef inline void store(const task* t, Py_ssize_t k, Py_ssize_t n, const real* block) noexcept nogil:
    """Write elements k .. k + n of the row that is made."""
    cdef Py_ssize_t j
    cdef float narrow
    cdef double wide
    if takes(t, block):
        memcpy(t.out + k * t.out_stride, block, n * sizeof(real))
        return
    for j in range(n):
        if t.out_type == FLOAT32:
            narrow = <float>block[j]
            memcpy(t.out + (k + j) * t.out_stride, &narrow, 4)
        else:
            wide = <double>block[j]
            memcpy(t.out + (k + j) * t.out_stride, &wide, 8)
