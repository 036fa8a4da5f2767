"""Two rows of weights: one pass for Kullback-Leibler or Jensen-Shannon.

With phi(p, q) = p log(p / q) - p + q >= 0, G = sum phi, Sp = sum p and e = sum(q - p) / Sp, the
divergence of the normalised rows is

    KL = G / Sp - (e - log1p(e)),

in one pass, with nothing that cancels as long as the sums are about equal. Jensen-Shannon is
sum (phi(p, m) + phi(q, m)) / 2 with m = (p + q) / 2. Where the sums differ, as of counts, it takes
another pass, of p against factor * q: its sums are equal but for the rounding of the factor, and
each difference is rounded but once. If they are so far apart that the first pass would be for
nothing, and rows before these were, there is none: the sums are taken first (counts: KL 1.2 to 1.6,
Jensen-Shannon 1.5 to 1.8 times as fast). Only when the passes are made hangs on other rows, and not
which of them has the last word.

Of rows as they stand the pass is plain. Its terms, of either sign, are of p and q that are near
each other phi and, exact, p - q, of others p log(p / q) itself, which may be much less than either.

The pass runs in the type of the input and notices what it cannot do well; such a row is done again
by careful_pairs.pxd.
"""

from fastdiv.kernels.arithmetic cimport INFINITY, finite, real
from fastdiv.kernels.double_sums cimport add, double_sum
from fastdiv.kernels.lanes cimport MAX_BLOCK, two_ahead, whole_sets
from fastdiv.kernels.sum_trees cimport FINE, ROUGH
from fastdiv.kernels.sums cimport block_sum
from fastdiv.kernels.weight_pair_terms cimport pair_terms
from fastdiv.kernels.weights cimport most

ctypedef struct pair_sums:
    double_sum phi          # sum phi(p, q), or for Jensen-Shannon sum phi(p, m) + phi(q, m)
    double_sum phi_q        # sum phi(q, m), or of plain rows the sum of p - q beside phi
    double_sum delta        # sum (p - q)
    double_sum mass         # sum p
    bint good               # False: the fast pass met what only the careful one can do


cdef inline void sum_terms(
    const real* phi, const real* p, const real* q, Py_ssize_t n, const real* p_tail,
    const real* q_tail, real factor, double* total, double* mass, double* delta, bint symmetric,
) noexcept nogil:
    """The sums of phi and p, and where that is wanted a better one of p - factor * q than comes in.

    Jensen-Shannon has it in first order. A chain's error is some u of sum |p - q|: nothing next to
    JS of rows that are close, but up to 22 ulp of those of 1000 classes that are not.
    """
    total[0] = block_sum(phi, whole_sets(p, n), p_tail, FINE)
    if not symmetric:
        mass[0] = block_sum(p, n, p_tail, ROUGH)
        return
    total[0] *= 0.5
    mass[0] = block_sum(p, n, p_tail, FINE)
    if total[0] > 1e-4 * mass[0]:
        delta[0] = mass[0] - factor * block_sum(q, n, q_tail, FINE)


cdef inline void pair_block(
    pair_sums* s, const real* p, const real* q, Py_ssize_t n, const real* p_tail,
    const real* q_tail, real factor, bint symmetric, bint scaled, bint plain,
) noexcept nogil:
    cdef real phi[MAX_BLOCK]
    cdef double phi_q = 0, delta = 0, total = 0, mass = 0
    s.good = pair_terms(
        p, q, n, p_tail, q_tail, two_ahead(p), two_ahead(q), factor, <real*>phi, &phi_q, &delta,
        symmetric, scaled, plain)
    sum_terms(<const real*>phi, p, q, n, p_tail, q_tail, factor, &total, &mass, &delta, symmetric)
    add(&s.phi, total)
    add(&s.mass, mass)
    add(&s.delta, delta)
    if symmetric or plain:
        add(&s.phi_q, phi_q)


cdef inline bint in_range(const pair_sums* s, const real* like) noexcept nogil:
    """Whether the sums are finite; no weight is above the sum of its row."""
    return (finite(s.phi.high) and s.mass.high < most(like)
            and s.mass.high - s.delta.high < most(like))


cdef inline double turned_down(bint symmetric, bint short, real like) noexcept nogil:
    """The size of e from which on the first pass turns a pair down, whatever its sums: ``js_of``,
    and of KL ``log1p_excess_small`` for lanes and ``kl_from`` for rows."""
    if symmetric:
        return 2.0 ** -12 if real is float else 2.0 ** -26
    return 2.0 ** -7 if short else 2.0 ** -2


cdef inline bint are_unequal(double p, double q, double least) noexcept nogil:
    """Whether the sums of two rows are so far apart that the first pass is for nothing.

    The hundredth is far more than what e may be off there, 2^-16 of KL and 2^-23 of Jensen-Shannon.
    """
    return (p > 0) & (abs(q - p) > 1.01 * least * p) & (p < INFINITY) & (q < INFINITY)
