"""Rows and labels in ``.npy`` files, mapped into memory and let go of block by block."""

import contextlib
import mmap
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastdiv import _check


class InputError(Exception):
    """What is wrong with a file, in one line that names it (and the row)."""


class Rows:
    """The rows of a file: an array of shape (rows, classes), the leading axes flattened."""

    def __init__(self, path: Path) -> None:
        self.path = path
        array = mapped(path)
        try:
            _check.as_array(array[:0], str(path))
        except TypeError as error:
            raise InputError(str(error)) from None
        if array.ndim < 2:
            raise InputError(
                f"{path}: has shape {array.shape}; rows of classes are needed: (rows, classes)"
            )
        self.lead = array.shape[:-1]
        self.rows, self.classes = int(np.prod(self.lead)), array.shape[-1]
        if self.rows == 0 or self.classes == 0:
            raise InputError(f"{path}: has shape {array.shape}; there is nothing in it")
        self.row_bytes = self.classes * array.itemsize
        self._array = array.reshape(self.rows, self.classes) if array.ndim > 2 else array

    def block(self, start: int, stop: int) -> NDArray[Any]:
        """Rows ``start`` to ``stop``, not copied."""
        return self._array[start:stop]

    def release(self, start: int, stop: int) -> None:
        """Tell the system that rows are no longer needed, so that they leave our memory."""
        memory: Any = self._array.base
        while isinstance(memory, np.ndarray):
            memory = memory.base
        if hasattr(memory, "madvise") and self._array.flags.c_contiguous:
            begin = int(getattr(self._array, "offset", 0)) % mmap.ALLOCATIONGRANULARITY
            first = begin + start * self.row_bytes
            first -= first % mmap.PAGESIZE
            memory.madvise(mmap.MADV_DONTNEED, first, begin + stop * self.row_bytes - first)


def mapped(path: Path) -> NDArray[Any]:
    """Map a ``.npy`` file, or say why it is none."""
    try:
        with path.open("rb") as file:
            magic = file.read(6)
        if magic[:2] == b"PK":
            raise InputError(f"{path}: is an .npz archive: save the array alone with numpy.save")
        if magic != b"\x93NUMPY":
            raise InputError(f"{path}: is not a .npy file: save the array with numpy.save")
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    except ValueError as error:
        # NumPy's own words: a broken header, Python objects, fewer bytes than it promises.
        raise InputError(f"{path}: cannot be read as .npy, it may be cut off: {error}") from None
    assert isinstance(array, np.ndarray)
    return array


def labels_of(path: Path, rows: Rows) -> NDArray[Any]:
    """Labels, one for every row, each checked."""
    labels = mapped(path)
    if labels.dtype.kind not in "iu":
        raise InputError(f"{path}: labels must be integers, not {labels.dtype}")
    if labels.shape != rows.lead:
        raise InputError(
            f"{path}: has shape {labels.shape}; {rows.path} needs labels of shape {rows.lead}"
        )
    flat = labels.reshape(rows.rows)
    step = 1 << 20
    for start in range(0, rows.rows, step):
        part = flat[start : start + step]
        bad = np.flatnonzero((part < 0) | (part >= rows.classes))
        if bad.size:
            raise InputError(
                f"{path}: label {part[bad[0]]} at row {start + bad[0]} is out of range for "
                f"{rows.classes} classes (0 to {rows.classes - 1})"
            )
    return flat


@contextlib.contextmanager
def written(
    path: Path | None, rows: int, dtype: np.dtype[Any]
) -> Iterator[Callable[[NDArray[Any]], None]]:
    """Write ``rows`` numbers to a ``.npy`` file that appears when it is whole, or not at all.

    Gives a function that takes the next block.
    """
    if path is None:
        yield lambda _: None
        return
    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no folder {path.parent}")
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            header = {
                "descr": np.lib.format.dtype_to_descr(dtype),
                "fortran_order": False,
                "shape": (rows,),
            }
            np.lib.format.write_array_header_1_0(file, header)

            def write(block: NDArray[Any]) -> None:
                try:
                    file.write(np.ascontiguousarray(block, dtype).tobytes())
                except OSError as error:
                    raise InputError(f"{path}: cannot be written: {error.strerror}") from None

            yield write
            file.flush()
            os.fsync(file.fileno())
        # As open() would have made it; mkstemp's files are for their owner alone.
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
