"""Two rows of logits compared: all the numbers of a pair, from two passes over it.

The first pass finds the log-sum-exps, the second the sums of compare_terms.pxd. Of rows next to
each other those depend on what the log-sum-exps are off; where that is more than can be taken off
the sums, the second pass is done again with what it has found.
"""

from fastdiv.kernels.arithmetic cimport INFINITY, LN2_HI, NAN, finite, real
from fastdiv.kernels.compare_terms cimport compare_masked, compare_sums
from fastdiv.kernels.lanes cimport MAX_BLOCK, SCRATCH, block_size, whole_sets
from fastdiv.kernels.logit_pairs cimport pair, pair_ready
from fastdiv.kernels.logits cimport (
    exp_sum, exp_terms, exp_unit, first_equal, log_total, reference, rest_of, sum_exp,
)
from fastdiv.kernels.math cimport expm1_excess, expm1_reduced, integer_bits
from fastdiv.kernels.scalars cimport exp_scalar
from fastdiv.kernels.sources cimport element, fetch, source, store, tail_of, task
from fastdiv.kernels.sums cimport add, double_sum, value

cdef enum:
    # The numbers of a pair, in this order: KL(p, q), KL(q, p), Jensen-Shannon, total variation,
    # whether the top classes are the same, and with a label the cross-entropies of p and of q and
    # q's probability of the label less p's.
    COMPARED = 5
    COMPARED_LABEL = 8

ctypedef struct label_terms:
    # Of one row: its largest logit, the logarithm of its sum of exp(x - m), the sum itself, its
    # logit at the label.
    double m
    double log_sum
    double total
    double at_label


cdef inline bint is_settled(const compare_sums* s, real like) noexcept nogil:
    """Whether the sign of what is next to 0 does not matter to total variation.

    What the log-sum-exps are off counts ``close`` times; 4 u of the sum are not seen.
    """
    cdef double least = 2.0 ** -22 if real is float else 2.0 ** -51
    return abs(s.gap) * s.close <= least * s.apart


cdef inline void divergences(const compare_sums* s, double* made) noexcept nogil:
    """The four divergences of the sums of a pair, in the unit of probabilities."""
    cdef double square = s.gap * s.gap, ln2 = LN2_HI
    cdef double kl = s.kl - 0.5 * square, reverse = s.reverse - 0.5 * square
    cdef double js = s.js - 0.125 * square, tv = 0.5 * (s.apart - 0.5 * s.gap * s.side)
    made[0] = kl if kl > 0 else 0
    made[1] = reverse if reverse > 0 else 0
    js = js if js > 0 else 0
    made[2] = js if js < ln2 else ln2
    tv = tv if tv > 0 else 0
    made[3] = tv if tv < 1 else 1


cdef inline bint is_tiny(const compare_sums* s, const double* made, real like) noexcept nogil:
    """Whether a divergence is too small to be told by floats."""
    cdef double least = 2.0 ** -60
    if real is float:
        return ((s.kl > 0) & (made[0] < least)) | ((s.reverse > 0) & (made[1] < least))
    else:
        return False


cdef inline double expm1_of(double x) noexcept nogil:
    """exp(x) - 1 for x <= 0."""
    cdef double scale = 0, expm1 = 0
    cdef double within = x if x > -700 else -700
    cdef double t = expm1_reduced(
        within, within, <double>0, <double>0, <double>0, <double>-700, &scale)
    expm1_excess(within, t, scale, &expm1)
    return expm1


cdef inline double probability(const label_terms* x) noexcept nogil:
    """exp(at_label - m) / total, the difference not rounded."""
    cdef double gap = x.at_label - x.m, part = gap - x.at_label
    cdef double error = (x.at_label - (gap - part)) - (x.m + part)
    cdef double e = exp_scalar(gap) / x.total
    return e + e * error if x.at_label > -INFINITY else 0


cdef inline double probability_gap(
    const label_terms* p, const label_terms* q, double offset, double offset_low
) noexcept nogil:
    """q - p at the label, made of d = log(p / q): q (1 - exp(d)) or p (exp(-d) - 1)."""
    cdef double a = p.at_label, b = q.at_label, d = a - b, part = d - a
    cdef double error = (a - (d - part)) - (b + part)
    error = error if error == error else 0
    d = (d - offset) + (error - offset_low)
    if a == b == -INFINITY:
        return 0
    return probability(p) * expm1_of(-d) if d > 0 else -probability(q) * expm1_of(d)


cdef inline void exp_keep(
    const reference* base, const real* x, Py_ssize_t n, const real* tail, real* e
) noexcept nogil:
    """The exponentials of a block, multiplied by 2^EXP_SCALE."""
    cdef real shift = <real>base.shift, low = <real>base.low
    cdef real bias = integer_bits(base.bias, low)
    # The flags as constants, for loops without what they do not need.
    if base.shift != 0:
        exp_terms(x, n, tail, x + block_size(x), low, shift, low, bias, e, e, False, False, True)
    else:
        exp_terms(x, n, tail, x + block_size(x), low, shift, low, bias, e, e, False, False, False)


cdef inline void compare_pass(
    const task* t, real* scratch, const pair* c, compare_sums* s
) noexcept nogil:
    """The second pass, its sums in the unit of probabilities."""
    cdef real* second = scratch + SCRATCH
    cdef const real* p_tail = tail_of(<const real*>scratch)
    cdef const real* q_tail = tail_of(<const real*>second)
    cdef real ep[MAX_BLOCK]
    cdef real eq[MAX_BLOCK]
    cdef compare_sums block
    cdef double_sum kl, reverse, js, apart, gap
    # Products with differences of huge logits are to be finite.
    cdef bint huge = c.at_p.shift != 0 or c.at_q.shift != 0
    cdef double small = 1 / exp_unit(<const real*>scratch) if huge else 1.0
    cdef real factor = <real>(c.factor_q / c.factor_p * small)
    cdef double unit = c.factor_p / small
    cdef Py_ssize_t k = 0, n, j
    cdef const real* p
    cdef const real* q
    kl.high = kl.low = reverse.high = reverse.low = js.high = js.low = 0
    apart.high = apart.low = gap.high = gap.low = s.side = s.close = 0
    while k < t.c:
        n = min(t.c - k, block_size(<const real*>scratch))
        p = fetch(&t.p, k, n, scratch, <real>-INFINITY)
        q = fetch(&t.q, k, n, second, <real>-INFINITY)
        exp_keep(&c.at_p, p, n, p_tail, <real*>ep)
        exp_keep(&c.at_q, q, n, q_tail, <real*>eq)
        for j in range(whole_sets(p, n) if huge else 0):
            ep[j] *= <real>small
        compare_masked(p, q, <const real*>ep, <const real*>eq, n, p_tail, q_tail, factor,
                       <real>c.offset, <real>c.offset_low, &block)
        add(&kl, block.kl)
        add(&reverse, block.reverse)
        add(&js, block.js)
        add(&apart, block.apart)
        add(&gap, block.gap)
        s.side += block.side
        s.close += block.close
        k += n
    s.kl = value(&kl) * unit
    s.reverse = value(&reverse) * unit
    s.js = value(&js) * unit
    s.apart = value(&apart) * unit
    s.gap = value(&gap) * unit
    s.side *= unit
    s.close *= unit


cdef inline void of_label(
    label_terms* l, const exp_sum* s, const source* x, Py_ssize_t label, const real* like
) noexcept nogil:
    l.m = s.m
    l.log_sum = log_total(s, like)
    l.total = s.ties + rest_of(s, like)
    l.at_label = element(x, label, <real>0)


cdef inline double compare_from_logits(const task* t, real* scratch) noexcept nogil:
    """All the numbers of a pair of rows to t.out; NaN comes back where floats do not do."""
    cdef exp_sum sp = sum_exp(&t.p, t.c, scratch, False)
    cdef exp_sum sq = sum_exp(&t.q, t.c, scratch, False)
    cdef double made[COMPARED_LABEL]
    cdef Py_ssize_t n = COMPARED if t.label < 0 else COMPARED_LABEL, k
    cdef compare_sums s
    cdef label_terms p, q
    cdef pair c
    if not pair_ready(&c, &sp, &sq, 1, <const real*>scratch):
        for k in range(n):
            made[k] = NAN
        made[4] = 0
        store(t, 0, n, <const double*>made)
        return 0
    compare_pass(t, scratch, &c, &s)
    if not is_settled(&s, <real>0):
        c.offset_low += s.gap
        compare_pass(t, scratch, &c, &s)
    divergences(&s, <double*>made)
    if is_tiny(&s, <const double*>made, <real>0):
        return NAN
    made[4] = (first_equal(&t.p, t.c, sp.top_block, <real>sp.m, scratch)
               == first_equal(&t.q, t.c, sq.top_block, <real>sq.m, scratch))
    if t.label >= 0:
        of_label(&p, &sp, &t.p, t.label, <const real*>scratch)
        of_label(&q, &sq, &t.q, t.label, <const real*>scratch)
        made[5] = (p.m - p.at_label) + p.log_sum
        made[6] = (q.m - q.at_label) + q.log_sum
        made[7] = probability_gap(&p, &q, c.offset, c.offset_low + s.gap)
    store(t, 0, n, <const double*>made)
    return 0
