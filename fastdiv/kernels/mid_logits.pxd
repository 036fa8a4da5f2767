"""Rows of one block of logits: what logit_rows.pxd computes, several rows at once.

Alone, a row of a thousand classes waits for the end of every step before the next: the maximum's
last comparisons, the reference next to it, the last additions of the sum, the logarithm. Here each
step is taken for all rows of a tile before the next, what is done once a row with a lane for each,
so that one row's waiting is another one's work. A row's own arithmetic is that of its row function.

NaN in ``made`` gives a row to that, as in short_logits.pxd.
"""

from fastdiv.kernels.arithmetic cimport INFINITY, NAN, finite, real
from fastdiv.kernels.block_rows cimport fetch_rows, room_of
from fastdiv.kernels.class_weights cimport weighted_block, weighted_gap, weighted_gap_sum
from fastdiv.kernels.columns cimport in_order, put_column, wanted
from fastdiv.kernels.lanes cimport MAX_BLOCK, whole_sets
from fastdiv.kernels.logit_targets cimport cross_entropies, gap_sum, target_block
from fastdiv.kernels.logits cimport exp_terms
from fastdiv.kernels.ranks cimport first_in_block
from fastdiv.kernels.scores cimport RANK, TOP_CLASS
from fastdiv.kernels.short_logits cimport begin_sums, end_sums, entropy_of, exp_tile, logsumexp_of
from fastdiv.kernels.short_scores cimport score_of
from fastdiv.kernels.sources cimport cooled, fetch, source, tail_of, task, temperature_for
from fastdiv.kernels.sums cimport block_sum, double_sum, score_sums, value
from fastdiv.kernels.temperatures cimport temperature
from fastdiv.kernels.tiles cimport TILE, abreast, next_tile, tile
from fastdiv.kernels.weights cimport faint


cdef inline void sum_exp_rows(
    const source* row, const char* const* at, Py_ssize_t n, Py_ssize_t c, real* scratch,
    const real** x, exp_tile* s, bint spreads, bint kept, const Py_ssize_t* label,
    const temperature* warm,
) noexcept nogil:
    """The sums of every row; if ``kept``, the terms, in the rows' own room.

    If there are labels, the squares too and the labels' places. warm: as in exp_terms.
    """
    cdef Py_ssize_t many = abreast(<const real*>scratch)
    cdef real m[TILE]
    cdef real low[TILE]
    cdef real bias[TILE]
    cdef real own[MAX_BLOCK]
    cdef real spread[MAX_BLOCK]
    cdef double sums[3]
    cdef real* terms = <real*>own
    cdef const real* tail
    cdef const real* next
    cdef Py_ssize_t r, filled = whole_sets(<const real*>scratch, c)
    fetch_rows(row, at, n, c, scratch, <real>-INFINITY, x, <real*>m, label, s.above)
    begin_sums(<const real*>m, <real*>low, <real*>bias, s, warm)
    for r in range(n):
        tail = tail_of(<const real*>room_of(scratch, r))
        next = <const real*>(at[r] + next_tile(at, many))
        terms = room_of(scratch, r) if kept else <real*>own
        s.ties[r] = exp_terms(x[r], c, tail, next, m[r], <real>0, low[r], bias[r], terms,
                              <real*>spread, s.first + r if label != NULL else NULL, True,
                              spreads, False, warm)
        if label != NULL:
            score_sums(<const real*>terms, <const real*>spread, filled, tail, <double*>sums)
            s.rest[r], s.spread[r], s.squares[r] = sums[0], sums[1], sums[2]
            continue
        s.rest[r] = block_sum(<const real*>terms, filled, tail, False)
        if spreads:
            s.spread[r] = block_sum(<const real*>spread, filled, tail, True)
    for r in range(n, many):
        s.ties[r] = 1
        s.rest[r] = s.spread[r] = s.squares[r] = 0
    end_sums(s, <const real*>scratch, spreads)


cdef inline void sum_exp_of_q(
    const task* t, const tile* rows, real* scratch, const real** x, exp_tile* s
) noexcept nogil:
    """The same of a task's q, at its temperature."""
    if t.warm:
        sum_exp_rows(&t.q, rows.q, rows.rows, t.c, scratch, x, s, False, False, NULL,
                     temperature_for(t, <const real*>scratch))
    else:
        sum_exp_rows(&t.q, rows.q, rows.rows, t.c, scratch, x, s, False, False, NULL, NULL)


cdef inline void logsumexp(
    const task* t, const tile* rows, real* scratch, double* made
) noexcept nogil:
    cdef const real* x[TILE]
    cdef exp_tile s
    sum_exp_rows(&t.p, rows.p, rows.rows, t.c, scratch, <const real**>x, &s, False, False, NULL,
                 NULL)
    logsumexp_of(&s, made, <const real*>scratch)


cdef inline void entropy_from_logits(
    const task* t, const tile* rows, real* scratch, double* made
) noexcept nogil:
    cdef const real* x[TILE]
    cdef exp_tile s
    sum_exp_rows(&t.p, rows.p, rows.rows, t.c, scratch, <const real**>x, &s, True, False, NULL,
                 NULL)
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
    cdef Py_ssize_t many = abreast(<const real*>scratch)
    cdef real* room = room_of(scratch, many)
    cdef const real* x[TILE]
    cdef const real* p
    cdef const real* tail = tail_of(<const real*>room)
    cdef const real* x_tail
    cdef const real* next
    cdef double_sum gaps, shares, total
    cdef source row = t.p
    cdef double gap[TILE]
    cdef double share[TILE]
    cdef double mass[TILE]
    cdef double even[TILE]
    cdef exp_tile s
    cdef Py_ssize_t r
    cdef bint good = True, labelled = rows.p[0] == NULL
    sum_exp_of_q(t, rows, scratch, <const real**>x, &s)
    for r in range(rows.rows):
        x_tail = tail_of(<const real*>room_of(scratch, r))
        gaps.high = gaps.low = shares.high = shares.low = total.high = total.low = 0
        if labelled:
            total.high = 1
            shares.high = t.weight[rows.label[r]] if t.weight != NULL else 1
            gaps.high = weighted_gap(
                <double>1, shares.high, s.m[r], <double>x[r][rows.label[r]])
        else:
            row.data = rows.p[r]
            p = fetch(&row, 0, t.c, room, <real>0)
            next = <const real*>(rows.p[r] + next_tile(rows.p, many))
            if t.weight != NULL:
                good = weighted_block(p, x[r], t.weight, t.c, tail, next, <real>s.m[r], &gaps,
                                      &shares, &total) >= 0
            else:
                good = target_block(p, x[r], t.c, tail, x_tail, next, <real>s.m[r], &gaps,
                                    &shares) >= 0
                total = shares
        if t.smoothing > 0 and t.weight != NULL:
            even[r] = weighted_gap_sum(x[r], t.c, t.weight, x_tail, <real>s.m[r])
        elif t.smoothing > 0:
            even[r] = gap_sum(x[r], t.c, x_tail, <real>s.m[r])
        gap[r], share[r], mass[r] = value(&gaps), value(&shares), value(&total)
        if not (good and faint(<const real*>room) <= mass[r] < INFINITY):
            gap[r] = NAN
    cross_entropies(t, rows.rows, <double*>gap, <const double*>even, <double*>share,
                    <const double*>mass, <const double*>s.log_sum, made, <real>0)


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
        <const Py_ssize_t*>rows.label, NULL)
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
