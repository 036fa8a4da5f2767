"""What the sums of two rows of weights come to (weight_pairs.pxd): of a row, or a lane for each."""

from fastdiv.kernels.arithmetic cimport INFINITY, LN2_HI, NAN, real
from fastdiv.kernels.double_sums cimport value
from fastdiv.kernels.scalars cimport log1p_excess, log1p_excess_small
from fastdiv.kernels.tiles cimport abreast
from fastdiv.kernels.weight_pairs cimport pair_sums, turned_down
from fastdiv.kernels.weights cimport faint, most, unit


cdef inline double kl_of(
    double g, double e, double excess, double total, const real* like
) noexcept nogil:
    """G / Sp - excess, where excess is e - log1p(e): see weight_pairs.pxd. No branch, for lanes."""
    cdef double kl = g / total - excess, tiny = faint(like)
    # Sums that differ: some of G is the factor between the rows, not their divergence.
    cdef bint good = (kl * total > 0.96875 * g) & (g > tiny)
    good = good | (g == 0) & (e == 0)
    return kl if good & (total > tiny) else NAN


cdef inline double apart_by(const pair_sums* s) noexcept nogil:
    """e, the relative difference of the sums."""
    return -value(&s.delta) / value(&s.mass)


cdef inline double kl_from(const pair_sums* s, const real* like) noexcept nogil:
    cdef double e = apart_by(s)
    if not (s.good and abs(e) < turned_down(False, False, <real>0)):
        return NAN
    return kl_of(value(&s.phi), e, log1p_excess(e), value(&s.mass), like)


cdef inline bint equal_rows(const pair_sums* s) noexcept nogil:
    """Whether no element differs, so that a result of 0 is exact."""
    return s.phi.high == 0 and s.delta.high == 0


cdef inline double js_of(
    double phi, double phi_q, double e, double total, const real* like
) noexcept nogil:
    """J / Sp - e^2 / 8 - e Jq / (2 Sp), no branch, for lanes.

    J = sum (phi(p, m) + phi(q, m)) / 2 and Jq = sum phi(q, m). The two corrections are Taylor's, in
    the relative difference e of the two sums; their remainder is of the order of e^3 / 8 and
    e^2 J.
    """
    cdef double j = 0.5 * phi, u = unit(like), tiny = faint(like), ln2 = LN2_HI
    cdef double js = (j - 0.5 * e * phi_q) / total - 0.125 * e * e
    cdef bint good = (e * e < u) & (abs(e * e * e) < u * js) & (js * total > 0.96875 * j)
    good = good & (j > tiny) | (j == 0) & (e == 0)
    js = js if js < ln2 else ln2
    return js if good & (total > tiny) else NAN


cdef inline double js_from(const pair_sums* s, const real* like) noexcept nogil:
    if not s.good:
        return NAN
    return js_of(value(&s.phi), value(&s.phi_q), apart_by(s), value(&s.mass), like)


cdef inline void pair_results(
    const real* bad, const double* phi, const double* phi_q, const double* delta,
    const double* mass, double* made, bint symmetric,
) noexcept nogil:
    """KL or Jensen-Shannon of every row from its sums."""
    cdef Py_ssize_t many = abreast(bad)
    cdef double e, excess, result, top = most(bad)
    cdef bint good
    cdef Py_ssize_t lane
    for lane in range(many):
        e = -delta[lane] / mass[lane]
        if symmetric:
            result = js_of(phi[lane], phi_q[lane], e, mass[lane], bad)
        else:
            excess = log1p_excess_small(e)
            result = kl_of(phi[lane], e, excess, mass[lane], bad)
        # No weight is above the sum of its row.
        good = (bad[lane] == 0) & (mass[lane] < top) & (mass[lane] - delta[lane] < top)
        made[lane] = result if good & (phi[lane] < INFINITY) else NAN


cdef inline void plain_results(
    const real* bad, const double* terms, const double* delta, const double* mass, double* made,
    bint symmetric,
) noexcept nogil:
    """The same of rows that are taken as they stand: the sum of their terms."""
    cdef Py_ssize_t many = abreast(bad)
    cdef double result, top = most(bad), tiny = faint(bad)
    cdef bint good
    cdef Py_ssize_t lane
    for lane in range(many):
        result = 0.5 * terms[lane] if symmetric else terms[lane]
        good = (bad[lane] == 0) & (mass[lane] < top) & (mass[lane] - delta[lane] < top)
        good = good & (abs(result) < INFINITY)
        # Of equal rows 0 is exact; any other may be what has vanished.
        good = good & ((abs(result) > tiny) | (result == 0) & (delta[lane] == 0))
        made[lane] = result if good else NAN
