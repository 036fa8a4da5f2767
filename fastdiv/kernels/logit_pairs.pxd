"""Two rows of logits: two passes for Kullback-Leibler or Jensen-Shannon.

The first finds both log-sum-exps, the second sums terms in d = log(p / q) that are never negative,
and what an error in the log-sum-exps does to them. Where that is much, the second is done again.
"""

from fastdiv.kernels.arithmetic cimport INFINITY, finite, real
from fastdiv.kernels.compare_terms cimport logit_gap
from fastdiv.kernels.double_sums cimport add, double_sum, join, value
from fastdiv.kernels.kept cimport exponentials, sum_row
from fastdiv.kernels.lanes cimport (
    MAX_BLOCK, MAX_LANES, SCRATCH, at, block_size, clear, lanes, put_set,
)
from fastdiv.kernels.logit_pair_terms cimport blur, pair_term
from fastdiv.kernels.logits cimport exp_sum, exp_unit, log_total, proper, reference, rest_of
from fastdiv.kernels.scalars cimport exp_scalar, log1p_excess, log1p_lane
from fastdiv.kernels.segments cimport SEGMENT, over_segments, segment_end, segments_of
from fastdiv.kernels.sources cimport fetch, tail_of
from fastdiv.kernels.sum_trees cimport ROUGH
from fastdiv.kernels.sums cimport block_sum, lane_sum
from fastdiv.kernels.tasks cimport room_of_segments, task

ctypedef struct pair:
    # What the second pass needs of the first: p = exp(x - reference) * factor, and the
    # difference of the log-sum-exps of x - shift as an unevaluated sum. Of huge rows that keeps
    # what counts: logits next to the shift, which is the largest, less it are exact.
    reference at_p
    reference at_q
    double factor_p
    double factor_q
    double offset
    double offset_low


cdef inline bint pair_ready(
    pair* out, const exp_sum* p, const exp_sum* q, double unit, const real* like
) noexcept nogil:
    """Prepare the second pass; p and q come out multiplied by unit. False: the answer is NaN."""
    cdef double log_p = log_total(p, like), log_q = log_total(q, like)
    cdef double top_p = p.m - p.base.shift, top_q = q.m - q.base.shift
    cdef double difference = top_p - top_q, part = difference - top_p
    cdef double error = (top_p - (difference - part)) - (top_q + part)
    if not (proper(p) and proper(q) and log_p == log_p and log_q == log_q):
        return False
    out.at_p = p.base
    out.at_q = q.base
    unit /= exp_unit(like)
    out.factor_p = exp_scalar(-p.base.rho) / (p.ties + rest_of(p, like)) * unit
    out.factor_q = exp_scalar(-q.base.rho) / (q.ties + rest_of(q, like)) * unit
    error += log_p - log_q
    out.offset = <real>(difference + error)
    out.offset_low = (difference - out.offset) + error
    return True


cdef inline void logit_pair_block(
    const real* xp, const real* xq, const real* ep, const real* eq, Py_ssize_t n,
    const real* p_tail, const real* q_tail, const pair* c, double_sum* terms, double_sum* moment,
    bint symmetric,
) noexcept nogil:
    """Add the terms of a block, whose exponentials ep and eq are in whole sets of lanes."""
    cdef real made[MAX_BLOCK]
    cdef real set[MAX_LANES]
    cdef real moments[MAX_LANES]
    cdef const real* x
    cdef const real* y
    cdef real d
    cdef real shift_p = <real>c.at_p.shift, shift_q = <real>c.at_q.shift
    cdef real factor_p = <real>c.factor_p, factor_q = <real>c.factor_q
    cdef real offset = <real>c.offset, offset_low = <real>c.offset_low
    cdef Py_ssize_t width = lanes(xp), whole = n - n % width, k = 0, lane
    clear(<real*>moments)
    while k < n:
        x = at(xp, k, whole, p_tail)
        y = at(xq, k, whole, q_tail)
        for lane in range(width):
            d = logit_gap(x[lane] - shift_p, y[lane] - shift_q, offset, offset_low, True)
            set[lane] = pair_term(
                d, ep[k + lane] * factor_p, eq[k + lane] * factor_q, &moments[lane], symmetric,
                True, (y[lane] - shift_q == -INFINITY) & (x[lane] - shift_p > -INFINITY))
        put_set(made + k, <const real*>set)
        k += width
    add(terms, block_sum(<const real*>made, k, p_tail, ROUGH))
    # Of second order in the result: a plain chain will do.
    add(moment, lane_sum(<const real*>moments))


ctypedef struct pair_pass:
    const task* t
    const pair* constants
    bint symmetric
    double_sum* made        # terms and moment of each segment


cdef inline void second_part(
    const pair_pass* a, Py_ssize_t k, Py_ssize_t end, double_sum* terms, double_sum* moment,
    bint symmetric, real* scratch,
) noexcept nogil:
    cdef real* second = scratch + SCRATCH
    cdef const real* p_tail = tail_of(<const real*>scratch)
    cdef const real* q_tail = tail_of(<const real*>second)
    cdef real room_p[MAX_BLOCK]
    cdef real room_q[MAX_BLOCK]
    cdef const pair* c = a.constants
    cdef Py_ssize_t n
    cdef const real* p
    cdef const real* q
    cdef const real* ep
    cdef const real* eq
    terms.high = terms.low = moment.high = moment.low = 0
    while k < end:
        n = min(end - k, block_size(<const real*>scratch))
        p = fetch(&a.t.p, k, n, scratch, <real>-INFINITY)
        q = fetch(&a.t.q, k, n, second, <real>-INFINITY)
        ep = exponentials(a.t, 0, &c.at_p, p, k, n, p_tail, <real*>room_p)
        eq = exponentials(a.t, 1, &c.at_q, q, k, n, q_tail, <real*>room_q)
        logit_pair_block(p, q, ep, eq, n, p_tail, q_tail, c, terms, moment, symmetric)
        k += n


cdef inline void pair_segment(void* pass_, Py_ssize_t i, real* scratch) noexcept nogil:
    cdef pair_pass* a = <pair_pass*>pass_
    cdef double_sum* made = a.made + 2 * i
    if a.symmetric:
        second_part(a, i * SEGMENT, segment_end(i, a.t.c), made, made + 1, True, scratch)
    else:
        second_part(a, i * SEGMENT, segment_end(i, a.t.c), made, made + 1, False, scratch)


cdef inline void second_pass(
    const task* t, const pair* constants, double_sum* terms, double_sum* moment, bint symmetric,
    real* scratch,
) noexcept nogil:
    cdef pair_pass a
    cdef double_sum only[2]
    cdef Py_ssize_t i
    a.t, a.constants, a.symmetric = t, constants, symmetric
    a.made = <double_sum*>room_of_segments(t, &only[0])
    over_segments(&t.pieces, &a, pair_segment[float], pair_segment[double], t.c, scratch)
    terms[0], moment[0] = a.made[0], a.made[1]
    for i in range(1, segments_of(t.c)):
        join(terms, a.made + 2 * i)
        join(moment, a.made + 2 * i + 1)


cdef inline double offset_error(
    double_sum* terms, double_sum* moment, double unit, bint symmetric
) noexcept nogil:
    """What is in every d too much, if it makes up a good part of the terms; else 0.

    Of rows a few units in the last place apart the log-sum-exps differ by less than they are off.
    """
    cdef double error = value(moment) / unit, total = value(terms) / unit
    if symmetric:
        # Between rows further apart the moment is not an error but a term of the order of JS.
        return error if 0.125 * error * error > 2.0 ** -6 * total and total < 2.0 ** -20 else 0
    return -log1p_lane(error) if log1p_excess(error) > 2.0 ** -6 * total else 0


cdef inline bint sum_logit_pair(
    const task* t, real* scratch, double_sum* terms, double_sum* moment, double unit, bint symmetric
) noexcept nogil:
    """Both passes over a pair of rows. False: the answer is NaN."""
    cdef exp_sum sp = sum_row(t, 0, scratch)
    cdef exp_sum sq = sum_row(t, 1, scratch)
    cdef pair constants
    cdef double error
    cdef int turn
    if not pair_ready(&constants, &sp, &sq, unit, <const real*>scratch):
        return False
    if real is float:
        # Differences may be too large for floats.
        if not symmetric and (sp.m > 1e30 or sq.m > 1e30):
            return False
    for turn in range(2):
        second_pass(t, &constants, terms, moment, symmetric, scratch)
        error = offset_error(terms, moment, unit, symmetric)
        if turn == 1 or error == 0 or not finite(error):
            break
        constants.offset_low += error
    # JS of rows next to each other is a quarter of KL.
    error = blur(constants.offset, <real>0)
    return real is double or value(terms) / unit * (4 if symmetric else 1) >= error * error
