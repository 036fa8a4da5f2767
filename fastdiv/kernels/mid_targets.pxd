"""Rows of one block of logits against a target with options, several at once: see targets.pxd."""

from fastdiv.kernels.arithmetic cimport INFINITY, NAN, real
from fastdiv.kernels.block_rows cimport room_of
from fastdiv.kernels.class_weights cimport weighted_block, weighted_gap, weighted_gap_sum
from fastdiv.kernels.coming cimport next_tile
from fastdiv.kernels.double_sums cimport double_sum, value
from fastdiv.kernels.sources cimport fetch, tail_of
from fastdiv.kernels.targets cimport cross_entropies, gap_sum, target_block
from fastdiv.kernels.tasks cimport source, task
from fastdiv.kernels.tiles cimport TILE, abreast, tile
from fastdiv.kernels.weights cimport faint


cdef inline void cross_entropy_of(
    const task* t, const tile* rows, const real* const* x, real* scratch, const double* m,
    const double* log_sum, double* made,
) noexcept nogil:
    """Cross-entropy of every row from its logits, their largest and log S.

    The logits' tails are in the rows' own rooms of ``scratch``.
    """
    cdef Py_ssize_t many = abreast(<const real*>scratch)
    cdef real* room = room_of(scratch, many)
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
    cdef Py_ssize_t r
    cdef bint good = True, labelled = rows.p[0] == NULL
    for r in range(rows.rows):
        x_tail = tail_of(<const real*>room_of(scratch, r))
        gaps.high = gaps.low = shares.high = shares.low = total.high = total.low = 0
        if labelled:
            total.high = 1
            shares.high = t.weight[rows.label[r]] if t.weight != NULL else 1
            gaps.high = weighted_gap(
                <double>1, shares.high, m[r], <double>x[r][rows.label[r]])
        else:
            row.data = rows.p[r]
            p = fetch(&row, 0, t.c, room, <real>0)
            next = <const real*>(rows.p[r] + next_tile(rows.p, many))
            if t.weight != NULL:
                good = weighted_block(p, x[r], t.weight, t.c, tail, next, <real>m[r], &gaps,
                                      &shares, &total) >= 0
            else:
                good = target_block(p, x[r], t.c, tail, x_tail, next, <real>m[r], &gaps,
                                    &shares) >= 0
                total = shares
        if t.smoothing > 0 and t.weight != NULL:
            even[r] = weighted_gap_sum(x[r], t.c, t.weight, x_tail, <real>m[r])
        elif t.smoothing > 0:
            even[r] = gap_sum(x[r], t.c, x_tail, <real>m[r])
        gap[r], share[r], mass[r] = value(&gaps), value(&shares), value(&total)
        if not (good and faint(<const real*>room) <= mass[r] < INFINITY):
            gap[r] = NAN
    cross_entropies(t, rows.rows, <double*>gap, <const double*>even, <double*>share,
                    <const double*>mass, log_sum, made, <real>0)
