"""Small calls: what ``kernels.plain`` can be asked for, in types of its own."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from fastdiv import _workers

INT64 = np.dtype(np.int64)
# Labels that are converted at most: of more rows the call may not be small, and they are lost.
FEW = 4096


def is_alone(workers: int | None) -> bool:
    """Whether no more than one thread is asked for."""
    return workers is None or _workers.count(workers) == 1


def is_wide(dtype: DTypeLike | None) -> bool:
    """Whether float64 is asked for, by one of its usual names."""
    return dtype is not None and dtype in (np.float64, "float64", float)


def labels_of(truth: Any) -> NDArray[np.int64] | None:
    """Integers as labels; None for what is none, or not few."""
    if type(truth) is not np.ndarray:
        return None
    dtype = truth.dtype
    if dtype is INT64:
        return truth
    # A number past int64 would become another label.
    if dtype.kind not in "iu" or truth.size > FEW or dtype == np.uint64:
        return None
    return truth.astype(INT64)
