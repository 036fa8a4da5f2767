"""A job done on several threads, the numbers handed on in the order of the rows."""

import collections
import contextlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol

from fastdiv import _workers
from fastdiv.scoring.job import Columns, Job, Tally

# Seconds between two states that a job can be resumed from.
EVERY_SECONDS = 5.0
# Bytes of the blocks in flight at most, but for two blocks: chunks can be large.
IN_FLIGHT = 128 << 20


class Sink(Protocol):
    """What takes the rows' numbers, in order."""

    def write(self, start: int, columns: Columns) -> None:
        """Take the numbers of the rows from ``start`` on."""


class Checkpoints(Protocol):
    """What keeps the state of a job."""

    rows: int

    def save(self, rows: int, tally: Tally) -> None:
        """Keep that the first rows are done."""


class _Threads:
    """Threads that do blocks, each with a tally of its own."""

    def __init__(self, job: Job, workers: int) -> None:
        self._job = job
        self._own = threading.local()
        self._all: list[Tally] = []
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(workers, initializer=_workers.alone)

    def submit(self, plan: Any) -> "Future[Columns]":
        return self._pool.submit(self._do, plan)

    def _do(self, plan: Any) -> Columns:
        if not hasattr(self._own, "tally"):
            self._own.tally = Tally(self._job.empty())
            with self._lock:
                self._all.append(self._own.tally)
        return self._job.do(plan, self._own.tally)

    def total(self) -> Tally:
        """Merge all tallies. No thread may be at work."""
        total = Tally(self._job.empty())
        for tally in self._all:
            total.merge(tally)
        return total

    def shutdown(self) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)


def run(
    job: Job,
    *,
    block_bytes: int,
    workers: int,
    sink: Sink | None = None,
    done: Callable[[int], None] = lambda _: None,
    checkpoints: Checkpoints | None = None,
    before: Tally | None = None,
) -> Tally:
    """Do a job.

    Parameters
    ----------
    job : Job
    block_bytes : int
        About the size of a block.
    workers : int
        Threads.
    sink : Sink, optional
        What takes every row's numbers.
    done : callable, optional
        Is told how many rows are done, block by block.
    checkpoints : Checkpoints, optional
        What keeps the state; its first ``rows`` rows are done, and ``before`` tells of them.

    Returns
    -------
    Tally
        Of all rows; no bit of it depends on the blocks or the threads.
    """
    # In the order of the file, where somebody relies on it.
    readers = workers if sink is None and checkpoints is None else 1
    first = 0 if checkpoints is None else checkpoints.rows
    pending: collections.deque[tuple[Any, int, Future[Columns]]] = collections.deque()
    threads = _Threads(job, workers)
    in_flight = 0
    last = first
    saved = time.monotonic()

    def finish() -> None:
        nonlocal in_flight, last
        plan, size, future = pending.popleft()
        columns = future.result()
        in_flight -= size
        last = max(last, plan.stop)
        if sink is not None:
            sink.write(plan.start, columns)
        done(plan.stop - plan.start)

    def total() -> Tally:
        while pending:
            finish()
        made = threads.total()
        if before is not None:
            made.merge(before)
        return made

    try:
        # Closed in the end, as threads that read ahead would go on.
        with contextlib.closing(job.plan(block_bytes, readers)) as plans:
            for plan in plans:
                if plan.stop <= first:
                    continue
                size = (plan.stop - plan.start) * job.row_bytes
                while pending and (
                    len(pending) >= 2 * workers
                    or (in_flight + size > IN_FLIGHT and len(pending) > 1)
                ):
                    finish()
                if checkpoints is not None and time.monotonic() - saved > EVERY_SECONDS:
                    tally = total()
                    checkpoints.save(last, tally)
                    saved = time.monotonic()
                pending.append((plan, size, threads.submit(plan)))
                in_flight += size
        made = total()
        job.check_unchanged()
    finally:
        threads.shutdown()
    return made
