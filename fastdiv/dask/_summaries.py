"""Summaries of Dask arrays."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from fastdiv._labels import labels_of
from fastdiv.dask import _arrays
from fastdiv.dask._tree import tree
from fastdiv.scoring import partial
from fastdiv.scoring.measures import Measure, compare_measure, score_measure


def score(
    labels: Any,
    logits: Any,
    *,
    want: Iterable[str] | None = None,
    top_k: Iterable[int] = (1, 5),
    bins: int = 15,
    split_every: int | None = None,
    allow_rechunk: bool = False,
) -> Any:
    """Summarise rows of logits against labels, lazily.

    Parameters
    ----------
    labels : dask.array.Array or array_like of int, shape (...)
        One for each row; other chunks than the rows' become theirs.
    logits : dask.array.Array or array_like, shape (..., c)
        Rows of logits; one of the two is a Dask array. Its blocks are what a task computes: some
        100 MB make the scheduler's share small.
    want : iterable of str, optional
        Which columns of `ScoreSummary` to compute, cross_entropy among them; by default all.
    top_k : iterable of int, default (1, 5)
        For which k to tell the share of rows with the label among the top k.
    bins : int, default 15
        Number of bins of the calibration error.
    split_every : int, default 8
        Summaries that one task merges, 2 or more.
    allow_rechunk : bool, default False
        Whether to join chunks along the axis of classes; a row must be in one chunk.

    Returns
    -------
    dask.delayed.Delayed
        Its ``compute()`` is a ``ScoreSummary``, whose ``result()`` has the numbers. No row and no
        number of a row leaves the workers.

    Raises
    ------
    TypeError, ValueError
        At once, for input that is not suitable. A label that is out of range raises an IndexError
        when its block is computed.
    ImportError
        If Dask is not installed.

    See Also
    --------
    score_files : The same for files that the workers open themselves.
    fastdiv.score : Numbers of every row of arrays in memory.

    Examples
    --------
    >>> import dask.array as da, fastdiv.dask
    >>> logits = da.from_array([[2.0, 0.0], [0.0, 0.0], [0.0, 2.0]], chunks=(2, 2))
    >>> summary = fastdiv.dask.score([0, 1, 1], logits).compute()
    >>> summary.rows, round(summary.result().cross_entropy.mean, 4)
    (3, 0.3157)
    """
    measure = score_measure(want, top_k, bins)
    names = ("labels", "logits")
    y, x = _arrays.lazy_or_numpy((labels, logits), names, "fastdiv.score")
    rows = _arrays.classes_last(x, -1, "logits")
    return _summary(measure, _labels(y, rows), (rows,), names[1:], split_every, allow_rechunk)


def compare(
    p_logits: Any,
    q_logits: Any,
    labels: Any = None,
    *,
    want: Iterable[str] | None = None,
    split_every: int | None = None,
    allow_rechunk: bool = False,
) -> Any:
    """Summarise how far two models' rows of logits are from each other, lazily.

    Parameters
    ----------
    p_logits, q_logits : dask.array.Array or array_like, shape (..., c)
        Rows of the true or base model and of the other one, of one shape.
    labels : dask.array.Array or array_like of int, shape (...), optional
        One for each row.
    want : iterable of str, optional
        Which columns of `CompareSummary` to compute, kl_divergence among them; by default all.
    split_every, allow_rechunk
        As for `score`.

    Returns
    -------
    dask.delayed.Delayed
        Its ``compute()`` is a ``CompareSummary``.

    Raises
    ------
    TypeError, ValueError, ImportError
        As `score` does.

    See Also
    --------
    compare_files : The same for files that the workers open themselves.
    fastdiv.compare : Numbers of every row of arrays in memory.

    Examples
    --------
    >>> import dask.array as da, fastdiv.dask
    >>> p = da.from_array([[2.0, 0.0], [0.0, 0.0], [0.0, 2.0]], chunks=(2, 2))
    >>> summary = fastdiv.dask.compare(p, p / 2).compute()
    >>> round(summary.result().kl_divergence.mean, 4)
    0.0448
    """
    measure = compare_measure(want, labels is not None)
    given = (p_logits, q_logits) if labels is None else (p_logits, q_logits, labels)
    names = ("p_logits", "q_logits", "labels")
    p, q, *rest = _arrays.lazy_or_numpy(given, names[: len(given)], "fastdiv.compare")
    if p.shape != q.shape:
        raise ValueError(f"p_logits has shape {p.shape} and q_logits {q.shape}: they are no pairs")
    rows = tuple(_arrays.classes_last(a, -1, n) for a, n in ((p, names[0]), (q, names[1])))
    y = _labels(rest[0], p) if rest else None
    return _summary(measure, y, rows, names[:2], split_every, allow_rechunk)


def _labels(labels: Any, rows: Any) -> Any:
    """Return labels with an axis of length 1 for the classes, one for each row."""
    if labels.shape != rows.shape[:-1]:
        raise ValueError(
            f"labels of shape {labels.shape} are not one for each row of logits of shape "
            f"{rows.shape}"
        )
    return labels_of(labels, rows)[..., None]


def _summary(
    measure: Measure,
    labels: Any,
    rows: tuple[Any, ...],
    names: tuple[str, ...],
    split_every: int | None,
    allow_rechunk: bool,
) -> Any:
    """Summarise every block and merge the summaries."""
    import dask.array as da

    given = [*rows] if labels is None else [*rows, labels]
    called = (*names, "labels")[: len(given)]
    for array, name in zip(given, called, strict=True):
        _arrays.check_known(array, name, len(given))
    classes = rows[0].ndim - 1
    whole = [
        _arrays.whole_rows(a, classes, n, allow_rechunk) if _arrays.is_lazy(a) else a
        for a, n in zip(given, called, strict=True)
    ]
    alike = _arrays.cut_alike(whole)
    blocks = da.map_blocks(
        _block,
        *alike,
        measure=measure,
        labelled=labels is not None,
        chunks=tuple((1,) * len(sizes) for sizes in alike[0].chunks[:-1]),
        drop_axis=classes,
        dtype=object,
        meta=np.empty((0,) * classes, object),
    )
    return tree(measure.kind, list(blocks.to_delayed().ravel()), split_every)


def _block(*blocks: Any, measure: Measure, labelled: bool, block_id: tuple[int, ...]) -> Any:
    """Summarise a block; labels come last, with an axis of length 1 for the classes."""
    rows = blocks[:-1] if labelled else blocks
    labels = blocks[-1][..., 0] if labelled else None
    summary = measure.empty(rows[0].shape[-1])
    try:
        summary.update(measure.numbers(labels, *rows))
    except IndexError as error:
        raise IndexError(f"block {block_id}: {error}") from None
    made = np.empty((1,) * len(block_id), object)
    made[...] = partial.packed(summary)
    return made
