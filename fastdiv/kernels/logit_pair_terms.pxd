"""What a class of two rows of logits adds to Kullback-Leibler or Jensen-Shannon."""

from fastdiv.kernels.arithmetic cimport INFINITY, real
from fastdiv.kernels.compare_terms cimport half_log, js_share, most_half, near_share
from fastdiv.kernels.polynomials cimport psi_tail


cdef inline double blur(double offset, real like) noexcept nogil:
    """The least size of d = log(p / q) that floats tell well: total variation that is less, and KL
    that is less than its square, have lost their digits.

    The offset is known to two numbers of the type. Of rows of floats that are apart by a constant,
    387 say, and next to nothing else, KL of 3.4e-15 was 163 ulp off. What is lost of doubles no
    result shows.
    """
    return 2.0 ** -24 * abs(offset) if real is float else 0


cdef inline real kl_term(
    real d, real p, real q, real* moment, bint masks, bint masked
) noexcept nogil:
    """p (d + expm1(-d)), moment += q - p: made of d where it is small. ``masked``: q alone is."""
    cdef real near = p * (d * d) * psi_tail(-d), far = p * d + (q - p)
    # & and not "and": a branch would keep the loop from becoming vector code.
    cdef bint is_near = (d >= -2) & (d <= 2)
    if masks:
        # p = 0 has no logarithm to take; a masked q under any p at all is infinite.
        far = q if p == 0 else far
        far = <real>INFINITY if masked else far
    moment[0] += near - p * d if is_near else q - p
    return near if is_near else far


cdef inline real js_term(real d, real p, real q, real* moment) noexcept nogil:
    """The pair's share, see compare_terms.pxd; moment += p - q."""
    cdef real h = <real>0.5 * d, v = h * h, size = abs(h), most = most_half(p), both = p + q
    # (p + q) tanh(h): a part of a hundredth, of large h, does not matter here.
    cdef real far = both * h * (<real>1 - v * (<real>(1.0 / 3) - v * <real>(2.0 / 15)))
    # Of a masked class, and of one masked in both rows, d is not finite.
    size = size if size < most else most
    moment[0] += far if size <= 1 else p - q
    return js_share(p, q, both, near_share(both * v, v), size, half_log(p, q))


cdef inline real pair_term(
    real d, real p, real q, real* moment, bint symmetric, bint masks, bint masked
) noexcept nogil:
    """The term of either; where it ``masks``, d may be infinite, or NaN of classes masked in both.
    """
    if symmetric:
        return js_term(d, p, q, moment)
    return kl_term(d, p, q, moment, masks, masked)
