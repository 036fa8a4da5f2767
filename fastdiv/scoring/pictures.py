"""Which pictures a result has: for the page, and for one file with all of them."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from numpy.typing import ArrayLike

from fastdiv import plot
from fastdiv._extras import need
from fastdiv.plot import _style
from fastdiv.scoring.sources.errors import InputError
from fastdiv.scoring.whole_file import whole_file

SIZE = (4.6, 3.1)  # inches: as wide as a phone, so that its text can be read there
Worst = tuple[ArrayLike, Sequence[object]]
MARKED = (0.5, 0.9, 0.99)


class Picture(NamedTuple):
    """A picture: its heading, what is seen in it, and how it is drawn: a function of ``ax``."""

    title: str
    caption: str
    draw: Callable[..., object]
    size: tuple[float, float] = SIZE


def score_pictures(result: Any, worst: Worst | None = None) -> list[Picture]:
    """Return the pictures of rows against labels.

    Parameters
    ----------
    result : ScoreResult
        What it has is drawn.
    worst : tuple of values and ids, optional
        The rows with the largest cross-entropy.
    """
    name = "cross-entropy"
    made = _spread(name, result.cross_entropy_histogram, result.cross_entropy_quantiles, _style.P)
    if result.calibration is not None:
        caption = (
            "How often the top class is right (bars) against how sure the model is. Lines are the "
            "distance to the diagonal, where the two are equal; the bars below are the rows."
        )
        made.append(Picture("Calibration", caption, partial(plot.calibration, result.calibration)))
    if result.rank_curve is not None:
        caption = "The share of rows whose label is among the k most probable classes."
        draw = partial(plot.rank_curve, result.rank_curve)
        made.append(Picture("Rank of the label", caption, draw))
    return made + _worst(name, worst, _style.P)


def compare_pictures(result: Any, worst: Worst | None = None) -> list[Picture]:
    """Return the pictures of rows p against rows q; see `score_pictures`."""
    made = _spread("KL(p‖q)", result.kl_histogram, result.kl_quantiles, _style.KL)
    changes = result.delta_p_quantiles
    if changes is not None and not all(math.isnan(change) for change in changes.values()):
        caption = "The label's probability under q less that under p."
        draw = partial(plot.quantiles, changes, name="Δp", unit="", color=_style.Q)
        made.append(Picture("Change of the label's probability", caption, draw))
    return made + _worst("KL(p‖q)", worst, _style.KL)


def _spread(name: str, counts: Any, quantiles: Mapping[float, float], color: str) -> list[Picture]:
    marks = {k: quantiles[k] for k in MARKED if not math.isnan(quantiles.get(k, math.nan))}
    caption = f"How many rows have which {name}."
    if counts.zeros or counts.infinite or counts.nan:
        caption += " Grey bars are rows that have no place on the axis."
    draw = partial(plot.histogram, counts, marks=marks, name=name, color=color)
    made = [Picture(f"Histogram of {name}", caption, draw)]
    # One row that is no distribution leaves no quantile.
    if not all(math.isnan(value) for value in quantiles.values()):
        caption = f"The {name} that so many percent of the rows stay below."
        draw = partial(plot.quantiles, quantiles, name=name, color=color)
        made.append(Picture(f"Quantiles of {name}", caption, draw))
    return made


def _worst(name: str, worst: Worst | None, color: str) -> list[Picture]:
    if worst is None:
        return []
    values, ids = worst
    shown = min(20, len(ids))
    caption = f"The rows with the largest {name}."
    draw = partial(plot.worst_rows, values, ids, shown, name=name, color=color)
    size = (SIZE[0], max(1.6, 0.75 + 0.22 * shown))
    return [Picture("The worst rows", caption, draw, size)]


def draw_file(pictures: Sequence[Picture], path: Path) -> None:
    """Draw pictures into one file, two in a row, in the format of its suffix."""
    need("matplotlib", "--plot", "plot")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    columns = 2 if len(pictures) > 1 else 1
    grid = [pictures[i : i + columns] for i in range(0, len(pictures), columns)]
    heights = [max(picture.size[1] for picture in row) for row in grid]
    figure = Figure(figsize=(columns * SIZE[0], sum(heights)), layout="constrained")
    FigureCanvasAgg(figure)
    spaces = figure.add_gridspec(len(grid), columns, height_ratios=heights)
    for i, row in enumerate(grid):
        for j, picture in enumerate(row):
            picture.draw(ax=figure.add_subplot(spaces[i, j]))
    save(figure, path)


def save(figure: Any, path: Path) -> None:
    """Write a figure in the format of the file's suffix; the file is whole or not there."""
    check_suffix(path)
    with whole_file(path) as file:
        figure.savefig(file, format=path.suffix[1:].lower(), dpi=150)


def check_suffix(path: Path) -> None:
    """Raise for a file of no format that pictures are written in."""
    from matplotlib.backend_bases import FigureCanvasBase

    if path.suffix[1:].lower() not in FigureCanvasBase.get_supported_filetypes():
        raise InputError(
            f"{path}: pictures are not written as {path.suffix or 'a file without suffix'}: name "
            "it .png, .svg or .pdf"
        )
