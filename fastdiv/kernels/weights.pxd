"""What the kernels from probabilities (or any non-negative weights) are made of.

Pairs of rows. With phi(p, q) = p log(p / q) - p + q >= 0, G = sum phi, Sp = sum p and
e = sum(q - p) / Sp, the divergence of the normalised rows is

    KL = G / Sp - (e - log1p(e)),

in one pass, with nothing that cancels as long as the sums are about equal. Jensen-Shannon is
sum (phi(p, m) + phi(q, m)) / 2 with m = (p + q) / 2.

One row against a target. With m the largest q, ``rest`` the sum of the other q and
gap = log(m / q) >= 0,

    H(p, q) = log(Sq / m) + sum(p gap) / Sp,

two non-negative terms, the first as exact as log-sum-exp. Entropy is the case q = p.

These passes run in the type of the input and notice what they cannot do well; such a row is done
again by careful.pxd.
"""

from fastdiv.kernels.lanes cimport (
    MAX_LANES, SCRATCH, add, at, block_max, block_size, clear, double_sum, lanes,
    least, tree_sum, value,
)
from fastdiv.kernels.math cimport (
    LN2_HI, LN2_HI_F, finite, fma, log1p_scalar, log_careful, log_mantissa, phi_lane, real,
)
from fastdiv.kernels.sources cimport fetch, fetch_target, tail_of, task

ctypedef struct pair_sums:
    double_sum phi          # sum phi(p, q), or for Jensen-Shannon sum phi(p, m) + phi(q, m)
    double_sum phi_q        # sum phi(q, m)
    double_sum delta        # sum (p - q)
    double_sum mass         # sum p
    bint good               # False: the fast pass met what only the careful one can do

ctypedef struct gap_sums:
    double m
    double ties             # number of q equal to m
    double exponent         # m = exp(mantissa) 2^exponent
    double mantissa
    double_sum rest         # sum of the q below m
    double_sum gaps         # sum p log(m / q)
    double_sum mass         # sum p
    bint good


cdef inline real least_normal(const real* like) noexcept nogil:
    if real is float:
        return <float>1.1754943508222875e-38
    else:
        return 2.2250738585072014e-308


cdef inline double unit(const real* like) noexcept nogil:
    """u, half a unit in the last place of 1."""
    return 2.0 ** -24 if real is float else 2.0 ** -53


cdef inline double faint(const real* like) noexcept nogil:
    """Below this a sum may have lost digits to underflow."""
    return 2.0 ** -60 if real is float else 2.0 ** -900


# ----------------------------------------------------------------------------- pairs, fast pass

cdef inline void pair_step(
    const real* p, const real* q, real* phi, real* phi_q, real* delta, real* mass,
    real* low, bint symmetric,
) noexcept nogil:
    cdef Py_ssize_t l
    cdef real d, m, f
    for l in range(lanes(p)):
        d = p[l] - q[l]
        if symmetric:
            m = (p[l] + q[l]) * <real>0.5
            f = phi_lane(q[l], m, <real>-0.5 * d)
            phi[l] += phi_lane(p[l], m, <real>0.5 * d) + f
            phi_q[l] += f
        else:
            phi[l] += phi_lane(p[l], q[l], d)
        delta[l] += d
        mass[l] += p[l]
        low[l] = p[l] if p[l] < low[l] else low[l]
        low[l] = q[l] if q[l] < low[l] else low[l]
        # Weight on a q that is 0 or subnormal is marked like a negative weight.
        f = -p[l] if q[l] < least_normal(p) else <real>0
        low[l] = f if f < low[l] else low[l]


cdef inline void pair_block(
    pair_sums* s, const real* p, const real* q, Py_ssize_t n,
    const real* p_tail, const real* q_tail, bint symmetric,
) noexcept nogil:
    cdef real phi[MAX_LANES]
    cdef real phi_q[MAX_LANES]
    cdef real delta[MAX_LANES]
    cdef real mass[MAX_LANES]
    cdef real low[MAX_LANES]
    cdef Py_ssize_t width = lanes(p), whole = n - n % width, k
    clear(<real*>phi)
    clear(<real*>phi_q)
    clear(<real*>delta)
    clear(<real*>mass)
    clear(<real*>low)
    k = 0
    while k < n:
        pair_step(at(p, k, whole, p_tail), at(q, k, whole, q_tail), <real*>phi, <real*>phi_q,
                  <real*>delta, <real*>mass, <real*>low, symmetric)
        k += width
    add(&s.phi, tree_sum(<const real*>phi))
    if symmetric:
        add(&s.phi_q, tree_sum(<const real*>phi_q))
    add(&s.delta, tree_sum(<const real*>delta))
    add(&s.mass, tree_sum(<const real*>mass))
    if least(<const real*>low) < 0:
        s.good = False


cdef inline pair_sums sum_pair(const task* t, real* scratch, bint symmetric) noexcept nogil:
    cdef pair_sums s
    cdef Py_ssize_t k, n
    cdef const real* p
    cdef const real* q
    cdef real* second = scratch + SCRATCH
    s.phi.high = s.phi.low = s.phi_q.high = s.phi_q.low = 0
    s.delta.high = s.delta.low = s.mass.high = s.mass.low = 0
    s.good = True
    k = 0
    while k < t.c:
        n = min(t.c - k, block_size(<const real*>scratch))
        p = fetch(&t.p, k, n, scratch, <real>0)
        q = fetch(&t.q, k, n, second, <real>0)
        pair_block(&s, p, q, n, tail_of(<const real*>scratch), tail_of(<const real*>second),
                   symmetric)
        if not s.good:
            return s
        k += block_size(<const real*>scratch)
    s.good = finite(s.phi.high) and finite(s.delta.high) and finite(s.mass.high)
    return s


# ------------------------------------------------------------- one row and a target, fast pass

cdef inline void gap_step(
    const real* p, const real* q, real m, real exponent, real mantissa,
    real* gaps, real* mass, real* rest, real* ties, real* low,
    bint at_max, bint targeted,
) noexcept nogil:
    cdef Py_ssize_t l
    cdef real e, f
    for l in range(lanes(q)):
        e = 0
        f = log_mantissa(q[l], &e)
        if real is float:
            gaps[l] += p[l] * fma(exponent - e, LN2_HI_F, mantissa - f)
        else:
            gaps[l] += p[l] * fma(exponent - e, LN2_HI, mantissa - f)
        f = q[l]
        if at_max:
            f = <real>0 if q[l] >= m else f
            ties[l] += <real>1 if q[l] >= m else <real>0
        rest[l] += f
        low[l] = q[l] if q[l] < low[l] else low[l]
        if targeted:
            mass[l] += p[l]
            low[l] = p[l] if p[l] < low[l] else low[l]
            f = -p[l] if q[l] < least_normal(q) else <real>0
            low[l] = f if f < low[l] else low[l]


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


cdef inline void raise_weight(gap_sums* s, double m, const real* like, bint targeted) noexcept nogil:
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
    s.good = finite(s.gaps.high) and finite(s.rest.high) and finite(s.mass.high)
    return s


cdef inline double log_total_weight(const gap_sums* s) noexcept nogil:
    """log(sum q / m) >= 0, small values to full relative accuracy."""
    cdef double rest = value(&s.rest) / s.m
    return log1p_scalar(rest) if s.ties == 1 else log_careful(s.ties + rest)


# ------------------------------------------------------------------------------ a row and a label

cdef inline const real* without(
    const real* x, Py_ssize_t n, Py_ssize_t y, real* scratch
) noexcept nogil:
    """A copy of a block, and of its tail, with 0 at y."""
    cdef Py_ssize_t j, whole = n - n % lanes(x)
    if x != scratch:
        for j in range(n):
            scratch[j] = x[j]
    scratch[y] = 0
    if y >= whole:
        scratch[block_size(x) + y - whole] = 0
    return scratch


cdef inline real weight_block(
    const real* x, Py_ssize_t n, const real* tail, double_sum* total, real lowest
) noexcept nogil:
    """Add a block up; its least element, or ``lowest`` if that is less, comes back."""
    cdef real sums[MAX_LANES]
    cdef real low[MAX_LANES]
    cdef Py_ssize_t k, l, width = lanes(x), whole = n - n % width
    cdef const real* y
    clear(<real*>sums)
    clear(<real*>low)
    k = 0
    while k < n:
        y = at(x, k, whole, tail)
        for l in range(width):
            sums[l] += y[l]
            low[l] = y[l] if y[l] < low[l] else low[l]
        k += width
    add(total, tree_sum(<const real*>sums))
    return min(lowest, least(<const real*>low))
