"""A block of two rows of logits: the sums that logit_kl.pxd makes Kullback-Leibler of."""

from fastdiv.kernels.arithmetic cimport INFINITY, LN2_HI, LN2_LO, LOG2E, ROUNDER, fma, real
from fastdiv.kernels.double_sums cimport double_sum
from fastdiv.kernels.exponentials cimport exp_lanes
from fastdiv.kernels.lanes cimport (
    MAX_BLOCK, MAX_LANES, ahead, at, greatest, lanes, put_set, two_ahead,
)
from fastdiv.kernels.logits cimport reference
from fastdiv.kernels.math cimport expm1_excess, expm1_reduced
from fastdiv.kernels.sum_trees cimport ROUGH
from fastdiv.kernels.sums cimport block_sum

ctypedef struct gap_sums:
    double mass             # S, T and y S, times 2^EXP_SCALE exp(-reference)
    double terms
    double moment

ctypedef struct gap_row:
    # What is known of a row so far.
    reference base
    double offset           # a number of the type computed in
    double_sum mass
    double_sum terms
    double_sum moment


cdef inline real lowest(const gap_row* row, real like) noexcept nogil:
    """The least logit of p that is told from -inf: exp(-78) of the largest, or exp(-600).

    z must reach from there to the largest logits of q, and 2^18 classes too many of that size do
    not show in what ``kl_in_one_pass`` answers, unless q falls as far below p as ``take_block``
    asks.
    """
    cdef double reach = 78.0 if real is float else 600.0
    return <real>(row.base.power * LN2_HI - reach)


cdef inline void unmask(real* a, real* b, real low, real low_q) noexcept nogil:
    """Below ``low`` a logit counts as low, and then one of q below low_q as low_q.

    Of classes masked in both rows the difference is finite.
    """
    cdef bint faint = a[0] < low
    a[0] = low if faint else a[0]
    b[0] = low_q if faint & (b[0] < low_q) else b[0]


cdef inline bint is_masked(
    const real* x, const real* y, Py_ssize_t n, const real* x_tail, const real* y_tail
) noexcept nogil:
    """Whether some class of a block is masked in y and not in x."""
    cdef real found[MAX_LANES]
    cdef Py_ssize_t width = lanes(x), whole = n - n % width, k = 0, lane
    cdef const real* a
    cdef const real* b
    cdef real kept
    for lane in range(width):
        found[lane] = 0
    while k < n:
        a = at(x, k, whole, x_tail)
        b = at(y, k, whole, y_tail)
        for lane in range(width):
            kept = <real>1 if a[lane] > -INFINITY else <real>0
            found[lane] += kept if b[lane] == -INFINITY else <real>0
        k += width
    return greatest(<real*>found) > 0


cdef inline double greatest_fall(
    const real* xp, const real* xq, Py_ssize_t n, const real* p_tail, const real* q_tail
) noexcept nogil:
    """The most by which a logit of a block is less in q than in p."""
    cdef real fall[MAX_LANES]
    cdef Py_ssize_t width = lanes(xp), whole = n - n % width, k = 0, lane
    cdef const real* a
    cdef const real* b
    for lane in range(width):
        fall[lane] = 0
    while k < n:
        a = at(xp, k, whole, p_tail)
        b = at(xq, k, whole, q_tail)
        for lane in range(width):
            # Of classes masked in both rows the difference is NaN and passed over.
            fall[lane] = a[lane] - b[lane] if a[lane] - b[lane] > fall[lane] else fall[lane]
        k += width
    return greatest(<real*>fall)


cdef inline real gap_lane(
    real a, real b, real low, real low_q, real offset, real power, real rest, real least,
    real* t, real* scale,
) noexcept nogil:
    """z, exact to 1 u of itself, and reduced; of classes masked in both rows it is 0."""
    cdef real difference, part, error, z
    unmask(&a, &b, low, low_q)
    difference = b - a
    part = difference - b
    error = (b - (difference - part)) - (a + part)
    z = (difference + offset) + error
    t[0] = expm1_reduced(z, difference, error, power, rest, least, scale)
    return z


cdef inline void gap_lanes(
    const real* xp, const real* xq, const gap_row* row, real* z, real* t, real* scale,
    real* top, real* steepest,
) noexcept nogil:
    """Of a set of lanes z, reduced."""
    cdef real offset = <real>row.offset, low = lowest(row, <real>0)
    cdef real low_q = low - offset, power = <real>((row.offset * LOG2E + ROUNDER) - ROUNDER)
    cdef real rest = <real>fma(<double>-power, LN2_LO, fma(<double>-power, LN2_HI, row.offset))
    cdef real least = (<real>-86 if real is float else <real>-700) - offset
    cdef real reduced[MAX_LANES]
    cdef real factor[MAX_LANES]
    cdef Py_ssize_t lane
    for lane in range(lanes(xp)):
        top[lane] = xp[lane] if xp[lane] > top[lane] else top[lane]
        z[lane] = gap_lane(xp[lane], xq[lane], low, low_q, offset, power, rest, least,
                           &reduced[lane], &factor[lane])
        steepest[lane] = z[lane] if z[lane] > steepest[lane] else steepest[lane]
    put_set(t, <const real*>reduced)
    put_set(scale, <const real*>factor)


cdef inline void term_lanes(
    const real* xp, const gap_row* row, const real* z, real* t, real* scale, real* mass
) noexcept nogil:
    """Of a set of lanes P, P (expm1(z) - z), which takes the place of t, and P expm1(z), that of
    the scale."""
    cdef real low = lowest(row, <real>0)
    cdef real rounder = <real>row.base.rounder
    cdef real e[MAX_LANES]
    cdef real excess[MAX_LANES]
    cdef real expm1[MAX_LANES]
    cdef Py_ssize_t lane
    exp_lanes(xp, <real>0, low, rounder, False, <real*>e, lanes(xp))
    for lane in range(lanes(xp)):
        excess[lane] = expm1_excess(z[lane], t[lane], scale[lane], &expm1[lane])
    put_set(mass, <const real*>e)
    for lane in range(lanes(xp)):
        t[lane] = e[lane] * excess[lane]
        scale[lane] = e[lane] * expm1[lane]


cdef inline bint gap_block(
    const real* xp, const real* xq, Py_ssize_t n, const real* p_tail, const real* q_tail,
    const gap_row* row, gap_sums* s, double* top,
) noexcept nogil:
    """The sums of a block, and the largest logit of p. False: it is not for us.

    In two loops: one, from the logits to the terms, is a chain of 110 cycles, of which the
    processor cannot keep enough in flight.
    """
    cdef real z[MAX_BLOCK]
    cdef real t[MAX_BLOCK]
    cdef real scale[MAX_BLOCK]
    cdef real mass[MAX_BLOCK]
    cdef real tops[MAX_LANES]
    cdef real steepest[MAX_LANES]
    cdef double most = 88.0 if real is float else 700.0
    cdef Py_ssize_t width = lanes(xp), whole = n - n % width, k = 0, lane
    for lane in range(width):
        tops[lane] = steepest[lane] = -INFINITY
    while k < n:
        ahead(two_ahead(xp) + k, True)
        gap_lanes(at(xp, k, whole, p_tail), at(xq, k, whole, q_tail), row, <real*>z + k,
                  <real*>t + k, <real*>scale + k, <real*>tops, <real*>steepest)
        k += width
    k = 0
    while k < n:
        ahead(two_ahead(xq) + k, True)
        term_lanes(at(xp, k, whole, p_tail), row, <const real*>z + k, <real*>t + k,
                   <real*>scale + k, <real*>mass + k)
        k += width
    s.mass = block_sum(<const real*>mass, k, p_tail, ROUGH)
    s.terms = block_sum(<const real*>t, k, p_tail, ROUGH)
    s.moment = block_sum(<const real*>scale, k, p_tail, ROUGH)
    top[0] = greatest(<real*>tops)
    return greatest(<real*>steepest) < most
