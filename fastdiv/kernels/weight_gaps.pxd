"""A row of weights against a target, or against itself: one pass for cross-entropy and entropy.

With m the largest q, ``rest`` the sum of the other q and gap = log(m / q) >= 0,

    H(p, q) = log(Sq / m) + sum(p gap) / Sp,

two non-negative terms, the first as exact as log-sum-exp. Entropy is the case q = p.

The pass runs in the type of the input and notices what it cannot do well; such a row is done again
by careful.pxd.
"""

from fastdiv.kernels.arithmetic cimport LN2_HI, LN2_HI_F, finite, fma, real
from fastdiv.kernels.lanes cimport (
    MAX_LANES, SCRATCH, add, at, block_max, block_size, clear, double_sum, lanes, least, tree_sum,
    value,
)
from fastdiv.kernels.math cimport log_mantissa
from fastdiv.kernels.scalars cimport log1p_scalar, log_careful
from fastdiv.kernels.sources cimport fetch, fetch_target, tail_of, task
from fastdiv.kernels.weights cimport least_normal

ctypedef struct gap_sums:
    double m
    double ties             # number of q equal to m
    double exponent         # m = exp(mantissa) 2^exponent
    double mantissa
    double_sum rest         # sum of the q below m
    double_sum gaps         # sum p log(m / q)
    double_sum mass         # sum p
    bint good


cdef inline void gap_step(
    const real* p, const real* q, real m, real exponent, real mantissa,
    real* gaps, real* mass, real* rest, real* ties, real* low,
    bint at_max, bint targeted,
) noexcept nogil:
    cdef Py_ssize_t lane
    cdef real e, f
    for lane in range(lanes(q)):
        e = 0
        f = log_mantissa(q[lane], &e)
        if real is float:
            gaps[lane] += p[lane] * fma(exponent - e, LN2_HI_F, mantissa - f)
        else:
            gaps[lane] += p[lane] * fma(exponent - e, LN2_HI, mantissa - f)
        f = q[lane]
        if at_max:
            f = <real>0 if q[lane] >= m else f
            ties[lane] += <real>1 if q[lane] >= m else <real>0
        rest[lane] += f
        low[lane] = q[lane] if q[lane] < low[lane] else low[lane]
        if targeted:
            mass[lane] += p[lane]
            low[lane] = p[lane] if p[lane] < low[lane] else low[lane]
            f = -p[lane] if q[lane] < least_normal(q) else <real>0
            low[lane] = f if f < low[lane] else low[lane]


cdef inline void gap_block(
    gap_sums* s, const real* p, const real* q, Py_ssize_t n, const real* p_tail,
    const real* q_tail, bint at_max, bint targeted,
) noexcept nogil:
    cdef real gaps[MAX_LANES]
    cdef real mass[MAX_LANES]
    cdef real rest[MAX_LANES]
    cdef real ties[MAX_LANES]
    cdef real low[MAX_LANES]
    cdef real m = <real>s.m, exponent = <real>s.exponent, mantissa = <real>s.mantissa
    cdef Py_ssize_t width = lanes(q), whole = n - n % width, k
    clear(<real*>gaps)
    clear(<real*>mass)
    clear(<real*>rest)
    clear(<real*>ties)
    clear(<real*>low)
    k = 0
    while k < n:
        gap_step(at(p, k, whole, p_tail), at(q, k, whole, q_tail), m, exponent, mantissa,
                 <real*>gaps, <real*>mass, <real*>rest, <real*>ties, <real*>low, at_max, targeted)
        k += width
    add(&s.gaps, tree_sum(<const real*>gaps))
    add(&s.rest, tree_sum(<const real*>rest))
    if targeted:
        add(&s.mass, tree_sum(<const real*>mass))
    if at_max:
        s.ties += tree_sum(<const real*>ties)
    if least(<const real*>low) < 0:
        s.good = False


cdef inline void raise_weight(
    gap_sums* s, double m, const real* like, bint targeted
) noexcept nogil:
    """Make m the largest weight: the gaps of what came before grow by log(m / s.m)."""
    cdef real e = 0
    cdef double before
    if s.m > 0:
        add(&s.rest, s.m * s.ties)
        before = value(&s.mass) if targeted else value(&s.rest)
        add(&s.gaps, before * log1p_scalar((m - s.m) / s.m))
    s.m = m
    s.ties = 0
    # The same function as in the lanes, so that the largest weight's own gap is exactly 0.
    s.mantissa = log_mantissa(<real>m, &e)
    s.exponent = e


cdef inline gap_sums sum_gaps(const task* t, real* scratch, bint targeted) noexcept nogil:
    """The sums of a row q against p (targeted), or against itself."""
    cdef gap_sums s
    cdef Py_ssize_t k, n
    cdef const real* p
    cdef const real* q
    cdef double m
    cdef real* second = scratch + SCRATCH
    s.m = s.ties = s.exponent = s.mantissa = 0
    s.rest.high = s.rest.low = s.gaps.high = s.gaps.low = s.mass.high = s.mass.low = 0
    s.good = True
    k = 0
    while k < t.c:
        n = min(t.c - k, block_size(<const real*>scratch))
        if targeted:
            p = fetch_target(t, k, n, scratch)
            q = fetch(&t.q, k, n, second, <real>0)
        else:
            q = fetch(&t.p, k, n, second, <real>0)
            p = q
        m = block_max(q, n, tail_of(<const real*>second))
        if t.normalize and m > s.m:
            raise_weight(&s, m, q, targeted)
        gap_block(&s, p, q, n, tail_of(<const real*>(scratch if targeted else second)),
                  tail_of(<const real*>second), t.normalize and m == s.m, targeted)
        if not s.good:
            return s
        k += block_size(<const real*>scratch)
    # An infinite q is the maximum, whose own gap is 0: only m shows it.
    s.good = (finite(s.m) and finite(s.gaps.high) and finite(s.rest.high)
              and finite(s.mass.high))
    return s


cdef inline double log_total_weight(const gap_sums* s) noexcept nogil:
    """log(sum q / m) >= 0, small values to full relative accuracy."""
    cdef double rest = value(&s.rest) / s.m
    return log1p_scalar(rest) if s.ties == 1 else log_careful(s.ties + rest)
