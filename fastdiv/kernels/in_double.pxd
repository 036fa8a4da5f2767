"""Rows of floats that floats cannot do, once more in double, several at a time.

Weights that are subnormal floats, or whose sum is next to nothing, are like any others there. Taken
one by one, by the careful functions, such rows took 8 to 47 times as long as others.
"""

from fastdiv.kernels.lanes cimport BLOCK_F64
from fastdiv.kernels.sources cimport task
from fastdiv.kernels.table cimport WIDENS, entry, tile_f64
from fastdiv.kernels.tiles cimport TILE, abreast, short_most, tile


cdef inline tile_f64 tile_in_double(const entry* e, Py_ssize_t c) noexcept nogil:
    """What does rows of c floats several at a time in double, if anything does: see ``tiled``."""
    if not e.traits & WIDENS:
        return NULL
    if c <= short_most(e.short_most, True):
        return e.short_f64
    return e.mid_f64 if c <= BLOCK_F64 else NULL


cdef inline void take_over(tile* some, const tile* rows, Py_ssize_t r) noexcept nogil:
    """Make row r of a tile the next one of another."""
    cdef Py_ssize_t n = some.rows
    some.p[n], some.q[n] = rows.p[r], rows.q[r]
    some.label[n] = rows.label[r]
    some.rows = n + 1


cdef inline void rows_in_double(
    tile_f64 compute, const task* t, const tile* rows, double* scratch, double* made
) noexcept nogil:
    """Rows of a tile that have no result, NaN."""
    cdef tile some
    cdef Py_ssize_t place[TILE]
    cdef double again[TILE]
    cdef Py_ssize_t many = abreast(<const double*>scratch), r = 0, k, n
    while r < rows.rows:
        some.rows = 0
        while r < rows.rows and some.rows < many:
            if made[r] != made[r]:
                place[some.rows] = r
                take_over(&some, rows, r)
            r += 1
        n = some.rows
        if n == 0:
            return
        while some.rows < many:
            take_over(&some, rows, place[0])
        some.rows = n
        compute(t, &some, scratch, <double*>again)
        for k in range(n):
            made[place[k]] = again[k]
