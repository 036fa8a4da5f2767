"""From a row of logits to another row: softmax and its logarithm.

Two passes. A row that was read for its sums is in the second cache, or near, and so are its
exponentials, which softmax keeps (kept.pxd) rather than take them again: 1.2 to 1.5 times as fast.
"""

from libc.string cimport memcpy

from fastdiv.kernels.arithmetic cimport INFINITY, NAN, real
from fastdiv.kernels.kept cimport kept_block, sum_row
from fastdiv.kernels.lanes cimport (
    MAX_BLOCK, MAX_LANES, SCRATCH, ahead, block_size, lanes, put_set, two_ahead,
)
from fastdiv.kernels.logit_sums cimport sum_exp
from fastdiv.kernels.logits cimport exp_sum, exp_unit, log_total, proper, rest_of
from fastdiv.kernels.exponentials cimport exp_lanes
from fastdiv.kernels.scalars cimport exp_scalar
from fastdiv.kernels.segments cimport SEGMENT, over_segments, segment_end
from fastdiv.kernels.sources cimport fetch, store, tail_of, takes
from fastdiv.kernels.tasks cimport task

ctypedef struct softmax_pass:
    const task* t
    const exp_sum* s
    double top              # the probability of the largest logit
    double factor           # and of the others, times the exponential


cdef inline void softmax_set(
    const real* x, const softmax_pass* a, real m, real* made
) noexcept nogil:
    cdef real shift = <real>a.s.base.shift, low = <real>a.s.base.low, y
    cdef real top = <real>a.top, factor = <real>a.factor, rounder = <real>a.s.base.rounder
    cdef real e[MAX_LANES]
    cdef Py_ssize_t lane
    exp_lanes(x, shift, low, rounder, True, <real*>e, lanes(x))
    for lane in range(lanes(x)):
        y = e[lane] * factor
        made[lane] = top if x[lane] >= m else y


cdef inline void kept_set(const real* e, real factor, real* made) noexcept nogil:
    """Of a block that is kept: no element is the row's largest."""
    cdef Py_ssize_t lane
    for lane in range(lanes(e)):
        made[lane] = e[lane] * factor


cdef inline void softmax_segment(void* pass_, Py_ssize_t i, real* scratch) noexcept nogil:
    cdef softmax_pass* a = <softmax_pass*>pass_
    cdef real m = <real>a.s.m, factor = <real>a.factor
    cdef real made[MAX_LANES]
    cdef real room[MAX_BLOCK]
    cdef const real* e
    cdef real* to = scratch + SCRATCH
    cdef Py_ssize_t k = i * SEGMENT, end = segment_end(i, a.t.c), width = lanes(<const real*>to)
    cdef Py_ssize_t j, n
    cdef const real* block = NULL
    cdef bint direct = takes(a.t, <const real*>to)
    while k < end:
        n = min(end - k, block_size(<const real*>scratch))
        e = kept_block(a.t, 0, &a.s.base, k, n, <real*>room)
        if e == NULL:
            block = fetch(&a.t.p, k, n, scratch, <real>-INFINITY)
        if direct:
            to = <real*>a.t.out + k
        j = 0
        while j < n - n % width:
            ahead(two_ahead(<const real*>to) + j, True)
            if e != NULL:
                kept_set(e + j, factor, <real*>made)
            else:
                softmax_set(block + j, a, m, <real*>made)
            put_set(to + j, <const real*>made)
            j += width
        if n % width:
            if e != NULL:
                kept_set(e + j, factor, <real*>made)
            else:
                softmax_set(tail_of(<const real*>scratch), a, m, <real*>made)
            memcpy(to + n - n % width, &made[0], n % width * sizeof(real))
        if not direct:
            store(a.t, k, n, <const real*>to)
        k += block_size(<const real*>scratch)


cdef inline double softmax(const task* t, real* scratch) noexcept nogil:
    """exp(x - m) / S, written to t.out."""
    cdef exp_sum s = sum_row(t, 0, scratch)
    cdef double total = s.ties + rest_of(&s, <const real*>scratch)
    cdef softmax_pass a
    a.t, a.s = t, &s
    a.top = 1.0 / total
    a.factor = exp_scalar(-s.base.rho) / total / exp_unit(<const real*>scratch)
    if not proper(&s):
        a.factor = a.top = NAN
    over_segments(&t.pieces, &a, softmax_segment[float], softmax_segment[double], t.c, scratch)
    return 0


ctypedef struct log_softmax_pass:
    const task* t
    double m
    double log_s


cdef inline void log_set(const real* x, real m, real log_s, real* made) noexcept nogil:
    cdef Py_ssize_t lane
    for lane in range(lanes(x)):
        made[lane] = (x[lane] - m) - log_s


cdef inline void log_softmax_segment(void* pass_, Py_ssize_t i, real* scratch) noexcept nogil:
    cdef log_softmax_pass* a = <log_softmax_pass*>pass_
    cdef real m = <real>a.m, log_s = <real>a.log_s
    cdef real made[MAX_LANES]
    cdef real* to = scratch + SCRATCH
    cdef Py_ssize_t k = i * SEGMENT, end = segment_end(i, a.t.c), width = lanes(<const real*>to)
    cdef Py_ssize_t j, n
    cdef const real* block
    cdef bint direct = takes(a.t, <const real*>to)
    while k < end:
        n = min(end - k, block_size(<const real*>scratch))
        block = fetch(&a.t.p, k, n, scratch, <real>-INFINITY)
        if direct:
            to = <real*>a.t.out + k
        j = 0
        while j < n - n % width:
            ahead(two_ahead(<const real*>to) + j, True)
            log_set(block + j, m, log_s, <real*>made)
            put_set(to + j, <const real*>made)
            j += width
        if n % width:
            log_set(tail_of(<const real*>scratch), m, log_s, <real*>made)
            memcpy(to + n - n % width, &made[0], n % width * sizeof(real))
        if not direct:
            store(a.t, k, n, <const real*>to)
        k += block_size(<const real*>scratch)


cdef inline double log_softmax(const task* t, real* scratch) noexcept nogil:
    """(x - m) - log S, written to t.out: two terms of one sign."""
    cdef exp_sum s = sum_exp(&t.p, t, scratch, False, False, -1, True)
    cdef log_softmax_pass a
    a.t, a.m = t, s.m
    a.log_s = log_total(&s, <const real*>scratch) if proper(&s) else NAN
    over_segments(
        &t.pieces, &a, log_softmax_segment[float], log_softmax_segment[double], t.c, scratch)
    return 0
