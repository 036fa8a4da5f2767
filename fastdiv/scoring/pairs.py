"""Two numbers of every row, whose means are compared."""

import math
from fractions import Fraction
from typing import Any

from numpy.typing import ArrayLike

from fastdiv.scoring.estimates import Mean, exponential, exponential_of
from fastdiv.scoring.exact_sums import UNIT, ExactSum, Moments, error, spread
from fastdiv.scoring.rationals import quotient, root


class Pairs:
    """Moments of x and of y, and the sum of their products.

    Errors of what is computed of both means take account of their covariance, to first order, as
    llama.cpp's do. The variance of a x + b y is computed exactly, so it is never below 0, also of
    numbers that are nearly the same.
    """

    def __init__(self) -> None:
        self.x = Moments()
        self.y = Moments()
        self._products = ExactSum()

    def update(self, x: ArrayLike, y: ArrayLike) -> None:
        """Take as many x as y."""
        self._products.update_product(x, y)
        self.x.update(x)
        self.y.update(y)

    def merge(self, other: "Pairs") -> None:
        """Take another's numbers."""
        self.x.merge(other.x)
        self.y.merge(other.y)
        self._products.merge(other._products)

    def _spread(self) -> int:
        return spread(self.x.count, self._products, self.x.sum, self.y.sum)

    def _known(self) -> bool:
        """Whether there are errors: two numbers and more, all of them finite."""
        return self.x.count > 1 and self.x.sum.special is None and self.y.sum.special is None

    def correlation(self) -> float:
        """Return Pearson's correlation of x and y, NaN if x or y are all the same."""
        if not self._known() or not (self.x.spread() and self.y.spread()):
            return math.nan
        common = self._spread()
        size = root(common**2, self.x.spread() * self.y.spread())
        return size if common >= 0 else -size

    def _error(self, a: float, b: float) -> float:
        """Return the standard error of a mean(x) + b mean(y)."""
        if not (self._known() and math.isfinite(a) and math.isfinite(b)):
            return math.nan
        s, t = Fraction(a), Fraction(b)
        spread = s * s * self.x.spread() + t * t * self.y.spread() + 2 * s * t * self._spread()
        return error(spread, self.x.count)

    def difference(self) -> Mean:
        """Return mean(y) - mean(x), rounded once: small differences keep all their digits."""
        if not self.x.count or self.x.sum.special is not None or self.y.sum.special is not None:
            return Mean(self.y.mean() - self.x.mean(), math.nan)
        difference = self.y.sum.numerator - self.x.sum.numerator
        return Mean(quotient(difference, self.x.count * UNIT), self._error(-1, 1))

    def ratio_of_exponentials(self) -> Mean:
        """Return exp(mean(y)) / exp(mean(x))."""
        return exponential_of(self.difference())

    def difference_of_exponentials(self) -> Mean:
        """Return exp(mean(y)) - exp(mean(x))."""
        x, y = exponential(self.x.mean()), exponential(self.y.mean())
        if math.isinf(x) or math.isinf(y):
            return Mean(y - x, math.nan)
        return Mean(x * math.expm1(self.difference().mean), self._error(-x, y))

    def state(self) -> dict[str, Any]:
        """Return what `restore` takes, for JSON."""
        return {"x": self.x.state(), "y": self.y.state(), "products": self._products.state()}

    def restore(self, state: dict[str, Any]) -> None:
        """Become what `state` was taken of."""
        self.x.restore(state["x"])
        self.y.restore(state["y"])
        self._products.restore(state["products"])
