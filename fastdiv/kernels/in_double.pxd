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
from fastdiv.kernels.tiles cimport abreast, short_most, tile


cdef inline tile_f64 tile_in_double(const entry* e, Py_ssize_t c) noexcept nogil:
    """What does rows of c floats several at a time in double, if anything does: see ``tiled``."""
    if not e.traits & WIDENS:
        return NULL
    if c <= short_most(e.short_most, True):
        return e.short_f64
    return e.mid_f64 if c <= BLOCK_F64 else NULL


cdef inline bint put_off(tile* late, const tile* rows, Py_ssize_t r) noexcept nogil:
    """Put off a row that has no result until there is a tile of them, or no other row: most often
    it is alone among others. True: the tile is full."""
    cdef Py_ssize_t k = late.rows
    late.p[k], late.q[k], late.out[k] = rows.p[r], rows.q[r], rows.out[r]
    late.label[k] = rows.label[r]
    late.ignored[k] = False
    late.rows = k + 1
    return late.rows == abreast(<const double*>NULL)


cdef inline void late_in_double(
    tile_f64 compute, const task* t, tile* late, double* scratch, double* made
) noexcept nogil:
    """Rows that were put off; lanes that no row is left for repeat the first."""
    cdef Py_ssize_t k
    cdef task again = t[0]
    again.again = True
    for k in range(late.rows, abreast(<const double*>NULL)):
        late.p[k], late.q[k], late.label[k] = late.p[0], late.q[0], late.label[0]
    compute(&again, late, scratch, made)
