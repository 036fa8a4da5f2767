"""Two distributions side by side, and what every class adds to KL."""

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from fastdiv.plot import _style
from fastdiv.plot._shares import Line, shares, telling

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.ticker import Locator

THIN = 0.06  # of the axis: a bar of which the number is written beside it
EDGE = 0.8  # how far infinite bars reach, in lengths of the way of the finite ones


def distributions(
    p: ArrayLike,
    q: ArrayLike,
    ax: "Axes | None" = None,
    *,
    logits: bool = False,
    names: "Sequence[object] | None" = None,
    top: int = 12,
) -> "tuple[Axes, Axes]":
    """Draw two distributions over the same classes, and each class's share of KL(p‖q).

    On the left are p and q as bars. On the right every class's share p log(p/q) begins where the
    one above ends: first what adds, to the right, then what takes away, to the left; where they
    end is KL(p‖q), the bar below. A class that p has and q has not makes it infinite: its bar ends
    in an arrow at the edge, and the others begin anew.

    Parameters
    ----------
    p, q : array_like, shape (c,)
        One row of weights each, or of logits.
    ax : matplotlib axes, optional
        Whose place the two panels take; by default that of a new figure.
    logits : bool, default False
        Whether the rows are logits.
    names : sequence, optional
        Names of the classes; by default their numbers, from 0.
    top : int, default 12
        How many classes to draw: those with the largest share. The others are one bar.

    Returns
    -------
    tuple of matplotlib axes
        The probabilities' and the shares'.

    Raises
    ------
    ValueError
        If a row is no distribution (which class is at fault), the shapes differ, ``names`` are not
        as many as the classes, or ``top`` is below 1.
    ImportError
        If matplotlib is not installed.

    See Also
    --------
    decomposition : H(p) and KL as lengths.

    Examples
    --------
    >>> from fastdiv import plot
    >>> left, right = plot.distributions([0.5, 0.5], [0.9, 0.1])
    >>> right.get_title("left")
    'KL(p‖q) = 0.511 nats'
    """
    row = shares(p, q, logits)
    if names is not None and len(names) != row.p.size:
        raise ValueError(f"names has {len(names)} names for {row.p.size} classes")
    lines = telling(row, top)
    outer = _style.new_axes(ax, height=max(2.2, 1.3 + 0.32 * len(lines)), width=6.4)
    outer.set_axis_off()
    left = outer.inset_axes((0, 0, 0.46, 1))
    right = outer.inset_axes((0.52, 0, 0.48, 1), sharey=left)
    _probabilities(left, lines)
    _waterfall(right, lines, row.kl_divergence)
    texts = [_name(line, names) for line in lines]
    left.set_yticks(range(len(lines) + 1), [*texts, "sum = KL"])
    left.set_ylim(len(lines) + 0.6, -0.6)
    for panel in (left, right):
        panel.tick_params(axis="y", length=0)
        panel.axhline(len(lines) - 0.5, color=_style.MUTED, linewidth=0.8)
        _style.calm(panel, "x")
    right.tick_params(axis="y", labelleft=False)
    return left, right


def _name(line: Line, names: "Sequence[object] | None") -> str:
    if line.class_ is None:
        return f"{_style.whole(line.classes)} others"
    return _style.plain(line.class_ if names is None else names[line.class_], 18)


def _probabilities(ax: "Axes", lines: list[Line]) -> None:
    """Draw p above q for every class."""
    largest = max(max(line.p, line.q) for line in lines if line.class_ is not None)
    # Others that are many times the rest would leave nothing of it to see.
    end = min(max(max(line.p, line.q) for line in lines), 1.6 * largest)
    for shift, name, color in ((-0.19, "p", _style.P), (0.19, "q", _style.Q)):
        values = [getattr(line, name) for line in lines]
        at = [y + shift for y in range(len(lines))]
        ax.barh(at, values, height=0.36, color=color, label=name)
        for y, value in zip(at, values, strict=True):
            if value > end:
                text, x, align = f"{_style.number(value)} →", end, "right"
            elif value < THIN * end:
                text, x, align = _style.number(value, 2), value, "left"
            else:
                continue
            ax.annotate(
                text, (x, y), (-3 if align == "right" else 3, 0), va="center", ha=align,
                textcoords="offset points", fontsize=7,
                color="#111111" if align == "right" else None,
            )  # fmt: skip
    ax.set_xlim(0, end * 1.04)
    ax.set_xlabel("probability")
    ax.xaxis.set_major_locator(_few())
    ax.xaxis.set_major_formatter(lambda x, _: _style.number(x))
    _style.key(ax, 2)


def _waterfall(ax: "Axes", lines: list[Line], total: float) -> None:
    """Draw every share from where the one before ended, and their sum."""
    finite = [line.share for line in lines if math.isfinite(line.share)]
    way = np.cumsum([0.0, *finite])
    low, high = float(way.min()), float(way.max())
    if math.isfinite(total):
        low, high = min(low, total), max(high, total)
    scale = (high - low) or 1.0
    edge = high + EDGE * scale
    begin = 0.0
    for y, line in enumerate(lines):
        if math.isinf(line.share):
            _bar(ax, y, 0.0, edge, math.inf, _style.KL)
            continue
        _bar(ax, y, begin, line.share, line.share, _style.KL if line.share >= 0 else _style.MUTED)
        begin += line.share
        if y + 1 < len(lines):
            ax.plot([begin, begin], [y + 0.3, y + 0.7], color=_style.MUTED, linewidth=0.7)
    _bar(ax, len(lines), 0.0, edge if math.isinf(total) else total, total, _style.KL)
    ax.axvline(0, color=_style.MUTED, linewidth=0.8)
    end = edge if math.isinf(total) else high
    room = 0.35 * (end - low or scale)
    ax.set_xlim(low - room, end + room)
    ax.spines["left"].set_visible(False)
    ax.set_xlabel("share of KL (nats)")
    ax.set_title(f"KL(p‖q) = {_style.number(total)} nats", loc="left", fontsize="medium")
    ax.xaxis.set_major_locator(_few())
    ax.xaxis.set_major_formatter(lambda x, _: _style.number(x))


def _bar(ax: "Axes", y: int, begin: float, length: float, value: float, color: str) -> None:
    """Draw one bar with its number at its end, an arrow if it has none."""
    ax.barh(y, length, left=begin, height=0.6, color=color)
    end = begin + length
    if math.isinf(value):
        ax.plot([end], [y], marker=">", markersize=9, color=color, clip_on=False)
    away = 9 if math.isinf(value) else 3
    sign = "+" if value > 0 else ""
    ax.annotate(
        f"{sign}{_style.number(value, 2)}", (end, y), (away if value >= 0 else -away, 0),
        va="center", ha="left" if value >= 0 else "right", textcoords="offset points",
        fontsize="x-small",
    )  # fmt: skip


def _few() -> "Locator":
    from matplotlib.ticker import MaxNLocator

    return MaxNLocator(4, min_n_ticks=3)
