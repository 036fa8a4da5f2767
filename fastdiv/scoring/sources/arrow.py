"""Arrow's columns as NumPy arrays, without a copy where they are rows of equal lengths.

Three traps are closed here. ``flatten`` leaves out null rows, so that all later ones would belong
to other labels; ``values`` keeps them but forgets where a slice begins; lists may have any lengths.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fastdiv.scoring.sources.dtypes import numbers
from fastdiv.scoring.sources.errors import InputError, needed, of_all
from fastdiv.scoring.sources.stored import Array
from fastdiv.scoring.sources.table import Entry

# Of types that NumPy calls otherwise.
NAMES = {"halffloat": "float16", "float": "float32", "double": "float64"}


class Place(NamedTuple):
    """Where an array stands, for errors: file, column and the number of its first row in the file.

    ``start`` is the number of the file's first row among all files.
    """

    path: Path | str
    name: str
    row: int
    start: int = 0

    def error(self, row: int, fault: str) -> InputError:
        """Return the error of a row of the array."""
        row += self.row
        there = of_all(row, self.start)
        return InputError(f"{self.path}: row {row} of {self.name}{there} {fault}")


def library(path: Path | str, module: str = "pyarrow") -> Any:
    """Import pyarrow or one of its modules."""
    return needed(module, "parquet" if module.endswith("parquet") else "arrow", path)


def entries_of(schema: Any) -> dict[str, Entry]:
    """Return the columns of a schema as a table's entries; lists have -1 classes."""
    entries: dict[str, Entry] = {}
    for field in schema:
        kind, width = unwrapped(field.type)
        shape = (-1,) if width is None else (-1, width)
        entries[field.name] = Entry(shape, NAMES.get(str(kind), str(kind)))
    return entries


def unwrapped(kind: Any) -> tuple[Any, int | None]:
    """Return a column's number type, and the classes of its rows: -1 of lists, None of numbers."""
    pa = library("Arrow")
    if isinstance(kind, pa.FixedShapeTensorType):
        sizes = [n for n in kind.shape if n != 1] or [1]
        # Of more than one axis there is no telling which the classes are.
        return (kind.value_type, sizes[0]) if len(sizes) == 1 else (kind, None)
    if isinstance(kind, pa.BaseExtensionType):
        return unwrapped(kind.storage_type)
    if pa.types.is_dictionary(kind):
        return unwrapped(kind.value_type)
    if pa.types.is_fixed_size_list(kind):
        return kind.value_type, kind.list_size
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return kind.value_type, -1
    return kind, None


def numpy_type(kind: Any, place: Place) -> np.dtype[Any]:
    """Return the NumPy type of a column's numbers."""
    pa = library(place.path)
    primitive = pa.types.is_integer(kind) or pa.types.is_floating(kind)
    if not primitive:
        raise InputError(
            f"{place.path}: {place.name} holds {kind}, which are no numbers of a row: rows are a "
            "fixed-size list, a list or a fixed-shape tensor of floats, or a column for each class"
        )
    return numbers(np.dtype(kind.to_pandas_dtype()), Path(place.path), place.name)


def plain(array: Any) -> Any:
    """Return an array without chunks, dictionary and extension type."""
    pa = library("Arrow")
    if isinstance(array, pa.ChunkedArray):
        array = array.chunk(0) if array.num_chunks == 1 else array.combine_chunks()
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    if isinstance(array, pa.DictionaryArray):
        array = array.dictionary_decode()
    return array


def matrix(array: Any, classes: int, place: Place) -> Array:
    """Return a column of rows as an array (rows, classes)."""
    array = plain(array)
    no_null_rows(array, place)
    if hasattr(array, "offsets"):
        # These know where a slice begins.
        offsets = array.offsets.to_numpy()
        equal_lengths(offsets, classes, place)
        first = int(offsets[0]) if len(array) else 0
    else:
        first = array.offset * classes
    values = plain(array.values.slice(first, len(array) * classes))
    if values.null_count:
        bad = np.flatnonzero(values.is_null().to_numpy(zero_copy_only=False))
        row, k = divmod(int(bad[0]), classes)
        raise place.error(row, f"is null at class {k}: write NaN or a number there")
    made: Array = values.to_numpy(zero_copy_only=True).reshape(len(array), classes)
    return made


def equal_lengths(offsets: Array, classes: int, place: Place) -> None:
    """Refuse lists of other lengths."""
    lengths = np.diff(offsets)
    bad = np.flatnonzero(lengths != classes)
    if bad.size:
        raise place.error(int(bad[0]), f"has {lengths[bad[0]]} classes, others have {classes}")


def vector(array: Any, place: Place) -> Array:
    """Return a column of numbers, or of texts as Python's, as an array (rows,)."""
    array = plain(array)
    no_null_rows(array, place)
    made: Array = array.to_numpy(zero_copy_only=False)
    return made


def no_null_rows(array: Any, place: Place) -> None:
    """Refuse null rows."""
    if array.null_count:
        bad = np.flatnonzero(array.is_null().to_numpy(zero_copy_only=False))
        raise place.error(int(bad[0]), "is null: leave such rows out before they are scored")
