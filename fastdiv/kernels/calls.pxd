"""A call, made of what Python tells: its options and its arrays."""

cimport numpy as cnp

from fastdiv.kernels.rows cimport job
from fastdiv.kernels.sums cimport sum_of
from fastdiv.kernels.table cimport entry
from fastdiv.kernels.tasks cimport COLUMNS
from fastdiv.kernels.temperatures cimport temperature_of
from fastdiv.kernels.walks cimport (
    LABELS, OUT, P, Q, begin, join_axes, kind_of, order_axes, source_of, take_along, walk,
)


cdef inline job job_of(
    const entry* chosen, bint wide, bint normalize, double unit, bint root
) noexcept:
    """A call with no other options than these."""
    cdef job j
    j.chosen = chosen[0]
    j.wide = wide
    j.unit = unit
    j.root = root
    j.divided = j.weighted = j.ignores = j.t.warm = False
    j.ignored = 0
    # Of a row that is not there.
    j.t.p.size = j.t.q.size = 0
    j.t.normalize = normalize
    j.t.blended = False
    j.t.smoothing = 0
    j.t.weight = NULL
    j.t.columns = NULL
    j.t.room = NULL
    j.t.unequal = NULL
    j.t.again = False
    j.t.q.logarithm = False
    j.t.pieces.helpers = NULL
    return j


cdef inline double take_options(
    job* j, cnp.ndarray labels, double temperature, bint divided, double smoothing,
    bint blended, cnp.ndarray weight, object ignore_index,
) except? -1:
    """Take the options of ``run``; the temperature by which elements are divided comes back."""
    cdef Py_ssize_t classes
    j.ignores = ignore_index is not None
    j.ignored = ignore_index if j.ignores else 0
    j.weighted = labels is not None and weight is not None and not blended
    j.divided = divided
    j.t.warm = temperature != 1.0 and not divided
    j.t.blended = blended
    j.t.smoothing = j.t.even_share = smoothing
    if weight is not None:
        classes = cnp.PyArray_SIZE(weight)
        j.t.weight = <const double*>cnp.PyArray_DATA(weight)
        j.t.even_share *= sum_of(j.t.weight, classes) / classes
    if not j.t.warm:
        return temperature
    j.t.in_f32 = temperature_of(temperature, <float>0)
    j.t.in_f64 = temperature_of(temperature, <double>0)
    return 1.0


cdef inline cnp.ndarray take_columns(job* j, tuple arrays):
    """Have a call write to the arrays that are wanted; the first of them comes back."""
    cdef cnp.ndarray array, first = None
    cdef int i
    for i in range(COLUMNS):
        j.made.at[i] = NULL
    for i in range(len(arrays)):
        array = arrays[i]
        if array is not None:
            j.made.at[i] = cnp.PyArray_BYTES(array)
            j.made.type[i] = kind_of(array)
            first = array if first is None else first
    j.made.first = cnp.PyArray_BYTES(first)
    j.made.size = cnp.PyArray_ITEMSIZE(first)
    j.t.columns = &j.made
    return first


cdef inline void take_arrays(
    job* j, walk* w, cnp.ndarray p, cnp.ndarray q, cnp.ndarray labels, cnp.ndarray out,
    bint logarithm, double temperature,
) noexcept:
    """Take the arrays of a call; ``w`` comes to their first row."""
    cdef cnp.ndarray some = p if p is not None else q
    cdef int axes = cnp.PyArray_NDIM(some) - 1
    j.makes_rows = cnp.PyArray_NDIM(out) > axes
    j.has_labels = labels is not None
    j.t.label = 0 if j.has_labels else -1
    j.t.c = cnp.PyArray_DIM(some, axes)
    j.t.out_type = kind_of(out)
    j.t.out_aligned = cnp.PyArray_ISALIGNED(out)
    j.t.out_stride = cnp.PyArray_STRIDE(out, axes) if j.makes_rows else 0
    begin(w, some, axes)
    take_along(w, OUT, out)
    if p is not None:
        j.t.p = source_of(p)
        take_along(w, P, p)
    if q is not None:
        j.t.q = source_of(q)
        j.t.q.logarithm = logarithm
        j.t.q.divisor = temperature
        j.t.q.direct = j.t.q.direct and not logarithm and temperature == 1.0
        take_along(w, Q, q)
    if labels is not None:
        take_along(w, LABELS, labels)
    order_axes(w, P if p is not None else Q)
    join_axes(w)
