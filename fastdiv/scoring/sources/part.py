"""The part of the rows that one file holds: how it is read, where it may be cut."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from numpy.typing import NDArray

from fastdiv.scoring.sources.errors import InputError

Array = NDArray[Any]


class Piece(NamedTuple):
    """Rows of a part as they were read, with their labels and ids."""

    start: int
    rows: Array
    labels: Array | None
    ids: Array | None


Item = TypeVar("Item")
Stream = Callable[[int], Iterator[Item]]


class Part(ABC):
    """The rows that one file holds; ``rows`` is None where only reading them tells."""

    path: Path
    format: str
    nbytes: int | None
    rows: int | None
    lead: tuple[int, ...]
    classes: int
    dtype: Any
    chunk = 1
    bounds: Array | None = None
    sequential = False
    has_labels = False
    has_ids = False

    # One of the two: a part is sequential and has streams, or is not and can be read anywhere. The
    # other stays as it is here, and is not called.

    def read(self, start: int, stop: int) -> Piece:
        """Return rows ``start`` to ``stop``; any thread may ask."""
        raise NotImplementedError(f"{self.path} is sequential: its rows come from streams")

    def streams(self) -> Iterator[Stream[Piece]]:
        """Give functions of a number of rows, each of which reads some of the part in pieces."""
        raise NotImplementedError(f"{self.path} is not sequential: read gives its rows")

    @abstractmethod
    def check_unchanged(self) -> None:
        """Raise if the file is not what it was when it was opened."""


def ranges(part: Part, most: int) -> Iterator[tuple[int, int]]:
    """Cut a part into ranges of about ``most`` rows, between chunks."""
    rows = part.rows or 0
    if part.bounds is None:
        step = max(part.chunk, most // part.chunk * part.chunk)
        for start in range(0, rows, step):
            yield start, min(rows, start + step)
        return
    start = stop = 0
    for bound in part.bounds[1:]:
        if bound - start > most and stop > start:
            yield start, stop
            start = stop
        stop = int(bound)
    if stop > start:
        yield start, stop


def check_alike(first: Part, part: Part) -> None:
    """Refuse shards that are not alike; one without rows need not know its classes."""
    if part.rows == 0:
        return
    if part.classes != first.classes:
        raise InputError(
            f"{part.path}: has {part.classes} classes; {first.path} has {first.classes}"
        )
    if part.dtype != first.dtype:
        raise InputError(f"{part.path}: holds {part.dtype}; {first.path} holds {first.dtype}")
