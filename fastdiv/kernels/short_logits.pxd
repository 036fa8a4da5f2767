"""Short rows of logits: what logit_rows.pxd computes, a lane for each row (see tiles.pxd).

NaN in ``made`` gives a row back, see ``end_rows`` in rows.pxd: one that is no distribution, logits
too large to be reduced by multiples of ln 2, results too small for the type.
"""

from fastdiv.kernels.arithmetic cimport LN2_HI, LN2_LO, LOG2E, NAN, ROUNDER, fma, real
from fastdiv.kernels.coming cimport ask, coming
from fastdiv.kernels.exponentials cimport exp_column, exp_made, rounder_for
from fastdiv.kernels.logits cimport exp_bias, exp_unit, huge, next_to_0
from fastdiv.kernels.scalars cimport exp_near
from fastdiv.kernels.short_targets cimport cross_entropy_of
from fastdiv.kernels.sum_trees cimport FINEST
from fastdiv.kernels.tasks cimport cooled, task, temperature_for
from fastdiv.kernels.temperatures cimport temperature, warm_reduced
from fastdiv.kernels.tile_logs cimport log1p_tile
from fastdiv.kernels.tile_sums cimport kept_tile_sum, tile_products, tile_sum
from fastdiv.kernels.tiles cimport TILE, abreast, after, clear_tile, tile, tile_max
from fastdiv.kernels.turning cimport load_tile

ctypedef struct exp_tile:
    # Of every row what exp_sum holds of one, with sums of exp(x - m).
    double m[TILE]          # this and log_sum are NaN: not for a tile
    double ties[TILE]
    double rest[TILE]
    double spread[TILE]
    double squares[TILE]    # of what makes up the rest, not scaled before score_of
    Py_ssize_t above[TILE]  # classes before the label's
    Py_ssize_t first[TILE]  # the largest, if it is the only one
    double log_sum[TILE]    # log(ties + rest)
    double factor[TILE]     # makes exp(x - m) of what exp_made gives
    double factor_low[TILE]     # what it is rounded by, of doubles


cdef inline void references(
    const real* m, real* low, real* rounder, double* power, const temperature* warm
) noexcept nogil:
    """The reference next to every row's maximum, as reference_for makes it."""
    cdef Py_ssize_t many = abreast(m)
    cdef double bias = exp_bias(m)
    cdef double rounded, step = warm.step if warm != NULL else LN2_HI
    cdef Py_ssize_t lane
    for lane in range(many):
        rounded = (m[lane] / warm.value if warm != NULL else <double>m[lane]) * LOG2E + ROUNDER
        power[lane] = rounded - ROUNDER
        low[lane] = <real>((power[lane] - bias) * step)
        rounder[lane] = rounder_for(bias - power[lane], low)


cdef inline void begin_sums(
    const real* m, real* low, real* rounder, exp_tile* s, const temperature* warm
) noexcept nogil:
    """What is known of the rows from their maxima."""
    cdef Py_ssize_t many = abreast(m)
    cdef double top, power, rho, factor_low = 0, limit = huge(m)
    cdef Py_ssize_t lane
    if warm != NULL:
        limit *= warm.value
    references(m, low, rounder, s.factor, warm)
    for lane in range(many):
        top = m[lane]
        s.m[lane] = top if (top > -limit) & (top < limit) else NAN
        power = s.factor[lane]
        if warm != NULL:
            rho = fma(power, warm.step_low, fma(power, warm.step, -top)) / warm.value
        else:
            rho = fma(power, LN2_LO, fma(power, LN2_HI, -top))
        s.factor[lane] = exp_near(rho, &factor_low) * (1 / exp_unit(m))
        if real is double:
            s.factor_low[lane] = factor_low * (1 / exp_unit(m))


cdef inline void end_sums(exp_tile* s, const real* like, bint spreads) noexcept nogil:
    """What the rows' sums come to."""
    cdef double low[TILE]
    cdef double rest
    cdef Py_ssize_t lane
    for lane in range(abreast(like)):
        rest = s.rest[lane]
        s.rest[lane] = rest * s.factor[lane]
        if real is double:
            # The roundings of the factor and of this product are two of the four units that a
            # log-sum-exp of few classes would be off by.
            low[lane] = ((fma(rest, s.factor[lane], -s.rest[lane]) + rest * s.factor_low[lane])
                         / (s.ties[lane] + s.rest[lane]))
        if spreads:
            s.spread[lane] *= s.factor[lane]
        s.log_sum[lane] = s.ties[lane] - 1.0 + s.rest[lane]
    if real is double:
        log1p_tile(s.log_sum, <const double*>low, like)
    else:
        log1p_tile(s.log_sum, NULL, like)
    for lane in range(abreast(like)):
        s.log_sum[lane] = s.log_sum[lane] if s.m[lane] == s.m[lane] else NAN


cdef inline void keep_next_to_0(
    const real* terms, Py_ssize_t c, const real* m, exp_tile* s
) noexcept nogil:
    """Of doubles the sums of rows next to 0 with nothing lost on the way, see steps_in_float.

    Not of those with a rest of 2 and more: of the few steps that short rows take each is a third of
    the result's unit at most, and rows about 0 would nearly all be summed twice.
    """
    cdef double kept[TILE]
    cdef bint near[TILE]
    cdef Py_ssize_t lane, many = abreast(terms)
    cdef bint some = False
    if real is double:
        for lane in range(many):
            near[lane] = next_to_0(m[lane], m) & (s.rest[lane] * s.factor[lane] < 2)
            some = some | near[lane]
        if some:
            kept_tile_sum(terms, c, <double*>kept)
            for lane in range(many):
                s.rest[lane] = kept[lane] if near[lane] else s.rest[lane]


cdef inline void sum_exp_tile(
    const real* x, Py_ssize_t c, real* terms, real* gaps, exp_tile* s, const coming* next,
    bint spreads, const temperature* warm,
) noexcept nogil:
    """The sums of every row; ``terms`` keeps what exp_made gives, 0 where x = m.

    warm: NULL, where that is known, or a temperature, which spreads know nothing of.
    """
    cdef Py_ssize_t many = abreast(x)
    cdef real low[TILE]
    cdef real rounder[TILE]
    cdef real m[TILE]
    cdef real others[TILE]
    cdef real t[TILE]
    cdef real b[TILE]
    cdef real made[TILE]
    cdef real e, rate = 0, step = 0, step_low = 0, inverse = 0
    cdef Py_ssize_t j, k, lane
    if warm != NULL:
        rate, step = <real>warm.lane_rate, <real>warm.lane_step
        step_low, inverse = <real>warm.lane_step_low, <real>warm.lane_inverse
    tile_max(x, c, <real*>m)
    begin_sums(<const real*>m, <real*>low, <real*>rounder, s, warm)
    clear_tile(<real*>others)
    for j in range(c):
        ask(next, j)
        k = j * many
        if warm != NULL:
            for lane in range(many):
                t[lane] = warm_reduced(
                    low[lane] if x[k + lane] < low[lane] else x[k + lane], rounder[lane],
                    rate, step, step_low, inverse, &b[lane])
            exp_made(<const real*>t, <const real*>b, <real*>made, many)
        else:
            exp_column(x + k, <const real*>low, <const real*>rounder, <real*>made, many)
        for lane in range(many):
            e = made[lane]
            # not (x >= m) lets NaN through to the sum.
            e = <real>0 if x[k + lane] >= m[lane] else e
            others[lane] = others[lane] if x[k + lane] >= m[lane] else others[lane] + <real>1
            terms[k + lane] = e
            if spreads:
                # e = 0 takes out the -inf logits, whose gap is infinite.
                gaps[k + lane] = <real>0 if e == 0 else m[lane] - x[k + lane]
    if spreads:
        tile_products(<const real*>terms, <const real*>gaps, c, s.rest, s.spread)
    else:
        tile_sum(<const real*>terms, c, s.rest, FINEST)
    keep_next_to_0(<const real*>terms, c, <const real*>m, s)
    for lane in range(many):
        s.ties[lane] = c - others[lane]
    end_sums(s, x, spreads)


cdef inline void entropy_of(const exp_tile* s, double* made, const real* like) noexcept nogil:
    cdef Py_ssize_t lane
    for lane in range(abreast(like)):
        made[lane] = s.log_sum[lane] + s.spread[lane] / (s.ties[lane] + s.rest[lane])


cdef inline void entropy_from_logits(
    const task* t, const tile* rows, real* x, double* made
) noexcept nogil:
    cdef exp_tile s
    cdef coming next
    next = load_tile(&t.p, rows.p, t.c, x)
    sum_exp_tile(x, t.c, after(x), after(after(x)), &s, &next, True, NULL)
    entropy_of(&s, made, <const real*>x)


cdef inline void sum_exp_of_q(
    const task* t, real* x, real* terms, exp_tile* s, const coming* next
) noexcept nogil:
    """The same of a task's q, at its temperature."""
    if t.warm:
        sum_exp_tile(x, t.c, terms, x, s, next, False, temperature_for(t, <const real*>x))
    else:
        sum_exp_tile(x, t.c, terms, x, s, next, False, NULL)


cdef inline void cross_entropy_label_from_logits(
    const task* t, const tile* rows, real* x, double* made
) noexcept nogil:
    cdef Py_ssize_t many = abreast(<const real*>x)
    cdef double at_label[TILE]
    cdef exp_tile s
    cdef coming next
    cdef Py_ssize_t lane
    next = load_tile(&t.q, rows.q, t.c, x)
    for lane in range(many):
        at_label[lane] = x[rows.label[lane] * many + lane]
    sum_exp_of_q(t, x, after(x), &s, &next)
    for lane in range(many):
        made[lane] = cooled(t, s.m[lane] - at_label[lane]) + s.log_sum[lane]


cdef inline void cross_entropy_from_logits(
    const task* t, const tile* rows, real* p, double* made
) noexcept nogil:
    cdef exp_tile s
    cdef coming next
    cdef real* x = after(p)
    next = load_tile(&t.q, rows.q, t.c, x)
    sum_exp_of_q(t, x, after(x), &s, &next)
    cross_entropy_of(t, rows, p, x, after(x), <const double*>s.m, <const double*>s.log_sum,
                     made)
