"""Exponentials of long rows, one or two, kept from a first pass over them for a second.

Each is counted from the reference of its block's time, a power of two: from another one it is the
same number scaled, unless it is next to nothing. Not kept are those of blocks in which some class
is the largest so far, which a sum of exponentials leaves out, and those of huge logits.
"""

from libc.stdint cimport int64_t, uint64_t, uintptr_t

from fastdiv.kernels.apart cimport apart
from fastdiv.kernels.arithmetic cimport INFINITY, NAN, real
from fastdiv.kernels.double_sums cimport add
from fastdiv.kernels.exp_terms cimport exp_terms
from fastdiv.kernels.lanes cimport block_max, block_size, in_second, two_ahead, whole_sets
from fastdiv.kernels.logit_sums cimport absorb, sum_exp
from fastdiv.kernels.logits cimport exp_sum, reference, start, steps_of
from fastdiv.kernels.math cimport double_of
from fastdiv.kernels.sources cimport fetch, tail_of
from fastdiv.kernels.sums cimport block_sum
from fastdiv.kernels.tasks cimport source, task

ctypedef struct kept_row:
    double* power           # of each block's reference; NaN: its exponentials are not there
    void* e                 # times 2^EXP_SCALE

ctypedef exp_sum (*first_pass_f32)(const task*, int, float*) noexcept nogil
ctypedef exp_sum (*first_pass_f64)(const task*, int, double*) noexcept nogil


cdef inline Py_ssize_t powers_size(Py_ssize_t c, const real* like) noexcept nogil:
    """Bytes, whole lines of the cache."""
    return (c // block_size(like) + 8) // 8 * 64


cdef inline Py_ssize_t kept_size(Py_ssize_t c, const real* like) noexcept nogil:
    """Bytes of a row, whole lines."""
    return powers_size(c, like) + (whole_sets(like, c) * <Py_ssize_t>sizeof(real) + 63) // 64 * 64


cdef inline Py_ssize_t kept_room(Py_ssize_t c, int rows, const real* like) noexcept nogil:
    """Bytes of the room of a task of one row or two that is computed in this type."""
    return rows * kept_size(c, like) + 64


cdef inline kept_row kept_of(const task* t, int row, const real* like) noexcept nogil:
    """Those of the first or the second row of a task that has room for them."""
    cdef kept_row kept
    cdef char* rows = <char*>((<uintptr_t>t.room + 63) & ~<uintptr_t>63)
    cdef char* first = rows + row * kept_size(t.c, like)
    kept.power = <double*>first
    kept.e = first + powers_size(t.c, like)
    return kept


cdef inline exp_sum sum_and_keep(
    const source* x, const task* t, real* scratch, const kept_row* kept
) noexcept nogil:
    """sum_exp of a row of one segment, whose exponentials are kept."""
    cdef exp_sum s
    cdef Py_ssize_t k = 0, block = 0, n
    cdef double before
    cdef real* e = <real*>kept.e
    cdef const real* a
    cdef const real* tail = tail_of(<const real*>scratch)
    start(&s, NULL, <const real*>scratch)
    while k < t.c:
        n = min(t.c - k, block_size(<const real*>scratch))
        a = fetch(x, k, n, scratch, <real>-INFINITY)
        before = s.m
        if s.base.shift != 0 or block_max(a, n, tail) >= before:
            absorb(&s, a, n, tail, False, False, <real>0, 0)
            kept.power[block] = NAN
        else:
            # One loop is 0.97 of two here, and 0.73 with the maximum looked for in it (softmax of
            # 128256 classes).
            exp_terms(a, n, tail, two_ahead(a), in_second(a), <real>s.m, <real>0, <real>s.base.low,
                      <real>s.base.rounder, e + k, e + k, NULL, False, False, False, NULL)
            add(&s.rest, block_sum(
                <const real*>e + k, whole_sets(a, n), tail, steps_of(&s, a)))
            kept.power[block] = s.base.power
        if s.m > before:
            s.top_block = k
        k += block_size(<const real*>scratch)
        block += 1
    return s


cdef inline const real* take_kept(
    const kept_row* kept, Py_ssize_t k, Py_ssize_t n, double power, real* room
) noexcept nogil:
    """The exponentials from element k on, counted from that power, maybe in ``room``; NULL if they
    are not there."""
    cdef const real* e = <const real*>kept.e + k
    cdef double steps = kept.power[k // block_size(<const real*>room)] - power
    cdef real scale
    cdef Py_ssize_t j
    if steps == 0:
        return e
    if not -100 < steps < 0:
        return NULL
    scale = <real>double_of(<uint64_t>(1023 + <int64_t>steps) << 52)
    for j in range(whole_sets(<const real*>room, n)):
        room[j] = e[j] * scale
    return <const real*>room


cdef inline exp_sum first_pass(const task* t, int row, real* scratch) noexcept nogil:
    """What ``sum_row`` calls."""
    cdef const source* x = &t.q if row else &t.p
    cdef kept_row kept
    if t.room == NULL:
        return sum_exp(x, t, scratch, False, False, -1, False)
    kept = kept_of(t, row, <const real*>scratch)
    return sum_and_keep(x, t, scratch, &kept)


cdef inline exp_sum sum_row(const task* t, int row, real* scratch) noexcept nogil:
    """The first pass over the first or the second row of a task."""
    if real is float:
        return (<first_pass_f32>apart(<void*>first_pass[float]))(t, row, scratch)
    else:
        return (<first_pass_f64>apart(<void*>first_pass[double]))(t, row, scratch)


cdef inline void exp_again(
    const reference* base, const real* x, Py_ssize_t n, const real* tail, real* e
) noexcept nogil:
    """The exponentials of a block for a second pass, times 2^EXP_SCALE."""
    cdef real shift = <real>base.shift, low = <real>base.low
    cdef real rounder = <real>base.rounder
    # The flags as constants, for loops without what they do not need.
    if base.shift != 0:
        exp_terms(x, n, tail, two_ahead(x), in_second(x), low, shift, low, rounder, e, e, NULL,
                  False, False, True, NULL)
    else:
        exp_terms(x, n, tail, two_ahead(x), in_second(x), low, shift, low, rounder, e, e, NULL,
                  False, False, False, NULL)


cdef inline const real* kept_block(
    const task* t, int row, const reference* base, Py_ssize_t k, Py_ssize_t n, real* room
) noexcept nogil:
    """Those of a block of the first or the second row that were kept, or NULL."""
    cdef kept_row kept
    if t.room == NULL or base.shift != 0:
        return NULL
    kept = kept_of(t, row, <const real*>room)
    return take_kept(&kept, k, n, base.power, room)


cdef inline const real* exponentials(
    const task* t, int row, const reference* base, const real* x, Py_ssize_t k, Py_ssize_t n,
    const real* tail, real* room,
) noexcept nogil:
    """Those of a block of the first or the second row, kept or taken again."""
    cdef const real* e = kept_block(t, row, base, k, n, room)
    if e == NULL:
        exp_again(base, x, n, tail, room)
        e = room
    return e
