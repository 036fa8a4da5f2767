"""The offset between two rows of logits that logit_kl.pxd counts from: guessed, and moved.

Whenever a block shows that it was a bad guess, what there is is moved to a better one. Notation is
that of logit_kl.pxd.
"""

from libc.stdint cimport uint64_t

from fastdiv.kernels.arithmetic cimport INFINITY, LN2_HI, ROUNDER, finite, real
from fastdiv.kernels.double_sums cimport add, multiply, value
from fastdiv.kernels.exponentials cimport exp_lanes
from fastdiv.kernels.lanes cimport MAX_LANES, greatest_of_four, lane_maxima, lanes
from fastdiv.kernels.logit_gaps cimport gap_row, gap_sums
from fastdiv.kernels.logits cimport reference, reference_for, reference_ratio
from fastdiv.kernels.math cimport bits64, double_of
from fastdiv.kernels.scalars cimport excess_of, log1p_excess, log1p_lane, log_careful
from fastdiv.kernels.sum_trees cimport ROUGH
from fastdiv.kernels.sums cimport block_sum


cdef inline double rough_sum(
    const real* x, Py_ssize_t n, const real* tail, reference* base
) noexcept nogil:
    """The sum of exp(x - reference) over the largest logits, each the largest of a lane.

    Nearly that of the block where it has few large ones, and less by about the same in both rows
    where it has many.
    """
    cdef real m[4 * MAX_LANES]
    cdef real tops[4 * MAX_LANES]
    cdef real low, rounder
    cdef real* top
    cdef Py_ssize_t lane, four = 4 * lanes(x)
    lane_maxima(x, n, tail, <real*>m)
    for lane in range(four):
        tops[lane] = m[lane]
    base[0] = reference_for(greatest_of_four(<real*>tops), NULL, x)
    low = <real>base.low
    rounder = <real>base.rounder
    for lane in range(4):
        top = <real*>m + lane * lanes(x)
        exp_lanes(<const real*>top, <real>0, low, rounder, False, top, lanes(x))
    return block_sum(<const real*>m, four, tail, ROUGH)


cdef inline double on_grid(double offset, double grid) noexcept nogil:
    """The multiple of a power of two next to an offset.

    Logits are multiples of powers of two as well, and so z is mostly exact; its rounding would
    count twice in z^2 psi(z).
    """
    return (offset + ROUNDER * grid) - ROUNDER * grid


cdef inline bint guess(
    const real* xp, const real* xq, Py_ssize_t n, const real* p_tail, const real* q_tail,
    gap_row* row,
) noexcept nogil:
    """The reference and the offset to begin with. False: the logits are huge, infinite or NaN."""
    cdef reference of_q
    cdef double q = rough_sum(xq, n, q_tail, &of_q), p = rough_sum(xp, n, p_tail, &row.base)
    if row.base.shift != 0 or of_q.shift != 0:
        return False
    row.offset = <real>on_grid(
        (row.base.power - of_q.power) * LN2_HI + log_careful(p / q), 2.0 ** -10)
    return finite(row.offset)


cdef inline bint settled(double mass, double terms, double moment) noexcept nogil:
    """Whether y - log1p(y), here a Pade form of it, is less than a quarter of T / S."""
    cdef double y = moment / mass
    return (-0.5 <= y <= 1) & (y * y <= (0.5 + y * (1.0 / 3.0)) * (terms / mass))


cdef inline bint change_offset(gap_row* row, double change) noexcept nogil:
    """What T and y S become when the offset changes."""
    cdef double mass = value(&row.mass), moment = value(&row.moment), expm1 = 0, excess
    if not -700 < change < 80:
        return False
    excess = excess_of(change, &expm1)
    add(&row.terms, expm1 * moment + excess * mass)
    add(&row.moment, expm1 * (mass + moment))
    return True


cdef inline bint move_offset(gap_row* row, const gap_sums* s, const real* like) noexcept nogil:
    """Take the offset that would make y of row and block 0, as exactly as it need be known."""
    cdef double all_mass = value(&row.mass) + s.mass
    cdef double y = (value(&row.moment) + s.moment) / all_mass, offset, change, kl
    if not (-1 < y < INFINITY):
        return False
    offset = row.offset - log1p_lane(y)
    kl = (value(&row.terms) + s.terms) / all_mass - log1p_excess(y)
    if kl > 2.0 ** -100:
        # A power of two of about sqrt(kl) / 8.
        offset = on_grid(offset, double_of(
            ((bits64(kl) >> 1) + (<uint64_t>1017 << 51)) & <uint64_t>0xfff0000000000000))
    offset = <real>offset
    change = offset - row.offset
    if not change_offset(row, change):
        return False
    row.offset = offset
    return True


cdef inline void rescale(gap_row* row, const reference* base) noexcept nogil:
    """Have the sums count from another reference."""
    cdef double ratio = reference_ratio(&row.base, base, NULL)
    multiply(&row.mass, ratio)
    multiply(&row.terms, ratio)
    multiply(&row.moment, ratio)
    row.base = base[0]
