"""Rows shared out among threads, the caller's among them.

A row is computed by one thread from its beginning to its end, or, of a few long rows, segment by
segment, as one thread alone does it too: no bit of a result depends on the number of threads. The
threads are Python's: an OpenMP runtime would hang in a forked child, and a wheel would carry one
more of them.
"""

import contextlib
import os
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

    from fastdiv.kernels._kernels import Team

# Elements of a block at least: waking a thread takes as long as some 200 000 of them.
LEAST_BLOCK = 1 << 19
# And at most: only the caller's thread hears of an interrupt, the others end their block first.
MOST_BLOCK = 1 << 26
# Elements of a row that is shared out itself: four of the kernels' segments.
LEAST_LONG = 1 << 22

_pool: "ThreadPoolExecutor | None" = None
_pool_lock = threading.Lock()


def _forget_pool() -> None:
    """Begin anew in a forked child, where the threads do not exist."""
    global _pool, _pool_lock
    _pool, _pool_lock = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pool)


def _threads() -> "ThreadPoolExecutor":
    # Its import takes almost as long as that of fastdiv itself, and few programs make threads.
    from concurrent.futures import ThreadPoolExecutor

    global _pool
    with _pool_lock:
        if _pool is None:
            # It starts a thread only when none is idle.
            _pool = ThreadPoolExecutor(1024, thread_name_prefix="fastdiv")
        return _pool


class _Blocks:
    """The rows that nobody has taken yet."""

    def __init__(self, rows: int, step: int) -> None:
        self._rows, self._step, self._next = rows, step, 0
        self._lock = threading.Lock()

    def take(self) -> tuple[int, int] | None:
        with self._lock:
            first = self._next
            self._next = stop = min(self._rows, first + self._step)
        return (first, stop) if first < stop else None

    def leave(self) -> None:
        """Have none left."""
        with self._lock:
            self._next = self._rows


def are_long(rows: int, c: int, workers: int) -> bool:
    """Whether rows are too few to go round, and long enough to be shared out each."""
    return rows < 4 * workers and c >= LEAST_LONG


def over_rows(call: Callable[[int, int], None], rows: int, c: int, workers: int) -> None:
    """Make ``call(first, stop)`` for all rows, by several threads if that is worth it."""
    # Several blocks a thread, so that one that is held up does not hold up the others.
    step = min(max(rows * c // (4 * workers), LEAST_BLOCK), MOST_BLOCK) // c
    step = max(step, 1)
    helpers = min(workers, -(-rows // step)) - 1
    if helpers < 1:
        call(0, rows)
        return
    blocks = _Blocks(rows, step)

    def work() -> None:
        try:
            while block := blocks.take():
                call(*block)
        finally:
            # After an error or an interrupt nobody goes on.
            blocks.leave()

    _together(work, work, blocks.leave, helpers)


def over_segments(call: Callable[["Team"], None], team: "Team", workers: int) -> None:
    """Make ``call(team)``, which shares out every row's segments to the team."""
    _together(lambda: call(team), team.help, team.close, workers - 1)


def _together(
    own: Callable[[], None], help_out: Callable[[], None], leave: Callable[[], None], helpers: int
) -> None:
    """Do ``own`` while other threads ``help_out``, which they ``leave`` when it is done."""
    started: list[Future[None]] = []
    try:
        # Where no thread can be had, as at the end of the interpreter, this one does all.
        with contextlib.suppress(RuntimeError):
            for _ in range(helpers):
                started.append(_threads().submit(help_out))
        own()
    finally:
        leave()
        for future in started:
            if not future.cancel():
                future.result()
