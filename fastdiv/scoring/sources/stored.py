"""Arrays in files, read by ranges of rows from any thread."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastdiv.scoring.sources.dtypes import same_column
from fastdiv.scoring.sources.errors import InputError
from fastdiv.scoring.sources.memory import Buffers
from fastdiv.scoring.sources.plain import PlainFile

Array = NDArray[Any]


class Stored(ABC):
    """An array in a file: ``(rows, classes)``, or ``(rows,)`` of labels and ids.

    ``lead`` is the shape of its leading axes as the file has it: rows along several axes are
    counted through. ``chunk`` rows are read together, whatever is asked for, or those between two
    of ``bounds``.
    """

    chunk = 1
    bounds: Array | None = None

    def __init__(
        self, path: Path, name: str, lead: tuple[int, ...], classes: int | None, dtype: Any
    ) -> None:
        self.path, self.name, self.lead, self.classes = path, name, lead, classes
        self.dtype = np.dtype(dtype)
        self.rows = int(np.prod(lead, dtype=object))

    @abstractmethod
    def read(self, start: int, stop: int) -> Array:
        """Return rows ``start`` to ``stop``."""

    def shape_of(self, rows: int) -> tuple[int, ...]:
        """Return the shape of a number of rows."""
        return (rows,) if self.classes is None else (rows, self.classes)


class Raw(Stored):
    """Numbers that lie in a file as in memory, row by row."""

    def __init__(self, file: PlainFile, name: str, at: int, *shape_and_dtype: Any) -> None:
        super().__init__(file.path, name, *shape_and_dtype)
        self._file, self._at, self._buffers = file, at, Buffers()

    def read(self, start: int, stop: int) -> Array:
        """Return rows ``start`` to ``stop``."""
        block = self._buffers.take(self.shape_of(stop - start), self.dtype)
        step = (self.classes or 1) * self.dtype.itemsize
        self._file.fill(block, self._at + start * step)
        return block


class RawColumns(Stored):
    """Numbers that lie in a file class by class: Fortran's order of a matrix."""

    def __init__(self, file: PlainFile, name: str, at: int, *shape_and_dtype: Any) -> None:
        super().__init__(file.path, name, *shape_and_dtype)
        self._file, self._at, self._buffers = file, at, Buffers()

    def read(self, start: int, stop: int) -> Array:
        """Return rows ``start`` to ``stop``, a transposed view."""
        assert self.classes is not None
        columns = self._buffers.take((self.classes, stop - start), self.dtype)
        for k in range(self.classes):
            place = k * self.rows + start
            self._file.fill(columns[k], self._at + place * self.dtype.itemsize)
        return columns.T


class Columns(Stored):
    """Rows of which every class is an array of its own."""

    def __init__(self, columns: Sequence[Stored]) -> None:
        first = columns[0]
        super().__init__(first.path, first.name, first.lead, len(columns), first.dtype)
        for column in columns:
            same_column(first.path, (first.name, first.dtype), (column.name, column.dtype))
            if column.rows != first.rows:
                raise InputError(
                    f"{first.path}: {column.name} has {column.rows} rows, {first.name} {first.rows}"
                )
        self.chunk = max(column.chunk for column in columns)
        self._columns, self._buffers = columns, Buffers()

    def read(self, start: int, stop: int) -> Array:
        """Return rows ``start`` to ``stop``, a transposed view."""
        made = self._buffers.take((len(self._columns), stop - start), self.dtype)
        for k, column in enumerate(self._columns):
            made[k] = column.read(start, stop)
        return made.T


class InMemory(Stored):
    """An array that has to be read whole."""

    def __init__(self, path: Path, name: str, array: Array, lead: tuple[int, ...]) -> None:
        classes = None if array.ndim == len(lead) else array.shape[-1]
        super().__init__(path, name, lead, classes, array.dtype)
        self._array = array.reshape(self.shape_of(self.rows))

    def read(self, start: int, stop: int) -> Array:
        """Return rows ``start`` to ``stop``, a view."""
        return self._array[start:stop]


class Chunks(Stored):
    """An array that is stored in chunks, which can only be had whole.

    A block of whole chunks is read as it is; of one that is not, the chunks are kept for the next.
    """

    KEPT = 4

    def __init__(
        self,
        path: Path,
        name: str,
        lead: tuple[int, ...],
        classes: int | None,
        dtype: Any,
        bounds: Array | int,
    ) -> None:
        """``bounds`` are the first row of each chunk and the number of rows, or rows a chunk."""
        super().__init__(path, name, lead, classes, dtype)
        if isinstance(bounds, int):
            self.chunk = bounds
        else:
            self.bounds = bounds
        self._lock = threading.Lock()
        self._kept: dict[int, tuple[threading.Lock, list[Array]]] = {}

    @abstractmethod
    def read_whole(self, start: int, stop: int) -> Array:
        """Return rows ``start`` to ``stop``, where chunks begin and end."""

    def read(self, start: int, stop: int) -> Array:
        """Return rows ``start`` to ``stop``."""
        if self._chunk_of(start)[0] == start and self._chunk_of(stop - 1)[1] == stop:
            return self.read_whole(start, stop)
        parts, at = [], start
        while at < stop:
            low, high = self._chunk_of(at)
            parts.append(self._chunk(low, high)[at - low : min(stop, high) - low])
            at = high
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _chunk_of(self, row: int) -> tuple[int, int]:
        """Return where the chunk of a row begins and ends."""
        if self.bounds is None:
            low = row // self.chunk * self.chunk
            return low, min(low + self.chunk, self.rows)
        index = int(np.searchsorted(self.bounds, row, "right"))
        return int(self.bounds[index - 1]), int(self.bounds[index])

    def _chunk(self, low: int, high: int) -> Array:
        """Return a chunk, which one thread reads and others wait for."""
        with self._lock:
            lock, found = self._kept.pop(low, (threading.Lock(), []))
            self._kept[low] = (lock, found)
            while len(self._kept) > self.KEPT:
                del self._kept[next(iter(self._kept))]
        with lock:
            if not found:
                found.append(self.read_whole(low, high))
            return found[0]
