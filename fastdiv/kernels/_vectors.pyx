"""Whole vectors of labels and of results: labels checked, numbers added up.

Compiled once, for any processor: there is no fused multiply-add here, and nothing to speed up.
"""

cimport numpy as cnp
from libc.stdint cimport int64_t

from fastdiv.kernels.double_sums cimport add, double_sum, value
from fastdiv.kernels.exact_sums cimport LIMBS as ALL_LIMBS, add_limbs, add_terms

cnp.import_array()

LIMBS = ALL_LIMBS


def label_outside(cnp.ndarray labels not None, Py_ssize_t c, ignore_index=None):
    """Flat index of the first label that is neither in 0 .. c - 1 nor ignored, or -1.

    ``labels`` is C-contiguous int64.
    """
    cdef const int64_t* y = <const int64_t*>cnp.PyArray_DATA(labels)
    cdef Py_ssize_t i, n = cnp.PyArray_SIZE(labels)
    cdef bint ignores = ignore_index is not None
    cdef int64_t ignored = ignore_index if ignores else 0
    with nogil:
        for i in range(n):
            if (y[i] < 0 or y[i] >= c) and not (ignores and y[i] == ignored):
                break
        else:
            i = -1
    return i


def total(cnp.ndarray values not None):
    """Compensated sum of a C-contiguous float64 array, in order."""
    cdef const double* x = <const double*>cnp.PyArray_DATA(values)
    cdef Py_ssize_t i, n = cnp.PyArray_SIZE(values)
    cdef double_sum s
    s.high = s.low = 0
    with nogil:
        for i in range(n):
            add(&s, x[i])
    return value(&s)


def add_exactly(
    cnp.ndarray a not None, cnp.ndarray b, cnp.ndarray limbs not None, cnp.ndarray kinds not None
):
    """Add numbers to an exact sum, or the products of two arrays' (``b`` is None otherwise).

    ``a`` and ``b`` are C-contiguous float64 of one size; ``limbs``, int64 of length ``LIMBS``, is
    the sum of what is finite, see ``exact_sums.pxd``; ``kinds``, int64 of length 3, counts the
    terms that are +inf, -inf and NaN.
    """
    cdef const double* x = <const double*>cnp.PyArray_DATA(a)
    cdef const double* y = x if b is None else <const double*>cnp.PyArray_DATA(b)
    cdef int64_t* to = <int64_t*>cnp.PyArray_DATA(limbs)
    cdef int64_t* special = <int64_t*>cnp.PyArray_DATA(kinds)
    cdef Py_ssize_t n = cnp.PyArray_SIZE(a)
    cdef bint products = b is not None
    with nogil:
        if products:
            add_terms(to, special, x, y, n, True)
        else:
            add_terms(to, special, x, y, n, False)


def add_sums_exactly(cnp.ndarray limbs not None, cnp.ndarray other not None):
    """Add an exact sum's limbs to another's."""
    add_limbs(<int64_t*>cnp.PyArray_DATA(limbs), <const int64_t*>cnp.PyArray_DATA(other))
