"""How sure a model is against how often it is right."""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastdiv.scoring.exact_sums import UNIT, ExactSum, doubles
from fastdiv.scoring.rationals import quotient


class CalibrationBin(NamedTuple):
    """Rows whose confidence is above ``low`` and at most ``high``.

    ``confidence`` is their mean confidence, ``accuracy`` their share of hits; NaN without rows.
    """

    low: float
    high: float
    rows: int
    confidence: float
    accuracy: float


class Calibration:
    """Confidences in bins of equal width: hits and exact sums.

    A confidence on an edge is in the bin below it, as in Guo et al., "On calibration of modern
    neural networks" (2017); 0 is in the first. Edges are k / bins, rounded to doubles. A NaN is in
    no bin and makes the error NaN.
    """

    def __init__(self, bins: int) -> None:
        self._edges = np.arange(bins + 1) / bins
        self._counts = np.zeros((2, bins), np.int64)  # rows, hits
        self._sums = [ExactSum() for _ in range(bins)]
        self._nan = 0

    def update(self, confidence: NDArray[Any], hit: NDArray[np.bool_]) -> None:
        """Take rows."""
        c = doubles(confidence)
        known = ~np.isnan(c)
        if not known.all():
            self._nan += int(np.count_nonzero(~known))
            c, hit = c[known], hit[known]
        at, bins = self._bins(c), len(self._sums)
        rows = np.bincount(at, minlength=bins)
        self._counts += [rows, np.bincount(at[hit], minlength=bins)]
        # Sorting numbers of 16 bits is counting: cheap.
        grouped = c[np.argsort(at.astype(np.uint16), kind="stable")]
        ends = np.cumsum(rows).tolist()
        for total, start, end in zip(self._sums, [0, *ends], ends, strict=False):
            total.update(grouped[start:end])

    def _bins(self, c: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the bin of every confidence: a guess, put right by its edges."""
        last = len(self._sums) - 1
        guess = np.clip(c * (last + 1), 0, last).astype(np.int64)
        guess += (c > self._edges[guess + 1]) & (guess < last)
        guess -= (c <= self._edges[guess]) & (guess > 0)
        return guess

    def merge(self, other: "Calibration") -> None:
        """Take another's rows."""
        self._counts += other._counts
        self._nan += other._nan
        for total, more in zip(self._sums, other._sums, strict=True):
            total.merge(more)

    def bins(self) -> list[CalibrationBin]:
        """Return the bins, from low to high confidence."""
        edges = self._edges.tolist()
        return [
            CalibrationBin(
                low,
                high,
                rows,
                total.over(rows) if rows else math.nan,
                quotient(hits, rows) if rows else math.nan,
            )
            for low, high, rows, hits, total in zip(
                edges, edges[1:], *self._counts.tolist(), self._sums, strict=False
            )
        ]

    def error(self) -> float:
        """Return the expected calibration error.

        It is the mean over the rows of the distance between confidence and accuracy of their bin,
        computed exactly and rounded once; NaN without rows.
        """
        rows, hits = self._counts.tolist()
        if self._nan or not sum(rows):
            return math.nan
        apart = [abs(h * UNIT - t.numerator) for h, t in zip(hits, self._sums, strict=True)]
        return quotient(sum(apart), sum(rows) * UNIT)

    def state(self) -> dict[str, Any]:
        """Return what `restore` takes, for JSON."""
        sums = [total.state() for total in self._sums]
        return {"rows_hits": self._counts.tolist(), "nan": self._nan, "sums": sums}

    def restore(self, state: dict[str, Any]) -> None:
        """Become what `state` was taken of."""
        self._counts[:] = state["rows_hits"]
        self._nan = int(state["nan"])
        for total, saved in zip(self._sums, state["sums"], strict=True):
            total.restore(saved)
