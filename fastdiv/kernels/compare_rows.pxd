"""Several pairs of rows compared, a lane for each: what is done once a pair."""

from fastdiv.kernels.arithmetic cimport NAN, real
from fastdiv.kernels.columns cimport put_column, put_number, wanted
from fastdiv.kernels.comparisons cimport (
    DELTA_P, JS_DIVERGENCE, KL_DIVERGENCE, P_CROSS_ENTROPY, Q_CROSS_ENTROPY, REVERSE_KL_DIVERGENCE,
    TOTAL_VARIATION, divergences, divergences_of, is_blurred, is_settled, is_tiny, probability_gap,
)
from fastdiv.kernels.logit_rows cimport cross_entropy_label_from_logits
from fastdiv.kernels.logits cimport huge
from fastdiv.kernels.scalars cimport log1p_lane
from fastdiv.kernels.scores cimport exp_gap
from fastdiv.kernels.short_logits cimport exp_tile
from fastdiv.kernels.tasks cimport source, task
from fastdiv.kernels.tiles cimport TILE, abreast, tile

ctypedef struct pair_tile:
    double offset[TILE]     # the difference of the log-sum-exps, a number of the type, and the rest
    double offset_low[TILE]
    double factor[TILE]     # brings the exponentials of q to the unit of p
    double unit[TILE]       # makes probabilities of what it makes of p

ctypedef struct compare_tile:
    # Of every pair what compare_sums holds of one.
    double kl[TILE]
    double reverse[TILE]
    double js[TILE]
    double apart[TILE]
    double gap[TILE]
    double side[TILE]
    double close[TILE]


cdef inline void offsets(
    const exp_tile* p, const exp_tile* q, pair_tile* out, const real* like
) noexcept nogil:
    """What the terms of every pair need of the sums of both rows."""
    cdef double difference, part, error, a, b, ratio, factor
    cdef real rounded
    cdef Py_ssize_t lane
    for lane in range(abreast(like)):
        difference = p.m[lane] - q.m[lane]
        part = difference - p.m[lane]
        error = (p.m[lane] - (difference - part)) - (q.m[lane] + part)
        a = p.ties[lane] - 1.0 + p.rest[lane]
        b = q.ties[lane] - 1.0 + q.rest[lane]
        ratio = log1p_lane((a - b) / (1 + b) if a > b else (b - a) / (1 + a))
        error += ratio if a > b else -ratio
        out.offset[lane] = <real>(difference + error)
        # Rounded here: what the gap tells is then the error of the same number everywhere.
        out.offset_low[lane] = <real>((difference - out.offset[lane]) + error)
        factor = (1 + a) * q.factor[lane] / ((1 + b) * p.factor[lane])
        out.factor[lane] = rounded = <real>factor
        # What this rounding does to q is half of what it does to p + q, which most terms are made
        # of: made good for those.
        out.unit[lane] = p.factor[lane] / (1 + a) * (1 + <real>(factor - rounded) / (2 * rounded))


cdef inline void put_divergences(
    const task* t, const tile* rows, bint ordered, const pair_tile* pairs, compare_tile* s,
    double* made, const real* like,
) noexcept nogil:
    """Write the divergences; ``made`` comes out as NaN where it is not for a tile.

    The gap comes out in the unit of probabilities.
    """
    cdef double kl[TILE]
    cdef double reverse[TILE]
    cdef double js[TILE]
    cdef double variation[TILE]
    cdef divergences one
    cdef double unit
    cdef Py_ssize_t lane
    # In two loops, without "and" or more than one condition for a choice: of one gcc makes scalar
    # code with branches (compare of 10 classes 0.27 > 0.31 Gel/s).
    for lane in range(abreast(like)):
        unit = pairs.unit[lane]
        s.gap[lane] *= unit
        made[lane] = 0 if is_settled(
            s.apart[lane] * unit, s.gap[lane], s.close[lane] * unit, like[0]) else NAN
        one = divergences_of(
            s.kl[lane] * unit, s.reverse[lane] * unit, s.js[lane] * unit, s.apart[lane] * unit,
            s.gap[lane], s.side[lane] * unit)
        kl[lane], reverse[lane] = one.kl, one.reverse
        js[lane], variation[lane] = one.js, one.variation
    for lane in range(abreast(like)):
        made[lane] = NAN if is_tiny(s.kl[lane], kl[lane], like[0]) else made[lane]
        made[lane] = NAN if is_tiny(s.reverse[lane], reverse[lane], like[0]) else made[lane]
        made[lane] = NAN if is_blurred(
            s.apart[lane] * pairs.unit[lane], pairs.offset[lane], like[0]) else made[lane]
        made[lane] = made[lane] if pairs.offset[lane] == pairs.offset[lane] else NAN
        made[lane] = made[lane] if s.kl[lane] == s.kl[lane] else NAN
        made[lane] = made[lane] if s.reverse[lane] == s.reverse[lane] else NAN
    put_column(t, rows, ordered, KL_DIVERGENCE, <const double*>kl)
    put_column(t, rows, ordered, REVERSE_KL_DIVERGENCE, <const double*>reverse)
    put_column(t, rows, ordered, JS_DIVERGENCE, <const double*>js)
    put_column(t, rows, ordered, TOTAL_VARIATION, <const double*>variation)


cdef inline void put_huge(
    const task* t, const source* x, double m, int column, double* scratch
) noexcept nogil:
    """A cross-entropy that no tile of floats has told, which is that of floats all the same; m: the
    row's largest logit."""
    cdef double most = huge(<const float*>NULL)
    cdef task row
    if not -most < m < most and wanted(t, column):
        row = t[0]
        row.q = x[0]
        put_number(t, column, cross_entropy_label_from_logits(&row, <float*>scratch))


cdef inline void put_huge_rows(
    const task* t, const tile* rows, const exp_tile* p, const exp_tile* q, double* scratch
) noexcept nogil:
    """Those of a tile, which need not be distributions."""
    cdef task row = t[0]
    cdef Py_ssize_t r
    for r in range(rows.rows):
        row.p.data, row.q.data = rows.p[r], rows.q[r]
        row.out, row.label = rows.out[r], rows.label[r]
        put_huge(&row, &row.p, p.m[r], P_CROSS_ENTROPY, scratch)
        put_huge(&row, &row.q, q.m[r], Q_CROSS_ENTROPY, scratch)


cdef inline bint of_labels(const task* t) noexcept nogil:
    """Whether anything is wanted that is told of labels."""
    return wanted(t, P_CROSS_ENTROPY) or wanted(t, Q_CROSS_ENTROPY) or wanted(t, DELTA_P)


cdef inline void put_labels(
    const task* t, const tile* rows, bint ordered, const exp_tile* p, const exp_tile* q,
    const pair_tile* pairs, const compare_tile* s, const double* a, const double* b,
    real* scratch,
) noexcept nogil:
    """Write what is told of the labels, whose logits are a and b; the scratch is used up."""
    cdef double of_p[TILE]
    cdef double of_q[TILE]
    cdef double gap[TILE]
    cdef Py_ssize_t lane
    for lane in range(abreast(<const real*>scratch)):
        of_p[lane] = (p.m[lane] - a[lane]) + p.log_sum[lane]
        of_q[lane] = (q.m[lane] - b[lane]) + q.log_sum[lane]
        gap[lane] = probability_gap(
            a[lane], b[lane], exp_gap(p.m[lane], a[lane]) / (p.ties[lane] + p.rest[lane]),
            exp_gap(q.m[lane], b[lane]) / (q.ties[lane] + q.rest[lane]), pairs.offset[lane],
            pairs.offset_low[lane], s.gap[lane])
    put_column(t, rows, ordered, DELTA_P, <const double*>gap)
    if t.again:
        put_huge_rows(t, rows, p, q, <double*>scratch)
        return
    put_column(t, rows, ordered, P_CROSS_ENTROPY, <const double*>of_p)
    put_column(t, rows, ordered, Q_CROSS_ENTROPY, <const double*>of_q)
