"""One row of two files: what the distributions differ by, class by class."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fastdiv._extras import need
from fastdiv.plot import _style, decomposition, distributions
from fastdiv.plot._shares import Row, Shares, shares, telling
from fastdiv.scoring.job import check_distributions
from fastdiv.scoring.pictures import save
from fastdiv.scoring.sources import InputError, Source, iter_blocks
from fastdiv.scoring.sources.errors import explained
from fastdiv.scoring.streams import Terminal, printed


def show(
    p: Source,
    q: Source,
    row: int,
    *,
    probs: bool = False,
    names: Sequence[str] | None = None,
    top: int = 12,
    plot: Path | None = None,
    console: Console | None = None,
) -> None:
    """Print what row ``row`` of two files differs by, and draw it.

    Parameters
    ----------
    p, q : Source
        The rows.
    row : int
        Number of the row, from 0; negative ones count from the end.
    probs : bool, default False
        Whether rows are probabilities, not logits.
    names : sequence of str, optional
        Names of the classes.
    top : int, default 12
        How many classes to tell: those with the largest share of KL.
    plot : Path, optional
        Where to draw both pictures, in the format of the suffix.
    console : rich console, optional
        Where to print; by default standard output.

    Raises
    ------
    InputError
        If a file cannot be read or written, there is no such row, or it is no distribution.
    """
    p_path, q_path = (source.shards[0].path for source in (p, q))
    for source in (p, q):
        if source.rows is None:
            path = source.shards[0].path
            raise InputError(f"{path}: is a stream: save it as a file, so that a row can be found")
    shapes = [(*source.lead, source.classes) for source in (p, q)]
    if shapes[0] != shapes[1]:
        raise InputError(f"{q_path}: has shape {shapes[1]}; {p_path} has {shapes[0]}")
    if names is not None and len(names) != p.classes:
        raise InputError(f"{len(names)} names of classes for {p.classes} classes of {p_path}")
    if top < 1:
        raise InputError(f"--top {top}: at least one class is shown")
    a, b = (_row(source, row, probs) for source in (p, q))
    index = row + (p.rows or 0) if row < 0 else row
    try:
        found = shares(a, b, not probs)
    except ValueError as error:
        files = ", ".join(str(source.shard_of(index).path) for source in (p, q))
        of_all = " of all files" if len(p.shards) + len(q.shards) > 2 else ""
        raise InputError(f"{files}: row {index}{of_all}: {error}") from None
    print_shares(found, index, names, top, console or Terminal(highlight=False))
    if plot is not None:
        _draw(a, b, not probs, names, top, plot)


def _row(source: Source, row: int, probs: bool) -> Row:
    """Read a row, and refuse one that is no distribution where it is to be one."""
    assert source.rows is not None
    index = row + source.rows if row < 0 else row
    if not 0 <= index < source.rows:
        path = source.shards[0].path
        raise InputError(f"{path}: has no row {row}; its rows are 0 to {source.rows - 1}")
    rows = _read(source, index)
    if probs:
        check_distributions(source, index, rows)
    return np.array(rows[0], np.float64)


def _read(source: Source, index: int) -> NDArray[Any]:
    """Read one row; of a source in the order of the file only, up to its block."""
    if not source.sequential:
        return source.read(index, index + 1).rows
    before = [s.path for s in source.shards if s.start + (s.rows or 0) <= index]
    with contextlib.closing(iter_blocks(source, skip=before)) as blocks:
        block = next(block for block in blocks if block.start <= index < block.stop)
        return block.rows[index - block.start : index - block.start + 1]


def read_names(path: Path) -> list[str]:
    """Read names of classes, a line each."""
    with explained(path, (UnicodeDecodeError,)):
        return path.read_text().splitlines()


@printed()
def print_shares(
    found: Shares, row: int, names: Sequence[str] | None, top: int, console: Console
) -> None:
    """Print the three lengths and a table of the classes that tell most."""
    for name, value in (
        ("H(p)", found.entropy),
        ("KL(p‖q)", found.kl_divergence),
        ("H(p, q)", found.cross_entropy),
    ):
        console.print(Text.assemble((name.ljust(10), "bold"), f"{_style.number(value, 6)} nats"))
    console.print()
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    table.add_column(f"row {row}: class", overflow="fold")
    for head in ("p", "q", "share of KL"):
        table.add_column(head, justify="right", no_wrap=True)
    for line in telling(found, top):
        if line.class_ is None:
            name = f"{_style.whole(line.classes)} others"
        else:
            name = _printable(str(line.class_) if names is None else names[line.class_])
        sign = "+" if line.share > 0 else ""
        numbers = (_style.number(line.p), _style.number(line.q), sign + _style.number(line.share))
        table.add_row(Text(name), *numbers)
    table.add_row(Text("sum = KL", "bold"), "", "", _style.number(found.kl_divergence))
    console.print(table)


def _printable(name: str) -> str:
    """Write a name without what would move the cursor or colour the terminal."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in name)


def _draw(p: Row, q: Row, logits: bool, names: Sequence[str] | None, top: int, path: Path) -> None:
    """Draw the lengths above the bars, in one figure."""
    need("matplotlib", "--plot", "plot")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    heights = (1.5, 1.4 + 0.32 * min(top + 1, p.size))
    figure = Figure(figsize=(7.5, sum(heights)), layout="constrained")
    FigureCanvasAgg(figure)
    spaces = figure.add_gridspec(2, 1, height_ratios=heights)
    decomposition(p, q, figure.add_subplot(spaces[0]), logits=logits)
    distributions(p, q, figure.add_subplot(spaces[1]), logits=logits, names=names, top=top)
    save(figure, path)
