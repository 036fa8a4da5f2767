"""The blocks of a source, and of two side by side."""

import contextlib
import functools
from collections.abc import Callable, Container, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

from fastdiv.scoring.sources.block import Block, Planned, cut
from fastdiv.scoring.sources.errors import InputError
from fastdiv.scoring.sources.source import Source

# Small enough to stay in a processor's cache, large enough for Python's share not to show.
BLOCK_BYTES = 4 << 20


def iter_blocks(
    source: Source,
    block_bytes: int = BLOCK_BYTES,
    *,
    readers: int = 1,
    skip: Container[Path] = (),
) -> Generator[Block, None, None]:
    """Give the rows of a source in blocks.

    Parameters
    ----------
    source : Source
    block_bytes : int
        About the bytes of a block's rows. A block has at least one row, and of Zarr, HDF5 and
        compressed Arrow files at least one chunk (or batch), as they cannot give less.
    readers : int
        Threads that read Parquet, a row group each. With more than one the blocks come out of
        order; ``start`` tells which rows they are.

    skip : container of pathlib.Path
        Shards that are left out, as they are done.

    Yields
    ------
    Block
        Its arrays stay as they are for as long as they are held.

    Raises
    ------
    InputError
        For a file that is damaged, or has changed since it was opened, or holds what cannot be
        scored (a null, a ragged row, a label out of range), with its row.

    See Also
    --------
    Source.blocks : The same blocks to be loaded by threads of your own.
    """
    with contextlib.closing(source.blocks(block_bytes, readers, skip)) as planned:
        for plan in planned:
            yield plan.load()
    source.check_unchanged()


@dataclass(frozen=True)
class PlannedPair:
    """Rows ``start`` to ``stop`` of two sources, which ``load()`` reads on any thread."""

    start: int
    stop: int
    load: Callable[[], tuple[Block, Block]]


def iter_pairs(
    p: Source, q: Source, block_bytes: int = BLOCK_BYTES
) -> Generator[tuple[Block, Block], None, None]:
    """Give blocks of the same rows of two sources, whatever their formats, chunks and shards."""
    with contextlib.closing(plan_pairs(p, q, block_bytes)) as planned:
        for plan in planned:
            yield plan.load()
    for source in (p, q):
        source.check_unchanged()


def check_pair(p: Source, q: Source) -> None:
    """Refuse sources of different numbers of rows or classes."""
    if p.classes != q.classes:
        raise InputError(
            f"{q.shards[0].path}: has {q.classes} classes; {p.shards[0].path} has {p.classes}"
        )
    if p.rows is not None and q.rows is not None and p.rows != q.rows:
        raise InputError(f"{q.shards[0].path}: has {q.rows} rows; {p.shards[0].path} has {p.rows}")


def plan_pairs(p: Source, q: Source, block_bytes: int) -> Generator[PlannedPair, None, None]:
    """Plan blocks of the same rows of two sources, in the order of the rows."""
    check_pair(p, q)
    if p.sequential and q.sequential:
        return _side_by_side(p, q, block_bytes)
    # The one that is read in order, or else the first, says where blocks end.
    return _led(p, q, block_bytes, q.sequential)


def _led(
    p: Source, q: Source, block_bytes: int, q_leads: bool
) -> Generator[PlannedPair, None, None]:
    leader, other = (q, p) if q_leads else (p, q)
    rows = 0
    with contextlib.closing(leader.blocks(block_bytes)) as planned:
        for plan in planned:
            rows = plan.stop
            if other.rows is not None and rows > other.rows:
                raise unequal(p, q)
            load = functools.partial(_with_other, plan, other, q_leads)
            yield PlannedPair(plan.start, plan.stop, load)
    if rows != other.rows:
        raise unequal(p, q)


def _side_by_side(p: Source, q: Source, block_bytes: int) -> Generator[PlannedPair, None, None]:
    """Read two sources in order."""
    with (
        contextlib.closing(iter_blocks(p, block_bytes)) as ps,
        contextlib.closing(iter_blocks(q, block_bytes)) as qs,
    ):
        for a, b in matched(ps, qs, unequal(p, q)):
            yield PlannedPair(a.start, a.stop, functools.partial(_same, a, b))


def matched(
    ps: Iterator[Block], qs: Iterator[Block], error: InputError
) -> Iterator[tuple[Block, Block]]:
    """Cut two sequences of blocks where either of them ends one, or raise if one ends first."""
    a, b = next(ps, None), next(qs, None)
    while a is not None and b is not None:
        stop = min(a.stop, b.stop)
        yield _first(a, stop), _first(b, stop)
        a, b = _rest(a, stop) or next(ps, None), _rest(b, stop) or next(qs, None)
    if a is not None or b is not None:
        raise error


def _with_other(plan: Planned, other: Source, other_first: bool) -> tuple[Block, Block]:
    one, two = plan.load(), other.read(plan.start, plan.stop)
    return (two, one) if other_first else (one, two)


def _same(p: Block, q: Block) -> tuple[Block, Block]:
    return p, q


def unequal(p: Source, q: Source) -> InputError:
    """Return the error of two sources of which one ends first."""
    return InputError(f"{q.shards[0].path}: has another number of rows than {p.shards[0].path}")


def _first(block: Block, stop: int) -> Block:
    return cut(block, 0, stop - block.start)


def _rest(block: Block, start: int) -> Block | None:
    return cut(block, start - block.start, len(block.rows)) if start < block.stop else None
