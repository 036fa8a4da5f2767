"""Rows of weights whose divergence is infinite: some p is not 0 where q is."""

from fastdiv.kernels.arithmetic cimport INFINITY, real
from fastdiv.kernels.lanes cimport MAX_LANES, SCRATCH, at, block_size, clear, greatest, lanes
from fastdiv.kernels.sources cimport fetch, tail_of
from fastdiv.kernels.tasks cimport task
from fastdiv.kernels.tiles cimport TILE, abreast, clear_tile


cdef inline void inspect(real p, real q, real* worst, real* top, real* lost) noexcept nogil:
    """Keep 1 in ``worst`` for a weight that is negative, infinite or NaN, in ``top`` the largest q,
    in ``lost`` the largest p where q is 0."""
    cdef real bad = <real>0 if (p >= 0) & (p < INFINITY) else <real>1
    bad = bad if (q >= 0) & (q < INFINITY) else <real>1
    worst[0] = bad if bad > worst[0] else worst[0]
    top[0] = q if q > top[0] else top[0]
    bad = p if q == 0 else <real>0
    lost[0] = bad if bad > lost[0] else lost[0]


cdef inline bint is_infinite(const task* t, real* scratch) noexcept nogil:
    """Whether there is weight on a q that is 0, in two rows of weights that may be divided by their
    sums, none negative, infinite or NaN: of a row that a pass has turned down."""
    cdef real worst[MAX_LANES]
    cdef real top[MAX_LANES]
    cdef real lost[MAX_LANES]
    cdef real* second = scratch + SCRATCH
    cdef const real* p
    cdef const real* q
    cdef const real* a
    cdef const real* b
    cdef Py_ssize_t k = 0, n, i, whole, lane, width = lanes(scratch)
    clear(<real*>worst)
    clear(<real*>top)
    clear(<real*>lost)
    while k < t.c:
        n = min(t.c - k, block_size(<const real*>scratch))
        p = fetch(&t.p, k, n, scratch, <real>0)
        q = fetch(&t.q, k, n, second, <real>0)
        whole = n - n % width
        i = 0
        while i < n:
            a = at(p, i, whole, tail_of(<const real*>scratch))
            b = at(q, i, whole, tail_of(<const real*>second))
            for lane in range(width):
                inspect(a[lane], b[lane], &worst[lane], &top[lane], &lost[lane])
            i += width
        k += n
    return greatest(<real*>worst) == 0 and greatest(<real*>lost) > 0 and greatest(<real*>top) > 0


cdef inline void infinite_rows(
    const real* p, const real* q, Py_ssize_t c, double* made
) noexcept nogil:
    """The same of a tile: infinity for rows without a result."""
    cdef Py_ssize_t many = abreast(p)
    cdef real worst[TILE]
    cdef real top[TILE]
    cdef real lost[TILE]
    cdef bint found
    cdef Py_ssize_t j, k, lane
    clear_tile(<real*>worst)
    clear_tile(<real*>top)
    clear_tile(<real*>lost)
    for j in range(c):
        k = j * many
        for lane in range(many):
            inspect(p[k + lane], q[k + lane], &worst[lane], &top[lane], &lost[lane])
    for lane in range(many):
        found = (worst[lane] == 0) & (top[lane] > 0) & (lost[lane] > 0)
        made[lane] = INFINITY if found & (made[lane] != made[lane]) else made[lane]
