"""Zarr and HDF5: arrays in chunks, of which the libraries read slices."""

from pathlib import Path
from typing import Any

import numpy as np

from fastdiv.scoring.sources.dtypes import numbers
from fastdiv.scoring.sources.errors import InputError, explained, needed
from fastdiv.scoring.sources.plain import PlainFile
from fastdiv.scoring.sources.stored import Array, Chunks, Raw, Stored
from fastdiv.scoring.sources.table import Entry, Table


class Grid(Chunks):
    """An array that takes slices of its first axis, read in whole chunks of it."""

    def __init__(
        self, table: "GridTable", name: str, array: Any, classes: int | None, dtype: Any
    ) -> None:
        shape = tuple(array.shape)
        lead = shape if classes is None else shape[:-1]
        # Rows along several axes: a step of the first axis is that many of them.
        self._step = int(np.prod(lead[1:], dtype=object))
        chunks = getattr(array, "chunks", None) or (1,)
        super().__init__(table.path, name, lead, classes, dtype, max(1, chunks[0] * self._step))
        self._table, self._array = table, array

    def read_whole(self, start: int, stop: int) -> Array:
        """Return rows ``start`` to ``stop``: chunks."""
        begin, end = start // self._step, -(-stop // self._step)
        try:
            with explained(self.path, self._table.DAMAGE):
                block = np.asarray(self._array[begin:end])
        except InputError:
            self._table.check_unchanged()
            raise
        made: Array = block.reshape(self.shape_of(stop - start))
        return made


class GridTable(Table):
    """A file or a folder of arrays in chunks."""

    # What the libraries raise for what is there and wrong.
    DAMAGE: tuple[type[Exception], ...] = (ValueError, RuntimeError, KeyError)

    def __init__(self, path: Path, metadata: Path, nbytes: int | None, arrays: dict[str, Any]):
        self._metadata, self._arrays = PlainFile(metadata), arrays
        entries = {n: Entry(tuple(a.shape), str(a.dtype)) for n, a in arrays.items()}
        super().__init__(path, nbytes, entries)

    def column(self, name: str) -> Stored:
        """Return labels or ids."""
        array = self._arrays[name]
        return Grid(self, name, array, None, array.dtype)

    def matrix(self, name: str) -> Stored:
        """Return rows."""
        array = self._arrays[name]
        return Grid(self, name, array, array.shape[-1], numbers(array.dtype, self.path, name))

    def check_unchanged(self) -> None:
        """Raise if the file, or Zarr's metadata, is not what it was when it was opened."""
        self._metadata.check_unchanged()


class Zarr(GridTable):
    """A Zarr array, or a group of them. A chunk that is not there is full of the fill value."""

    format = "zarr"

    def __init__(self, path: Path) -> None:
        zarr = needed("zarr", "zarr", path)
        with explained(path, self.DAMAGE):
            opened = zarr.open(str(path), mode="r")
            alone = hasattr(opened, "shape")
            arrays = {"": opened} if alone else dict(sorted(opened.arrays()))
        names = ("zarr.json", ".zarray", ".zgroup")
        metadata = next(path / name for name in names if (path / name).exists())
        super().__init__(path, metadata, None, arrays)


class Hdf5(GridTable):
    """An HDF5 file. Data sets that are not cut into chunks are read where they lie."""

    format = "hdf5"

    def __init__(self, path: Path) -> None:
        self._h5py = h5py = needed("h5py", "hdf5", path)
        arrays: dict[str, Any] = {}

        def visit(name: str, item: Any) -> None:
            if isinstance(item, h5py.Dataset):
                arrays[name] = item

        with explained(path, self.DAMAGE):
            # Without locks: a file may lie where none can be had, and is only read.
            self._file = h5py.File(path, "r", locking=False)
            self._file.visititems(visit)
        super().__init__(path, path, path.stat().st_size, arrays)

    def column(self, name: str) -> Stored:
        """Return labels or ids."""
        array = self._arrays[name]
        if self._h5py.check_string_dtype(array.dtype):
            return Grid(self, name, _Texts(array), None, np.dtype(object))
        return super().column(name)

    def matrix(self, name: str) -> Stored:
        """Return rows."""
        array = self._arrays[name]
        dtype = numbers(array.dtype, self.path, name)
        at = None if array.chunks else array.id.get_offset()
        if at is None:
            return super().matrix(name)
        return Raw(self._metadata, name, at, array.shape[:-1], array.shape[-1], dtype)


class _Texts:
    """A data set of texts, as Python's."""

    def __init__(self, array: Any) -> None:
        self.shape, self.chunks, self._array = array.shape, array.chunks, array

    def __getitem__(self, key: slice) -> Any:
        return self._array.asstr()[key]
