"""What merely reading arrays costs: their largest number, by the widest instructions there are."""

from libc.stdint cimport uint64_t

from fastdiv.kernels.arithmetic cimport fma, real
from fastdiv.kernels.lanes cimport block_max

cdef enum:
    BLOCK = 1024


cdef inline real most_of(const real* x, Py_ssize_t n, real so_far) noexcept nogil:
    cdef real tail[BLOCK]
    cdef Py_ssize_t j
    if n == BLOCK:
        return max(so_far, block_max(x, n, <const real*>tail))
    for j in range(n):
        so_far = max(so_far, x[j])
    return so_far


def largest(const real[::1] p, q=None):
    """The largest number of one array, or of two of one length that are read side by side."""
    cdef const real[::1] other = p if q is None else q
    cdef bint two = q is not None
    cdef Py_ssize_t k = 0, n
    cdef real m = p[0]
    with nogil:
        while k < p.shape[0]:
            n = min(<Py_ssize_t>BLOCK, p.shape[0] - k)
            m = most_of(&p[k], n, m)
            if two:
                m = most_of(&other[k], n, m)
            k += n
    return m


def chained(Py_ssize_t n):
    """Multiply and add n times, each of what the one before made: three cycles and one."""
    cdef uint64_t x = 1
    cdef Py_ssize_t k
    with nogil:
        for k in range(n):
            x = x * <uint64_t>6364136223846793005 + <uint64_t>1442695040888963407
    return x


def multiplied(Py_ssize_t n):
    """Multiply and add eight times of each number of a block, all n times: no number waits for
    another."""
    cdef float x[BLOCK]
    cdef Py_ssize_t i, j, k
    cdef float a
    for j in range(BLOCK):
        x[j] = <float>(1 + j * 1e-6)
    with nogil:
        for k in range(n):
            for j in range(BLOCK):
                a = x[j]
                for i in range(8):
                    a = fma(a, <float>0.999, <float>0.001)
                x[j] = a
    return x[0]


def divided(Py_ssize_t n):
    """Divide by each number of a block, all n times."""
    cdef float x[BLOCK]
    cdef Py_ssize_t j, k
    for j in range(BLOCK):
        x[j] = <float>(1 + j * 1e-6)
    with nogil:
        for k in range(n):
            for j in range(BLOCK):
                x[j] = <float>1 / x[j]
    return x[0]
