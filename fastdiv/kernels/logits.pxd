"""What every kernel from logits is made of: one pass over a row keeps its log-sum-exp.

With m the largest logit so far, ``ties`` counts the logits equal to it and ``rest`` is the sum of
exp(x - reference) over the others, the reference being a multiple of ln 2 next to m:

    log sum exp x = m + log(ties + rest exp(reference - m)).

The maximum's own 1 is never added to the rest, so that a confident row's loss, log(1 + rest),
keeps all its digits down to the smallest number of the type (log(sum) has none below 1e-7).
A reference that is a power of two makes a change of maximum an exact scaling.
"""

from libc.stdint cimport int64_t

from fastdiv.kernels.lanes cimport (
    MAX_LANES, SCRATCH, add, at, block_max, block_size, clear, double_sum, lanes, multiply, tree_sum, value,
)
from fastdiv.kernels.math cimport (
    EXP_SCALE_F32, EXP_SCALE_F64, INFINITY, LN2_HI, LN2_LO, LOG2E, ROUNDER, exp_lane, exp_scalar,
    fma, js_tail, ldexp, log1p_scalar, log_careful, phi_lane, psi_tail, real,
)
from fastdiv.kernels.sources cimport fetch, source, tail_of, task

ctypedef struct reference:
    # exp is taken of x - (shift + power ln 2), which is x - m + rho.
    double shift
    double power
    double rho
    double low              # logits below shift + low count as probability 0
    int64_t bias

ctypedef struct exp_sum:
    double m
    double ties
    reference at
    double_sum rest         # sum of exp(x - reference), times 2^EXP_SCALE
    double_sum spread       # sum of exp(x - reference) (m - x), likewise


cdef inline int exp_scale(const real* like) noexcept nogil:
    if real is float:
        return EXP_SCALE_F32
    else:
        return EXP_SCALE_F64


cdef inline reference reference_for(double m, const real* like) noexcept nogil:
    """The reference next to m.

    Past 2^16 (float) or 2^32 (double) m itself is the shift: logits that count are then within
    a factor of two of m and x - m is exact, while n ln 2 would begin to lose digits.
    """
    cdef reference r
    cdef double range = 65536.0 if real is float else 4294967296.0
    cdef int bias = (127 if real is float else 1023) + exp_scale(like)
    r.shift = 0
    r.power = 0
    r.rho = 0
    if -range < m < range:
        r.power = (m * LOG2E + ROUNDER) - ROUNDER
        r.rho = fma(-r.power, LN2_LO, fma(-r.power, LN2_HI, m))
    else:
        r.shift = m
    r.low = (r.power - bias) * LN2_HI
    r.bias = bias - <int64_t>r.power
    return r


cdef inline double reference_ratio(const reference* old, const reference* new) noexcept nogil:
    """exp(old reference - new reference); an exact power of two unless the logits are huge."""
    cdef double steps = old.power - new.power
    if old.shift == 0 and new.shift == 0:
        return ldexp(1.0, <int>steps) if steps > -4000 else 0.0
    return exp_scalar(fma(steps, LN2_HI, old.shift - new.shift) + steps * LN2_LO)


cdef inline void start(exp_sum* s, const real* like) noexcept nogil:
    s.m = -INFINITY
    s.ties = 0
    s.at = reference_for(-INFINITY, like)
    s.rest.high = s.rest.low = s.spread.high = s.spread.low = 0


cdef inline void raise_max(exp_sum* s, double m, const real* like) noexcept nogil:
    """Make m the maximum: what equalled the old one joins the rest."""
    cdef reference at = reference_for(m, like)
    cdef double ratio = 0
    if s.m > -INFINITY:
        ratio = reference_ratio(&s.at, &at)
        add(&s.rest, ldexp(s.ties * exp_scalar(s.at.rho), exp_scale(like)))
        if m < INFINITY:
            # Every gap grows by m - s.m.
            add(&s.spread, value(&s.rest) * (m - s.m))
    multiply(&s.rest, ratio)
    multiply(&s.spread, ratio)
    s.m = m
    s.ties = 0
    s.at = at


cdef inline void exp_step(
    const real* x, real m, real shift, real low, int64_t bias,
    real* rest, real* spread, real* ties, bint at_max, bint spreads,
) noexcept nogil:
    """One set of lanes. at_max: some x equal m; not (x >= m) lets NaN through to the sum."""
    cdef Py_ssize_t l
    cdef real e
    for l in range(lanes(x)):
        e = exp_lane(x[l], shift, low, bias)
        if at_max:
            e = <real>0 if x[l] >= m else e
            ties[l] += <real>1 if x[l] >= m else <real>0
        rest[l] += e
        if spreads:
            # e = 0 takes out the -inf logits, whose gap is infinite.
            spread[l] += <real>0 if e == 0 else e * (m - x[l])


cdef inline void exp_block(
    exp_sum* s, const real* x, Py_ssize_t n, const real* tail, bint at_max, bint spreads
) noexcept nogil:
    cdef real rest[MAX_LANES]
    cdef real spread[MAX_LANES]
    cdef real ties[MAX_LANES]
    cdef real m = <real>s.m, shift = <real>s.at.shift, low = <real>s.at.low
    cdef Py_ssize_t width = lanes(x), whole = n - n % width, k
    clear(<real*>rest)
    clear(<real*>spread)
    clear(<real*>ties)
    k = 0
    while k < n:
        exp_step(at(x, k, whole, tail), m, shift, low, s.at.bias, <real*>rest, <real*>spread,
                 <real*>ties, at_max, spreads)
        k += width
    add(&s.rest, tree_sum(<const real*>rest))
    if spreads:
        add(&s.spread, tree_sum(<const real*>spread))
    if at_max:
        s.ties += tree_sum(<const real*>ties)


cdef inline void absorb(
    exp_sum* s, const real* x, Py_ssize_t n, const real* tail, bint spreads
) noexcept nogil:
    """Take a block into the sums. Below the maximum no comparison with it is needed."""
    cdef double m = block_max(x, n, tail)
    if m > s.m:
        raise_max(s, m, x)
    if m == s.m:
        exp_block(s, x, n, tail, True, spreads)
    else:
        exp_block(s, x, n, tail, False, spreads)


cdef inline exp_sum sum_exp(const source* x, Py_ssize_t c, real* scratch, bint spreads) noexcept nogil:
    """The sums of a whole row."""
    cdef exp_sum s
    cdef Py_ssize_t k, n
    cdef const real* block
    start(&s, <const real*>scratch)
    k = 0
    while k < c:
        n = min(c - k, block_size(<const real*>scratch))
        block = fetch(x, k, n, scratch, <real>-INFINITY)
        absorb(&s, block, n, tail_of(<const real*>scratch), spreads)
        k += block_size(<const real*>scratch)
    return s


cdef inline bint proper(const exp_sum* s) noexcept nogil:
    """Whether the row is a distribution: some logit above -inf and none +inf."""
    return -INFINITY < s.m < INFINITY


cdef inline double rest_of(const exp_sum* s, const real* like) noexcept nogil:
    """The sum of exp(x - m) over the logits below m."""
    return ldexp(value(&s.rest) * exp_scalar(-s.at.rho), -exp_scale(like))


cdef inline double log_total(const exp_sum* s, const real* like) noexcept nogil:
    """log sum exp(x - m) >= 0, small values to full relative accuracy."""
    cdef double rest = rest_of(s, like)
    return log1p_scalar(rest) if s.ties == 1 else log_careful(s.ties + rest)


# --------------------------------------------------------------------------------- pairs of rows

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
    pair* out, const exp_sum* p, const exp_sum* q, int scale, const real* like
) noexcept nogil:
    """Prepare the second pass; p and q come out multiplied by 2^scale. False: the answer is NaN."""
    cdef double log_p = log_total(p, like), log_q = log_total(q, like)
    cdef double difference = p.m - q.m, part = difference - p.m
    cdef double error = (p.m - (difference - part)) - (q.m + part)
    if not (proper(p) and proper(q) and log_p == log_p and log_q == log_q):
        return False
    out.at_p = p.at
    out.at_q = q.at
    out.factor_p = ldexp(
        exp_scalar(-p.at.rho) / (p.ties + rest_of(p, like)), scale - exp_scale(like))
    out.factor_q = ldexp(
        exp_scalar(-q.at.rho) / (q.ties + rest_of(q, like)), scale - exp_scale(like))
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
    cdef Py_ssize_t l
    for l in range(lanes(xp)):
        a = xp[l]
        b = xq[l]
        p = exp_lane(a, shift_p, low_p, bias_p) * factor_p
        q = exp_lane(b, shift_q, low_q, bias_q) * factor_q
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
            far = <real>0.5 * (phi_lane(p, m, part) + phi_lane(q, m, -part))
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
        moment[l] += part
        terms[l] += near if is_near else far


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
    const task* t, real* scratch, double_sum* terms, double_sum* moment, int scale, bint symmetric
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
    if not pair_ready(&constants, &sp, &sq, scale, <const real*>scratch):
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
