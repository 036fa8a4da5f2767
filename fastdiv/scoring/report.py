"""Results for people and for machines, and the progress bar."""

import contextlib
import json
import math
import time
from collections.abc import Callable, Iterator
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from fastdiv.scoring.files import Rows
from fastdiv.scoring.statistics import Comparison, Score
from fastdiv.scoring.summary import Mean

SCHEMA = 1


class _Speed(TextColumn):
    """Rows and gigabytes a second since the start."""

    def __init__(self, row_bytes: int) -> None:
        super().__init__("")
        self._row_bytes = row_bytes
        self._begin = time.monotonic()

    def render(self, task: Task) -> Text:
        speed = task.completed / max(time.monotonic() - self._begin, 1e-9)
        return Text(f"{_short(speed)} rows/s  {speed * self._row_bytes / 1e9:.2f} GB/s")


def _short(number: float) -> str:
    """Format 12345678 as 12.3M."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g}{letter}"
    return f"{number:.3g}"


@contextlib.contextmanager
def progress(files: list[Rows]) -> Iterator[Callable[[int], None]]:
    """Show a bar on a terminal, nothing elsewhere; gives the call that is told of rows done."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    speed = _Speed(sum(f.row_bytes for f in files))
    columns = (BarColumn(), TextColumn("{task.percentage:>3.0f}%"), speed, TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=files[0].rows)
        yield lambda rows: bar.advance(task, rows)


def _mean(value: Mean, unit: str = "nats") -> str:
    return f"{value.mean:.6g} ± {value.standard_error:.2g} {unit}"


def _share(value: Mean) -> str:
    return f"{100 * value.mean:.2f} ± {100 * value.standard_error:.2g} %"


def _lines(result: Score | Comparison) -> list[tuple[str, str]]:
    """Name and value of every line of the table."""
    lines = [("rows", f"{result.rows:,}"), ("classes", f"{result.classes:,}")]
    if isinstance(result, Score):
        lines += [
            ("cross-entropy", _mean(result.cross_entropy)),
            ("perplexity", f"{result.perplexity:.6g}"),
            ("accuracy", _share(result.accuracy)),
            ("entropy", _mean(result.entropy)),
        ]
    else:
        lines += [
            ("KL(p‖q)", _mean(result.kl_divergence)),
            ("  median", f"{result.kl_median:.6g}"),
            ("  99th percentile", f"{result.kl_99th_percentile:.6g}"),
            ("  maximum", f"{result.kl_maximum:.6g}"),
            ("KL(q‖p)", _mean(result.reverse_kl_divergence)),
            ("Jensen-Shannon", _mean(result.js_divergence)),
            ("same top class", _share(result.same_top_class)),
        ]
        for name, mean in (("p", result.p_cross_entropy), ("q", result.q_cross_entropy)):
            if mean is not None:
                lines.append((f"cross-entropy of {name}", _mean(mean)))
        for name, mean in (("p", result.p_accuracy), ("q", result.q_accuracy)):
            if mean is not None:
                lines.append((f"accuracy of {name}", _share(mean)))
    if result.infinite_rows:
        lines.append(("infinite rows", f"{result.infinite_rows:,}"))
    if result.nan_rows:
        lines.append(("NaN rows", f"{result.nan_rows:,}"))
    return lines


def print_table(lines: list[tuple[str, str]]) -> None:
    """Print names and values in two columns, the names bold on a terminal."""
    width = max(len(name) for name, _ in lines) + 3
    console = Console(highlight=False, soft_wrap=True)
    for name, value in lines:
        console.print(Text.assemble((name.ljust(width), "bold"), value))


def print_result(result: Score | Comparison, as_json: bool, command: str) -> None:
    """Print a result as a table, or as one JSON object."""
    if as_json:
        print_json({"command": command, **_plain(result)})
    else:
        print_table(_lines(result))


def print_json(content: dict[str, Any]) -> None:
    """Print one JSON object. Numbers JSON has no word for are the strings nan, inf and -inf."""
    print(json.dumps({"schema": SCHEMA, **content}, allow_nan=False))


def _plain(value: Any) -> Any:
    """Named tuples as dictionaries, without what was not asked for."""
    if hasattr(value, "_asdict"):
        return {k: _plain(v) for k, v in value._asdict().items() if v is not None}
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
