"""Rows of one block of logits scored: what logit_rows.pxd computes, several at once."""

from fastdiv.kernels.arithmetic cimport real
from fastdiv.kernels.block_rows cimport room_of
from fastdiv.kernels.columns cimport in_order, put_column, wanted
from fastdiv.kernels.mid_logits cimport sum_exp_rows
from fastdiv.kernels.ranks cimport first_in_block
from fastdiv.kernels.scores cimport RANK, TOP_CLASS
from fastdiv.kernels.short_logits cimport exp_tile
from fastdiv.kernels.short_scores cimport score_of
from fastdiv.kernels.sources cimport tail_of
from fastdiv.kernels.tasks cimport task
from fastdiv.kernels.tiles cimport TILE, abreast, tile


cdef inline void score_from_logits(
    const task* t, const tile* rows, real* scratch, double* made
) noexcept nogil:
    cdef Py_ssize_t many = abreast(<const real*>scratch)
    cdef const real* x[TILE]
    cdef const real* tail
    cdef double at_label[TILE]
    cdef double first[TILE]
    cdef double rank[TILE]
    cdef bint ordered = in_order(t, rows)
    cdef bint ranked = wanted(t, TOP_CLASS) or wanted(t, RANK)
    cdef exp_tile s
    cdef Py_ssize_t r, y
    sum_exp_rows(
        &t.q, rows.q, rows.rows, t.c, scratch, <const real**>x, &s, True, False,
        <const Py_ssize_t*>rows.label, NULL, False)
    for r in range(rows.rows):
        tail = tail_of(<const real*>room_of(scratch, r))
        y = rows.label[r]
        at_label[r] = x[r][y]
        if ranked:
            first[r] = s.first[r]
            if s.ties[r] > 1:
                first[r] = <double>first_in_block(x[r], t.c, tail, <real>s.m[r])
            rank[r] = 1 + s.above[r]
    for r in range(rows.rows, many):
        at_label[r] = s.m[r]
    put_column(t, rows, ordered, TOP_CLASS, <const double*>first)
    put_column(t, rows, ordered, RANK, <const double*>rank)
    score_of(t, rows, ordered, &s, <const double*>at_label, made, scratch)
