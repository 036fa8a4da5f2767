"""What a model knows of its labels: how sure it is and how far off."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastdiv.plot import _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAMED = (1, 5)  # k whose share is written beside the curve


def calibration(
    confidence: "ArrayLike | Sequence[Any]",
    correct: ArrayLike | None = None,
    ax: "Axes | None" = None,
    *,
    bins: int = 15,
) -> "Axes":
    """Draw how often the top class is right against how sure the model is.

    Bars are the accuracy of the rows in a bin of confidence, points stand at their mean confidence,
    and lines are the distance of the two; on the diagonal it is none. The bars below tell how many
    rows a bin has. The label of the axis has the expected calibration error, the mean distance
    weighted by rows.

    Parameters
    ----------
    confidence : array_like, shape (n,), or sequence of bins
        Probability of the top class of every row; or, without ``correct``, bins of
        (low, high, count, confidence, accuracy), as `ScoreSummary` keeps them.
    correct : array_like of bool, shape (n,), optional
        Whether the top class is the label.
    ax : matplotlib axes, optional
        Where to draw; by default on a new figure.
    bins : int, default 15
        Number of bins of equal width; the upper edge belongs to a bin.

    Returns
    -------
    matplotlib axes

    Raises
    ------
    ValueError
        If there is no row, or the arguments are not as many.
    ImportError
        If matplotlib is not installed.

    References
    ----------
    .. [1] C. Guo et al., "On Calibration of Modern Neural Networks", 2017.

    Examples
    --------
    >>> from fastdiv import plot
    >>> ax = plot.calibration([0.9, 0.8, 0.95, 0.6], [True, True, False, True])
    >>> ax.get_xlabel()
    'confidence (calibration error 0.412)'
    """
    table = _as_bins(confidence) if correct is None else _binned(confidence, correct, bins)
    rows = table[:, 2].sum()
    if rows == 0:
        raise ValueError("no row has a confidence: there is nothing to draw")
    ax = _style.new_axes(ax)
    full = table[table[:, 2] > 0]
    low, high, count, sure, right = full.T
    error = float((count * np.abs(sure - right)).sum() / rows)
    ax.plot([0, 1], [0, 1], color=_style.MUTED, linewidth=1, linestyle=(0, (4, 3)))
    ax.bar(low, right, width=high - low, align="edge", color=_style.P, alpha=0.35, label="accuracy")
    ax.plot(sure, right, color=_style.Q, marker="o", linestyle="", markersize=5, label="distance")
    ax.vlines(sure, np.minimum(sure, right), np.maximum(sure, right), color=_style.Q, linewidth=1.2)
    ax.bar(
        low, -0.16 * count / count.max(), width=high - low, align="edge", color=_style.MUTED,
        label="rows",
    )  # fmt: skip
    ax.set(xlim=(0, 1), ylim=(-0.18, 1.02), ylabel="accuracy")
    ax.set_xlabel(f"confidence (calibration error {_style.number(error)})")
    ax.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "0.25", "0.5", "0.75", "1"])
    ax.axhline(0, color=_style.MUTED, linewidth=0.8)
    _style.key(ax, 3)
    _style.calm(ax)
    return ax


def _as_bins(bins: Any) -> NDArray[np.float64]:
    table = np.array(list(bins), np.float64)
    if table.ndim != 2 or table.shape[1] != 5:
        raise ValueError(
            "bins are (low, high, count, confidence, accuracy); with one confidence per row, pass "
            "correct too"
        )
    return table


def _binned(confidence: ArrayLike, correct: ArrayLike, bins: int) -> NDArray[np.float64]:
    sure = np.asarray(confidence, np.float64).ravel()
    right = np.asarray(correct, np.bool_).ravel()
    if sure.shape != right.shape:
        raise ValueError(f"confidence has {sure.size} rows, correct {right.size}")
    there = ~np.isnan(sure)
    sure, right = sure[there], right[there]
    if sure.size and (sure.min() < 0 or sure.max() > 1):
        raise ValueError(f"confidence is from 0 to 1, not {sure.min():g} to {sure.max():g}")
    which = np.clip(np.ceil(sure * bins).astype(np.int64) - 1, 0, bins - 1)
    count = np.bincount(which, minlength=bins)
    # An empty bin has no mean; what stands there is not drawn.
    means = [np.bincount(which, v, bins) / np.maximum(count, 1) for v in (sure, right)]
    edges = np.linspace(0, 1, bins + 1)
    return np.column_stack([edges[:-1], edges[1:], count, *means])


def rank_curve(
    ranks: "ArrayLike | Mapping[int, float]",
    ax: "Axes | None" = None,
    *,
    classes: int | None = None,
) -> "Axes":
    """Draw the share of rows whose label is among the k most probable classes, for every k.

    Parameters
    ----------
    ranks : array_like of int, or mapping of int to float
        Rank of the label of every row (1 is the most probable class; 0 is a row without a rank,
        which never counts as found); or the share at some k, between which lines are straight.
    ax : matplotlib axes, optional
        Where to draw; by default on a new figure.
    classes : int, optional
        Number of classes, where the axis ends; by default the largest rank.

    Returns
    -------
    matplotlib axes

    Raises
    ------
    ValueError
        If there is no row.
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> from fastdiv import plot
    >>> ax = plot.rank_curve([1, 1, 2, 4])
    >>> [float(y) for y in ax.lines[0].get_ydata()]
    [0.5, 0.75, 0.75, 1.0]
    """
    k, share = _curve(ranks)
    if k.size == 0:
        raise ValueError("ranks is empty: there is no row to draw")
    ax = _style.new_axes(ax)
    last = max(int(k[-1]), classes or 1)
    ax.plot(
        k, share, color=_style.P, linewidth=1.8,
        drawstyle="default" if isinstance(ranks, Mapping) else "steps-post",
        marker="o" if k.size <= 24 else "", markersize=4,
    )  # fmt: skip
    if last > k[-1] and share[-1] == 1:
        ax.hlines(1, k[-1], last, color=_style.P, linewidth=1.8)
    for at in NAMED:
        found = np.flatnonzero(k == at)
        if found.size:
            ax.annotate(
                f"top {at}: {_style.percent(float(share[found[0]]))}", (at, share[found[0]]),
                (6, -5), textcoords="offset points", fontsize="small", va="top",
            )  # fmt: skip
    if last > 20:
        ax.set_xscale("log")
        _style.decades(ax.xaxis)
    else:
        ax.set_xticks(range(1, last + 1, 1 if last <= 10 else 2))
    bottom = float(share[0])
    ax.set_ylim(max(0.0, bottom - 0.35 * max(0.02, 1 - bottom)), 1 + 0.06 * max(0.02, 1 - bottom))
    ax.yaxis.set_major_formatter(lambda y, _: f"{100 * y:.4g} %")
    ax.set(xlabel="k", ylabel="label among the top k")
    _style.calm(ax)
    return ax


def _curve(ranks: "ArrayLike | Mapping[int, float]") -> tuple[NDArray[Any], NDArray[Any]]:
    if isinstance(ranks, Mapping):
        k = np.array(sorted(ranks), np.int64)
        return k, np.array([ranks[i] for i in sorted(ranks)], np.float64)
    r = np.asarray(ranks, np.int64).ravel()
    if r.size == 0:
        return r, r
    counts = np.bincount(r[r > 0], minlength=2)[1:]
    share = np.cumsum(counts) / r.size
    k = np.arange(1, share.size + 1)
    return (k, share) if k.size <= 4096 else _thinned(k, share)


def _thinned(k: NDArray[Any], share: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Keep the ranks that can be told apart on a logarithmic axis."""
    at = np.unique(np.geomspace(1, k.size, 2048).astype(np.int64)) - 1
    return k[at], share[at]
