"""What is said of input that is refused: what it is, and what to pass instead."""

import numbers
from typing import Any

import numpy as np
from numpy.typing import NDArray

Shape = tuple[int, ...]


def no_number(value: object, name: str) -> TypeError:
    """Say that an option is no number."""
    return TypeError(f"{name} must be a number, not {_in_one_line(value)}")


def no_integer(value: object, name: str) -> TypeError:
    """Say that an option is no integer."""
    return TypeError(f"{name} must be an integer, not {_in_one_line(value)}")


def _in_one_line(value: object) -> str:
    return " ".join(repr(value).split())


def not_together(p: Shape, q: Shape, axis: int) -> ValueError:
    """Say that two shapes of rows, classes last, do not broadcast."""
    return ValueError(
        f"shapes {_given(p, axis)} and {_given(q, axis)} ({_classes(axis)}) do not broadcast"
    )


def not_labels_for(labels: Shape, q: Shape, axis: int) -> ValueError:
    """Say that the shapes of labels and of rows, classes last, do not broadcast."""
    return ValueError(
        f"labels of shape {labels} do not broadcast with rows of shape {_given(q, axis)} "
        f"({_classes(axis)}): pass labels of shape {q[:-1]}"
    )


def _given(shape: Shape, axis: int) -> Shape:
    """Return the shape that an array had before its classes were moved from an axis to the last."""
    place = axis % len(shape)
    return (*shape[:place], shape[-1], *shape[place:-1])


def _classes(axis: int) -> str:
    return "classes last" if axis == -1 else f"classes along axis {axis}"


def masked(name: str) -> TypeError:
    """Say that input has a mask."""
    return TypeError(
        f"{name} is a masked array, and a mask would be lost here: pass {name}.filled(0) for "
        "weights or .filled(-numpy.inf) for logits"
    )


def lazy(name: str, lazily: str) -> TypeError:
    """Say that input is a Dask array, and what there is for it instead."""
    return TypeError(
        f"{name} is a lazy Dask array, which fastdiv does not compute behind your back: {lazily}"
        f"pass {name}.compute()"
    )


def no_array(value: Any, name: str, error: Exception) -> Exception:
    """Say why NumPy makes no array of input."""
    uneven = _uneven(value, name)
    if uneven:
        return ValueError(
            f"{uneven}: pass rows of one length, padded with 0 for weights or -numpy.inf for logits"
        )
    calls = _torch_calls(value)
    if calls:
        return TypeError(f"{name} is a tensor that NumPy does not read: pass {name}{calls}")
    return TypeError(f"NumPy makes no array of {name}: {' '.join(str(error).split())}")


def _uneven(value: Any, name: str) -> str:
    """Name the first of nested rows that has another length than the first one, if there is one."""
    level = [(name, value)]
    while level:
        first, length = level[0][0], _length(level[0][1])
        for place, row in level:
            if _length(row) != length:
                return f"{place} is {_size(_length(row))} and {first} is {_size(length)}"
        if length is None:
            break
        level = [(f"{place}[{i}]", row[i]) for place, row in level for i in range(length)]
    return ""


def _length(row: Any) -> int | None:
    is_row = isinstance(row, (list, tuple)) or getattr(row, "ndim", 0) > 0
    return len(row) if is_row else None


def _size(length: int | None) -> str:
    return "a single value" if length is None else f"a row of {length}"


def _torch_calls(value: Any) -> str:
    """Return the calls that make of a tensor of PyTorch's one that NumPy reads."""
    calls = ".detach()" if getattr(value, "requires_grad", False) else ""
    if getattr(value, "is_cuda", False):
        calls += ".cpu()"
    if str(getattr(value, "dtype", "")).startswith(("torch.bfloat16", "torch.float8")):
        calls += ".float()"
    return calls


def no_real_numbers(value: Any, array: NDArray[Any], name: str) -> TypeError:
    """Say that input has a type that is not supported."""
    kind = array.dtype.kind
    advice = {
        "f": "convert it with .astype(numpy.float64)",
        "c": "pass real numbers",
        "S": "pass numbers",
        "U": "pass numbers",
        "V": "if it is bfloat16 saved by NumPy, pass .view(ml_dtypes.bfloat16)",
    }.get(kind, "pass float32 or float64")
    if kind == "O":
        advice = _of_objects(value, array, name)
    return TypeError(f"{name} has dtype {array.dtype}, which is not supported: {advice}")


def _of_objects(value: Any, array: NDArray[Any], name: str) -> str:
    if hasattr(value, "toarray"):
        return f"it is sparse, pass {name}.toarray()"
    if array.ndim == 0:
        return f"pass an array of numbers, not {type(value).__name__}"
    for place, one in np.ndenumerate(array):
        if not isinstance(one, numbers.Number):
            where = f"{name}[{', '.join(map(str, place))}]"
            return f"{where} is of type {type(one).__name__}, pass numbers in rows of one length"
    return "convert it to numpy.float64"
