"""The rows that the fast passes give back, in double, element by element.

Weight where q is 0 or subnormal, sums that differ, weights near the ends of the range, results too
small for the type, and everything that ends in NaN. Whatever the weights, as long as none is
negative, infinite or NaN, the answer is the one of the formulas in weights.pxd.
"""

from fastdiv.kernels.arithmetic cimport INFINITY, LN2_HI, NAN, fma, ldexp
from fastdiv.kernels.lanes cimport SCRATCH, block_max, block_size
from fastdiv.kernels.logit_sums cimport sum_exp
from fastdiv.kernels.logits cimport exp_sum, log_total, proper
from fastdiv.kernels.scalars cimport (
    close, log1p_excess, log1p_lane, log_careful, log_quotient, phi_careful,
)
from fastdiv.kernels.sources cimport (
    cooled, element, fetch, fetch_target, source, tail_of, task,
)
from fastdiv.kernels.sums cimport add, double_sum, value
from fastdiv.kernels.weight_gaps cimport gap_sums, log_total_weight
from fastdiv.kernels.weight_pairs cimport pair_sums
from fastdiv.kernels.weights cimport weight_block

cdef extern from "math.h" nogil:
    double frexp(double x, int* exponent) noexcept

ctypedef struct measure:
    double largest          # NaN if some weight is negative, infinite or NaN
    double scale            # the power of two that brings it next to 1, or 1
    double mass             # the sum of the weights times that


cdef inline measure measured(
    const source* s, Py_ssize_t c, double* scratch, bint rescale
) noexcept nogil:
    cdef measure found
    cdef double_sum total
    cdef double lowest = 0
    cdef Py_ssize_t k = 0, n, j
    cdef int exponent = 0
    cdef const double* x
    found.largest = 0
    found.scale = 1
    total.high = total.low = 0
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
    if not rescale or found.largest == 0:
        return found
    frexp(found.largest, &exponent)
    found.scale = ldexp(1.0, max(-1000, min(1000, 1 - exponent)))
    if -900 < exponent < 900:
        found.mass *= found.scale
        return found
    # Too near the ends of the range to scale the sum.
    total.high = total.low = 0
    k = 0
    while k < c:
        n = min(c - k, block_size(<const double*>scratch))
        x = fetch(s, k, n, scratch, <double>0)
        for j in range(n):
            add(&total, x[j] * found.scale)
        k += n
    found.mass = value(&total)
    return found


cdef inline double faint_phi(
    double p, double q, double scaled_p, double scaled_q, double log_ratio
) noexcept nogil:
    """phi of two scaled weights of which one is lost to the scaling, from what they were.

    log_ratio: the logarithm of the two scales' quotient.
    """
    if scaled_p == 0:
        return INFINITY if p > 0 and q == 0 else scaled_q
    return fma(scaled_p, log_careful(p) - log_careful(q) + log_ratio, scaled_q - scaled_p)


cdef inline void careful_pair_block(
    pair_sums* s, const double* p, const double* q, Py_ssize_t n, double scale_p, double scale_q,
    double factor, bint symmetric,
) noexcept nogil:
    """As pair_block, of scale_p * p against factor * scale_q * q, for any non-negative weights."""
    cdef Py_ssize_t j
    cdef double a, b, d, m, f
    cdef double log_ratio = log_careful(scale_p) - log_careful(scale_q) - log_careful(factor)
    for j in range(n):
        a = p[j] * scale_p
        b = q[j] * scale_q * factor
        # One rounding: what a row and its multiple differ by is known to the last digit.
        d = fma(-(q[j] * scale_q), factor, a)
        add(&s.delta, d)
        if symmetric:
            m = (a + b) * 0.5
            # Two of the smallest numbers, whose mean is rounded to 0, add nothing.
            f = phi_careful(b, m, -0.5 * d) if m > 0 else 0
            add(&s.phi_q, f)
            add(&s.phi, phi_careful(a, m, 0.5 * d) + f if m > 0 else 0)
        elif (b < 1e-290 and q[j] > 0) or (a == 0 and p[j] > 0):
            add(&s.phi, faint_phi(p[j], q[j], a, b, log_ratio))
        else:
            add(&s.phi, phi_careful(a, b, d))


cdef inline void plain_block(
    double_sum* s, double_sum* large, const double* p, const double* q, Py_ssize_t n,
    bint symmetric,
) noexcept nogil:
    """Add the terms of a block as they stand: p log(p / q), or those of Jensen-Shannon.

    Next to the end of the range p + q is infinite where the term is not: those terms, times
    2^-10, have a sum of their own.
    """
    cdef Py_ssize_t j
    cdef double a, b, m, term
    cdef bint is_large
    for j in range(n):
        if symmetric:
            is_large = p[j] > 2.0 ** 1000 or q[j] > 2.0 ** 1000
        else:
            # Over a small q the term is as large as p log(p / q) says, or infinite.
            is_large = p[j] > 2.0 ** 1000 and q[j] > 2.0 ** -900
        a = p[j] * 2.0 ** -10 if is_large else p[j]
        b = q[j] * 2.0 ** -10 if is_large else q[j]
        if symmetric:
            m = (a + b) * 0.5
            term = phi_careful(a, m, (a - b) * 0.5) + phi_careful(b, m, (b - a) * 0.5)
            term = 0.5 * term if m > 0 else 0
        else:
            term = phi_careful(a, b, a - b if close(a, b) else 0)
        add(large if is_large else s, term)
        if not symmetric and close(a, b):
            # phi + (p - q)
            add(large if is_large else s, a - b)


cdef inline pair_sums careful_pair(
    source p, source q, Py_ssize_t c, bint normalize, bint symmetric, double* scratch
) noexcept nogil:
    """The sums over p and factor * q, scaled, factor making their masses equal; not good: the
    answer is NaN. normalize=False: neither, and ``phi`` is the answer."""
    cdef double* second = scratch + SCRATCH
    cdef pair_sums s
    cdef double_sum large
    cdef measure of_p = measured(&p, c, scratch, normalize)
    cdef measure of_q = measured(&q, c, second, normalize)
    cdef double factor = 1
    cdef Py_ssize_t k, n
    cdef const double* x
    cdef const double* y
    s.phi.high = s.phi.low = s.phi_q.high = s.phi_q.low = 0
    s.delta.high = s.delta.low = s.mass.low = large.high = large.low = 0
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
        if normalize:
            careful_pair_block(&s, x, y, n, of_p.scale, of_q.scale, factor, symmetric)
        else:
            plain_block(&s.phi, &large, x, y, n, symmetric)
        k += block_size(<const double*>scratch)
    if large.high != 0:
        # In this order: what is infinite now may not be with the smaller terms.
        add(&large, value(&s.phi) * 2.0 ** -10)
        s.phi.high = value(&large) * 2.0 ** 10
        s.phi.low = 0
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
        return value(&s.phi)
    e = -value(&s.delta) / total
    js = 0.5 * value(&s.phi) / total - 0.125 * e * e - 0.5 * e * value(&s.phi_q) / total
    return 0.0 if js < 0 or t.c == 1 else min(js, ln2)


# ------------------------------------------------------------------------- one row and a target

cdef inline double against(const task* t, double* scratch, bint targeted) noexcept nogil:
    """H(p, q), or H(p, p)."""
    cdef double* second = scratch + SCRATCH
    cdef source row = t.q if targeted else t.p
    cdef gap_sums s
    cdef measure of_q = measured(&row, t.c, second, t.normalize)
    cdef measure of_p = of_q
    cdef double total, gap
    cdef bint lost
    cdef Py_ssize_t k, j, n
    cdef const double* p
    cdef const double* q
    if targeted:
        of_p.scale = 1
        if not t.blended:
            of_p = measured(&t.p, t.c, scratch, True)
    if of_q.largest != of_q.largest or of_p.largest != of_p.largest:
        return NAN
    if t.normalize and (not (of_q.mass > 0) or not (of_p.mass > 0)):
        return NAN
    s.m = of_q.largest * of_q.scale
    s.ties = 0
    s.rest.high = s.rest.low = s.gaps.high = s.gaps.low = s.mass.high = s.mass.low = 0
    k = 0
    while k < t.c:
        n = min(t.c - k, block_size(<const double*>scratch))
        q = fetch(&row, k, n, second, <double>0)
        p = fetch_target(t, k, n, scratch) if targeted else q
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
        u.p.scale = of_p.scale
        u.p.divisor = of_p.mass if t.normalize else 1
        u.p.direct = False
        scale = 1 if t.normalize else of_p.scale
    s = sum_exp(&t.q, t, scratch, False, False, -1)
    if not proper(&s):
        return NAN
    gaps.high = gaps.low = total.high = total.low = 0
    while k < t.c:
        n = min(t.c - k, block_size(<const double*>scratch))
        x = fetch(&t.q, k, n, second, <double>-INFINITY)
        p = fetch_target(&u, k, n, scratch)
        for j in range(n):
            add(&total, p[j])
            add(&gaps, p[j] * (s.m - x[j]) if p[j] != 0 else 0.0)
        k += n
    return (cooled(t, value(&gaps))
            + value(&total) * log_total(&s, <const double*>scratch)) / scale
