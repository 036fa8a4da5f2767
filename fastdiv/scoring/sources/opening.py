"""``open_rows``: from a path to a source."""

import sys
from pathlib import Path
from typing import IO

from fastdiv.scoring.sources import choice
from fastdiv.scoring.sources.errors import InputError, explained
from fastdiv.scoring.sources.formats import find_files, open_table
from fastdiv.scoring.sources.part import Part
from fastdiv.scoring.sources.source import Source
from fastdiv.scoring.sources.stored import Stored
from fastdiv.scoring.sources.table import Table
from fastdiv.scoring.sources.vector import Vector

STDIN = Path("-")


def open_rows(
    place: str | Path | list[str],
    *,
    column: str | list[str] | None = None,
    labels: str | Path | None = None,
    ids: str | Path | None = None,
    stream: IO[bytes] | None = None,
    check_labels: bool = True,
) -> Source:
    """Open rows of classes in one file or in many.

    Parameters
    ----------
    place : str, pathlib.Path or list of str
        A file, a folder of files, a pattern of files (``'out/*.parquet'``), or ``-`` for a stream
        of Arrow batches on standard input. Files are taken in the order of their names. Several
        places are taken in their order.
    column : str or list of str, optional
        The name of the rows in a file of several arrays; of one column for every class, their
        names or a pattern of them (``'class_*'``, in the order of the file). Not needed where
        only one array can be meant.
    labels, ids : str or pathlib.Path, optional
        The name of a column (an array, a tensor) of the same files; or else a file, a folder or a
        pattern, with ``::name`` behind it where it holds several columns.
    stream : binary file, optional
        Read instead of standard input where `place` is ``-``.
    check_labels : bool, default True
        Whether labels in files of their own are all read and checked now; else only those that
        are asked for, when they are read, as labels in the rows' files are.

    Returns
    -------
    Source

    Raises
    ------
    InputError
        For anything that is wrong with a file, in one line.

    See Also
    --------
    iter_blocks : The rows, a block after the other.

    Examples
    --------
    >>> import numpy as np, tempfile
    >>> from fastdiv.scoring.sources import iter_blocks, open_rows
    >>> folder = tempfile.mkdtemp()
    >>> np.savez(f"{folder}/a.npz", logits=np.zeros((5, 3), np.float32), y=np.arange(5) % 3)
    >>> source = open_rows(f"{folder}/a.npz", labels="y")
    >>> source.rows, source.classes, source.dtype
    (5, 3, dtype('float32'))
    >>> [(b.start, b.labels.tolist()) for b in iter_blocks(source, 24)]
    [(0, [0, 1]), (2, [2, 0]), (4, [1])]
    """
    tables = _tables(place, stream)
    own, apart = [], []
    for spec, kind in ((labels, "labels"), (ids, "ids")):
        name = None if spec is None else _own(tables[0], spec)
        own.append(name)
        apart.append(_vector(tables[0], spec, kind) if spec is not None and name is None else None)
    taken = {name for name in own if name is not None}
    parts: list[Part] = []
    for table in tables:
        for name in taken:
            table.require(name)
        table.start = sum(part.rows or 0 for part in parts)
        parts.append(table.part(choice.rows_of(table, column, taken), *own))
    source = Source(parts, *apart)
    if apart[0] is not None:
        apart[0].classes = source.classes
        if check_labels:
            apart[0].check_all()
    return source


def _tables(place: str | Path | list[str], stream: IO[bytes] | None) -> list[Table]:
    if isinstance(place, list) and len(place) == 1:
        place = place[0]
    if not isinstance(place, list) and Path(place) == STDIN:
        from fastdiv.scoring.sources.arrow_stream import ArrowStream

        if stream is None and sys.stdin is None:
            raise InputError(f"{STDIN}: standard input is closed")
        return [ArrowStream(STDIN, stream or sys.stdin.buffer)]
    return [open_table(path) for path in find_files(place)]


def _own(table: Table, spec: str | Path) -> str | None:
    """Return the name of a column of the rows' own file, or None if another file is meant."""
    return spec if isinstance(spec, str) and spec and spec in table.entries else None


def _vector(rows: Table, spec: str | Path, kind: str) -> Vector:
    """Open labels or ids in files of their own."""
    place, _, name = str(spec).partition("::")
    files = find_files(place)
    names = [n for n in rows.entries if n]
    with explained(files[0]):
        if len(files) == 1 and not files[0].exists() and names and not Path(place).suffix:
            rows.require(place)
    tables = [open_table(path) for path in files]
    columns: list[Stored] = []
    for table in tables:
        table.start = sum(column.rows for column in columns)
        columns.append(table.column(choice.column_of(table, name or None, kind)))
    for column in columns:
        if kind == "labels" and column.dtype.kind in "fc":
            raise InputError(f"{column.path}: labels must be integers, not {column.dtype}")
    return Vector(tables, columns)
