"""Summaries of some of the rows, made on many machines and brought together.

They travel as their JSON, in bytes, which is several times smaller than the pickled objects; the
same text means the same bits. Every block is computed by one thread, as engines run one task on
each processor.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import fastdiv
from fastdiv import _check
from fastdiv._scores import OF_LABELS
from fastdiv.scoring.compare_summary import CompareSummary
from fastdiv.scoring.merging import Summary
from fastdiv.scoring.score_summary import ScoreSummary
from fastdiv.scoring.sources.errors import InputError

Kind = TypeVar("Kind", bound=Summary)


@dataclass(frozen=True)
class ScoreJob:
    """What a `ScoreSummary` is asked to tell."""

    want: tuple[str, ...]
    top_k: tuple[int, ...]
    bins: int
    kind: ClassVar[type[ScoreSummary]] = ScoreSummary

    @classmethod
    def of(cls, want: Iterable[str] | None, top_k: Iterable[int], bins: int) -> "ScoreJob":
        """Check what is asked for."""
        made = ScoreSummary(1, top_k, bins)
        return cls(_columns(ScoreSummary, want), made.top_k, made.bins)

    def empty(self, classes: int) -> ScoreSummary:
        """Return the summary of no rows."""
        return ScoreSummary(classes, self.top_k, self.bins)

    def take(self, summary: Summary, labels: Any, *rows: Any) -> None:
        """Add a block of logits to a summary."""
        (logits,) = rows
        summary.update(fastdiv.score(labels, logits, want=self.want, workers=1))


@dataclass(frozen=True)
class CompareJob:
    """What a `CompareSummary` is asked to tell."""

    want: tuple[str, ...]
    kind: ClassVar[type[CompareSummary]] = CompareSummary

    @classmethod
    def of(cls, want: Iterable[str] | None, labelled: bool) -> "CompareJob":
        """Check what is asked for, by default all that can be told with labels or without."""
        columns = _columns(CompareSummary, want)
        needy = [name for name in columns if name in OF_LABELS]
        if labelled or not needy:
            return cls(columns)
        if want is not None:
            raise ValueError(f"want holds {needy[0]!r}, which needs labels")
        return cls(tuple(name for name in columns if name not in OF_LABELS))

    def empty(self, classes: int) -> CompareSummary:
        """Return the summary of no rows."""
        return CompareSummary(classes)

    def take(self, summary: Summary, labels: Any, *rows: Any) -> None:
        """Add a block of p's and q's logits to a summary; labels may be None."""
        p, q = rows
        summary.update(fastdiv.compare(p, q, labels, want=self.want, workers=1))


Job = ScoreJob | CompareJob


def _columns(kind: type[Summary], want: Iterable[str] | None) -> tuple[str, ...]:
    """Return the columns a summary is to take, in its own order."""
    asked = _check.names_of(want, kind.columns)
    if kind.columns[0] not in asked:
        raise ValueError(f"want has no {kind.columns[0]!r}, which a {kind.__name__} needs")
    return tuple(name for name in kind.columns if name in asked)


def packed(summary: Summary) -> bytes:
    """Return a summary as it travels."""
    return summary.to_json().encode()


def unpacked(kind: type[Kind], text: bytes) -> Kind:
    """Return the summary that came."""
    return kind.from_json(bytes(text).decode())


def merged(kind: type[Kind], texts: Iterable[bytes]) -> bytes:
    """Return one summary of all rows of several."""
    return packed(merge(kind, texts))


def merge(kind: type[Kind], texts: Iterable[bytes]) -> Kind:
    """Return one summary, unpacked, of all rows of several; there is at least one.

    Raises
    ------
    InputError
        If their rows have several numbers of classes.
    """
    parts = (unpacked(kind, text) for text in texts)
    whole = next(parts)
    for part in parts:
        if part.classes != whole.classes:
            few, many = sorted((part.classes, whole.classes))
            raise InputError(f"some rows have {few} classes, others {many}: score them apart")
        whole.merge(part)
    return whole
