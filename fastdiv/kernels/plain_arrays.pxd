"""Small arrays that need no preparation: NumPy's own, of one type, in C order, classes last."""

cimport numpy as cnp
from libc.stdint cimport int64_t

cdef enum:
    # Elements of less than two blocks for threads, LEAST_BLOCK in _threads.py.
    PLAIN_MOST = 1 << 19


cdef inline bint is_plain(object a) noexcept:
    """Whether there is nothing to look at or convert: an array of NumPy's own type, of float32 or
    float64, in C order, with classes, and too small to be shared among threads (_threads.py)."""
    return (cnp.PyArray_CheckExact(a) and cnp.PyArray_ISCARRAY_RO(a)
            and (cnp.PyArray_TYPE(a) == cnp.NPY_FLOAT or cnp.PyArray_TYPE(a) == cnp.NPY_DOUBLE)
            and 0 < cnp.PyArray_NDIM(a) and 0 < cnp.PyArray_DIM(a, cnp.PyArray_NDIM(a) - 1)
            and cnp.PyArray_SIZE(a) <= PLAIN_MOST)


cdef inline bint same_lead(cnp.ndarray a, cnp.ndarray b, int axes) noexcept:
    """Whether the first axes have the same lengths."""
    cdef int axis
    for axis in range(axes):
        if cnp.PyArray_DIM(a, axis) != cnp.PyArray_DIM(b, axis):
            return False
    return True


cdef inline bint are_plain_labels(
    object y, cnp.ndarray x, int axes, bint ignores, int64_t ignored
) noexcept:
    """Whether they are int64, in C order, one for each row, and each one a class or ignored."""
    cdef const int64_t* label
    cdef Py_ssize_t i, c = cnp.PyArray_DIM(x, axes)
    if not (cnp.PyArray_CheckExact(y) and cnp.PyArray_TYPE(y) == cnp.NPY_INT64
            and cnp.PyArray_ISCARRAY_RO(y) and cnp.PyArray_NDIM(y) == axes
            and same_lead(y, x, axes)):
        return False
    label = <const int64_t*>cnp.PyArray_DATA(y)
    for i in range(cnp.PyArray_SIZE(y)):
        if not 0 <= label[i] < c and not (ignores and label[i] == ignored):
            return False
    return True


cdef inline bint are_apart(cnp.ndarray a, object b) noexcept:
    """Whether two arrays in C order share no element; the second one may be None."""
    cdef char* x = cnp.PyArray_BYTES(a)
    cdef char* y
    if b is None:
        return True
    y = cnp.PyArray_BYTES(b)
    return x + cnp.PyArray_NBYTES(a) <= y or y + cnp.PyArray_NBYTES(b) <= x


cdef inline bint is_plain_out(
    object out, tuple rows, object labels, object weight, int axes, int type, bint makes_rows
) noexcept:
    """Whether it is in C order, of this type and so many of the rows' axes, and no part of an
    input, or all of the row that is made into another."""
    cdef cnp.ndarray some = rows[0]
    if not (cnp.PyArray_CheckExact(out) and cnp.PyArray_ISCARRAY(out)
            and cnp.PyArray_TYPE(out) == type and cnp.PyArray_NDIM(out) == axes
            and same_lead(out, some, axes)):
        return False
    for array in rows:
        if not (are_apart(out, array) or makes_rows and cnp.PyArray_TYPE(array) == type
                and cnp.PyArray_BYTES(out) == cnp.PyArray_BYTES(array)):
            return False
    return are_apart(out, labels) and are_apart(out, weight)


cdef inline bint are_plain(
    tuple rows, object labels, Py_ssize_t axis, bint ignores, int64_t ignored
) noexcept:
    """Whether all is plain, and of the same type and shape, and the classes are the last axis."""
    cdef cnp.ndarray some, other
    cdef int axes
    for array in rows:
        if not is_plain(array):
            return False
    some = rows[0]
    axes = cnp.PyArray_NDIM(some) - 1
    if axis != -1 and axis != axes:
        return False
    if len(rows) == 2:
        other = rows[1]
        if not (cnp.PyArray_TYPE(other) == cnp.PyArray_TYPE(some)
                and cnp.PyArray_NDIM(other) == axes + 1 and same_lead(some, other, axes + 1)):
            return False
    return labels is None or are_plain_labels(labels, some, axes, ignores, ignored)
