"""One call of a function that makes several numbers of a row, each in an array of its own."""

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastdiv import _few, _rows
from fastdiv._check import Array
from fastdiv._rows import FUNCTION


def several_of_few(
    function: str,
    rows: tuple[ArrayLike, ...],
    labels: ArrayLike | None,
    types: tuple[int | None, ...],
    workers: int | None,
) -> tuple[Any, ...] | None:
    """Run a function that makes several numbers of small plain arrays; None for others."""
    if not _few.is_alone(workers):
        return None
    few = _few.labels_of(labels)
    made: tuple[Any, ...] | None = _rows.kernels.plain_several(
        FUNCTION[function], rows, labels if few is None else few, types
    )
    return made


def several(
    function: str,
    types: Mapping[str, Any],
    want: frozenset[str],
    p: Array | None,
    q: Array | None,
    labels: Array | None,
    *,
    wide: bool,
    workers: int | None,
) -> dict[str, Any]:
    """Run a function that makes several numbers of a row; those that are wanted, by name.

    ``types`` has the names in the order of the kernel, and the type of each. Arrays are as ``run``
    of the kernels takes them.
    """
    shape = (q if p is None else p).shape  # type: ignore[union-attr]
    columns = tuple(
        np.empty(shape[:-1], dtype) if name in want else None for name, dtype in types.items()
    )
    call = functools.partial(_rows.kernels.several, FUNCTION[function], wide, p, q, labels, columns)
    _rows.share(call, shape, workers)
    return {
        name: _rows.answer(column, None)
        for name, column in zip(types, columns, strict=True)
        if column is not None
    }
