"""How sure a model is against how often it is right."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastdiv.plot import _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes


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
