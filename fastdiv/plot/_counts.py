"""Numbers of rows, counted: what a histogram is drawn from."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

DECADES = 3  # values that span more are drawn on a logarithmic axis
MIDDLE = 2  # or the middle 98 % of them


@dataclass(frozen=True)
class Counts:
    """How many rows have which value.

    Attributes
    ----------
    edges : ndarray, shape (b + 1,)
        Edges of the bins, ascending and finite. Empty if there are no bins.
    counts : ndarray, shape (b,)
        Rows from one edge (included) to the next; the last bin has both its edges.
    zeros : int
        Rows whose value is exactly 0 and that are in no bin.
    infinite, nan : int
        Rows whose value is infinite, or not a number.

    Examples
    --------
    >>> from fastdiv.plot import Counts
    >>> Counts.of([0.1, 0.2, 0.2, float("inf")], bins=2)
    Counts(edges=array([0.1 , 0.15, 0.2 ]), counts=array([1, 2]), zeros=0, infinite=1, nan=0)
    """

    edges: NDArray[Any]
    counts: NDArray[Any]
    zeros: int = 0
    infinite: int = 0
    nan: int = 0

    @classmethod
    def like(cls, counted: Any) -> "Counts":
        """Take any object with these attributes, as the summaries' histograms."""
        # The last bin of the largest numbers would end at infinity.
        edges = np.minimum(np.asarray(counted.edges, np.float64), np.finfo(np.float64).max)
        counts = np.asarray(counted.counts, np.int64)
        if edges.size != counts.size + bool(counts.size):
            raise ValueError(f"{counts.size} bins have {counts.size + 1} edges, not {edges.size}")
        return cls(edges, counts, counted.zeros, counted.infinite, counted.nan)

    def coarser(self, bins: int | None = None) -> "Counts":
        """Join neighbours until there are ``bins`` at most, by default what `of` would make."""
        most = _enough(int(self.counts.sum())) if bins is None else bins
        starts = np.arange(0, self.counts.size, -(-self.counts.size // most) or 1)
        if starts.size == self.counts.size:
            return self
        edges = np.append(self.edges[starts], self.edges[-1])
        return replace(self, edges=edges, counts=np.add.reduceat(self.counts, starts))

    @property
    def rows(self) -> int:
        """All rows."""
        return int(np.sum(self.counts)) + self.zeros + self.infinite + self.nan

    @property
    def logarithmic(self) -> bool:
        """Whether the bins are to be seen on a logarithmic axis."""
        if self.edges.size == 0 or self.edges[0] <= 0:
            return False
        return decades(float(self.edges[0]), float(self.edges[-1])) >= DECADES

    @property
    def equal_ratios(self) -> bool:
        """Whether the bins have equal ratios, rather than equal widths."""
        if self.edges.size < 3 or self.edges[0] <= 0:
            return False
        steps = np.diff(np.log10(self.edges))
        return bool(steps.max() < 1.001 * steps.min())

    @classmethod
    def of(cls, values: ArrayLike, bins: int | None = None, log: bool | None = None) -> "Counts":
        """Count values.

        Parameters
        ----------
        values : array_like
            One number per row.
        bins : int, optional
            Number of bins; by default 2 n^(1/3) for n finite values, 10 to 60.
        log : bool, optional
            Whether bins have equal ratios instead of equal widths; zeros are then counted apart.
            By default they do if the middle 98 % of the positive values span two decades.
        """
        x = np.asarray(values, np.float64).ravel()
        nan, infinite = int(np.isnan(x).sum()), int(np.isinf(x).sum())
        x = x[np.isfinite(x)]
        if log is None:
            log = bool(x.size and x.min() >= 0) and _spans_decades(x[x > 0])
        # On a logarithmic axis there is no place for zeros; where all are, no axis is needed.
        apart = log or not x.any()
        zeros = int((x == 0).sum()) if apart else 0
        x = x[x > 0] if apart else x
        if x.size == 0:
            none = np.empty(0), np.empty(0, np.int64)
            return cls(*none, zeros=zeros, infinite=infinite, nan=nan)
        bins = _enough(x.size) if bins is None else bins
        edges = _edges(float(x.min()), float(x.max()), bins, log)
        return cls(edges, np.histogram(x, edges)[0], zeros, infinite, nan)


def _enough(rows: int) -> int:
    """Return how many bins show the shape of so many rows and not their noise."""
    return int(np.clip(np.ceil(2 * np.cbrt(rows)), 10, 60))


def decades(low: float, high: float) -> float:
    """Return how many powers of ten two positive numbers are apart."""
    return math.log10(high) - math.log10(low)


def _spans_decades(positive: NDArray[np.float64]) -> bool:
    if positive.size == 0:
        return False
    low, high = np.quantile(positive, (0.01, 0.99), method="nearest")
    return decades(float(low), float(high)) >= MIDDLE


def _edges(low: float, high: float, bins: int, log: bool) -> NDArray[np.float64]:
    """Edges from the smallest to the largest value, both of which stay inside."""
    if low == high:  # one bin, with room beside it
        around = abs(low) / 4 or 0.5
        low, high, bins = (low / 1.5, high * 1.5, 3) if log else (low - around, high + around, 3)
    edges = np.geomspace(low, high, bins + 1) if log else np.linspace(low, high, bins + 1)
    edges[0], edges[-1] = low, high
    return edges
