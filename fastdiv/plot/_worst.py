"""The rows with the largest values."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastdiv.plot import _style

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes


def worst_rows(
    values: ArrayLike,
    ids: "Sequence[object] | NDArray[np.generic] | None" = None,
    n: int = 20,
    ax: "Axes | None" = None,
    *,
    name: str = "cross-entropy",
    unit: str = "nats",
    color: str = _style.P,
) -> "Axes":
    """Draw the ``n`` largest values as bars, with the names of their rows.

    Infinite values come first, as bars up to the edge; NaN are no value, and the label says how
    many there are. Of equal values the first row comes first.

    Parameters
    ----------
    values : array_like
        One number per row: of all rows, or of some that were kept with their ids.
    ids : sequence, optional
        A name for every value; by default its number, from 0.
    n : int, default 20
        How many to draw, at most.
    ax : matplotlib axes, optional
        Where to draw; by default on a new figure.
    name, unit : str, optional
        What the values are.
    color : colour, optional
        Of the bars.

    Returns
    -------
    matplotlib axes

    Raises
    ------
    ValueError
        If there is no number among the values, ``n`` is below 1, or ``ids`` are not as many.
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> from fastdiv import plot
    >>> ax = plot.worst_rows([0.5, 2.0, 1.0], ids=["a", "b", "c"], n=2)
    >>> [t.get_text() for t in ax.get_yticklabels()]
    ['b', 'c']
    """
    x = np.asarray(values, np.float64).ravel()
    if ids is not None and len(ids) != x.size:
        raise ValueError(f"ids has {len(ids)} names for {x.size} values")
    if n < 1:
        raise ValueError(f"n is {n}: at least one row is drawn")
    kept = np.flatnonzero(~np.isnan(x))
    if kept.size == 0:
        raise ValueError("values has no number in it: there is nothing to draw")
    order = kept[np.argsort(-x[kept], kind="stable")][:n]
    top = x[order]
    finite = top[np.isfinite(top)]
    edge = float(finite.max()) * 1.15 if finite.size and finite.max() > 0 else 1.0
    ax = _style.new_axes(ax, height=max(1.4, 0.7 + 0.22 * len(order)))
    from matplotlib.ticker import MaxNLocator

    at = np.arange(len(order))
    lengths = np.where(np.isfinite(top), top, edge)
    ax.barh(at, lengths, height=0.72, color=color)
    beyond = np.isinf(top)
    if beyond.any():
        ax.plot(
            lengths[beyond], at[beyond], linestyle="", marker=">", markersize=8, color=color,
            clip_on=False,
        )  # fmt: skip
    for y, value, length in zip(at, top, lengths, strict=True):
        ax.annotate(
            _style.number(float(value)), (max(0.0, float(length)), y),
            (8 if np.isinf(value) else 3, 0), va="center", textcoords="offset points",
            fontsize="small",
        )  # fmt: skip
    ax.set_yticks(at, [_style.plain(i if ids is None else ids[i]) for i in order])
    ax.set_ylim(len(order) - 0.4, -0.6)
    ax.set_xlim(min(0.0, float(lengths.min())), edge * 1.18)
    ax.tick_params(axis="y", length=0)
    nan = x.size - kept.size
    said = f"\n{_style.whole(nan)} NaN not drawn" if nan else ""
    ax.set_xlabel(f"{name} ({unit}){said}" if unit else f"{name}{said}")
    ax.annotate(
        "row", (0, 1), (-6, 1), xycoords="axes fraction", textcoords="offset points", ha="right",
        va="bottom",
    )  # fmt: skip
    ax.xaxis.set_major_locator(MaxNLocator(4))
    ax.xaxis.set_major_formatter(lambda v, _: _style.number(v))
    _style.calm(ax, "x")
    return ax
