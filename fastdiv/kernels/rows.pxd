"""A call as the loop over rows sees it: the rows that are taken, computed and written.

The row is the unit: a row function takes a ``task`` (where one row's data lie, and the options)
and returns a number. Of short rows, and of those of one block, a tile function computes several at
a time. Everything else is written once, here: what comes before a row function and after it, and
the conversion of its result.
"""

from libc.stdint cimport int64_t
from libc.string cimport memcpy

from fastdiv.kernels.across cimport across
from fastdiv.kernels.apart cimport apart
from fastdiv.kernels.arithmetic cimport NAN
from fastdiv.kernels.in_double cimport late_in_double, put_off
from fastdiv.kernels.sources cimport holds_nan, set_top
from fastdiv.kernels.table cimport WIDENS, entry, tile_f64
from fastdiv.kernels.tasks cimport FLOAT32, columns, kind, task
from fastdiv.kernels.tiles cimport TILE, any_nan, tile

cdef extern from "math.h" nogil:
    double sqrt(double x) noexcept

ctypedef struct job:
    # A call: what is done to every row.
    task t
    entry chosen
    bint wide               # compute in double
    bint tiled              # as many rows at a time as a tile has
    Py_ssize_t together     # how many those are
    tile_f64 in_double      # of floats, what computes rows that a tile has no result of, or NULL
    tile* late              # such rows that are not computed yet
    bint divided            # the prediction's largest element is taken first
    bint makes_rows
    columns made            # where a function makes several numbers
    bint weighted           # multiply by the label's weight
    double unit
    bint root
    bint has_labels
    bint ignores
    int64_t ignored
    bint across             # rows that lie side by side are taken in groups
    Py_ssize_t group        # and how many at most: all have room for them
    across p_across
    across q_across
    across out_across

ctypedef void (*completion)(job*, const tile*, double*, double*) noexcept nogil
ctypedef void (*late_end)(job*, double*) noexcept nogil


cdef inline void put(char* at, kind type, double result) noexcept nogil:
    """Write a result, rounded once."""
    cdef float narrow = <float>result
    if type == FLOAT32:
        memcpy(at, &narrow, 4)
    else:
        memcpy(at, &result, 8)


cdef inline void put_all(const tile* rows, kind type, const double* made) noexcept nogil:
    """The same of all rows; those of most arrays lie side by side."""
    cdef Py_ssize_t r, n = rows.rows
    cdef float narrow[TILE]
    # As wide as what is compared, as in ``any_nan``.
    cdef Py_ssize_t away = 0
    for r in range(n):
        narrow[r] = <float>made[r]
        away |= (rows.out[r] - rows.out[0]) ^ (4 * r)
    if away == 0 and type == FLOAT32:
        memcpy(rows.out[0], narrow, 4 * n)
        return
    for r in range(n):
        put(rows.out[r], type, made[r])


cdef inline bint holds_a_nan(const job* j, double* scratch) noexcept nogil:
    """Whether one of the rows of the task does."""
    if j.wide:
        return holds_nan(&j.t.p, j.t.c, scratch) or holds_nan(&j.t.q, j.t.c, scratch)
    return (holds_nan(&j.t.p, j.t.c, <float*>scratch)
            or holds_nan(&j.t.q, j.t.c, <float*>scratch))


cdef inline bint is_hopeless(const job* j, double* scratch) noexcept nogil:
    """Whether a row's number is NaN, whatever is done: a NaN is in it. Of a batch of such rows all
    that follows would be for nothing (KL of ten classes: 13 times the time of other rows)."""
    # Of several numbers, or a row, the NaNs are still to be written.
    return not j.makes_rows and j.t.columns == NULL and holds_a_nan(j, scratch)


cdef inline double row_again(const job* j, bint widened, double* scratch) noexcept nogil:
    """The answer in double, or the careful function's, for a row that has none."""
    cdef task again = j.t
    cdef double result = NAN
    # What is kept of a row of floats is of no use in double.
    again.room = NULL
    again.again = True
    if widened:
        result = j.chosen.in_f64(&again, scratch)
    if result != result and j.chosen.careful != NULL:
        result = j.chosen.careful(&again, scratch)
    return result


cdef inline double row_result(job* j, double* scratch) noexcept nogil:
    """The row function's answer, or where it gives none, that of a more careful one."""
    cdef double result = NAN
    cdef bint widens = j.chosen.traits & WIDENS and not j.wide
    # What a tile is left with was tried already.
    if j.tiled and is_hopeless(j, scratch):
        return NAN
    if j.divided:
        set_top(&j.t.q, j.t.c, scratch)
    if j.wide:
        result = j.chosen.in_f64(&j.t, scratch)
    elif not (widens and j.tiled):
        result = j.chosen.in_f32(&j.t, <float*>scratch)
    if result == result or not (widens or j.chosen.careful != NULL):
        return result
    if not j.tiled and is_hopeless(j, scratch):
        return NAN
    # What a tile was not for is not for its row function either, if there is another.
    widens = widens and (j.in_double == NULL or j.chosen.careful == NULL)
    return row_again(j, widens, scratch)


cdef inline void point_at(job* j, const tile* rows, Py_ssize_t r) noexcept nogil:
    j.t.p.data = rows.p[r]
    j.t.q.data = rows.q[r]
    j.t.out = rows.out[r]
    j.t.label = rows.label[r] if j.has_labels else -1


cdef inline void complete(job* j, const tile* rows, double* made, double* scratch) noexcept nogil:
    """Compute the rows that have no result yet, NaN, one by one."""
    cdef Py_ssize_t r
    for r in range(rows.rows):
        if made[r] != made[r] and not (j.ignores and rows.ignored[r]):
            point_at(j, rows, r)
            made[r] = row_result(j, scratch)


cdef inline void write_rows(job* j, const tile* rows, double* made) noexcept nogil:
    cdef Py_ssize_t r
    cdef double weight
    if j.makes_rows or j.t.columns != NULL:
        return
    if j.weighted:
        for r in range(rows.rows):
            # 0 log 0 is 0 here too.
            weight = j.t.weight[rows.label[r]]
            made[r] = made[r] * weight if weight != 0 or made[r] != made[r] else 0
    if j.ignores:
        for r in range(rows.rows):
            made[r] = 0 if rows.ignored[r] else made[r]
    if j.unit != 1.0:
        for r in range(rows.rows):
            made[r] /= j.unit
    if j.root:
        for r in range(rows.rows):
            made[r] = sqrt(made[r])
    put_all(rows, j.t.out_type, made)


cdef inline void late_rows(job* j, double* scratch) noexcept nogil:
    """What ``end_late_rows`` calls."""
    cdef double made[TILE]
    if j.late.rows > 0:
        late_in_double(j.in_double, &j.t, j.late, scratch, <double*>made)
        complete(j, j.late, <double*>made, scratch)
        write_rows(j, j.late, <double*>made)
        j.late.rows = 0


cdef inline void end_late_rows(job* j, double* scratch) noexcept nogil:
    """Compute and write the rows that were put off."""
    if j.in_double != NULL:
        (<late_end>apart(<void*>late_rows))(j, scratch)


cdef inline void put_off_rows(
    job* j, const tile* rows, double* made, double* scratch
) noexcept nogil:
    """Leave the rows that have no result for later."""
    cdef Py_ssize_t r
    for r in range(rows.rows):
        if made[r] != made[r] and not (j.ignores and rows.ignored[r]):
            point_at(j, rows, r)
            if j.t.columns != NULL and holds_a_nan(j, scratch):
                made[r] = row_result(j, scratch)
            elif put_off(j.late, rows, r):
                end_late_rows(j, scratch)


cdef inline void end_rows(
    job* j, const tile* rows, double* made, double* scratch
) noexcept nogil:
    """Compute the rows that have no result yet, and write all of them."""
    cdef bint some = any_nan(made, rows.rows)
    if some and j.in_double == NULL:
        (<completion>apart(<void*>complete))(j, rows, made, scratch)
    write_rows(j, rows, made)
    if some and j.in_double != NULL:
        (<completion>apart(<void*>put_off_rows))(j, rows, made, scratch)


cdef inline void compute_rows(job* j, tile* rows, double* scratch) noexcept nogil:
    """Compute and write the rows that were taken."""
    cdef double made[TILE]
    cdef Py_ssize_t r
    if not j.tiled:
        for r in range(rows.rows):
            made[r] = NAN
    elif j.wide:
        j.chosen.short_f64(&j.t, rows, scratch, <double*>made)
    else:
        j.chosen.short_f32(&j.t, rows, <float*>scratch, <double*>made)
    end_rows(j, rows, <double*>made, scratch)
