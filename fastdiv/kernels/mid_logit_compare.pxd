"""Pairs of rows of one block of logits compared, several at once: what logit_compare.pxd computes.

As in mid_logit_pairs.pxd, exponentials are taken once and kept, and what is done once a pair is
done for all pairs of a tile, a lane for each.

NaN in ``made`` gives a pair to its row function.
"""

from fastdiv.kernels.arithmetic cimport PADDING, real
from fastdiv.kernels.block_rows cimport again, room_of
from fastdiv.kernels.columns cimport in_order, put_column
from fastdiv.kernels.coming cimport next_tile
from fastdiv.kernels.compare_blocks cimport compare_masked, compare_sums
from fastdiv.kernels.compare_rows cimport (
    compare_tile, of_labels, offsets, pair_tile, put_divergences, put_labels,
)
from fastdiv.kernels.comparisons cimport SAME_TOP_CLASS
from fastdiv.kernels.exp_terms cimport exp_terms
from fastdiv.kernels.lanes cimport (
    MAX_LANES, greatest, greatest_of_four, lane_maxima, lanes, whole_sets,
)
from fastdiv.kernels.logits cimport next_to_0, steps_in_float
from fastdiv.kernels.ranks cimport first_in_block
from fastdiv.kernels.short_logits cimport begin_sums, end_sums, exp_tile
from fastdiv.kernels.sources cimport fetch, tail_of
from fastdiv.kernels.sums cimport block_sum, lane_sum
from fastdiv.kernels.tasks cimport source, task
from fastdiv.kernels.tiles cimport TILE, abreast, tile


cdef inline Py_ssize_t only_place(
    const real* x, Py_ssize_t n, const real* tops, real m
) noexcept nogil:
    """Where a row's largest element m is, of which ``tops`` are the lanes' maxima; -1 if it is in
    more than one place. A lane has few."""
    cdef real first[MAX_LANES]
    cdef real hits[MAX_LANES]
    cdef real hit
    cdef Py_ssize_t width = lanes(x), four = 4 * width, whole = n // four * four, k, lane
    cdef Py_ssize_t place = -1, found = 0
    cdef bint here
    for lane in range(width):
        first[lane] = -4 * MAX_LANES
        hits[lane] = 0
    k = 0
    while k < four:
        for lane in range(width):
            hit = <real>1 if tops[k + lane] >= m else <real>0
            hits[lane] += hit
            # All but one of them are 0, or they are not looked at.
            first[lane] += hit * <real>(4 * MAX_LANES - k)
        k += width
    if lane_sum(<const real*>hits) != 1:
        return -1
    for lane in range(width):
        first[lane] -= <real>lane
    lane = -<Py_ssize_t>greatest(<real*>first)
    k = lane
    while k < whole:
        # Not a branch, which would be guessed wrong.
        here = x[k] >= m
        place = k if here else place
        found += here
        k += four
    # What is left beyond whole groups of four sets was taken by the first set's lanes.
    k = whole + lane if lane < width else n
    while k < n:
        here = x[k] >= m
        place = k if here else place
        found += here
        k += width
    return place if found == 1 else -1


cdef inline void find_tops(
    const source* s, const char* const* at, Py_ssize_t n, Py_ssize_t c, real* scratch,
    const real** x, real* m, Py_ssize_t* place,
) noexcept nogil:
    """The first n rows of a tile, their maxima and where these are; the other lanes repeat the
    first one's."""
    cdef source row = s[0]
    cdef real tops[4 * MAX_LANES]
    cdef real kept[4 * MAX_LANES]
    cdef real* room
    cdef Py_ssize_t r, lane
    for r in range(n):
        room = room_of(scratch, r)
        row.data = at[r]
        x[r] = fetch(&row, 0, c, room, <real>PADDING)
        lane_maxima(x[r], c, tail_of(<const real*>room), <real*>tops)
        for lane in range(4 * lanes(<const real*>scratch)):
            kept[lane] = tops[lane]
        m[r] = greatest_of_four(<real*>tops)
        place[r] = only_place(x[r], c, <const real*>kept, m[r])
    for r in range(n, abreast(<const real*>scratch)):
        m[r] = m[0]


cdef inline void keep_exps(
    const source* row, const char* const* start, Py_ssize_t n, Py_ssize_t c, real* scratch,
    real* spare, const real** x, exp_tile* s,
) noexcept nogil:
    """exp(x - reference) of every row, in the room of each, and the sums without the largest."""
    cdef Py_ssize_t many = abreast(<const real*>scratch)
    cdef real m[TILE]
    cdef real low[TILE]
    cdef real rounder[TILE]
    cdef real top
    cdef real* e
    cdef const real* tail
    cdef const real* next
    cdef Py_ssize_t r, k, filled = whole_sets(<const real*>scratch, c)
    cdef int steps
    find_tops(row, start, n, c, scratch, x, <real*>m, s.first)
    begin_sums(<const real*>m, <real*>low, <real*>rounder, s, NULL)
    for r in range(n):
        e = room_of(scratch, r)
        tail = tail_of(<const real*>e)
        next = <const real*>(start[r] + next_tile(start, many))
        top = <real>(1 / s.factor[r])
        s.ties[r] = 1
        if s.first[r] >= 0:
            # A loop without what it does not need.
            exp_terms(x[r], c, tail, next, True, m[r], <real>0, low[r], rounder[r], e, e, NULL,
                      False, False, False, NULL)
            e[s.first[r]] = 0
        else:
            s.ties[r] = exp_terms(x[r], c, tail, next, True, m[r], <real>0, low[r], rounder[r], e,
                                  e, NULL, True, False, False, NULL)
        steps = steps_in_float(False, next_to_0(m[r], e), e)
        s.rest[r] = block_sum(<const real*>e, filled, tail, steps)
        x[r] = again(row, start[r], c, x[r], <const real*>e, spare)
        if s.first[r] >= 0:
            e[s.first[r]] = top
        else:
            s.first[r] = first_in_block(x[r], c, tail, m[r])
            for k in range(c):
                e[k] = top if x[r][k] >= m[r] else e[k]
    for r in range(n, many):
        s.ties[r] = 1
        s.rest[r] = 0
    end_sums(s, <const real*>scratch, False)


cdef inline void compare_from_logits(
    const task* t, const tile* rows, real* scratch, double* made
) noexcept nogil:
    cdef Py_ssize_t many = abreast(<const real*>scratch), c = t.c, r
    cdef real* second = room_of(scratch, many)
    cdef real* room_p = room_of(scratch, 2 * many)
    cdef real* room_q = room_of(room_p, 1)
    cdef const real* xp[TILE]
    cdef const real* xq[TILE]
    cdef const real* x
    cdef const real* y
    cdef const real* ep
    cdef const real* eq
    cdef double same[TILE]
    cdef double p_label[TILE]
    cdef double q_label[TILE]
    cdef exp_tile p, q
    cdef pair_tile pairs
    cdef compare_tile all
    cdef compare_sums s
    cdef bint ordered = in_order(t, rows), masked = False
    keep_exps(&t.p, rows.p, rows.rows, c, scratch, room_p, <const real**>xp, &p)
    keep_exps(&t.q, rows.q, rows.rows, c, second, room_q, <const real**>xq, &q)
    offsets(&p, &q, &pairs, <const real*>scratch)
    for r in range(many):
        all.kl[r] = all.reverse[r] = all.js[r] = all.apart[r] = all.gap[r] = 0
        all.side[r] = all.close[r] = same[r] = p_label[r] = q_label[r] = 0
    for r in range(rows.rows):
        ep = room_of(scratch, r)
        eq = room_of(second, r)
        x = again(&t.p, rows.p[r], c, xp[r], <const real*>room_p, room_p)
        y = again(&t.q, rows.q[r], c, xq[r], <const real*>room_q, room_q)
        compare_masked(x, y, ep, eq, c, tail_of(ep), tail_of(eq), <real>pairs.factor[r],
                       <real>pairs.offset[r], <real>pairs.offset_low[r], &s, &masked, False)
        all.kl[r], all.reverse[r], all.js[r] = s.kl, s.reverse, s.js
        all.apart[r], all.gap[r] = s.apart, s.gap
        all.side[r], all.close[r] = s.side, s.close
        same[r] = <double>(p.first[r] == q.first[r])
        if t.label >= 0:
            p_label[r] = x[rows.label[r]]
            q_label[r] = y[rows.label[r]]
    put_divergences(t, rows, ordered, &pairs, &all, made, <const real*>scratch)
    put_column(t, rows, ordered, SAME_TOP_CLASS, <const double*>same)
    if t.label >= 0 and of_labels(t):
        put_labels(t, rows, ordered, &p, &q, &pairs, &all, <const double*>p_label,
                   <const double*>q_label, scratch)
