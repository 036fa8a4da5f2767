"""Arrow IPC files, which Feather (version 2) files are too.

The library maps the file to read its metadata and to tell where columns lie; the numbers are then
read from there. Batches that are compressed, or have nulls or dictionaries, are left to it.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fastdiv.scoring.sources import arrow
from fastdiv.scoring.sources.arrow import Place
from fastdiv.scoring.sources.arrow_batches import ArrowTable, Layout
from fastdiv.scoring.sources.arrow_footer import batches_of
from fastdiv.scoring.sources.errors import InputError, explained
from fastdiv.scoring.sources.memory import Buffers
from fastdiv.scoring.sources.plain import PlainFile
from fastdiv.scoring.sources.stored import Array, Chunks, Stored
from fastdiv.scoring.sources.table import Entry


class Numbers(NamedTuple):
    """Where a column's numbers lie in the file; of lists also the offsets of the rows."""

    at: int
    offsets: int | None = None
    offset_bytes: int = 4


class ArrowFile(ArrowTable):
    """An Arrow IPC file."""

    format = "arrow"

    def __init__(self, path: Path) -> None:
        self.plain = PlainFile(path)
        self._pa, self._ipc = arrow.library(path), arrow.library(path, "pyarrow.ipc")
        self._damage = (self._pa.ArrowException, EOFError)
        self._base = 0
        self._mapped: Any = None
        with explained(path, self._damage):
            self.schema = self._ipc.open_file(self._pa.OSFile(str(path))).schema
        self._batches = batches_of(self.plain)
        sizes = [batch.rows for batch in self._batches]
        self.bounds = np.concatenate(([0], np.cumsum(sizes, dtype=np.int64)))
        rows = int(self.bounds[-1])
        entries = {
            name: Entry((rows, *entry.shape[1:]), entry.dtype)
            for name, entry in arrow.entries_of(self.schema).items()
        }
        super().__init__(path, self.plain.size, entries)

    def mapped(self, index: int) -> Any:
        """Return a batch of which only the metadata may be looked at; none that is compressed."""
        if self._batches[index].compressed:
            return None
        with explained(self.plain.path, self._damage):
            if self._mapped is None:
                mapping = self._pa.memory_map(str(self.plain.path))
                self._base = mapping.read_buffer(1).address
                mapping.seek(0)
                self._mapped = self._ipc.open_file(mapping)
            return self._mapped.get_batch(index)

    def unmap(self) -> None:
        """Let go of the mapping, which holds the file open, until it is asked for again."""
        self._mapped = None

    def batch(self, index: int, name: str) -> Any:
        """Return a batch of one column, which has been read."""
        only = [self.schema.get_field_index(name)]
        try:
            with explained(self.plain.path, self._damage):
                # A reader is no reader of several threads; to make one reads the footer again.
                file = self._pa.OSFile(str(self.plain.path))
                options = self._ipc.IpcReadOptions(included_fields=only)
                return self._ipc.open_file(file, options=options).get_batch(index)
        except InputError:
            self.check_unchanged()
            raise

    def place(self, buffer: Any) -> int | None:
        """Return where a buffer lies in the file, or None if it is not in there as it is."""
        at = int(buffer.address) - int(self._base)
        return at if at >= 0 and at + buffer.size <= self.plain.size else None

    def column(self, name: str) -> Stored:
        """Return labels or ids."""
        kind, width = arrow.unwrapped(self.schema.field(name).type)
        if width is not None:
            raise InputError(f"{self.path}: {name} holds lists of {kind}, not one number a row")
        number = self._pa.types.is_integer(kind) or self._pa.types.is_floating(kind)
        return ArrowColumn(self, name, None, kind.to_pandas_dtype() if number else object)

    def matrix(self, name: str) -> Stored:
        """Return rows."""
        full = next((i for i in range(len(self.bounds) - 1) if np.diff(self.bounds)[i]), None)
        first = None if full is None else self.mapped(full) or self.batch(full, name)
        layout = Layout(self, [name], None, None, first)
        return ArrowColumn(self, name, layout.classes, layout.dtype)

    def check_matrix(self, name: str) -> None:
        """Leave it to ``matrix``, which knows what else a column may hold."""

    def check_unchanged(self) -> None:
        """Raise if the file is not what it was when it was opened."""
        self.plain.check_unchanged()


class ArrowColumn(Chunks):
    """A column, of which each batch is a chunk where it does not lie in the file as it is."""

    def __init__(self, table: ArrowFile, name: str, classes: int | None, dtype: Any) -> None:
        rows = int(table.bounds[-1])
        super().__init__(table.path, name, (rows,), classes, dtype, table.bounds)
        self._table, self._buffers = table, Buffers()
        self._places = [self._numbers(i) for i in range(len(table.bounds) - 1)]
        table.unmap()
        self._all_plain = None not in self._places
        if self._all_plain:
            # Any rows can be read, so that blocks need not end where batches do.
            self.bounds = None

    def _numbers(self, index: int) -> Numbers | None:
        """Return where the numbers of a batch lie, if they do."""
        batch = self._table.mapped(index)
        if batch is None:
            return None
        array = batch.column(self.name)
        array = getattr(array, "storage", array)
        values = array if self.classes is None else getattr(array, "values", None)
        if self.dtype.kind == "O" or values is None or hasattr(array, "dictionary"):
            return None
        if hasattr(values, "dictionary") or array.null_count or values.null_count:
            return None
        if len(array) == 0:
            return Numbers(0)
        width = self.dtype.itemsize
        at = self._table.place(values.buffers()[-1])
        if at is None:
            return None
        at += values.offset * width
        if not hasattr(array, "offsets"):
            return Numbers(at + (array.offset * (self.classes or 0)) * width)
        offsets, size = array.buffers()[1], array.offsets.type.bit_width // 8
        place = self._table.place(offsets)
        return None if place is None else Numbers(at, place + array.offset * size, size)

    def read(self, start: int, stop: int) -> Array:
        """Return rows ``start`` to ``stop``."""
        if not self._all_plain:
            return super().read(start, stop)
        block = self._buffers.take(self.shape_of(stop - start), self.dtype)
        bounds, at = self._table.bounds, start
        while at < stop:
            index = int(np.searchsorted(bounds, at, "right")) - 1
            low, end = int(bounds[index]), min(stop, int(bounds[index + 1]))
            self._fill(block[at - start : end - start], index, at - low)
            at = end
        return block

    def _fill(self, block: Array, index: int, row: int) -> None:
        """Read the rows of a batch from one on."""
        place, row_bytes = self._places[index], (self.classes or 1) * self.dtype.itemsize
        assert place is not None
        if place.offsets is None:
            self._table.plain.fill(block, place.at + row * row_bytes)
            return
        offsets = np.empty(len(block) + 1, f"<i{place.offset_bytes}")
        self._table.plain.fill(offsets, place.offsets + row * place.offset_bytes)
        where = self._where(index, row)
        arrow.equal_lengths(offsets, self.classes or 0, where)
        self._table.plain.fill(block, place.at + int(offsets[0]) * self.dtype.itemsize)

    def _where(self, index: int, row: int = 0) -> Place:
        """Return the place of a row of a batch, for errors."""
        return Place(self.path, self.name, int(self._table.bounds[index]) + row, self._table.start)

    def read_whole(self, start: int, stop: int) -> Array:
        """Return rows ``start`` to ``stop``: batches."""
        parts = []
        for index in range(*np.searchsorted(self._table.bounds, (start, stop))):
            column = self._table.batch(index, self.name).column(0)
            place = self._where(index)
            if self.classes is None:
                parts.append(arrow.vector(column, place))
            else:
                parts.append(arrow.matrix(column, self.classes, place))
        return parts[0] if len(parts) == 1 else np.concatenate(parts)
