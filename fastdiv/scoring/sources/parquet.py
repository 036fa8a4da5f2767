"""Parquet: rows come in the order of the file, a row group at a time, in pieces of it.

A row group may hold a gigabyte, so that it is decoded page by page; several can be decoded at
once, by threads of their own.
"""

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from fastdiv.scoring.sources import arrow
from fastdiv.scoring.sources.arrow import Place
from fastdiv.scoring.sources.arrow_batches import ArrowTable, Layout
from fastdiv.scoring.sources.errors import InputError, explained
from fastdiv.scoring.sources.part import Part, Piece, Stream
from fastdiv.scoring.sources.plain import PlainFile
from fastdiv.scoring.sources.stored import Array, Chunks, Stored
from fastdiv.scoring.sources.table import Entry

# Read at once from a column of a row group, which without a limit would be all of it.
BUFFER_BYTES = 1 << 20


class Parquet(ArrowTable):
    """A Parquet file."""

    format = "parquet"

    def __init__(self, path: Path) -> None:
        self._library = arrow.library(path, "pyarrow.parquet")
        self._plain = PlainFile(path)
        with self.reading():
            file = self.open()
            self.schema, self.metadata = file.schema_arrow, file.metadata
        groups = range(self.metadata.num_row_groups)
        sizes = [self.metadata.row_group(g).num_rows for g in groups]
        self.bounds = np.concatenate(([0], np.cumsum(sizes, dtype=np.int64)))
        rows = int(self.bounds[-1])
        entries = {
            name: Entry((rows, *entry.shape[1:]), entry.dtype)
            for name, entry in arrow.entries_of(self.schema).items()
        }
        super().__init__(path, self._plain.size, entries)

    def open(self) -> Any:
        """Return a reader of its own, for one thread."""
        source = arrow.library(self._plain.path).OSFile(str(self._plain.path))
        return self._library.ParquetFile(source, buffer_size=BUFFER_BYTES, pre_buffer=False)

    def reading(self) -> Any:
        """Name the file in the library's errors."""
        pa = arrow.library(self._plain.path)
        return explained(self._plain.path, (pa.ArrowException, EOFError))

    def batches(self, group: int, columns: list[str], rows: int) -> Iterator[Any]:
        """Give a row group in batches."""
        try:
            with self.reading():
                batches = self.open().iter_batches(
                    rows, row_groups=[group], columns=columns, use_threads=False
                )
                batch = next(batches, None)
            while batch is not None:
                yield batch
                with self.reading():
                    batch = next(batches, None)
        except InputError:
            self.check_unchanged()
            raise

    def part(self, rows: list[str], labels: str | None, ids: str | None) -> Part:
        """Return the rows."""
        return ParquetPart(self, rows, labels, ids)

    def column(self, name: str) -> Stored:
        """Return labels or ids."""
        kind, width = arrow.unwrapped(self.schema.field(name).type)
        if width is not None:
            raise InputError(f"{self.path}: {name} holds lists of {kind}, not one number a row")
        return ParquetColumn(self, name, kind)

    def check_unchanged(self) -> None:
        """Raise if the file is not what it was when it was opened."""
        self._plain.check_unchanged()


class ParquetPart(Part):
    """The rows of a Parquet file."""

    sequential = True

    def __init__(
        self, table: Parquet, rows: list[str], labels: str | None, ids: str | None
    ) -> None:
        self.path, self.format, self.nbytes = table.path, table.format, table.nbytes
        self.rows = int(table.bounds[-1])
        self.lead = (self.rows,)
        self._table, self.bounds = table, table.bounds
        full = next((g for g in range(len(table.bounds) - 1) if np.diff(table.bounds)[g]), None)
        first = None if full is None else next(table.batches(full, rows[:1], 1))
        self._layout = Layout(table, rows, labels, ids, first)
        self.classes, self.dtype = self._layout.classes, self._layout.dtype
        self.has_labels, self.has_ids = labels is not None, ids is not None

    def streams(self) -> Iterator[Stream[Piece]]:
        """Give a function for every row group."""
        for group in range(len(self._table.bounds) - 1):
            yield functools.partial(self._pieces, group)

    def _pieces(self, group: int, most: int) -> Iterator[Piece]:
        batches = self._table.batches(group, self._layout.columns, most)
        yield from self._layout.pieces(batches, int(self._table.bounds[group]), most)

    def check_unchanged(self) -> None:
        """Raise if the file is not what it was when it was opened."""
        self._table.check_unchanged()


class ParquetColumn(Chunks):
    """Labels or ids: the row groups of one column."""

    def __init__(self, table: Parquet, name: str, kind: Any) -> None:
        pa = arrow.library(table.path)
        number = pa.types.is_integer(kind) or pa.types.is_floating(kind)
        dtype = kind.to_pandas_dtype() if number else object
        rows = int(table.bounds[-1])
        super().__init__(table.path, name, (rows,), None, dtype, table.bounds)
        self._table = table

    def read_whole(self, start: int, stop: int) -> Array:
        """Return rows ``start`` to ``stop``: row groups."""
        bounds = self._table.bounds
        parts, row = [], start
        for group in range(*np.searchsorted(bounds, (start, stop))):
            size = int(bounds[group + 1] - bounds[group])
            for batch in self._table.batches(group, [self.name], size) if size else ():
                place = Place(self.path, self.name, row, self._table.start)
                parts.append(arrow.vector(batch.column(0), place))
                row += batch.num_rows
        return parts[0] if len(parts) == 1 else np.concatenate(parts)
