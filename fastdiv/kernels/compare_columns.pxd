"""The sums of pairs of short rows compared, element k of all of them side by side."""

from fastdiv.kernels.arithmetic cimport finite, fma, real
from fastdiv.kernels.compare_polynomials cimport tanh_tail
from fastdiv.kernels.compare_rows cimport compare_tile, pair_tile
from fastdiv.kernels.compare_terms cimport compare_lane, half_gap, half_log, split, unless_infinite
from fastdiv.kernels.double_sums cimport lost_in
from fastdiv.kernels.tiles cimport TILE, abreast, clear_tile


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
