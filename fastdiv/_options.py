"""What a call is told beside its arrays, each checked with an error that says what is wrong."""

import math
import operator
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastdiv import _check, _refusals

REDUCTIONS = ("none", "mean", "sum")


def number_of(value: Any, name: str) -> float:
    """Return a number as a float, infinite beyond its range."""
    if isinstance(value, (str, bytes, bytearray)):
        # float would read it.
        raise _refusals.no_number(value, name)
    try:
        return float(value)
    except OverflowError:
        return math.inf
    except (TypeError, ValueError):
        raise _refusals.no_number(value, name) from None


def log_unit(base: float | None, root: bool = False) -> float:
    """Return the natural logarithm of ``base``, by which results are divided.

    ``root``: before their square root is taken.
    """
    if base is None:
        return 1.0
    try:
        # As it stands: float would take a string, and no integer beyond its range.
        good = 0 < base < math.inf and base != 1
        unit = math.log(base) if good else 0.0
    except (TypeError, ValueError):
        raise _refusals.no_number(base, "base") from None
    if not good:
        raise ValueError(f"base must be a positive number other than 1, not {base}")
    if root and unit < 0:
        raise ValueError(
            f"base must be above 1 for a distance, not {base}: the divergence, of which it is the "
            "root, would be negative"
        )
    return unit


def positive(value: float, name: str) -> float:
    """Return a positive finite number."""
    number = number_of(value, name)
    if not 0 < number < math.inf:
        raise ValueError(f"{name} must be a positive finite number, not {value}")
    return number


def tolerance_of(value: float) -> float:
    """Return how far from 1 a sum may be."""
    number = number_of(value, "tol")
    if not number >= 0:
        raise ValueError(f"tol must be 0 or more, not {value}")
    return number


def smoothing_of(value: float) -> float:
    """Return a label smoothing."""
    number = number_of(value, "label_smoothing")
    if not 0 <= number <= 1:
        raise ValueError(f"label_smoothing must lie between 0 and 1, not {value}")
    return number


def weights_of(value: ArrayLike | None, c: int) -> NDArray[np.float64] | None:
    """Return class weights as c contiguous float64 numbers, none negative."""
    if value is None:
        return None
    weights = np.ascontiguousarray(_check.as_array(value, "class_weight", ""), dtype=np.float64)
    if weights.shape != (c,):
        raise ValueError(f"class_weight has shape {weights.shape}; there are {c} classes")
    if not (weights.min() >= 0 and weights.max() < np.inf):
        bad = np.flatnonzero(~((weights >= 0) & (weights < np.inf)))[0]
        raise ValueError(
            f"class_weight[{bad}] is {weights[bad]}; weights are finite and not negative"
        )
    return weights


def are_moderate(weights: NDArray[np.float64] | None) -> bool:
    """Whether products with class weights keep within double where those with 1 do in float32."""
    if weights is None:
        return True
    there = weights[weights > 0]
    return bool(there.min(initial=1) > 2.0**-500 and there.max(initial=1) < 2.0**500)


def index_of(value: int | None) -> int | None:
    """Return an ignore_index as an int."""
    try:
        return None if value is None else operator.index(value)
    except TypeError:
        raise _refusals.no_integer(value, "ignore_index") from None


def reduction_of(value: str) -> str:
    """Return one of the three reductions."""
    if value not in REDUCTIONS:
        raise ValueError(f"reduction must be 'none', 'mean' or 'sum', not {value!r}")
    return value


def names_of(want: Iterable[str] | None, names: Iterable[str]) -> frozenset[str]:
    """Return the names of results that are wanted, all of them for None."""
    known = tuple(names)
    if want is None:
        return frozenset(known)
    try:
        asked = (want,) if isinstance(want, str) else tuple(want)
    except TypeError:
        raise TypeError(f"want must be names of {', '.join(known)}, not {want!r}") from None
    strange = [name for name in asked if name not in known]
    if strange or not asked:
        what = f"holds {strange[0]!r}" if strange else "names nothing"
        raise ValueError(f"want {what}; it takes names of {', '.join(known)}")
    return frozenset(asked)
