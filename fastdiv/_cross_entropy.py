"""Cross-entropy: rows or labels against rows of weights or logits, and its options."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from fastdiv import _check, _few, _labels, _options, _rows
from fastdiv._check import Array
from fastdiv._cross_entropy_ways import NAMES, way
from fastdiv._rows import FUNCTION
from fastdiv.kernels import _vectors

NUMBERS = {which: FUNCTION[name] for which, name in NAMES.items()}


def _small(
    logits: bool,
    p: ArrayLike,
    q: ArrayLike,
    labels: Array | None,
    out: Array | None,
    axis: int,
    base: float | None,
    normalize: bool,
    wide: bool = False,
    wide_out: bool = False,
) -> Any:
    """Call cross-entropy without further options for small plain arrays; None for others."""
    labelled = labels is not None
    return _rows.kernels.plain(
        NUMBERS[labelled, logits],
        (q,) if labelled else (p, q),
        labels,
        out,
        axis=axis,
        normalize=normalize,
        unit=1.0 if base is None else _options.log_unit(base),
        wide_out=wide_out,
        wide=wide,
    )


def _answer(
    values: Any,
    q: Any,
    out: Array | None,
    keepdims: bool,
    wide: bool,
    reduction: str,
    labels: Any,
    weight: NDArray[np.float64] | None,
    ignore_index: int | None,
) -> Any:
    """Give back what a small call made; None if it was none, or its sum is beyond float32."""
    if values is None:
        return None
    if reduction == "none":
        return _rows.answer(values[..., None] if keepdims else values, out)
    total = _reduced(values, labels, weight, ignore_index, reduction == "mean")
    if wide:
        return np.float64(total)
    # There a conversion warns, which is looked after elsewhere.
    return None if abs(total) > 3e38 else q.dtype.type(total)


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
    try:
        is_plain = class_weight is None and ignore_index is None
        is_plain = is_plain and not (label_smoothing != 0 or temperature != 1)
    except ValueError:
        # An array of several: told below, by its name.
        is_plain = False
    alone = _few.is_alone(workers)
    asks_nothing = is_plain and dtype is None and reduction == "none" and not keepdims
    if alone and asks_nothing:
        # What most calls are, before anything else is asked.
        made = _small(logits, p, q, _few.labels_of(p), out, axis, base, normalize)
        if made is not None:
            return _rows.answer(made, out)
    # What is asked of the rest is asked of small plain arrays all at once.
    asked_wide = _few.is_float64(dtype)
    # ``out`` or an axis to keep, and of a sum neither: both are looked after elsewhere.
    may_be_small = alone and not asks_nothing and (dtype is None or asked_wide)
    may_be_small = may_be_small and (out is not None) + bool(keepdims) <= (reduction == "none")
    may_be_small = may_be_small and reduction in _options.REDUCTIONS
    if may_be_small and is_plain:
        few = _few.labels_of(p)
        wide_out = asked_wide or reduction != "none"
        made = _small(logits, p, q, few, out, axis, base, normalize, asked_wide, wide_out)
        found = _answer(made, q, out, keepdims, asked_wide, reduction, few, None, None)
        if found is not None:
            return found
    temperature = _options.positive(temperature, "temperature")
    smoothing = _options.smoothing_of(label_smoothing)
    ignore_index = _options.index_of(ignore_index)
    reduction = _options.reduction_of(reduction)
    p_array, q_array = _check.as_array(p, names[0]), _check.as_array(q, names[1])
    q_rows = _check.classes_last(q_array, axis, names[1])
    weight = _options.weights_of(class_weight, q_rows.shape[-1])
    labelled = _labels.are_labels(p_array, q_array)
    if not labelled:
        _labels.not_float_labels(p_array, q_array, axis)
        if ignore_index is not None:
            raise ValueError("ignore_index is for integer labels; p holds rows of probabilities")
    numbers: tuple[Array, ...] = (q_array,) if labelled else (p_array, q_array)
    result = _check.result_type(dtype, *numbers)
    narrow = not _rows.is_wide(result, *numbers)
    function, wide, options = way(
        logits, labelled, weight, base, normalize, smoothing, temperature, narrow
    )
    if may_be_small and not is_plain and _labels.is_int64(ignore_index):
        small_labels = _few.labels_of(p_array) if labelled else None
        made = _rows.kernels.plain(
            FUNCTION[function],
            numbers,
            small_labels,
            out,
            axis=axis,
            wide_out=asked_wide or reduction != "none",
            wide=wide or asked_wide,
            weight=weight,
            ignore_index=ignore_index,
            **options,
        )
        found = _answer(
            made, q_array, out, keepdims, asked_wide, reduction, small_labels, weight, ignore_index
        )
        if found is not None:
            return found
    labels = p_rows = None
    if labelled:
        labels, q_rows, ignore_index = _labels.labels_for(p_array, q_rows, ignore_index, axis)
    else:
        p_rows = _check.classes_last(p_array, axis, names[0])
        p_rows, q_rows = _check.together(p_rows, q_rows, axis)
    inputs = tuple(a for a in (p_array, q_array, weight) if a is not None)
    whole = reduction == "none"
    values = _rows.per_row(
        function,
        p_rows,
        q_rows,
        axis=axis,
        keepdims=keepdims and whole,
        out=out if whole else None,
        result=result if whole else np.dtype(np.float64),
        wide=wide or not narrow,
        inputs=inputs,
        workers=workers,
        labels=labels,
        weight=weight,
        ignore_index=ignore_index,
        **options,
    )
    if whole:
        return _rows.answer(values, out)
    shape = (1,) * (values.ndim + 1) if keepdims else ()
    reduced = _check.output(out, shape, result, *inputs)
    with np.errstate(over="ignore"):
        # A sum beyond float32 is infinite, as any result is.
        reduced[...] = _reduced(values, labels, weight, ignore_index, reduction == "mean")
    return _rows.answer(reduced, out)


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


def of_few(labels: ArrayLike, logits: ArrayLike, workers: int | None) -> Any:
    """Cross-entropy of small plain labels and logits; None for others."""
    few = _few.labels_of(labels)
    if few is None or not _few.is_alone(workers):
        return None
    made = _small(True, few, logits, few, None, -1, None, True)
    return None if made is None else _rows.answer(made, None)
