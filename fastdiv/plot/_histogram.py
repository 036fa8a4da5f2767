"""How the values of all rows are spread."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastdiv.plot import _style
from fastdiv.plot._counts import Counts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

MARKS = (0.5, 0.9, 0.99)
DASHES = ("-", (0, (4, 2)), (0, (1, 1.5)), "-.")


def histogram(
    values: ArrayLike | Counts,
    ax: "Axes | None" = None,
    *,
    bins: int | None = None,
    log: bool | None = None,
    marks: "Mapping[float, float] | None" = None,
    name: str = "cross-entropy",
    unit: str = "nats",
    color: str = _style.P,
) -> "Axes":
    """Draw how many rows have which value.

    Rows with no place on the axis are not left out: those that are exactly 0 where the axis is
    logarithmic, infinite ones and NaN have bars of their own beside it, with their number.

    Parameters
    ----------
    values : array_like or Counts
        One number per row, or numbers of rows that were counted before, as the summaries keep them:
        anything with the attributes of `Counts`.
    ax : matplotlib axes, optional
        Where to draw; by default on a new figure.
    bins : int, optional
        Number of bins, see `Counts.of`. Bins of counts are joined until there are no more.
    log : bool, optional
        Whether the axis is logarithmic; by default if the middle 98 % of the
        positive values span two decades, or the edges of counts three.
    marks : mapping of float to float, optional
        Value at each quantile to mark. By default median, 90 % and 99 % of the values that are not
        NaN; of counts, none.
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
        If there is no row.
    ImportError
        If matplotlib is not installed.

    See Also
    --------
    quantiles : The same, as a curve.

    Notes
    -----
    Bins whose widths differ on the axis are drawn as densities (rows per decade, or per unit), so
    that areas stay true.

    Examples
    --------
    >>> from fastdiv import plot
    >>> ax = plot.histogram([0.1, 0.4, 0.2, 2.5], name="KL(p‖q)")
    >>> ax.get_xlabel()
    'KL(p‖q) (nats)'
    """
    if hasattr(values, "edges"):
        counts = Counts.like(values).coarser(bins)
    else:
        counts = Counts.of(values, bins, log)
        if log is None:
            log = counts.equal_ratios
        marks = _marks(values) if marks is None else marks
    if counts.rows == 0:
        raise ValueError("values is empty: there is no row to draw")
    log = counts.logarithmic if log is None else log and counts.edges.size > 0
    ax = _style.new_axes(ax)
    from matplotlib.ticker import MaxNLocator

    heights, label = _heights(counts, log, unit)
    if counts.edges.size:
        ax.set_xscale("log" if log else "linear")
        ax.stairs(heights, counts.edges, fill=True, color=color, alpha=0.85, label="_rows")
    _beside(ax, counts, log, float(heights.max()) if heights.size else 0.0)
    for (level, value), dash in zip(sorted((marks or {}).items()), DASHES, strict=False):
        text = f"{'median' if level == 0.5 else _style.percent(level)} {_style.number(value, 2)}"
        drawn = np.isfinite(value) and (value > 0 or not log) and counts.edges.size
        x = [value] if drawn else [np.nan]
        ax.axvline(x[0], color=_ink(), linestyle=dash, linewidth=1.1, label=text)
    if marks:
        _style.key(ax, len(marks))
    ax.set_xlabel(f"{name} ({unit})" if unit else name)
    ax.set_ylabel(label)
    ax.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    ax.yaxis.set_major_formatter(lambda y, _: _style.number(y))
    _style.calm(ax)
    return ax


def _ink() -> str:
    import matplotlib

    return str(matplotlib.rcParams["text.color"])


def _marks(values: ArrayLike) -> dict[float, float]:
    x = np.asarray(values, np.float64).ravel()
    x = np.sort(x[~np.isnan(x)])
    if x.size == 0:
        return {}
    # The nearest row's value, since between a number and infinity there is none.
    return {level: float(x[round(level * (x.size - 1))]) for level in MARKS}


def _heights(counts: Counts, log: bool, unit: str) -> tuple[NDArray[np.float64], str]:
    """Heights of the bars and what they are."""
    widths = np.diff(np.log10(counts.edges) if log else counts.edges)
    if widths.size == 0 or widths.max() < 1.02 * widths.min():
        return np.asarray(counts.counts, np.float64), "rows"
    return counts.counts / widths, f"rows per {'decade' if log else unit.rstrip('s') or 'unit'}"


def _beside(ax: "Axes", counts: Counts, log: bool, top: float) -> None:
    """Draw bars for zeros, infinite rows and NaN, and set the axis' limits and ticks."""
    edges = np.log10(counts.edges) if log else counts.edges
    low, high = (float(edges[0]), float(edges[-1])) if edges.size else (0.0, 0.0)
    step = (high - low) / 10 or 1.0
    left = [("0", counts.zeros)] if counts.zeros else []
    right = [(n, c) for n, c in (("∞", counts.infinite), ("NaN", counts.nan)) if c]
    places = [low - 1.5 * step] if left else []
    places += [high + (1.5 + 2.4 * i) * step for i in range(len(right))]
    bars = left + right
    # A bar many times as high as the others would leave nothing of them to see: it is cut, and its
    # number says how high it is.
    ceiling = 1.5 * top if top else max(c for _, c in bars)
    for place, (name, count) in zip(places, bars, strict=True):
        ends = [place - step / 2, place + step / 2]
        x = _at(ends, log)
        ax.bar(
            x[0], min(count, ceiling), width=x[1] - x[0], align="edge", color=_style.MUTED,
            alpha=0.5 if count > ceiling else 1, linewidth=0, label=f"_{name}",
        )  # fmt: skip
        cut = "\n(cut)" if count > ceiling else ""
        text = f"{_style.whole(count)}{cut}\n{_style.percent(count / counts.rows, 2)}"
        ax.annotate(
            text, (_at([place], log)[0], min(count, ceiling)), (0, 2), ha="center",
            textcoords="offset points", fontsize="small", linespacing=1.1,
        )  # fmt: skip
    highest = max([top, *(min(c, ceiling) for _, c in bars)])
    ax.set_ylim(0, highest * (1.3 if bars else 1.06))
    _ticks(ax, places, [name for name, _ in bars], (low, high), log)
    margin = 0.3 * step
    begin = (
        places[0] - step if left else low - margin,
        (places[-1] + step) if right else high + margin,
    )
    ax.set_xlim(*_at(begin, log))


def _at(places: "Sequence[float]", log: bool) -> NDArray[np.float64]:
    """Return values at places on the axis, of which those of powers end where doubles do."""
    return np.power(10.0, np.clip(places, -300, 300)) if log else np.asarray(places)


def _ticks(
    ax: "Axes", places: list[float], names: list[str], inside: tuple[float, float], log: bool
) -> None:
    """Ticks of the axis where there are bins, names under the bars beside them."""
    from matplotlib.ticker import MaxNLocator, NullLocator

    low, high = inside
    if low == high:
        at: list[float] = []
    elif log:
        step = max(1, round((high - low) / 6))
        at = [float(e) for e in range(int(np.ceil(low)), int(np.floor(high)) + 1, step)]
    else:
        at = [float(t) for t in MaxNLocator(5).tick_values(low, high) if low <= t <= high]
    texts = [_style.tick(10**t) if log else _style.number(t) for t in at]
    positions = _at(at + places, log)
    ax.set_xticks(positions, texts + names)
    ax.xaxis.set_minor_locator(NullLocator())
