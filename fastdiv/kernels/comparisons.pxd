"""What the numbers of a comparison are made of, once a pair's sums are there: in double, for lanes
too.

The sums are those of compare_terms.pxd in the unit of probabilities; ``gap`` is what all
d = log(p / q) are off.
"""

from fastdiv.kernels.arithmetic cimport LN2_HI, real
from fastdiv.kernels.double_sums cimport lost_in
from fastdiv.kernels.logit_pair_terms cimport blur
from fastdiv.kernels.scalars cimport excess_of

cdef enum comparison:
    # In the order of ``Comparison`` in _fields.py.
    KL_DIVERGENCE
    REVERSE_KL_DIVERGENCE
    JS_DIVERGENCE
    TOTAL_VARIATION
    SAME_TOP_CLASS
    P_CROSS_ENTROPY
    Q_CROSS_ENTROPY
    DELTA_P

ctypedef struct divergences:
    double kl
    double reverse
    double js
    double variation


cdef inline bint is_settled(double apart, double gap, double close, real like) noexcept nogil:
    """Whether total variation is not in doubt by more than 4 u: what is ``close`` counts with the
    wrong sign, by no more than the gap."""
    cdef double least = 2.0 ** -22 if real is float else 2.0 ** -51
    return abs(gap) * close <= least * apart


cdef inline bint is_blurred(double apart, double offset, real like) noexcept nogil:
    """Whether floats leave too little of d = log(p / q)."""
    return (0 < apart) & (apart < blur(offset, like))


cdef inline bint is_tiny(double terms, double made, real like) noexcept nogil:
    """Whether a divergence is too small to be told by floats."""
    if real is float:
        return (terms > 0) & (made < 2.0 ** -60)
    else:
        return False


cdef inline divergences divergences_of(
    double kl, double reverse, double js, double apart, double gap, double side
) noexcept nogil:
    """The divergences, what the gap adds to each taken off."""
    cdef divergences made
    cdef double square = gap * gap, ln2 = LN2_HI
    made.kl = kl - 0.5 * square
    made.reverse = reverse - 0.5 * square
    made.js = js - 0.125 * square
    made.variation = 0.5 * (apart - 0.5 * gap * side)
    made.kl = made.kl if made.kl > 0 else 0
    made.reverse = made.reverse if made.reverse > 0 else 0
    made.js = made.js if made.js > 0 else 0
    made.js = made.js if made.js < ln2 else ln2
    made.variation = made.variation if made.variation > 0 else 0
    made.variation = made.variation if made.variation < 1 else 1
    return made


cdef inline double expm1_below(double x) noexcept nogil:
    """exp(x) - 1 for x <= 0."""
    cdef double expm1 = 0
    excess_of(x if x > -700 else -700, &expm1)
    return expm1


cdef inline double probability_gap(
    double a, double b, double p, double q, double offset, double offset_low, double gap
) noexcept nogil:
    """q - p of a class with logits a and b, made of d = log(p / q): the larger one times 1 less
    exp(-|d|).

    The ``gap`` comes off last: of a confident row's top class d may be 1e-22 beside an offset of 1.
    It has what such a class loses to rounding; what others lose, by their share, does not show.
    """
    cdef double apart = a - b, error = lost_in(apart, a, -b), first, second, d, lost, size, less
    error = error if error == error else 0
    first, second = apart - offset, error - offset_low
    d = first + second
    lost = lost_in(first, apart, -offset) + lost_in(second, error, -offset_low)
    lost = (1 - p) * (lost + lost_in(d, first, second)) - gap
    d = d + (lost if lost == lost else 0)
    size = d if d > 0 else -d
    less = expm1_below(-size)
    less = p * less if d > 0 else -q * less
    return less if d == d else 0
