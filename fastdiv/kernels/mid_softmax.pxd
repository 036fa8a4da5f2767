"""Rows of one block of logits made into rows, several at once: what softmax.pxd computes."""

from libc.string cimport memcpy

from fastdiv.kernels.arithmetic cimport real
from fastdiv.kernels.block_rows cimport again, room_of
from fastdiv.kernels.lanes cimport MAX_LANES, ahead, lanes, put_set
from fastdiv.kernels.mid_logits cimport sum_exp_rows
from fastdiv.kernels.short_logits cimport exp_tile
from fastdiv.kernels.softmax cimport log_set, scale_set
from fastdiv.kernels.sources cimport store, tail_of, takes
from fastdiv.kernels.tasks cimport task
from fastdiv.kernels.tiles cimport TILE, abreast, tile


cdef inline void write_row(
    const real* x, const real* x_tail, const real* e, Py_ssize_t c, real m, real top, real factor,
    real log_sum, const real* next, real* to, bint logarithm,
) noexcept nogil:
    """softmax of one row, or its ``logarithm``, of logits and exponentials; next: what is to be
    written then."""
    cdef real set[MAX_LANES]
    cdef Py_ssize_t width = lanes(x), whole = c - c % width, k = 0
    while k < whole:
        ahead(next + k, True)
        if logarithm:
            log_set(x + k, m, log_sum, <real*>set)
        else:
            scale_set(x + k, e + k, m, top, factor, <real*>set)
        put_set(to + k, <const real*>set)
        k += width
    if whole < c:
        if logarithm:
            log_set(x_tail, m, log_sum, <real*>set)
        else:
            # The row's last elements lie beyond its exponentials.
            scale_set(x_tail, e + whole, m, top, factor, <real*>set)
        memcpy(to + whole, &set[0], (c - whole) * sizeof(real))


cdef inline void make_rows(
    const task* t, const tile* rows, real* scratch, double* made, bint logarithm
) noexcept nogil:
    """softmax of several rows, or its ``logarithm``."""
    cdef const real* x[TILE]
    cdef const real* line
    cdef real* spare = room_of(scratch, abreast(<const real*>scratch))
    cdef real* e
    cdef real* to
    cdef double total
    cdef task row = t[0]
    cdef exp_tile s
    cdef Py_ssize_t r, c = t.c
    cdef Py_ssize_t two_rows = 2 * (rows.out[1] - rows.out[0]) if rows.rows > 1 else 0
    cdef bint direct = takes(t, <const real*>scratch)
    sum_exp_rows(&t.p, rows.p, rows.rows, c, scratch, <const real**>x, &s, False, not logarithm,
                 NULL, NULL, logarithm)
    for r in range(rows.rows):
        made[r] = s.log_sum[r]
        if made[r] != made[r]:
            continue
        total = s.ties[r] + s.rest[r]
        e = room_of(scratch, r)
        line = x[r] if logarithm else again(&t.p, rows.p[r], c, x[r], <const real*>e, spare)
        to = <real*>rows.out[r] if direct else spare if logarithm else e
        write_row(line, tail_of(<const real*>e), <const real*>e, c, <real>s.m[r],
                  <real>(1.0 / total), <real>(s.factor[r] / total), <real>s.log_sum[r],
                  <const real*>(rows.out[r] + two_rows), to, logarithm)
        if not direct:
            row.out = rows.out[r]
            store(&row, 0, c, <const real*>to)


cdef inline void softmax(
    const task* t, const tile* rows, real* scratch, double* made
) noexcept nogil:
    make_rows(t, rows, scratch, made, False)


cdef inline void log_softmax(
    const task* t, const tile* rows, real* scratch, double* made
) noexcept nogil:
    make_rows(t, rows, scratch, made, True)
