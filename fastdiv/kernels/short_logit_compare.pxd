"""Pairs of short rows of logits compared, a lane for each: what logit_compare.pxd computes.

NaN in ``made`` gives a pair to its row function.
"""

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

from fastdiv.kernels.arithmetic cimport INFINITY, real
from fastdiv.kernels.columns cimport in_order, put_column
from fastdiv.kernels.coming cimport ask, coming
from fastdiv.kernels.compare_columns cimport begin_columns, compare_columns
from fastdiv.kernels.compare_rows cimport (
    compare_tile, of_labels, offsets, pair_tile, put_divergences, put_labels,
)
from fastdiv.kernels.comparisons cimport SAME_TOP_CLASS
from fastdiv.kernels.exponentials cimport exp_column
from fastdiv.kernels.math cimport bits32, bits64, double_of, float_of
from fastdiv.kernels.pair_offsets cimport count_masked
from fastdiv.kernels.short_logits cimport begin_sums, end_sums, exp_tile, keep_next_to_0
from fastdiv.kernels.sum_trees cimport FINEST
from fastdiv.kernels.tasks cimport task
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
    keep_next_to_0(<const real*>others, c, <const real*>m, s)
    for lane in range(many):
        s.ties[lane] = integer_of(ties[lane])
    end_sums(s, x, False)


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
    cdef coming next_p, next_q
    cdef bint ordered = in_order(t, rows)
    next_p = load_tile(&t.p, rows.p, c, xp)
    next_q = load_tile(&t.q, rows.q, c, xq)
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
                   xp)
