"""A job: rows of one source scored, or of two compared, and what is told of them."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import fastdiv
from fastdiv import _check
from fastdiv.scoring import measures
from fastdiv.scoring.compare_summary import CompareSummary
from fastdiv.scoring.score_summary import ScoreSummary
from fastdiv.scoring.sources import Block, InputError, Planned, Source, plan_pairs
from fastdiv.scoring.sources.blocks import PlannedPair
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
    """What is done to the rows.

    Attributes
    ----------
    source : Source
        The rows, or those of p.
    other : Source or None
        Those of q, where rows are compared.
    probs : bool
        Whether rows are probabilities, not logits.
    every : bool
        Whether all numbers of a row are wanted, not only those that the summary takes.
    top_k : tuple of int
        For the summary of scores.
    """

    source: Source
    other: Source | None = None
    probs: bool = False
    every: bool = False
    top_k: tuple[int, ...] = (1, 5)

    @property
    def name(self) -> str:
        """What the command is called."""
        return "score" if self.other is None else "compare"

    @property
    def main(self) -> str:
        """The column that the job is about."""
        return "cross_entropy" if self.other is None else "kl_divergence"

    @property
    def sources(self) -> list[Source]:
        """All sources."""
        return [self.source] if self.other is None else [self.source, self.other]

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

    @property
    def has_labels(self) -> bool:
        """Whether there are labels."""
        return any(s.has_labels for s in self.sources)

    def tally(self) -> Tally:
        """Return a tally of no rows."""
        if self.other is None:
            top_k = tuple(k for k in self.top_k if k <= self.source.classes) or (1,)
            return Tally(ScoreSummary(self.source.classes, top_k))
        return Tally(CompareSummary(self.source.classes))

    def of_one_row(self) -> Any:
        """Return a summary of a row, whose result has all that this job's will have."""
        row, summary = np.zeros((1, self.source.classes), self.dtype), self.tally().summary
        label = [0] if self.has_labels else None
        summary.update(
            fastdiv.score([0], row) if self.other is None else fastdiv.compare(row, row, label)
        )
        return summary

    def plan(self, block_bytes: int, readers: int) -> Generator[Planned | PlannedPair, None, None]:
        """Plan the blocks."""
        if self.other is None:
            return self.source.blocks(block_bytes, readers)
        return plan_pairs(self.source, self.other, block_bytes)

    def do(self, plan: Planned | PlannedPair, tally: Tally) -> Columns:
        """Load a block and compute its numbers, which are taken into the tally and returned."""
        loaded = plan.load()
        if isinstance(loaded, Block):
            ids = loaded.ids
            result: Any = measures.scored(loaded, self.probs, self._wanted())
        else:
            p, q = loaded
            ids = q.ids if p.ids is None else p.ids
            labels = q.labels if p.labels is None else p.labels
            result = measures.compared(p, q, labels, self.probs, self._wanted())
        tally.summary.update(result)
        tally.worst.update(getattr(result, self.main), plan.start, ids)
        columns = {k: v for k, v in vars(result).items() if v is not None}
        return columns if ids is None else {"id": ids, **columns}

    def _wanted(self) -> list[str] | None:
        """Return the columns that are needed; None for all there are."""
        return None if self.every or self.other is not None else list(ScoreSummary.columns)

    def check_unchanged(self) -> None:
        """Raise if a file has changed since it was opened."""
        for source in self.sources:
            source.check_unchanged()


def score_job(source: Source, **options: Any) -> Job:
    """Return the job of rows against labels, or raise if there are none."""
    if not source.has_labels:
        path = source.shards[0].path
        raise InputError(
            f"{path}: there are no labels: name a column of it, or a file, with --labels"
        )
    return Job(source, **options)
