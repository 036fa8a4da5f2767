"""Rows of floats that floats cannot do, once more in double, several at a time.

Weights that are subnormal floats, or whose sum is next to nothing, are like any others there, and
so are pairs of rows of logits whose difference floats do not tell. Taken one by one such rows took
8 to 47 times as long as others.

Log-sum-exp, entropy and the cross-entropy of a label are not done here: score and compare tell them
too, with the same bits. Of pairs compared the cross-entropies are those of floats, told before.
"""

from fastdiv.kernels.lanes cimport BLOCK_F64
from fastdiv.kernels.table cimport WIDENS, entry, tile_f64
from fastdiv.kernels.tasks cimport task
from fastdiv.kernels.tiles cimport TILE, abreast, next_marked, short_most, tile


cdef inline tile_f64 tile_in_double(const entry* e, Py_ssize_t c) noexcept nogil:
    """What does rows of c floats several at a time in double, if anything does: see ``tiled``."""
    if not e.traits & WIDENS:
        return NULL
    if c <= short_most(e.short_most, True):
        return e.short_f64
    return e.mid_f64 if c <= BLOCK_F64 else NULL


cdef inline void take_over(
    tile* some, const tile* rows, const Py_ssize_t* place, Py_ssize_t n, Py_ssize_t many
) noexcept nogil:
    """Make a tile of n rows of another; lanes that no row is left for repeat the first."""
    cdef Py_ssize_t k, r
    some.rows = n
    for k in range(many):
        r = place[k if k < n else 0]
        some.p[k], some.q[k], some.out[k] = rows.p[r], rows.q[r], rows.out[r]
        some.label[k] = rows.label[r]


cdef inline void rows_in_double(
    tile_f64 compute, const task* t, const tile* rows, const bint* missing, double* scratch,
    double* made
) noexcept nogil:
    """Rows of a tile that have no result."""
    cdef tile some
    cdef Py_ssize_t place[TILE]
    cdef double result[TILE]
    cdef Py_ssize_t many = abreast(<const double*>scratch), r = 0, k, n
    cdef task again = t[0]
    again.again = True
    while True:
        n = next_marked(missing, rows.rows, &r, many, <Py_ssize_t*>place)
        if n == 0:
            return
        take_over(&some, rows, <const Py_ssize_t*>place, n, many)
        compute(&again, &some, scratch, <double*>result)
        for k in range(n):
            made[place[k]] = result[k]
