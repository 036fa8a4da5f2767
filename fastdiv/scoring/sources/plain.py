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
from fastdiv.scoring.sources.open_files import OpenFiles, Slot

# Far fewer than any system allows a process, far more than threads read at once.
OPEN = OpenFiles(256)


class PlainFile:
    """A file that any thread may read from."""

    def __init__(self, path: Path) -> None:
        self.path, self._slot = path, Slot()
        weakref.finalize(self, OPEN.close, self._slot).atexit = False
        self._lock = threading.Lock()
        with explained(path):
            # A pipe would wait for its writer when it is opened.
            if not stat.S_ISREG(path.stat().st_mode):
                raise InputError(
                    f"{path}: is no file that can be read in blocks: save it as one, or pipe a "
                    "stream of Arrow batches to -"
                )
            with OPEN.used(self._slot, path) as descriptor:
                self._seen = _identity(os.fstat(descriptor))
        self.size = self._seen[0]

    def fill(self, block: NDArray[Any], at: int) -> None:
        """Read bytes from ``at`` on until ``block``, which is contiguous, is full."""
        into = block.reshape(-1).view(np.uint8).data
        with explained(self.path), OPEN.used(self._slot, self.path) as descriptor:
            if self._slot.opened_again and _identity(os.fstat(descriptor)) != self._seen:
                raise self.changed()
            while into.nbytes:
                count = self._read_at(descriptor, into, at)
                if count == 0:
                    raise self.changed()
                into, at = into[count:], at + count

    def bytes(self, at: int, count: int) -> bytes:
        """Return up to ``count`` bytes from ``at`` on, fewer at the end of the file."""
        block = np.empty(max(0, min(count, self.size - at)), np.uint8)
        self.fill(block, at)
        return block.tobytes()

    def _read_at(self, descriptor: int, into: memoryview, at: int) -> int:
        if hasattr(os, "preadv"):
            return os.preadv(descriptor, [into], at)
        with self._lock:
            os.lseek(descriptor, at, os.SEEK_SET)
            data = os.read(descriptor, into.nbytes)
        into[: len(data)] = data
        return len(data)

    def changed(self) -> InputError:
        """Return the error of a file that is not what it was."""
        return InputError(f"{self.path}: changed while it was read")

    def check_unchanged(self) -> None:
        """Raise if the file is not what it was when it was opened."""
        try:
            with OPEN.used(self._slot, self.path) as descriptor:
                now = _identity(os.fstat(descriptor))
        except FileNotFoundError:
            raise self.changed() from None
        if now != self._seen:
            raise self.changed()


def _identity(status: os.stat_result) -> tuple[int, int, int, int]:
    """Return what changes with a file's content: its size first."""
    return status.st_size, status.st_mtime_ns, status.st_ino, status.st_dev
