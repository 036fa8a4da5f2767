"""Memory for blocks, which is taken again when nobody holds the last block any more.

New memory of a few megabytes comes from the system page by page, which costs more than to read
the block from the page cache.
"""

import threading
import weakref
from typing import Any

import numpy as np
from numpy.typing import NDArray

LINE = 64  # bytes of a line of the processor's cache


class Buffers:
    """Blocks of memory, as many as were in use at once."""

    def __init__(self) -> None:
        self._free: list[memoryview] = []
        self._lock = threading.Lock()

    def take(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
        """Return an array, not cleared; its memory comes back when its last view is gone."""
        size = int(np.prod(shape)) * dtype.itemsize
        memory = self._at_least(size)
        # Views of views refer to this array, which owns nothing: when it goes, all of them have.
        held = np.frombuffer(memory, np.uint8, size)
        weakref.finalize(held, self._give_back, memory).atexit = False
        return held.view(dtype).reshape(shape)

    def _at_least(self, size: int) -> memoryview:
        with self._lock:
            while self._free:
                memory = self._free.pop()
                if memory.nbytes >= size:
                    return memory
        raw = np.empty(size + LINE, np.uint8)
        skipped = -raw.ctypes.data % LINE
        return raw[skipped : skipped + size].data

    def _give_back(self, memory: memoryview) -> None:
        with self._lock:
            self._free.append(memory)
