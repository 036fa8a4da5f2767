"""A row of weights against a target, or against itself: one pass for cross-entropy and entropy.

With m the largest q, ``rest`` the sum of the other q and gap = log(m / q) >= 0,

    H(p, q) = log(Sq / m) + sum(p gap) / Sp,

two non-negative terms, the first as exact as log-sum-exp. Entropy is the case q = p. For a target
with options the gaps themselves are made, as logits whose largest is 0: see targets.pxd.

The pass runs in the type of the input and notices what it cannot do well; such a row is done again
by careful_targets.pxd.
"""

from fastdiv.kernels.arithmetic cimport finite, real
from fastdiv.kernels.double_sums cimport add, double_sum, join, value
from fastdiv.kernels.lanes cimport (
    MAX_BLOCK, SCRATCH, block_max, block_size, in_second, two_ahead, whole_sets,
)
from fastdiv.kernels.logarithms cimport binade_of, mantissa_of
from fastdiv.kernels.scalars cimport log1p_lane
from fastdiv.kernels.segments cimport SEGMENT, over_segments, segment_end, segments_of
from fastdiv.kernels.sources cimport fetch, tail_of
from fastdiv.kernels.sum_trees cimport FINE
from fastdiv.kernels.sums cimport block_sum, rest_sum
from fastdiv.kernels.tasks cimport room_of_segments, task
from fastdiv.kernels.weight_gap_terms cimport gap_terms

ctypedef struct gap_sums:
    double m
    double ties             # number of q equal to m
    double binade           # what log_ratio and log_gap take for m
    double mantissa
    double_sum rest         # sum of the q below m
    double_sum gaps         # sum p log(m / q)
    double_sum mass         # sum p
    bint good


cdef inline void gap_block(
    gap_sums* s, const real* p, const real* q, Py_ssize_t n, const real* p_tail,
    const real* q_tail, bint at_max, bint targeted,
) noexcept nogil:
    cdef real gaps[MAX_BLOCK]
    cdef double tied = 0
    s.good = gap_terms(
        p, q, n, p_tail, q_tail, two_ahead(p), two_ahead(q), targeted or in_second(q),
        <real>s.binade, <real>s.mantissa, <real*>gaps, targeted, False)
    add(&s.gaps, block_sum(<const real*>gaps, whole_sets(q, n), q_tail, FINE))
    if targeted:
        add(&s.mass, block_sum(p, n, p_tail, FINE))
    if at_max:
        add(&s.rest, rest_sum(q, n, q_tail, <real>s.m, &tied))
        s.ties += tied
    else:
        add(&s.rest, block_sum(q, n, q_tail, FINE))


cdef inline void raise_weight(
    gap_sums* s, double m, const real* like, bint targeted
) noexcept nogil:
    """Make m the largest weight: the gaps of what came before grow by log(m / s.m)."""
    cdef real binade = binade_of(<real>m)
    cdef double before
    if s.m > 0:
        add(&s.rest, s.m * s.ties)
        before = value(&s.mass) if targeted else value(&s.rest)
        add(&s.gaps, before * log1p_lane((m - s.m) / s.m))
    s.m = m
    s.ties = 0
    s.binade = binade
    s.mantissa = mantissa_of(<real>m, binade)


cdef inline void clear_gaps(gap_sums* s, const real* like) noexcept nogil:
    """Before any weight gaps count from 1."""
    s.m = s.ties = s.mantissa = 0
    s.binade = binade_of(<real>1)
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
    a.made = <gap_sums*>room_of_segments(t, &s)
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
