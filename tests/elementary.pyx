"""The kernels' elementary functions over every float32 of a range, and one double at a time.

Built and called by test_elementary.py. What float32 results are held against is computed in double.
"""

from libc.math cimport atanh, exp, expm1, fabs, frexp, ldexp, log, log1p, sqrt
from libc.stdint cimport uint32_t

from fastdiv.kernels.compare_polynomials cimport chi_tail, half_log_tail, tanh_tail
from fastdiv.kernels.exponentials cimport exp_lanes, look_up, rounder_for
from fastdiv.kernels.logarithms cimport (
    binade_of, log_gap, log_ratio, mantissa_of, phi_lane,
)
from fastdiv.kernels.math cimport bits32, expm1_excess, float_of
from fastdiv.kernels.polynomials cimport (
    exp_eighth, exp_tail, expm1_tail, log_tail, phi_tail, psi_tail,
)
from fastdiv.kernels.scalars cimport log1p_lane, log1p_of_sum, log_mantissa

cdef enum:
    TERMS = 14

# Of a power of 1 nothing is missing but the polynomial's constant.
cdef float[32] NONE, POWER, MISSING
NONE[:] = [0] * 32
look_up(NONE, POWER, MISSING, 32)
cdef float CONSTANT = MISSING[0]

ctypedef double (*error_of)(float x) noexcept nogil


cdef inline double in_u(double got, double want, double size) noexcept nogil:
    """An error in units of 2^-24 of ``size``."""
    return fabs(got - want) / size * 16777216.0


cdef double exp_error(float t) noexcept nogil:
    # As a lane adds it up: rounded once, in units in the last place of the result.
    cdef int e = 0
    cdef double want = exp(<double>t)
    frexp(want, &e)
    return in_u(<double>exp_eighth(t, CONSTANT) + 1.0, want, want)


cdef double log_error(float a) noexcept nogil:
    cdef float g = 0, steps = 0, binade = binade_of(a)
    cdef float got = mantissa_of(a, binade)
    cdef float t = log_ratio(a, binade, &g, &steps)
    cdef double want = log1p(<double>g)
    return 0.0 if got == want else in_u(got, want, fabs(want))


cdef double phi_error(float v) noexcept nogil:
    # Relative to the leading term of phi, which S adds to: sqrt(v) (1 + sqrt(v)) / 2 of an error.
    cdef double t = sqrt(<double>v), want = 0
    cdef int k
    if v < 0.01:
        for k in range(TERMS, -1, -1):
            want = want * v + 2.0 / (2 * k + 3)
    else:
        want = 2 * (atanh(t) - t) / (t * v)
    return in_u(phi_tail(v), want, 2 / (t * (1 + t)))


cdef double psi_of(double z) noexcept nogil:
    cdef double want = 0, term = 0.5
    cdef int k
    if fabs(z) < 0.5:
        for k in range(TERMS + 4):
            want += term
            term *= z / (k + 3)
        return want
    return (expm1(z) - z) / (z * z)


cdef double psi_error(float z) noexcept nogil:
    cdef double want = psi_of(z)
    return in_u(psi_tail(z), want, want)


cdef double expm1_error(float z) noexcept nogil:
    cdef float expm1 = 0
    cdef double want = psi_of(z) * z * z
    return in_u(expm1_excess(z, z, <float>1, &expm1), want, want)


# What test_doubles holds against mpmath is exact for floats. Weights: see bench/polynomials.py.

cdef double tanh_error(float v) noexcept nogil:
    cdef double want = tanh_tail(<double>v), g = v + sqrt(<double>v)
    return in_u(tanh_tail(v), want, (1 - g * want) / g)


cdef double chi_error(float v) noexcept nogil:
    cdef double want = chi_tail(<double>v)
    return in_u(chi_tail(v), want, (0.25 + v * want) / v)


cdef double half_log_error(float r) noexcept nogil:
    cdef double want = half_log_tail(<double>r)
    cdef double share = (1 + <double>r) * (log1p(1) / 2 + r * want) + r * log(r) / 2
    return in_u(half_log_tail(r), want, share / (r * (1 + <double>r)))


cdef error_of chosen(str name):
    if name == "tanh":
        return tanh_error
    if name == "chi":
        return chi_error
    if name == "half_log":
        return half_log_error
    if name == "exp":
        return exp_error
    if name == "log":
        return log_error
    if name == "phi":
        return phi_error
    if name == "psi":
        return psi_error
    return expm1_error


def worst(str name, uint32_t first, uint32_t last):
    """Largest error, in u, over the floats of the bit patterns ``first`` to ``last``; where."""
    cdef error_of error = chosen(name)
    cdef double found, most = 0
    cdef uint32_t i, where = first
    with nogil:
        for i in range(first, last + 1):
            found = error(float_of(i))
            if found > most or found != found:
                most, where = found, i
                if found != found:
                    break
    return most, float_of(where)


def value(str name, double x):
    """A polynomial in double."""
    if name == "exp_tail":
        return exp_tail(x)
    if name == "log_tail":
        return log_tail(x)
    if name == "phi_tail":
        return phi_tail(x)
    if name == "psi_tail":
        return psi_tail(x)
    if name == "expm1_tail":
        return 0.5 + x * expm1_tail(x, x * x)
    if name == "tanh_tail":
        return tanh_tail(x)
    if name == "chi_tail":
        return chi_tail(x)
    return half_log_tail(x)


def log_of(double a):
    """log of the mantissa, and the exponent."""
    cdef double e = 0
    cdef double made = log_mantissa(a, &e)
    return made, e


def lane_log_of(double a):
    """The same as a lane has it: log of the mantissa."""
    return mantissa_of(a, binade_of(a))


def gap(double a, double m):
    """log(m / a)."""
    cdef double g = 0, steps = 0, binade = binade_of(m)
    cdef double t = log_ratio(a, binade, &g, &steps)
    return log_gap(g, t, steps, mantissa_of(m, binade))


def gap_f32(float a, float m):
    """The same in float."""
    cdef float g = 0, steps = 0, binade = binade_of(m)
    cdef float t = log_ratio(a, binade, &g, &steps)
    return log_gap(g, t, steps, mantissa_of(m, binade))


def log1p_of(double r):
    """log(1 + r)."""
    return log1p_lane(r)


def log1p_of_sum_of(double r):
    """The same with one rounding less."""
    return log1p_of_sum(r, 0)


def phi(double p, double q):
    """phi(p, q), delta rounded as p - q is."""
    return phi_lane(p, q, p - q, True)


def phi_f32(float p, float q):
    """The same in float."""
    return phi_lane(p, q, p - q, True)


def exponentials(float first, float last):
    """Largest error of exp of the floats from ``first`` up to ``last`` < 0, in units in the last
    place, and where."""
    cdef float x[32]
    cdef float e[32]
    cdef double want, found, most = 0
    cdef float where = first, none = 0
    cdef int exponent = 0
    cdef float rounder = rounder_for(127.0, &none)
    cdef uint32_t i = bits32(first)
    cdef int k
    with nogil:
        while i > bits32(last):
            for k in range(32):
                x[k] = float_of(i - k if i - k > bits32(last) else bits32(last))
            exp_lanes(<const float*>x, <float>0, <float>-88.0296919, rounder, False, <float*>e, 32)
            for k in range(32):
                want = exp(<double>x[k])
                frexp(want, &exponent)
                found = fabs(e[k] - want) / ldexp(1.0, exponent - 24)
                if not found <= most:
                    most, where = found, x[k]
            i -= 32
    return most, where
