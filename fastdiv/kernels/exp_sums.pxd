"""The exponentials of a block of logits and their sum, in one loop where that is faster.

Exponentials are multiply-adds, of which a processor does one or two at a time; a sum's conversions
and additions, and the search for the largest logit, go to units that these leave idle. The sum is
that of ``block_sum``, to the bit.
"""

from fastdiv.kernels.arithmetic cimport INFINITY, real
from fastdiv.kernels.exp_terms cimport exp_step, exp_terms
from fastdiv.kernels.lanes cimport (
    MAX_LANES, ahead, at, clear, greatest, lanes, put_set, take_maxima, whole_sets,
)
from fastdiv.kernels.sum_trees cimport FINE, SUMS, add_pairs, start_tree, tree_end
from fastdiv.kernels.sums cimport block_sum, lane_sum
from fastdiv.kernels.temperatures cimport temperature

cdef extern from *:
    """
    /* With thirty-two registers 1.02 to 1.10 times as fast as two loops, with sixteen 0.95. */
    #ifdef __AVX512F__
    #define FASTDIV_ONE_LOOP 1
    #else
    #define FASTDIV_ONE_LOOP 0
    #endif
    """
    const bint ONE_LOOP "FASTDIV_ONE_LOOP"


cdef inline bint in_one_loop(int in_float) noexcept nogil:
    return ONE_LOOP and in_float == FINE


cdef inline double sum_in_one_loop(
    const real* x, Py_ssize_t n, const real* tail, const real* next, bint second, real m,
    real shift, real low, real rounder, real* terms, bint kept, real* others, real* tops,
    bint at_max, bint shifted, const temperature* warm,
) noexcept nogil:
    """What ``exp_and_sum`` calls, FINE. ``terms`` are room for three sets if they are not kept;
    tops: the largest of every lane, unless NULL."""
    cdef real made[2 * MAX_LANES]
    cdef real pairs[2 * MAX_LANES]
    cdef double sums[SUMS]
    cdef Py_ssize_t width = lanes(x), whole = n - n % width, filled = whole_sets(x, n)
    cdef Py_ssize_t fours = filled // (4 * width), i, j, h, lane, k = 0
    cdef const real* y
    cdef const real* late
    start_tree(<double*>sums, x)
    for i in range(fours):
        # The first and the third set, then the second and the fourth.
        for j in range(2):
            for h in range(2):
                k = (4 * i + 2 * h + j) * width
                y = at(x, k, whole, tail)
                ahead(next + k, second)
                if tops != NULL:
                    take_maxima(tops, y)
                exp_step(y, m, shift, low, rounder, <real>0, <real*>made + h * width, <real*>NULL,
                         others, <real*>NULL, width, at_max, False, False, shifted, warm)
                if kept:
                    put_set(terms + k, <const real*>made + h * width)
            for lane in range(width):
                pairs[j * width + lane] = made[lane] + made[width + lane]
        add_pairs(<double*>sums, i, <const real*>pairs)
    late = terms + (4 * fours * width if kept else 0)
    for i in range(4 * fours, filled // width):
        k = i * width
        y = at(x, k, whole, tail)
        ahead(next + k, second)
        if tops != NULL:
            take_maxima(tops, y)
        exp_step(y, m, shift, low, rounder, <real>0, <real*>made, <real*>NULL, others, <real*>NULL,
                 width, at_max, False, False, shifted, warm)
        put_set(<real*>late + (i - 4 * fours) * width, <const real*>made)
    return tree_end(<double*>sums, fours, late, filled - 4 * fours * width, late, FINE, <real>0,
                    <real*>NULL)


cdef inline double exp_and_sum(
    const real* x, Py_ssize_t n, const real* tail, const real* next, bint second, real m,
    real shift, real low, real rounder, real* terms, bint kept, double* ties, bint at_max,
    bint shifted, const temperature* warm, int in_float, real* top,
) noexcept nogil:
    """The sum of the terms of a block as ``exp_terms`` makes them, and what that gives, in
    ``ties``. ``terms`` are room for them, where they are if they are to be kept.

    top: the block's largest element, unless NULL; where it is not one loop, it stays.
    """
    cdef real others[MAX_LANES]
    cdef real tops[MAX_LANES]
    cdef Py_ssize_t lane
    cdef double sum
    if not in_one_loop(in_float):
        ties[0] = exp_terms(x, n, tail, next, second, m, shift, low, rounder, terms, terms, NULL,
                            at_max, False, shifted, warm)
        return block_sum(<const real*>terms, whole_sets(x, n), tail, in_float)
    clear(<real*>others)
    if top != NULL:
        for lane in range(lanes(x)):
            tops[lane] = -INFINITY
        sum = sum_in_one_loop(x, n, tail, next, second, m, shift, low, rounder, terms, kept,
                              <real*>others, <real*>tops, at_max, shifted, warm)
        top[0] = greatest(<real*>tops)
    else:
        sum = sum_in_one_loop(x, n, tail, next, second, m, shift, low, rounder, terms, kept,
                              <real*>others, <real*>NULL, at_max, shifted, warm)
    ties[0] = whole_sets(x, n) - lane_sum(<const real*>others) if at_max else 0
    return sum
