"""One pass over a row of logits and a target: for cross-entropy against rows, see targets.pxd."""

from fastdiv.kernels.arithmetic cimport INFINITY, real
from fastdiv.kernels.lanes cimport SCRATCH, block_size
from fastdiv.kernels.logit_sums cimport absorb, join_exp
from fastdiv.kernels.logits cimport exp_sum, start
from fastdiv.kernels.segments cimport SEGMENT, over_segments, segment_end, segments_of
from fastdiv.kernels.sources cimport fetch, tail_of
from fastdiv.kernels.targets cimport add_parts, clear_parts, join_parts, raise_parts, target_parts
from fastdiv.kernels.tasks cimport room_of_segments, task, temperature_for

ctypedef struct target_sums:
    exp_sum exps
    target_parts parts

ctypedef struct target_pass:
    const task* t
    target_sums* made       # by each segment


cdef inline void raise_gaps(target_sums* s, double before) noexcept nogil:
    """Every gap grows with the maximum."""
    if s.exps.m > before:
        raise_parts(&s.parts, s.exps.m - before)


cdef inline void target_segment(void* pass_, Py_ssize_t i, real* scratch) noexcept nogil:
    cdef target_pass* a = <target_pass*>pass_
    cdef const task* t = a.t
    cdef target_sums* s = a.made + i
    cdef real* second = scratch + SCRATCH
    cdef double before
    cdef Py_ssize_t k = i * SEGMENT, end = segment_end(i, t.c), n
    cdef const real* x
    clear_parts(&s.parts)
    start(&s.exps, temperature_for(t, <const real*>scratch), <const real*>scratch)
    while k < end:
        n = min(end - k, block_size(<const real*>scratch))
        x = fetch(&t.q, k, n, second, <real>-INFINITY)
        before = s.exps.m
        absorb(&s.exps, x, n, tail_of(<const real*>second), False, False, <real>0, 0)
        raise_gaps(s, before)
        add_parts(&s.parts, t, k, n, x, tail_of(<const real*>second), <real>s.exps.m, scratch)
        k += n


cdef inline void join_targets(
    target_sums* s, target_sums* other, const real* like
) noexcept nogil:
    cdef double before = s.exps.m, before_other = other.exps.m
    join_exp(&s.exps, &other.exps, like)
    raise_gaps(s, before)
    raise_gaps(other, before_other)
    join_parts(&s.parts, &other.parts)


cdef inline target_sums sum_target(const task* t, real* scratch) noexcept nogil:
    cdef target_pass a
    cdef target_sums s
    cdef Py_ssize_t i
    a.t = t
    a.made = <target_sums*>room_of_segments(t, &s)
    over_segments(&t.pieces, &a, target_segment[float], target_segment[double], t.c, scratch)
    for i in range(1, segments_of(t.c)):
        join_targets(a.made, a.made + i, <const real*>scratch)
    if t.c > SEGMENT:
        s = a.made[0]
    return s
