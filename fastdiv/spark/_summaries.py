"""Summaries of a DataFrame."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from fastdiv.scoring import partial
from fastdiv.scoring.compare_summary import CompareSummary
from fastdiv.scoring.measures import Measure, compare_measure, score_measure
from fastdiv.scoring.score_summary import ScoreSummary
from fastdiv.scoring.sources import InputError
from fastdiv.spark import _columns
from fastdiv.spark._batches import Columns, MergeTask, SummaryTask

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# Executors' tasks that merge the partitions' summaries, so that the driver gets only so many.
MERGERS = 8


def score(
    df: "DataFrame",
    logits: str = "logits",
    label: str = "label",
    *,
    want: Iterable[str] | None = None,
    top_k: Iterable[int] = (1, 5),
    bins: int = 15,
    classes: int | None = None,
    mergers: int = MERGERS,
) -> ScoreSummary:
    """Summarise rows of logits against labels.

    Parameters
    ----------
    df : pyspark.sql.DataFrame
    logits, label : str
        Columns of array<float> or array<double>, all of one length, and of integers.
    want : iterable of str, optional
        Which columns of `ScoreSummary` to compute, cross_entropy among them; by default all.
    top_k : iterable of int, default (1, 5)
        For which k to tell the share of rows with the label among the top k.
    bins : int, default 15
        Number of bins of the calibration error.
    classes : int, optional
        What the length of every row must be; by default that of a partition's first row.
    mergers : int, default 8
        Tasks that merge the partitions' summaries, some 100 kB to 5 MB each; the driver merges
        theirs.

    Returns
    -------
    ScoreSummary
        Its ``result()`` has the numbers, with the bits of one machine. No row leaves the executors.

    Raises
    ------
    fastdiv.scoring.sources.InputError
        For columns that are not there or not of such a type, partitions whose rows have different
        lengths, or no rows.
    pyspark.errors.PythonException
        Its text has the InputError of an executor: a null, a row of another length, a label out of
        range, with the partition and the row's number in it.
    ValueError
        If ``want``, ``top_k``, ``bins`` or ``mergers`` is not suitable.
    ImportError
        If Spark is not installed.

    See Also
    --------
    score_rows : The numbers of every row.

    Notes
    -----
    A batch of Spark's, 10 000 rows, is in memory at once: see `fastdiv.spark` for wide rows.
    """
    measure = score_measure(want, top_k, bins)
    columns = _columns.checked(df, (logits,), label, classes)
    return _summary(df, columns, measure, mergers)  # type: ignore[no-any-return]


def compare(
    df: "DataFrame",
    p_logits: str = "p_logits",
    q_logits: str = "q_logits",
    label: str | None = None,
    *,
    want: Iterable[str] | None = None,
    classes: int | None = None,
    mergers: int = MERGERS,
) -> CompareSummary:
    """Summarise how far two models' rows of logits are from each other.

    Parameters
    ----------
    df : pyspark.sql.DataFrame
    p_logits, q_logits : str
        Columns of array<float> or array<double>, all of one length: of the true or base model and
        of the other one.
    label : str, optional
        Column of integers.
    want : iterable of str, optional
        Which columns of `CompareSummary` to compute, kl_divergence among them; by default all.
    classes, mergers
        As for `score`.

    Returns
    -------
    CompareSummary

    Raises
    ------
    fastdiv.scoring.sources.InputError, pyspark.errors.PythonException, ValueError, ImportError
        As `score` does.

    See Also
    --------
    compare_rows : The numbers of every row.
    """
    measure = compare_measure(want, label is not None)
    columns = _columns.checked(df, (p_logits, q_logits), label, classes)
    return _summary(df, columns, measure, mergers)  # type: ignore[no-any-return]


def _summary(df: "DataFrame", columns: Columns, measure: Measure, mergers: int) -> Any:
    """Summarise every partition, merge the summaries in a few tasks, and those here."""
    if mergers < 1:
        raise ValueError(f"mergers is {mergers}: at least one task merges summaries")
    needed = [*columns.logits, *([columns.label] if columns.label else [])]
    parts = df.select(*needed).mapInArrow(SummaryTask(columns, measure), "summary binary")
    few = parts.repartition(mergers).mapInArrow(MergeTask(measure.kind), "summary binary")
    texts = [bytes(row.summary) for row in few.collect()]
    if not texts:
        raise InputError("the DataFrame has no rows")
    return partial.merge(measure.kind, texts)
