"""A target whose classes have weights: of w p the sum, and that of its gaps.

A product is taken in double and rounded once at most, with the gap already in it, so that a class
weight costs no accuracy. One that vanishes says so: its class still counts where q is 0.
"""

from fastdiv.kernels.arithmetic cimport INFINITY, NAN, real
from fastdiv.kernels.double_sums cimport add, double_sum
from fastdiv.kernels.lanes cimport MAX_BLOCK, ahead, block_min, lanes, whole_sets
from fastdiv.kernels.sum_trees cimport FINE
from fastdiv.kernels.sums cimport block_sum, sum_of
from fastdiv.kernels.weights cimport faint


cdef inline real share_of(real p, double w) noexcept nogil:
    """w p, or -1, which is no weight, where it vanishes."""
    cdef real share = <real>(p * w)
    return <real>-1 if (share == 0) & (p != 0) & (w != 0) else share


cdef inline real weighted_gap(real p, double w, real m, real x) noexcept nogil:
    """w p (m - x); a weight of 0 takes out the -inf logits."""
    return <real>0 if (p == 0) | (w == 0) else <real>(p * w * (<double>m - x))


cdef inline double least_of_products(real like) noexcept nogil:
    """Below this a sum of products may have lost digits to underflow."""
    return 2.0 ** -100 if real is float else 2.0 ** -980


cdef inline bint is_told(double made, double share, double scale, real like) noexcept nogil:
    """Whether a cross-entropy, and what its target sums up to, are told by the sums of such
    products: neither too large nor too small for them. scale: what the sums were divided by."""
    cdef double tiny = faint(&like), least = least_of_products(like)
    return (((share >= tiny) & (share * scale >= least) | (share == 0)) & (share < INFINITY)
            & ((abs(made) * scale >= least) | (made == 0)) & (abs(made) < INFINITY))


cdef inline double weighted_gap_sum(
    const real* x, Py_ssize_t n, const double* w, const real* tail, real m
) noexcept nogil:
    """The sum of w (m - x)."""
    cdef real gaps[MAX_BLOCK]
    cdef Py_ssize_t k, filled = whole_sets(x, n)
    for k in range(n):
        gaps[k] = weighted_gap(<real>1, w[k], m, x[k])
    for k in range(n, filled):
        gaps[k] = 0
    return block_sum(<const real*>gaps, filled, tail, FINE)


cdef inline double weighted_block(
    const real* p, const real* x, const double* w, Py_ssize_t n, const real* p_tail,
    const real* next_p, real m, double_sum* gap_sum, double_sum* share_sum, double_sum* total_sum,
) noexcept nogil:
    """Add w p (m - x), w p and p up; below 0 comes back where a p is, or a product vanishes.

    In double, to which the weights that floats meet are near enough for no product to vanish.
    """
    cdef double gaps[MAX_BLOCK]
    cdef double shares[MAX_BLOCK]
    cdef double mass, share
    cdef bint lost
    cdef Py_ssize_t k
    for k in range(whole_sets(x, n) // lanes(x)):
        ahead(next_p + k * lanes(x), True)
    for k in range(n):
        share = p[k] * w[k]
        gaps[k] = 0 if share == 0 else share * (<double>m - x[k])
        if real is double:
            lost = (share == 0) & (p[k] != 0) & (w[k] != 0)
            share = -1 if lost else share
        shares[k] = share
    mass = sum_of(<const double*>shares, n)
    add(total_sum, block_sum(p, n, p_tail, FINE))
    add(share_sum, mass)
    # A block of -inf alone, before any maximum: weight there is an infinite loss.
    if m > -INFINITY:
        add(gap_sum, sum_of(<const double*>gaps, n))
    elif mass != 0:
        add(gap_sum, INFINITY if mass > 0 else NAN)
    if real is double:
        return min(block_min(p, n), block_min(<const double*>shares, n))
    else:
        return block_min(p, n)
