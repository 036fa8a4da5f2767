"""Rows taken for a tile: where they lie, and their labels."""

from libc.stdint cimport int64_t, uintptr_t
from libc.string cimport memcpy

from fastdiv.kernels.rows cimport job
from fastdiv.kernels.tiles cimport tile
from fastdiv.kernels.walks cimport LABELS, OUT, P, Q, go_on, in_line, step, walk


cdef inline void take_labels(tile* rows, const job* j, const char* at, Py_ssize_t stride,
                             Py_ssize_t first, Py_ssize_t n) noexcept nogil:
    cdef int64_t label = 0
    cdef Py_ssize_t r, c = j.t.c
    cdef const int64_t* line = <const int64_t*>at - first
    if stride == 8 and <uintptr_t>at % 8 == 0:
        # By whole registers, as they are read below: what is stored by twos is not there in time.
        for r in range(first, first + n):
            rows.ignored[r] = line[r] == j.ignored
            rows.label[r] = line[r]
    else:
        for r in range(first, first + n):
            memcpy(&label, at + (r - first) * stride, 8)
            rows.ignored[r] = label == j.ignored
            rows.label[r] = label
    for r in range(first, first + n):
        # They were checked; another thread that changes one now gets a wrong number, no crash.
        rows.label[r] = rows.label[r] if (rows.label[r] >= 0) & (rows.label[r] < c) else 0


cdef inline void take_rows(
    tile* rows, walk* w, const job* j, Py_ssize_t n
) noexcept nogil:
    """Take n rows of a tile and walk on; lanes that no row is left for repeat the first."""
    cdef Py_ssize_t r, done = 0, some
    cdef Py_ssize_t step_p = step(w, P), step_q = step(w, Q), step_out = step(w, OUT)
    cdef char* p
    cdef char* q
    cdef char* out
    rows.rows = n
    while done < n:
        some = min(n - done, in_line(w))
        p, q, out = w.at[P], w.at[Q], w.at[OUT]
        for r in range(done, done + some):
            rows.p[r], rows.q[r], rows.out[r] = p, q, out
            p += step_p
            q += step_q
            out += step_out
        if j.has_labels:
            take_labels(rows, j, w.at[LABELS], step(w, LABELS), done, some)
        go_on(w, some)
        done += some
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
