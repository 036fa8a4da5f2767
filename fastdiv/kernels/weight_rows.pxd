"""From weights: one inline function per divergence, from a row, or two, to a number (in nats).

``scratch`` gives the type the kernel computes in and room for the blocks of two operands. NaN says
that the row needs a second look: where table.pxd names a careful function, that
one decides.
"""

from fastdiv.kernels.arithmetic cimport INFINITY, NAN, finite, real
from fastdiv.kernels.double_sums cimport value
from fastdiv.kernels.infinite_pairs cimport is_infinite
from fastdiv.kernels.scalars cimport log1p_lane, log_careful
from fastdiv.kernels.sources cimport element
from fastdiv.kernels.tasks cimport expects_unequal, task
from fastdiv.kernels.weight_gaps cimport gap_sums, log_total_weight, sum_gaps
from fastdiv.kernels.weight_pair_results cimport apart_by, equal_rows, js_from, kl_from
from fastdiv.kernels.weight_pair_sums cimport sum_pair
from fastdiv.kernels.weight_pairs cimport are_unequal, pair_sums, turned_down
from fastdiv.kernels.weight_targets cimport blended_cross_entropy
from fastdiv.kernels.weights cimport faint, sum_weights, weight_sums


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


cdef inline double equal_sums(const task* t, real* scratch, bint symmetric) noexcept nogil:
    """The factor that makes the sum of q that of p; whether these are far apart is told to those
    who come after."""
    cdef weight_sums p = sum_weights(&t.p, t, -1, scratch), q = sum_weights(&t.q, t, -1, scratch)
    t.unequal[0] = are_unequal(value(&p.total), value(&q.total),
                               turned_down(symmetric, False, <real>0))
    # Of a negative weight there is nothing to be told.
    t.unequal[0] = t.unequal[0] and p.low >= 0 and q.low >= 0
    return value(&p.total) / value(&q.total)


cdef inline double pair_scaled(
    const task* t, double factor, real* scratch, bint symmetric
) noexcept nogil:
    """The divergence of p and factor * q, whose sums are equal."""
    cdef pair_sums s = sum_pair(t, scratch, factor, symmetric, True)
    if symmetric:
        return js_from(&s, <const real*>scratch)
    if not s.good:
        return INFINITY if is_infinite(t, scratch) else NAN
    return kl_from(&s, <const real*>scratch)


cdef inline bint scaled_at_once(
    const task* t, real* scratch, double* made, bint symmetric
) noexcept nogil:
    """Whether that is the divergence of a pair, of sums far apart."""
    cdef double factor = equal_sums(t, scratch, symmetric)
    if t.unequal[0]:
        made[0] = pair_scaled(t, factor, scratch, symmetric)
    return t.unequal[0]


cdef inline double second_look(
    const task* t, const pair_sums* s, real* scratch, bint symmetric
) noexcept nogil:
    """The divergence of a pair that the first pass has turned down."""
    cdef double factor, total = value(&s.mass)
    if s.good and abs(apart_by(s)) < 0.99 * turned_down(symmetric, False, <real>0):
        # Nobody else takes it for one with sums far apart: its own sums will do.
        return pair_scaled(t, total / (total - value(&s.delta)), scratch, symmetric)
    if not (s.good or symmetric) and is_infinite(t, scratch):
        return INFINITY
    factor = equal_sums(t, scratch, symmetric)
    return pair_scaled(t, factor, scratch, symmetric) if s.good or t.unequal[0] else NAN


cdef inline double kl_end(const task* t, pair_sums s, real* scratch) noexcept nogil:
    """KL from the sums of a first pass, or another one."""
    cdef double kl, tiny = faint(<const real*>scratch)
    if not t.normalize:
        if not s.good:
            return INFINITY if is_infinite(t, scratch) else NAN
        kl = value(&s.phi) + value(&s.phi_q)
        return kl if abs(kl) > tiny or equal_rows(&s) else NAN
    kl = kl_from(&s, <const real*>scratch)
    return kl if kl == kl else second_look(t, &s, scratch, False)


cdef inline double kl_divergence(const task* t, real* scratch) noexcept nogil:
    """KL = G / Sp - (e - log1p(e)), or sum p log(p / q)."""
    cdef double kl = 0
    if expects_unequal(t) and scaled_at_once(t, scratch, &kl, False):
        return kl
    return kl_end(t, sum_pair(t, scratch, 1, False, False), scratch)


cdef inline double js_end(const task* t, pair_sums s, real* scratch) noexcept nogil:
    """Jensen-Shannon likewise."""
    cdef double js = 0.5 * value(&s.phi)
    if not t.normalize:
        js = js if js > faint(<const real*>scratch) or equal_rows(&s) else NAN
        return js if s.good else NAN
    js = js_from(&s, <const real*>scratch)
    return js if js == js else second_look(t, &s, scratch, True)


cdef inline double js_divergence(const task* t, real* scratch) noexcept nogil:
    """J / Sp and its corrections, or J."""
    cdef double js = 0
    if expects_unequal(t) and scaled_at_once(t, scratch, &js, True):
        return js
    return js_end(t, sum_pair(t, scratch, 1, True, False), scratch)
