"""Columns of numbers for every row of a DataFrame."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from fastdiv._fields import COMPARISON, SCORES
from fastdiv.scoring.compare_summary import CompareSummary
from fastdiv.scoring.measures import Measure, columns_of
from fastdiv.scoring.score_summary import ScoreSummary
from fastdiv.spark import _columns
from fastdiv.spark._batches import Columns, RowTask

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def score_rows(
    df: "DataFrame",
    logits: str = "logits",
    label: str = "label",
    *,
    ids: str | list[str] | None = None,
    want: Iterable[str] | None = None,
    classes: int | None = None,
) -> "DataFrame":
    """Score every row of a DataFrame: `fastdiv.score`'s numbers as columns.

    Parameters
    ----------
    df : pyspark.sql.DataFrame
    logits : str, default "logits"
        Column of array<float> or array<double>, all of one length.
    label : str, default "label"
        Column of integers.
    ids : str or list of str, optional
        Columns to carry along; by default all but the logits. Spark does not keep rows in order.
    want : iterable of str, optional
        Names of `fastdiv.Scores`' fields; by default all.
    classes : int, optional
        What the length of every row must be; by default that of a partition's first row.

    Returns
    -------
    pyspark.sql.DataFrame
        The columns carried along, then those of ``want`` in the order of `fastdiv.Scores`: float
        for array<float>, double for others; ``top_class`` and ``rank`` bigint. Computed when an
        action asks for it.

    Raises
    ------
    fastdiv.scoring.sources.InputError
        At once for columns that are not there or not of such a type. Executors raise it, within
        Spark's error, for a null, a row of another length or a label out of range, with the
        partition and the row's number in it.
    ValueError
        If ``want`` has an unknown name.
    ImportError
        If Spark is not installed.

    See Also
    --------
    score : The summary of all rows.
    fastdiv.score : The same for arrays; what the numbers are.

    Notes
    -----
    A batch of Spark's, 10 000 rows, is in memory at once: see `fastdiv.spark` for wide rows.
    """
    measure = Measure(ScoreSummary, columns_of(SCORES, want))
    columns = _columns.checked(df, (logits,), label, classes)
    return _mapped(df, columns, ids, measure, SCORES)


def compare_rows(
    df: "DataFrame",
    p_logits: str = "p_logits",
    q_logits: str = "q_logits",
    label: str | None = None,
    *,
    ids: str | list[str] | None = None,
    want: Iterable[str] | None = None,
    classes: int | None = None,
) -> "DataFrame":
    """Compare two models' rows of a DataFrame: `fastdiv.compare`'s numbers as columns.

    Parameters
    ----------
    df : pyspark.sql.DataFrame
    p_logits, q_logits : str
        Columns of array<float> or array<double>, all of one length.
    label : str, optional
        Column of integers.
    ids, classes
        As for `score_rows`.
    want : iterable of str, optional
        Names of `fastdiv.Comparison`'s fields; by default all that can be told.

    Returns
    -------
    pyspark.sql.DataFrame
        As `score_rows` gives it; ``same_top_class`` is boolean.

    Raises
    ------
    fastdiv.scoring.sources.InputError, ValueError, ImportError
        As `score_rows` does.

    See Also
    --------
    compare : The summary of all rows.
    fastdiv.compare : The same for arrays; what the numbers are.
    """
    measure = Measure(CompareSummary, columns_of(COMPARISON, want, label is not None))
    columns = _columns.checked(df, (p_logits, q_logits), label, classes)
    return _mapped(df, columns, ids, measure, COMPARISON)


def _mapped(
    df: "DataFrame",
    columns: Columns,
    ids: str | list[str] | None,
    measure: Measure,
    types: dict[str, Any],
) -> "DataFrame":
    from pyspark.sql import types as sql

    made = measure.columns
    kept = _columns.carried(df, ids, columns.logits, made)
    number = sql.DoubleType() if _columns.is_double(df, columns.logits) else sql.FloatType()
    of: dict[Any, sql.DataType] = {
        None: number,
        np.int64: sql.LongType(),
        np.bool_: sql.BooleanType(),
    }
    fields = [df.schema[name] for name in kept]
    fields += [sql.StructField(name, of[types[name]], nullable=False) for name in made]
    needed = dict.fromkeys([*kept, *columns.logits, *([columns.label] if columns.label else [])])
    return df.select(*needed).mapInArrow(RowTask(columns, kept, measure), sql.StructType(fields))
