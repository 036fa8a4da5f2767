"""A file of results, which appears when it is whole or not at all."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastdiv.scoring.files import InputError


class Output:
    """A ``.npy`` file of numbers to which blocks are appended."""

    def __init__(self, path: Path, rows: int, dtype: np.dtype[Any]) -> None:
        self._path, self._dtype = path, dtype
        if not path.parent.is_dir():
            raise InputError(f"{path}: there is no folder {path.parent}")
        if path.is_dir():
            raise InputError(f"{path}: is a folder")
        with self._explained():
            descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
            self._temporary = Path(name)
            self._file = os.fdopen(descriptor, "wb")
        header = {
            "descr": np.lib.format.dtype_to_descr(dtype),
            "fortran_order": False,
            "shape": (rows,),
        }
        np.lib.format.write_array_header_1_0(self._file, header)

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise InputError(f"{self._path}: cannot be written: {error.strerror}") from None

    def write(self, block: NDArray[Any]) -> None:
        """Append a block."""
        with self._explained():
            self._file.write(np.ascontiguousarray(block, self._dtype).tobytes())

    def finish(self) -> None:
        """Put the file in its place."""
        with self._explained():
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            # As open() would have made it; mkstemp's files are for their owner alone.
            mask = os.umask(0)
            os.umask(mask)
            self._temporary.chmod(0o666 & ~mask)
            self._temporary.replace(self._path)

    def discard(self) -> None:
        """Leave nothing behind."""
        # What could not be written before cannot be now, and is not wanted.
        with contextlib.suppress(OSError):
            self._file.close()
        self._temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def written(path: Path | None, rows: int, dtype: np.dtype[Any]) -> Iterator[Output | None]:
    """Open a file for ``rows`` numbers; None if there is no path."""
    if path is None:
        yield None
        return
    output = Output(path, rows, dtype)
    try:
        yield output
        output.finish()
    except BaseException:
        output.discard()
        raise
