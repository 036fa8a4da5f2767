"""What every kernel from weights needs: limits of the types, and plain sums of a row."""

from libc.float cimport DBL_MAX, DBL_MIN, FLT_MAX, FLT_MIN
from libc.stdint cimport uint32_t, uint64_t

from fastdiv.kernels.arithmetic cimport real
from fastdiv.kernels.double_sums cimport add, double_sum, join
from fastdiv.kernels.lanes cimport MAX_LANES, any_bits, at, block_size, clear, lanes, least
from fastdiv.kernels.math cimport (
    bits32, bits64, double_of, float_of, lesser_bits, or_bits, sign_bit,
)
from fastdiv.kernels.segments cimport SEGMENT, over_segments, segment_end, segments_of
from fastdiv.kernels.sources cimport fetch, tail_of
from fastdiv.kernels.sum_trees cimport FINE
from fastdiv.kernels.sums cimport block_sum
from fastdiv.kernels.tasks cimport room_of_segments, source, task

ctypedef struct weight_sums:
    double_sum total
    double low              # the least weight, if it is negative


cdef inline real least_normal(const real* like) noexcept nogil:
    if real is float:
        return FLT_MIN
    else:
        return DBL_MIN


cdef inline real below_normal(real b) noexcept nogil:
    """A b of at least 0 that is 0 or about subnormal has the sign bit set here."""
    cdef real low = 4 * least_normal(&b)
    if real is float:
        return float_of(bits32(b) - bits32(low))
    else:
        return double_of(bits64(b) - bits64(low))


cdef inline real vanishing(real b, real weight) noexcept nogil:
    """The sign bit is set where there is weight on such a b: as bad as a negative weight."""
    cdef real below = below_normal(b)
    if real is float:
        return float_of(bits32(below) & (<uint32_t>0 - bits32(weight)))
    else:
        return double_of(bits64(below) & (<uint64_t>0 - bits64(weight)))


cdef inline real target_of(
    real p, real q, real factor, bint symmetric, bint scaled
) noexcept nogil:
    """What p is weighed against: b, or (``symmetric``) twice the mean of p and b."""
    cdef real b = factor * q if scaled else q
    return p + b if symmetric else b


cdef inline real pair_flags(
    real p, real q, real factor, bint symmetric, bint scaled
) noexcept nogil:
    """The sign bit is set of a weight and its target that only a careful pass can do."""
    cdef real target = target_of(p, q, factor, symmetric, scaled)
    return or_bits(vanishing(target, target if symmetric else p), or_bits(p, q))


cdef inline void start_notes(real* signs, real* low) noexcept nogil:
    """Nothing noted, of a set of lanes."""
    cdef Py_ssize_t lane
    for lane in range(lanes(<const real*>signs)):
        signs[lane] = 0
        low[lane] = 1


cdef inline void note_pair(
    real p, real q, real factor, bint symmetric, bint scaled, real* signs, real* low
) noexcept nogil:
    """The same in half as many steps, of which ``flags_of`` makes the flags of all the pairs noted;
    they are set of pairs of zeros, too."""
    signs[0] = or_bits(signs[0], or_bits(p, q) if symmetric or scaled else p)
    low[0] = lesser_bits(low[0], target_of(p, q, factor, symmetric, scaled))


cdef inline real flags_of(real signs, real low) noexcept nogil:
    """Of what note_pair has left since start_notes."""
    return or_bits(signs, or_bits(low, below_normal(low)))


cdef inline bint are_good(
    const real* p, const real* q, Py_ssize_t n, const real* p_tail, const real* q_tail,
    real factor, bint symmetric, bint scaled,
) noexcept nogil:
    """Whether two blocks have no pair with that sign."""
    cdef real signs[MAX_LANES]
    cdef Py_ssize_t k = 0, lane, width = lanes(p), whole = n - n % width
    cdef const real* a
    cdef const real* b
    clear(<real*>signs)
    while k < n:
        a = at(p, k, whole, p_tail)
        b = at(q, k, whole, q_tail)
        for lane in range(width):
            signs[lane] = or_bits(
                signs[lane], pair_flags(a[lane], b[lane], factor, symmetric, scaled))
        k += width
    return not sign_bit(any_bits(<real*>signs))


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
    a.made = <weight_sums*>room_of_segments(t, &s)
    over_segments(&t.pieces, &a, weight_segment[float], weight_segment[double], t.c, scratch)
    for i in range(1, segments_of(t.c)):
        join(&a.made[0].total, &a.made[i].total)
        a.made[0].low = min(a.made[0].low, a.made[i].low)
    if t.c > SEGMENT:
        s = a.made[0]
    return s
