"""Two rows of logits: two passes for Kullback-Leibler or Jensen-Shannon.

The first finds both log-sum-exps, the second sums terms in d = log(p / q) that are never negative,
and what an error in the log-sum-exps does to them.
"""

from libc.stdint cimport int64_t

from fastdiv.kernels.arithmetic cimport INFINITY, real
from fastdiv.kernels.lanes cimport (
    MAX_LANES, SCRATCH, add, at, block_size, clear, double_sum, lanes, tree_sum,
)
from fastdiv.kernels.logits cimport (
    exp_unit, exp_sum, log_total, proper, reference, rest_of, sum_exp,
)
from fastdiv.kernels.math cimport exp_lane, phi_lane
from fastdiv.kernels.polynomials cimport js_tail, psi_tail
from fastdiv.kernels.scalars cimport exp_scalar
from fastdiv.kernels.sources cimport fetch, tail_of, task

ctypedef struct pair:
    # What the second pass needs of the first: p = exp(x - reference) * factor, and the
    # difference of the two log-sum-exps as an unevaluated sum.
    reference at_p
    reference at_q
    double factor_p
    double factor_q
    double offset
    double offset_low


cdef inline bint pair_ready(
    pair* out, const exp_sum* p, const exp_sum* q, double unit, const real* like
) noexcept nogil:
    """Prepare the second pass; p and q come out multiplied by unit. False: the answer is NaN."""
    cdef double log_p = log_total(p, like), log_q = log_total(q, like)
    cdef double difference = p.m - q.m, part = difference - p.m
    cdef double error = (p.m - (difference - part)) - (q.m + part)
    if not (proper(p) and proper(q) and log_p == log_p and log_q == log_q):
        return False
    out.at_p = p.base
    out.at_q = q.base
    unit /= exp_unit(like)
    out.factor_p = exp_scalar(-p.base.rho) / (p.ties + rest_of(p, like)) * unit
    out.factor_q = exp_scalar(-q.base.rho) / (q.ties + rest_of(q, like)) * unit
    error += log_p - log_q
    out.offset = <real>(difference + error)
    out.offset_low = (difference - out.offset) + error
    return True


cdef inline void logit_pair_step(
    const real* xp, const real* xq, const pair* c, real* terms, real* moment, bint symmetric
) noexcept nogil:
    """KL: terms += p (d + expm1(-d)), moment += q - p. JS: terms += the pair's share,
    moment += (p + q) d / 2. d = log(p / q), exact to 1 u of itself."""
    cdef real shift_p = <real>c.at_p.shift, low_p = <real>c.at_p.low
    cdef real shift_q = <real>c.at_q.shift, low_q = <real>c.at_q.low
    cdef real factor_p = <real>c.factor_p, factor_q = <real>c.factor_q
    cdef real offset = <real>c.offset, offset_low = <real>c.offset_low
    cdef int64_t bias_p = c.at_p.bias, bias_q = c.at_q.bias
    cdef real a, b, p, q, d, part, error, far, near, m
    cdef bint is_near, masked
    cdef Py_ssize_t lane
    for lane in range(lanes(xp)):
        a = xp[lane]
        b = xq[lane]
        p = exp_lane(a, shift_p, low_p, bias_p, True) * factor_p
        q = exp_lane(b, shift_q, low_q, bias_q, True) * factor_q
        d = a - b
        part = d - a
        error = (a - (d - part)) - (b + part)
        error = error if error == error else <real>0
        d = (d - offset) + (error - offset_low)
        # & and not "and": a branch would keep the loop from becoming vector code.
        is_near = (d >= -2) & (d <= 2)
        if symmetric:
            near = (p + q) * (d * d) * js_tail(d * d)
            m = (p + q) * <real>0.5
            part = (p - q) * <real>0.5
            far = <real>0.5 * (phi_lane(p, m, part, False) + phi_lane(q, m, -part, False))
            far = <real>0 if m == 0 else far
            part = <real>0.5 * (p + q) * d
            part = part if is_near else <real>0
        else:
            near = p * (d * d) * psi_tail(-d)
            far = p * d + (q - p)
            # p = 0 has no logarithm to take; a masked q under any p at all is infinite.
            far = q if p == 0 else far
            masked = (b == -INFINITY) & (a > -INFINITY)
            far = <real>INFINITY if masked else far
            part = near - p * d
            part = part if is_near else q - p
        moment[lane] += part
        terms[lane] += near if is_near else far


cdef inline void logit_pair_block(
    const real* xp, const real* xq, Py_ssize_t n, const real* p_tail, const real* q_tail,
    const pair* c, double_sum* terms, double_sum* moment, bint symmetric,
) noexcept nogil:
    cdef real term_lanes[MAX_LANES]
    cdef real moment_lanes[MAX_LANES]
    cdef Py_ssize_t width = lanes(xp), whole = n - n % width, k
    clear(<real*>term_lanes)
    clear(<real*>moment_lanes)
    k = 0
    while k < n:
        logit_pair_step(at(xp, k, whole, p_tail), at(xq, k, whole, q_tail), c,
                        <real*>term_lanes, <real*>moment_lanes, symmetric)
        k += width
    add(terms, tree_sum(<const real*>term_lanes))
    add(moment, tree_sum(<const real*>moment_lanes))


cdef inline bint sum_logit_pair(
    const task* t, real* scratch, double_sum* terms, double_sum* moment, double unit, bint symmetric
) noexcept nogil:
    """Both passes over a pair of rows. False: the answer is NaN."""
    cdef real* second = scratch + SCRATCH
    cdef exp_sum sp = sum_exp(&t.p, t.c, scratch, False)
    cdef exp_sum sq = sum_exp(&t.q, t.c, scratch, False)
    cdef pair constants
    cdef Py_ssize_t k, n
    cdef const real* p
    cdef const real* q
    terms.high = terms.low = moment.high = moment.low = 0
    if not pair_ready(&constants, &sp, &sq, unit, <const real*>scratch):
        return False
    k = 0
    while k < t.c:
        n = min(t.c - k, block_size(<const real*>scratch))
        p = fetch(&t.p, k, n, scratch, <real>-INFINITY)
        q = fetch(&t.q, k, n, second, <real>-INFINITY)
        logit_pair_block(p, q, n, tail_of(<const real*>scratch), tail_of(<const real*>second),
                         &constants, terms, moment, symmetric)
        k += block_size(<const real*>scratch)
    return True
