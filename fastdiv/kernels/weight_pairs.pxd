"""Two rows of weights: one pass for Kullback-Leibler or Jensen-Shannon.

With phi(p, q) = p log(p / q) - p + q >= 0, G = sum phi, Sp = sum p and e = sum(q - p) / Sp, the
divergence of the normalised rows is

    KL = G / Sp - (e - log1p(e)),

in one pass, with nothing that cancels as long as the sums are about equal. Jensen-Shannon is
sum (phi(p, m) + phi(q, m)) / 2 with m = (p + q) / 2.

The pass runs in the type of the input and notices what it cannot do well; such a row is done again
by careful.pxd.
"""

from fastdiv.kernels.arithmetic cimport finite, real
from fastdiv.kernels.lanes cimport (
    MAX_LANES, SCRATCH, add, any_bits, at, block_size, clear, double_sum, lanes, tree_sum,
)
from fastdiv.kernels.math cimport or_bits, phi_lane, sign_bit
from fastdiv.kernels.sources cimport fetch, tail_of, task
from fastdiv.kernels.weights cimport least_normal

ctypedef struct pair_sums:
    double_sum phi          # sum phi(p, q), or for Jensen-Shannon sum phi(p, m) + phi(q, m)
    double_sum phi_q        # sum phi(q, m)
    double_sum delta        # sum (p - q)
    double_sum mass         # sum p
    bint good               # False: the fast pass met what only the careful one can do


cdef inline void pair_step(
    const real* p, const real* q, real* phi, real* phi_q, real* delta, real* mass,
    real* signs, real* holes, bint symmetric,
) noexcept nogil:
    cdef Py_ssize_t lane
    cdef real d, m, f
    for lane in range(lanes(p)):
        d = p[lane] - q[lane]
        if symmetric:
            m = (p[lane] + q[lane]) * <real>0.5
            f = phi_lane(q[lane], m, <real>-0.5 * d, False)
            phi[lane] += phi_lane(p[lane], m, <real>0.5 * d, False) + f
            phi_q[lane] += f
        else:
            phi[lane] += phi_lane(p[lane], q[lane], d, True)
        delta[lane] += d
        mass[lane] += p[lane]
        # Weight on a q that is 0 or subnormal is as bad as a negative weight.
        signs[lane] = or_bits(signs[lane], or_bits(p[lane], q[lane]))
        f = p[lane] if q[lane] < least_normal(p) else <real>0
        holes[lane] = or_bits(holes[lane], f)


cdef inline void pair_block(
    pair_sums* s, const real* p, const real* q, Py_ssize_t n,
    const real* p_tail, const real* q_tail, bint symmetric,
) noexcept nogil:
    cdef real phi[MAX_LANES]
    cdef real phi_q[MAX_LANES]
    cdef real delta[MAX_LANES]
    cdef real mass[MAX_LANES]
    cdef real signs[MAX_LANES]
    cdef real holes[MAX_LANES]
    cdef Py_ssize_t width = lanes(p), whole = n - n % width, k
    clear(<real*>phi)
    clear(<real*>phi_q)
    clear(<real*>delta)
    clear(<real*>mass)
    clear(<real*>signs)
    clear(<real*>holes)
    k = 0
    while k < n:
        pair_step(at(p, k, whole, p_tail), at(q, k, whole, q_tail), <real*>phi, <real*>phi_q,
                  <real*>delta, <real*>mass, <real*>signs, <real*>holes, symmetric)
        k += width
    add(&s.phi, tree_sum(<const real*>phi))
    if symmetric:
        add(&s.phi_q, tree_sum(<const real*>phi_q))
    add(&s.delta, tree_sum(<const real*>delta))
    add(&s.mass, tree_sum(<const real*>mass))
    if sign_bit(any_bits(<const real*>signs)) or any_bits(<const real*>holes) != 0:
        s.good = False


cdef inline pair_sums sum_pair(const task* t, real* scratch, bint symmetric) noexcept nogil:
    cdef pair_sums s
    cdef Py_ssize_t k, n
    cdef const real* p
    cdef const real* q
    cdef real* second = scratch + SCRATCH
    s.phi.high = s.phi.low = s.phi_q.high = s.phi_q.low = 0
    s.delta.high = s.delta.low = s.mass.high = s.mass.low = 0
    s.good = True
    k = 0
    while k < t.c:
        n = min(t.c - k, block_size(<const real*>scratch))
        p = fetch(&t.p, k, n, scratch, <real>0)
        q = fetch(&t.q, k, n, second, <real>0)
        pair_block(&s, p, q, n, tail_of(<const real*>scratch), tail_of(<const real*>second),
                   symmetric)
        if not s.good:
            return s
        k += block_size(<const real*>scratch)
    s.good = finite(s.phi.high) and finite(s.delta.high) and finite(s.mass.high)
    return s
