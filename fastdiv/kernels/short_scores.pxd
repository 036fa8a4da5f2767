"""Short rows of logits scored: all the numbers of scores.pxd, a lane for each row."""

from fastdiv.kernels.arithmetic cimport real
from fastdiv.kernels.columns cimport in_order, put_column, wanted
from fastdiv.kernels.coming cimport coming
from fastdiv.kernels.log_sums cimport log_sums_of
from fastdiv.kernels.logit_rows cimport logsumexp_of_q
from fastdiv.kernels.ranks cimport next_above
from fastdiv.kernels.scores cimport (
    BRIER_SCORE, CONFIDENCE, CROSS_ENTROPY, ENTROPY, LOGSUMEXP, PROBABILITY, RANK, TOP_CLASS,
    brier_of, exp_gap,
)
from fastdiv.kernels.short_logits cimport entropy_of, exp_tile, sum_exp_tile
from fastdiv.kernels.tasks cimport task
from fastdiv.kernels.tile_sums cimport tile_squares
from fastdiv.kernels.tiles cimport TILE, abreast, after, tile
from fastdiv.kernels.turning cimport load_tile


cdef inline void first_and_rank(
    const real* x, Py_ssize_t c, const Py_ssize_t* label, const exp_tile* s, double* first,
    double* rank,
) noexcept nogil:
    """Of every row the first largest class, and the label's place among the classes."""
    cdef Py_ssize_t many = abreast(x), j, k, lane
    cdef real m[TILE]
    cdef real a[TILE]
    cdef real above[TILE]
    cdef real place[TILE]
    cdef real found[TILE]
    cdef real passed[TILE]
    for lane in range(many):
        m[lane] = <real>s.m[lane]
        a[lane] = x[label[lane] * many + lane]
        above[lane] = next_above(a[lane])
        place[lane] = <real>label[lane]
        found[lane] = 0
        passed[lane] = 1
    for j in range(c - 1, -1, -1):
        k = j * many
        for lane in range(many):
            found[lane] = <real>j if x[k + lane] >= m[lane] else found[lane]
            # An equal one counts if it comes before the label.
            passed[lane] += (<real>1 if x[k + lane] >= (a[lane] if place[lane] > <real>j
                                                        else above[lane]) else <real>0)
    for lane in range(many):
        first[lane] = found[lane]
        rank[lane] = passed[lane]


cdef inline void score_of(
    const task* t, const tile* rows, bint ordered, exp_tile* s, const double* at_label,
    double* made, real* scratch,
) noexcept nogil:
    """The numbers that the sums of the rows make; the scratch is used up."""
    cdef Py_ssize_t many = abreast(<const real*>scratch), lane
    cdef double brier[TILE]
    cdef double probability[TILE]
    cdef double confidence[TILE]
    cdef double lse[TILE]
    cdef double entropy[TILE]
    cdef double e, share
    cdef task row
    for lane in range(many):
        e = exp_gap(s.m[lane], at_label[lane])
        share = 1 / (s.ties[lane] + s.rest[lane])
        brier[lane] = brier_of(s.ties[lane], s.rest[lane],
                               s.squares[lane] * s.factor[lane] * s.factor[lane], e, share)
        confidence[lane] = share
        probability[lane] = e * share
        made[lane] = (s.m[lane] - at_label[lane]) + s.log_sum[lane]
    entropy_of(s, <double*>entropy, <const real*>scratch)
    put_column(t, rows, ordered, CROSS_ENTROPY, made)
    put_column(t, rows, ordered, ENTROPY, <const double*>entropy)
    put_column(t, rows, ordered, BRIER_SCORE, <const double*>brier)
    put_column(t, rows, ordered, PROBABILITY, <const double*>probability)
    put_column(t, rows, ordered, CONFIDENCE, <const double*>confidence)
    if wanted(t, LOGSUMEXP):
        row = t[0]
        log_sums_of(&t.q, rows.q, rows.rows, t.c, s, <double*>lse, scratch)
        for lane in range(rows.rows):
            if lse[lane] != lse[lane] and made[lane] == made[lane]:
                row.q.data = rows.q[lane]
                lse[lane] = logsumexp_of_q(&row, s.m[lane], s.log_sum[lane], scratch)
        put_column(t, rows, ordered, LOGSUMEXP, <const double*>lse)


cdef inline void score_from_logits(
    const task* t, const tile* rows, real* x, double* made
) noexcept nogil:
    cdef Py_ssize_t many = abreast(<const real*>x)
    cdef double at_label[TILE]
    cdef double first[TILE]
    cdef double rank[TILE]
    cdef exp_tile s
    cdef coming next
    cdef bint ordered = in_order(t, rows)
    cdef Py_ssize_t lane
    next = load_tile(&t.q, rows.q, t.c, x)
    for lane in range(many):
        at_label[lane] = x[rows.label[lane] * many + lane]
    sum_exp_tile(x, t.c, after(x), after(after(x)), &s, &next, True, NULL)
    tile_squares(<const real*>after(x), t.c, s.squares)
    if wanted(t, TOP_CLASS) or wanted(t, RANK):
        first_and_rank(<const real*>x, t.c, <const Py_ssize_t*>rows.label, &s, <double*>first,
                       <double*>rank)
        put_column(t, rows, ordered, TOP_CLASS, <const double*>first)
        put_column(t, rows, ordered, RANK, <const double*>rank)
    score_of(t, rows, ordered, &s, <const double*>at_label, made, x)
