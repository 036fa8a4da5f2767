"""Ranges of rows that several machines can read, each what it needs of the files."""

from collections.abc import Iterator
from typing import NamedTuple

from fastdiv.scoring.sources.block import Block, Shard, cut
from fastdiv.scoring.sources.errors import InputError
from fastdiv.scoring.sources.part import Part, ranges
from fastdiv.scoring.sources.source import Source


class Cut(NamedTuple):
    """Rows ``start`` to ``stop`` of a source, all of one shard."""

    start: int
    stop: int


def cuts(source: Source, most_bytes: int) -> list[Cut]:
    """Cut a source into ranges of about ``most_bytes``, between chunks and row groups."""
    if source.rows is None:
        raise InputError(
            f"{source.shards[0].path}: is a stream, which only one machine can read: save it as an "
            "Arrow or Parquet file"
        )
    most = source.rows_in(most_bytes)
    return [
        Cut(shard.start + start, shard.start + stop)
        for part, shard in zip(source.parts, source.shards, strict=True)
        for start, stop in ranges(part, most)
    ]


def blocks_in(source: Source, rows: Cut, block_bytes: int) -> Iterator[Block]:
    """Give rows ``start`` to ``stop`` of a source in order, in blocks of about ``block_bytes``.

    Of Parquet, row groups are read from their beginning; those of a range that `cuts` made lie
    within it.

    Raises
    ------
    InputError
        As `iter_blocks` does.
    """
    most = source.rows_in(block_bytes)
    for part, shard in zip(source.parts, source.shards, strict=True):
        first = max(rows.start - shard.start, 0)
        last = min(rows.stop - shard.start, part.rows or 0)
        if first < last:
            read = _in_order if part.sequential else _anywhere
            yield from read(source, part, shard, first, last, most)
            part.check_unchanged()


def _anywhere(
    source: Source, part: Part, shard: Shard, first: int, last: int, most: int
) -> Iterator[Block]:
    for start, stop in ranges(part, most):
        if start < last and first < stop:
            yield source.block(shard, part.read(max(start, first), min(stop, last)))


def _in_order(
    source: Source, part: Part, shard: Shard, first: int, last: int, most: int
) -> Iterator[Block]:
    assert part.bounds is not None
    groups = zip(part.bounds[:-1], part.bounds[1:], part.streams(), strict=True)
    for start, stop, stream in groups:
        if start >= last or stop <= first:
            continue
        for piece in stream(most):
            begin, end = piece.start, piece.start + len(piece.rows)
            low, high = max(begin, first), min(end, last)
            if low < high:
                yield cut(source.block(shard, piece), low - begin, high - begin)
