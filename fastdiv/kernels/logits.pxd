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
from fastdiv.kernels.double_sums cimport add, double_sum, multiply, value
from fastdiv.kernels.exp_sums cimport exp_and_sum, in_one_loop
from fastdiv.kernels.exp_terms cimport exp_terms
from fastdiv.kernels.exponentials cimport rounder_for
from fastdiv.kernels.lanes cimport MAX_BLOCK, in_second, two_ahead, whole_sets
from fastdiv.kernels.math cimport double_of
from fastdiv.kernels.scalars cimport exp_near, exp_scalar, log1p_lane, log1p_of_sum
from fastdiv.kernels.spread_sums cimport spread_sums
from fastdiv.kernels.sum_trees cimport FINE, FINEST
from fastdiv.kernels.sums cimport block_sum
from fastdiv.kernels.temperatures cimport temperature

ctypedef struct reference:
    # exp is taken of x - (shift + power ln 2), which is x - m + rho; at a temperature T of x / T,
    # where shift and low are multiples of T.
    double shift
    double power
    double rho
    double low              # logits below shift + low count as probability 0
    double rounder          # see rounder_for

ctypedef struct exp_sum:
    double m
    bint finest             # see steps_in_float
    bint rising             # whether the next block's largest logit is to be looked for first
    double ties
    const temperature* warm     # NULL: a temperature of 1
    reference base
    double_sum rest         # sum of exp(x - reference), times 2^EXP_SCALE
    double_sum spread       # sum of exp(x - reference) (m - x), likewise
    double_sum squares      # sum of exp(x - reference)^2, times 4^EXP_SCALE
    Py_ssize_t above        # classes before the label in the order of their logits
    Py_ssize_t top_block    # where the first block that holds m begins


cdef inline double exp_unit(const real* like) noexcept nogil:
    """2^EXP_SCALE, what exponentials.pxd's are multiplied by."""
    if real is float:
        return 2.0 ** 32
    else:
        return 2.0 ** 128


cdef inline int exp_bias(const real* like) noexcept nogil:
    """The bias of the type's exponents and EXP_SCALE: what ``rounder_for`` is told."""
    return 127 + EXP_SCALE_F32 if real is float else 1023 + EXP_SCALE_F64


cdef inline double huge(const real* like) noexcept nogil:
    """The size from which on a row's largest logit, over the temperature, is huge."""
    return 2.0 ** 16 if real is float else 2.0 ** 32


cdef inline bint cancels(double m, double log_sum) noexcept nogil:
    """Whether the two terms of a log-sum-exp do, as of normalised log-probabilities, so far that
    only doubles can bear it."""
    return abs(m + log_sum) < 0.25 * log_sum


cdef inline reference reference_for(
    double m, const temperature* warm, const real* like
) noexcept nogil:
    """The reference next to m.

    Where that is huge, m itself is the shift: logits that count are then within a factor of two of
    m and x - m is exact, while n ln 2 would begin to lose digits.
    """
    cdef reference r
    cdef double range = huge(like)
    cdef int bias = exp_bias(like)
    cdef double step = LN2_HI
    r.shift = 0
    r.power = 0
    r.rho = 0
    if warm != NULL:
        range *= warm.value
        step = warm.step
    if not -range < m < range:
        r.shift = m
    elif warm != NULL:
        r.power = (m / warm.value * LOG2E + ROUNDER) - ROUNDER
        r.rho = fma(-r.power, warm.step_low, fma(-r.power, step, m)) / warm.value
    else:
        r.power = (m * LOG2E + ROUNDER) - ROUNDER
        r.rho = fma(-r.power, LN2_LO, fma(-r.power, LN2_HI, m))
    r.low = (r.power - bias) * step
    r.rounder = rounder_for(bias - r.power, like)
    return r


cdef inline double reference_ratio(
    const reference* old, const reference* new, const temperature* warm
) noexcept nogil:
    """exp(old reference - new reference); an exact power of two unless the logits are huge."""
    cdef double steps = old.power - new.power, shift = old.shift - new.shift
    if old.shift == 0 and new.shift == 0:
        if steps > -1000:
            return double_of(<uint64_t>(1023 + <int64_t>steps) << 52)
        return ldexp(1.0, <int>steps) if steps > -4000 else 0.0
    shift = shift / warm.value if warm != NULL else shift
    return exp_scalar(fma(steps, LN2_HI, shift) + steps * LN2_LO)


cdef inline bint next_to_0(double m, const real* like) noexcept nogil:
    """Whether a log-sum-exp may be as small as log(ties + rest), m being the largest logit: of
    doubles where that is up to 4, beyond which steps of a sum are an eighth of its unit."""
    cdef double least = -1 if real is float else -8
    return (m > least) & (m < 1)


cdef inline int steps_in_float(bint finest, bint near, const real* like) noexcept nogil:
    """How a row is summed up (sums.pxd); near: it is, or may be, next to 0.

    A result that is log(ties + rest) and no more may have half of the unit of the largest term,
    where that is just above a power of two, and is held to the least errors: log_softmax, which is
    ``finest``, of floats, and log-sum-exps of rows next to 0. These are the same in every function.
    Of doubles ten steps of a sum of 1000 classes made 8 of the 4 units promised.
    """
    if real is double:
        finest = False
    return FINEST if finest or near else FINE


cdef inline int steps_of(const exp_sum* s, const real* like) noexcept nogil:
    """The same of a block of a row whose largest logit may be still to come."""
    return steps_in_float(s.finest, s.m < 1, like)


cdef inline void start(exp_sum* s, const temperature* warm, const real* like) noexcept nogil:
    s.warm = warm
    s.finest = False
    s.rising = True
    s.m = -INFINITY
    s.ties = 0
    s.top_block = 0
    s.base = reference_for(-INFINITY, warm, like)
    s.rest.high = s.rest.low = s.spread.high = s.spread.low = 0
    s.squares.high = s.squares.low = s.above = 0


cdef inline void raise_max(exp_sum* s, double m, const real* like) noexcept nogil:
    """Make m the maximum: what equalled the old one joins the rest."""
    cdef reference base = reference_for(m, s.warm, like)
    cdef double ratio = 0, e
    if s.m > -INFINITY:
        ratio = reference_ratio(&s.base, &base, s.warm)
        e = exp_scalar(s.base.rho)
        add(&s.rest, s.ties * e * exp_unit(like))
        add(&s.squares, s.ties * e * e * exp_unit(like) * exp_unit(like))
        if m < INFINITY and ratio > 0:
            # Every gap grows by m - s.m; where they no longer count, that may be infinite.
            add(&s.spread, value(&s.rest) * (m - s.m))
    multiply(&s.rest, ratio)
    multiply(&s.spread, ratio)
    multiply(&s.squares, ratio * ratio)
    s.m = m
    s.ties = 0
    s.base = base


cdef inline void exp_block(
    exp_sum* s, const real* x, Py_ssize_t n, const real* tail, bint shifted,
    const temperature* warm,
) noexcept nogil:
    """Take a block whose largest logit is none above the maximum, and may be it."""
    cdef real rest[MAX_BLOCK]
    cdef double ties
    cdef real m = <real>s.m
    add(&s.rest, exp_and_sum(
        x, n, tail, two_ahead(x), in_second(x), m, <real>s.base.shift, <real>s.base.low,
        <real>s.base.rounder, <real*>rest, False, &ties, True, shifted, warm,
        steps_of(s, x), <real*>NULL))
    s.ties += ties


cdef inline double exp_below(
    exp_sum* s, const real* x, Py_ssize_t n, const real* tail, double largest
) noexcept nogil:
    """Take a block if all of it is below the maximum; its largest logit comes back.

    Unless the row is ``rising`` that need not be known: next to no block of a long row is
    otherwise, and is then taken twice.
    """
    cdef real rest[MAX_BLOCK]
    cdef real top = <real>largest, m = <real>s.m
    cdef double ties, sum
    sum = exp_and_sum(
        x, n, tail, two_ahead(x), in_second(x), m, <real>0, <real>s.base.low,
        <real>s.base.rounder, <real*>rest, False, &ties, False, False, NULL,
        steps_of(s, x), &top)
    s.rising = top >= s.m or not in_one_loop(steps_of(s, x))
    if top < s.m:
        add(&s.rest, sum)
    return top


cdef inline void spread_block(
    exp_sum* s, const real* x, Py_ssize_t n, const real* tail, bint at_max, bint squares,
    bint shifted,
) noexcept nogil:
    """exp_block with the sums of ``spread_sums``."""
    cdef real rest[MAX_BLOCK]
    cdef real spread[MAX_BLOCK]
    cdef double sums[2]
    cdef real m = <real>s.m
    cdef Py_ssize_t filled = whole_sets(x, n)
    s.ties += exp_terms(
        x, n, tail, two_ahead(x), in_second(x), m, <real>s.base.shift, <real>s.base.low,
        <real>s.base.rounder, <real*>rest, <real*>spread, NULL, at_max, True, shifted,
        NULL)
    add(&s.rest, block_sum(<const real*>rest, filled, tail, steps_of(s, x)))
    spread_sums(<const real*>rest, <const real*>spread, filled, tail, <double*>sums, squares)
    add(&s.spread, sums[0])
    if squares:
        add(&s.squares, sums[1])


cdef inline bint proper(const exp_sum* s) noexcept nogil:
    """Whether the row is a distribution: some logit above -inf and none +inf."""
    return -INFINITY < s.m < INFINITY


cdef inline double rest_of(const exp_sum* s, const real* like) noexcept nogil:
    """The sum of exp(x - m) over the logits below m."""
    return value(&s.rest) * exp_scalar(-s.base.rho) * (1 / exp_unit(like))


cdef inline double log_total(const exp_sum* s, const real* like) noexcept nogil:
    """log sum exp(x - m) >= 0, small values to full relative accuracy."""
    cdef double factor, factor_low = 0, unit = 1 / exp_unit(like), high, rest, low
    if real is float:
        return log1p_lane(s.ties - 1.0 + rest_of(s, like))
    else:
        # With what is lost on the way, as in end_sums.
        factor = exp_near(-s.base.rho, &factor_low)
        high = s.rest.high * unit
        rest = high * factor
        low = fma(high, factor, -rest) + (high * factor_low + s.rest.low * unit * factor)
        return log1p_of_sum(s.ties - 1.0 + rest, low / (s.ties + rest))
