"""H(p, q) = H(p) + KL(p‖q), as lengths."""

import math
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from fastdiv.plot import _style
from fastdiv.plot._shares import shares

if TYPE_CHECKING:
    from matplotlib.axes import Axes

THIN = 0.05  # of H(p, q): a length hard to see, whose share is written


def decomposition(
    p: ArrayLike, q: ArrayLike, ax: "Axes | None" = None, *, logits: bool = False
) -> "Axes":
    """Draw H(p), KL(p‖q) and H(p, q) as lengths: the first two, end to end, are the third.

    Parameters
    ----------
    p, q : array_like, shape (c,)
        One row of weights each, or of logits.
    ax : matplotlib axes, optional
        Where to draw; by default on a new figure.
    logits : bool, default False
        Whether the rows are logits.

    Returns
    -------
    matplotlib axes

    Raises
    ------
    ValueError
        If a row is no distribution, or the shapes differ.
    ImportError
        If matplotlib is not installed.

    See Also
    --------
    distributions : Which classes make up KL.

    Notes
    -----
    Where q is 0 and p is not, KL and with it H(p, q) are infinite: both bars end in an arrow.

    Examples
    --------
    >>> from fastdiv import plot
    >>> ax = plot.decomposition([0.5, 0.5], [0.25, 0.75])
    >>> [round(float(bar.get_width()), 3) for bar in ax.patches]
    [0.693, 0.144, 0.837]
    """
    row = shares(p, q, logits)
    ax = _style.new_axes(ax, height=1.8)
    infinite = math.isinf(row.kl_divergence)
    known = row.entropy if infinite else row.cross_entropy
    end = (1.6 * known or 1.0) if infinite else known or 1.0
    gap = end - row.entropy if infinite else row.kl_divergence
    bars = (
        (0, 0.0, row.entropy, row.entropy, "H(p)", _style.P),
        (0, row.entropy, gap, row.kl_divergence, "KL(p‖q)", _style.KL),
        (1, 0.0, end if infinite else known, row.cross_entropy, "H(p, q)", _style.Q),
    )
    for y, begin, length, value, name, color in bars:
        ax.barh(y, length, left=begin, height=0.52, color=color)
        if math.isinf(value):
            ax.plot([end], [y], marker=">", markersize=13, color=color, clip_on=False)
        right = name == "KL(p‖q)"
        thin = right and 0 < value < THIN * known
        part = f" ({_style.number(100 * value / known, 2)} % of H(p, q))" if thin else ""
        # Outside of the two bars, between which lines lead from one to the other.
        side = -1 if y == 0 else 1
        ax.annotate(
            f"{name} = {_style.number(value)}{part}", (end if right else 0, y + 0.26 * side),
            (0, -3 * side), ha="right" if right else "left", va="bottom" if y == 0 else "top",
            textcoords="offset points", fontsize="small",
        )  # fmt: skip
    for x in (row.entropy, known):
        ax.plot([x, x], [-0.26, 1.26], color=_style.MUTED, linewidth=0.8, linestyle=(0, (4, 3)))
    ax.set_xlim(0, end * 1.06)
    ax.set_ylim(1.8, -0.75)
    ax.set_yticks([])
    ax.set_xlabel("nats")
    ax.xaxis.set_major_formatter(lambda x, _: _style.number(x))
    _style.calm(ax, None)
    ax.spines["left"].set_visible(False)
    return ax
