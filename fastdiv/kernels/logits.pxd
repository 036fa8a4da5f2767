"""What every kernel from logits is made of: one pass over a row keeps its log-sum-exp.

With m the largest logit so far, ``ties`` counts the logits equal to it and ``rest`` is the sum of
exp(x - reference) over the others, the reference being a multiple of ln 2 next to m:

    log sum exp x = m + log(ties + rest exp(reference - m)).

The maximum's own 1 is never added to the rest, so that a confident row's loss, log(1 + rest),
keeps all its digits down to the smallest number of the type (log(sum) has none below 1e-7).
A reference that is a power of two makes a change of maximum an exact scaling.
"""

from libc.stdint cimport int64_t, uint64_t

from fastdiv.kernels.arithmetic cimport (
    EXP_SCALE_F32, EXP_SCALE_F64, INFINITY, LN2_HI, LN2_LO, LOG2E, ROUNDER, fma, ldexp, real,
)
from fastdiv.kernels.lanes cimport (
    MAX_BLOCK, MAX_LANES, ahead, at, block_max, block_size, clear, greatest, lanes, whole_sets,
)
from fastdiv.kernels.math cimport double_of, exp_lane, integer_bits
from fastdiv.kernels.ranks cimport first_in_block, max_and_rank
from fastdiv.kernels.scalars cimport exp_scalar, log1p_lane
from fastdiv.kernels.segments cimport SEGMENT, over_segments, segment_end, segments_of
from fastdiv.kernels.sources cimport element, fetch, source, tail_of, task
from fastdiv.kernels.sums cimport (
    add, block_sum, double_sum, join, lane_sum, multiply, score_sums, value,
)

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
    reference base
    double_sum rest         # sum of exp(x - reference), times 2^EXP_SCALE
    double_sum spread       # sum of exp(x - reference) (m - x), likewise
    double_sum squares      # sum of exp(x - reference)^2, times 4^EXP_SCALE
    Py_ssize_t above        # classes before the label in the order of their logits
    Py_ssize_t top_block    # where the first block that holds m begins


cdef inline double exp_unit(const real* like) noexcept nogil:
    """2^EXP_SCALE, what exp_lane's results are multiplied by."""
    if real is float:
        return 2.0 ** 32
    else:
        return 2.0 ** 128


cdef inline reference reference_for(double m, const real* like) noexcept nogil:
    """The reference next to m.

    Past 2^16 (float) or 2^32 (double) m itself is the shift: logits that count are then within
    a factor of two of m and x - m is exact, while n ln 2 would begin to lose digits.
    """
    cdef reference r
    cdef double range = 65536.0 if real is float else 4294967296.0
    cdef int bias = 127 + EXP_SCALE_F32 if real is float else 1023 + EXP_SCALE_F64
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
        if steps > -1000:
            return double_of(<uint64_t>(1023 + <int64_t>steps) << 52)
        return ldexp(1.0, <int>steps) if steps > -4000 else 0.0
    return exp_scalar(fma(steps, LN2_HI, old.shift - new.shift) + steps * LN2_LO)


cdef inline void start(exp_sum* s, const real* like) noexcept nogil:
    s.m = -INFINITY
    s.ties = 0
    s.top_block = 0
    s.base = reference_for(-INFINITY, like)
    s.rest.high = s.rest.low = s.spread.high = s.spread.low = 0
    s.squares.high = s.squares.low = s.above = 0


cdef inline void raise_max(exp_sum* s, double m, const real* like) noexcept nogil:
    """Make m the maximum: what equalled the old one joins the rest."""
    cdef reference base = reference_for(m, like)
    cdef double ratio = 0, e
    if s.m > -INFINITY:
        ratio = reference_ratio(&s.base, &base)
        e = exp_scalar(s.base.rho)
        add(&s.rest, s.ties * e * exp_unit(like))
        add(&s.squares, s.ties * e * e * exp_unit(like) * exp_unit(like))
        if m < INFINITY:
            # Every gap grows by m - s.m.
            add(&s.spread, value(&s.rest) * (m - s.m))
    multiply(&s.rest, ratio)
    multiply(&s.spread, ratio)
    multiply(&s.squares, ratio * ratio)
    s.m = m
    s.ties = 0
    s.base = base


cdef inline void exp_step(
    const real* x, real m, real shift, real low, real bias, real k,
    real* rest, real* spread, real* ties, real* place, bint at_max, bint spreads, bint places,
    bint shifted,
) noexcept nogil:
    """One set of lanes. at_max: some x equal m; not (x >= m) lets NaN through to the sum."""
    cdef Py_ssize_t lane
    cdef real e
    for lane in range(lanes(x)):
        e = exp_lane(x[lane], shift, low, bias, shifted)
        if at_max:
            e = <real>0 if x[lane] >= m else e
            ties[lane] += <real>1 if x[lane] >= m else <real>0
            if places:
                place[lane] = k if x[lane] >= m else place[lane]
        rest[lane] = e
        if spreads and shifted:
            # e = 0 takes out the -inf logits, whose gap is infinite.
            spread[lane] = <real>0 if e == 0 else e * (m - x[lane])
        elif spreads:
            # So does what exp_lane takes for them, of which e is 0 too.
            spread[lane] = e * (m - (low if x[lane] < low else x[lane]))


cdef inline double exp_terms(
    const real* x, Py_ssize_t n, const real* tail, const real* next, real m, real shift, real low,
    real bias, real* rest, real* spread, Py_ssize_t* place, bint at_max, bint spreads,
    bint shifted,
) noexcept nogil:
    """The terms of a block, in whole sets of lanes; the number of x that equal m comes back.

    next: what is to be read next. place, if not NULL: where x equals m, if it is one place.
    """
    cdef bint places = place != NULL
    cdef real ties[MAX_LANES]
    cdef real found[MAX_LANES]
    cdef real made[MAX_LANES]
    cdef Py_ssize_t width = lanes(x), whole = n - n % width, k = 0, lane
    clear(<real*>ties)
    for lane in range(width):
        found[lane] = -MAX_BLOCK
    while k < n:
        ahead(next + k)
        # Through an array that cannot be x: else that is asked for every set.
        exp_step(at(x, k, whole, tail), m, shift, low, bias, <real>k, <real*>made, spread + k,
                 <real*>ties, <real*>found, at_max, spreads, places, shifted)
        for lane in range(width):
            rest[k + lane] = made[lane]
        k += width
    if places:
        for lane in range(width):
            found[lane] += <real>lane
        place[0] = <Py_ssize_t>greatest(<real*>found)
    return lane_sum(<const real*>ties) if at_max else 0


cdef inline void exp_block(
    exp_sum* s, const real* x, Py_ssize_t n, const real* tail, bint at_max, bint spreads,
    bint squares, bint shifted,
) noexcept nogil:
    cdef real rest[MAX_BLOCK]
    cdef real spread[MAX_BLOCK]
    cdef double sums[3]
    cdef real m = <real>s.m
    cdef Py_ssize_t filled = whole_sets(x, n)
    # Asked for two blocks ahead: one is too late for a row that comes from memory.
    cdef const real* next = x + 2 * block_size(x)
    s.ties += exp_terms(
        x, n, tail, next, m, <real>s.base.shift, <real>s.base.low,
        integer_bits(s.base.bias, m), <real*>rest, <real*>spread, NULL, at_max, spreads,
        shifted)
    if squares:
        score_sums(<const real*>rest, <const real*>spread, filled, tail, <double*>sums)
        add(&s.rest, sums[0])
        add(&s.spread, sums[1])
        add(&s.squares, sums[2])
        return
    add(&s.rest, block_sum(<const real*>rest, filled, tail, False))
    if spreads:
        add(&s.spread, block_sum(<const real*>spread, filled, tail, True))


cdef inline void absorb(
    exp_sum* s, const real* x, Py_ssize_t n, const real* tail, bint spreads, bint scores,
    real at_label, Py_ssize_t before,
) noexcept nogil:
    """Take a block into the sums. Below the maximum no comparison with it is needed.

    If ``scores``, with squares and the place of the label, ``before`` elements after the first.
    """
    cdef Py_ssize_t above = 0
    cdef double m
    if scores:
        m = max_and_rank(x, n, tail, at_label, before, &above)
        s.above += above
    else:
        m = block_max(x, n, tail)
    if m > s.m:
        raise_max(s, m, x)
    # The flags as constants, for loops without what they do not need.
    if s.base.shift != 0:
        exp_block(s, x, n, tail, True, spreads, scores, True)
    elif m == s.m:
        exp_block(s, x, n, tail, True, spreads, scores, False)
    else:
        exp_block(s, x, n, tail, False, spreads, scores, False)


cdef inline void sum_exp_part(
    exp_sum* s, const source* x, Py_ssize_t k, Py_ssize_t end, real* scratch, bint spreads,
    bint scores, Py_ssize_t label,
) noexcept nogil:
    """The sums of a row from element k up to ``end``."""
    cdef real at_label = element(x, label, <real>0) if scores else <real>0
    cdef double before
    cdef Py_ssize_t n
    cdef const real* block
    start(s, <const real*>scratch)
    while k < end:
        n = min(end - k, block_size(<const real*>scratch))
        block = fetch(x, k, n, scratch, <real>-INFINITY)
        before = s.m
        absorb(s, block, n, tail_of(<const real*>scratch), spreads, scores, at_label, label - k)
        if s.m > before:
            s.top_block = k
        k += block_size(<const real*>scratch)


cdef inline void join_exp(exp_sum* s, exp_sum* other, const real* like) noexcept nogil:
    """Add the sums of a following part to those of a row."""
    if other.m > s.m:
        raise_max(s, other.m, like)
        s.top_block = other.top_block
    elif s.m > other.m:
        raise_max(other, s.m, like)
    s.ties += other.ties
    join(&s.rest, &other.rest)
    join(&s.spread, &other.spread)
    join(&s.squares, &other.squares)
    s.above += other.above


ctypedef struct exp_pass:
    const source* x
    Py_ssize_t c
    bint spreads
    bint scores
    Py_ssize_t label
    exp_sum* made           # by each segment


cdef inline void exp_segment(void* pass_, Py_ssize_t i, real* scratch) noexcept nogil:
    cdef exp_pass* a = <exp_pass*>pass_
    cdef Py_ssize_t k = i * SEGMENT, end = segment_end(i, a.c)
    # The flags as constants, for loops without what they do not need.
    if a.scores:
        sum_exp_part(a.made + i, a.x, k, end, scratch, True, True, a.label)
    elif a.spreads:
        sum_exp_part(a.made + i, a.x, k, end, scratch, True, False, -1)
    else:
        sum_exp_part(a.made + i, a.x, k, end, scratch, False, False, -1)


cdef inline exp_sum sum_exp(
    const source* x, const task* t, real* scratch, bint spreads, bint scores, Py_ssize_t label
) noexcept nogil:
    """The sums of a row of the task; if ``scores``, the squares too and the label's place."""
    cdef exp_pass a
    cdef exp_sum s
    cdef Py_ssize_t i
    a.x, a.c, a.spreads, a.scores, a.label = x, t.c, spreads, scores, label
    a.made = &s if t.c <= SEGMENT else <exp_sum*>t.pieces.room
    over_segments(&t.pieces, &a, exp_segment[float], exp_segment[double], t.c, scratch)
    for i in range(1, segments_of(t.c)):
        join_exp(a.made, a.made + i, <const real*>scratch)
    if t.c > SEGMENT:
        s = a.made[0]
    return s


cdef inline bint proper(const exp_sum* s) noexcept nogil:
    """Whether the row is a distribution: some logit above -inf and none +inf."""
    return -INFINITY < s.m < INFINITY


cdef inline double rest_of(const exp_sum* s, const real* like) noexcept nogil:
    """The sum of exp(x - m) over the logits below m."""
    return value(&s.rest) * exp_scalar(-s.base.rho) * (1 / exp_unit(like))


cdef inline double log_total(const exp_sum* s, const real* like) noexcept nogil:
    """log sum exp(x - m) >= 0, small values to full relative accuracy."""
    return log1p_lane(s.ties - 1.0 + rest_of(s, like))


cdef inline Py_ssize_t first_equal(
    const source* x, Py_ssize_t c, Py_ssize_t k, real m, real* scratch
) noexcept nogil:
    """Index of the first element of the block at k that equals m."""
    cdef Py_ssize_t n = min(c - k, block_size(<const real*>scratch))
    cdef const real* block = fetch(x, k, n, scratch, <real>-INFINITY)
    return k + first_in_block(block, n, tail_of(<const real*>scratch), m)
