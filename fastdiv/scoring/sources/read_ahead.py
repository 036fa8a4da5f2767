"""Pieces that threads read before they are asked for."""

import queue
import threading
from collections.abc import Generator, Iterator
from typing import NamedTuple

from fastdiv.scoring.sources.part import Item, Stream

AHEAD = 2  # pieces that wait, for every thread that reads


class _Failed(NamedTuple):
    """What a reading thread met, to be raised where its pieces are taken."""

    error: BaseException


def read_ahead(
    streams: Iterator[Stream[Item]], rows: int, readers: int
) -> Generator[Item, None, None]:
    """Give the pieces of at most ``rows`` rows of all streams.

    ``readers`` threads take a stream each and, when it ends, the next. One gives the pieces in
    order, several give those of their streams in turns. No more than two pieces a thread wait.
    """
    waiting: queue.Queue[Item | _Failed | None] = queue.Queue(AHEAD * readers)
    stopped, next_stream = threading.Event(), threading.Lock()

    def put(item: Item | _Failed | None) -> None:
        # In steps, as the one who takes may have gone.
        while not stopped.is_set():
            try:
                waiting.put(item, timeout=0.05)
            except queue.Full:
                continue
            return

    def take() -> Stream[Item] | None:
        with next_stream:
            return next(streams, None)

    def work() -> None:
        try:
            while (stream := take()) is not None and not stopped.is_set():
                for piece in stream(rows):
                    put(piece)
                    if stopped.is_set():
                        return
        except BaseException as error:
            put(_Failed(error))
        else:
            put(None)

    threads = [threading.Thread(target=work, name="fastdiv-read") for _ in range(readers)]
    for thread in threads:
        thread.daemon = True
        thread.start()
    try:
        left = readers
        while left:
            item = waiting.get()
            if item is None:
                left -= 1
            elif isinstance(item, _Failed):
                raise item.error
            else:
                yield item
    finally:
        stopped.set()
        for thread in threads:
            thread.join()
