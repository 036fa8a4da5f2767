"""A file as a table of named arrays, and the part that some of them make."""

import re
from abc import ABC, abstractmethod
from pathlib import Path
from typing import NamedTuple

from fastdiv.scoring.sources.errors import InputError, some_of
from fastdiv.scoring.sources.part import Part, Piece
from fastdiv.scoring.sources.stored import Columns, Stored

# Names of types as NumPy writes them, those of the other byte order too; V2 is a bfloat16.
FLOATS = re.compile(r"b?float\d+|[<>]f\d+|\|V2")
INTEGERS = re.compile(r"u?int\d+|[<>][iu]\d+")


class Entry(NamedTuple):
    """An array of a table: its shape, ``-1`` where it is not known yet, and its type's name."""

    shape: tuple[int, ...]
    dtype: str

    @property
    def floats(self) -> bool:
        """Whether it holds floating-point numbers."""
        return FLOATS.fullmatch(self.dtype) is not None

    @property
    def integers(self) -> bool:
        """Whether it holds integers."""
        return INTEGERS.fullmatch(self.dtype) is not None


class StoredPart(Part):
    """Arrays of a file that can be read anywhere."""

    def __init__(
        self, table: "Table", rows: Stored, labels: Stored | None, ids: Stored | None
    ) -> None:
        assert rows.classes is not None
        self.path, self.format, self.nbytes = table.path, table.format, table.nbytes
        self.rows, self.lead, self.classes = rows.rows, rows.lead, rows.classes
        self.dtype, self.chunk, self.bounds = rows.dtype, rows.chunk, rows.bounds
        self._table, self._rows, self._labels, self._ids = table, rows, labels, ids
        self.has_labels, self.has_ids = labels is not None, ids is not None
        for column in (labels, ids):
            if column is not None and column.rows != rows.rows:
                raise InputError(
                    f"{table.path}: {column.name} has {column.rows} rows, {rows.name} has "
                    f"{rows.rows}"
                )

    def read(self, start: int, stop: int) -> Piece:
        """Return rows ``start`` to ``stop``."""
        columns = (self._labels, self._ids)
        labels, ids = (None if c is None else c.read(start, stop) for c in columns)
        return Piece(start, self._rows.read(start, stop), labels, ids)

    def check_unchanged(self) -> None:
        """Raise if the file is not what it was when it was opened."""
        self._table.check_unchanged()


class Table(ABC):
    """An opened file of named arrays; a file of one array names it ``""``."""

    format: str
    start = 0  # number of the first row among all files, for errors

    def __init__(self, path: Path, nbytes: int | None, entries: dict[str, Entry]) -> None:
        self.path, self.nbytes, self.entries = path, nbytes, entries

    @abstractmethod
    def column(self, name: str) -> Stored:
        """Return labels or ids: an array of one axis, or of the leading axes of the rows."""

    def matrix(self, name: str) -> Stored:
        """Return rows: an array of two axes or more, the classes last."""
        # Only ``part`` below calls this; Parquet and streams of Arrow have one of their own.
        raise NotImplementedError(f"{self.path}: a table with a part of its own is not asked")

    @abstractmethod
    def check_unchanged(self) -> None:
        """Raise if the file is not what it was when it was opened."""

    def part(self, rows: list[str], labels: str | None, ids: str | None) -> Part:
        """Return the rows: of an array, or of one column for every class."""
        if len(rows) == 1:
            self.check_matrix(rows[0])
            stored = self.matrix(rows[0])
        else:
            stored = Columns([self.column(name) for name in rows])
        labels_ids = (None if n is None else self.column(n) for n in (labels, ids))
        return StoredPart(self, stored, *labels_ids)

    def check_matrix(self, name: str) -> None:
        """Refuse an array without rows of classes."""
        shape = self.entries[name].shape
        if len(shape) < 2:
            which = f"{name} " if name else ""
            raise InputError(
                f"{self.path}: {which}has shape {shape}; rows of classes are needed: "
                "(rows, classes)"
            )

    def require(self, name: str) -> str:
        """Return a name of the table, or raise with those there are."""
        if name not in self.entries:
            names = [n for n in self.entries if n]
            there_are = f"there are {some_of(names)}" if names else "it holds one array, nameless"
            raise InputError(f"{self.path}: has no {name!r}: {there_are}")
        return name
