"""Files of raw numbers, read where they lie.

They are read and not mapped: of a mapped file that gets shorter the system makes a crash, of a read
one an error; and a block read into memory that is used again costs no page faults.
"""

import os
import stat
import threading
import weakref
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastdiv.scoring.sources.errors import InputError, explained


class PlainFile:
    """A file, open until nobody holds it, that any thread may read from."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with explained(path):
            self._file = path.open("rb", buffering=0)
            weakref.finalize(self, self._file.close)
            self._seen = os.fstat(self._file.fileno())
        if not stat.S_ISREG(self._seen.st_mode):
            raise InputError(
                f"{path}: is no file that can be read in blocks: save it as one, or pipe a stream "
                "of Arrow batches to -"
            )
        self.size = self._seen.st_size
        self._lock = threading.Lock()

    def fill(self, block: NDArray[Any], at: int) -> None:
        """Read bytes from ``at`` on until ``block``, which is contiguous, is full."""
        into = block.reshape(-1).view(np.uint8).data
        while into.nbytes:
            with explained(self.path):
                count = self._read_at(into, at)
            if count == 0:
                raise self.changed()
            into, at = into[count:], at + count

    def bytes(self, at: int, count: int) -> bytes:
        """Return up to ``count`` bytes from ``at`` on, fewer at the end of the file."""
        block = np.empty(max(0, min(count, self.size - at)), np.uint8)
        self.fill(block, at)
        return block.tobytes()

    def _read_at(self, into: memoryview, at: int) -> int:
        if hasattr(os, "preadv"):
            return os.preadv(self._file.fileno(), [into], at)
        with self._lock:
            self._file.seek(at)
            return self._file.readinto(into) or 0

    def changed(self) -> InputError:
        """Return the error of a file that is not what it was."""
        return InputError(f"{self.path}: changed while it was read")

    def check_unchanged(self) -> None:
        """Raise if the file is not what it was when it was opened."""
        now = os.fstat(self._file.fileno())
        if (now.st_size, now.st_mtime_ns) != (self._seen.st_size, self._seen.st_mtime_ns):
            raise self.changed()
