"""One call of a row function over whole arrays: shapes, types, the result and its reduction."""

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from fastdiv import _check, _workers
from fastdiv._check import Array
from fastdiv._dispatch import kernels
from fastdiv.kernels import _vectors

FUNCTION = {name: i for i, name in enumerate(kernels.ROWS)}
# Cross-entropy's names: by whether the truth is labels, and the prediction logits.
CROSS_ENTROPY = {
    (labelled, logits): f"cross_entropy{'_label' * labelled}{'_from_logits' * logits}"
    for labelled in (False, True)
    for logits in (False, True)
}


def _kept(shape: tuple[int, ...], axis: int, keepdims: bool) -> tuple[int, ...]:
    """Shape of the result: the rows', with 1 where the classes were if asked for."""
    if not keepdims:
        return shape
    place = axis if axis >= 0 else len(shape) + 1 + axis
    return (*shape[:place], 1, *shape[place:])


def _is_wide(result: np.dtype[Any], *arrays: Array) -> bool:
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
    _share(call, (q if p is None else p).shape, workers)  # type: ignore[union-attr]


def _share(call: Callable[..., None], shape: tuple[int, ...], workers: int | None) -> None:
    """Make a call for all rows of arrays of a shape, classes last, shared out among threads."""
    threads = _workers.count(workers)
    if threads == 1:
        call()
        return
    *lead, c = shape
    rows = math.prod(lead)
    if _workers.are_long(rows, c, threads):
        _workers.over_segments(lambda team: call(helpers=team), kernels.Team(), threads)
    else:
        _workers.over_rows(lambda first, stop: call(first=first, stop=stop), rows, c, threads)


def _is_alone(workers: int | None) -> bool:
    """Whether no more than one thread is asked for."""
    return workers is None or _workers.count(workers) == 1


def _per_row(
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
    place = np.squeeze(made, axis) if keepdims else made
    _run(function, workers, wide, p, q, labels, place, **options)
    return made


def _answer(out: Array, given: Array | None) -> Any:
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
    if not keepdims and out is None and dtype is None and _is_alone(workers):
        small = kernels.plain(
            FUNCTION[function],
            given,
            axis=axis,
            normalize=normalize,
            unit=1.0 if base is None else _check.log_unit(base),
            root=root,
        )
        if small is not None:
            return _answer(small, None)
    unit = _check.log_unit(base)
    inputs = tuple(_check.as_array(a, name) for a, name in zip(given, names, strict=True))
    rows = [_check.classes_last(a, axis, name) for a, name in zip(inputs, names, strict=True)]
    p, q = _check.together(*rows) if len(rows) == 2 else (rows[0], None)
    result = _check.result_type(dtype, *inputs)
    made = _per_row(
        function,
        p,
        q,
        axis=axis,
        keepdims=keepdims,
        out=out,
        result=result,
        wide=_is_wide(result, *inputs),
        inputs=inputs,
        workers=workers,
        normalize=normalize,
        unit=unit,
        root=root,
    )
    return _answer(made, out)


def _small_against(
    logits: bool,
    p: ArrayLike,
    q: ArrayLike,
    axis: int,
    base: float | None,
    normalize: bool,
    reduction: str,
) -> Any:
    """Call cross-entropy without further options for small plain arrays; None for others."""
    labelled = type(p) is np.ndarray and p.dtype.kind == "i"
    values = kernels.plain(
        FUNCTION[CROSS_ENTROPY[labelled, logits]],
        (q,) if labelled else (p, q),
        p if labelled else None,
        axis=axis,
        normalize=normalize,
        unit=1.0 if base is None else _check.log_unit(base),
        wide_out=reduction != "none",
    )
    if values is None:
        return None
    if reduction == "none":
        return _answer(values, None)
    total = _reduced(values, None, None, None, reduction == "mean")
    # Beyond float32 a conversion warns, which is looked after elsewhere.
    return None if abs(total) > 3e38 else q.dtype.type(total)  # type: ignore[union-attr]


def against(
    logits: bool,
    p: ArrayLike,
    q: ArrayLike,
    names: tuple[str, str],
    *,
    axis: int,
    keepdims: bool,
    out: Array | None,
    dtype: DTypeLike | None,
    base: float | None,
    normalize: bool,
    class_weight: ArrayLike | None,
    label_smoothing: float,
    ignore_index: int | None,
    temperature: float,
    reduction: str,
    workers: int | None,
) -> Any:
    """Call cross-entropy: rows or labels against rows of weights or logits."""
    if (
        not keepdims
        and out is None
        and dtype is None
        and _is_alone(workers)
        and class_weight is None
        and label_smoothing == 0
        and ignore_index is None
        and temperature == 1
        and reduction in _check.REDUCTIONS
    ):
        small = _small_against(logits, p, q, axis, base, normalize, reduction)
        if small is not None:
            return small
    unit = _check.log_unit(base)
    temperature = _check.positive(temperature, "temperature")
    smoothing = _check.smoothing_of(label_smoothing)
    ignore_index = _check.index_of(ignore_index)
    reduction = _check.reduction_of(reduction)
    p_array, q_array = _check.as_array(p, names[0]), _check.as_array(q, names[1])
    q_rows = _check.classes_last(q_array, axis, names[1])
    weight = _check.weights_of(class_weight, q_rows.shape[-1])
    labels = p_rows = None
    if _check.are_labels(p_array, q_array):
        labels, q_rows, ignore_index = _check.labels_for(p_array, q_rows, ignore_index)
        numbers: tuple[Array, ...] = (q_array,)
    else:
        _check.not_float_labels(p_array, q_array, axis)
        if ignore_index is not None:
            raise ValueError("ignore_index is for integer labels; p holds rows of probabilities")
        p_rows, q_rows = _check.together(_check.classes_last(p_array, axis, names[0]), q_rows)
        numbers = (p_array, q_array)
    result = _check.result_type(dtype, *numbers)
    inputs = tuple(a for a in (p_array, q_array, weight) if a is not None)
    blended = smoothing > 0 or (weight is not None and labels is None)
    if temperature != 1 and not logits and not normalize:
        # log q / T as it stands: the temperature is one more unit.
        unit, temperature = unit * temperature, 1.0
    from_weights = not logits and temperature == 1
    # A factor in the exponential, but for logarithms and next to the ends of the range.
    divided = temperature != 1 and not (logits and 2.0**-500 < temperature < 2.0**500)
    whole = reduction == "none"
    values = _per_row(
        CROSS_ENTROPY[labels is not None and not blended, not from_weights],
        p_rows,
        q_rows,
        axis=axis,
        keepdims=keepdims and whole,
        out=out if whole else None,
        result=result if whole else np.dtype(np.float64),
        wide=_is_wide(result, *numbers)
        # A target that is made, a quotient or a logarithm.
        or (blended and from_weights)
        or divided
        or not 2.0**-60 < temperature < 2.0**60
        or (blended and not _check.are_moderate(weight)),
        inputs=inputs,
        workers=workers,
        labels=labels,
        normalize=normalize,
        unit=unit,
        temperature=temperature,
        divided=divided,
        logarithm=not logits and temperature != 1,
        smoothing=smoothing,
        blended=blended,
        weight=weight,
        ignore_index=ignore_index,
    )
    if whole:
        return _answer(values, out)
    shape = (1,) * q_array.ndim if keepdims else ()
    reduced = _check.output(out, shape, result, *inputs)
    with np.errstate(over="ignore"):
        # A sum beyond float32 is infinite, as any result is.
        reduced[...] = _reduced(values, labels, weight, ignore_index, reduction == "mean")
    return _answer(reduced, out)


def _reduced(
    values: NDArray[np.float64],
    labels: Array | None,
    weight: NDArray[np.float64] | None,
    ignore_index: int | None,
    mean: bool,
) -> float:
    """Sum, or PyTorch's mean: over labels divided by their weights, ignored ones left out."""
    total: float = _vectors.total(np.ascontiguousarray(values))
    if not mean:
        return total
    count: float = values.size
    if labels is not None:
        kept = labels if ignore_index is None else labels[labels != ignore_index]
        count = kept.size if weight is None else _vectors.total(np.ravel(weight[kept]))
    return total / count if count else float("nan")


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
    if out is None and dtype is None and _is_alone(workers):
        small = kernels.plain(FUNCTION[function], (x,), axis=axis, makes_rows=True)
        if small is not None:
            return small
    array = _check.as_array(x, "x")
    rows = _check.classes_last(array, axis, "x")
    result = _check.result_type(dtype, array)
    given = () if _check.is_same_memory(out, array) else (array,)
    made_rows = _check.output(out, array.shape, result, *given)
    place = np.moveaxis(made_rows, axis, -1)
    _run(function, workers, _is_wide(result, array), rows, None, None, place)
    return made_rows


def loss_of_few(labels: ArrayLike, logits: ArrayLike, workers: int | None) -> Any:
    """Cross-entropy of small plain labels and logits; None for others."""
    if type(labels) is not np.ndarray or labels.dtype.kind != "i" or not _is_alone(workers):
        return None
    return _small_against(True, labels, logits, -1, None, True, "none")


def several_of_few(
    function: str,
    rows: tuple[ArrayLike, ...],
    labels: ArrayLike | None,
    types: tuple[int | None, ...],
    workers: int | None,
) -> tuple[Any, ...] | None:
    """Run a function that makes several numbers of small plain arrays; None for others."""
    if not _is_alone(workers):
        return None
    made: tuple[Any, ...] | None = kernels.plain_several(FUNCTION[function], rows, labels, types)
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
    call = functools.partial(kernels.several, FUNCTION[function], wide, p, q, labels, columns)
    _share(call, shape, workers)
    return {
        name: _answer(column, None)
        for name, column in zip(types, columns, strict=True)
        if column is not None
    }


def find_bad_distribution(
    p: ArrayLike, tol: float | None = None, axis: int = -1
) -> tuple[tuple[Any, ...], str] | None:
    """Find the first row that is no probability distribution: its place and what is wrong."""
    array = _check.as_array(p, "p")
    rows = _check.classes_last(array, axis, "p")
    masses = np.empty(rows.shape[:-1])
    _run("mass", None, not _check.is_narrow(array), rows, None, None, masses)
    tolerance = math.sqrt(_check.epsilon(array)) if tol is None else float(tol)
    bad = np.flatnonzero(~(np.abs(masses - 1) <= tolerance))
    if not bad.size:
        return None
    place = np.unravel_index(bad[0], masses.shape)
    return place, _check.distribution_fault(rows[place], float(masses[place]))
