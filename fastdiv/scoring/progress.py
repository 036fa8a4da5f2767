"""The progress bar."""

import contextlib
import time
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, Progress, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from fastdiv.scoring.job import Job


class _Speed(TextColumn):
    """Rows done, and rows and gigabytes a second since the start."""

    def __init__(self, row_bytes: int, first: int) -> None:
        super().__init__("")
        self._row_bytes, self._first = row_bytes, first
        self._begin = time.monotonic()

    def render(self, task: Task) -> Text:
        speed = (task.completed - self._first) / max(time.monotonic() - self._begin, 1e-9)
        return Text(
            f"{short(task.completed)} rows  {short(speed)} rows/s  "
            f"{speed * self._row_bytes / 1e9:.2f} GB/s"
        )


def short(number: float) -> str:
    """Format 12345678 as 12.3M."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g}{letter}"
    return f"{number:.3g}"


@contextlib.contextmanager
def progress(job: Job, first: int = 0) -> Iterator[Callable[[int], None]]:
    """Show a bar on a terminal, nothing elsewhere; gives the call that is told of rows done.

    first: rows that were done before.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    columns = (
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%" if job.rows else ""),
        _Speed(job.row_bytes, first),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=job.rows, completed=first)
        yield lambda rows: bar.advance(task, rows)
