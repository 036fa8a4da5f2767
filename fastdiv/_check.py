"""Arguments to kernel-ready arrays, or the error that says what to pass instead."""

import operator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from fastdiv import _refusals

Array = NDArray[Any]


# What most functions have for a Dask array, beside what is computed of it.
LAZILY = "call the function of the same name in fastdiv.dask, or "


def as_array(value: ArrayLike, name: str, lazily: str = LAZILY) -> Array:
    """Take anything array-like of real numbers, without a copy where its protocol allows it."""
    if isinstance(value, np.ma.MaskedArray):
        raise _refusals.masked(name)
    graph = getattr(value, "__dask_graph__", None)
    if graph is not None and graph() is not None:
        raise _refusals.lazy(name, lazily)
    try:
        array = np.asarray(value)
    except (RuntimeError, TypeError, ValueError) as error:
        raise _refusals.no_array(value, name, error) from error
    if (
        array.dtype.kind in "biu"
        or (array.dtype.kind == "f" and array.dtype.itemsize in (2, 4, 8))
        or is_bfloat16(array)
    ):
        return array
    raise _refusals.no_real_numbers(value, array, name)


def classes_last(array: Array, axis: int, name: str) -> Array:
    """View an array with its class axis as the last one."""
    if array.ndim == 0:
        raise ValueError(f"{name} is a single number; it needs an axis of classes")
    try:
        axis = operator.index(axis)
    except TypeError:
        raise _refusals.no_integer(axis, "axis") from None
    if not -array.ndim <= axis < array.ndim:
        raise ValueError(f"axis {axis} is out of bounds for {name} of shape {array.shape}")
    if array.shape[axis] == 0:
        raise ValueError(f"{name} of shape {array.shape} has no classes along axis {axis}")
    return array if axis in (-1, array.ndim - 1) else moved_last(array, axis)


def moved_last(array: Array, axis: int) -> Array:
    """np.moveaxis(array, axis, -1), in a fifth of its time."""
    order = list(range(array.ndim))
    order.append(order.pop(axis))
    return array.transpose(order)


def together(p: Array, q: Array, axis: int = -1) -> tuple[Array, Array]:
    """Broadcast two row sets (classes last, and given along an axis) against each other."""
    if p.shape == q.shape:
        return p, q
    try:
        if p.shape[-1] != q.shape[-1]:
            raise ValueError("classes differ")
        shape = np.broadcast(p, q).shape
    except ValueError:
        raise _refusals.not_together(p.shape, q.shape, axis) from None
    return stretched(p, shape), stretched(q, shape)


def stretched(array: Array, shape: tuple[int, ...]) -> Array:
    """View an array as one of a shape it broadcasts to."""
    return array if array.shape == shape else np.broadcast_to(array, shape)


def row_name(place: tuple[Any, ...]) -> str:
    """``row 3``, or ``row (1, 2)`` of rows along several axes."""
    numbers = tuple(int(i) for i in place)
    return f"row {numbers if len(numbers) > 1 else numbers[0] if numbers else 0}"


def distribution_fault(row: Array, mass: float, tolerance: float) -> str:
    """Say what is wrong with a row that is not a probability distribution."""
    bad = np.flatnonzero(~((row >= 0) & np.isfinite(row)))
    if not bad.size:
        off = mass - 1
        # Where six digits are those of 1, those of the difference.
        told = f"1 {'+' if off > 0 else '-'} {abs(off):.3g}" if abs(off) < 1e-5 else f"{mass:.6g}"
        return f"sums to {told}, not 1 to within {tolerance:.3g}"
    return f"holds {row[bad[0]]} at class {bad[0]}, which is no probability"


def result_type(dtype: DTypeLike | None, *arrays: Array | None) -> np.dtype[Any]:
    """float32 if every array is (or fewer bits), else float64; or what is asked for."""
    if dtype is not None:
        asked = np.dtype(dtype)
        if asked not in (np.float32, np.float64):
            raise TypeError(f"dtype must be float32 or float64, not {asked}")
        return asked
    wide = any(a is not None and not is_narrow(a) for a in arrays)
    return np.dtype(np.float64 if wide else np.float32)


def is_bfloat16(array: Array) -> bool:
    """Whether an array holds the bfloat16 of the package ml_dtypes, which need not be there."""
    return array.dtype.kind == "V" and array.dtype.name == "bfloat16"


def is_narrow(array: Array) -> bool:
    """Whether an array holds float32 or fewer bits, in either byte order."""
    return (array.dtype.kind == "f" and array.dtype.itemsize <= 4) or is_bfloat16(array)


def epsilon(array: Array) -> float:
    """Return the distance from 1 to the next number of an array's type; float64's for integers."""
    if is_bfloat16(array):
        return 2.0**-7
    return float(np.finfo(array.dtype if array.dtype.kind == "f" else np.float64).eps)


def output(
    out: Array | None, shape: tuple[int, ...], dtype: np.dtype[Any], *inputs: Array | None
) -> Array:
    """Return ``out``, or a new array, of the result's shape and dtype."""
    if out is None:
        return np.empty(shape, dtype)
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out must be a numpy.ndarray, not {type(out).__name__}")
    if isinstance(out, np.ma.MaskedArray):
        raise TypeError("out is a masked array, and its mask would hide results: pass out.data")
    if out.shape != shape or out.dtype != dtype:
        raise ValueError(
            f"out has shape {out.shape} and dtype {out.dtype}; the result has shape {shape} and "
            f"dtype {dtype}"
        )
    if not out.flags.writeable:
        raise ValueError("out is read-only")
    for array in inputs:
        if array is not None and overlaps(out, array):
            raise ValueError(
                f"out of shape {out.shape} overlaps an input of shape {array.shape}: pass an array "
                "of its own"
            )
    return out


def overlaps(out: Array, array: Array) -> bool:
    """Whether two arrays share an element; yes where that is too hard to tell."""
    if not np.may_share_memory(out, array):
        return False
    try:
        # The stubs know no other bounds than 0 and -1.
        return np.shares_memory(out, array, max_work=10_000)  # type: ignore[arg-type]
    except np.exceptions.TooHardError:
        return True


def is_spread(a: Array) -> bool:
    """Whether every element has memory of its own: each step is beyond what the shorter ones reach.

    As far as that tells: of axes that are woven into each other it does not.
    """
    reach = a.itemsize
    for step, n in sorted((abs(step), n) for step, n in zip(a.strides, a.shape, strict=True)):
        if n > 1 and step < reach:
            return False
        reach += step * (n - 1)
    return True


def is_same_memory(out: Array | None, x: Array) -> bool:
    """Whether ``out`` is x itself, element on element, so that writing over it is safe."""
    return (
        isinstance(out, np.ndarray)
        and is_spread(out)
        and out.ctypes.data == x.ctypes.data
        and out.strides == x.strides
        and out.shape == x.shape
        and out.dtype == x.dtype
    )
