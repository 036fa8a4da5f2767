"""Pairs of short rows of logits compared, a lane for each: what logit_compare.pxd computes.

NaN in ``made`` gives a pair to its row function.
"""

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

from fastdiv.kernels.arithmetic cimport INFINITY, finite, fma, real
from fastdiv.kernels.columns cimport in_order, put_column
from fastdiv.kernels.coming cimport ask, coming, coming_after
from fastdiv.kernels.compare_rows cimport (
    compare_tile, of_labels, offsets, pair_tile, put_divergences, put_labels,
)
from fastdiv.kernels.compare_blocks cimport unless_infinite
from fastdiv.kernels.compare_polynomials cimport tanh_tail
from fastdiv.kernels.compare_terms cimport compare_lane, half_gap, half_log, split
from fastdiv.kernels.comparisons cimport SAME_TOP_CLASS
from fastdiv.kernels.double_sums cimport lost_in
from fastdiv.kernels.exponentials cimport exp_column
from fastdiv.kernels.math cimport bits32, bits64, double_of, float_of
from fastdiv.kernels.pair_offsets cimport count_masked
from fastdiv.kernels.short_logits cimport begin_sums, end_sums, exp_tile
from fastdiv.kernels.sources cimport task
from fastdiv.kernels.sums cimport FINEST
from fastdiv.kernels.tile_sums cimport tile_sum
from fastdiv.kernels.tiles cimport TILE, abreast, after, any_nan, clear_tile, tile, tile_max
from fastdiv.kernels.turning cimport load_tile


cdef inline real other(
    real* e, real x, real m, real top, Py_ssize_t j, real* ties, real* first
) noexcept nogil:
    """e, but 0 where x is m: there e becomes ``top``, the bits of ``first`` become j, and those of
    ``ties`` count it. With one comparison, see ``below``; not (x >= m) lets NaN through."""
    cdef uint32_t few
    cdef uint64_t many
    cdef real kept
    if real is float:
        few = <uint32_t>0 - <uint32_t>(x >= m)
        kept = float_of(bits32(e[0]) & ~few)
        e[0] = float_of(bits32(kept) | (bits32(top) & few))
        ties[0] = float_of(bits32(ties[0]) - few)
        first[0] = float_of((bits32(first[0]) & ~few) | (<uint32_t>j & few))
    else:
        many = <uint64_t>0 - <uint64_t>(x >= m)
        kept = double_of(bits64(e[0]) & ~many)
        e[0] = double_of(bits64(kept) | (bits64(top) & many))
        ties[0] = double_of(bits64(ties[0]) - many)
        first[0] = double_of((bits64(first[0]) & ~many) | (<uint64_t>j & many))
    return kept


cdef inline double integer_of(real bits) noexcept nogil:
    """What ``other`` has counted."""
    if real is float:
        return <int32_t>bits32(bits)
    else:
        return <int64_t>bits64(bits)


cdef inline void keep_exps(
    const real* x, Py_ssize_t c, const coming* next, real* e, real* others, real* first,
    exp_tile* s
) noexcept nogil:
    """exp(x - reference) of every row, the sums without the largest, and which is the first of
    these."""
    cdef Py_ssize_t many = abreast(x), j, i, k, lane
    cdef real m[TILE]
    cdef real low[TILE]
    cdef real rounder[TILE]
    cdef real ties[TILE]
    cdef real made[TILE]
    cdef real top[TILE]
    cdef real a
    tile_max(x, c, <real*>m)
    begin_sums(<const real*>m, <real*>low, <real*>rounder, s, NULL)
    for lane in range(many):
        top[lane] = <real>(1 / s.factor[lane])
    clear_tile(<real*>ties)
    clear_tile(first)
    for i in range(c):
        ask(next, i)
        j = c - 1 - i
        k = j * many
        exp_column(x + k, <const real*>low, <const real*>rounder, <real*>made, many)
        for lane in range(many):
            a = made[lane]
            others[k + lane] = other(&a, x[k + lane], m[lane], top[lane], j, &ties[lane],
                                     &first[lane])
            e[k + lane] = a
    tile_sum(<const real*>others, c, s.rest, FINEST)
    for lane in range(many):
        s.ties[lane] = integer_of(ties[lane])
    end_sums(s, x, False)


cdef inline void add_four(const real* terms, double* total, double* lost) noexcept nogil:
    """Add four terms of every pair; of doubles what is lost with them is kept: twenty-five
    steps of one side each made total variation 18 ulp off."""
    cdef Py_ssize_t many = abreast(terms), lane
    cdef double value, before
    for lane in range(many):
        value = ((terms[lane] + terms[lane + many])
                 + (terms[lane + 2 * many] + terms[lane + 3 * many]))
        before = total[lane]
        total[lane] = before + value
        if real is double:
            lost[lane] += lost_in(total[lane], before, value)


cdef inline void give_back(double* total, const double* lost, const real* like) noexcept nogil:
    cdef Py_ssize_t lane
    if real is double:
        for lane in range(abreast(like)):
            # Of an infinite sum it is NaN.
            total[lane] = total[lane] + lost[lane] if finite(total[lane]) else total[lane]


cdef inline void begin_columns(
    const real* xp, const real* xq, const real* p, real* q, Py_ssize_t c,
    const pair_tile* pairs, real* both, real* h, real* g, real* logs, bint masks,
) noexcept nogil:
    """What the terms of all classes are made of; q comes out in the unit of p, unless it did
    before, when nothing was masked, and ``both`` with it."""
    cdef Py_ssize_t many = abreast(xp), j, k, lane
    cdef real offset[TILE]
    cdef real offset_low[TILE]
    cdef real factor[TILE]
    for lane in range(many):
        factor[lane] = <real>pairs.factor[lane]
        offset[lane] = <real>pairs.offset[lane]
        offset_low[lane] = <real>pairs.offset_low[lane]
    for j in range(c):
        k = j * many
        for lane in range(many):
            h[k + lane] = half_gap(
                xp[k + lane], xq[k + lane], offset[lane], offset_low[lane], masks)
            if not masks:
                both[k + lane] = fma(q[k + lane], factor[lane], p[k + lane])
                q[k + lane] *= factor[lane]
            g[k + lane] = tanh_tail(h[k + lane] * h[k + lane])
            logs[k + lane] = half_log(p[k + lane], q[k + lane])


cdef inline void compare_columns(
    const real* p, const real* q, const real* both, const real* h, const real* g,
    const real* logs, Py_ssize_t c, compare_tile* s,
) noexcept nogil:
    """The sums of every pair, in the unit of p."""
    cdef Py_ssize_t many = abreast(p), j, i, k, lane
    cdef real kl[4 * TILE]
    cdef real reverse[4 * TILE]
    cdef real js[4 * TILE]
    cdef real above[4 * TILE]
    cdef real below[4 * TILE]
    cdef double more[TILE]
    cdef double less[TILE]
    cdef real side[TILE]
    cdef real close[TILE]
    cdef double lost[5][TILE]
    cdef real of_side = 0, of_close = 0, gap = 0
    clear_tile(<real*>side)
    clear_tile(<real*>close)
    for lane in range(many):
        s.kl[lane] = s.reverse[lane] = s.js[lane] = more[lane] = less[lane] = 0
        for i in range(5):
            lost[i][lane] = 0
    for j in range(0, c, 4):
        for i in range(4):
            k = (j + i) * many
            if j + i >= c:
                clear_tile(<real*>kl + i * many)
                clear_tile(<real*>reverse + i * many)
                clear_tile(<real*>js + i * many)
                clear_tile(<real*>above + i * many)
                clear_tile(<real*>below + i * many)
                continue
            for lane in range(many):
                compare_lane(p[k + lane], q[k + lane], both[k + lane], h[k + lane], g[k + lane],
                             logs[k + lane], &kl[i * many + lane], &reverse[i * many + lane],
                             &js[i * many + lane], &gap, &of_side, &of_close)
                split(gap, &above[i * many + lane], &below[i * many + lane])
                side[lane] += of_side
                close[lane] += of_close
        add_four(<const real*>kl, s.kl, lost[0])
        add_four(<const real*>reverse, s.reverse, lost[1])
        add_four(<const real*>js, s.js, lost[2])
        add_four(<const real*>above, <double*>more, lost[3])
        add_four(<const real*>below, <double*>less, lost[4])
    give_back(s.kl, lost[0], p)
    give_back(s.reverse, lost[1], p)
    give_back(s.js, lost[2], p)
    give_back(<double*>more, lost[3], p)
    give_back(<double*>less, lost[4], p)
    for lane in range(many):
        s.kl[lane] = unless_infinite(s.kl[lane])
        s.reverse[lane] = unless_infinite(s.reverse[lane])
        s.apart[lane] = 0.5 * (more[lane] + less[lane])
        s.gap[lane] = 0.5 * (more[lane] - less[lane])
        s.side[lane] = side[lane]
        s.close[lane] = close[lane]


cdef inline void set_masked(
    const real* x, const real* y, Py_ssize_t c, double* kl
) noexcept nogil:
    """Infinite where some class is masked in y and not in x."""
    cdef real found[TILE]
    cdef Py_ssize_t lane
    count_masked(x, y, c, <real*>found)
    for lane in range(abreast(x)):
        kl[lane] = INFINITY if found[lane] > 0 else kl[lane]


cdef inline void compare_from_logits(
    const task* t, const tile* rows, real* xp, double* made
) noexcept nogil:
    cdef Py_ssize_t many = abreast(<const real*>xp), c = t.c, lane
    cdef real* xq = after(xp)
    cdef real* ep = after(xq)
    cdef real* eq = after(ep)
    cdef real* h = after(eq)
    cdef real* g = after(h)
    cdef real* logs = after(g)
    cdef real* both = after(logs)
    cdef real first_p[TILE]
    cdef real first_q[TILE]
    cdef double same[TILE]
    cdef double a[TILE]
    cdef double b[TILE]
    cdef exp_tile p, q
    cdef pair_tile pairs
    cdef compare_tile s
    cdef coming next_p = coming_after(&t.p, rows.p, c, many)
    cdef coming next_q = coming_after(&t.q, rows.q, c, many)
    cdef bint ordered = in_order(t, rows)
    load_tile(&t.p, rows.p, c, xp)
    load_tile(&t.q, rows.q, c, xq)
    # The room of h serves for the sums, too.
    keep_exps(xp, c, &next_p, ep, h, <real*>first_p, &p)
    keep_exps(xq, c, &next_q, eq, h, <real*>first_q, &q)
    offsets(&p, &q, &pairs, <const real*>xp)
    for lane in range(many):
        same[lane] = 1 if integer_of(first_p[lane]) == integer_of(first_q[lane]) else 0
    begin_columns(xp, xq, ep, eq, c, &pairs, both, h, g, logs, False)
    compare_columns(ep, eq, both, h, g, logs, c, &s)
    if any_nan(s.js, many):
        begin_columns(xp, xq, ep, eq, c, &pairs, both, h, g, logs, True)
        compare_columns(ep, eq, both, h, g, logs, c, &s)
        set_masked(xp, xq, c, s.kl)
        set_masked(xq, xp, c, s.reverse)
    put_divergences(t, rows, ordered, &pairs, &s, made, <const real*>xp)
    put_column(t, rows, ordered, SAME_TOP_CLASS, <const double*>same)
    if t.label >= 0 and of_labels(t):
        for lane in range(many):
            a[lane] = xp[rows.label[lane] * many + lane]
            b[lane] = xq[rows.label[lane] * many + lane]
        put_labels(t, rows, ordered, &p, &q, &pairs, &s, <const double*>a, <const double*>b,
                   <const real*>xp)
