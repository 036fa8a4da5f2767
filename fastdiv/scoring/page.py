"""The report: one HTML page with the numbers, the pictures and how to repeat it.

It needs nothing but itself: no network, no script, no font. Light and dark are the reader's.
"""

import datetime
import platform
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

import fastdiv
from fastdiv import _dispatch, _workers
from fastdiv._extras import need
from fastdiv.scoring.pictures import Picture
from fastdiv.scoring.svg import inline_svg
from fastdiv.scoring.whole_file import whole_file


class Figure(NamedTuple):
    """A number that is read first: its name, the number, and what is beside it in small type."""

    name: str
    value: str
    note: str = ""


class Table(NamedTuple):
    """Names, values and what is beside them in small type, under a caption."""

    caption: str
    rows: Sequence[tuple[str, str, str]]


class Input(NamedTuple):
    """A file that was read."""

    role: str
    path: str
    shape: tuple[int, ...]
    dtype: str
    size: int  # bytes


class Report(NamedTuple):
    """All that is on the page, top to bottom.

    Attributes
    ----------
    title : str
        The heading.
    figures : sequence of Figure
        The numbers that are read first, at most six.
    warnings : sequence of str
        What a reader must know before believing them, a sentence each.
    pictures : sequence of Picture
        See `fastdiv.scoring.pictures`.
    tables : sequence of Table
        All numbers.
    inputs : sequence of Input
        The files.
    command : sequence of str
        The command and its arguments, as a shell would give them.
    seconds : float, optional
        How long it took.
    """

    title: str
    figures: Sequence[Figure]
    pictures: Sequence[Picture]
    tables: Sequence[Table]
    inputs: Sequence[Input]
    command: Sequence[str]
    warnings: Sequence[str] = ()
    seconds: float | None = None


def write(path: Path, report: Report) -> None:
    """Write the page; the file is whole or not there."""
    page = render(report)
    with whole_file(path) as file:
        file.write(page.encode())


def render(report: Report) -> str:
    """Make the page.

    Raises
    ------
    ImportError
        If Jinja2 or matplotlib is not installed.
    """
    need("jinja2", "the report", "report")
    need("matplotlib", "the report", "report")
    import jinja2
    import matplotlib

    loader = jinja2.PackageLoader("fastdiv.scoring", "")
    templates = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    pictures = [
        (picture, inline_svg(picture.draw, size=picture.size, name=f"p{i}", title=picture.caption))
        for i, picture in enumerate(report.pictures, 1)
    ]
    now = datetime.datetime.now(datetime.timezone.utc)
    return templates.get_template("page.html.jinja").render(
        report=report,
        pictures=pictures,
        command=_command(report.command),
        machine=_machine(matplotlib.__version__, report.seconds),
        stamp=now.isoformat(timespec="seconds"),
        date=f"{now:%Y-%m-%d %H:%M} UTC",
        size=_size,
    )


def _command(arguments: Sequence[str], width: int = 60) -> str:
    """Write a command for a shell, a long one with an argument or option a line."""
    line = shlex.join(arguments)
    if len(line) <= width:
        return line
    lines = [shlex.join(arguments[:2])]
    option = False
    for argument in arguments[2:]:
        follows = option and not argument.startswith("-")
        text = shlex.quote(argument)
        lines = [*lines[:-1], f"{lines[-1]} {text}"] if follows else [*lines, f"  {text}"]
        option = argument.startswith("-") and "=" not in argument
    return " \\\n".join(lines)


def _machine(matplotlib: str, seconds: float | None) -> Table:
    rows = [
        ("fastdiv", fastdiv.__version__),
        ("NumPy", np.__version__),
        ("Python", platform.python_version()),
        ("matplotlib", matplotlib),
        ("system", f"{platform.system()} {platform.machine()}"),
        ("instruction set", _dispatch.active()),
        ("processors", str(_workers.usable_cpus())),
    ]
    if seconds is not None:
        rows.append(("took", f"{seconds:.3g} s"))
    return Table("Versions and machine", [(*row, "") for row in rows])


def _size(count: int) -> str:
    """Write a number of bytes: 36.1 kB."""
    number = float(count)
    for unit in ("bytes", "kB", "MB", "GB", "TB"):
        if number < 999.5 or unit == "TB":
            break
        number /= 1000
    return f"{count} bytes" if unit == "bytes" else f"{number:.3g} {unit}"
