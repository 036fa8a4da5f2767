"""Quotients and roots of integers of any size, rounded once to a double."""

import math

# From here on a number rounds to infinity: the largest double and half a unit in its last place.
_TOO_LARGE = (1 << 1024) - (1 << 970)


def quotient(n: int, d: int) -> float:
    """Return n / d, correctly rounded; d > 0."""
    if abs(n) >= d * _TOO_LARGE:
        return math.inf if n > 0 else -math.inf
    # Python divides integers with one rounding.
    return n / d


def root(n: int, d: int) -> float:
    """Return the square root of n / d, correctly rounded; n >= 0 and d > 0.

    An integer root of at least 55 bits, of which the last is set if it is not exact, rounds to a
    double as the root itself does (rounding to odd: Boldo and Melquiond, "When double rounding is
    odd", 2005).
    """
    half = (n.bit_length() - d.bit_length() - 110) // 2
    if half < 0:
        n <<= -2 * half
    else:
        d <<= 2 * half
    whole = math.isqrt(n // d)
    whole |= whole * whole * d != n
    return quotient(whole << half, 1) if half >= 0 else quotient(whole, 1 << -half)
