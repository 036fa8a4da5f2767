"""Rows of one block of logits: what logit_rows.pxd computes, several rows at once.

Alone, a row of a thousand classes waits for the end of every step before the next: the maximum's
last comparisons, the reference next to it, the last additions of the sum, the logarithm. Here each
step is taken for all rows of a tile before the next, what is done once a row with a lane for each,
so that one row's waiting is another one's work. A row's own arithmetic is that of its row function.

NaN in ``made`` gives a row to that, as in short_logits.pxd.
"""

from fastdiv.kernels.arithmetic cimport INFINITY, real
from fastdiv.kernels.block_rows cimport fetch_rows, room_of
from fastdiv.kernels.coming cimport are_far, next_tile
from fastdiv.kernels.exp_sums cimport exp_and_sum
from fastdiv.kernels.exp_terms cimport exp_terms
from fastdiv.kernels.lanes cimport MAX_BLOCK, whole_sets
from fastdiv.kernels.logits cimport next_to_0, steps_in_float
from fastdiv.kernels.mid_targets cimport cross_entropy_of
from fastdiv.kernels.short_logits cimport begin_sums, end_sums, entropy_of, exp_tile
from fastdiv.kernels.sources cimport tail_of
from fastdiv.kernels.spread_sums cimport spread_sums
from fastdiv.kernels.sums cimport block_sum
from fastdiv.kernels.tasks cimport cooled, source, task, temperature_for
from fastdiv.kernels.temperatures cimport temperature
from fastdiv.kernels.tiles cimport TILE, abreast, tile


cdef inline void exp_rows(
    const char* const* at, Py_ssize_t n, Py_ssize_t c, real* scratch, const real* const* x,
    const real* m, const real* low, const real* rounder, exp_tile* s, bint spreads, bint kept,
    const Py_ssize_t* label, const temperature* warm, bint finest, bint second,
) noexcept nogil:
    """The exponentials and the sums of every row. second: see ``ahead``."""
    cdef real own[MAX_BLOCK]
    cdef real spread[MAX_BLOCK]
    cdef double sums[2]
    cdef real* terms
    cdef const real* tail
    cdef const real* next
    cdef Py_ssize_t many = abreast(<const real*>scratch), r
    cdef Py_ssize_t filled = whole_sets(<const real*>scratch, c)
    cdef int steps
    for r in range(n):
        tail = tail_of(<const real*>room_of(scratch, r))
        next = <const real*>(at[r] + next_tile(at, many))
        terms = room_of(scratch, r) if kept else <real*>own
        steps = steps_in_float(finest, next_to_0(m[r], m), m)
        if not spreads:
            s.rest[r] = exp_and_sum(
                x[r], c, tail, next, second, m[r], <real>0, low[r], rounder[r], terms, kept,
                &s.ties[r], True, False, warm, steps, <real*>NULL)
            continue
        s.ties[r] = exp_terms(
            x[r], c, tail, next, second, m[r], <real>0, low[r], rounder[r], terms, <real*>spread,
            s.first + r if label != NULL else NULL, True, True, False, warm)
        s.rest[r] = block_sum(<const real*>terms, filled, tail, steps)
        spread_sums(<const real*>terms, <const real*>spread, filled, tail, <double*>sums,
                    label != NULL)
        s.spread[r], s.squares[r] = sums[0], sums[1]


cdef inline void sum_exp_rows(
    const source* row, const char* const* at, Py_ssize_t n, Py_ssize_t c, real* scratch,
    const real** x, exp_tile* s, bint spreads, bint kept, const Py_ssize_t* label,
    const temperature* warm, bint finest,
) noexcept nogil:
    """The sums of every row; if ``kept``, the terms, in the rows' own room.

    If there are labels, which takes spreads, the squares too and the labels' places. warm: as in
    exp_terms.
    """
    cdef real m[TILE]
    cdef real low[TILE]
    cdef real rounder[TILE]
    cdef Py_ssize_t r
    fetch_rows(row, at, n, c, scratch, <real>-INFINITY, x, <real*>m, label, s.above)
    begin_sums(<const real*>m, <real*>low, <real*>rounder, s, warm)
    # As a constant.
    if are_far(c, <const real*>scratch):
        exp_rows(at, n, c, scratch, <const real* const*>x, <const real*>m, <const real*>low,
                 <const real*>rounder, s, spreads, kept, label, warm, finest, True)
    else:
        exp_rows(at, n, c, scratch, <const real* const*>x, <const real*>m, <const real*>low,
                 <const real*>rounder, s, spreads, kept, label, warm, finest, False)
    for r in range(n, abreast(<const real*>scratch)):
        s.ties[r] = 1
        s.rest[r] = s.spread[r] = s.squares[r] = 0
    end_sums(s, <const real*>scratch, spreads)


cdef inline void sum_exp_of_q(
    const task* t, const tile* rows, real* scratch, const real** x, exp_tile* s
) noexcept nogil:
    """The same of a task's q, at its temperature."""
    if t.warm:
        sum_exp_rows(&t.q, rows.q, rows.rows, t.c, scratch, x, s, False, False, NULL,
                     temperature_for(t, <const real*>scratch), False)
    else:
        sum_exp_rows(&t.q, rows.q, rows.rows, t.c, scratch, x, s, False, False, NULL, NULL,
                     False)


cdef inline void entropy_from_logits(
    const task* t, const tile* rows, real* scratch, double* made
) noexcept nogil:
    cdef const real* x[TILE]
    cdef exp_tile s
    sum_exp_rows(&t.p, rows.p, rows.rows, t.c, scratch, <const real**>x, &s, True, False, NULL,
                 NULL, False)
    entropy_of(&s, made, <const real*>scratch)


cdef inline void cross_entropy_label_from_logits(
    const task* t, const tile* rows, real* scratch, double* made
) noexcept nogil:
    cdef const real* x[TILE]
    cdef exp_tile s
    cdef Py_ssize_t r
    sum_exp_of_q(t, rows, scratch, <const real**>x, &s)
    for r in range(rows.rows):
        made[r] = cooled(t, s.m[r] - x[r][rows.label[r]]) + s.log_sum[r]


cdef inline void cross_entropy_from_logits(
    const task* t, const tile* rows, real* scratch, double* made
) noexcept nogil:
    cdef const real* x[TILE]
    cdef exp_tile s
    sum_exp_of_q(t, rows, scratch, <const real**>x, &s)
    cross_entropy_of(t, rows, <const real* const*>x, scratch, <const double*>s.m,
                     <const double*>s.log_sum, made)
