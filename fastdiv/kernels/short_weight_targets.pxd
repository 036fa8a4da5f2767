"""Short rows of weights against a target with options, a lane for each row: see targets.pxd."""

cimport fastdiv.kernels.short_weights as short_weights
from fastdiv.kernels.arithmetic cimport INFINITY, NAN, real
from fastdiv.kernels.coming cimport ask, coming
from fastdiv.kernels.logarithms cimport log_gap, log_ratio
from fastdiv.kernels.math cimport or_bits, sign_bit
from fastdiv.kernels.short_targets cimport cross_entropy_of
from fastdiv.kernels.short_weights cimport anchors
from fastdiv.kernels.sum_trees cimport FINEST
from fastdiv.kernels.tasks cimport task
from fastdiv.kernels.tile_logs cimport log1p_tile
from fastdiv.kernels.tile_sums cimport tile_sum
from fastdiv.kernels.tiles cimport TILE, abreast, after, clear_tile, tile, tile_max
from fastdiv.kernels.turning cimport load_tile
from fastdiv.kernels.weights cimport faint, most, pair_flags


cdef inline void log_sums(
    const real* m, const real* ties, const real* bad, const double* rest, double* log_sum,
    bint normalize,
) noexcept nogil:
    """log(sum q / m) of every row, 0 of rows as they stand; NaN: not for a tile."""
    cdef double sum_q, tiny = faint(m), top = most(m)
    cdef bint good
    cdef Py_ssize_t lane
    for lane in range(abreast(m)):
        log_sum[lane] = ties[lane] - 1.0 + rest[lane] / m[lane]
    log1p_tile(log_sum, NULL, m)
    for lane in range(abreast(m)):
        sum_q = m[lane] * <double>ties[lane] + rest[lane]
        good = (bad[lane] == 0) & (sum_q < top) & ((m[lane] > tiny) | (not normalize))
        log_sum[lane] = log_sum[lane] if normalize else 0
        log_sum[lane] = log_sum[lane] if good else NAN


cdef inline void log_tile(
    real* q, Py_ssize_t c, const coming* next, real* others, double* log_sum, bint normalize
) noexcept nogil:
    """q as logits whose largest is 0, log(q / m), and log(sum q / m) of every row."""
    cdef Py_ssize_t many = abreast(<const real*>q)
    cdef real m[TILE]
    cdef real binade[TILE]
    cdef real mantissa[TILE]
    cdef real ties[TILE]
    cdef real signs[TILE]
    cdef real bad[TILE]
    cdef double rest[TILE]
    cdef real a, f, fraction = 0, steps = 0
    cdef Py_ssize_t j, k, lane
    tile_max(<const real*>q, c, <real*>m)
    anchors(<const real*>m, <real*>binade, <real*>mantissa, normalize)
    clear_tile(<real*>ties)
    clear_tile(<real*>signs)
    for j in range(c):
        ask(next, j)
        k = j * many
        for lane in range(many):
            a = q[k + lane]
            f = log_ratio(a, binade[lane], &fraction, &steps)
            f = log_gap(fraction, f, steps, mantissa[lane])
            q[k + lane] = -INFINITY if a == 0 else -f
            # Subnormal weights are for another pass.
            signs[lane] = or_bits(signs[lane], pair_flags(a, a, <real>1, False, False))
            ties[lane] += <real>1 if a >= m[lane] else <real>0
            others[k + lane] = <real>0 if a >= m[lane] else a
    tile_sum(<const real*>others, c, <double*>rest, FINEST)
    for lane in range(many):
        bad[lane] = <real>1 if sign_bit(signs[lane]) else <real>0
    log_sums(<const real*>m, <const real*>ties, <const real*>bad, <const double*>rest, log_sum,
             normalize)


cdef inline void cross_entropy(
    const task* t, const tile* rows, real* p, double* made
) noexcept nogil:
    """That of short_weights.pxd, or against a target with options."""
    cdef coming next
    cdef real* x = after(p)
    cdef double zero[TILE]
    cdef double log_sum[TILE]
    cdef Py_ssize_t lane
    if not t.blended:
        short_weights.cross_entropy(t, rows, p, made)
        return
    for lane in range(TILE):
        zero[lane] = 0
    next = load_tile(&t.q, rows.q, t.c, x)
    log_tile(x, t.c, &next, after(x), <double*>log_sum, t.normalize)
    cross_entropy_of(t, rows, p, x, after(x), <const double*>zero, <const double*>log_sum,
                     made)
