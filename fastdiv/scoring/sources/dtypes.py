"""Which numbers rows may hold."""

from pathlib import Path
from typing import Any

import numpy as np

from fastdiv import _check
from fastdiv.scoring.sources.errors import InputError


def numbers(dtype: np.dtype[Any], path: Path, name: str = "") -> np.dtype[Any]:
    """Return the type of rows, bfloat16 where NumPy saved it as two bytes; or say what to save."""
    what = f"{path}: {name}" if name else str(path)
    if dtype == np.dtype("V2"):
        return bfloat16(what)
    try:
        _check.as_array(np.empty(0, dtype), what)
    except TypeError as error:
        raise InputError(str(error)) from None
    return dtype


def bfloat16(what: object) -> np.dtype[Any]:
    """Return the bfloat16 of the package ml_dtypes."""
    try:
        import ml_dtypes
    except ModuleNotFoundError:
        raise InputError(
            f"{what}: holds bfloat16, for which NumPy needs ml_dtypes: pip install ml_dtypes"
        ) from None
    made: np.dtype[Any] = np.dtype(ml_dtypes.bfloat16)
    return made


def same_column(path: Path, one: tuple[str, Any], other: tuple[str, Any]) -> None:
    """Refuse columns of different types for the classes of one row."""
    if one[1] != other[1]:
        raise InputError(
            f"{path}: {one[0]} is {one[1]} and {other[0]} is {other[1]}: the columns of "
            "the classes must have one type: name those that are meant, by a pattern as 'class_*'"
        )
