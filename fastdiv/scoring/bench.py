"""``fastdiv bench``: how fast this machine is with fastdiv, and with what else is installed."""

import importlib.metadata
import os
import platform
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fastdiv import __version__, _dispatch, _workers
from fastdiv.scoring import bench_picture
from fastdiv.scoring.bench_case import measure
from fastdiv.scoring.bench_rivals import ours, rivals
from fastdiv.scoring.bench_rows import FUNCTIONS, batch, shape_name
from fastdiv.scoring.bench_table import print_bench
from fastdiv.scoring.pictures import save
from fastdiv.scoring.sources import InputError

__all__ = ["bench", "print_bench"]

# Arrays of 16 MB: more than a processor's own cache; with what NumPy and SciPy make on the way less
# than 300 MB, beside PyTorch's own code.
SHAPES = ((400_000, 10), (40_000, 100), (4096, 1000), (32, 128_256))


def bench(
    seconds: float = 45,
    plot: Path | None = None,
    *,
    shapes: Sequence[tuple[int, int]] = SHAPES,
    on_case: Callable[[str], object] = lambda _: None,
) -> dict[str, Any]:
    """Measure fastdiv beside the rivals that are installed.

    Parameters
    ----------
    seconds : float, default 45
        How long it may take, about. Where so many rows as asked for do not fit, there are fewer.
    plot : Path, optional
        Where to draw the result, in the format of the suffix.
    shapes : sequence of (rows, classes)
        Of the float32 arrays.
    on_case : callable, optional
        Told of each function and shape before it is measured.

    Returns
    -------
    dict
        ``machine``, ``threads`` (of "all"), ``missing`` (rivals that are not there, and why),
        ``seconds`` (that all took) and ``cases``: for each function and shape what every library
        takes, as ``contestants``: median ``seconds``, ``rows_per_second``,
        ``elements_per_second``, ``error`` (the largest of a row, in nats or probability) and
        ``fault``, which says what is wrong with it, or None; ``ratio_one`` and ``ratio_all``:
        how many times as fast as the best rival's fastdiv is, with one thread each and with all.

    Raises
    ------
    InputError
        For a time that is not positive, or a picture that cannot be written.
    ImportError
        If a picture is asked for and matplotlib is not installed.

    See Also
    --------
    print_bench : The result as a table.

    Notes
    -----
    Every call is first checked: its result, for rows all over the array, against the definition
    in float64. One that is wrong is marked, and neither timed nor compared with. The others take
    turns, in every second round in the other order.

    Examples
    --------
    >>> from fastdiv.scoring.bench import bench
    >>> found = bench(0.5, shapes=[(1000, 10)])
    >>> sorted({case["function"] for case in found["cases"]})[0]
    'cross_entropy_from_logits'
    """
    if not 0 < seconds < float("inf"):
        raise InputError(f"--seconds {seconds:g}: pass a number of seconds, as 45")
    figure = None if plot is None else bench_picture.new_figure(plot)
    begin = time.perf_counter()
    where = machine()
    threads = _workers.all_workers()
    cases: list[dict[str, Any]] = []
    with rivals(threads) as (others, missing):
        all_of_them = [*(ours(n) for n in sorted({1, threads})), *others]
        left = len(shapes) * len(FUNCTIONS)
        for rows, classes in shapes:
            given = batch(rows, classes)
            for function in FUNCTIONS:
                on_case(f"{function}, {shape_name(rows, classes)}")
                share = (begin + seconds - time.perf_counter()) / left
                cases.append(measure(function, given, all_of_them, share))
                left -= 1
    result = {
        "machine": where | {"versions": versions({one.library for one in others})},
        "threads": threads,
        "missing": missing,
        "seconds": time.perf_counter() - begin,
        "cases": cases,
    }
    if figure is not None and plot is not None:
        bench_picture.draw(result, figure)
        save(figure, plot)
    return result


def machine() -> dict[str, Any]:
    """Say where it is measured, and how busy it is there."""
    path = Path("/proc/cpuinfo")
    text = path.read_text(errors="replace") if path.exists() else ""
    model = re.search(r"^model name\s*: (.+)$", text, re.MULTILINE)
    return {
        "processor": model[1] if model else platform.processor() or platform.machine(),
        "cpus": _workers.usable_cpus(),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "instruction_set": _dispatch.active(),
        "python": platform.python_version(),
    }


def versions(others: set[str]) -> dict[str, str]:
    """Say with what it is measured."""
    found = {name: importlib.metadata.version(name) for name in sorted(others)}
    return {"fastdiv": __version__} | found
