"""Dask arrays, and NumPy's beside them, cut alike and with whole rows."""

import math
import sys
from typing import Any

import numpy as np

from fastdiv import _check, _extras, _refusals


def is_lazy(value: Any) -> bool:
    """Whether a value is a Dask array: there is none before Dask is imported."""
    arrays = sys.modules.get("dask.array")
    return arrays is not None and isinstance(value, arrays.Array)


def lazy_or_numpy(values: tuple[Any, ...], names: tuple[str, ...], instead: str) -> list[Any]:
    """Return Dask arrays as they are and others as NumPy's, or raise if none is lazy."""
    _extras.need("dask", "fastdiv.dask", "dask")
    if not any(map(is_lazy, values)):
        raise TypeError(
            f"{' and '.join(names)}: no Dask array is among them. For arrays in memory call "
            f"{instead}; dask.array.from_array makes lazy ones"
        )
    return [
        _numpy_blocks(v, n) if is_lazy(v) else _check.as_array(v, n)
        for v, n in zip(values, names, strict=True)
    ]


def _numpy_blocks(array: Any, name: str) -> Any:
    """Return a Dask array, or raise if its blocks are nothing for fastdiv."""
    kind = type(array._meta)
    if not isinstance(array._meta, np.ndarray):
        raise TypeError(
            f"{name} has blocks of {kind.__module__}.{kind.__name__}, and fastdiv computes on "
            f"numpy.ndarray: pass {name}.map_blocks(...) that makes such blocks"
        )
    _check.as_array(array._meta, name)
    return array


def classes_last(array: Any, axis: int, name: str) -> Any:
    """View an array with its class axis as the last one, or raise if there is none."""
    known = tuple(1 if math.isnan(n) else n for n in array.shape)
    _check.classes_last(np.broadcast_to(np.int8(0), known), axis, name)
    if math.isnan(array.shape[axis]):
        raise ValueError(
            f"{name} has an unknown number of classes: call {name}.compute_chunk_sizes() first"
        )
    last = (-1, array.ndim - 1)
    if not is_lazy(array):
        return array if axis in last else np.moveaxis(array, axis, -1)
    import dask.array as da

    return array if axis in last else da.moveaxis(array, axis, -1)


def whole_rows(array: Any, axis: int, name: str, allow_rechunk: bool) -> Any:
    """Return a Dask array, classes last, with its classes in one chunk."""
    parts = len(array.chunks[-1])
    if parts == 1:
        return array
    if not allow_rechunk:
        raise ValueError(
            f"{name} is cut into {parts} chunks along its {array.shape[-1]} classes, and a row "
            f"must be whole: pass {name}.rechunk({{{axis}: -1}}), or allow_rechunk=True to have "
            "that done"
        )
    return array.rechunk({-1: -1})


def check_known(array: Any, name: str, arrays: int) -> None:
    """Refuse one of several arrays if nobody knows the sizes of its chunks."""
    if arrays > 1 and any(map(math.isnan, array.shape)):
        raise ValueError(
            f"{name} has chunks of unknown sizes, which cannot be matched with those of another "
            f"array: call {name}.compute_chunk_sizes() first"
        )


def check_together(arrays: list[Any], names: tuple[str, ...], labelled: bool, axis: int) -> None:
    """Refuse arrays, classes last, that do not broadcast, or whose sizes are not known.

    The axis is the one along which the classes were given.

    Labels have an axis of length 1 in place of the classes.
    """
    for array, name in zip(arrays, names, strict=True):
        check_known(array, name, len(arrays))
    if len(arrays) == 1:
        return
    if not labelled:
        p, q = (np.broadcast_to(np.int8(0), a.shape) for a in arrays)
        _check.together(p, q, axis)
        return
    labels, rows = (a.shape for a in arrays)
    try:
        np.broadcast_shapes(labels[:-1], rows[:-1])
    except ValueError:
        raise _refusals.not_labels_for(labels[:-1], rows, axis) from None


def cut_alike(arrays: list[Any]) -> list[Any]:
    """Return Dask arrays that have the same chunks of rows; NumPy's are cut as the lazy ones."""
    import dask.array as da

    leader = max(filter(is_lazy, arrays), key=lambda a: a.ndim)
    lazy = [a if is_lazy(a) else da.from_array(a, chunks=_like(a, leader)) for a in arrays]
    if len(lazy) == 1:
        return lazy
    # Axes are numbered from the last, as broadcasting counts them.
    _, alike = da.core.unify_chunks(
        *(part for a in lazy for part in (a, tuple(range(a.ndim))[::-1]))
    )
    return list(alike)


def _like(array: Any, leader: Any) -> tuple[Any, ...]:
    """Return the leader's chunks along the axes that an array shares with it."""
    pairs = zip(array.shape[::-1], leader.chunks[::-1], strict=False)
    chunks = [other if n == sum(other) else -1 for n, other in pairs]
    return (*(-1,) * (array.ndim - len(chunks)), *chunks[::-1])
