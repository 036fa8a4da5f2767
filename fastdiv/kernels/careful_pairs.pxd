"""Pairs of rows that the fast passes give back, in double, element by element.

Weight where q is 0 or subnormal, sums that differ, weights near the ends of the range, results too
small for the type, and everything that ends in NaN. Whatever the weights, as long as none is
negative, infinite or NaN, the answer is the one of the formulas in weight_pairs.pxd.
"""

from fastdiv.kernels.arithmetic cimport INFINITY, LN2_HI, NAN, fma
from fastdiv.kernels.double_sums cimport add, double_sum, value
from fastdiv.kernels.lanes cimport SCRATCH, block_size
from fastdiv.kernels.measures cimport measure, measured
from fastdiv.kernels.scalars cimport close, log1p_excess, log_careful, phi_careful
from fastdiv.kernels.sources cimport fetch
from fastdiv.kernels.tasks cimport source, task
from fastdiv.kernels.weight_pairs cimport pair_sums


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
