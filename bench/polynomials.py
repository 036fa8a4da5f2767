"""Fit the polynomials of ``fastdiv/kernels/polynomials.pxd`` and print them with their errors.

Each fit is a weighted minimax (Remez exchange, 50 digits). The first coefficients are rounded to
the working precision one at a time, the others being fitted again each time, so that the rounding
of one is made good by the rest; the last ones, whose rounding no longer shows, all at once.

    python bench/polynomials.py
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from mpmath import mp, mpf

DIGITS = 50

Function = Callable[[Any], Any]


class Fit(NamedTuple):
    """A polynomial to find: ``weight * (function - poly)`` is made as flat as it can be."""

    name: str
    function: Function
    weight: Function
    low: Any
    high: Any
    degree: dict[type, int]
    why: str
    # So many coefficients are rounded one at a time.
    refitted: int = 3


def _poly(coefficients: list[Any], x: Any) -> Any:
    """Evaluate a polynomial, lowest degree first; mpmath's own polyval is changing its order."""
    value = mpf(0)
    for c in reversed(coefficients):
        value = c + x * value
    return value


def _taylor(first: Function, x: Any) -> Any:
    """Sum of first(k) * x**k, for the removable singularities at 0 (|x| is at most 2 here)."""
    return _poly([first(k) for k in range(61)], x)


def exp_tail(t: Any) -> Any:
    """(exp(t) - 1) / t."""
    return mp.expm1(t) / t if abs(t) > 1e-3 else _taylor(lambda k: 1 / mp.factorial(k + 1), t)


def atanh_tail(v: Any) -> Any:
    """(2 atanh(t) - 2t) / t**3 with v = t**2."""
    if abs(v) < 1e-4:
        return _taylor(lambda k: mpf(2) / (2 * k + 3), v)
    t = mp.sqrt(v)
    return (2 * mp.atanh(t) - 2 * t) / t**3


def psi_tail(z: Any) -> Any:
    """(exp(z) - 1 - z) / z**2."""
    return _taylor(lambda k: 1 / mp.factorial(k + 2), z)


def tanh_tail(v: Any) -> Any:
    """(1 - tanh(h) / h) / h**2 with v = h**2."""
    if v < mpf("1e-12"):
        return mpf(1) / 3 - 2 * v / 15
    h = mp.sqrt(v)
    return (1 - mp.tanh(h) / h) / v


def tanh_weight(v: Any) -> Any:
    """Weigh an error in 1 - h tanh_tail - h**2 tanh_tail, the smaller of two terms."""
    h = mp.sqrt(v)
    return (v + h) / (1 - (v + h) * tanh_tail(v))


def js_share(v: Any) -> Any:
    """chi(tanh(h)) / (2 h**2) with v = h**2, chi(s) = ((1+s) log(1+s) + (1-s) log(1-s)) / 2."""
    if v < mpf("1e-20"):
        return mpf(1) / 4 - v / 8
    s = mp.tanh(mp.sqrt(v))
    return ((1 + s) * mp.log1p(s) + (1 - s) * mp.log1p(-s)) / (4 * v)


def chi_tail(v: Any) -> Any:
    """(chi(tanh(h)) / (2 h**2) - 1/4) / h**2 with v = h**2."""
    return (js_share(v) - mpf(1) / 4) / v if v > mpf("1e-12") else -mpf(1) / 8 + v / 18


def half_log_tail(r: Any) -> Any:
    """(log(2 / (1 + r)) - log(2)) / (2 r)."""
    return -mp.log1p(r) / (2 * r) if r > mpf("1e-20") else -mpf(1) / 2 + r / 4


def half_log_weight(r: Any) -> Any:
    """Weigh an error in (1 + r) log(2 / (1 + r)) / 2 - r |h|, |h| = -log(r) / 2."""
    if r == 0:
        return mpf(0)
    return r * (1 + r) / ((1 + r) * mp.log(2 / (1 + r)) / 2 + r * mp.log(r) / 2)


with mp.workdps(DIGITS):
    # The reduced argument of exp, and a little more for the rounding of the reduction.
    REACH = mpf("1.004")
    FITS = [
        Fit(
            "exp_eighth",
            mp.expm1,
            lambda t: 1 / mp.exp(t),
            -mp.log(2) / 16 * REACH,
            mp.log(2) / 16 * REACH,
            {np.float32: 3},
            "relative error of 1 + poly(t) against exp(t)",
            2,
        ),
        Fit(
            "exp_tail",
            exp_tail,
            lambda t: t / mp.exp(t),
            -mp.log(2) / 2 * REACH,
            mp.log(2) / 2 * REACH,
            {np.float64: 10},
            "relative error of 1 + t * poly(t) against exp(t)",
        ),
        Fit(
            "log_tail",
            atanh_tail,
            # Towards small v: evaluated, 0.03 u better than the relative error of the logarithm.
            mp.sqrt,
            mpf(0),
            ((mp.sqrt(2) - 1) / (mp.sqrt(2) + 1)) ** 2 * REACH,
            {np.float32: 2, np.float64: 6},
            "error of t poly(t^2) in log((1 + t) / (1 - t)) = 2 t + t^3 poly(t^2)",
        ),
        Fit(
            "phi_tail",
            atanh_tail,
            lambda v: mp.sqrt(v) * (1 + mp.sqrt(v)) / 2,
            mpf(0),
            mpf("0.0425"),
            {np.float32: 3, np.float64: 7},
            "error relative to the leading term of phi = s t^2 + p t^3 poly(t^2)",
        ),
        Fit(
            "psi_tail",
            psi_tail,
            lambda z: 1 / psi_tail(z),
            mpf(-2),
            mpf(2),
            {np.float32: 10, np.float64: 17},
            "relative error of z^2 poly(z) against exp(z) - 1 - z",
        ),
        Fit(
            "expm1_tail",
            psi_tail,
            lambda z: 1 / psi_tail(z),
            mpf(-1),
            mpf(1),
            {np.float32: 8, np.float64: 14},
            "relative error of z^2 poly(z) against exp(z) - 1 - z",
        ),
        Fit(
            "tanh_tail",
            tanh_tail,
            tanh_weight,
            mpf(0),
            mpf(1),
            {np.float32: 6, np.float64: 14},
            "relative error of 1 - h poly(h^2) - h^2 poly(h^2)",
        ),
        Fit(
            "chi_tail",
            chi_tail,
            lambda v: v / js_share(v),
            mpf(0),
            mpf("1.5625"),
            {np.float32: 8, np.float64: 17},
            "relative error of 1/4 + h^2 poly(h^2) against chi(tanh(h)) / (2 h^2)",
            5,
        ),
        Fit(
            "half_log_tail",
            half_log_tail,
            half_log_weight,
            mpf(0),
            mp.exp("-2.5") * mpf("1.000001"),
            {np.float32: 3, np.float64: 8},
            "error of log(2) / 2 + r poly(r) relative to what is made of it",
        ),
    ]


def _solve(fit: Fit, powers: list[int], fixed: list[Any], nodes: list[Any]) -> list[Any]:
    """Coefficients (then the levelled error) of the polynomial that alternates on ``nodes``."""
    rows, right = [], []
    for j, x in enumerate(nodes):
        w = fit.weight(x)
        rows.append([w * x**k for k in powers] + [mpf(-1) ** j])
        right.append(w * (fit.function(x) - sum(c * x**k for k, c in enumerate(fixed))))
    return list(mp.lu_solve(mp.matrix(rows), mp.matrix(right)))


def _remez(fit: Fit, degree: int, fixed: list[Any], rounds: int = 8) -> list[Any]:
    """Minimax coefficients from ``len(fixed)`` to ``degree``, the lower ones being given."""
    powers = list(range(len(fixed), degree + 1))
    n = len(powers) + 1
    middle, half = (fit.low + fit.high) / 2, (fit.high - fit.low) / 2
    # Open Chebyshev nodes: the weight may vanish at an end of the interval.
    nodes = [middle - half * mp.cos(mp.pi * (2 * j + 1) / (2 * n)) for j in range(n)]
    grid = [middle - half * mp.cos(mp.pi * (j + mpf("0.5")) / 600) for j in range(600)]
    target = [(x, fit.weight(x), fit.function(x)) for x in grid]
    best: tuple[Any, list[Any]] = (mp.inf, [])
    for _ in range(rounds):
        coefficients = _solve(fit, powers, fixed, nodes)[:-1]
        errors = [w * (f - _poly([*fixed, *coefficients], x)) for x, w, f in target]
        worst = max(abs(e) for e in errors)
        if worst < best[0]:
            best = (worst, coefficients)
        # The extremum of each run of one sign; drop the smaller end until n are left.
        peaks: list[int] = []
        for j, e in enumerate(errors):
            if peaks and (errors[peaks[-1]] > 0) == (e > 0):
                if abs(e) > abs(errors[peaks[-1]]):
                    peaks[-1] = j
            else:
                peaks.append(j)
        while len(peaks) > n:
            peaks.pop(0 if abs(errors[peaks[0]]) < abs(errors[peaks[-1]]) else -1)
        if len(peaks) < n:
            break
        nodes = [grid[j] for j in peaks]
    return best[1]


def fit_rounded(fit: Fit, real: type) -> tuple[list[Any], float, float]:
    """Return rounded coefficients, their largest weighted error and where it is attained."""
    fixed: list[Any] = []
    degree = fit.degree[real]
    while len(fixed) <= degree:
        found = _remez(fit, degree, fixed)
        keep = found[:1] if len(fixed) < fit.refitted else found
        fixed += [mpf(float(real(float(c)))) for c in keep]
    middle, half = (fit.low + fit.high) / 2, (fit.high - fit.low) / 2
    worst, witness = mpf(0), mpf(0)
    for j in range(4000):
        x = middle - half * mp.cos(mp.pi * (j + mpf("0.5")) / 4000)
        error = abs(fit.weight(x) * (fit.function(x) - _poly(fixed, x)))
        worst, witness = max((worst, witness), (error, x))
    return fixed, float(worst), float(witness)


def print_eighths(constant: Any) -> None:
    """Print 2^(k/8) in floats, and what is missing from them and from the constant, k = 0 to 7."""
    for k in range(8):
        want = mpf(2) ** (mpf(k) / 8)
        power = np.float32(float(want))
        missing = np.float32(float(want / mpf(float(power)) - 1 + constant))
        print(f"  {int(power.view(np.uint32)):#x} {float(missing)!r}")


def main() -> None:
    """Print every polynomial, lowest degree first."""
    mp.dps = DIGITS
    for fit in FITS:
        for real in fit.degree:
            coefficients, worst, witness = fit_rounded(fit, real)
            unit = float(np.finfo(real).eps) / 2
            print(f"{fit.name}, {real.__name__}: {fit.why}")
            power = float(mp.log(worst, 2))
            print(f"  at most 2^{power:.2f} = {worst / unit:.3f} u, at {witness:.6g}")
            for c in coefficients:
                print(f"  {float(c)!r}")
            if fit.name == "exp_eighth":
                print_eighths(coefficients[0])


if __name__ == "__main__":
    main()
