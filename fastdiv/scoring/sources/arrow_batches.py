"""Record batches, in whose order a file or a pipe gives its rows."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from fastdiv.scoring.sources import arrow
from fastdiv.scoring.sources.arrow import Place
from fastdiv.scoring.sources.dtypes import same_column
from fastdiv.scoring.sources.errors import InputError
from fastdiv.scoring.sources.part import Piece
from fastdiv.scoring.sources.stored import Array
from fastdiv.scoring.sources.table import Table


class ArrowTable(Table):
    """A file whose columns have a schema of Arrow's."""

    schema: Any


class Layout:
    """Which columns of a batch are rows, labels and ids, and what the rows are."""

    def __init__(
        self,
        table: ArrowTable,
        rows: list[str],
        labels: str | None,
        ids: str | None,
        first_row: Any,
    ) -> None:
        """``first_row`` is a batch that tells the classes of lists, or None if there is no row."""
        self._table, self.rows, self.labels, self.ids = table, rows, labels, ids
        path, schema = table.path, table.schema
        place = self._place(rows[0], 0)
        kind, width = arrow.unwrapped(schema.field(rows[0]).type)
        self.by_class = width is None
        if width is None and len(rows) == 1:
            raise InputError(
                f"{path}: {rows[0]} holds one {kind} a row; rows of classes are needed: a list of "
                "numbers, or one column for every class"
            )
        if width is None:
            for name in rows:
                same_column(path, (rows[0], kind), (name, schema.field(name).type))
            width = len(rows)
        elif width == -1:
            width = 0 if first_row is None else length_of_first(first_row.column(rows[0]), place)
        self.classes, self.dtype = width, arrow.numpy_type(kind, place)

    @property
    def columns(self) -> list[str]:
        """The columns that have to be read."""
        return list(dict.fromkeys([*self.rows, *(n for n in (self.labels, self.ids) if n)]))

    def _place(self, name: str, row: int) -> Place:
        return Place(self._table.path, name, row, self._table.start)

    def matrix(self, batch: Any, row: int) -> Array:
        """Return the rows of a batch that begins at a row of the file."""
        if not self.by_class:
            place = self._place(self.rows[0], row)
            return arrow.matrix(batch.column(self.rows[0]), self.classes, place)
        made = np.empty((self.classes, batch.num_rows), self.dtype)
        for k, name in enumerate(self.rows):
            made[k] = arrow.vector(batch.column(name), self._place(name, row))
        return made.T

    def vector(self, batch: Any, name: str | None, row: int) -> Array | None:
        """Return the labels or ids of a batch."""
        return None if name is None else arrow.vector(batch.column(name), self._place(name, row))

    def pieces(self, batches: Iterator[Any], row: int, most: int) -> Iterator[Piece]:
        """Give batches that begin at a row of the file as pieces of at most ``most`` rows."""
        for batch in batches:
            for at in range(0, batch.num_rows, most):
                part = batch.slice(at, most)
                yield Piece(
                    row + at,
                    self.matrix(part, row + at),
                    self.vector(part, self.labels, row + at),
                    self.vector(part, self.ids, row + at),
                )
            row += batch.num_rows


def length_of_first(column: Any, place: Place) -> int:
    """Return the length of a column's first list."""
    column = arrow.plain(column.slice(0, 1))
    arrow.no_null_rows(column, place)
    return len(column[0])
