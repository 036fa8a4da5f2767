"""From a row of logits to another row: softmax and its logarithm.

Two passes. A row that was read for its sums is in the second cache, or near, and so are its
exponentials, which softmax keeps (kept.pxd) rather than take them again: 1.2 to 1.5 times as fast.
"""

from libc.string cimport memcpy

from fastdiv.kernels.arithmetic cimport INFINITY, NAN, real
from fastdiv.kernels.exponentials cimport exp_lanes
from fastdiv.kernels.kept cimport kept_block, sum_row
from fastdiv.kernels.lanes cimport (
    MAX_BLOCK, MAX_LANES, SCRATCH, ahead, block_size, lanes, put_set, two_ahead,
)
from fastdiv.kernels.logit_sums cimport sum_exp
from fastdiv.kernels.logits cimport exp_sum, exp_unit, log_total, proper, rest_of
from fastdiv.kernels.scalars cimport exp_scalar
from fastdiv.kernels.segments cimport SEGMENT, over_segments, segment_end
from fastdiv.kernels.sources cimport fetch, store, tail_of, takes
from fastdiv.kernels.tasks cimport task

ctypedef struct made_pass:
    const task* t
    const exp_sum* s
    double top              # softmax: the probability of the largest logit
    double factor           # and of the others, times the exponential
    double log_sum          # log_softmax: log S


cdef inline void scale_set(
    const real* x, const real* e, real m, real top, real factor, real* made
) noexcept nogil:
    """Probabilities from exponentials."""
    cdef Py_ssize_t lane
    cdef real y
    for lane in range(lanes(x)):
        # Not only where it is needed: gcc would load it under a mask.
        y = e[lane] * factor
        made[lane] = top if x[lane] >= m else y


cdef inline void log_set(const real* x, real m, real log_sum, real* made) noexcept nogil:
    """Their logarithms from logits."""
    cdef Py_ssize_t lane
    for lane in range(lanes(x)):
        made[lane] = (x[lane] - m) - log_sum


cdef inline void made_set(
    const real* x, const real* kept, const made_pass* a, real* made, bint logarithm
) noexcept nogil:
    """A set of lanes of softmax or its ``logarithm``, of logits x or, if that is not NULL, of
    exponentials that are kept: of a block in which no element is the row's largest."""
    cdef real low = <real>a.s.base.low, rounder = <real>a.s.base.rounder, m = <real>a.s.m
    cdef real factor = <real>a.factor
    cdef real e[MAX_LANES]
    cdef Py_ssize_t lane
    if logarithm:
        log_set(x, m, <real>a.log_sum, made)
    elif kept != NULL:
        for lane in range(lanes(kept)):
            made[lane] = kept[lane] * factor
    else:
        exp_lanes(x, <real>a.s.base.shift, low, rounder, True, <real*>e, lanes(x))
        scale_set(x, <const real*>e, m, <real>a.top, factor, made)


cdef inline void make_segment(
    const made_pass* a, Py_ssize_t i, real* scratch, bint logarithm
) noexcept nogil:
    cdef real made[MAX_LANES]
    cdef real room[MAX_BLOCK]
    cdef const real* e = NULL
    cdef const real* x = NULL
    cdef real* to = scratch + SCRATCH
    cdef Py_ssize_t k = i * SEGMENT, end = segment_end(i, a.t.c), width = lanes(<const real*>to)
    cdef Py_ssize_t j, n
    cdef bint direct = takes(a.t, <const real*>to)
    while k < end:
        n = min(end - k, block_size(<const real*>scratch))
        if not logarithm:
            e = kept_block(a.t, 0, &a.s.base, k, n, <real*>room)
        if e == NULL:
            x = fetch(&a.t.p, k, n, scratch, <real>-INFINITY)
        if direct:
            to = <real*>a.t.out + k
        j = 0
        while j < n - n % width:
            ahead(two_ahead(<const real*>to) + j, True)
            made_set(x + j, e + j if e != NULL else e, a, <real*>made, logarithm)
            put_set(to + j, <const real*>made)
            j += width
        if n % width:
            made_set(tail_of(<const real*>scratch), e + j if e != NULL else e, a, <real*>made,
                     logarithm)
            memcpy(to + j, &made[0], n % width * sizeof(real))
        if not direct:
            store(a.t, k, n, <const real*>to)
        k += block_size(<const real*>scratch)


cdef inline void softmax_segment(void* pass_, Py_ssize_t i, real* scratch) noexcept nogil:
    make_segment(<const made_pass*>pass_, i, scratch, False)


cdef inline void log_softmax_segment(void* pass_, Py_ssize_t i, real* scratch) noexcept nogil:
    make_segment(<const made_pass*>pass_, i, scratch, True)


cdef inline double softmax(const task* t, real* scratch) noexcept nogil:
    """exp(x - m) / S, written to t.out."""
    cdef exp_sum s = sum_row(t, 0, scratch)
    cdef double total = s.ties + rest_of(&s, <const real*>scratch)
    cdef made_pass a
    a.t, a.s = t, &s
    a.top = 1.0 / total
    a.factor = exp_scalar(-s.base.rho) / total / exp_unit(<const real*>scratch)
    if not proper(&s):
        a.factor = a.top = NAN
    over_segments(&t.pieces, &a, softmax_segment[float], softmax_segment[double], t.c, scratch)
    return 0


cdef inline double log_softmax(const task* t, real* scratch) noexcept nogil:
    """(x - m) - log S, written to t.out: two terms of one sign."""
    cdef exp_sum s = sum_exp(&t.p, t, scratch, False, False, -1, True)
    cdef made_pass a
    a.t, a.s = t, &s
    a.top = a.factor = 0
    a.log_sum = log_total(&s, <const real*>scratch) if proper(&s) else NAN
    over_segments(
        &t.pieces, &a, log_softmax_segment[float], log_softmax_segment[double], t.c, scratch)
    return 0
