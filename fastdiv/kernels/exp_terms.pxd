"""The exponentials of a block of logits, in whole sets of lanes, and how many are the largest."""

from fastdiv.kernels.arithmetic cimport real
from fastdiv.kernels.exponentials cimport exp_made, exp_reduced
from fastdiv.kernels.lanes cimport MAX_BLOCK, MAX_LANES, ahead, clear, greatest, lanes, put_set
from fastdiv.kernels.sums cimport lane_sum
from fastdiv.kernels.temperatures cimport temperature, warm_reduced


cdef inline void exp_step(
    const real* x, real m, real shift, real low, real rounder, real k,
    real* rest, real* spread, real* others, real* place, Py_ssize_t width, bint at_max,
    bint spreads, bint places, bint shifted, const temperature* warm,
) noexcept nogil:
    """``width`` lanes. at_max: some x equal m, the ``others`` do not; not (x >= m) lets NaN through
    to the sum. One comparison: counting what is equal, gcc takes a second."""
    cdef Py_ssize_t lane
    cdef real e, z, gap, rate = 0, step = 0, step_low = 0, inverse = 0
    cdef real t[MAX_LANES]
    cdef real b[MAX_LANES]
    cdef real made[MAX_LANES]
    if warm != NULL:
        rate, step = <real>warm.lane_rate, <real>warm.lane_step
        step_low, inverse = <real>warm.lane_step_low, <real>warm.lane_inverse
    for lane in range(width):
        if warm != NULL:
            z = x[lane] - shift if shifted else x[lane]
            t[lane] = warm_reduced(low if z < low else z, rounder, rate, step, step_low, inverse,
                                   &b[lane])
        else:
            t[lane] = exp_reduced(x[lane], shift, low, rounder, shifted, &b[lane])
    exp_made(<const real*>t, <const real*>b, <real*>made, width)
    for lane in range(width):
        e = made[lane]
        if at_max:
            e = <real>0 if x[lane] >= m else e
            if places:
                # No sum under a mask: gcc would branch around it.
                others[lane] += <real>0 if x[lane] >= m else <real>1
                place[lane] = k if x[lane] >= m else place[lane]
            else:
                others[lane] = others[lane] if x[lane] >= m else others[lane] + <real>1
        rest[lane] = e
        if spreads:
            gap = m - x[lane]
            if shifted:
                # e = 0 takes out the -inf logits, whose gap is infinite.
                gap = <real>0 if e == 0 else gap
            else:
                # So does what exp_reduced takes for them, of which e is 0 too.
                gap = m - (low if x[lane] < low else x[lane])
            spread[lane] = gap if real is float else e * gap


cdef inline double exp_terms(
    const real* x, Py_ssize_t n, const real* tail, const real* next, bint second, real m,
    real shift, real low, real rounder, real* rest, real* spread, Py_ssize_t* place, bint at_max,
    bint spreads, bint shifted, const temperature* warm,
) noexcept nogil:
    """The terms of a block, in whole sets of lanes; the number of x that equal m comes back.

    next: what is to be read next, see ``ahead``. place, if not NULL: where x equals m, if it is one
    place. warm: NULL, where that is known, or a temperature. spread: of doubles the terms times
    their gaps m - x, of floats the gaps, as spread_sums takes them.
    """
    cdef bint places = place != NULL
    cdef real others[MAX_LANES]
    cdef real found[MAX_LANES]
    cdef real made[MAX_LANES]
    cdef real gaps[MAX_LANES]
    cdef Py_ssize_t width = lanes(x), half = width // 2, whole = n - n % width, k = 0, lane
    clear(<real*>others)
    for lane in range(width):
        found[lane] = -MAX_BLOCK
    while k < whole:
        ahead(next + k, second)
        exp_step(x + k, m, shift, low, rounder, <real>k, <real*>made, <real*>gaps, <real*>others,
                 <real*>found, width, at_max, spreads, places, shifted, warm)
        put_set(rest + k, <const real*>made)
        if spreads:
            put_set(spread + k, <const real*>gaps)
        k += width
    if whole < n:
        # Of the tail half a set will often do.
        ahead(next + k, second)
        clear(<real*>made)
        clear(<real*>gaps)
        exp_step(tail, m, shift, low, rounder, <real>k, <real*>made, <real*>gaps, <real*>others,
                 <real*>found, half, at_max, spreads, places, shifted, warm)
        whole += half
        if n > whole:
            whole += half
            exp_step(tail + half, m, shift, low, rounder, <real>k, <real*>made + half,
                     <real*>gaps + half, <real*>others + half, <real*>found + half, half, at_max,
                     spreads, places, shifted, warm)
        put_set(rest + k, <const real*>made)
        if spreads:
            put_set(spread + k, <const real*>gaps)
    if places:
        for lane in range(width):
            found[lane] += <real>lane
        place[0] = <Py_ssize_t>greatest(<real*>found)
    return whole - lane_sum(<const real*>others) if at_max else 0
