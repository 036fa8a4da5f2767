"""What the pictures have in common: axes, colours, numbers and names as text."""

import math
from typing import TYPE_CHECKING, Literal

from fastdiv._extras import need

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

# Each at least 3 : 1 against white and against near black, and told apart without red and green.
# A quantity has one colour in every picture: H(p) that of p, H(p, q) that of q.
P = "#3579bd"
Q = "#d07a1c"
KL = "#9461c2"
MUTED = "#808080"
MINUS = "\N{MINUS SIGN}"
THIN = "\N{THIN SPACE}"

WIDTH, HEIGHT = 4.6, 3.0  # inches, of a figure that a function makes itself


def new_axes(ax: "Axes | None", height: float = HEIGHT, width: float = WIDTH) -> "Axes":
    """Return ``ax``, or the axes of a new figure."""
    if ax is not None:
        return ax
    need("matplotlib", "fastdiv.plot", "plot")
    from matplotlib import pyplot

    _, made = pyplot.subplots(figsize=(width, height), layout="constrained")
    return made


def number(value: float, digits: int = 3) -> str:
    """Write a number for people: 0.0123, 4.5·10⁻⁹, ∞."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    if value == 0:
        return "0"
    mantissa, _, after = f"{value:.{digits - 1}e}".partition("e")
    exponent = int(after)
    if -4 < exponent < 6:
        decimals = max(0, digits - 1 - exponent)
        text = f"{value:,.{decimals}f}".replace(",", THIN)
        return (text.rstrip("0").rstrip(".") if "." in text else text).replace("-", MINUS)
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}·{power(exponent)}".replace("-", MINUS)


def tick(value: float) -> str:
    """Write a number at an axis of decades: 10⁻⁶, 0.01, 1, 100."""
    exponent = round(math.log10(value)) if value > 0 else 0
    is_power = value > 0 and math.isclose(value, 10.0**exponent, rel_tol=1e-9)
    return power(exponent) if is_power and not -4 < exponent < 4 else number(value)


def power(exponent: int) -> str:
    """Write a power of ten: 10⁻⁶."""
    return "10" + str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def whole(count: int) -> str:
    """Write a count with its thousands apart."""
    return f"{count:,}".replace(",", THIN)


def percent(share: float, digits: int = 3) -> str:
    """Write a share; what is not quite none or all does not look like it."""
    if 0 < share < 0.0005:
        return "< 0.1 %"
    if 0.9995 < share < 1:
        return "> 99.9 %"
    return "100 %" if share == 1 else f"{100 * share:.{digits}g} %"


def plain(text: object, limit: int = 24) -> str:
    """Make a name fit for a label: on one line, not too long, its dollars no formula."""
    name = "".join(c if c.isprintable() else repr(c)[1:-1] for c in str(text))
    if len(name) > limit:
        head = (limit - 1) * 2 // 3
        name = f"{name[:head]}…{name[head + 1 - limit :]}"
    return name.replace("$", r"\$")


def calm(ax: "Axes", grid: Literal["x", "y"] | None = "y") -> None:
    """Take away the frame's upper and right line and put a faint grid behind the data."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.set_axisbelow(True)
    if grid is not None:
        ax.grid(axis=grid, color=MUTED, alpha=0.25, linewidth=0.6)


def decades(axis: "Axis", most: int = 6) -> None:
    """Tick a logarithmic axis at powers of ten, as few as can be read."""
    from matplotlib.ticker import LogLocator, NullLocator

    axis.set_major_locator(LogLocator(numticks=most))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(lambda value, _: tick(value))


def key(ax: "Axes", columns: int) -> None:
    """Put the legend in a line above the axes, where it covers nothing, and no wider than they."""
    ax.legend(
        loc="lower left", bbox_to_anchor=(0, 1, 1, 0), ncols=columns, frameon=False,
        borderaxespad=0.2, handlelength=1.3, handletextpad=0.5, columnspacing=1.2, fontsize="small",
        mode="expand" if columns > 2 else None,
    )  # fmt: skip
