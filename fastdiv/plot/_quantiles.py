"""The values of all rows in order."""

from collections.abc import Mapping
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastdiv.plot import _style
from fastdiv.plot._counts import DECADES, decades

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TICKS = (0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999)
NAMED = (0.5, 0.99, 1.0)
EDGE = 3.2e-5  # where smallest and largest value are drawn: four standard deviations out
FEW = 32  # points that can be told apart


def quantiles(
    values: "ArrayLike | Mapping[float, float]",
    ax: "Axes | None" = None,
    *,
    log: bool | None = None,
    name: str = "cross-entropy",
    unit: str = "nats",
    color: str = _style.P,
) -> "Axes":
    """Draw the quantiles of the values: what share of the rows has less.

    The axis of shares is stretched at both ends (by the normal distribution), so that one row in a
    thousand is seen as well as half of them. Smallest and largest value are at its ends.

    Parameters
    ----------
    values : array_like or mapping of float to float
        One number per row, or the value at each quantile, 0 to 1. NaN are left out, which the
        label says. Infinite values are drawn at the upper edge, and zeros at the lower edge where
        the axis is logarithmic, as triangles.
    ax : matplotlib axes, optional
        Where to draw; by default on a new figure.
    log : bool, optional
        Whether the axis of values is logarithmic; by default if they span three decades.
    name, unit : str, optional
        What the values are.
    color : colour, optional
        Of the curve.

    Returns
    -------
    matplotlib axes

    Raises
    ------
    ValueError
        If there is no number among the values, or a level is not in 0 to 1.
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> from fastdiv import plot
    >>> ax = plot.quantiles({0.0: 0.1, 0.5: 0.3, 1.0: 2.0})
    >>> [float(y) for y in ax.lines[0].get_ydata()]
    [0.1, 0.3, 2.0]
    """
    left_out = 0
    if isinstance(values, Mapping):
        levels = np.array(sorted(values), np.float64)
        x = np.array([values[level] for level in sorted(values)], np.float64)
        levels, x = levels[~np.isnan(x)], x[~np.isnan(x)]
    else:
        levels, x, left_out = _of_rows(values)
    if x.size == 0:
        raise ValueError("values has no number in it: there is nothing to draw")
    if levels.min() < 0 or levels.max() > 1:
        raise ValueError(f"quantiles are from 0 to 1, not {levels.min():g} to {levels.max():g}")
    ax = _style.new_axes(ax)
    positive = x[(x > 0) & np.isfinite(x)]
    if log is None:
        log = bool((x >= 0).all() and positive.size) and (
            decades(float(positive[0]), float(positive[-1])) >= DECADES
        )
    place = np.array([_place(level) for level in levels])
    drawn = np.isfinite(x) & ((x > 0) | (not log))
    ax.set_yscale("log" if log else "linear")
    marker = "o" if x.size <= FEW else ""
    ax.plot(place[drawn], x[drawn], color=color, linewidth=1.8, marker=marker, markersize=4)
    _at_the_edges(ax, place, x, drawn, color)
    _named(ax, levels, x)
    texts = ["min", *(f"{100 * t:g}" for t in TICKS), "max"]
    ax.set_xticks([_place(t) for t in (0.0, *TICKS, 1.0)], texts)
    ax.set_xlim(_place(0.0) - 0.25, _place(1.0) + 0.25)
    said = f" ({_style.whole(left_out)} NaN left out)" if left_out else ""
    ax.set_xlabel(f"rows with less, %{said}")
    ax.set_ylabel(f"{name} ({unit})" if unit else name)
    if log:
        _style.decades(ax.yaxis)
    else:
        ax.yaxis.set_major_formatter(lambda value, _: _style.number(value))
    _style.calm(ax)
    return ax


def _of_rows(values: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
    """Levels and the values at them: every row, or as many as can be told apart."""
    x = np.asarray(values, np.float64).ravel()
    nan = int(np.isnan(x).sum())
    x = np.sort(x[~np.isnan(x)])
    if x.size > 4096:
        far = NormalDist().cdf
        steps = np.array([far(z) for z in np.linspace(_place(0.0), _place(1.0), 1023)])
        rows = np.unique(np.round(steps * (x.size - 1)).astype(np.int64))
        rows = np.unique(np.concatenate([[0], rows, [x.size - 1]]))
    else:
        rows = np.arange(x.size)
    return rows / max(1, x.size - 1) if x.size > 1 else np.full(x.size, 0.5), x[rows], nan


def _place(level: float) -> float:
    return NormalDist().inv_cdf(min(max(level, EDGE), 1 - EDGE))


def _at_the_edges(
    ax: "Axes",
    place: NDArray[np.float64],
    x: NDArray[np.float64],
    drawn: NDArray[np.bool_],
    color: str,
) -> None:
    """Triangles for what the axis has no place for: zeros of a logarithmic one, infinity."""
    sides = ((np.isinf(x) & (x > 0), 1.0, "^", "∞", -14), (~drawn & (x <= 0), 0.0, "v", "0", 6))
    for beyond, height, marker, text, shift in sides:
        if not beyond.any():
            continue
        across = ax.get_xaxis_transform()
        ends = float(place[beyond].min()), float(place[beyond].max())
        ax.plot(
            ends, (height, height), marker=marker, color=color, linewidth=1.8, markersize=6,
            transform=across, clip_on=False,
        )  # fmt: skip
        said = text if text == "∞" or (x[beyond] == 0).all() else f"{_style.MINUS}∞"
        ax.annotate(
            said, (sum(ends) / 2, height), (0, shift), xycoords=across, ha="center",
            textcoords="offset points",
        )  # fmt: skip


def _named(ax: "Axes", levels: NDArray[np.float64], x: NDArray[np.float64]) -> None:
    """Write median, 99 % and maximum beside the curve, where they can be known from the rows."""
    for level in NAMED:
        i = int(np.abs(levels - level).argmin())
        if abs(levels[i] - level) > 0.005 or not np.isfinite(x[i]) or x[i] <= 0:
            continue
        ax.annotate(
            _style.number(float(x[i])), (_place(level), x[i]), (-5, 4), ha="right", va="bottom",
            textcoords="offset points", fontsize="small",
        )  # fmt: skip
