"""The pass over a row of logits, by blocks and segments, that keeps what logits.pxd says."""

from fastdiv.kernels.apart cimport apart
from fastdiv.kernels.arithmetic cimport INFINITY, real
from fastdiv.kernels.double_sums cimport join
from fastdiv.kernels.lanes cimport block_max, block_size
from fastdiv.kernels.logits cimport exp_below, exp_block, exp_sum, raise_max, spread_block, start
from fastdiv.kernels.ranks cimport first_in_block, max_and_rank
from fastdiv.kernels.segments cimport SEGMENT, over_segments, segment_end, segments_of
from fastdiv.kernels.sources cimport element, fetch, tail_of
from fastdiv.kernels.tasks cimport room_of_segments, source, task, temperature_for
from fastdiv.kernels.temperatures cimport temperature

ctypedef void (*absorb_f32)(
    exp_sum*, const float*, Py_ssize_t, const float*, float, Py_ssize_t) noexcept nogil
ctypedef void (*absorb_f64)(
    exp_sum*, const double*, Py_ssize_t, const double*, double, Py_ssize_t) noexcept nogil


# What ``absorb`` calls. The flags as constants, for loops without what they do not need: below the
# maximum no comparison with it.

cdef inline void take_plain(
    exp_sum* s, const real* x, Py_ssize_t n, const real* tail, real at_label, Py_ssize_t before
) noexcept nogil:
    cdef double m = block_max(x, n, tail) if s.rising else -INFINITY
    if m < s.m and s.base.shift == 0 and s.warm == NULL:
        m = exp_below(s, x, n, tail, m)
        if m < s.m:
            return
    if m > s.m:
        raise_max(s, m, x)
    if s.warm != NULL:
        if s.base.shift != 0:
            exp_block(s, x, n, tail, True, s.warm)
        else:
            exp_block(s, x, n, tail, False, s.warm)
    elif s.base.shift != 0:
        exp_block(s, x, n, tail, True, NULL)
    else:
        exp_block(s, x, n, tail, False, NULL)


cdef inline void take_spreads(
    exp_sum* s, const real* x, Py_ssize_t n, const real* tail, double m, bint scores
) noexcept nogil:
    if m > s.m:
        raise_max(s, m, x)
    if s.base.shift != 0:
        spread_block(s, x, n, tail, True, scores, True)
    elif m == s.m:
        spread_block(s, x, n, tail, True, scores, False)
    else:
        spread_block(s, x, n, tail, False, scores, False)


cdef inline void take_spread(
    exp_sum* s, const real* x, Py_ssize_t n, const real* tail, real at_label, Py_ssize_t before
) noexcept nogil:
    take_spreads(s, x, n, tail, block_max(x, n, tail), False)


cdef inline void take_score(
    exp_sum* s, const real* x, Py_ssize_t n, const real* tail, real at_label, Py_ssize_t before
) noexcept nogil:
    cdef Py_ssize_t above = 0
    cdef double m = max_and_rank(x, n, tail, at_label, before, &above)
    s.above += above
    take_spreads(s, x, n, tail, m, True)


cdef inline void absorb(
    exp_sum* s, const real* x, Py_ssize_t n, const real* tail, bint spreads, bint scores,
    real at_label, Py_ssize_t before,
) noexcept nogil:
    """Take a block into the sums.

    If ``scores``, with squares and the place of the label, ``before`` elements after the first.
    """
    cdef void* take
    if scores:
        take = <void*>take_score[real]
    elif spreads:
        take = <void*>take_spread[real]
    else:
        take = <void*>take_plain[real]
    if real is float:
        (<absorb_f32>apart(take))(s, x, n, tail, at_label, before)
    else:
        (<absorb_f64>apart(take))(s, x, n, tail, at_label, before)


cdef inline void sum_exp_part(
    exp_sum* s, const source* x, const temperature* warm, Py_ssize_t k, Py_ssize_t end,
    real* scratch, bint spreads, bint scores, Py_ssize_t label, bint finest,
) noexcept nogil:
    """The sums of a row from element k up to ``end``."""
    cdef real at_label = element(x, label, <real>0) if scores else <real>0
    cdef double before
    cdef Py_ssize_t n
    cdef const real* block
    start(s, warm, <const real*>scratch)
    s.finest = finest
    while k < end:
        n = min(end - k, block_size(<const real*>scratch))
        block = fetch(x, k, n, scratch, <real>-INFINITY)
        before = s.m
        absorb(s, block, n, tail_of(<const real*>scratch), spreads, scores, at_label, label - k)
        if s.m > before:
            s.top_block = k
        k += block_size(<const real*>scratch)


cdef inline void join_exp(exp_sum* s, exp_sum* other, const real* like) noexcept nogil:
    """Add the sums of a following part to those of a row."""
    if other.m > s.m:
        raise_max(s, other.m, like)
        s.top_block = other.top_block
    elif s.m > other.m:
        raise_max(other, s.m, like)
    s.ties += other.ties
    join(&s.rest, &other.rest)
    join(&s.spread, &other.spread)
    join(&s.squares, &other.squares)
    s.above += other.above


ctypedef struct exp_pass:
    const source* x
    const temperature* warm
    Py_ssize_t c
    bint spreads
    bint scores
    Py_ssize_t label
    bint finest
    exp_sum* made           # by each segment


cdef inline void exp_segment(void* pass_, Py_ssize_t i, real* scratch) noexcept nogil:
    cdef exp_pass* a = <exp_pass*>pass_
    cdef Py_ssize_t k = i * SEGMENT, end = segment_end(i, a.c)
    # The flags as constants, for loops without what they do not need.
    if a.scores:
        sum_exp_part(a.made + i, a.x, a.warm, k, end, scratch, True, True, a.label,
                     a.finest)
    elif a.spreads:
        sum_exp_part(a.made + i, a.x, a.warm, k, end, scratch, True, False, -1, a.finest)
    else:
        sum_exp_part(a.made + i, a.x, a.warm, k, end, scratch, False, False, -1, a.finest)


cdef inline exp_sum sum_exp(
    const source* x, const task* t, real* scratch, bint spreads, bint scores, Py_ssize_t label,
    bint finest,
) noexcept nogil:
    """The sums of a row of the task; if ``scores``, the squares too and the label's place."""
    cdef exp_pass a
    cdef exp_sum s
    cdef Py_ssize_t i
    a.x, a.c, a.spreads, a.scores, a.label = x, t.c, spreads, scores, label
    a.finest = finest
    a.warm = temperature_for(t, <const real*>scratch)
    a.made = <exp_sum*>room_of_segments(t, &s)
    over_segments(&t.pieces, &a, exp_segment[float], exp_segment[double], t.c, scratch)
    for i in range(1, segments_of(t.c)):
        join_exp(a.made, a.made + i, <const real*>scratch)
    if t.c > SEGMENT:
        s = a.made[0]
    return s


cdef inline Py_ssize_t first_equal(
    const source* x, Py_ssize_t c, Py_ssize_t k, real m, real* scratch
) noexcept nogil:
    """Index of the first element of the block at k that equals m."""
    cdef Py_ssize_t n = min(c - k, block_size(<const real*>scratch))
    cdef const real* block = fetch(x, k, n, scratch, <real>-INFINITY)
    return k + first_in_block(block, n, tail_of(<const real*>scratch), m)
