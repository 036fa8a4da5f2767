"""One function on one shape: its calls checked, then timed in turns."""

import functools
import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from fastdiv.scoring.bench_rivals import Contestant
from fastdiv.scoring.bench_rows import Batch, truth

LEAST, MOST = 5, 41  # rounds, of which the median is taken
TURN = 2e-3  # seconds of a turn at least, beside which the clock and a thread's start are nothing
# OpenMP's threads spin for some milliseconds after their work, which the next turn is not to pay.
REST = 5e-3
CHECKED = 16  # rows
# Nats, or probability of a whole row: float32 loses 1e-5 of them when terms of order 10 cancel.
TOLERANCE = 1e-3


def measure(
    function: str, given: Batch, contestants: Sequence[Contestant], seconds: float
) -> dict[str, Any]:
    """Check and time one function's calls on one shape, in about so many seconds."""
    end = time.perf_counter() + seconds
    given = _fitting(function, given, contestants, seconds)
    rows, classes = given.x.shape
    picked = np.linspace(0, rows - 1, min(rows, CHECKED)).astype(np.int64)
    right = truth(function, given.take(picked))
    lines: list[dict[str, Any]] = []
    calls = {}
    for one in contestants:
        call = functools.partial(one.calls[function], one.prepare(given))
        error, fault = _checked(call, picked, right)
        lines.append(
            {"library": one.library, "threads": one.threads, "error": error, "fault": fault}
        )
        if fault is None:
            calls[len(lines) - 1] = call
    for i, taken in medians(calls, end).items():
        lines[i] |= {
            "seconds": taken,
            "rows_per_second": rows / taken,
            "elements_per_second": rows * classes / taken,
        }
    found: dict[str, Any] = {"function": function, "rows": rows, "classes": classes}
    return found | {"dtype": "float32", "contestants": lines} | ratios(lines)


def _fitting(
    function: str, given: Batch, contestants: Sequence[Contestant], seconds: float
) -> Batch:
    """Halve the rows until the check and the least number of rounds take no longer than that."""
    rows = len(given.x)
    few = given.take(slice(0, max(1, rows // 16)))
    calls = [functools.partial(one.calls[function], one.prepare(few)) for one in contestants]
    taken = []
    for _ in range(2):  # the first time a library makes itself ready
        begin = time.perf_counter()
        for call in calls:
            call()
        taken.append(time.perf_counter() - begin)
    a_row = min(taken) / len(few.x)
    while rows > 1 and a_row * rows * (LEAST + 1) > seconds:
        rows //= 2
    return given.take(slice(0, rows))


def _checked(call: Callable[[], Any], picked: Any, right: Any) -> tuple[float | None, str | None]:
    """Return the largest error of a row, and what is wrong with the call's result, if anything."""
    got = np.asarray(call())[picked]
    if got.shape != right.shape:
        return None, f"wrong: has shape {got.shape}, not {right.shape}"
    errors = np.abs(got - right)
    error = float(errors.max() if right.ndim == 1 else errors.sum(-1).max())
    fault = None if error <= TOLERANCE else f"wrong by {error:.2g}"
    return error if math.isfinite(error) else None, fault


def medians(calls: Mapping[int, Callable[[], Any]], end: float) -> dict[int, float]:
    """Seconds of a call, for each: medians of rounds in which all take their turns."""
    times: dict[int, list[float]] = {name: [] for name in calls}
    rounds = 0
    while rounds < LEAST or (rounds < MOST and time.perf_counter() < end):
        for name in list(calls)[:: 1 if rounds % 2 else -1]:
            time.sleep(REST)
            repeats = 0
            begin = time.perf_counter()
            while repeats == 0 or time.perf_counter() - begin < TURN:
                calls[name]()
                repeats += 1
            times[name].append((time.perf_counter() - begin) / repeats)
        rounds += 1
    return {name: statistics.median(taken) for name, taken in times.items()}


def ratios(lines: Sequence[Mapping[str, Any]]) -> dict[str, float | None]:
    """Compare fastdiv's time with the best rival's: one thread each, and as many as there are."""
    found: dict[str, float | None] = {}
    for name, most in (("ratio_one", 1), ("ratio_all", max(line["threads"] for line in lines))):
        timed = [line for line in lines if "seconds" in line and line["threads"] <= most]
        own = [line["seconds"] for line in timed if line["library"] == "fastdiv"]
        others = [line["seconds"] for line in timed if line["library"] != "fastdiv"]
        found[name] = min(others) / min(own) if own and others else None
    return found
