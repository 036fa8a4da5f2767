"""What is told of every row, and which summary takes it: the same on threads and on engines."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import fastdiv
from fastdiv import _options
from fastdiv._fields import OF_LABELS, SCORES
from fastdiv.scoring import probabilities
from fastdiv.scoring.compare_summary import CompareSummary
from fastdiv.scoring.merging import Summary
from fastdiv.scoring.score_summary import ScoreSummary


@dataclass(frozen=True)
class Measure:
    """Rows scored against labels, or two models' rows compared.

    Attributes
    ----------
    kind : type
        Which of the two: `ScoreSummary` or `CompareSummary`.
    columns : tuple of str
        The numbers of a row, by their names in `fastdiv.Scores` or `fastdiv.Comparison`.
    settings : dict
        What the summary is made with, besides the number of classes.
    probs : bool
        Whether rows are probabilities, not logits.
    """

    kind: type[Summary]
    columns: tuple[str, ...]
    settings: dict[str, Any] = field(default_factory=dict)
    probs: bool = False

    @property
    def name(self) -> str:
        """What the command is called."""
        return "score" if self.kind is ScoreSummary else "compare"

    def empty(self, classes: int) -> Any:
        """Return the summary of no rows."""
        return self.kind(classes, **self.settings)

    def numbers(self, labels: Any, *rows: Any) -> Any:
        """Return a block's numbers, computed by this thread: others have blocks of their own."""
        functions: Any = probabilities if self.probs else fastdiv
        if self.kind is CompareSummary:
            return functions.compare(*rows, labels, want=self.columns, workers=1)
        return functions.score(labels, *rows, want=self.columns, workers=1)


def score_measure(
    want: Iterable[str] | None = None,
    top_k: Iterable[int] = (1, 5),
    bins: int = 15,
    *,
    every: bool = False,
    probs: bool = False,
) -> Measure:
    """Check what a `ScoreSummary` is asked for; ``every``: rows have all numbers nevertheless."""
    made = ScoreSummary(1, top_k, bins)
    columns = _for_summary(ScoreSummary, want)
    settings = {"top_k": made.top_k, "bins": made.bins}
    return Measure(ScoreSummary, tuple(SCORES) if every else columns, settings, probs)


def compare_measure(want: Iterable[str] | None, labelled: bool, *, probs: bool = False) -> Measure:
    """Check what a `CompareSummary` is asked for."""
    return Measure(CompareSummary, _for_summary(CompareSummary, want, labelled), probs=probs)


def columns_of(
    names: Iterable[str], want: Iterable[str] | None, labelled: bool = True
) -> tuple[str, ...]:
    """Return those names that are wanted; by default all, without labels all but theirs."""
    known = tuple(names)
    asked = _options.names_of(want, known)
    if not labelled and want is None:
        asked -= OF_LABELS
    elif not labelled and asked & OF_LABELS:
        raise ValueError(f"want holds {min(asked & OF_LABELS)!r}, which needs labels")
    return tuple(name for name in known if name in asked)


def _for_summary(
    kind: type[Summary], want: Iterable[str] | None, labelled: bool = True
) -> tuple[str, ...]:
    columns, first = columns_of(kind.columns, want, labelled), kind.columns[0]
    if first not in columns:
        raise ValueError(f"want has no {first!r}, which a {kind.__name__} needs")
    return columns
