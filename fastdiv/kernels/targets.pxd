"""Cross-entropy of a target with options from gaps: how far every class is below the largest one,
m - x of logits, log(m / q) of weights.

Such a target, w ((1 - smoothing) p + smoothing / c), is never made: the gaps of w p and those of w
alone have sums of their own, and so have w p and p. Rows of weights come here as logits whose
maximum is 0, log(q / m).
"""

from fastdiv.kernels.arithmetic cimport INFINITY, NAN, finite, real
from fastdiv.kernels.class_weights cimport (
    is_told, least_of_products, weighted_block, weighted_gap, weighted_gap_sum,
)
from fastdiv.kernels.double_sums cimport add, double_sum, join, value
from fastdiv.kernels.lanes cimport (
    MAX_BLOCK, MAX_LANES, ahead, at, clear, lanes, least, put_set, two_ahead, whole_sets,
)
from fastdiv.kernels.sources cimport fetch, tail_of
from fastdiv.kernels.sum_trees cimport FINE
from fastdiv.kernels.sums cimport block_sum, sum_of
from fastdiv.kernels.tasks cimport task
from fastdiv.kernels.weights cimport faint

ctypedef struct target_parts:
    # Of a row, or of what was seen of it, gaps counting from its largest element.
    double_sum gaps         # sum w p gap
    double_sum shares       # sum w p
    double_sum total        # sum p
    double low              # below 0 if a p is, or its product with a class weight vanishes
    double_sum even         # of a smoothed target sum w gap
    double seen             # and the sum of these w


cdef inline void cross_entropies(
    const task* t, Py_ssize_t n, double* gap, const double* even, double* share,
    const double* mass, const double* log_sum, double* made, real like
) noexcept nogil:
    """Cross-entropies of n rows from their sums of w p (m - x), w (m - x), w p and p, and log S;
    NaN where they are not told by them. The first and third are used up.

    A loop for each step, whose conditions are those of the call: the rows of a tile are lanes.
    """
    cdef double smoothing = t.smoothing, rest = 1 - smoothing, even_share = t.even_share, c = t.c
    cdef double scale, small = least_of_products(like), large = 0.0 if real is float else 2.0
    cdef bint good, weighted = t.weight != NULL
    cdef Py_ssize_t r
    if t.normalize:
        for r in range(n):
            gap[r] /= mass[r]
    if t.normalize and weighted:
        for r in range(n):
            share[r] /= mass[r]
    elif t.normalize:
        for r in range(n):
            share[r] = 1
    if smoothing > 0:
        for r in range(n):
            gap[r] = rest * gap[r] + smoothing * (even[r] / c)
        for r in range(n):
            share[r] = rest * share[r] + even_share
    if t.warm:
        for r in range(n):
            gap[r] /= t.in_f64.value
    for r in range(n):
        made[r] = gap[r] + share[r] * log_sum[r]
    if weighted:
        for r in range(n):
            scale = mass[r] if t.normalize else 1
            made[r] = made[r] if is_told(made[r], share[r], scale, like) else NAN
    else:
        for r in range(n):
            # Sums of large products may be infinite where their mean is not.
            good = (abs(made[r]) < INFINITY) | (mass[r] < large)
            scale = mass[r] if t.normalize else 1
            good = good & ((abs(made[r]) * scale >= small) | (made[r] == 0))
            made[r] = made[r] if good else NAN


cdef inline double gap_sum(
    const real* x, Py_ssize_t c, const real* tail, real m
) noexcept nogil:
    """The sum of m - x: the cross-entropy to the uniform distribution, times c."""
    cdef real gaps[MAX_BLOCK]
    cdef Py_ssize_t k, filled = whole_sets(x, c)
    for k in range(c):
        gaps[k] = m - x[k]
    for k in range(c, filled):
        gaps[k] = 0
    return block_sum(<const real*>gaps, filled, tail, FINE)


cdef inline real target_block(
    const real* p, const real* x, Py_ssize_t n, const real* p_tail, const real* x_tail,
    const real* next_p, real m, double_sum* gap_sum, double_sum* total_sum,
) noexcept nogil:
    """Add p (m - x) and p up; the lowest p comes back. next_p: what is to be read next."""
    cdef real gaps[MAX_BLOCK]
    cdef real made[MAX_LANES]
    cdef real low[MAX_LANES]
    cdef double mass = block_sum(p, n, p_tail, FINE)
    cdef Py_ssize_t k = 0, lane, width = lanes(x), whole = n - n % width
    cdef const real* a
    cdef const real* b
    clear(<real*>low)
    while k < n:
        ahead(next_p + k, True)
        a = at(p, k, whole, p_tail)
        b = at(x, k, whole, x_tail)
        for lane in range(width):
            # p = 0 takes out the -inf logits; a NaN is in the log-sum-exp too.
            made[lane] = <real>0 if a[lane] == 0 else a[lane] * (m - b[lane])
            low[lane] = a[lane] if a[lane] < low[lane] else low[lane]
        put_set(gaps + k, <const real*>made)
        k += width
    add(total_sum, mass)
    # A block of -inf alone, before any maximum: weight there is an infinite loss.
    if m > -INFINITY:
        add(gap_sum, block_sum(<const real*>gaps, k, x_tail, FINE))
    elif mass != 0:
        add(gap_sum, INFINITY if mass > 0 else NAN)
    return least(<const real*>low)


cdef inline void clear_parts(target_parts* s) noexcept nogil:
    s.gaps.high = s.gaps.low = s.shares.high = s.shares.low = s.total.high = s.total.low = 0
    s.even.high = s.even.low = s.seen = s.low = 0


cdef inline void raise_parts(target_parts* s, double by) noexcept nogil:
    """Every gap grows with the maximum."""
    cdef double share = value(&s.shares)
    if share != 0:
        add(&s.gaps, share * by)
    if s.seen != 0:
        add(&s.even, s.seen * by)


cdef inline void add_even(
    target_parts* s, const double* w, const real* x, Py_ssize_t n, const real* tail, real m
) noexcept nogil:
    cdef double seen = sum_of(w, n) if w != NULL else n, even
    if w != NULL:
        even = weighted_gap_sum(x, n, w, tail, m)
    else:
        even = gap_sum(x, n, tail, m)
    # Of a block of -inf alone, before any maximum, every gap is infinite.
    if not m > -INFINITY:
        even = INFINITY if seen > 0 else 0
    add(&s.even, even)
    s.seen += seen


cdef inline void add_parts(
    target_parts* s, const task* t, Py_ssize_t k, Py_ssize_t n, const real* x, const real* tail,
    real m, real* scratch,
) noexcept nogil:
    """Add what elements k .. k + n of the task's target make with a block of logits."""
    cdef const double* w = t.weight + k if t.weight != NULL else NULL
    cdef const real* p
    if t.smoothing > 0:
        add_even(s, w, x, n, tail, m)
    if t.label >= 0:
        return
    p = fetch(&t.p, k, n, scratch, <real>0)
    if w != NULL:
        s.low = min(s.low, weighted_block(
            p, x, w, n, tail_of(<const real*>scratch), two_ahead(p), m, &s.gaps, &s.shares,
            &s.total))
    else:
        s.low = min(s.low, target_block(
            p, x, n, tail_of(<const real*>scratch), tail, two_ahead(p), m, &s.gaps, &s.shares))
        s.total = s.shares


cdef inline void join_parts(target_parts* s, const target_parts* other) noexcept nogil:
    """Of two parts of a row whose gaps count from the same element."""
    join(&s.gaps, &other.gaps)
    join(&s.shares, &other.shares)
    join(&s.total, &other.total)
    join(&s.even, &other.even)
    s.seen += other.seen
    s.low = min(s.low, other.low)


cdef inline double cross_entropy_of_parts(
    const task* t, const target_parts* s, double gap_of_label, double log_sum, real like
) noexcept nogil:
    """Cross-entropy of a row, or NaN where it is not told by its parts."""
    cdef double mass = value(&s.total), share = value(&s.shares), gap = value(&s.gaps)
    cdef double even = value(&s.even), made = 0
    if t.label >= 0:
        mass = 1
        share = t.weight[t.label] if t.weight != NULL else 1
        gap = weighted_gap(<double>1, share, gap_of_label, <double>0)
    if s.low < 0 or not finite(mass):
        return NAN
    # Products of subnormal weights are rounded.
    if 0 < mass < faint(&like) or mass == 0 and t.normalize:
        return NAN
    cross_entropies(t, 1, &gap, &even, &share, &mass, &log_sum, &made, like)
    return made
