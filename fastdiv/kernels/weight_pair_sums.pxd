"""Two rows of weights of any length: their sums, block by block and segment by segment."""

from fastdiv.kernels.arithmetic cimport real
from fastdiv.kernels.double_sums cimport join
from fastdiv.kernels.lanes cimport SCRATCH, block_size
from fastdiv.kernels.segments cimport SEGMENT, over_segments, segment_end, segments_of
from fastdiv.kernels.sources cimport fetch, tail_of
from fastdiv.kernels.tasks cimport room_of_segments, task
from fastdiv.kernels.weight_pairs cimport in_range, pair_block, pair_sums


cdef inline void sum_pair_part(
    pair_sums* s, const task* t, Py_ssize_t k, Py_ssize_t end, real* scratch, double factor,
    bint symmetric, bint scaled, bint plain,
) noexcept nogil:
    """The sums of two rows from element k up to ``end``."""
    cdef Py_ssize_t n
    cdef const real* p
    cdef const real* q
    cdef real* second = scratch + SCRATCH
    s.phi.high = s.phi.low = s.phi_q.high = s.phi_q.low = 0
    s.delta.high = s.delta.low = s.mass.high = s.mass.low = 0
    s.good = True
    while k < end and s.good:
        n = min(end - k, block_size(<const real*>scratch))
        p = fetch(&t.p, k, n, scratch, <real>0)
        q = fetch(&t.q, k, n, second, <real>0)
        pair_block(s, p, q, n, tail_of(<const real*>scratch), tail_of(<const real*>second),
                   <real>factor, symmetric, scaled, plain)
        k += block_size(<const real*>scratch)


ctypedef struct sum_pass:
    const task* t
    double factor
    bint symmetric
    bint scaled
    pair_sums* made         # by each segment


cdef inline void sum_segment(void* pass_, Py_ssize_t i, real* scratch) noexcept nogil:
    cdef sum_pass* a = <sum_pass*>pass_
    cdef Py_ssize_t k = i * SEGMENT, end = segment_end(i, a.t.c)
    # The flags as constants, for loops without what they do not need.
    if a.symmetric:
        if a.scaled:
            sum_pair_part(a.made + i, a.t, k, end, scratch, a.factor, True, True, False)
        else:
            sum_pair_part(a.made + i, a.t, k, end, scratch, a.factor, True, False, False)
    elif not a.t.normalize:
        sum_pair_part(a.made + i, a.t, k, end, scratch, a.factor, False, False, True)
    elif a.scaled:
        sum_pair_part(a.made + i, a.t, k, end, scratch, a.factor, False, True, False)
    else:
        sum_pair_part(a.made + i, a.t, k, end, scratch, a.factor, False, False, False)


cdef inline void join_pairs(pair_sums* s, const pair_sums* other) noexcept nogil:
    join(&s.phi, &other.phi)
    join(&s.phi_q, &other.phi_q)
    join(&s.delta, &other.delta)
    join(&s.mass, &other.mass)
    s.good = s.good and other.good


cdef inline pair_sums sum_pair(
    const task* t, real* scratch, double factor, bint symmetric, bint scaled
) noexcept nogil:
    """The sums of p and q, or if ``scaled`` of p and factor * q; for KL of rows as they stand the
    plain ones."""
    cdef pair_sums s
    cdef sum_pass a
    cdef Py_ssize_t i
    a.t, a.factor, a.symmetric, a.scaled = t, factor, symmetric, scaled
    a.made = <pair_sums*>room_of_segments(t, &s)
    over_segments(&t.pieces, &a, sum_segment[float], sum_segment[double], t.c, scratch)
    for i in range(1, segments_of(t.c)):
        join_pairs(a.made, a.made + i)
    if t.c > SEGMENT:
        s = a.made[0]
    s.good = s.good and in_range(&s, <const real*>scratch)
    return s
