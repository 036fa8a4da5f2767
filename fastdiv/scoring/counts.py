"""Rows counted by the rank of their label, and rows counted by a yes or no."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastdiv.scoring.estimates import Mean
from fastdiv.scoring.rationals import quotient, root


class Ranks:
    """How many rows have the label among the k most probable classes, for some k.

    These are 1, 2, 5, 10, 20 and so on up to the number of classes, and those asked for. Rank 0 is
    that of a row that is no distribution: it is among none.
    """

    def __init__(self, classes: int, top_k: tuple[int, ...]) -> None:
        steps = {m * 10**e for e in range(len(str(classes))) for m in (1, 2, 5)}
        self._at = np.array(
            sorted({k for k in steps if k < classes} | {classes} | set(top_k)), np.int64
        )
        self._counts = np.zeros(self._at.size + 1, np.int64)
        # Where a rank is counted; rank 0 behind the others.
        self._place = np.searchsorted(self._at, np.arange(classes + 1))
        self._place[0] = self._at.size

    def update(self, ranks: NDArray[np.int64]) -> None:
        """Take rows."""
        self._counts += np.bincount(self._place[ranks], minlength=self._counts.size)

    def merge(self, other: "Ranks") -> None:
        """Take another's rows."""
        self._counts += other._counts

    def within(self) -> dict[int, int]:
        """Return the number of rows for every k."""
        return dict(zip(self._at.tolist(), np.cumsum(self._counts[:-1]).tolist(), strict=True))

    def state(self) -> dict[str, Any]:
        """Return what `restore` takes, for JSON."""
        return {"counts": self._counts.tolist()}

    def restore(self, state: dict[str, Any]) -> None:
        """Become what `state` was taken of."""
        self._counts[:] = state["counts"]


class Hits:
    """How many rows there are, and of how many something is true."""

    def __init__(self) -> None:
        self.rows = self.hits = 0

    def update(self, hit: NDArray[np.bool_]) -> None:
        """Take rows."""
        self.rows += hit.size
        self.hits += int(np.count_nonzero(hit))

    def merge(self, other: "Hits") -> None:
        """Take another's rows."""
        self.rows += other.rows
        self.hits += other.hits

    def result(self) -> Mean:
        """Return the share p and its standard error, sqrt(p (1 - p) / (n - 1))."""
        n, k = self.rows, self.hits
        if n < 2:
            return Mean(quotient(k, n) if n else math.nan, math.nan)
        return Mean(quotient(k, n), root(k * (n - k), n * n * (n - 1)))

    def state(self) -> dict[str, Any]:
        """Return what `restore` takes, for JSON."""
        return {"rows": self.rows, "hits": self.hits}

    def restore(self, state: dict[str, Any]) -> None:
        """Become what `state` was taken of."""
        self.rows, self.hits = int(state["rows"]), int(state["hits"])
