"""Rows of one file or of many, with their labels and ids, as one source."""

import contextlib
import itertools
from collections.abc import Callable, Container, Generator, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastdiv.scoring.sources.block import Block, Planned, Shard, joined
from fastdiv.scoring.sources.errors import InputError
from fastdiv.scoring.sources.part import Part, Piece, Stream, check_alike, ranges
from fastdiv.scoring.sources.read_ahead import read_ahead
from fastdiv.scoring.sources.vector import Vector, check_labels

Array = NDArray[Any]


class Source:
    """What ``open_rows`` opens.

    Attributes
    ----------
    rows : int or None
        None of a stream, whose end nobody knows.
    classes : int
    dtype : numpy.dtype
    row_bytes : int
    lead : tuple of int
        Shape of the leading axes, (rows,) but for arrays of more than two axes.
    shards : list of Shard
    sequential : bool
        Whether rows come in the order of the file only (Parquet, a stream); else ``read`` can be
        asked for any.
    has_labels, has_ids : bool
    labels_apart : bool
        Whether the labels are in files of their own.
    parts : list of Part
        The readers of the shards.
    """

    def __init__(
        self, parts: list[Part], labels: Vector | None = None, ids: Vector | None = None
    ) -> None:
        first = next((p for p in parts if p.rows != 0), parts[0])
        self.classes, self.dtype = first.classes, np.dtype(first.dtype)
        if self.classes == 0 and first.rows != 0:
            raise InputError(f"{first.path}: its first row has no classes: there is nothing in it")
        for part in parts:
            check_alike(first, part)
        self.parts, self._labels, self._ids = parts, labels, ids
        self.row_bytes: int = self.classes * self.dtype.itemsize
        self.shards: list[Shard] = []
        self.rows: int | None = 0
        for part in parts:
            if part.rows is None and len(parts) > 1:
                raise InputError(
                    f"{part.path}: is a stream, of which nobody knows how many rows it has: score "
                    "it alone, or save it as an Arrow file"
                )
            self.shards.append(Shard(part.path, self.rows or 0, part.rows))
            self.rows = None if part.rows is None else (self.rows or 0) + part.rows
        if self.rows == 0:
            shape = (*first.lead, first.classes)
            raise InputError(f"{first.path}: has shape {shape}; there is nothing in it")
        self.lead = first.lead if len(parts) == 1 and self.rows else (self.rows or 0,)
        self.sequential = any(p.sequential for p in parts)
        self.labels_apart = labels is not None
        self.has_labels = labels is not None or all(p.has_labels for p in parts)
        self.has_ids = ids is not None or all(p.has_ids for p in parts)
        if self.rows is not None:
            self._check_vectors(first.path, self.lead, self.rows)

    def shard_of(self, row: int) -> Shard:
        """Return the file that holds a row."""
        return next(s for s in reversed(self.shards) if s.start <= row)

    def rows_in(self, nbytes: int) -> int:
        """Return how many rows so many bytes hold, one at least."""
        return max(1, nbytes // max(1, self.row_bytes))

    @property
    def files(self) -> list[Path]:
        """The files of rows, labels and ids."""
        vectors = [vector for vector in (self._labels, self._ids) if vector is not None]
        return [part.path for part in self.parts] + [p for v in vectors for p in v.files]

    def blocks(
        self, block_bytes: int, readers: int = 1, skip: Container[Path] = ()
    ) -> Generator[Planned, None, None]:
        """Plan blocks of about ``block_bytes``, but of at least a row, and of whole chunks.

        Rows that can be read anywhere are read by ``load()``. Those that come in the order of the
        file are read ahead meanwhile by ``readers`` threads, each a row group at a time; with more
        than one, blocks of several row groups come in turns, so that ``start`` does not always
        grow. Close the iterator (or exhaust it) to end the threads. Shards whose path is in
        ``skip`` are left out.
        """
        most = self.rows_in(block_bytes)
        pairs = zip(self.parts, self.shards, strict=True)
        wanted = [(part, shard) for part, shard in pairs if shard.path not in skip]
        for in_order, group in itertools.groupby(wanted, lambda pair: pair[0].sequential):
            if not in_order:
                for part, shard in group:
                    for start, stop in ranges(part, most):
                        begin, end = shard.start + start, shard.start + stop
                        yield Planned(begin, end, shard, self._loader(part, shard, start, stop))
                continue
            rows = 0
            with contextlib.closing(read_ahead(self._streams(group), most, readers)) as ahead:
                for block in ahead:
                    rows = max(rows, block.stop)
                    yield Planned(block.start, block.stop, block.shard, partial(_itself, block))
            if self.rows is None:
                self._ended(rows)

    def _streams(self, group: Iterator[tuple[Part, Shard]]) -> Iterator[Stream[Block]]:
        """Give functions that read some of the shards' blocks."""

        def read(stream: Stream[Piece], shard: Shard, most: int) -> Iterator[Block]:
            for piece in stream(most):
                yield self.block(shard, piece)

        for part, shard in group:
            for stream in part.streams():
                yield partial(read, stream, shard)

    def read(self, start: int, stop: int) -> Block:
        """Return any rows, one or more, of a source that is not sequential.

        They are a copy of what was read only where they lie in several files.
        """
        if self.sequential:
            raise InputError(f"{self.shards[0].path}: can only be read from its beginning on")
        blocks = []
        for part, shard in zip(self.parts, self.shards, strict=True):
            low, high = max(start, shard.start), min(stop, shard.start + (part.rows or 0))
            if low < high:
                blocks.append(self._loader(part, shard, low - shard.start, high - shard.start)())
        return blocks[0] if len(blocks) == 1 else joined(blocks)

    def _loader(self, part: Part, shard: Shard, start: int, stop: int) -> Callable[[], Block]:
        return lambda: self.block(shard, part.read(start, stop))

    def block(self, shard: Shard, piece: Piece) -> Block:
        """Give a part's rows their numbers in the whole, their labels and ids."""
        start = shard.start + piece.start
        stop = start + len(piece.rows)
        labels, ids = piece.labels, piece.ids
        if self._labels is not None:
            labels = self._labels.read(start, stop)
        elif labels is not None:
            check_labels(labels, self.classes, shard.path, piece.start, shard.start)
        if self._ids is not None:
            ids = self._ids.read(start, stop)
        return Block(start, piece.rows, labels, ids, shard)

    def _ended(self, rows: int) -> None:
        """Compare what a stream had with what there is for it."""
        path = self.shards[0].path
        if rows == 0:
            raise InputError(f"{path}: there are no rows in it")
        self._check_vectors(path, (rows,), rows)

    def _check_vectors(self, path: Path, lead: tuple[int, ...], rows: int) -> None:
        """Refuse labels and ids that are not one for each row."""
        for vector, kind in ((self._labels, "labels"), (self._ids, "ids")):
            if vector is not None:
                vector.check_shape(path, lead, rows, kind)

    def check_unchanged(self) -> None:
        """Raise InputError if a file is not what it was when it was opened."""
        for part in self.parts:
            part.check_unchanged()
        for vector in (self._labels, self._ids):
            if vector is not None:
                vector.check_unchanged()

    def describe(self) -> dict[str, Any]:
        """Return what the source is, for people and reports: plain values, None where unknown."""
        sizes = [part.nbytes for part in self.parts]
        return {
            "path": str(self.shards[0].path),
            "format": self.parts[0].format,
            "shards": len(self.shards),
            "rows": self.rows,
            "classes": self.classes,
            "shape": [*(self.lead if self.rows is not None else (None,)), self.classes],
            "dtype": str(self.dtype),
            "file_bytes": None if None in sizes else sum(s for s in sizes if s is not None),
            "row_bytes": self.row_bytes,
            "labels": self.has_labels,
            "ids": self.has_ids,
        }


def _itself(block: Block) -> Block:
    return block
