"""What Python calls: a row function over whole arrays.

This file is compiled once per instruction set. The loop over rows, and what it calls, knows no
Python object and raises nothing but an interrupt.
"""

cimport cython
cimport numpy as cnp

from fastdiv.kernels.calls cimport job_of, take_arrays, take_columns, take_options
from fastdiv.kernels.jobs cimport help, run_job
from fastdiv.kernels.plain_arrays cimport are_plain, is_plain_out
from fastdiv.kernels.rows cimport job
from fastdiv.kernels.segments cimport close_team, free_team, make_team, team
from fastdiv.kernels.table cimport FUNCTIONS, entry, fill
from fastdiv.kernels.walks cimport go_to, walk

cdef extern from "Python.h":
    # NULL: a number beyond the range is its end, which is no axis either.
    Py_ssize_t PyNumber_AsSsize_t(object number, void* error) except? -1

cnp.import_array()

cdef entry TABLE[FUNCTIONS]
fill(TABLE)
# The names, in the table's order.
ROWS = tuple([TABLE[i].name.decode() for i in range(FUNCTIONS)])


@cython.final
@cython.auto_pickle(False)
cdef class Team:
    """Threads that share out the segments of long rows: one calls ``run``, the others ``help``."""

    cdef team locks

    def __cinit__(self):
        if not make_team(&self.locks):
            raise MemoryError

    def __dealloc__(self):
        free_team(&self.locks)

    def help(self):
        """Do segments until the team is closed."""
        with nogil:
            help(&self.locks)

    def close(self):
        """Send the helpers away."""
        close_team(&self.locks)


cdef int over_arrays(
    job* j, cnp.ndarray p, cnp.ndarray q, cnp.ndarray labels, cnp.ndarray out, Py_ssize_t first,
    Py_ssize_t stop, bint logarithm, double temperature,
) except -1:
    """Make a call for the rows from ``first`` up to ``stop``, or, where that is -1, the last."""
    cdef walk w
    take_arrays(j, &w, p, q, labels, out, logarithm, temperature)
    go_to(&w, first)
    return run_job(j, &w, first, w.rows if stop < 0 else stop)


def run(
    int function,
    bint wide,
    cnp.ndarray p,
    cnp.ndarray q,
    cnp.ndarray labels,
    cnp.ndarray out not None,
    bint normalize=True,
    double unit=1.0,
    double temperature=1.0,
    bint divided=False,
    bint logarithm=False,
    double smoothing=0.0,
    bint blended=False,
    cnp.ndarray weight=None,
    ignore_index=None,
    bint root=False,
    Py_ssize_t first=0,
    Py_ssize_t stop=-1,
    Team helpers=None,
):
    """Apply a row function to every row, or to those from ``first`` up to ``stop``.

    Arrays are as ``_check`` makes them. The rows are counted in the order in which they lie in
    memory.

    ``p`` and ``q`` are (..., c), ``labels`` int64 (...), all with the same leading shape; ``out``
    has that shape, or (..., c) for a function that makes rows. ``wide``: compute in double.
    ``unit``: divide results by this; ``root``: then take the square root.
    ``logarithm``, ``temperature``: q is log(q) / temperature; ``divided``: element by element, as
    logarithms and temperatures next to the ends of the range have to be.
    ``blended``: the target is weight * ((1 - smoothing) * p + smoothing / c).
    ``helpers``: share out the segments of long rows.
    """
    cdef job j = job_of(&TABLE[function], wide, normalize, unit, root)
    temperature = take_options(
        &j, labels, temperature, divided, smoothing, blended, weight, ignore_index)
    j.t.pieces.helpers = &helpers.locks if helpers is not None else NULL
    over_arrays(&j, p, q, labels, out, first, stop, logarithm, temperature)


def several(
    int function,
    bint wide,
    cnp.ndarray p,
    cnp.ndarray q,
    cnp.ndarray labels,
    tuple columns not None,
    Py_ssize_t first=0,
    Py_ssize_t stop=-1,
    Team helpers=None,
):
    """Apply a function that makes several numbers of a row, as ``run`` does.

    ``columns``: an array in C order for each of its numbers, of the rows' leading shape and of
    float32, float64, int64 or bool; or None for a number that is not wanted.
    """
    cdef job j = job_of(&TABLE[function], wide, True, 1.0, False)
    cdef cnp.ndarray out = take_columns(&j, columns)
    j.t.pieces.helpers = &helpers.locks if helpers is not None else NULL
    over_arrays(&j, p, q, labels, out, first, stop, False, 1.0)


def plain(
    int function,
    tuple rows not None,
    labels=None,
    out=None,
    object axis=-1,
    bint normalize=True,
    double unit=1.0,
    bint root=False,
    bint makes_rows=False,
    bint wide_out=False,
    bint wide=False,
    double temperature=1.0,
    bint divided=False,
    bint logarithm=False,
    double smoothing=0.0,
    bint blended=False,
    cnp.ndarray weight=None,
    ignore_index=None,
):
    """Apply a row function to small plain arrays; None where they are anything else.

    A call of a few rows spends its time on questions: here they are asked all at once. ``rows`` is
    p, or p and q of the same type and shape, or q alone where there are ``labels``; ``weight`` has
    a number for each class. Options are those of ``run``. The classes are to be the last axis. The
    result is float64 if ``wide_out``, else of the rows' type.
    """
    cdef cnp.ndarray some, p, q, made
    cdef int axes, type
    cdef bint ignores = ignore_index is not None
    cdef job j
    # What is no int, as of NumPy, is asked by those who tell what it is.
    if not isinstance(axis, int) or not are_plain(
            rows, labels, PyNumber_AsSsize_t(axis, NULL), ignores, ignore_index if ignores else 0):
        return None
    some = rows[0]
    axes = cnp.PyArray_NDIM(some) - 1 + makes_rows
    type = cnp.PyArray_TYPE(some)
    if type == cnp.NPY_DOUBLE:
        wide = True
    if wide_out:
        type = cnp.NPY_DOUBLE
    if out is None:
        made = cnp.PyArray_EMPTY(axes, cnp.PyArray_DIMS(some), type, 0)
    elif is_plain_out(out, rows, labels, weight, axes, type, makes_rows):
        made = out
    else:
        return None
    p = some if labels is None else None
    q = rows[1] if len(rows) == 2 else some if labels is not None else None
    j = job_of(&TABLE[function], wide, normalize, unit, root)
    temperature = take_options(
        &j, labels, temperature, divided, smoothing, blended, weight, ignore_index)
    over_arrays(&j, p, q, labels, made, 0, -1, logarithm, temperature)
    return made


def plain_several(int function, tuple rows not None, labels, tuple types not None):
    """Apply a function that makes several numbers of a row to small plain arrays, see ``plain``.

    ``types``: of each of its numbers NumPy's number of a type, -1 for the type of the rows, or None
    where it is not wanted. The arrays, or scalars of a single row, come back in their order.
    """
    cdef cnp.ndarray some, out, q = None
    cdef int axes, type
    cdef job j
    # What takes one row takes a label.
    if (labels is None and len(rows) == 1) or not are_plain(rows, labels, -1, False, 0):
        return None
    some = rows[0]
    axes = cnp.PyArray_NDIM(some) - 1
    type = cnp.PyArray_TYPE(some)
    columns = tuple([
        None if own is None
        else cnp.PyArray_EMPTY(axes, cnp.PyArray_DIMS(some), type if own < 0 else own, 0)
        for own in types
    ])
    j = job_of(&TABLE[function], type == cnp.NPY_DOUBLE, True, 1.0, False)
    out = take_columns(&j, columns)
    if len(rows) == 2:
        q = rows[1]
        over_arrays(&j, some, q, labels, out, 0, -1, False, 1.0)
    else:
        over_arrays(&j, None, some, labels, out, 0, -1, False, 1.0)
    if axes > 0:
        return columns
    return tuple([None if column is None else column[()] for column in columns])
