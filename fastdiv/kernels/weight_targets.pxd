"""A row of weights against a target with options: a block at a time as logits whose largest is 0,
log(q / m), with m the largest weight so far, see targets.pxd.
"""

from fastdiv.kernels.arithmetic cimport INFINITY, NAN, finite, real
from fastdiv.kernels.double_sums cimport add, value
from fastdiv.kernels.lanes cimport (
    MAX_BLOCK, SCRATCH, block_max, block_size, in_second, lanes, two_ahead,
)
from fastdiv.kernels.scalars cimport log1p_lane, log_quotient
from fastdiv.kernels.segments cimport SEGMENT, over_segments, segment_end, segments_of
from fastdiv.kernels.sources cimport element, fetch, tail_of
from fastdiv.kernels.sums cimport rest_sum
from fastdiv.kernels.targets cimport (
    add_parts, clear_parts, cross_entropy_of_parts, join_parts, raise_parts, target_parts,
)
from fastdiv.kernels.tasks cimport room_of_segments, task
from fastdiv.kernels.weight_gap_terms cimport gap_terms
from fastdiv.kernels.weight_gaps cimport (
    clear_gaps, gap_sums, join_gaps, log_total_weight, raise_weight,
)
from fastdiv.kernels.weights cimport faint

ctypedef struct blend_sums:
    gap_sums q              # of which the sums over p are not used
    target_parts parts


cdef inline void raise_to(blend_sums* s, double m, const real* like) noexcept nogil:
    """Make m the largest weight."""
    cdef double before = s.q.m, ratio = (m - before) / before if before > 0 else INFINITY
    if not m > before:
        return
    raise_weight(&s.q, m, like, True)
    # A quotient beyond the largest number is of weights that are there.
    raise_parts(&s.parts, log1p_lane(ratio) if ratio < INFINITY else -log_quotient(before, m))


cdef inline void blend_segment_of(
    blend_sums* s, const task* t, Py_ssize_t k, Py_ssize_t end, real* scratch
) noexcept nogil:
    """The sums of a row from element k up to ``end``."""
    cdef real* second = scratch + SCRATCH
    cdef real x[MAX_BLOCK]
    cdef const real* q
    cdef const real* tail = tail_of(<const real*>second)
    cdef real m, reference
    cdef double tied = 0
    cdef Py_ssize_t n, whole
    clear_gaps(&s.q, <const real*>scratch)
    clear_parts(&s.parts)
    while k < end and s.q.good:
        n = min(end - k, block_size(<const real*>scratch))
        q = fetch(&t.q, k, n, second, <real>0)
        m = block_max(q, n, tail)
        if t.normalize:
            raise_to(s, m, q)
            m = <real>s.q.m
        s.q.good = gap_terms(
            q, q, n, tail, tail, two_ahead(q), two_ahead(q), in_second(q), <real>s.q.binade,
            <real>s.q.mantissa, <real*>x, False, True)
        whole = n - n % lanes(q)
        add(&s.q.rest, rest_sum(q, n, tail, m, &tied))
        if t.normalize:
            s.q.ties += tied
        else:
            add(&s.q.rest, m * tied)
        # Nothing but zeros so far is -inf alone.
        reference = -INFINITY if t.normalize and s.q.m == 0 else 0
        add_parts(&s.parts, t, k, n, <const real*>x, <const real*>x + whole, reference, scratch)
        k += n


ctypedef struct blend_pass:
    const task* t
    blend_sums* made        # by each segment


cdef inline void blend_segment(void* pass_, Py_ssize_t i, real* scratch) noexcept nogil:
    cdef blend_pass* a = <blend_pass*>pass_
    blend_segment_of(a.made + i, a.t, i * SEGMENT, segment_end(i, a.t.c), scratch)


cdef inline void join_blends(blend_sums* s, blend_sums* other, const real* like) noexcept nogil:
    cdef double m = s.q.m
    raise_to(s, other.q.m, like)
    raise_to(other, m, like)
    join_gaps(&s.q, &other.q, like, True)
    join_parts(&s.parts, &other.parts)


cdef inline blend_sums sum_blend(const task* t, real* scratch) noexcept nogil:
    cdef blend_sums s
    cdef blend_pass a
    cdef Py_ssize_t i
    a.t = t
    a.made = <blend_sums*>room_of_segments(t, &s)
    over_segments(&t.pieces, &a, blend_segment[float], blend_segment[double], t.c, scratch)
    for i in range(1, segments_of(t.c)):
        join_blends(a.made, a.made + i, <const real*>scratch)
    if t.c > SEGMENT:
        s = a.made[0]
    # An infinite q is the maximum, whose own gap is 0: only m shows it.
    s.q.good = s.q.good and finite(s.q.m) and finite(s.q.rest.high)
    return s


cdef inline bint is_surely_infinite(const task* t, const target_parts* s) noexcept nogil:
    """Whether there is weight on a q of 0: the sums are of finite terms else, if they are valid."""
    cdef double mass = value(&s.total)
    if t.label < 0 and not (s.low >= 0 and finite(mass) and (mass > 0 or not t.normalize)):
        return False
    if t.weight == NULL and s.even.high == INFINITY:
        return True
    return s.gaps.high == INFINITY and t.smoothing < 1 and value(&s.shares) < 2.0 ** 100


cdef inline double blended_cross_entropy(const task* t, real* scratch) noexcept nogil:
    """Cross-entropy of a row, or NaN where it is not told by these sums."""
    cdef blend_sums s = sum_blend(t, scratch)
    cdef double gap = 0, log_sum = 0
    if not s.q.good or t.normalize and not s.q.m > faint(<const real*>scratch):
        return NAN
    if is_surely_infinite(t, &s.parts):
        return INFINITY
    if t.normalize:
        log_sum = log_total_weight(&s.q)
    if t.label >= 0:
        gap = -log_quotient(element(&t.q, t.label, <real>0), s.q.m if t.normalize else 1.0)
    return cross_entropy_of_parts(t, &s.parts, gap, log_sum, <real>0)
