"""Means with standard errors, and quantiles, of numbers that come block by block."""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastdiv.kernels import _vectors


class Mean(NamedTuple):
    """A mean and its standard error, sqrt(variance / n)."""

    mean: float
    standard_error: float


class Moments:
    """Sum and sum of squares, in order and compensated: blocks do not change a bit of them."""

    def __init__(self) -> None:
        self.count = 0
        self._sums = np.zeros(4)

    def update(self, values: NDArray[Any]) -> None:
        """Take the next numbers."""
        self.count += values.size
        _vectors.accumulate(np.ascontiguousarray(values, np.float64), self._sums)

    def result(self) -> Mean:
        """Return the mean and its standard error (0 for a single number)."""
        total, squares = (
            float(high + low) if math.isfinite(high) else float(high)
            for high, low in self._sums.reshape(2, 2)
        )
        mean = total / self.count
        if self.count < 2 or not math.isfinite(total):
            return Mean(mean, 0.0 if math.isfinite(total) else math.nan)
        variance = max(0.0, (squares - total * mean) / (self.count - 1))
        return Mean(mean, math.sqrt(variance / self.count))


def quantiles(values: NDArray[Any], points: tuple[float, ...]) -> list[float]:
    """Quantiles by linear interpolation; NaN if there is a NaN."""
    ordered = np.sort(values)
    if np.isnan(ordered[-1]):
        return [math.nan] * len(points)
    found = []
    for point in points:
        place = point * (len(ordered) - 1)
        below = int(place)
        low, high = float(ordered[below]), float(ordered[min(below + 1, len(ordered) - 1)])
        # Not low + f * (high - low): inf - inf would be NaN.
        found.append(low if low == high or place == below else low + (place - below) * (high - low))
    return found
