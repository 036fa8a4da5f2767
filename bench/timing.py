"""Seconds of calls that take turns."""

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

# Of all calls together, in which each has five turns at least.
SECONDS = 1.0


def medians(
    calls: Mapping[str, Callable[[], Any]], most: int = 41, least: int = 5
) -> dict[str, float]:
    """Seconds of a call, for each: medians of rounds in which all take their turns."""
    repeats, spent, rounds = {}, 0.0, 0
    times: dict[str, list[float]] = {name: [] for name in calls}
    for name, call in calls.items():
        call()
        begin = time.perf_counter()
        call()
        # A turn takes 100 us at least; the clock itself takes a twentieth of one.
        repeats[name] = max(1, int(1e-4 / (time.perf_counter() - begin)))
    while rounds < least or (spent < SECONDS and rounds < most):
        for name in list(calls)[:: 1 if rounds % 2 else -1]:
            begin = time.perf_counter()
            for _ in range(repeats[name]):
                calls[name]()
            taken = time.perf_counter() - begin
            times[name].append(taken / repeats[name])
            spent += taken
        rounds += 1
    return {name: statistics.median(taken) for name, taken in times.items()}
