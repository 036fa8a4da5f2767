"""From logits: one inline function per divergence, from a row, or two, to a number (in nats). The
conventions are those of weight_rows.pxd.
"""

from fastdiv.kernels.arithmetic cimport LN2_HI, NAN, finite, real
from fastdiv.kernels.columns cimport put_number, wanted
from fastdiv.kernels.double_sums cimport double_sum, value
from fastdiv.kernels.logit_kl cimport are_equal, kl_in_one_pass
from fastdiv.kernels.logit_pairs cimport sum_logit_pair
from fastdiv.kernels.logit_sums cimport first_equal, sum_exp
from fastdiv.kernels.logit_targets cimport sum_target, target_sums
from fastdiv.kernels.logits cimport cancels, exp_sum, exp_unit, log_total, proper, rest_of
from fastdiv.kernels.scalars cimport exp_scalar, log1p_excess
from fastdiv.kernels.scores cimport (
    BRIER_SCORE, CONFIDENCE, CROSS_ENTROPY, ENTROPY, LOGSUMEXP, PROBABILITY, RANK, TOP_CLASS,
    brier_of, exp_gap,
)
from fastdiv.kernels.sources cimport element
from fastdiv.kernels.targets cimport cross_entropy_of_parts
from fastdiv.kernels.tasks cimport cooled, task
from fastdiv.kernels.weights cimport unit


cdef inline double logsumexp(const task* t, real* scratch) noexcept nogil:
    """m + log(ties + rest)."""
    cdef exp_sum s = sum_exp(&t.p, t, scratch, False, False, -1, False)
    cdef double log_sum = log_total(&s, <const real*>scratch)
    if real is float:
        if cancels(s.m, log_sum):
            return NAN
    return s.m + log_sum


cdef inline double logsumexp_of_q(
    const task* t, double m, double log_sum, real* scratch
) noexcept nogil:
    """The same of q, whose sums are there; in double where the row function is called again."""
    cdef task u
    if real is float:
        if cancels(m, log_sum):
            u = t[0]
            u.p = t.q
            return logsumexp(&u, <double*>scratch)
    return m + log_sum


cdef inline double entropy_from_logits(const task* t, real* scratch) noexcept nogil:
    """log S + sum(w (m - x)) / S with w = exp(x - m)."""
    cdef exp_sum s = sum_exp(&t.p, t, scratch, True, False, -1, False)
    # As score has it: of subnormal results it matters which product is taken first.
    cdef double factor = exp_scalar(-s.base.rho) * (1 / exp_unit(<const real*>scratch))
    if not proper(&s):
        return NAN
    return log_total(&s, <const real*>scratch) + value(&s.spread) * factor / (
        s.ties + rest_of(&s, <const real*>scratch))


cdef inline double cross_entropy_label_from_logits(const task* t, real* scratch) noexcept nogil:
    """(m - x_y) + log(ties + rest)."""
    cdef exp_sum s = sum_exp(&t.q, t, scratch, False, False, -1, False)
    cdef double at_label = element(&t.q, t.label, <real>0)
    if not proper(&s):
        return NAN
    return cooled(t, s.m - at_label) + log_total(&s, <const real*>scratch)


cdef inline double cross_entropy_from_logits(const task* t, real* scratch) noexcept nogil:
    """sum(w p (m - x)) / sum p + log S sum(w p) / sum p: only non-negative terms."""
    cdef target_sums s = sum_target(t, scratch)
    cdef double gap = 0
    if not proper(&s.exps):
        return NAN
    if t.label >= 0:
        gap = s.exps.m - element(&t.q, t.label, <real>0)
    return cross_entropy_of_parts(
        t, &s.parts, gap, log_total(&s.exps, <const real*>scratch), <real>0)


cdef inline double score_from_logits(const task* t, real* scratch) noexcept nogil:
    """The numbers of ``score`` in scores.pxd."""
    cdef exp_sum s = sum_exp(&t.q, t, scratch, True, True, t.label, False)
    cdef double at_label = element(&t.q, t.label, <real>0)
    cdef double log_sum = log_total(&s, <const real*>scratch)
    cdef double rest = rest_of(&s, <const real*>scratch), total = s.ties + rest, share = 1 / total
    cdef double factor = exp_scalar(-s.base.rho) * (1 / exp_unit(<const real*>scratch))
    cdef double e = exp_gap(s.m, at_label)
    cdef bint good = proper(&s) and total == total
    put_number(t, CROSS_ENTROPY, (s.m - at_label) + log_sum if good else NAN)
    put_number(t, ENTROPY, log_sum + value(&s.spread) * factor / total if good else NAN)
    put_number(t, BRIER_SCORE, brier_of(
        s.ties, rest, value(&s.squares) * factor * factor, e, share) if good else NAN)
    put_number(t, PROBABILITY, e * share if good else NAN)
    put_number(t, CONFIDENCE, share if good else NAN)
    put_number(t, TOP_CLASS, <double>first_equal(
        &t.q, t.c, s.top_block, <real>s.m, scratch) if good else -1)
    put_number(t, RANK, <double>(1 + s.above) if good else 0)
    if wanted(t, LOGSUMEXP):
        put_number(t, LOGSUMEXP, logsumexp_of_q(t, s.m, log_sum, scratch))
    return 0


cdef inline double kl_divergence_from_logits(const task* t, real* scratch) noexcept nogil:
    """sum p (d + expm1(-d)) - (y - log1p(y)) with d = log(p / q) and y = sum p expm1(-d).

    y would be 0 if d were exact: it takes out, to all orders, the error that the two
    log-sum-exps leave in every d. That is for rows out of the ordinary; see logit_kl.pxd.
    """
    cdef double_sum terms, moment
    cdef double kl = kl_in_one_pass(t, scratch)
    if kl >= 0:
        return kl
    if real is float:
        if kl < 0:
            return NAN
    if not sum_logit_pair(t, scratch, &terms, &moment, 1, False):
        return NAN
    if not finite(terms.high):
        return terms.high
    kl = value(&terms) - log1p_excess(value(&moment))
    if real is float:
        # Nearer to each other than a float can tell.
        if kl < 2.0 ** -60 and not (terms.high == 0 and are_equal(t, scratch)):
            return NAN
    return 0.0 if kl < 0 else kl


cdef inline double js_divergence_from_logits(const task* t, real* scratch) noexcept nogil:
    """sum (p + q) chi(tanh(d / 2)) / 2, d = log(p / q).

    An error y common to all d adds y^2 / 8, which shows only in results next to 0. There y is
    sum (p - q), the differences made of d, times 1 + O(JS).
    """
    cdef double_sum terms, moment
    cdef double unit_of_terms = exp_unit(<const real*>scratch)
    cdef double js, y, ln2 = LN2_HI
    if not sum_logit_pair(t, scratch, &terms, &moment, unit_of_terms, True):
        return NAN
    js = value(&terms) / unit_of_terms
    if js < 8 * unit(<const real*>scratch):
        y = value(&moment) / unit_of_terms
        js -= 0.125 * y * y
    return 0.0 if js < 0 else min(js, ln2)
