"""The rows with the largest numbers."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST = 20


def plain(id_: Any) -> Any:
    """Return an id as Python has it: a string or a number."""
    return id_.item() if isinstance(id_, np.generic) else id_


class Worst:
    """The ``MOST`` largest numbers with their rows and ids; of equal ones the first row.

    NaN is no number. What is kept does not depend on how the rows were split.
    """

    def __init__(self) -> None:
        self._kept: list[tuple[float, int, Any]] = []

    def update(self, values: NDArray[Any], start: int, ids: NDArray[Any] | None) -> None:
        """Take the numbers of the rows from ``start`` on."""
        numbers = np.where(np.isnan(values), -np.inf, values)
        least = self._kept[-1][0] if len(self._kept) == MOST else -np.inf
        found = np.flatnonzero((numbers >= least) & (numbers > -np.inf))
        if found.size > MOST:
            # Before the numbers next to the least that can be kept, the first rows.
            bound = np.partition(numbers[found], -MOST)[-MOST]
            above = found[numbers[found] > bound]
            found = np.concatenate([above, found[numbers[found] == bound][: MOST - above.size]])
        self._take(
            (float(numbers[i]), start + int(i), None if ids is None else plain(ids[i]))
            for i in found
        )

    def merge(self, other: "Worst") -> None:
        """Take what another one kept."""
        self._take(other._kept)

    def _take(self, rows: Any) -> None:
        self._kept = sorted([*self._kept, *rows], key=lambda row: (-row[0], row[1]))[:MOST]

    def result(self) -> tuple[list[float], list[Any]]:
        """Return the numbers, largest first, and of each the id, or the row's number."""
        return (
            [value for value, _, _ in self._kept],
            [row if id_ is None else id_ for _, row, id_ in self._kept],
        )

    def state(self) -> list[tuple[str, int, Any]]:
        """Return what is kept, for JSON."""
        return [(value.hex(), row, id_) for value, row, id_ in self._kept]

    def restore(self, state: list[tuple[str, int, Any]]) -> None:
        """Keep what `state` returned."""
        self._kept = [(float.fromhex(value), row, id_) for value, row, id_ in state]
