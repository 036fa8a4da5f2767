"""Blocks of rows, and the files they come from."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Shard:
    """A file of rows: its path, the number of its first row in the whole, its rows.

    Of a stream ``rows`` is None.
    """

    path: Path
    start: int
    rows: int | None


@dataclass(frozen=True, eq=False)
class Block:
    """Rows that lie next to each other.

    Attributes
    ----------
    start : int
        Number of the first row in the whole source.
    rows : numpy.ndarray
        Shape (n, classes), with the numbers of the file, bit by bit.
    labels, ids : numpy.ndarray or None
        Shape (n,). Labels are integers between 0 and classes - 1.
    shard : Shard
        The file they come from (the first of several where a caller asked across files).
    """

    start: int
    rows: Array
    labels: Array | None
    ids: Array | None
    shard: Shard

    @property
    def stop(self) -> int:
        """Number of the row after the last one."""
        return self.start + len(self.rows)


@dataclass(frozen=True)
class Planned:
    """A block to be: rows ``start`` to ``stop``, which ``load()`` reads on any thread."""

    start: int
    stop: int
    shard: Shard
    load: Callable[[], Block]


def joined(blocks: list[Block]) -> Block:
    """Return blocks that follow each other as one."""

    def column(name: str) -> Array | None:
        parts = [getattr(block, name) for block in blocks]
        return None if parts[0] is None else np.concatenate(parts)

    rows = np.concatenate([block.rows for block in blocks])
    return Block(blocks[0].start, rows, column("labels"), column("ids"), blocks[0].shard)


def cut(block: Block, low: int, high: int) -> Block:
    """Return some of a block's rows, as views."""
    labels, ids = (None if v is None else v[low:high] for v in (block.labels, block.ids))
    return Block(block.start + low, block.rows[low:high], labels, ids, block.shard)
