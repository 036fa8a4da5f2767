"""The rows that the fast passes give back, in double, element by element.

Weight where q is 0 or subnormal, sums that differ, weights near the ends of the range, results too
small for the type, and everything that ends in NaN. Whatever the weights, as long as none is
negative, infinite or NaN, the answer is the one of the formulas in weights.pxd.
"""

cimport fastdiv.kernels.logit_rows as logit_rows
from fastdiv.kernels.arithmetic cimport INFINITY, LN2_HI, NAN, fma, ldexp
from fastdiv.kernels.lanes cimport SCRATCH, block_max, block_size
from fastdiv.kernels.scalars cimport close, log1p_excess, log1p_scalar, log_careful, phi_careful
from fastdiv.kernels.sources cimport element, fetch, fetch_target, source, tail_of, task
from fastdiv.kernels.sums cimport add, double_sum, value
from fastdiv.kernels.weight_gaps cimport gap_sums, log_total_weight
from fastdiv.kernels.weight_pairs cimport pair_sums
from fastdiv.kernels.weights cimport weight_block, without

cdef extern from "math.h" nogil:
    double frexp(double x, int* exponent) noexcept

ctypedef struct measure:
    double largest          # NaN if some weight is negative, infinite or NaN
    double mass


cdef inline measure measured(source* s, Py_ssize_t c, double* scratch, bint rescale) noexcept nogil:
    """Largest weight and sum of a row. rescale: the source is first divided by the power of two
    that brings the largest weight into [1, 2)."""
    cdef measure found
    cdef double_sum total
    cdef double lowest = 0
    cdef Py_ssize_t k, n
    cdef int exponent = 0, _turn
    cdef const double* x
    for _turn in range(2):
        total.high = total.low = found.largest = 0
        k = 0
        while k < c:
            n = min(c - k, block_size(<const double*>scratch))
            x = fetch(s, k, n, scratch, <double>0)
            found.largest = max(found.largest, block_max(x, n, tail_of(<const double*>scratch)))
            lowest = weight_block(x, n, tail_of(<const double*>scratch), &total, lowest)
            k += n
        found.mass = value(&total)
        if lowest < 0 or not (found.largest < INFINITY) or found.mass != found.mass:
            found.largest = NAN
            return found
        frexp(found.largest, &exponent)
        exponent = max(-1000, min(1000, exponent - 1))
        if not rescale or found.largest == 0 or exponent == 0:
            return found
        s.divisor *= ldexp(1.0, exponent)
        s.direct = False
        if -900 < exponent < 900:
            found.largest = ldexp(found.largest, -exponent)
            found.mass = ldexp(found.mass, -exponent)
            return found
        # Too near the ends of the range to scale the sum: once more, over the scaled row.
    return found


cdef inline void careful_pair_block(
    pair_sums* s, const double* p, const double* q, Py_ssize_t n, double factor, bint symmetric
) noexcept nogil:
    """As pair_block, against factor * q, for any non-negative weights."""
    cdef Py_ssize_t j
    cdef double d, m, f, scaled
    for j in range(n):
        scaled = q[j] * factor
        # One rounding: what a row and its multiple differ by is known to the last digit.
        d = fma(-q[j], factor, p[j])
        if symmetric:
            m = (p[j] + scaled) * 0.5
            # Two of the smallest numbers, whose mean is rounded to 0, add nothing.
            f = phi_careful(scaled, m, -0.5 * d) if m > 0 else 0
            add(&s.phi_q, f)
            add(&s.phi, phi_careful(p[j], m, 0.5 * d) + f if m > 0 else 0)
        else:
            add(&s.phi, phi_careful(p[j], scaled, d))
        add(&s.delta, d)


cdef inline void plain_block(
    double_sum* s, const double* p, const double* q, Py_ssize_t n
) noexcept nogil:
    """Add the terms p log(p / q) of a block as they stand: phi + (p - q), or directly."""
    cdef Py_ssize_t j
    for j in range(n):
        add(s, phi_careful(p[j], q[j], p[j] - q[j] if close(p[j], q[j]) else 0))
        if close(p[j], q[j]):
            add(s, p[j] - q[j])


cdef inline pair_sums careful_pair(
    source p, source q, Py_ssize_t c, bint normalize, bint symmetric, double* scratch
) noexcept nogil:
    """The sums over p and factor * q, factor making their masses equal; not good: the answer is
    NaN. normalize=False: no factor, and ``phi`` is sum p log(p / q) unless symmetric."""
    cdef double* second = scratch + SCRATCH
    cdef pair_sums s
    cdef measure of_p = measured(&p, c, scratch, normalize)
    cdef measure of_q = measured(&q, c, second, normalize)
    cdef double factor = 1
    cdef Py_ssize_t k, n
    cdef const double* x
    cdef const double* y
    s.phi.high = s.phi.low = s.phi_q.high = s.phi_q.low = 0
    s.delta.high = s.delta.low = s.mass.low = 0
    s.mass.high = of_p.mass
    s.good = of_p.largest == of_p.largest and of_q.largest == of_q.largest
    if normalize:
        s.good = s.good and of_p.mass > 0 and of_q.mass > 0
        factor = of_p.mass / of_q.mass
    if not s.good:
        return s
    k = 0
    while k < c:
        n = min(c - k, block_size(<const double*>scratch))
        x = fetch(&p, k, n, scratch, <double>0)
        y = fetch(&q, k, n, second, <double>0)
        if normalize or symmetric:
            careful_pair_block(&s, x, y, n, factor, symmetric)
        else:
            plain_block(&s.phi, x, y, n)
        k += block_size(<const double*>scratch)
    return s


cdef inline double kl_divergence(const task* t, double* scratch) noexcept nogil:
    cdef pair_sums s = careful_pair(t.p, t.q, t.c, t.normalize, False, scratch)
    cdef double kl, total = value(&s.mass)
    if not s.good:
        return NAN
    if not t.normalize:
        return value(&s.phi)
    kl = value(&s.phi) / total - log1p_excess(-value(&s.delta) / total)
    return 0.0 if kl < 0 or t.c == 1 else kl


cdef inline double js_divergence(const task* t, double* scratch) noexcept nogil:
    cdef pair_sums s = careful_pair(t.p, t.q, t.c, t.normalize, True, scratch)
    cdef double js, e, total = value(&s.mass), ln2 = LN2_HI
    if not s.good:
        return NAN
    if not t.normalize:
        return 0.5 * value(&s.phi)
    e = -value(&s.delta) / total
    js = 0.5 * value(&s.phi) / total - 0.125 * e * e - 0.5 * e * value(&s.phi_q) / total
    return 0.0 if js < 0 or t.c == 1 else min(js, ln2)


# ------------------------------------------------------------------------- one row and a target

cdef inline double against(const task* t, double* scratch, bint targeted) noexcept nogil:
    """H(p, q), or H(p, p)."""
    cdef double* second = scratch + SCRATCH
    cdef source row = t.q if targeted else t.p
    cdef source target = t.p
    cdef gap_sums s
    cdef measure of_q = measured(&row, t.c, second, t.normalize)
    cdef measure of_p = of_q
    cdef double log_m = 0, total, gap
    cdef Py_ssize_t k, j, n
    cdef const double* p
    cdef const double* q
    if targeted and not t.blended:
        of_p = measured(&target, t.c, scratch, True)
    if of_q.largest != of_q.largest or of_p.largest != of_p.largest:
        return NAN
    if t.normalize:
        if not (of_q.mass > 0) or not (of_p.mass > 0):
            return NAN
        log_m = log_careful(of_q.largest)
    s.m = of_q.largest
    s.ties = 0
    s.rest.high = s.rest.low = s.gaps.high = s.gaps.low = s.mass.high = s.mass.low = 0
    k = 0
    while k < t.c:
        n = min(t.c - k, block_size(<const double*>scratch))
        q = fetch(&row, k, n, second, <double>0)
        if not targeted:
            p = q
        elif t.blended:
            p = fetch_target(t, k, n, scratch)
        else:
            p = fetch(&target, k, n, scratch, <double>0)
        for j in range(n):
            gap = log_m - log_careful(q[j])
            add(&s.gaps, 0.0 if p[j] == 0 else p[j] * gap)
            add(&s.mass, p[j])
            s.ties += q[j] == s.m
            add(&s.rest, 0.0 if q[j] == s.m else q[j])
        k += n
    if not t.normalize:
        return value(&s.gaps) * (target.divisor / t.p.divisor if targeted else 1.0)
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
    cdef source q = t.q
    cdef Py_ssize_t k, n, y = t.label
    cdef measure found = measured(&q, t.c, scratch, t.normalize)
    cdef double at_label = element(&q, y, <double>0)
    cdef double_sum others
    cdef const double* x
    if found.largest != found.largest:
        return NAN
    if not t.normalize:
        return -log_careful(at_label)
    if not (found.mass > 0):
        return NAN
    if at_label < found.mass * 2.0 ** -60:
        # The other weights are the sum, to the last digit; the quotient might overflow.
        return log_careful(found.mass) - log_careful(at_label)
    others.high = others.low = 0
    k = 0
    while k < t.c:
        n = min(t.c - k, block_size(<const double*>scratch))
        x = fetch(&q, k, n, scratch, <double>0)
        if k <= y < k + n:
            x = without(x, n, y - k, scratch)
        weight_block(x, n, tail_of(<const double*>scratch), &others, <double>0)
        k += n
    return log1p_scalar(value(&others) / at_label)


cdef inline double cross_entropy_from_logits(const task* t, double* scratch) noexcept nogil:
    """The row function again, on a target brought into range."""
    cdef task u = t[0]
    cdef measure of_p
    cdef double result
    if t.blended:
        return logit_rows.cross_entropy_from_logits(t, scratch)
    of_p = measured(&u.p, t.c, scratch, True)
    if of_p.largest != of_p.largest:
        return NAN
    result = logit_rows.cross_entropy_from_logits(&u, scratch)
    return result if t.normalize else result * (u.p.divisor / t.p.divisor)
