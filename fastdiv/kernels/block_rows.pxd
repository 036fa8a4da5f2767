"""Several rows of one block: where they lie while each step is taken for all of them."""

from fastdiv.kernels.arithmetic cimport real
from fastdiv.kernels.lanes cimport block_max, block_size, lanes
from fastdiv.kernels.ranks cimport max_and_rank
from fastdiv.kernels.sources cimport fetch, tail_of
from fastdiv.kernels.tasks cimport source
from fastdiv.kernels.tiles cimport abreast


cdef inline real* room_of(real* scratch, Py_ssize_t r) noexcept nogil:
    """Room for a block of row r and its padded tail."""
    return scratch + r * (block_size(<const real*>scratch) + lanes(<const real*>scratch))


cdef inline void fetch_rows(
    const source* s, const char* const* at, Py_ssize_t n, Py_ssize_t c, real* scratch,
    real padding, const real** x, real* m, const Py_ssize_t* label, Py_ssize_t* above,
) noexcept nogil:
    """The first n rows of a tile and their maxima; the other lanes repeat the first one's.

    If there are labels, how many classes come before each one's too.
    """
    cdef source row = s[0]
    cdef real* room
    cdef const real* tail
    cdef Py_ssize_t r
    for r in range(n):
        room = room_of(scratch, r)
        row.data = at[r]
        x[r] = fetch(&row, 0, c, room, padding)
        tail = tail_of(<const real*>room)
        if label != NULL:
            m[r] = max_and_rank(x[r], c, tail, x[r][label[r]], label[r], above + r)
        else:
            m[r] = block_max(x[r], c, tail)
    for r in range(n, abreast(<const real*>scratch)):
        m[r] = m[0]


cdef inline const real* again(
    const source* s, const char* start, Py_ssize_t c, const real* x, const real* e, real* room
) noexcept nogil:
    """A row whose tail has stayed; converted once more, if its exponentials e took its place."""
    cdef source row
    if x != e:
        return x
    row = s[0]
    row.data = start
    return fetch(&row, 0, c, room, <real>0)
