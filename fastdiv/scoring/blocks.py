"""Blocks of rows through a function on all processors, the results in the file's order."""

import collections
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from fastdiv import _workers
from fastdiv.scoring.files import Array, Rows

Result = TypeVar("Result")

# Small enough to stay in a processor's cache, large enough for Python's share not to show.
BLOCK_BYTES = 4 << 20


def ranges(rows: int, row_bytes: int, block_bytes: int) -> Iterator[tuple[int, int]]:
    """Cut rows into blocks of at most ``block_bytes`` (but at least a row)."""
    step = max(1, block_bytes // row_bytes)
    for start in range(0, rows, step):
        yield start, min(rows, start + step)


def over_blocks(
    function: Callable[[int, int], Result],
    sources: list[Array],
    block_bytes: int,
    workers: int,
    done: Callable[[int], None],
) -> Iterator[Result]:
    """Give ``function(start, stop)`` for every block, in order; ``done`` is told of its rows.

    The kernels release the GIL, so threads run at the same time. No more than two blocks for each
    are in flight. When all are done, no source may have changed since it was opened.
    """
    sets = [s for s in sources if isinstance(s, Rows)]
    row_bytes = max(s.row_bytes for s in sets)
    pending: collections.deque[tuple[int, int, Future[Result]]] = collections.deque()
    pool = ThreadPoolExecutor(workers, initializer=_workers.alone)

    def finished() -> Result:
        start, stop, future = pending.popleft()
        result = future.result()
        done(stop - start)
        return result

    try:
        for start, stop in ranges(sets[0].rows, row_bytes, block_bytes):
            if len(pending) == 2 * workers:
                yield finished()
            pending.append((start, stop, pool.submit(function, start, stop)))
        while pending:
            yield finished()
        for source in sources:
            source.check_unchanged()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
