"""What every kernel from weights needs: limits of the types, and plain sums of a row."""

from libc.float cimport DBL_MAX, DBL_MIN, FLT_MAX, FLT_MIN

from fastdiv.kernels.arithmetic cimport real
from fastdiv.kernels.lanes cimport MAX_LANES, at, block_size, clear, lanes, least
from fastdiv.kernels.segments cimport SEGMENT, over_segments, segment_end, segments_of
from fastdiv.kernels.sources cimport fetch, source, tail_of, task
from fastdiv.kernels.sums cimport FINE, add, block_sum, double_sum, join

ctypedef struct weight_sums:
    double_sum total
    double low              # the least weight, if it is negative


cdef inline real least_normal(const real* like) noexcept nogil:
    if real is float:
        return FLT_MIN
    else:
        return DBL_MIN


cdef inline real vanishing(real b, real weight) noexcept nogil:
    """Negative where there is weight on a b that is 0 or about subnormal: as bad as a negative
    weight."""
    return <real>0 - weight if b < 4 * least_normal(&b) else <real>0


cdef inline double most(const real* like) noexcept nogil:
    """Above this the sum of two weights may be infinite."""
    return FLT_MAX / <float>4 if real is float else DBL_MAX / 4


cdef inline double unit(const real* like) noexcept nogil:
    """u, half a unit in the last place of 1."""
    return 2.0 ** -24 if real is float else 2.0 ** -53


cdef inline double faint(const real* like) noexcept nogil:
    """Below this a sum may have lost digits to underflow."""
    return 2.0 ** -60 if real is float else 2.0 ** -900


cdef inline const real* without(
    const real* x, Py_ssize_t n, Py_ssize_t y, real* scratch
) noexcept nogil:
    """A copy of a block, and of its tail, with 0 at y."""
    cdef Py_ssize_t j, whole = n - n % lanes(x)
    if x != scratch:
        for j in range(n):
            scratch[j] = x[j]
    scratch[y] = 0
    if y >= whole:
        scratch[block_size(x) + y - whole] = 0
    return scratch


cdef inline real weight_block(
    const real* x, Py_ssize_t n, const real* tail, double_sum* total, real lowest
) noexcept nogil:
    """Add a block up; its least element, or ``lowest`` if that is less, comes back."""
    cdef real low[MAX_LANES]
    cdef Py_ssize_t k = 0, lane, width = lanes(x), whole = n - n % width
    cdef const real* y
    clear(<real*>low)
    while k < n:
        y = at(x, k, whole, tail)
        for lane in range(width):
            low[lane] = y[lane] if y[lane] < low[lane] else low[lane]
        k += width
    add(total, block_sum(x, n, tail, FINE))
    return min(lowest, least(<const real*>low))


ctypedef struct weight_pass:
    const source* w
    Py_ssize_t c
    Py_ssize_t left_out
    weight_sums* made       # by each segment


cdef inline void weight_segment(void* pass_, Py_ssize_t i, real* scratch) noexcept nogil:
    cdef weight_pass* a = <weight_pass*>pass_
    cdef weight_sums* s = a.made + i
    cdef Py_ssize_t k = i * SEGMENT, end = segment_end(i, a.c), n
    cdef const real* x
    cdef real low = 0
    s.total.high = s.total.low = 0
    while k < end:
        n = min(end - k, block_size(<const real*>scratch))
        x = fetch(a.w, k, n, scratch, <real>0)
        if k <= a.left_out < k + n:
            x = without(x, n, a.left_out - k, scratch)
        low = weight_block(x, n, tail_of(<const real*>scratch), &s.total, low)
        k += n
    s.low = low


cdef inline weight_sums sum_weights(
    const source* w, const task* t, Py_ssize_t left_out, real* scratch
) noexcept nogil:
    """The sum of one of the task's rows without the element ``left_out``, where that is not -1."""
    cdef weight_pass a
    cdef weight_sums s
    cdef Py_ssize_t i
    a.w, a.c, a.left_out = w, t.c, left_out
    a.made = &s if t.c <= SEGMENT else <weight_sums*>t.pieces.room
    over_segments(&t.pieces, &a, weight_segment[float], weight_segment[double], t.c, scratch)
    for i in range(1, segments_of(t.c)):
        join(&a.made[0].total, &a.made[i].total)
        a.made[0].low = min(a.made[0].low, a.made[i].low)
    if t.c > SEGMENT:
        s = a.made[0]
    return s
