"""Rows of one block of logits made into rows, several at once: what softmax.pxd computes."""

from libc.string cimport memcpy

from fastdiv.kernels.arithmetic cimport real
from fastdiv.kernels.block_rows cimport again, room_of
from fastdiv.kernels.lanes cimport MAX_LANES, ahead, lanes, put_set
from fastdiv.kernels.mid_logits cimport sum_exp_rows
from fastdiv.kernels.short_logits cimport exp_tile
from fastdiv.kernels.softmax cimport log_set
from fastdiv.kernels.sources cimport store, tail_of, takes
from fastdiv.kernels.tasks cimport task
from fastdiv.kernels.tiles cimport TILE, abreast, tile


cdef inline void scale_set(
    const real* x, const real* e, real m, real top, real factor, real* made
) noexcept nogil:
    cdef Py_ssize_t lane
    cdef real y
    for lane in range(lanes(x)):
        # Not only where it is needed: gcc would load it under a mask.
        y = e[lane] * factor
        made[lane] = top if x[lane] >= m else y


cdef inline void softmax(
    const task* t, const tile* rows, real* scratch, double* made
) noexcept nogil:
    cdef const real* x[TILE]
    cdef const real* line
    cdef const real* next
    cdef real* spare = room_of(scratch, abreast(<const real*>scratch))
    cdef real* e
    cdef real* to
    cdef real set[MAX_LANES]
    cdef real top, factor, m
    cdef double total
    cdef task row = t[0]
    cdef exp_tile s
    cdef Py_ssize_t r, k, c = t.c, width = lanes(<const real*>scratch), whole = c - c % width
    cdef Py_ssize_t two_rows = 2 * (rows.out[1] - rows.out[0]) if rows.rows > 1 else 0
    cdef bint direct = takes(t, <const real*>scratch)
    sum_exp_rows(&t.p, rows.p, rows.rows, c, scratch, <const real**>x, &s, False, True, NULL,
                 NULL, False)
    for r in range(rows.rows):
        made[r] = s.log_sum[r]
        if made[r] != made[r]:
            continue
        total = s.ties[r] + s.rest[r]
        top = <real>(1.0 / total)
        factor = <real>(s.factor[r] / total)
        m = <real>s.m[r]
        e = room_of(scratch, r)
        line = again(&t.p, rows.p[r], c, x[r], <const real*>e, spare)
        to = <real*>rows.out[r] if direct else e
        next = <const real*>(rows.out[r] + two_rows)
        k = 0
        while k < whole:
            ahead(next + k, True)
            scale_set(line + k, e + k, m, top, factor, <real*>set)
            put_set(to + k, <const real*>set)
            k += width
        if whole < c:
            # The row's last elements lie beyond its exponentials.
            scale_set(tail_of(<const real*>e), e + whole, m, top, factor, <real*>set)
            memcpy(to + whole, &set[0], (c - whole) * sizeof(real))
        if not direct:
            row.out = rows.out[r]
            store(&row, 0, c, <const real*>to)


cdef inline void log_softmax(
    const task* t, const tile* rows, real* scratch, double* made
) noexcept nogil:
    cdef const real* x[TILE]
    cdef const real* next
    cdef real* to
    cdef real set[MAX_LANES]
    cdef real m, log_s
    cdef task row = t[0]
    cdef exp_tile s
    cdef Py_ssize_t r, k, c = t.c, width = lanes(<const real*>scratch), whole = c - c % width
    cdef Py_ssize_t two_rows = 2 * (rows.out[1] - rows.out[0]) if rows.rows > 1 else 0
    cdef bint direct = takes(t, <const real*>scratch)
    sum_exp_rows(&t.p, rows.p, rows.rows, c, scratch, <const real**>x, &s, False, False, NULL,
                 NULL, True)
    for r in range(rows.rows):
        made[r] = s.log_sum[r]
        if made[r] != made[r]:
            continue
        m = <real>s.m[r]
        log_s = <real>s.log_sum[r]
        to = <real*>rows.out[r] if direct else room_of(scratch, abreast(<const real*>scratch))
        next = <const real*>(rows.out[r] + two_rows)
        k = 0
        while k < whole:
            ahead(next + k, True)
            log_set(x[r] + k, m, log_s, <real*>set)
            put_set(to + k, <const real*>set)
            k += width
        if whole < c:
            log_set(tail_of(<const real*>room_of(scratch, r)), m, log_s, <real*>set)
            memcpy(to + whole, &set[0], (c - whole) * sizeof(real))
        if not direct:
            row.out = rows.out[r]
            store(&row, 0, c, <const real*>to)
