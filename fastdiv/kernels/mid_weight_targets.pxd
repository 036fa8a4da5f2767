"""Rows of one block of weights against a target with options, several at once: see targets.pxd."""

cimport fastdiv.kernels.mid_weights as mid_weights
from fastdiv.kernels.arithmetic cimport real
from fastdiv.kernels.block_rows cimport fetch_rows, room_of
from fastdiv.kernels.coming cimport are_far, next_tile
from fastdiv.kernels.lanes cimport MAX_BLOCK, block_size, lanes, whole_sets
from fastdiv.kernels.mid_targets cimport cross_entropy_of
from fastdiv.kernels.short_weight_targets cimport log_sums
from fastdiv.kernels.short_weights cimport anchors
from fastdiv.kernels.sums cimport rest_sum
from fastdiv.kernels.tasks cimport task
from fastdiv.kernels.tiles cimport TILE, abreast, tile
from fastdiv.kernels.weight_gap_terms cimport gap_terms


cdef inline void log_rows(
    const task* t, const tile* rows, real* scratch, const real** x, double* log_sum
) noexcept nogil:
    """Rows of q as logits whose largest is 0, in rooms of their own, and log(sum q / m)."""
    cdef Py_ssize_t many = abreast(<const real*>scratch)
    cdef real m[TILE]
    cdef real binade[TILE]
    cdef real mantissa[TILE]
    cdef real ties[TILE]
    cdef real bad[TILE]
    cdef double rest[TILE]
    cdef real logs[MAX_BLOCK]
    cdef const real* q[TILE]
    cdef const real* next
    cdef real* own
    cdef double tied = 0
    cdef Py_ssize_t r, k, c = t.c, filled = whole_sets(<const real*>scratch, c)
    cdef Py_ssize_t width = lanes(<const real*>scratch), block = block_size(<const real*>scratch)
    fetch_rows(&t.q, rows.q, rows.rows, c, scratch, <real>0, <const real**>q, <real*>m, NULL, NULL)
    anchors(<const real*>m, <real*>binade, <real*>mantissa, t.normalize)
    for r in range(many):
        ties[r] = bad[r] = 1
        rest[r] = 0
    for r in range(rows.rows):
        own = room_of(scratch, r)
        next = <const real*>(rows.q[r] + next_tile(rows.q, many))
        bad[r] = <real>0 if gap_terms(
            q[r], q[r], c, own + block, own + block, next, next, are_far(c, q[r]), binade[r],
            mantissa[r], <real*>logs, False, True) else <real>1
        rest[r] = rest_sum(q[r], c, own + block, m[r], &tied)
        ties[r] = <real>tied
        for k in range(filled):
            own[k] = logs[k]
        if filled > c:
            for k in range(width):
                own[block + k] = logs[filled - width + k]
        x[r] = own
    log_sums(<const real*>m, <const real*>ties, <const real*>bad, <const double*>rest, log_sum,
             t.normalize)


cdef inline void cross_entropy(
    const task* t, const tile* rows, real* scratch, double* made
) noexcept nogil:
    """That of mid_weights.pxd, or against a target with options."""
    cdef const real* x[TILE]
    cdef double zero[TILE]
    cdef double log_sum[TILE]
    cdef Py_ssize_t r
    if not t.blended:
        mid_weights.cross_entropy(t, rows, scratch, made)
        return
    for r in range(TILE):
        zero[r] = 0
    log_rows(t, rows, scratch, <const real**>x, <double*>log_sum)
    cross_entropy_of(t, rows, <const real* const*>x, scratch, <const double*>zero,
                     <const double*>log_sum, made)
