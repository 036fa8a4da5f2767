"""Arrays in ``.npy`` files, read block by block.

They are read and not mapped: of a mapped file that gets shorter the system makes a crash, of a read
one an error; and a block read into memory that is used again costs no page faults.
"""

import os
import stat
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from fastdiv import _check
from fastdiv.scoring.sources.errors import InputError

__all__ = ["Array", "InputError", "Labels", "Rows"]


class Array:
    """The array of a ``.npy`` file, open until nobody holds it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = path.open("rb", buffering=0)
            weakref.finalize(self, self._file.close)
            self._seen = os.fstat(self._file.fileno())
            if not stat.S_ISREG(self._seen.st_mode):
                raise InputError(f"{path}: is no file that can be read in blocks: save it as one")
            self._header()
        except OSError as error:
            raise InputError(f"{path}: {error.strerror or error}") from None
        self._buffers = threading.local()
        self._lock = threading.Lock()

    def _header(self) -> None:
        """Read shape and type, and compare what they promise with what is there."""
        magic = self._file.read(8)
        if magic[:2] == b"PK":
            raise InputError(f"{self.path}: is an .npz archive: save the array with numpy.save")
        if magic[:6] != b"\x93NUMPY":
            raise InputError(f"{self.path}: is not a .npy file: save the array with numpy.save")
        readers = {1: npy.read_array_header_1_0, 2: npy.read_array_header_2_0}
        if len(magic) < 8 or magic[6] not in readers:
            raise InputError(f"{self.path}: cannot be read as .npy of version 1 or 2")
        try:
            self.shape, self._by_column, self.dtype = readers[magic[6]](self._file)
        except ValueError as error:
            raise InputError(f"{self.path}: has a broken .npy header: {error}") from None
        try:
            _check.as_array(np.empty(0, self.dtype), str(self.path))
        except TypeError as error:
            raise InputError(str(error)) from None
        self._start = self._file.tell()
        promised = self._start + int(np.prod(self.shape, dtype=object)) * self.dtype.itemsize
        excess = self._seen.st_size - promised
        if excess < 0:
            raise InputError(
                f"{self.path}: is cut off: its header promises {promised} bytes, it has "
                f"{self._seen.st_size}"
            )
        if excess > 0:
            raise InputError(
                f"{self.path}: has {excess} bytes more than its header says: is it still being "
                "written?"
            )

    def buffer(self, shape: tuple[int, ...]) -> NDArray[Any]:
        """Return memory of this thread, which its next call takes again."""
        size = int(np.prod(shape))
        if getattr(self._buffers, "size", -1) < size:
            self._buffers.array = np.empty(size, self.dtype)
            self._buffers.size = size
        made: NDArray[Any] = self._buffers.array[:size].reshape(shape)
        return made

    def fill(self, block: NDArray[Any], first: int) -> None:
        """Read elements from the file's ``first`` on; ``block`` is contiguous."""
        into = block.view(np.uint8).reshape(-1).data
        at = self._start + first * self.dtype.itemsize
        while into.nbytes:
            try:
                count = self._read_at(into, at)
            except OSError as error:
                raise InputError(f"{self.path}: {error.strerror or error}") from None
            if count == 0:
                raise self._changed()
            into, at = into[count:], at + count

    def _read_at(self, into: memoryview, at: int) -> int:
        if hasattr(os, "preadv"):
            return os.preadv(self._file.fileno(), [into], at)
        with self._lock:
            self._file.seek(at)
            return self._file.readinto(into) or 0

    def _changed(self) -> InputError:
        return InputError(f"{self.path}: changed while it was read")

    def check_unchanged(self) -> None:
        """Raise if the file is not what it was when it was opened."""
        now = os.fstat(self._file.fileno())
        if (now.st_size, now.st_mtime_ns) != (self._seen.st_size, self._seen.st_mtime_ns):
            raise self._changed()


class Rows(Array):
    """The rows of a file: an array of shape (rows, classes), the leading axes flattened."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        if len(self.shape) < 2:
            raise InputError(
                f"{path}: has shape {self.shape}; rows of classes are needed: (rows, classes)"
            )
        if self._by_column and len(self.shape) > 2:
            raise InputError(
                f"{path}: has its first axis next to each other in the file, and more than two: "
                "save numpy.ascontiguousarray of it"
            )
        self.lead = self.shape[:-1]
        self.rows, self.classes = int(np.prod(self.lead)), self.shape[-1]
        if self.rows == 0 or self.classes == 0:
            raise InputError(f"{path}: has shape {self.shape}; there is nothing in it")
        self.row_bytes = self.classes * self.dtype.itemsize

    def block(self, start: int, stop: int) -> NDArray[Any]:
        """Rows ``start`` to ``stop``, in memory that this thread's next block takes again."""
        if not self._by_column:
            block = self.buffer((stop - start, self.classes))
            self.fill(block, start * self.classes)
            return block
        columns = self.buffer((self.classes, stop - start))
        for k in range(self.classes):
            self.fill(columns[k], k * self.rows + start)
        return columns.T


class Labels(Array):
    """Labels, one for every row of a file, each of them checked."""

    def __init__(self, path: Path, rows: Rows) -> None:
        super().__init__(path)
        if self.dtype.kind not in "iu":
            raise InputError(f"{path}: labels must be integers, not {self.dtype}")
        if self.shape != rows.lead:
            raise InputError(
                f"{path}: has shape {self.shape}; {rows.path} needs labels of shape {rows.lead}"
            )
        if self._by_column and len(self.shape) > 1:
            raise InputError(f"{path}: save numpy.ascontiguousarray of the labels")
        self._classes = rows.classes
        for start, part in self._parts(rows.rows):
            bad = np.flatnonzero(~self._valid(part))
            if bad.size:
                raise InputError(
                    f"{path}: label {part[bad[0]]} at row {start + bad[0]} is out of range for "
                    f"{rows.classes} classes (0 to {rows.classes - 1})"
                )

    def _parts(self, rows: int) -> Iterator[tuple[int, NDArray[Any]]]:
        step = 1 << 20
        for start in range(0, rows, step):
            part = self.buffer((min(step, rows - start),))
            self.fill(part, start)
            yield start, part

    def _valid(self, labels: NDArray[Any]) -> NDArray[np.bool_]:
        return (labels >= 0) & (labels < self._classes)

    def block(self, start: int, stop: int) -> NDArray[Any]:
        """Labels ``start`` to ``stop``, a copy."""
        made = np.empty(stop - start, self.dtype)
        self.fill(made, start)
        if not self._valid(made).all():
            raise self._changed()
        return made
