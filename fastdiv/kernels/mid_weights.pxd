"""Rows of one block of weights: what weight_rows.pxd computes, several rows at once.

As in mid_logits.pxd, each step is taken for all rows of a tile before the next, and what is done
once a row with a lane for each. NaN in ``made`` gives a row back, see ``end_rows`` in
rows.pxd.
"""

from fastdiv.kernels.arithmetic cimport INFINITY, NAN, real
from fastdiv.kernels.block_rows cimport fetch_rows, room_of
from fastdiv.kernels.coming cimport are_far, next_tile
from fastdiv.kernels.infinite_pairs cimport is_infinite
from fastdiv.kernels.lanes cimport MAX_BLOCK, whole_sets
from fastdiv.kernels.short_weights cimport anchors, gap_results
from fastdiv.kernels.sources cimport fetch, tail_of
from fastdiv.kernels.sum_trees cimport FINE
from fastdiv.kernels.sums cimport block_sum, rest_sum
from fastdiv.kernels.tasks cimport expects_unequal, source, task
from fastdiv.kernels.tiles cimport TILE, abreast, tile
from fastdiv.kernels.weight_gap_terms cimport gap_terms
from fastdiv.kernels.weight_pair_results cimport pair_results
from fastdiv.kernels.weight_pair_terms cimport pair_terms
from fastdiv.kernels.weight_pairs cimport in_range, pair_sums, sum_terms
from fastdiv.kernels.weight_rows cimport js_end, kl_end, scaled_at_once


cdef inline void gap_rows(
    const task* t, const source* row_q, const char* const* at_q, const tile* rows, real* scratch,
    double* made, bint targeted, bint second,
) noexcept nogil:
    """H(p, q), or if not ``targeted`` H(q), see weight_gaps.pxd. second: see ``ahead``."""
    cdef Py_ssize_t many = abreast(<const real*>scratch)
    cdef real m[TILE]
    cdef real binade[TILE]
    cdef real mantissa[TILE]
    cdef real ties[TILE]
    cdef real bad[TILE]
    cdef double gap[TILE]
    cdef double rest[TILE]
    cdef double total[TILE]
    cdef real gaps[MAX_BLOCK]
    cdef const real* q[TILE]
    cdef const real* p
    cdef const real* tail
    cdef const real* p_tail = tail_of(<const real*>room_of(scratch, many))
    cdef const real* next_p
    cdef source row = t.p
    cdef task one = t[0]
    cdef double tied = 0
    cdef Py_ssize_t r, c = t.c, filled = whole_sets(<const real*>scratch, c)
    fetch_rows(row_q, at_q, rows.rows, c, scratch, <real>0, <const real**>q, <real*>m, NULL,
               NULL)
    anchors(<const real*>m, <real*>binade, <real*>mantissa, t.normalize)
    for r in range(many):
        ties[r] = bad[r] = 1
        gap[r] = rest[r] = total[r] = 0
    for r in range(rows.rows):
        tail = tail_of(<const real*>room_of(scratch, r))
        p = q[r]
        if targeted:
            row.data = rows.p[r]
            p = fetch(&row, 0, c, room_of(scratch, many), <real>0)
        next_p = <const real*>(rows.p[r] + next_tile(rows.p, many))
        bad[r] = <real>0 if gap_terms(
            p, q[r], c, p_tail if targeted else tail, tail, next_p,
            <const real*>(at_q[r] + next_tile(at_q, many)), second, binade[r], mantissa[r],
            <real*>gaps, targeted, False) else <real>1
        rest[r] = rest_sum(q[r], c, tail, m[r], &tied)
        ties[r] = <real>tied
        if targeted:
            total[r] = block_sum(p, c, p_tail, FINE)
        # Last: the others do not wait for the last terms.
        gap[r] = block_sum(<const real*>gaps, filled, tail, FINE)
    gap_results(<const real*>m, <const real*>ties, <const real*>bad, <const double*>gap,
                <const double*>rest, <double*>total, made, targeted, t.normalize)
    for r in range(rows.rows):
        if targeted and bad[r] == 1:
            one.p.data, one.q.data = rows.p[r], rows.q[r]
            made[r] = INFINITY if is_infinite(&one, scratch) else NAN


cdef inline void entropy(
    const task* t, const tile* rows, real* scratch, double* made
) noexcept nogil:
    # The flag as a constant.
    if are_far(t.c, <const real*>scratch):
        gap_rows(t, &t.p, rows.p, rows, scratch, made, False, True)
    else:
        gap_rows(t, &t.p, rows.p, rows, scratch, made, False, False)


cdef inline void cross_entropy(
    const task* t, const tile* rows, real* scratch, double* made
) noexcept nogil:
    gap_rows(t, &t.q, rows.q, rows, scratch, made, True, True)


# ----------------------------------------------------------------------------------- two rows

cdef inline void pair_rows(
    const task* t, const tile* rows, real* scratch, double* made, bint symmetric, bint plain
) noexcept nogil:
    """KL or Jensen-Shannon, see weight_pairs.pxd. plain: KL of rows as they stand."""
    cdef Py_ssize_t many = abreast(<const real*>scratch)
    cdef real bad[TILE]
    cdef double phi[TILE]
    cdef double phi_q[TILE]
    cdef double delta[TILE]
    cdef double mass[TILE]
    cdef real terms[MAX_BLOCK]
    cdef real* second = room_of(scratch, 1)
    cdef const real* p_tail = tail_of(<const real*>scratch)
    cdef const real* p
    cdef const real* q
    cdef pair_sums s
    cdef task one = t[0]
    cdef source row_p = t.p
    cdef source row_q = t.q
    cdef double at_once[TILE]
    cdef bint unequal[TILE]
    cdef bint expected = expects_unequal(t)
    cdef Py_ssize_t r, found = 0, c = t.c
    for r in range(many):
        unequal[r] = False
        bad[r] = 1
        phi[r] = phi_q[r] = delta[r] = 0
        mass[r] = 1
    for r in range(rows.rows):
        if expected:
            one.p.data, one.q.data = rows.p[r], rows.q[r]
            unequal[r] = scaled_at_once(&one, scratch, &at_once[r], symmetric)
            found += unequal[r]
            if unequal[r]:
                continue
        row_p.data = rows.p[r]
        row_q.data = rows.q[r]
        p = fetch(&row_p, 0, c, scratch, <real>0)
        q = fetch(&row_q, 0, c, second, <real>0)
        bad[r] = <real>0 if pair_terms(
            p, q, c, p_tail, tail_of(<const real*>second),
            <const real*>(rows.p[r] + next_tile(rows.p, many)),
            <const real*>(rows.q[r] + next_tile(rows.q, many)), <real>1, <real*>terms, &phi_q[r],
            &delta[r], symmetric, False, plain) else <real>1
        sum_terms(<const real*>terms, p, q, c, p_tail, tail_of(<const real*>second), <real>1,
                  &phi[r], &mass[r], &delta[r], symmetric)
    pair_results(<const real*>bad, <const double*>phi, <const double*>phi_q,
                 <const double*>delta, <const double*>mass, made, symmetric)
    for r in range(rows.rows):
        if unequal[r]:
            made[r] = at_once[r]
        elif made[r] != made[r] or not t.normalize:
            # Counts, rows with zeros and rows as they stand all come here: on from their sums.
            s.phi.high, s.phi_q.high = phi[r], phi_q[r]
            s.delta.high, s.mass.high = delta[r], mass[r]
            s.phi.low = s.phi_q.low = s.delta.low = s.mass.low = 0
            s.good = bad[r] == 0 and in_range(&s, <const real*>scratch)
            one.p.data, one.q.data = rows.p[r], rows.q[r]
            t.unequal[0] = False
            made[r] = js_end(&one, s, scratch) if symmetric else kl_end(&one, s, scratch)
            found += t.unequal[0]
    t.unequal[0] = 2 * found > rows.rows


cdef inline void kl_divergence(
    const task* t, const tile* rows, real* scratch, double* made
) noexcept nogil:
    # The flags as constants, for loops without what they do not need.
    if t.normalize:
        pair_rows(t, rows, scratch, made, False, False)
    else:
        pair_rows(t, rows, scratch, made, False, True)


cdef inline void js_divergence(
    const task* t, const tile* rows, real* scratch, double* made
) noexcept nogil:
    pair_rows(t, rows, scratch, made, True, False)
