"""A call as the loop over rows sees it: what is done to every row, and the loop.

The row is the unit: a row function takes a ``task`` (where one row's data lie, and the options)
and returns a number. Of short rows a tile function computes several at a time. Everything else is
written once, here: what comes before a row function and after it, and the conversion of its result.
"""

from cpython.exc cimport PyErr_CheckSignals
from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc
from libc.stdint cimport int64_t, uintptr_t
from libc.string cimport memcpy

cimport fastdiv.kernels.careful as careful
from fastdiv.kernels.across cimport (
    across, across_of, group_of, point, put_group, take_group,
)
from fastdiv.kernels.arithmetic cimport NAN
from fastdiv.kernels.lanes cimport BLOCK_F32, BLOCK_F64, SCRATCH
from fastdiv.kernels.segments cimport PART, SEGMENT, help_out, segments_of, team
from fastdiv.kernels.sources cimport FLOAT32, columns, kind, set_top, source, task
from fastdiv.kernels.table cimport entry
from fastdiv.kernels.tiles cimport SHORT_F32, SHORT_F64, TILE, TILE_SCRATCH, abreast, tile
from fastdiv.kernels.walks cimport LABELS, OUT, P, Q, go_on, in_line, step, walk

cdef extern from "math.h" nogil:
    double sqrt(double x) noexcept

cdef extern from "fenv.h" nogil:
    ctypedef struct fenv_t:
        pass
    const fenv_t* FE_DFL_ENV
    int fegetenv(fenv_t* env) noexcept
    int fesetenv(const fenv_t* env) noexcept

ctypedef struct job:
    # A call: what is done to every row.
    task t
    entry chosen
    bint wide               # compute in double
    bint tiled              # as many rows at a time as a tile has
    Py_ssize_t together     # how many those are
    bint shared             # the target's sum is taken first
    bint divided            # so is the prediction's largest element
    bint makes_rows
    columns made            # where a function makes several numbers
    bint weighted           # multiply by the label's weight
    double unit
    bint root
    bint has_labels
    bint ignores
    int64_t ignored
    bint across             # rows that lie side by side are taken in groups
    across p_across
    across q_across
    across out_across

cdef enum:
    # Elements between two looks for an interrupt: a tenth of a second or so. A look takes the GIL.
    SIGNALS_EVERY = 1 << 26


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
    cdef bint beside = type == FLOAT32
    for r in range(n):
        narrow[r] = <float>made[r]
        beside = beside & (rows.out[r] - rows.out[0] == 4 * r)
    if beside:
        memcpy(rows.out[0], narrow, 4 * n)
        return
    for r in range(n):
        put(rows.out[r], type, made[r])


cdef inline double row_result(job* j, double* scratch) noexcept nogil:
    """The row function's answer, or where it gives none, the careful one's."""
    cdef double result
    cdef careful.measure found
    if j.shared:
        j.t.p.scale = j.t.p.divisor = 1.0
        j.t.p.direct = False
        found = careful.measured(&j.t.p, j.t.c, scratch, True)
        j.t.p.scale = found.scale
        j.t.p.divisor = found.mass if found.largest == found.largest else NAN
    if j.divided:
        set_top(&j.t.q, j.t.c, scratch)
    if j.wide:
        result = j.chosen.in_f64(&j.t, scratch)
    else:
        result = j.chosen.in_f32(&j.t, <float*>scratch)
    if result != result and j.chosen.careful != NULL:
        result = j.chosen.careful(&j.t, scratch)
    return result


cdef inline void take_labels(tile* rows, const job* j, const char* at, Py_ssize_t stride,
                             Py_ssize_t first, Py_ssize_t n) noexcept nogil:
    cdef int64_t label = 0
    cdef Py_ssize_t r
    for r in range(first, first + n):
        memcpy(&label, at + (r - first) * stride, 8)
        rows.ignored[r] = j.ignores and label == j.ignored
        rows.label[r] = 0 if rows.ignored[r] else label


cdef inline const char* readable(
    const walk* w, int array, const char* last, Py_ssize_t size, Py_ssize_t left
) noexcept nogil:
    """Where what may be read ends, of rows of that size the last of which was taken: those of
    the rows that are left that follow it closely may be read, too."""
    if last == NULL:
        return NULL
    last += size
    if w.at[array] == last and step(w, array) == size:
        last += min(in_line(w), left) * size
    return last


cdef inline void take_rows(
    tile* rows, walk* w, const job* j, Py_ssize_t n, Py_ssize_t left
) noexcept nogil:
    """Take n rows of a tile, of those that are left, and walk on; lanes that no row is left for
    repeat the first."""
    cdef Py_ssize_t r, done = 0, some
    cdef char* p
    cdef char* q
    cdef char* out
    rows.rows = n
    while done < n:
        some = min(n - done, in_line(w))
        p, q, out = w.at[P], w.at[Q], w.at[OUT]
        for r in range(some):
            rows.p[done + r] = p + r * step(w, P)
            rows.q[done + r] = q + r * step(w, Q)
            rows.out[done + r] = out + r * step(w, OUT)
        if j.has_labels:
            take_labels(rows, j, w.at[LABELS], step(w, LABELS), done, some)
        go_on(w, some)
        done += some
    rows.p_end = readable(w, P, rows.p[n - 1], j.t.c * j.t.p.size, left - n)
    rows.q_end = readable(w, Q, rows.q[n - 1], j.t.c * j.t.q.size, left - n)
    for r in range(n, j.together):
        rows.p[r] = rows.p[0]
        rows.q[r] = rows.q[0]
        rows.label[r] = rows.label[0]


cdef inline void take_row(tile* rows, walk* w, const job* j) noexcept nogil:
    """Take a single row and walk on."""
    rows.rows = 1
    rows.p[0], rows.q[0], rows.out[0] = w.at[P], w.at[Q], w.at[OUT]
    if j.has_labels:
        take_labels(rows, j, w.at[LABELS], 0, 0, 1)
    go_on(w, 1)


cdef inline void end_rows(
    job* j, const tile* rows, double* made, double* scratch
) noexcept nogil:
    """Compute the rows that have no result yet, NaN, and write all of them."""
    cdef Py_ssize_t r
    cdef double weight
    cdef bint missing = False
    for r in range(rows.rows):
        missing = missing | (made[r] != made[r])
    for r in range(rows.rows if missing else 0):
        if made[r] != made[r]:
            j.t.p.data = rows.p[r]
            j.t.q.data = rows.q[r]
            j.t.out = rows.out[r]
            j.t.label = rows.label[r] if j.has_labels else -1
            made[r] = row_result(j, scratch) if not (j.ignores and rows.ignored[r]) else 0
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


cdef inline Py_ssize_t compute_group(
    job* j, walk* w, tile* rows, Py_ssize_t left, double* scratch
) noexcept nogil:
    """Compute and write the next rows of arrays with rows side by side; how many they are."""
    cdef char* out = w.at[OUT]
    cdef Py_ssize_t n = group_of(&j.out_across, out), done = 0, some
    # In step with one of them: no more can be had.
    if j.p_across.buffer != NULL:
        n = group_of(&j.p_across, w.at[P])
    elif j.q_across.buffer != NULL:
        n = group_of(&j.q_across, w.at[Q])
    n = min(n, min(left, in_line(w)))
    take_group(&j.p_across, w.at[P], n)
    take_group(&j.q_across, w.at[Q], n)
    while done < n:
        some = min(n - done, j.together)
        take_rows(rows, w, j, some, some)
        point(&j.p_across, rows.p, done, some)
        point(&j.q_across, rows.q, done, some)
        point(&j.out_across, <const char**>rows.out, done, some)
        compute_rows(j, rows, scratch)
        done += some
    put_group(&j.out_across, out, n)
    return n


cdef inline int run_rows(job* j, walk* w, Py_ssize_t first, Py_ssize_t stop) except -1 nogil:
    """Compute the rows from ``first``, to which ``w`` has come, up to ``stop``."""
    cdef tile rows
    # Full vectors of a tile are not to lie across cache lines.
    cdef double room[TILE_SCRATCH + 8]
    cdef double* scratch = <double*>((<uintptr_t>&room[0] + 63) & ~<uintptr_t>63)
    cdef Py_ssize_t n, unseen = 0
    while first < stop:
        if j.across:
            n = compute_group(j, w, &rows, stop - first, scratch)
        elif j.tiled:
            n = min(stop - first, j.together)
            take_rows(&rows, w, j, n, stop - first)
            compute_rows(j, &rows, scratch)
        else:
            n = 1
            take_row(&rows, w, j)
            compute_rows(j, &rows, scratch)
        first += n
        unseen += n * j.t.c
        if unseen >= SIGNALS_EVERY:
            unseen = 0
            with gil:
                PyErr_CheckSignals()
    return 0


cdef inline across source_across(source* s, Py_ssize_t row_step, Py_ssize_t c) except *:
    """What is to be done about rows that lie side by side; from then on they lie in a row."""
    cdef across a = across_of(s.stride, row_step, s.size, c)
    if a.buffer != NULL:
        s.stride = s.size
        s.plain = not s.swapped
        s.direct = s.plain and not s.logarithm and s.divisor == 1.0
    return a


cdef inline int run_job(job* j, walk* w, Py_ssize_t first, Py_ssize_t stop) except -1:
    """The same without the GIL and in an environment of its own.

    The caller's rounding mode, and what it does with subnormal numbers, are not ours: exp rounds
    by an addition, and a sum's rounding error is found by one.
    """
    cdef fenv_t callers
    cdef bint short = j.t.c <= min(j.chosen.short_most, SHORT_F64 if j.wide else SHORT_F32)
    j.together = abreast(<const double*>NULL) if j.wide else abreast(<const float*>NULL)
    j.p_across.buffer = j.q_across.buffer = j.out_across.buffer = NULL
    j.p_across.allocated = j.q_across.allocated = j.out_across.allocated = NULL
    j.t.pieces.room = NULL
    # By the number of classes and the options alone: a row's bits depend on no other row.
    if not short:
        j.chosen.short_f32, j.chosen.short_f64 = j.chosen.mid_f32, j.chosen.mid_f64
    j.tiled = (j.t.c <= (BLOCK_F64 if j.wide else BLOCK_F32) and j.chosen.short_f32 != NULL
               and not j.divided and (j.chosen.blends or not j.t.blended)
               and not (j.t.blended and j.t.weight != NULL))
    fegetenv(&callers)
    fesetenv(FE_DFL_ENV)
    try:
        # Tiles of short rows take and give columns as they are.
        if not (j.tiled and short) and w.axes > 0:
            if w.at[P] != NULL:
                j.p_across = source_across(&j.t.p, step(w, P), j.t.c)
            if w.at[Q] != NULL:
                j.q_across = source_across(&j.t.q, step(w, Q), j.t.c)
            if j.makes_rows:
                j.out_across = across_of(
                    j.t.out_stride, step(w, OUT), 4 if j.t.out_type == FLOAT32 else 8, j.t.c)
                if j.out_across.buffer != NULL:
                    j.t.out_stride = j.out_across.size
        j.across = (j.p_across.buffer != NULL or j.q_across.buffer != NULL
                    or j.out_across.buffer != NULL)
        if j.t.c > SEGMENT:
            j.t.pieces.room = PyMem_RawMalloc(segments_of(j.t.c) * PART)
            if j.t.pieces.room == NULL:
                raise MemoryError
        with nogil:
            run_rows(j, w, first, stop)
    finally:
        fesetenv(&callers)
        PyMem_RawFree(j.t.pieces.room)
        PyMem_RawFree(j.p_across.allocated)
        PyMem_RawFree(j.q_across.allocated)
        PyMem_RawFree(j.out_across.allocated)
    return 0


cdef inline void help(team* t) noexcept nogil:
    """Be a helper of a team, in the environment of ``run_job``."""
    cdef double room[2 * SCRATCH + 8]
    cdef fenv_t threads
    fegetenv(&threads)
    fesetenv(FE_DFL_ENV)
    help_out(t, <void*>((<uintptr_t>&room[0] + 63) & ~<uintptr_t>63))
    fesetenv(&threads)
