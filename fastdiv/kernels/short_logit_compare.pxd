"""Pairs of short rows of logits compared, a lane for each: what logit_compare.pxd computes.

NaN in ``made`` gives a pair to its row function.
"""

from fastdiv.kernels.arithmetic cimport INFINITY, finite, real
from fastdiv.kernels.columns cimport in_order, put_column, wanted
from fastdiv.kernels.coming cimport coming, coming_after
from fastdiv.kernels.compare_rows cimport (
    compare_tile, of_labels, offsets, pair_tile, put_divergences, put_labels,
)
from fastdiv.kernels.compare_blocks cimport unless_infinite
from fastdiv.kernels.compare_polynomials cimport tanh_tail
from fastdiv.kernels.compare_terms cimport compare_lane, half_gap, half_log
from fastdiv.kernels.comparisons cimport SAME_TOP_CLASS
from fastdiv.kernels.short_logits cimport exp_tile, sum_exp_tile
from fastdiv.kernels.sources cimport task
from fastdiv.kernels.sums cimport lost_in
from fastdiv.kernels.tiles cimport TILE, abreast, after, clear_tile, tile
from fastdiv.kernels.turning cimport load_tile


cdef inline void set_tops(
    const real* x, Py_ssize_t c, const exp_tile* s, const double* factor, real* e
) noexcept nogil:
    """Give the largest logits' exponentials, kept as 0, their value; multiply by a factor."""
    cdef Py_ssize_t many = abreast(x), j, k, lane
    cdef real top[TILE]
    cdef real m[TILE]
    cdef real by[TILE]
    for lane in range(many):
        by[lane] = <real>factor[lane]
        top[lane] = <real>(factor[lane] / s.factor[lane])
        m[lane] = <real>s.m[lane]
    for j in range(c):
        k = j * many
        for lane in range(many):
            e[k + lane] = top[lane] if x[k + lane] >= m[lane] else e[k + lane] * by[lane]


cdef inline void same_tops(
    const real* xp, const real* xq, Py_ssize_t c, const exp_tile* p, const exp_tile* q,
    double* same,
) noexcept nogil:
    """Whether the first of the largest logits are those of one class."""
    cdef Py_ssize_t many = abreast(xp), j, k, lane
    cdef real state[TILE]
    cdef real m_p[TILE]
    cdef real m_q[TILE]
    cdef real a, b
    for lane in range(many):
        state[lane] = 0
        m_p[lane] = <real>p.m[lane]
        m_q[lane] = <real>q.m[lane]
    for j in range(c):
        k = (c - 1 - j) * many
        for lane in range(many):
            a = <real>1 if xp[k + lane] >= m_p[lane] else <real>0
            b = <real>1 if xq[k + lane] >= m_q[lane] else <real>0
            state[lane] = a * b if a + b > 0 else state[lane]
    for lane in range(many):
        same[lane] = state[lane]


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
    const real* xp, const real* xq, const real* p, const real* q, Py_ssize_t c,
    const pair_tile* pairs, real* h, real* g, real* logs, bint masks,
) noexcept nogil:
    """What the terms of all classes are made of."""
    cdef Py_ssize_t many = abreast(xp), j, k, lane
    cdef real offset[TILE]
    cdef real offset_low[TILE]
    for lane in range(many):
        offset[lane] = <real>pairs.offset[lane]
        offset_low[lane] = <real>pairs.offset_low[lane]
    for j in range(c):
        k = j * many
        for lane in range(many):
            h[k + lane] = half_gap(
                xp[k + lane], xq[k + lane], offset[lane], offset_low[lane], masks)
            g[k + lane] = tanh_tail(h[k + lane] * h[k + lane])
            logs[k + lane] = half_log(p[k + lane], q[k + lane])


cdef inline void compare_columns(
    const real* p, const real* q, const real* h, const real* g, const real* logs, Py_ssize_t c,
    compare_tile* s,
) noexcept nogil:
    """The sums of every pair, in the unit of p."""
    cdef Py_ssize_t many = abreast(p), j, i, k, lane
    cdef real kl[4 * TILE]
    cdef real reverse[4 * TILE]
    cdef real js[4 * TILE]
    cdef real apart[4 * TILE]
    cdef real gap[4 * TILE]
    cdef real side[TILE]
    cdef real close[TILE]
    cdef double lost[5][TILE]
    cdef real of_side = 0, of_close = 0
    clear_tile(<real*>side)
    clear_tile(<real*>close)
    for lane in range(many):
        s.kl[lane] = s.reverse[lane] = s.js[lane] = s.apart[lane] = s.gap[lane] = 0
        for i in range(5):
            lost[i][lane] = 0
    for j in range(0, c, 4):
        for i in range(4):
            k = (j + i) * many
            if j + i >= c:
                clear_tile(<real*>kl + i * many)
                clear_tile(<real*>reverse + i * many)
                clear_tile(<real*>js + i * many)
                clear_tile(<real*>apart + i * many)
                clear_tile(<real*>gap + i * many)
                continue
            for lane in range(many):
                compare_lane(p[k + lane], q[k + lane], h[k + lane], g[k + lane], logs[k + lane],
                             &kl[i * many + lane], &reverse[i * many + lane],
                             &js[i * many + lane], &gap[i * many + lane], &of_side, &of_close)
                apart[i * many + lane] = abs(gap[i * many + lane])
                side[lane] += of_side
                close[lane] += of_close
        add_four(<const real*>kl, s.kl, lost[0])
        add_four(<const real*>reverse, s.reverse, lost[1])
        add_four(<const real*>js, s.js, lost[2])
        add_four(<const real*>apart, s.apart, lost[3])
        add_four(<const real*>gap, s.gap, lost[4])
    give_back(s.kl, lost[0], p)
    give_back(s.reverse, lost[1], p)
    give_back(s.js, lost[2], p)
    give_back(s.apart, lost[3], p)
    give_back(s.gap, lost[4], p)
    for lane in range(many):
        s.kl[lane] = unless_infinite(s.kl[lane])
        s.reverse[lane] = unless_infinite(s.reverse[lane])
        s.side[lane] = side[lane]
        s.close[lane] = close[lane]


cdef inline void set_masked(
    const real* x, const real* y, Py_ssize_t c, double* kl
) noexcept nogil:
    """Infinite where some class is masked in y and not in x."""
    cdef Py_ssize_t many = abreast(x), j, k, lane
    cdef real found[TILE]
    cdef real kept
    clear_tile(<real*>found)
    for j in range(c):
        k = j * many
        for lane in range(many):
            kept = <real>1 if x[k + lane] > -INFINITY else <real>0
            found[lane] += kept if y[k + lane] == -INFINITY else <real>0
    for lane in range(many):
        kl[lane] = INFINITY if found[lane] > 0 else kl[lane]


cdef inline bint is_nan(const double* a, const real* like) noexcept nogil:
    cdef bint found = False
    cdef Py_ssize_t lane
    for lane in range(abreast(like)):
        found = found | (a[lane] != a[lane])
    return found


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
    cdef double one[TILE]
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
    sum_exp_tile(xp, c, ep, ep, &p, &next_p, False, NULL)
    sum_exp_tile(xq, c, eq, eq, &q, &next_q, False, NULL)
    offsets(&p, &q, &pairs, <const real*>xp)
    for lane in range(many):
        one[lane] = 1
    set_tops(xp, c, &p, <const double*>one, ep)
    set_tops(xq, c, &q, pairs.factor, eq)
    if wanted(t, SAME_TOP_CLASS):
        same_tops(xp, xq, c, &p, &q, <double*>same)
    begin_columns(xp, xq, ep, eq, c, &pairs, h, g, logs, False)
    compare_columns(ep, eq, h, g, logs, c, &s)
    if is_nan(s.js, <const real*>xp):
        begin_columns(xp, xq, ep, eq, c, &pairs, h, g, logs, True)
        compare_columns(ep, eq, h, g, logs, c, &s)
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
