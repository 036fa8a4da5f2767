"""From a row of logits to another row: softmax and its logarithm."""

from fastdiv.kernels.arithmetic cimport INFINITY, NAN, real
from fastdiv.kernels.lanes cimport SCRATCH, block_size
from fastdiv.kernels.logit_sums cimport sum_exp
from fastdiv.kernels.logits cimport exp_sum, exp_unit, log_total, proper, rest_of
from fastdiv.kernels.math cimport exp_lane, integer_bits
from fastdiv.kernels.scalars cimport exp_scalar
from fastdiv.kernels.segments cimport SEGMENT, over_segments, segment_end
from fastdiv.kernels.sources cimport fetch, store, task

ctypedef struct softmax_pass:
    const task* t
    const exp_sum* s
    double top              # the probability of the largest logit
    double factor           # and of the others, times exp_lane


cdef inline void softmax_segment(void* pass_, Py_ssize_t i, real* scratch) noexcept nogil:
    cdef softmax_pass* a = <softmax_pass*>pass_
    cdef real shift = <real>a.s.base.shift, low = <real>a.s.base.low, m = <real>a.s.m
    cdef real top = <real>a.top, factor = <real>a.factor, bias = integer_bits(a.s.base.bias, m), e
    cdef real* made = scratch + SCRATCH
    cdef Py_ssize_t k = i * SEGMENT, end = segment_end(i, a.t.c), j, n
    cdef const real* x
    while k < end:
        n = min(end - k, block_size(<const real*>scratch))
        x = fetch(&a.t.p, k, n, scratch, <real>-INFINITY)
        for j in range(n):
            e = exp_lane(x[j], shift, low, bias, True) * factor
            made[j] = top if x[j] >= m else e
        store(a.t, k, n, <const real*>made)
        k += block_size(<const real*>scratch)


cdef inline double softmax(const task* t, real* scratch) noexcept nogil:
    """exp(x - m) / S, written to t.out."""
    cdef exp_sum s = sum_exp(&t.p, t, scratch, False, False, -1)
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


cdef inline void log_softmax_segment(void* pass_, Py_ssize_t i, real* scratch) noexcept nogil:
    cdef log_softmax_pass* a = <log_softmax_pass*>pass_
    cdef real m = <real>a.m, log_s = <real>a.log_s
    cdef real* made = scratch + SCRATCH
    cdef Py_ssize_t k = i * SEGMENT, end = segment_end(i, a.t.c), j, n
    cdef const real* x
    while k < end:
        n = min(end - k, block_size(<const real*>scratch))
        x = fetch(&a.t.p, k, n, scratch, <real>-INFINITY)
        for j in range(n):
            made[j] = (x[j] - m) - log_s
        store(a.t, k, n, <const real*>made)
        k += block_size(<const real*>scratch)


cdef inline double log_softmax(const task* t, real* scratch) noexcept nogil:
    """(x - m) - log S, written to t.out: two terms of one sign."""
    cdef exp_sum s = sum_exp(&t.p, t, scratch, False, False, -1)
    cdef log_softmax_pass a
    a.t, a.m = t, s.m
    a.log_s = log_total(&s, <const real*>scratch) if proper(&s) else NAN
    over_segments(
        &t.pieces, &a, log_softmax_segment[float], log_softmax_segment[double], t.c, scratch)
    return 0
