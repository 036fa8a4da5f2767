"""A row of weights against a target, or against itself: one pass for cross-entropy and entropy.

With m the largest q, ``rest`` the sum of the other q and gap = log(m / q) >= 0,

    H(p, q) = log(Sq / m) + sum(p gap) / Sp,

two non-negative terms, the first as exact as log-sum-exp. Entropy is the case q = p. For a target
with options the gaps themselves are made, as logits whose largest is 0: see targets.pxd.

The pass runs in the type of the input and notices what it cannot do well; such a row is done again
by careful_targets.pxd.
"""

from fastdiv.kernels.arithmetic cimport INFINITY, finite, real
from fastdiv.kernels.lanes cimport (
    MAX_BLOCK, MAX_LANES, SCRATCH, ahead, any_bits, at, block_max, block_size, clear, lanes,
    put_set, two_ahead, whole_sets,
)
from fastdiv.kernels.math cimport (
    log_gap, log_ratio, mantissa_of, or_bits, origin_of, sign_bit, unit_of,
)
from fastdiv.kernels.scalars cimport log1p_lane
from fastdiv.kernels.segments cimport SEGMENT, over_segments, segment_end, segments_of
from fastdiv.kernels.sources cimport fetch, tail_of, task
from fastdiv.kernels.sums cimport add, block_sum, double_sum, join, rest_sum, value
from fastdiv.kernels.weights cimport least_normal

ctypedef struct gap_sums:
    double m
    double ties             # number of q equal to m
    double origin           # what log_gap takes for m
    double mantissa
    double_sum rest         # sum of the q below m
    double_sum gaps         # sum p log(m / q)
    double_sum mass         # sum p
    bint good


cdef inline real vanishing(real q, real weight, bint weighed) noexcept nogil:
    """Negative where there is weight on a q that is 0 or about subnormal; if not ``weighed``, where
    there is such a q: a step in place of three, for what ``are_good`` then looks at again."""
    if weighed:
        return <real>0 - weight if q < 4 * least_normal(&q) else <real>0
    return q - 4 * least_normal(&q)


cdef inline bint are_good(
    const real* p, const real* q, Py_ssize_t n, const real* p_tail, const real* q_tail
) noexcept nogil:
    """Whether no weight of two blocks is negative, and none is on a q that vanishes."""
    cdef real signs[MAX_LANES]
    cdef Py_ssize_t k = 0, lane, width = lanes(p), whole = n - n % width
    cdef const real* a
    cdef const real* b
    clear(<real*>signs)
    while k < n:
        a = at(p, k, whole, p_tail)
        b = at(q, k, whole, q_tail)
        for lane in range(width):
            signs[lane] = or_bits(or_bits(signs[lane], vanishing(b[lane], a[lane], True)),
                                  or_bits(a[lane], b[lane]))
        k += width
    return not sign_bit(any_bits(<real*>signs))


cdef inline void ratio_step(
    const real* p, const real* q, real origin, real unit, real* ratio, real* fraction, real* steps,
    real* signs, bint targeted, bint logs, bint weighed,
) noexcept nogil:
    """What log(q) needs of one set of lanes that takes a division, and in ``signs`` what shows a
    row that is not for this pass, see ``vanishing``."""
    cdef Py_ssize_t lane
    for lane in range(lanes(q)):
        ratio[lane] = log_ratio(q[lane], origin, unit, &fraction[lane], &steps[lane])
        # Weight on a q that is 0 or about subnormal is as bad as a negative weight.
        if targeted or logs:
            signs[lane] = or_bits(
                signs[lane], or_bits(p[lane], vanishing(q[lane], p[lane], weighed)))
        if weighed or not (targeted or logs):
            signs[lane] = or_bits(signs[lane], q[lane])


cdef inline void gap_step(
    const real* p, const real* q, real mantissa, const real* ratio, const real* fraction,
    const real* steps, real* gaps, bint logs,
) noexcept nogil:
    """The terms of one set of lanes."""
    cdef real made[MAX_LANES]
    cdef Py_ssize_t lane
    cdef real gap
    for lane in range(lanes(q)):
        gap = log_gap(fraction[lane], ratio[lane], steps[lane], mantissa)
        if logs:
            made[lane] = -INFINITY if q[lane] == 0 else -gap
        else:
            made[lane] = p[lane] * gap
    put_set(gaps, <const real*>made)


cdef inline bint gap_terms(
    const real* p, const real* q, Py_ssize_t n, const real* p_tail, const real* q_tail,
    const real* next_p, const real* next_q, real origin, real unit, real mantissa, real* gaps,
    bint targeted, bint logs,
) noexcept nogil:
    """The terms of a block, in whole sets of lanes; whether the block is for this pass.

    logs: the terms are log(q / m), -inf where q is 0. next_p, next_q: what is to be read next.
    """
    cdef real ratio[2 * MAX_LANES]
    cdef real fraction[2 * MAX_LANES]
    cdef real steps[2 * MAX_LANES]
    cdef real signs[MAX_LANES]
    cdef Py_ssize_t width = lanes(q), whole = n - n % width, k = 0, i, j
    clear(<real*>signs)
    # In twos, see pair_terms.
    while k + 2 * width <= whole:
        for j in range(2):
            i = j * width
            ahead(next_q + k + i)
            ratio_step(p + k + i, q + k + i, origin, unit, <real*>ratio + i,
                       <real*>fraction + i, <real*>steps + i, <real*>signs, targeted, logs,
                       False)
        for j in range(2):
            i = j * width
            if targeted:
                ahead(next_p + k + i)
            gap_step(p + k + i, q + k + i, mantissa, <const real*>ratio + i,
                     <const real*>fraction + i, <const real*>steps + i, gaps + k + i, logs)
        k += 2 * width
    while k < n:
        ahead(next_q + k)
        if targeted:
            ahead(next_p + k)
        ratio_step(at(p, k, whole, p_tail), at(q, k, whole, q_tail), origin, unit, <real*>ratio,
                   <real*>fraction, <real*>steps, <real*>signs, targeted, logs, True)
        gap_step(at(p, k, whole, p_tail), at(q, k, whole, q_tail), mantissa, <const real*>ratio,
                 <const real*>fraction, <const real*>steps, gaps + k, logs)
        k += width
    if not sign_bit(any_bits(<real*>signs)):
        return True
    return (targeted or logs) and are_good(p, q, n, p_tail, q_tail)


cdef inline void gap_block(
    gap_sums* s, const real* p, const real* q, Py_ssize_t n, const real* p_tail,
    const real* q_tail, bint at_max, bint targeted,
) noexcept nogil:
    cdef real gaps[MAX_BLOCK]
    cdef real origin = <real>s.origin
    cdef double tied = 0
    s.good = gap_terms(
        p, q, n, p_tail, q_tail, two_ahead(p), two_ahead(q), origin, unit_of(origin),
        <real>s.mantissa, <real*>gaps, targeted, False)
    add(&s.gaps, block_sum(<const real*>gaps, whole_sets(q, n), q_tail, not targeted))
    if targeted:
        add(&s.mass, block_sum(p, n, p_tail, False))
    if at_max:
        add(&s.rest, rest_sum(q, n, q_tail, <real>s.m, &tied, not targeted))
        s.ties += tied
    else:
        add(&s.rest, block_sum(q, n, q_tail, not targeted))


cdef inline void raise_weight(
    gap_sums* s, double m, const real* like, bint targeted
) noexcept nogil:
    """Make m the largest weight: the gaps of what came before grow by log(m / s.m)."""
    cdef real origin = origin_of(<real>m)
    cdef double before
    if s.m > 0:
        add(&s.rest, s.m * s.ties)
        before = value(&s.mass) if targeted else value(&s.rest)
        add(&s.gaps, before * log1p_lane((m - s.m) / s.m))
    s.m = m
    s.ties = 0
    s.origin = origin
    s.mantissa = mantissa_of(<real>m, origin, unit_of(origin))


cdef inline void clear_gaps(gap_sums* s, const real* like) noexcept nogil:
    """Before any weight gaps count from 1."""
    s.m = s.ties = s.mantissa = 0
    s.origin = origin_of(<real>1)
    s.rest.high = s.rest.low = s.gaps.high = s.gaps.low = s.mass.high = s.mass.low = 0
    s.good = True


cdef inline void sum_gaps_part(
    gap_sums* s, const task* t, Py_ssize_t k, Py_ssize_t end, real* scratch, bint targeted
) noexcept nogil:
    """The sums of a row from element k up to ``end``."""
    cdef Py_ssize_t n
    cdef const real* p
    cdef const real* q
    cdef double m
    cdef real* second = scratch + SCRATCH
    clear_gaps(s, <const real*>scratch)
    while k < end and s.good:
        n = min(end - k, block_size(<const real*>scratch))
        if targeted:
            p = fetch(&t.p, k, n, scratch, <real>0)
            q = fetch(&t.q, k, n, second, <real>0)
        else:
            q = fetch(&t.p, k, n, second, <real>0)
            p = q
        m = block_max(q, n, tail_of(<const real*>second))
        if t.normalize and m > s.m:
            raise_weight(s, m, q, targeted)
        gap_block(s, p, q, n, tail_of(<const real*>(scratch if targeted else second)),
                  tail_of(<const real*>second), t.normalize and m == s.m, targeted)
        k += block_size(<const real*>scratch)


cdef inline void join_gaps(
    gap_sums* s, gap_sums* other, const real* like, bint targeted
) noexcept nogil:
    """Add the sums of a following part to those of a row."""
    if other.m > s.m:
        raise_weight(s, other.m, like, targeted)
    elif s.m > other.m:
        raise_weight(other, s.m, like, targeted)
    s.ties += other.ties
    join(&s.rest, &other.rest)
    join(&s.gaps, &other.gaps)
    join(&s.mass, &other.mass)
    s.good = s.good and other.good


ctypedef struct gap_pass:
    const task* t
    bint targeted
    gap_sums* made          # by each segment


cdef inline void gap_segment(void* pass_, Py_ssize_t i, real* scratch) noexcept nogil:
    cdef gap_pass* a = <gap_pass*>pass_
    if a.targeted:
        sum_gaps_part(a.made + i, a.t, i * SEGMENT, segment_end(i, a.t.c), scratch, True)
    else:
        sum_gaps_part(a.made + i, a.t, i * SEGMENT, segment_end(i, a.t.c), scratch, False)


cdef inline gap_sums sum_gaps(const task* t, real* scratch, bint targeted) noexcept nogil:
    """The sums of a row q against p (targeted), or against itself."""
    cdef gap_sums s
    cdef gap_pass a
    cdef Py_ssize_t i
    a.t, a.targeted = t, targeted
    a.made = &s if t.c <= SEGMENT else <gap_sums*>t.pieces.room
    over_segments(&t.pieces, &a, gap_segment[float], gap_segment[double], t.c, scratch)
    for i in range(1, segments_of(t.c)):
        join_gaps(a.made, a.made + i, <const real*>scratch, targeted)
    if t.c > SEGMENT:
        s = a.made[0]
    if not s.good:
        return s
    # An infinite q is the maximum, whose own gap is 0: only m shows it.
    s.good = (finite(s.m) and finite(s.gaps.high) and finite(s.rest.high)
              and finite(s.mass.high))
    return s


cdef inline double log_total_weight(const gap_sums* s) noexcept nogil:
    """log(sum q / m) >= 0, small values to full relative accuracy."""
    return log1p_lane(s.ties - 1.0 + value(&s.rest) / s.m)
