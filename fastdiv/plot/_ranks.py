"""How far down the list of classes the label is."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastdiv.plot import _style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NAMED = (1, 5)  # k whose share is written beside the curve


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
