"""One call of a row function over whole arrays: shapes, types, the result and its reduction."""

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from fastdiv import _check, _few, _options, _threads, _workers
from fastdiv._check import Array
from fastdiv._dispatch import kernels as kernels

FUNCTION = {name: i for i, name in enumerate(kernels.ROWS)}


def _kept(shape: tuple[int, ...], axis: int, keepdims: bool) -> tuple[int, ...]:
    """Shape of the result: the rows', with 1 where the classes were if asked for."""
    if not keepdims:
        return shape
    place = axis if axis >= 0 else len(shape) + 1 + axis
    return (*shape[:place], 1, *shape[place:])


def is_wide(result: np.dtype[Any], *arrays: Array) -> bool:
    """Whether to compute in double: where the result or an input has more than float32."""
    return result == np.float64 or not all(_check.is_narrow(a) for a in arrays)


def _run(
    function: str,
    workers: int | None,
    wide: bool,
    p: Array | None,
    q: Array | None,
    labels: Array | None,
    out: Array,
    **options: Any,
) -> None:
    """Run a row function over arrays with classes last, its rows shared out among threads."""
    call = functools.partial(kernels.run, FUNCTION[function], wide, p, q, labels, out, **options)
    share(call, (q if p is None else p).shape, workers)  # type: ignore[union-attr]


def share(call: Callable[..., None], shape: tuple[int, ...], workers: int | None) -> None:
    """Make a call for all rows of arrays of a shape, classes last, shared out among threads."""
    threads = _workers.count(workers)
    if threads == 1:
        call()
        return
    *lead, c = shape
    rows = math.prod(lead)
    if _threads.are_long(rows, c, threads):
        _threads.over_segments(lambda team: call(helpers=team), kernels.Team(), threads)
    else:
        _threads.over_rows(lambda first, stop: call(first=first, stop=stop), rows, c, threads)


def per_row(
    function: str,
    p: Array | None,
    q: Array | None,
    *,
    axis: int,
    keepdims: bool,
    out: Array | None,
    result: np.dtype[Any],
    wide: bool,
    inputs: tuple[Array, ...],
    workers: int | None,
    labels: Array | None = None,
    **options: Any,
) -> Array:
    """Run a row function over arrays with classes last; one number per row."""
    lead = (q if p is None else p).shape[:-1]  # type: ignore[union-attr]
    made = _check.output(out, _kept(lead, axis, keepdims), result, *inputs)
    # A matrix stays one of two axes.
    place = np.squeeze(np.asarray(made), axis) if keepdims else made
    _run(function, workers, wide, p, q, labels, place, **options)
    return made


def answer(out: Array, given: Array | None) -> Any:
    """Give a number back for a single row, as NumPy does, unless it was asked for in ``out``."""
    return out[()] if given is None else out


def over(
    function: str,
    given: tuple[ArrayLike, ...],
    names: tuple[str, ...],
    *,
    axis: int,
    keepdims: bool,
    out: Array | None,
    dtype: DTypeLike | None,
    base: float | None = None,
    normalize: bool = True,
    root: bool = False,
    workers: int | None = None,
) -> Any:
    """Call a function of one row or two."""
    wide = _few.is_float64(dtype)
    if (out is None or not keepdims) and (dtype is None or wide) and _few.is_alone(workers):
        small = kernels.plain(
            FUNCTION[function],
            given,
            None,
            out,
            axis=axis,
            normalize=normalize,
            unit=1.0 if base is None else _options.log_unit(base, root),
            root=root,
            wide_out=wide,
            wide=wide,
        )
        if small is not None:
            return answer(small[..., None] if keepdims else small, out)
    unit = _options.log_unit(base, root)
    inputs = tuple(_check.as_array(a, name) for a, name in zip(given, names, strict=True))
    rows = [_check.classes_last(a, axis, name) for a, name in zip(inputs, names, strict=True)]
    p, q = _check.together(rows[0], rows[1], axis) if len(rows) == 2 else (rows[0], None)
    result = _check.result_type(dtype, *inputs)
    made = per_row(
        function,
        p,
        q,
        axis=axis,
        keepdims=keepdims,
        out=out,
        result=result,
        wide=is_wide(result, *inputs),
        inputs=inputs,
        workers=workers,
        normalize=normalize,
        unit=unit,
        root=root,
    )
    return answer(made, out)


def made(
    function: str,
    x: ArrayLike,
    *,
    axis: int,
    out: Array | None,
    dtype: DTypeLike | None,
    workers: int | None,
) -> Any:
    """Call a function from a row to a row."""
    wide = _few.is_float64(dtype)
    if (dtype is None or wide) and _few.is_alone(workers):
        small = kernels.plain(
            FUNCTION[function],
            (x,),
            None,
            out,
            axis=axis,
            makes_rows=True,
            wide_out=wide,
            wide=wide,
        )
        if small is not None:
            return small
    array = _check.as_array(x, "x")
    rows = _check.classes_last(array, axis, "x")
    result = _check.result_type(dtype, array)
    given = () if _check.is_same_memory(out, array) else (array,)
    made_rows = _check.output(out, array.shape, result, *given)
    place = _check.moved_last(np.asarray(made_rows), axis)
    _run(function, workers, is_wide(result, array), rows, None, None, place)
    return made_rows


def find_bad_distribution(
    p: ArrayLike, tol: float | None = None, axis: int = -1
) -> tuple[tuple[Any, ...], str] | None:
    """Find the first row that is no probability distribution: its place and what is wrong."""
    array = _check.as_array(p, "p", "")
    rows = _check.classes_last(array, axis, "p")
    tolerance = math.sqrt(_check.epsilon(array)) if tol is None else _options.tolerance_of(tol)
    masses = np.empty(rows.shape[:-1])
    _run("mass", None, not _check.is_narrow(array), rows, None, None, masses)
    bad = np.flatnonzero(~(np.abs(masses - 1) <= tolerance))
    if not bad.size:
        return None
    place = np.unravel_index(bad[0], masses.shape)
    return place, _check.distribution_fault(rows[place], float(masses[place]), tolerance)
