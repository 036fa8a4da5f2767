"""A job: files, what is told of their rows, and how a block of them is done."""

from collections.abc import Generator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastdiv import _check, _rows
from fastdiv.scoring.measures import Measure
from fastdiv.scoring.merging import Summary
from fastdiv.scoring.score_summary import ScoreSummary
from fastdiv.scoring.sources import Block, InputError, Planned, Source, plan_pairs
from fastdiv.scoring.sources.blocks import PlannedPair
from fastdiv.scoring.sources.errors import of_all
from fastdiv.scoring.worst import Worst

Array = NDArray[Any]
Columns = dict[str, Array]


class Tally:
    """What is known of the rows so far; several, of any rows, merge into the same."""

    def __init__(self, summary: Any) -> None:
        self.summary = summary
        self.worst = Worst()

    def merge(self, other: "Tally") -> None:
        """Take the rows of another one."""
        self.summary.merge(other.summary)
        self.worst.merge(other.worst)


@dataclass(frozen=True)
class Job:
    """What is told of the rows of one source, or of two compared.

    Attributes
    ----------
    measure : Measure
    sources : tuple of Source
        The rows; of two models those of p, then those of q.
    """

    measure: Measure
    sources: tuple[Source, ...]

    def __post_init__(self) -> None:
        """Raise if there are no labels to score against."""
        if self.measure.kind is ScoreSummary and not self.has_labels:
            path = self.sources[0].shards[0].path
            raise InputError(
                f"{path}: there are no labels: name a column of it, or a file, with --labels"
            )

    @property
    def has_labels(self) -> bool:
        """Whether there are labels."""
        return any(s.has_labels for s in self.sources)

    @property
    def files(self) -> list[Path]:
        """All files that are read."""
        return [path for source in self.sources for path in source.files]

    @property
    def main(self) -> str:
        """The column that the job is about."""
        return self.measure.kind.columns[0]

    @property
    def row_bytes(self) -> int:
        """Bytes of a row in all sources."""
        return sum(s.row_bytes for s in self.sources)

    @property
    def rows(self) -> int | None:
        """How many rows there are; None where only the end of a stream will tell."""
        return next((s.rows for s in self.sources if s.rows is not None), None)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of a row's numbers."""
        return _check.result_type(None, *(np.empty((1, 1), s.dtype) for s in self.sources))

    def empty(self) -> Any:
        """Return the summary of no rows."""
        return self.measure.empty(self.sources[0].classes)

    def of_one_row(self) -> Any:
        """Return a summary of a row, whose result has all that this job's will have."""
        summary, row = self.empty(), np.ones((1, self.sources[0].classes))
        label = np.zeros(1, int) if self.has_labels else None
        summary.update(self.measure.numbers(label, *(row for _ in self.sources)))
        return summary

    def plan(self, block_bytes: int, readers: int) -> Generator[Planned | PlannedPair, None, None]:
        """Plan the blocks."""
        if len(self.sources) == 1:
            return self.sources[0].blocks(block_bytes, readers)
        p, q = self.sources
        return plan_pairs(p, q, block_bytes)

    def take(self, summary: Summary, *blocks: Block) -> Any:
        """Compute the numbers of a block of every source, which are taken and returned."""
        if self.measure.probs:
            for source, block in zip(self.sources, blocks, strict=True):
                check_distributions(source, block.start, block.rows)
        labels = _first(block.labels for block in blocks)
        result = self.measure.numbers(labels, *(block.rows for block in blocks))
        summary.update(result)
        return result

    def do(self, plan: Planned | PlannedPair, tally: Tally) -> Columns:
        """Load a block and compute its numbers, which are taken into the tally and returned."""
        loaded = plan.load()
        blocks = (loaded,) if isinstance(loaded, Block) else loaded
        result = self.take(tally.summary, *blocks)
        ids = _first(block.ids for block in blocks)
        tally.worst.update(getattr(result, self.main), plan.start, ids)
        columns = {k: v for k, v in vars(result).items() if v is not None}
        return columns if ids is None else {"id": ids, **columns}

    def check_unchanged(self) -> None:
        """Raise if a file has changed since it was opened."""
        for source in self.sources:
            source.check_unchanged()


def _first(columns: Iterable[Array | None]) -> Array | None:
    """Return the labels or ids of the first block that has some."""
    return next((column for column in columns if column is not None), None)


def check_distributions(source: Source, start: int, rows: Array) -> None:
    """Raise for the first of some rows of a source, from ``start`` on, that is no distribution."""
    bad = _rows.find_bad_distribution(rows)
    if bad is not None:
        place, fault = bad
        shard = source.shard_of(start + int(place[0]))
        row = start + int(place[0]) - shard.start
        raise InputError(f"{shard.path}: row {row}{of_all(row, shard.start)} {fault}")
