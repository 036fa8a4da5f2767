"""Sums of float64 numbers and of products, exact, and the means and errors that follow.

A sum is an integer, so it is the same for any split of the numbers and any order of adding up; what
is computed of it is rounded once, at the end.
"""

import math
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastdiv.kernels import _vectors
from fastdiv.scoring.estimates import Mean
from fastdiv.scoring.rationals import quotient, root

# Sums count units of 2^-2148, the square of the smallest double: kernels/exact_sums.pxd.
UNIT = 1 << 2148
_TOP = 32 * (_vectors.LIMBS - 1)


def doubles(values: ArrayLike) -> NDArray[np.float64]:
    """Return the numbers as the sums take them: float64, next to each other, in one row."""
    x = np.asarray(values, np.float64, order="C").reshape(-1)
    return x if x.flags.aligned else x.copy()


class ExactSum:
    """Sum of numbers, or of products of two, without rounding, overflow or underflow.

    Terms that are infinite or NaN are counted apart, and decide what `total` is. An object is for
    one thread at a time; several threads have one each and merge them.

    Examples
    --------
    >>> s = ExactSum()
    >>> s.update([1e308, 1e308, 1e-308, -1e308, -1e308])
    >>> s.total()
    1e-308
    """

    def __init__(self) -> None:
        self._limbs = np.zeros(_vectors.LIMBS, np.int64)
        self._kinds = np.zeros(3, np.int64)

    def update(self, values: ArrayLike) -> None:
        """Add numbers."""
        _vectors.add_exactly(doubles(values), None, self._limbs, self._kinds)

    def update_product(self, a: ArrayLike, b: ArrayLike) -> None:
        """Add the products of two arrays of one size; inf times 0 is a NaN."""
        x, y = doubles(a), doubles(b)
        if x.size != y.size:
            raise ValueError(f"the factors are {x.size} and {y.size} numbers: give as many of each")
        _vectors.add_exactly(x, y, self._limbs, self._kinds)

    def merge(self, other: "ExactSum") -> None:
        """Add another sum."""
        _vectors.add_sums_exactly(self._limbs, other._limbs)
        self._kinds += other._kinds

    @property
    def numerator(self) -> int:
        """The finite terms' sum in units of 2^-2148."""
        low = int.from_bytes(self._limbs[:-1].astype("<u4").tobytes(), "little")
        return low + (int(self._limbs[-1]) << _TOP)

    @property
    def special(self) -> float | None:
        """What the terms that are not finite add up to: inf, -inf or NaN; None without any."""
        above, below, nan = self._kinds.tolist()
        if nan or (above and below):
            return math.nan
        return math.inf if above else -math.inf if below else None

    def over(self, count: int) -> float:
        """Return the sum divided by an integer > 0, rounded once."""
        special = self.special
        return quotient(self.numerator, count * UNIT) if special is None else special

    def total(self) -> float:
        """Return the sum, rounded once."""
        return self.over(1)

    def state(self) -> dict[str, Any]:
        """Return what `restore` takes, for JSON."""
        return {"numerator": hex(self.numerator), "inf_-inf_nan": self._kinds.tolist()}

    def restore(self, state: dict[str, Any]) -> None:
        """Become what `state` was taken of."""
        top, low = divmod(int(state["numerator"], 16), 1 << _TOP)
        self._limbs[:-1] = np.frombuffer(low.to_bytes(_TOP // 8, "little"), "<u4")
        self._limbs[-1] = top
        self._kinds[:] = state["inf_-inf_nan"]


class Moments:
    """Count, sum and sum of squares of numbers: their mean and its standard error."""

    def __init__(self) -> None:
        self.count = 0
        self.sum = ExactSum()
        self._squares = ExactSum()

    def update(self, values: ArrayLike) -> None:
        """Take numbers."""
        x = doubles(values)
        self.count += x.size
        self.sum.update(x)
        self._squares.update_product(x, x)

    def merge(self, other: "Moments") -> None:
        """Take another's numbers."""
        self.count += other.count
        self.sum.merge(other.sum)
        self._squares.merge(other._squares)

    def mean(self) -> float:
        """Return the mean, rounded once; NaN of no numbers."""
        return self.sum.over(self.count) if self.count else math.nan

    def spread(self) -> int:
        """Return n sum(x^2) - sum(x)^2 in squares of the unit, exactly; of the finite numbers."""
        return spread(self.count, self._squares, self.sum, self.sum)

    def result(self) -> Mean:
        """Return the mean and its standard error.

        The error is NaN of fewer than two numbers, which tell nothing of it, and where a number is
        infinite or NaN.
        """
        if self.count < 2 or self.sum.special is not None:
            return Mean(self.mean(), math.nan)
        return Mean(self.mean(), error(Fraction(self.spread()), self.count))

    def state(self) -> dict[str, Any]:
        """Return what `restore` takes, for JSON."""
        sums = {"sum": self.sum.state(), "squares": self._squares.state()}
        return {"count": self.count, **sums}

    def restore(self, state: dict[str, Any]) -> None:
        """Become what `state` was taken of."""
        self.count = int(state["count"])
        self.sum.restore(state["sum"])
        self._squares.restore(state["squares"])


def spread(count: int, products: ExactSum, a: ExactSum, b: ExactSum) -> int:
    """Return n sum(a b) - sum(a) sum(b) in squares of the unit, exactly."""
    return count * products.numerator * UNIT - a.numerator * b.numerator


def error(spread: Fraction, count: int) -> float:
    """Return the standard error of a mean of ``count`` >= 2 numbers of that `spread`.

    The spread is n^2 times the variance, mean(x^2) - mean(x)^2; the error is
    sqrt(variance / (n - 1)).
    """
    scale = count**2 * (count - 1) * UNIT**2
    return root(spread.numerator, spread.denominator * scale)
