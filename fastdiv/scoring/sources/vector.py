"""Labels and ids from files of their own: one number or text for every row."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastdiv.scoring.sources.errors import InputError, of_all
from fastdiv.scoring.sources.stored import Stored
from fastdiv.scoring.sources.table import Table

Array = NDArray[Any]

STEP = 1 << 20  # rows that are checked at once


class Vector:
    """One column through all its files, whose ends need not be those of the rows' files."""

    def __init__(self, tables: list[Table], columns: list[Stored]) -> None:
        self._tables, self._columns = tables, columns
        self._starts = np.cumsum([0, *(c.rows for c in columns)])
        self.rows = int(self._starts[-1])
        self.lead = columns[0].lead if len(columns) == 1 else (self.rows,)
        self.path = columns[0].path
        # Of labels, which are checked wherever they are read.
        self.classes: int | None = None

    @property
    def files(self) -> list[Path]:
        """All its files."""
        return [table.path for table in self._tables]

    def read(self, start: int, stop: int) -> Array:
        """Return rows ``start`` to ``stop``, checked if they are labels."""
        parts = []
        for column, first in zip(self._columns, self._starts, strict=False):
            low, high = max(start, int(first)), min(stop, int(first) + column.rows)
            if low < high:
                part = column.read(low - int(first), high - int(first))
                if self.classes is not None:
                    check_labels(part, self.classes, column.path, low - int(first), int(first))
                parts.append(part)
        if sum(map(len, parts)) != stop - start:
            raise InputError(f"{self.path}: has {self.rows} rows; there are more rows to score")
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def check_shape(self, path: Path, lead: tuple[int, ...], rows: int, kind: str) -> None:
        """Refuse another number of labels than of rows."""
        if self.lead not in (lead, (rows,)):
            raise InputError(
                f"{self.path}: has shape {self.lead}; {path} needs {kind} of shape {lead}"
            )

    def check_all(self) -> None:
        """Refuse labels that are none of the classes, before any row is scored."""
        for start in range(0, self.rows, STEP):
            self.read(start, min(self.rows, start + STEP))

    def check_unchanged(self) -> None:
        """Raise if a file is not what it was when it was opened."""
        for table in self._tables:
            table.check_unchanged()


def check_labels(labels: Array, classes: int, path: Path | str, first: int, start: int = 0) -> None:
    """Refuse labels that are none of the classes.

    ``first`` is the number of the first row in the file, ``start`` that of the file's among all.
    """
    if labels.dtype.kind not in "iu":
        raise InputError(f"{path}: labels must be integers, not {labels.dtype}")
    bad = np.flatnonzero((labels < 0) | (labels >= classes))
    if bad.size:
        row = first + int(bad[0])
        raise InputError(
            f"{path}: label {labels[bad[0]]} at row {row}{of_all(row, start)} is out of range for "
            f"{classes} classes (0 to {classes - 1})"
        )
