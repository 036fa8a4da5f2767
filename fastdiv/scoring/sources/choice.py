"""Which arrays of a table are meant: rows, labels, ids."""

import fnmatch
from pathlib import Path

from fastdiv.scoring.sources.errors import InputError, some_of
from fastdiv.scoring.sources.table import Entry, Table


def rows_of(table: Table, column: str | list[str] | None, taken: set[str]) -> list[str]:
    """Return the name of the rows' array, or those of a column for every class.

    Without ``column``: the one array of two axes or more that holds floats (or the one that there
    is at all), or else all columns of floats but those that are ``taken``.
    """
    if isinstance(column, list):
        return [table.require(name) for name in column]
    if column is not None and column not in table.entries and "*" in column:
        # As they stand in the file: c10 may come before c2 in any other order.
        names = [name for name in table.entries if fnmatch.fnmatchcase(name, column)]
        return names or [table.require(column)]
    if column is not None:
        return [table.require(column)]
    free = {name: e for name, e in table.entries.items() if name not in taken}
    matrices = {name: e for name, e in free.items() if len(e.shape) >= 2}
    floats = [name for name, e in matrices.items() if e.floats] or list(matrices)
    if len(floats) == 1:
        return floats
    if floats:
        raise InputError(
            f"{table.path}: has several arrays of rows, {some_of(floats)}: say which by its column"
        )
    columns = [name for name, e in free.items() if e.floats] or list(free)
    if len(columns) == 1 or (columns and all(_is_float(free[name]) for name in columns)):
        return columns
    raise InputError(
        f"{table.path}: has no column of rows: a list of numbers, or columns of floats for the "
        f"classes; there are {some_of(list(table.entries))}"
    )


def _is_float(entry: Entry) -> bool:
    return entry.floats


def column_of(table: Table, name: str | None, kind: str) -> str:
    """Return the name of the array of labels (or ids): ``name``, or the one that it can be."""
    if name is not None:
        return table.require(name)
    names = list(table.entries)
    flat = [n for n in names if len(table.entries[n].shape) == 1] or names
    whole = [n for n in flat if table.entries[n].integers]
    for found in (whole, flat):
        if len(found) == 1:
            return found[0]
    if kind in names:
        return kind
    raise InputError(
        f"{table.path}: has several columns, {some_of(names)}: say which holds the {kind}, as "
        f"'{Path(table.path).name}::{flat[0]}'"
    )
