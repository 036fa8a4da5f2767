"""Two rows of logits compared: all the numbers of a pair, from two passes over it.

The first pass finds the log-sum-exps, the second the sums of compare_terms.pxd. Of rows next to
each other those depend on what the log-sum-exps are off; where that is more than can be taken off
the sums, the second pass is done again with what it has found, which is off by u times as much.
"""

from fastdiv.kernels.arithmetic cimport INFINITY, NAN, PADDING, real
from fastdiv.kernels.columns cimport put_number, wanted
from fastdiv.kernels.compare_blocks cimport compare_masked, compare_sums
from fastdiv.kernels.compare_rows cimport put_huge
from fastdiv.kernels.comparisons cimport (
    DELTA_P, JS_DIVERGENCE, KL_DIVERGENCE, P_CROSS_ENTROPY, Q_CROSS_ENTROPY, REVERSE_KL_DIVERGENCE,
    SAME_TOP_CLASS, TOTAL_VARIATION, divergences, divergences_of, is_blurred, is_settled, is_tiny,
    probability_gap,
)
from fastdiv.kernels.double_sums cimport add, double_sum, join, value
from fastdiv.kernels.kept cimport exponentials, sum_row
from fastdiv.kernels.lanes cimport BLOCK_F32, MAX_BLOCK, SCRATCH, at, block_size, lanes, whole_sets
from fastdiv.kernels.logit_pairs cimport pair, pair_ready
from fastdiv.kernels.logit_sums cimport first_equal
from fastdiv.kernels.logits cimport exp_sum, log_total, rest_of
from fastdiv.kernels.scores cimport exp_gap
from fastdiv.kernels.segments cimport SEGMENT, over_segments, segment_end, segments_of
from fastdiv.kernels.sources cimport element, fetch, tail_of
from fastdiv.kernels.tasks cimport room_of_segments, source, task


cdef inline void less_shift(
    const real* x, Py_ssize_t n, const real* tail, real shift, real* made
) noexcept nogil:
    """The logits of a block as the offset counts them, in whole sets of lanes."""
    cdef Py_ssize_t width = lanes(x), whole = n - n % width, k = 0, lane
    cdef const real* a
    while k < n:
        a = at(x, k, whole, tail)
        for lane in range(width):
            made[k + lane] = a[lane] - shift
        k += width


ctypedef struct row_sums:
    double_sum kl
    double_sum reverse
    double_sum js
    double_sum apart
    double_sum gap
    double side
    double close


ctypedef struct compare_task:
    const task* t
    const pair* c
    bint small              # the sums are made of probabilities, not of 2^EXP_SCALE as much
    row_sums* made          # by each segment


cdef inline void compare_segment(void* pass_, Py_ssize_t i, real* scratch) noexcept nogil:
    cdef compare_task* a = <compare_task*>pass_
    cdef const task* t = a.t
    cdef const pair* c = a.c
    cdef row_sums* s = a.made + i
    cdef real* second = scratch + SCRATCH
    cdef const real* p_tail = tail_of(<const real*>scratch)
    cdef const real* q_tail = tail_of(<const real*>second)
    cdef real xp[MAX_BLOCK]
    cdef real xq[MAX_BLOCK]
    cdef real ep[MAX_BLOCK]
    cdef real eq[MAX_BLOCK]
    cdef compare_sums block
    cdef real small = <real>c.factor_p
    cdef real factor = <real>(c.factor_q if a.small else c.factor_q / c.factor_p)
    # Of huge rows a finite logit may be the largest.
    cdef real padding = <real>-INFINITY if a.small else <real>PADDING
    cdef bint masked = a.small
    cdef Py_ssize_t k = i * SEGMENT, end = segment_end(i, t.c), n, j
    cdef const real* p
    cdef const real* q
    cdef const real* of_p
    cdef const real* of_q
    s.kl.high = s.kl.low = s.reverse.high = s.reverse.low = s.js.high = s.js.low = 0
    s.apart.high = s.apart.low = s.gap.high = s.gap.low = s.side = s.close = 0
    while k < end:
        n = min(end - k, block_size(<const real*>scratch))
        p = fetch(&t.p, k, n, scratch, padding)
        q = fetch(&t.q, k, n, second, padding)
        of_p = exponentials(t, 0, &c.at_p, p, k, n, p_tail, <real*>ep)
        of_q = exponentials(t, 1, &c.at_q, q, k, n, q_tail, <real*>eq)
        k += n
        if a.small:
            less_shift(p, n, p_tail, <real>c.at_p.shift, <real*>xp)
            less_shift(q, n, q_tail, <real>c.at_q.shift, <real*>xq)
            n = whole_sets(p, n)
            p, q = <const real*>xp, <const real*>xq
            for j in range(n):
                ep[j] = of_p[j] * small
            of_p = <const real*>ep
        compare_masked(p, q, of_p, of_q, n, p_tail, q_tail, factor,
                       <real>c.offset, <real>c.offset_low, &block, &masked, a.small)
        add(&s.kl, block.kl)
        add(&s.reverse, block.reverse)
        add(&s.js, block.js)
        add(&s.apart, block.apart)
        add(&s.gap, block.gap)
        s.side += block.side
        s.close += block.close


cdef inline void join_rows(row_sums* s, const row_sums* other) noexcept nogil:
    join(&s.kl, &other.kl)
    join(&s.reverse, &other.reverse)
    join(&s.js, &other.js)
    join(&s.apart, &other.apart)
    join(&s.gap, &other.gap)
    s.side += other.side
    s.close += other.close


cdef inline void compare_pass(
    const task* t, real* scratch, const pair* c, compare_sums* s, bint small
) noexcept nogil:
    """The second pass, its sums in the unit of probabilities."""
    cdef double unit = 1.0 if small else c.factor_p
    cdef compare_task a
    cdef row_sums only
    cdef Py_ssize_t i
    a.t, a.c, a.small = t, c, small
    a.made = <row_sums*>room_of_segments(t, &only)
    over_segments(&t.pieces, &a, compare_segment[float], compare_segment[double], t.c, scratch)
    for i in range(1, segments_of(t.c)):
        join_rows(a.made, a.made + i)
    s.kl = value(&a.made.kl) * unit
    s.reverse = value(&a.made.reverse) * unit
    s.js = value(&a.made.js) * unit
    s.apart = value(&a.made.apart) * unit
    s.gap = value(&a.made.gap) * unit
    s.side = a.made.side * unit
    s.close = a.made.close * unit


cdef inline void put_cross_entropy(
    const task* t, const source* x, const exp_sum* s, int column, real* scratch
) noexcept nogil:
    """Where no tile has told it, whose bits are those of the row's kind."""
    if not t.again:
        if t.c > block_size(<const real*>scratch) or s.base.shift != 0:
            put_number(t, column, (s.m - element(x, t.label, <real>0))
                       + log_total(s, <const real*>scratch))
    elif t.c <= BLOCK_F32:
        # Of longer rows floats have told it.
        put_huge(t, x, s.m, column, <double*>scratch)


cdef inline double label_gap(
    const task* t, const exp_sum* sp, const exp_sum* sq, const pair* c, double error,
    const real* like,
) noexcept nogil:
    """The label's probability in q less that in p; ``error`` is in the offset too much."""
    cdef double a = element(&t.p, t.label, <real>0), b = element(&t.q, t.label, <real>0)
    cdef double p = exp_gap(sp.m, a) / (sp.ties + rest_of(sp, like))
    cdef double q = exp_gap(sq.m, b) / (sq.ties + rest_of(sq, like))
    return probability_gap(
        a - c.at_p.shift, b - c.at_q.shift, p, q, c.offset, <real>c.offset_low, error)


cdef inline void put_nothing(const task* t) noexcept nogil:
    """A row is no distribution."""
    cdef int column
    for column in range(DELTA_P + 1):
        put_number(t, column, 0 if column == SAME_TOP_CLASS else NAN)


cdef inline double compare_from_logits(const task* t, real* scratch) noexcept nogil:
    """The numbers of ``comparison`` in comparisons.pxd; NaN comes back where floats do not do."""
    cdef exp_sum sp = sum_row(t, 0, scratch), sq = sum_row(t, 1, scratch)
    cdef compare_sums s
    cdef divergences made
    cdef pair c
    cdef bint small
    cdef int turn
    if not pair_ready(&c, &sp, &sq, 1, <const real*>scratch):
        put_nothing(t)
        return 0
    if t.label >= 0:
        put_cross_entropy(t, &t.p, &sp, P_CROSS_ENTROPY, scratch)
        put_cross_entropy(t, &t.q, &sq, Q_CROSS_ENTROPY, scratch)
    if real is float:
        # Differences may be too large for floats.
        if sp.m > 1e30 or sq.m > 1e30:
            return NAN
    # Products with differences of huge logits are to be finite.
    small = c.at_p.shift != 0 or c.at_q.shift != 0
    for turn in range(4):
        if turn > 0:
            c.offset_low += s.gap
        compare_pass(t, scratch, &c, &s, small)
        if not small and not (s.kl == s.kl and s.reverse == s.reverse):
            small = True
            compare_pass(t, scratch, &c, &s, small)
        if is_settled(s.apart, s.gap, s.close, <real>0):
            break
        if real is float:
            # Of confident rows next to each other all d are less than what two floats leave.
            return NAN
    if is_blurred(s.apart, c.offset, <real>0):
        return NAN
    made = divergences_of(s.kl, s.reverse, s.js, s.apart, s.gap, s.side)
    if is_tiny(s.kl, made.kl, <real>0) or is_tiny(s.reverse, made.reverse, <real>0):
        return NAN
    put_number(t, KL_DIVERGENCE, made.kl)
    put_number(t, REVERSE_KL_DIVERGENCE, made.reverse)
    put_number(t, JS_DIVERGENCE, made.js)
    put_number(t, TOTAL_VARIATION, made.variation)
    if wanted(t, SAME_TOP_CLASS):
        put_number(t, SAME_TOP_CLASS, <double>(
            first_equal(&t.p, t.c, sp.top_block, <real>sp.m, scratch)
            == first_equal(&t.q, t.c, sq.top_block, <real>sq.m, scratch)))
    if t.label >= 0 and wanted(t, DELTA_P):
        put_number(t, DELTA_P, label_gap(t, &sp, &sq, &c, s.gap, <const real*>scratch))
    return 0
