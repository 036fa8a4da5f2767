"""From weights: one inline function per divergence, from a row, or two, to a number (in nats).

``scratch`` gives the type the kernel computes in and room for the blocks of two operands. NaN says
that the row needs a second look: where table.pxd names a careful function, that
one decides.
"""

from fastdiv.kernels.arithmetic cimport INFINITY, LN2_HI, NAN, finite, real
from fastdiv.kernels.double_sums cimport value
from fastdiv.kernels.infinite_pairs cimport is_infinite
from fastdiv.kernels.scalars cimport log1p_excess, log1p_lane, log_careful
from fastdiv.kernels.sources cimport element
from fastdiv.kernels.tasks cimport task
from fastdiv.kernels.weight_gaps cimport gap_sums, log_total_weight, sum_gaps
from fastdiv.kernels.weight_pair_sums cimport sum_pair
from fastdiv.kernels.weight_pairs cimport pair_sums
from fastdiv.kernels.weight_targets cimport blended_cross_entropy
from fastdiv.kernels.weights cimport faint, sum_weights, unit, weight_sums


cdef inline double mass(const task* t, real* scratch) noexcept nogil:
    """sum p; NaN if a weight is negative, infinite or NaN."""
    cdef weight_sums s = sum_weights(&t.p, t, -1, scratch)
    return value(&s.total) if s.low >= 0 and finite(s.total.high) else NAN


cdef inline bint alone(const gap_sums* s) noexcept nogil:
    """Whether one class has all the weight, so that a result of 0 is exact."""
    return s.ties == 1 and s.rest.high == 0 and s.gaps.high == 0


cdef inline double entropy(const task* t, real* scratch) noexcept nogil:
    """H(p) = log(S / m) + sum(p log(m / p)) / S, m the largest p."""
    cdef gap_sums s = sum_gaps(t, scratch, False)
    cdef double tiny = faint(<const real*>scratch)
    cdef double result = value(&s.gaps), total
    if not s.good:
        return NAN
    if not t.normalize:
        return result if abs(result) > tiny or result == 0 else NAN
    total = s.m * s.ties + value(&s.rest)
    result = result / total + log_total_weight(&s)
    # The product, because a subnormal weight may be off by as much as it is.
    if not tiny < total < INFINITY:
        return NAN
    return result if result * total > tiny or alone(&s) else NAN


cdef inline double cross_entropy(const task* t, real* scratch) noexcept nogil:
    """H(p, q) = log(Sq / m) + sum(p log(m / q)) / Sp, m the largest q."""
    cdef gap_sums s
    cdef double result, total, tiny = faint(<const real*>scratch)
    if t.blended:
        return blended_cross_entropy(t, scratch)
    s = sum_gaps(t, scratch, True)
    result, total = value(&s.gaps), value(&s.mass)
    if not s.good:
        return INFINITY if is_infinite(t, scratch) else NAN
    if not t.normalize:
        return result if abs(result) > tiny or result == 0 else NAN
    result = result / total + log_total_weight(&s)
    if not (total > tiny and s.m > tiny):
        return NAN
    return result if result * total > tiny or alone(&s) else NAN


cdef inline double cross_entropy_label(const task* t, real* scratch) noexcept nogil:
    """log(S / q_y) = log1p((sum of the other q) / q_y), or of a row as it stands -log q_y."""
    cdef weight_sums others
    cdef double at_label = element(&t.q, t.label, <real>0), ratio
    if not (at_label >= 0) or not finite(at_label):
        return NAN
    others = sum_weights(&t.q, t, t.label, scratch)
    if others.low < 0 or not finite(others.total.high):
        return NAN
    if not t.normalize:
        return -log_careful(at_label)
    if at_label == 0 and others.total.high > 0:
        return INFINITY
    if not at_label > faint(<const real*>scratch):
        return NAN
    # Quotients beyond the largest number are for the careful function.
    ratio = value(&others.total) / at_label
    return log1p_lane(ratio) if ratio < INFINITY else NAN


cdef inline double kl_of(
    double g, double e, double excess, double total, const real* like
) noexcept nogil:
    """G / Sp - excess, where excess is e - log1p(e): see weight_pairs.pxd. No branch, for lanes."""
    cdef double kl = g / total - excess, tiny = faint(like)
    # Sums that differ: some of G is the factor between the rows, not their divergence; and where
    # Sq is much the smaller, 1 + e is rounded too much for its logarithm.
    cdef bint good = (kl * total > 0.96875 * g) & (e > -0.5) & (g > tiny)
    good = good | (g == 0) & (e == 0)
    return kl if good & (total > tiny) else NAN


cdef inline double equal_sums(const pair_sums* s) noexcept nogil:
    """The factor that makes the sum of q that of p."""
    cdef double total = value(&s.mass)
    return total / (total - value(&s.delta))


cdef inline double kl_from(const pair_sums* s, const real* like) noexcept nogil:
    cdef double total = value(&s.mass), e = -value(&s.delta) / total
    return kl_of(value(&s.phi), e, log1p_excess(e), total, like) if s.good else NAN


cdef inline bint equal_rows(const pair_sums* s) noexcept nogil:
    """Whether no element differs, so that a result of 0 is exact."""
    return s.phi.high == 0 and s.delta.high == 0


cdef inline double kl_end(const task* t, pair_sums s, real* scratch) noexcept nogil:
    """KL from the sums of a first pass; a second where the rows' sums differ."""
    cdef double kl, tiny = faint(<const real*>scratch)
    if not s.good:
        return INFINITY if is_infinite(t, scratch) else NAN
    if not t.normalize:
        kl = value(&s.phi) + value(&s.phi_q)
        return kl if abs(kl) > tiny or equal_rows(&s) else NAN
    kl = kl_from(&s, <const real*>scratch)
    if kl != kl:
        s = sum_pair(t, scratch, equal_sums(&s), False, True)
        kl = kl_from(&s, <const real*>scratch)
    return kl


cdef inline double kl_divergence(const task* t, real* scratch) noexcept nogil:
    """KL = G / Sp - (e - log1p(e)), or sum p log(p / q)."""
    return kl_end(t, sum_pair(t, scratch, 1, False, False), scratch)


cdef inline double js_of(
    double phi, double phi_q, double e, double total, const real* like
) noexcept nogil:
    """J / Sp - e^2 / 8 - e Jq / (2 Sp), no branch, for lanes.

    J = sum (phi(p, m) + phi(q, m)) / 2 and Jq = sum phi(q, m). The two corrections are Taylor's, in
    the relative difference e of the two sums; their remainder is of the order of e^3 / 8 and
    e^2 J.
    """
    cdef double j = 0.5 * phi, u = unit(like), tiny = faint(like), ln2 = LN2_HI
    cdef double js = (j - 0.5 * e * phi_q) / total - 0.125 * e * e
    cdef bint good = (e * e < u) & (abs(e * e * e) < u * js) & (js * total > 0.96875 * j)
    good = good & (j > tiny) | (j == 0) & (e == 0)
    js = js if js < ln2 else ln2
    return js if good & (total > tiny) else NAN


cdef inline double js_from(const pair_sums* s, const real* like) noexcept nogil:
    cdef double total = value(&s.mass), e = -value(&s.delta) / total
    return js_of(value(&s.phi), value(&s.phi_q), e, total, like) if s.good else NAN


cdef inline double js_end(const task* t, pair_sums s, real* scratch) noexcept nogil:
    """Jensen-Shannon likewise."""
    cdef double js = 0.5 * value(&s.phi)
    if not s.good:
        return NAN
    if not t.normalize:
        return js if js > faint(<const real*>scratch) or equal_rows(&s) else NAN
    js = js_from(&s, <const real*>scratch)
    if js != js:
        s = sum_pair(t, scratch, equal_sums(&s), True, True)
        js = js_from(&s, <const real*>scratch)
    return js


cdef inline double js_divergence(const task* t, real* scratch) noexcept nogil:
    """J / Sp and its corrections, or J."""
    return js_end(t, sum_pair(t, scratch, 1, True, False), scratch)
