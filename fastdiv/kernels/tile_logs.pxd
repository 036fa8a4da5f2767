"""Logarithms of a number of every row of a tile."""

from fastdiv.kernels.arithmetic cimport real
from fastdiv.kernels.polynomials cimport log_tail
from fastdiv.kernels.scalars cimport below_g, log1p_end, log1p_parts, log1p_sum_end, ratio_near
from fastdiv.kernels.tiles cimport TILE, abreast


cdef inline void log1p_tile(double* r, const double* low, const real* like) noexcept nogil:
    """log1p_lane of a number of every row of a tile, of doubles log1p_of_sum, in its place; low:
    NULL, where it is 0.

    In steps that are each taken for all rows: taken one after another, a set of lanes is too long a
    chain for the processor to keep enough of them in flight.
    """
    cdef Py_ssize_t lane, many = abreast(like)
    cdef double g[TILE]
    cdef double e[TILE]
    cdef double t[TILE]
    cdef double below[TILE]
    for lane in range(many):
        g[lane] = log1p_parts(r[lane], &e[lane])
    for lane in range(many):
        t[lane] = ratio_near(g[lane])
    for lane in range(many):
        below[lane] = log_tail(t[lane] * t[lane])
    for lane in range(many):
        below[lane] = below_g(g[lane], t[lane], below[lane])
    if low != NULL:
        for lane in range(many):
            below[lane] -= low[lane]
    for lane in range(many):
        if real is float:
            r[lane] = log1p_end(r[lane], e[lane], g[lane], below[lane])
        else:
            r[lane] = log1p_sum_end(r[lane], e[lane], g[lane], below[lane])
