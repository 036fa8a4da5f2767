"""A row and a target, or a row alone, that the fast passes give back: in double, one element after
the other, as in careful_pairs.pxd. Here a target with options is made.
"""

from fastdiv.kernels.arithmetic cimport INFINITY, NAN
from fastdiv.kernels.conversions cimport kept
from fastdiv.kernels.double_sums cimport add, double_sum, value
from fastdiv.kernels.lanes cimport SCRATCH, block_size
from fastdiv.kernels.logit_sums cimport sum_exp
from fastdiv.kernels.logits cimport exp_sum, log_total, proper
from fastdiv.kernels.measures cimport divide_by_mass, measure, measured
from fastdiv.kernels.scalars cimport log1p_lane, log_careful, log_quotient
from fastdiv.kernels.sources cimport element, fetch
from fastdiv.kernels.tasks cimport cooled, source, task
from fastdiv.kernels.weight_gaps cimport gap_sums, log_total_weight


cdef inline const double* made_target(
    const task* t, Py_ssize_t k, Py_ssize_t n, double* scratch
) noexcept nogil:
    """Elements k .. k + n of the row to be predicted, blended if so asked.

    A blended row is weight * ((1 - smoothing) * p + smoothing / c), where p is the row divided by
    its sum (t.p.divisor holds that), or 1 at the label and 0 elsewhere.
    """
    cdef const double* p
    cdef Py_ssize_t j
    # In variables of their own: what is written might else be one of them.
    cdef double made, smoothing = t.smoothing, even = kept(smoothing / t.c, smoothing)
    cdef const double* weight = t.weight + k
    if not t.blended:
        return fetch(&t.p, k, n, scratch, <double>0)
    if t.label >= 0:
        for j in range(n):
            scratch[j] = even
        if k <= t.label < k + n:
            scratch[t.label - k] += 1 - smoothing
    else:
        p = fetch(&t.p, k, n, scratch, <double>0)
        for j in range(n):
            scratch[j] = (1 - smoothing) * p[j] + even
    if t.weight != NULL:
        for j in range(n):
            made = scratch[j] * weight[j]
            scratch[j] = kept(made, scratch[j] * <double>(weight[j] != 0))
    return scratch


cdef inline double against(const task* t, double* scratch, bint targeted) noexcept nogil:
    """H(p, q), or H(p, p)."""
    cdef double* second = scratch + SCRATCH
    cdef source row = t.q if targeted else t.p
    cdef task u = t[0]
    cdef gap_sums s
    cdef measure of_q = measured(&row, t.c, second, t.normalize)
    cdef measure of_p = of_q
    cdef double total, gap
    cdef bint lost
    cdef Py_ssize_t k, j, n
    cdef const double* p
    cdef const double* q
    if targeted and t.label < 0:
        of_p = measured(&t.p, t.c, scratch, True)
    if of_q.largest != of_q.largest or of_p.largest != of_p.largest:
        return NAN
    if t.normalize and (not (of_q.mass > 0) or not (of_p.mass > 0)):
        return NAN
    if targeted and t.blended:
        if t.label < 0 and t.normalize:
            divide_by_mass(&u.p, &of_p)
        # What is made of p is next to 1, but for large weights as they stand.
        of_p.scale = 1 if t.normalize or t.label >= 0 else min(of_p.scale, 1.0)
    s.m = of_q.largest * of_q.scale
    s.ties = 0
    s.rest.high = s.rest.low = s.gaps.high = s.gaps.low = s.mass.high = s.mass.low = 0
    k = 0
    while k < t.c:
        n = min(t.c - k, block_size(<const double*>scratch))
        q = fetch(&row, k, n, second, <double>0)
        p = made_target(&u, k, n, scratch) if targeted else q
        for j in range(n):
            gap = -log_quotient(q[j], of_q.largest) if t.normalize else -log_careful(q[j])
            if p[j] != 0:
                # A weight that is lost to the scaling is still one where q is 0.
                lost = gap == INFINITY and p[j] > 0
                add(&s.gaps, gap if lost else p[j] * of_p.scale * gap)
            add(&s.mass, p[j] * of_p.scale)
            s.ties += q[j] == of_q.largest
            add(&s.rest, 0.0 if q[j] == of_q.largest else q[j] * of_q.scale)
        k += n
    if not t.normalize:
        return value(&s.gaps) / of_p.scale
    total = value(&s.mass)
    if t.blended:
        return value(&s.gaps) + total * log_total_weight(&s)
    return value(&s.gaps) / total + log_total_weight(&s)


cdef inline double entropy(const task* t, double* scratch) noexcept nogil:
    return against(t, scratch, False)


cdef inline double cross_entropy(const task* t, double* scratch) noexcept nogil:
    return against(t, scratch, True)


cdef inline double cross_entropy_label(const task* t, double* scratch) noexcept nogil:
    """log(S / q_y), or -log q_y."""
    cdef Py_ssize_t k = 0, n, j
    cdef measure found = measured(&t.q, t.c, scratch, t.normalize)
    cdef double at_label = element(&t.q, t.label, <double>0)
    cdef double_sum others
    cdef const double* x
    if found.largest != found.largest:
        return NAN
    if not t.normalize:
        return -log_careful(at_label)
    if not (found.mass > 0):
        return NAN
    if at_label * found.scale < found.mass * 2.0 ** -60:
        # The other weights are the sum, to the last digit; the quotient might overflow.
        if at_label * found.scale > 1e-290:
            return -log_quotient(at_label * found.scale, found.mass)
        return log_careful(found.mass) - log_careful(found.scale) - log_careful(at_label)
    others.high = others.low = 0
    while k < t.c:
        n = min(t.c - k, block_size(<const double*>scratch))
        x = fetch(&t.q, k, n, scratch, <double>0)
        for j in range(n):
            add(&others, 0.0 if k + j == t.label else x[j] * found.scale)
        k += n
    return log1p_lane(value(&others) / (at_label * found.scale))


cdef inline double cross_entropy_from_logits(const task* t, double* scratch) noexcept nogil:
    """sum(target (m - x)) + log S sum(target), of a target that is made."""
    cdef double* second = scratch + SCRATCH
    cdef task u = t[0]
    cdef exp_sum s
    cdef measure of_p
    cdef double_sum gaps, total
    cdef double scale = 1
    cdef Py_ssize_t k = 0, j, n
    cdef const double* p
    cdef const double* x
    if t.label < 0:
        of_p = measured(&u.p, t.c, scratch, t.normalize or not t.blended)
        if of_p.largest != of_p.largest or t.normalize and not (of_p.mass > 0):
            return NAN
        if t.normalize:
            divide_by_mass(&u.p, &of_p)
        else:
            u.p.scale = scale = of_p.scale
            u.p.direct = False
    s = sum_exp(&t.q, t, scratch, False, False, -1, False)
    if not proper(&s):
        return NAN
    gaps.high = gaps.low = total.high = total.low = 0
    while k < t.c:
        n = min(t.c - k, block_size(<const double*>scratch))
        x = fetch(&t.q, k, n, second, <double>-INFINITY)
        p = made_target(&u, k, n, scratch)
        for j in range(n):
            add(&total, p[j])
            add(&gaps, p[j] * (s.m - x[j]) if p[j] != 0 else 0.0)
        k += n
    return (cooled(t, value(&gaps))
            + value(&total) * log_total(&s, <const double*>scratch)) / scale
