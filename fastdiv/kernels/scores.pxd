"""What the numbers of a score are made of, once a row's sums are there: in double, for lanes too.

With e = exp(x - m), T = ties + rest their sum and y the label:

    probability = e_y / T        confidence = 1 / T
    Brier score = sum_k (p_k - [k = y])^2
                = (sum_{k != y} e_k^2 + (T - e_y)^2) / T^2,

terms that are not negative. 1 - p_y is made of the other classes' sum: where the label is the
largest logit, T - e_y = ties - 1 + rest is no difference at all; elsewhere it is at least 1, and so
is what is left of the sum of squares.
"""

from fastdiv.kernels.arithmetic cimport LN2_HI, fma
from fastdiv.kernels.exponentials cimport exp_double, rounder_for

cdef enum score:
    # In the order of ``Scores`` in _fields.py.
    CROSS_ENTROPY
    LOGSUMEXP
    ENTROPY
    BRIER_SCORE
    PROBABILITY
    CONFIDENCE
    TOP_CLASS
    RANK


cdef inline double exp_gap(double m, double x) noexcept nogil:
    """exp(x - m) for x <= m, subnormal or 0 where it is that small; NaN for two infinities.

    Taken up to 2^128 first, so that nothing is lost before the end. What the difference loses by
    rounding comes back as a factor.
    """
    cdef double gap = m - x
    cdef double back = gap - m
    cdef double lost = (m - (gap - back)) - (x + back)
    cdef double rounder = rounder_for(1023 + 128, &m)
    cdef double e = exp_double(-gap, -(1023 + 128) * LN2_HI, rounder)
    return (e - e * lost if gap < 2000 else e) * 2.0 ** -128


cdef inline double brier_of(
    double ties, double rest, double squares, double e, double share
) noexcept nogil:
    """The Brier score; e is the label's exp(x - m), squares are those of what makes up the rest,
    share is 1 / T."""
    # An e that is rounded to 1 may be taken from either.
    cdef double others = (ties - 1.0) + rest if e == 1 else ties + (rest - e)
    cdef double of_others = (ties - 1.0) + squares if e == 1 else ties + (squares - e * e)
    # What 1 / T is rounded by, which its square would have twice.
    cdef double lost = fma(-share, ties + rest, 1.0)
    cdef double missing = others * share, square = share * share
    missing = fma(missing, lost, missing)
    return of_others * fma(2.0 * lost, square, square) + missing * missing
