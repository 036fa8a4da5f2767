"""One pass over a row of logits and a target: for cross-entropy against rows.

A target with options, w ((1 - smoothing) p + smoothing / c), is never made: the gaps of w p and
those of w alone have sums of their own, and so have w p and p.
"""

from fastdiv.kernels.arithmetic cimport INFINITY, NAN, real
from fastdiv.kernels.class_weights cimport is_told, weighted_block, weighted_gap_sum
from fastdiv.kernels.lanes cimport (
    MAX_BLOCK, MAX_LANES, SCRATCH, ahead, at, block_size, clear, lanes, least, two_ahead,
    whole_sets,
)
from fastdiv.kernels.logit_sums cimport absorb, join_exp
from fastdiv.kernels.logits cimport exp_sum, start
from fastdiv.kernels.segments cimport SEGMENT, over_segments, segment_end, segments_of
from fastdiv.kernels.sources cimport fetch, tail_of, task, temperature_for
from fastdiv.kernels.sums cimport add, block_sum, double_sum, join, sum_of, value


cdef inline void cross_entropies(
    const task* t, Py_ssize_t n, double* gap, const double* even, double* share,
    const double* mass, const double* log_sum, double* made, real like
) noexcept nogil:
    """Cross-entropies of n rows from their sums of w p (m - x), w (m - x), w p and p, and log S;
    NaN where they are not told by them. The first and third are used up.

    A loop for each step, whose conditions are those of the call: the rows of a tile are lanes.
    """
    cdef double smoothing = t.smoothing, rest = 1 - smoothing, even_share = t.even_share, c = t.c
    cdef double heat = t.in_f64.value
    cdef bint weighted = t.weight != NULL
    cdef Py_ssize_t r
    if t.normalize:
        for r in range(n):
            gap[r] /= mass[r]
    if t.normalize and weighted:
        for r in range(n):
            share[r] /= mass[r]
    elif t.normalize:
        for r in range(n):
            share[r] = 1
    if smoothing > 0:
        for r in range(n):
            gap[r] = rest * gap[r] + smoothing * (even[r] / c)
        for r in range(n):
            share[r] = rest * share[r] + even_share
    if t.warm:
        for r in range(n):
            gap[r] /= heat
    for r in range(n):
        made[r] = gap[r] + share[r] * log_sum[r]
    if weighted:
        for r in range(n):
            made[r] = made[r] if is_told(made[r], share[r], like) else NAN
    elif real is float:
        # Sums of floats may be infinite where their mean is not.
        for r in range(n):
            made[r] = made[r] if made[r] < INFINITY else NAN


cdef inline double gap_sum(
    const real* x, Py_ssize_t c, const real* tail, real m
) noexcept nogil:
    """The sum of m - x: the cross-entropy to the uniform distribution, times c."""
    cdef real gaps[MAX_BLOCK]
    cdef Py_ssize_t k, filled = whole_sets(x, c)
    for k in range(c):
        gaps[k] = m - x[k]
    for k in range(c, filled):
        gaps[k] = 0
    return block_sum(<const real*>gaps, filled, tail, False)


cdef inline real target_block(
    const real* p, const real* x, Py_ssize_t n, const real* p_tail, const real* x_tail,
    const real* next_p, real m, double_sum* gap_sum, double_sum* total_sum,
) noexcept nogil:
    """Add p (m - x) and p up; the lowest p comes back. next_p: what is to be read next."""
    cdef real gaps[MAX_BLOCK]
    cdef real low[MAX_LANES]
    cdef double mass = block_sum(p, n, p_tail, False)
    cdef Py_ssize_t k = 0, lane, width = lanes(x), whole = n - n % width
    cdef const real* a
    cdef const real* b
    clear(<real*>low)
    while k < n:
        ahead(next_p + k)
        a = at(p, k, whole, p_tail)
        b = at(x, k, whole, x_tail)
        for lane in range(width):
            # p = 0 takes out the -inf logits; a NaN is in the log-sum-exp too.
            gaps[k + lane] = <real>0 if a[lane] == 0 else a[lane] * (m - b[lane])
            low[lane] = a[lane] if a[lane] < low[lane] else low[lane]
        k += width
    add(total_sum, mass)
    # A block of -inf alone, before any maximum: weight there is an infinite loss.
    if m > -INFINITY:
        add(gap_sum, block_sum(<const real*>gaps, k, x_tail, False))
    elif mass != 0:
        add(gap_sum, INFINITY if mass > 0 else NAN)
    return least(<const real*>low)


ctypedef struct target_sums:
    exp_sum exps
    double_sum gaps         # sum w p (m - x)
    double_sum shares       # sum w p
    double_sum total        # sum p
    double low              # the least p, if it is negative
    double_sum even         # of a smoothed target sum w (m - x)
    double seen             # and the sum of these w


cdef inline void raise_gaps(target_sums* s, double before) noexcept nogil:
    """Every gap grows with the maximum."""
    cdef double share = value(&s.shares)
    if s.exps.m > before and share != 0:
        add(&s.gaps, share * (s.exps.m - before))
    if s.exps.m > before and s.seen != 0:
        add(&s.even, s.seen * (s.exps.m - before))


cdef inline void add_even(
    target_sums* s, const double* w, const real* x, Py_ssize_t n, const real* tail
) noexcept nogil:
    cdef double seen = sum_of(w, n) if w != NULL else n, even
    if w != NULL:
        even = weighted_gap_sum(x, n, w, tail, <real>s.exps.m)
    else:
        even = gap_sum(x, n, tail, <real>s.exps.m)
    # Of a block of -inf alone, before any maximum, every gap is infinite.
    if not s.exps.m > -INFINITY:
        even = INFINITY if seen > 0 else 0
    add(&s.even, even)
    s.seen += seen


ctypedef struct target_pass:
    const task* t
    target_sums* made       # by each segment


cdef inline void target_segment(void* pass_, Py_ssize_t i, real* scratch) noexcept nogil:
    cdef target_pass* a = <target_pass*>pass_
    cdef const task* t = a.t
    cdef target_sums* s = a.made + i
    cdef real* second = scratch + SCRATCH
    cdef double before
    cdef real low = 0
    cdef Py_ssize_t k = i * SEGMENT, end = segment_end(i, t.c), n
    cdef const double* w = NULL
    cdef const real* p
    cdef const real* x
    s.gaps.high = s.gaps.low = s.shares.high = s.shares.low = s.total.high = s.total.low = 0
    s.even.high = s.even.low = s.seen = 0
    start(&s.exps, temperature_for(t, <const real*>scratch), <const real*>scratch)
    while k < end:
        n = min(end - k, block_size(<const real*>scratch))
        x = fetch(&t.q, k, n, second, <real>-INFINITY)
        before = s.exps.m
        absorb(&s.exps, x, n, tail_of(<const real*>second), False, False, <real>0, 0)
        raise_gaps(s, before)
        w = t.weight + k if t.weight != NULL else NULL
        if t.smoothing > 0:
            add_even(s, w, x, n, tail_of(<const real*>second))
        if t.label < 0:
            p = fetch(&t.p, k, n, scratch, <real>0)
            if w != NULL:
                low = min(low, weighted_block(
                    p, x, w, n, tail_of(<const real*>scratch), two_ahead(p), <real>s.exps.m,
                    &s.gaps, &s.shares, &s.total))
            else:
                low = min(low, target_block(
                    p, x, n, tail_of(<const real*>scratch), tail_of(<const real*>second),
                    two_ahead(p), <real>s.exps.m, &s.gaps, &s.shares))
        k += n
    if w == NULL:
        s.total = s.shares
    s.low = low


cdef inline void join_targets(
    target_sums* s, target_sums* other, const real* like
) noexcept nogil:
    cdef double before = s.exps.m, before_other = other.exps.m
    join_exp(&s.exps, &other.exps, like)
    raise_gaps(s, before)
    raise_gaps(other, before_other)
    join(&s.gaps, &other.gaps)
    join(&s.shares, &other.shares)
    join(&s.total, &other.total)
    join(&s.even, &other.even)
    s.seen += other.seen
    s.low = min(s.low, other.low)


cdef inline target_sums sum_target(const task* t, real* scratch) noexcept nogil:
    cdef target_pass a
    cdef target_sums s
    cdef Py_ssize_t i
    a.t = t
    a.made = &s if t.c <= SEGMENT else <target_sums*>t.pieces.room
    over_segments(&t.pieces, &a, target_segment[float], target_segment[double], t.c, scratch)
    for i in range(1, segments_of(t.c)):
        join_targets(a.made, a.made + i, <const real*>scratch)
    if t.c > SEGMENT:
        s = a.made[0]
    return s
