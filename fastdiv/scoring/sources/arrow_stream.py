"""A stream of Arrow batches, from a pipe or a file: how many rows there are, its end tells."""

import itertools
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fastdiv.scoring.sources import arrow
from fastdiv.scoring.sources.arrow_batches import ArrowTable, Layout
from fastdiv.scoring.sources.errors import InputError, explained
from fastdiv.scoring.sources.formats import MAGIC, SAVE
from fastdiv.scoring.sources.part import Part, Piece, Stream
from fastdiv.scoring.sources.plain import PlainFile
from fastdiv.scoring.sources.stored import Stored

BEGINNING = next(head for head, name in MAGIC.items() if name == "stream")


class _Begun:
    """A pipe of which the first bytes, that are there only once, were looked at."""

    def __init__(self, path: Path, pipe: Any) -> None:
        self._pipe, self._head = pipe, b""
        while len(self._head) < len(BEGINNING) and (more := pipe.read(1)):
            self._head += more
        if not self._head:
            raise InputError(f"{path}: is empty: pipe a stream of Arrow batches there")
        if self._head != BEGINNING:
            raise InputError(
                f"{path}: {SAVE['stream']}: pipe one there, or name a file of another format"
            )

    def read(self, count: int) -> bytes:
        """Read up to so many bytes."""
        head, self._head = self._head[:count], self._head[count:]
        rest: bytes = self._pipe.read(count - len(head))
        return head + rest

    @property
    def closed(self) -> bool:
        """Whether nothing can be read any more."""
        return bool(self._pipe.closed)

    def close(self) -> None:
        """Leave the pipe to whoever opened it."""


class ArrowStream(ArrowTable):
    """Batches that come one after the other, once."""

    format = "arrow stream"

    def __init__(self, path: Path, stream: Any = None) -> None:
        """Read from a binary file object, or from the file ``path``."""
        pa = arrow.library(path)
        ipc = arrow.library(path, "pyarrow.ipc")
        self._damage = (pa.ArrowException, EOFError)
        self._plain = None if stream is not None else PlainFile(path)
        with explained(path, self._damage):
            piped = None if stream is None else pa.PythonFile(_Begun(path, stream), "r")
            source = piped or pa.OSFile(str(path))
            self._reader = ipc.open_stream(source)
        self.path = path
        self._first: list[Any] = []
        self._taken = threading.Lock()
        self.schema = self._reader.schema
        nbytes = self._plain.size if self._plain else None
        super().__init__(path, nbytes, arrow.entries_of(self.schema))

    def _next(self) -> Any:
        with explained(self.path, self._damage):
            try:
                return self._reader.read_next_batch()
            except StopIteration:
                return None

    def first(self) -> Any:
        """Return the first batch that has a row, which the rest will begin with; or none."""
        while not (self._first and self._first[-1].num_rows):
            batch = self._next()
            if batch is None:
                return None
            self._first.append(batch)
        return self._first[-1]

    def batches(self) -> Iterator[Any]:
        """Give all batches, once."""
        if not self._taken.acquire(blocking=False):
            raise InputError(f"{self.path}: a stream can be read only once")
        yield from self._first
        self._first = []
        yield from itertools.takewhile(lambda b: b is not None, iter(self._next, object()))

    def part(self, rows: list[str], labels: str | None, ids: str | None) -> Part:
        """Return the rows."""
        return StreamPart(self, rows, labels, ids)

    def column(self, name: str) -> Stored:
        """Refuse: labels come with their rows."""
        raise InputError(
            f"{self.path}: a stream can give rows with their labels and ids, but not {name} alone: "
            "save it as a file"
        )

    def check_unchanged(self) -> None:
        """Raise if the file is not what it was when it was opened; a pipe has no past."""
        if self._plain:
            self._plain.check_unchanged()


class StreamPart(Part):
    """The rows of a stream."""

    sequential = True

    def __init__(
        self, table: ArrowStream, rows: list[str], labels: str | None, ids: str | None
    ) -> None:
        self.path, self.format, self.nbytes = table.path, table.format, table.nbytes
        self.rows, self.lead = None, ()
        self._table = table
        self._layout = Layout(table, rows, labels, ids, table.first())
        self.classes, self.dtype = self._layout.classes, self._layout.dtype
        self.has_labels, self.has_ids = labels is not None, ids is not None

    def streams(self) -> Iterator[Stream[Piece]]:
        """Give one function, which reads to the end."""
        yield lambda most: self._layout.pieces(self._table.batches(), 0, most)

    def check_unchanged(self) -> None:
        """Raise if the file is not what it was when it was opened."""
        self._table.check_unchanged()
