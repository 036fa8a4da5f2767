"""A call: the loop over its rows, without the GIL and in an environment of its own."""

from cpython.exc cimport PyErr_CheckSignals
from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc
from libc.stdint cimport uintptr_t

from fastdiv.kernels.across cimport GROUP, across, across_of, group_of, point, put_group, take_group
from fastdiv.kernels.in_double cimport tile_in_double
from fastdiv.kernels.kept cimport kept_room
from fastdiv.kernels.lanes cimport BLOCK_F32, BLOCK_F64, SCRATCH
from fastdiv.kernels.rows cimport compute_rows, end_late_rows, job
from fastdiv.kernels.segments cimport PART, SEGMENT, help_out, segments_of, team
from fastdiv.kernels.table cimport KEEPS
from fastdiv.kernels.taking cimport take_row, take_rows
from fastdiv.kernels.tasks cimport FLOAT32, source
from fastdiv.kernels.tiles cimport TILE_SCRATCH, abreast, short_most, tile
from fastdiv.kernels.walks cimport OUT, P, Q, in_line, step, walk

cdef extern from "fenv.h" nogil:
    ctypedef struct fenv_t:
        pass
    const fenv_t* FE_DFL_ENV
    int fegetenv(fenv_t* env) noexcept
    int fesetenv(const fenv_t* env) noexcept

cdef enum:
    # Elements between two looks for an interrupt: a tenth of a second or so. A look takes the GIL.
    SIGNALS_EVERY = 1 << 26


cdef inline Py_ssize_t compute_group(
    job* j, walk* w, tile* rows, Py_ssize_t left, double* scratch
) noexcept nogil:
    """Compute and write the next rows of arrays with rows side by side; how many they are."""
    cdef char* out = w.at[OUT]
    cdef Py_ssize_t n, done = 0, some
    left = min(left, in_line(w))
    # In step with one of them: no more can be had.
    if j.p_across.buffer != NULL:
        n = group_of(&j.p_across, w.at[P], j.group, left)
    elif j.q_across.buffer != NULL:
        n = group_of(&j.q_across, w.at[Q], j.group, left)
    else:
        n = group_of(&j.out_across, out, j.group, left)
    take_group(&j.p_across, w.at[P], n)
    take_group(&j.q_across, w.at[Q], n)
    while done < n:
        some = min(n - done, j.together)
        take_rows(rows, w, j, some)
        point(&j.p_across, rows.p, done, some)
        point(&j.q_across, rows.q, done, some)
        point(&j.out_across, <const char**>rows.out, done, some)
        compute_rows(j, rows, scratch)
        done += some
    end_late_rows(j, scratch)
    put_group(&j.out_across, out, n)
    return n


cdef inline int run_rows(job* j, walk* w, Py_ssize_t first, Py_ssize_t stop) except -1 nogil:
    """Compute the rows from ``first``, to which ``w`` has come, up to ``stop``."""
    cdef tile rows, late
    # Full vectors of a tile are not to lie across cache lines.
    cdef double room[TILE_SCRATCH + 8]
    cdef double* scratch = <double*>((<uintptr_t>&room[0] + 63) & ~<uintptr_t>63)
    cdef Py_ssize_t n, unseen = 0
    late.rows = 0
    j.late = &late
    while first < stop:
        if j.across:
            n = compute_group(j, w, &rows, stop - first, scratch)
        elif j.tiled:
            n = min(stop - first, j.together)
            take_rows(&rows, w, j, n)
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
    end_late_rows(j, scratch)
    return 0


cdef inline across source_across(source* s, Py_ssize_t row_step, Py_ssize_t c) except *:
    """What is to be done about rows that lie side by side; from then on they lie in a row."""
    cdef across a = across_of(s.stride, row_step, s.size, c)
    if a.buffer != NULL:
        s.stride = s.size
        s.plain = not s.swapped
        s.direct = s.plain and not s.logarithm and s.divisor == 1.0
    return a


cdef inline void join_group(job* j, const across* a) noexcept:
    """Have no more rows in a group than there is room for."""
    if a.buffer != NULL:
        j.group = min(j.group, a.most)
        j.across = True


cdef inline int take_across(job* j, const walk* w) except -1:
    """Make room for groups of the rows that lie side by side."""
    if w.at[P] != NULL:
        j.p_across = source_across(&j.t.p, step(w, P), j.t.c)
    if w.at[Q] != NULL:
        j.q_across = source_across(&j.t.q, step(w, Q), j.t.c)
    if j.makes_rows:
        j.out_across = across_of(
            j.t.out_stride, step(w, OUT), 4 if j.t.out_type == FLOAT32 else 8, j.t.c)
        if j.out_across.buffer != NULL:
            j.t.out_stride = j.out_across.size
            j.t.out_aligned = True
    join_group(j, &j.p_across)
    join_group(j, &j.q_across)
    join_group(j, &j.out_across)
    return 0


cdef inline int run_job(job* j, walk* w, Py_ssize_t first, Py_ssize_t stop) except -1:
    """Compute some rows without the GIL and in an environment of its own.

    The caller's rounding mode, and what it does with subnormal numbers, are not ours: exp rounds
    by an addition, and a sum's rounding error is found by one.
    """
    cdef fenv_t callers
    cdef Py_ssize_t most = BLOCK_F64 if j.wide else BLOCK_F32
    cdef int rows
    cdef bint unequal = False
    cdef bint short = j.t.c <= short_most(j.chosen.short_most, j.wide)
    j.together = abreast(<const double*>NULL) if j.wide else abreast(<const float*>NULL)
    j.p_across.buffer = j.q_across.buffer = j.out_across.buffer = NULL
    j.p_across.allocated = j.q_across.allocated = j.out_across.allocated = NULL
    j.t.pieces.room = j.t.room = NULL
    j.across, j.group = False, GROUP
    j.t.unequal = &unequal
    # By the number of classes and the options alone: a row's bits depend on no other row.
    if not short:
        j.chosen.short_f32, j.chosen.short_f64 = j.chosen.mid_f32, j.chosen.mid_f64
    j.tiled = j.t.c <= most and j.chosen.short_f32 != NULL and not j.divided
    j.in_double = NULL
    if j.tiled and not j.wide:
        j.in_double = tile_in_double(&j.chosen, j.t.c)
    fegetenv(&callers)
    fesetenv(FE_DFL_ENV)
    try:
        # Tiles of short rows take and give columns as they are.
        if not (j.tiled and short) and w.axes > 0:
            take_across(j, w)
        if j.t.c > SEGMENT:
            j.t.pieces.room = PyMem_RawMalloc(segments_of(j.t.c) * PART)
            if j.t.pieces.room == NULL:
                raise MemoryError
        if j.chosen.traits & KEEPS and most < j.t.c <= SEGMENT:
            # Without room it is made all the same, and the same.
            rows = 2 if w.at[P] != NULL and w.at[Q] != NULL else 1
            j.t.room = PyMem_RawMalloc(
                kept_room(j.t.c, rows, <const double*>NULL) if j.wide
                else kept_room(j.t.c, rows, <const float*>NULL))
        with nogil:
            run_rows(j, w, first, stop)
    finally:
        fesetenv(&callers)
        PyMem_RawFree(j.t.pieces.room)
        PyMem_RawFree(j.t.room)
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
