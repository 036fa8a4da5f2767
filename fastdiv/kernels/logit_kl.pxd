"""Two rows of logits: Kullback-Leibler in one pass, of rows that are nothing out of the ordinary.

With any offset at all, z = xq - xp + offset, and the unnormalised P = exp(xp),

    KL = T / S - (y - log1p(y)),   S = sum P,   T = sum P (expm1(z) - z),   y = sum P expm1(z) / S.

Both brackets are never negative. With offset = log sum exp xp - log sum exp xq, y would be 0; of
another offset the two cancel, as far as the second comes near the first. So an offset is guessed,
and whenever a block shows that it was a bad guess, what there is is moved to a better one and the
block done again. y is summed with the same care as T, and takes part in the result with
y / (1 + y) of its error.

NaN is for the two passes of logit_pairs.pxd: an infinite result or none, huge logits.
"""

from fastdiv.kernels.arithmetic cimport INFINITY, LN2_HI, NAN, finite, real
from fastdiv.kernels.double_sums cimport add, join, value
from fastdiv.kernels.lanes cimport SCRATCH, block_min, block_size
from fastdiv.kernels.logit_gaps cimport gap_block, gap_row, gap_sums, greatest_fall
from fastdiv.kernels.logit_offsets cimport change_offset, guess, move_offset, rescale, settled
from fastdiv.kernels.logits cimport reference, reference_for
from fastdiv.kernels.scalars cimport excess_of, log1p_excess, log1p_lane
from fastdiv.kernels.segments cimport SEGMENT, over_segments, segment_end, segments_of
from fastdiv.kernels.sources cimport fetch, tail_of
from fastdiv.kernels.tasks cimport room_of_segments, task


cdef inline double take_block(
    const real* xp, const real* xq, Py_ssize_t n, const real* p_tail, const real* q_tail,
    gap_row* row,
) noexcept nogil:
    """Add a block to the row. NaN or -1 is the row's answer."""
    cdef gap_sums s
    cdef reference base
    cdef double top = 0, fall, most_fall = 2.0 ** 28 if real is float else 2.0 ** 700
    cdef bint good
    cdef int turn
    if block_min(xq, n) < -0.5 * most_fall:
        fall = greatest_fall(xp, xq, n, p_tail, q_tail)
        if fall > most_fall:
            # A class that is next to nothing in p counts, see ``lowest``.
            return NAN if fall == INFINITY else -1
    for turn in range(3):
        good = gap_block(xp, xq, n, p_tail, q_tail, row, &s, &top)
        if not top <= row.base.power * LN2_HI + 40:
            # exp nears the end of its range.
            base = reference_for(top, NULL, xp)
            if base.shift != 0 or turn > 0:
                return NAN
            rescale(row, &base)
        elif not good or not finite(s.terms):
            return NAN
        elif settled(value(&row.mass) + s.mass, value(&row.terms) + s.terms,
                     value(&row.moment) + s.moment):
            add(&row.mass, s.mass)
            add(&row.terms, s.terms)
            add(&row.moment, s.moment)
            return 0
        elif not move_offset(row, &s, xp):
            return NAN
    return -1


cdef inline double take_part(
    const task* t, Py_ssize_t first, Py_ssize_t end, gap_row* row, real* scratch
) noexcept nogil:
    """The sums of a row from element ``first`` up to ``end``. NaN or -1 is its answer."""
    cdef real* second = scratch + SCRATCH
    cdef const real* p_tail = tail_of(<const real*>scratch)
    cdef const real* q_tail = tail_of(<const real*>second)
    cdef double kl
    cdef Py_ssize_t k = first, n
    cdef const real* p
    cdef const real* q
    row.mass.high = row.mass.low = row.terms.high = row.terms.low = 0
    row.moment.high = row.moment.low = 0
    while k < end:
        n = min(end - k, block_size(<const real*>scratch))
        p = fetch(&t.p, k, n, scratch, <real>-INFINITY)
        q = fetch(&t.q, k, n, second, <real>-INFINITY)
        if k == first and not guess(p, q, n, p_tail, q_tail, row):
            return NAN
        kl = take_block(p, q, n, p_tail, q_tail, row)
        if kl != 0:
            return kl
        k += n
    return 0


ctypedef struct gap_part:
    gap_row row
    double kl               # 0, or the row's answer

ctypedef struct gap_pass:
    const task* t
    gap_part* made          # by each segment


cdef inline void gap_segment(void* pass_, Py_ssize_t i, real* scratch) noexcept nogil:
    cdef gap_pass* a = <gap_pass*>pass_
    a.made[i].kl = take_part(
        a.t, i * SEGMENT, segment_end(i, a.t.c), &a.made[i].row, scratch)


cdef inline bint join_rows(gap_row* row, gap_row* other) noexcept nogil:
    """Add the sums of a following part, both moved to the offset that makes their y 0.

    At its own offset each part's y is small against its T, of which the move then takes a quarter
    at most: to move one of them to the offset of the other could cancel.
    """
    cdef double change = row.offset - other.offset, mass, moment, y, expm1 = 0
    if other.base.power > row.base.power:
        rescale(row, &other.base)
    else:
        rescale(other, &row.base)
    mass = value(&row.mass) + value(&other.mass)
    if not -700 < change < 80:
        return False
    excess_of(change, &expm1)
    # y of both at the row's offset.
    moment = value(&row.moment) + value(&other.moment) + expm1 * (
        value(&other.mass) + value(&other.moment))
    y = moment / mass
    if not (-1 < y < INFINITY):
        return False
    y = -log1p_lane(y)
    if not (change_offset(other, change + y) and change_offset(row, y)):
        return False
    row.offset += y
    join(&row.mass, &other.mass)
    join(&row.terms, &other.terms)
    join(&row.moment, &other.moment)
    return True


cdef inline bint are_equal(const task* t, real* scratch) noexcept nogil:
    """Whether all logits of p and q are."""
    cdef real* second = scratch + SCRATCH
    cdef const real* p
    cdef const real* q
    cdef bint equal = True
    cdef Py_ssize_t k = 0, n, i
    while k < t.c and equal:
        n = min(t.c - k, block_size(<const real*>scratch))
        p = fetch(&t.p, k, n, scratch, <real>0)
        q = fetch(&t.q, k, n, second, <real>0)
        for i in range(n):
            equal = equal & (p[i] == q[i])
        k += n
    return equal


cdef inline double kl_in_one_pass(const task* t, real* scratch) noexcept nogil:
    """The divergence, or NaN, or -1: the rows are too close to each other for this type, or all
    that is between them are classes with next to no weight, see ``lowest``."""
    cdef gap_pass a
    cdef gap_part only
    cdef gap_row* row
    cdef double kl, mass, least = 2.0 ** -60 if real is float else 2.0 ** -780
    cdef Py_ssize_t i
    a.t = t
    a.made = <gap_part*>room_of_segments(t, &only)
    over_segments(&t.pieces, &a, gap_segment[float], gap_segment[double], t.c, scratch)
    row = &a.made[0].row
    for i in range(segments_of(t.c)):
        if a.made[i].kl != 0:
            return a.made[i].kl
        if i > 0 and not join_rows(row, &a.made[i].row):
            return NAN
    mass = value(&row.mass)
    kl = value(&row.terms) / mass - log1p_excess(value(&row.moment) / mass)
    if row.terms.high == 0:
        return 0 if are_equal(t, scratch) else -1
    return kl if kl >= least else -1
