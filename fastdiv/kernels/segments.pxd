"""Long rows in segments, which threads may share out.

The sums of a row of more than SEGMENT elements are made segment by segment and put together in
order, whether one thread makes them or many: its bits are the same.

Helpers wait for ``more``. Whoever takes a segment lets in one of them if segments are left, and
every change of a team is made under its lock ``state``.
"""

from cpython.pythread cimport (
    NOWAIT_LOCK, PyThread_acquire_lock, PyThread_allocate_lock, PyThread_free_lock,
    PyThread_release_lock, PyThread_type_lock, WAIT_LOCK,
)

from fastdiv.kernels.apart cimport apart
from fastdiv.kernels.arithmetic cimport real

cdef enum:
    # A multiple of every block. Waking a thread takes as long as a fifth of one.
    SEGMENT = 1 << 20
    # Bytes for the sums of a segment, whichever they are.
    PART = 256

# What is done to segment number i. ``pass`` holds the row and room for every segment's sums.
ctypedef void (*segment_f32)(void* pass_, Py_ssize_t i, float* scratch) noexcept nogil
ctypedef void (*segment_f64)(void* pass_, Py_ssize_t i, double* scratch) noexcept nogil

ctypedef struct team:
    PyThread_type_lock state
    PyThread_type_lock more     # open while segments wait for a helper
    PyThread_type_lock done     # open when the last segment is done and somebody waits for it
    bint is_open
    bint is_awaited
    bint is_closed
    Py_ssize_t next
    Py_ssize_t stop
    Py_ssize_t left
    void* pass_
    segment_f32 narrow          # one of the two
    segment_f64 wide

ctypedef struct split:
    # How a row is done segment by segment.
    team* helpers               # other threads, or NULL
    void* room                  # of several segments, PART bytes for each

ctypedef void (*over_f32)(
    const split*, void*, segment_f32, segment_f64, Py_ssize_t, float*) noexcept nogil
ctypedef void (*over_f64)(
    const split*, void*, segment_f32, segment_f64, Py_ssize_t, double*) noexcept nogil


cdef inline Py_ssize_t segments_of(Py_ssize_t c) noexcept nogil:
    return (c + SEGMENT - 1) // SEGMENT


cdef inline Py_ssize_t segment_end(Py_ssize_t i, Py_ssize_t c) noexcept nogil:
    return min(c, (i + 1) * SEGMENT)


cdef inline bint make_team(team* t) noexcept:
    """Make the locks, those that are waited for closed. False: there is no memory for them."""
    t.is_open = t.is_awaited = t.is_closed = False
    t.next = t.stop = t.left = 0
    t.state = PyThread_allocate_lock()
    t.more = PyThread_allocate_lock()
    t.done = PyThread_allocate_lock()
    if t.more != NULL:
        PyThread_acquire_lock(t.more, NOWAIT_LOCK)
    if t.done != NULL:
        PyThread_acquire_lock(t.done, NOWAIT_LOCK)
    return t.state != NULL and t.more != NULL and t.done != NULL


cdef inline void free_team(team* t) noexcept:
    """Free the locks, open, of a team without helpers."""
    if t.state != NULL:
        PyThread_free_lock(t.state)
    if t.more != NULL:
        if not t.is_open:
            PyThread_release_lock(t.more)
        PyThread_free_lock(t.more)
    if t.done != NULL:
        PyThread_release_lock(t.done)
        PyThread_free_lock(t.done)


cdef inline void let_in(team* t) noexcept nogil:
    """Have a helper come in. The caller holds ``state``."""
    if not t.is_open:
        t.is_open = True
        PyThread_release_lock(t.more)


cdef inline void take_segments(team* t, void* scratch) noexcept nogil:
    """Do segments until none is left to take. The caller holds ``state``, before and after."""
    cdef Py_ssize_t i
    while t.next < t.stop:
        i = t.next
        t.next += 1
        if t.next < t.stop:
            let_in(t)
        PyThread_release_lock(t.state)
        if t.narrow != NULL:
            t.narrow(t.pass_, i, <float*>scratch)
        else:
            t.wide(t.pass_, i, <double*>scratch)
        PyThread_acquire_lock(t.state, WAIT_LOCK)
        t.left -= 1
        if t.left == 0 and t.is_awaited:
            t.is_awaited = False
            PyThread_release_lock(t.done)


cdef inline void help_out(team* t, void* scratch) noexcept nogil:
    """Be a helper until the team is closed."""
    cdef bint closed = False
    while not closed:
        PyThread_acquire_lock(t.more, WAIT_LOCK)
        PyThread_acquire_lock(t.state, WAIT_LOCK)
        t.is_open = False
        closed = t.is_closed
        if closed:
            let_in(t)
        else:
            take_segments(t, scratch)
        PyThread_release_lock(t.state)


cdef inline void close_team(team* t) noexcept nogil:
    """Send the helpers away, one after the other."""
    PyThread_acquire_lock(t.state, WAIT_LOCK)
    t.is_closed = True
    let_in(t)
    PyThread_release_lock(t.state)


cdef inline void share(
    team* t, void* pass_, segment_f32 narrow, segment_f64 wide, Py_ssize_t n, void* scratch
) noexcept nogil:
    """Do n segments together with the helpers."""
    cdef bint waits
    PyThread_acquire_lock(t.state, WAIT_LOCK)
    t.pass_, t.narrow, t.wide = pass_, narrow, wide
    t.next, t.stop, t.left = 0, n, n
    take_segments(t, scratch)
    waits = t.left > 0
    t.is_awaited = waits
    PyThread_release_lock(t.state)
    if waits:
        PyThread_acquire_lock(t.done, WAIT_LOCK)


cdef inline void over(
    const split* s, void* pass_, segment_f32 narrow, segment_f64 wide, Py_ssize_t c, real* scratch
) noexcept nogil:
    """What ``over_segments`` calls."""
    cdef Py_ssize_t i, n = segments_of(c)
    if s.helpers != NULL and n > 1:
        if real is float:
            share(s.helpers, pass_, narrow, NULL, n, scratch)
        else:
            share(s.helpers, pass_, NULL, wide, n, scratch)
        return
    for i in range(n):
        if real is float:
            narrow(pass_, i, scratch)
        else:
            wide(pass_, i, scratch)


cdef inline void over_segments(
    const split* s, void* pass_, segment_f32 narrow, segment_f64 wide, Py_ssize_t c, real* scratch
) noexcept nogil:
    """Do all segments of a row of c elements, by ``narrow`` or ``wide`` as the type is."""
    if real is float:
        (<over_f32>apart(<void*>over[float]))(s, pass_, narrow, wide, c, scratch)
    else:
        (<over_f64>apart(<void*>over[double]))(s, pass_, narrow, wide, c, scratch)
