"""Files of every row's numbers: ``.npy`` of the main one, Parquet of all, with ids.

They are written block by block, and appear when they are whole or not at all.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np

from fastdiv.scoring.job import Columns, Job
from fastdiv.scoring.run import Sink
from fastdiv.scoring.sources.errors import InputError, needed
from fastdiv.scoring.whole_file import whole_file

SUFFIXES = (".npy", ".parquet")
# Rows of a row group; blocks are smaller.
GROUP = 1 << 17


class RowsFile(Sink, Protocol):
    """A file that takes the rows' numbers in order."""

    def finish(self) -> None:
        """Write what belongs at the end, or at the beginning once the end is known."""


class NpyRows:
    """The main column as a ``.npy`` array of shape (rows,)."""

    def __init__(self, file: IO[bytes], job: Job) -> None:
        self._file, self._column, self._dtype = file, job.main, job.dtype
        self._rows = 0
        self._header()

    def _header(self) -> None:
        # NumPy leaves room for the number to grow, so that it can be written again.
        np.lib.format.write_array_header_1_0(
            self._file,
            {
                "descr": np.lib.format.dtype_to_descr(self._dtype),
                "fortran_order": False,
                "shape": (self._rows,),
            },
        )

    def write(self, start: int, columns: Columns) -> None:
        """Append the numbers of the rows from ``start`` on."""
        numbers = np.ascontiguousarray(columns[self._column], self._dtype)
        self._rows += numbers.size
        self._file.write(numbers.tobytes())

    def finish(self) -> None:
        """Write the header with the number of rows."""
        self._file.seek(0)
        self._header()


class ParquetRows:
    """All columns, with the row's number and, where there are any, its id."""

    def __init__(self, file: IO[bytes], job: Job) -> None:
        self._arrow = needed("pyarrow", "parquet", "--out FILE.parquet")
        self._parquet = needed("pyarrow.parquet", "parquet", "--out FILE.parquet")
        self._file = file
        self._writer: Any = None
        self._waiting: list[Any] = []

    def write(self, start: int, columns: Columns) -> None:
        """Append the numbers of the rows from ``start`` on."""
        size = len(next(iter(columns.values())))
        rows = {"row": np.arange(start, start + size), **columns}
        self._waiting.append(self._arrow.table({k: self._arrow.array(v) for k, v in rows.items()}))
        if sum(len(table) for table in self._waiting) >= GROUP:
            self._flush()

    def _flush(self) -> None:
        if not self._waiting:
            return
        table = self._arrow.concat_tables(self._waiting).combine_chunks()
        self._waiting = []
        if self._writer is None:
            self._writer = self._parquet.ParquetWriter(self._file, table.schema)
        self._writer.write_table(table)

    def finish(self) -> None:
        """Write what is left, and the footer."""
        self._flush()
        if self._writer is not None:
            self._writer.close()


def check_name(path: Path) -> None:
    """Raise for a name of no format that is written."""
    if path.suffix not in SUFFIXES:
        raise InputError(f"{path}: is neither .npy (the main number) nor .parquet (all of them)")


def rows_file(path: Path, file: IO[bytes], job: Job) -> RowsFile:
    """Return a writer of the format of a name."""
    return NpyRows(file, job) if path.suffix == ".npy" else ParquetRows(file, job)


@contextlib.contextmanager
def written(path: Path | None, job: Job) -> Iterator[RowsFile | None]:
    """Open a file for the rows' numbers; None if there is no path."""
    if path is None:
        yield None
        return
    with whole_file(path) as file:
        rows = rows_file(path, file, job)
        yield rows
        rows.finish()


def read(path: Path, job: Job) -> Iterator[tuple[int, Columns]]:
    """Give the numbers of a file of `rows_file` again; a .npy file does not know its first row."""
    if path.suffix == ".npy":
        numbers = np.load(path, mmap_mode="r")
        for k in range(0, len(numbers), GROUP):
            yield k, {job.main: numbers[k : k + GROUP]}
        return
    parquet = needed("pyarrow.parquet", "parquet", path)
    with parquet.ParquetFile(path) as file:
        for batch in file.iter_batches(GROUP):
            columns = {n: batch[n].to_numpy(zero_copy_only=False) for n in batch.schema.names}
            start = int(columns.pop("row")[0])
            yield start, columns
