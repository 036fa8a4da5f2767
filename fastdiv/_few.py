"""Small calls: what ``kernels.plain`` can be asked for, in types of its own."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from fastdiv import _workers
from fastdiv._check import Array

INT64 = np.dtype(np.int64)
# Labels that are converted at most: of more rows the call may not be small, and they are lost.
FEW = 4096


def is_alone(workers: int | None) -> bool:
    """Whether no more than one thread is asked for."""
    return workers is None or _workers.count(workers) == 1


def is_float64(dtype: DTypeLike | None) -> bool:
    """Whether float64 is asked for, by one of its usual names."""
    return dtype is not None and dtype in (np.float64, "float64", float)


def labels_of(truth: Any) -> Array | None:
    """Few integers as int64, others as they are, for ``plain`` to refuse; None for what is none."""
    if type(truth) is not np.ndarray:
        return None
    dtype = truth.dtype
    if dtype is INT64:
        return truth
    if dtype.kind not in "iu":
        return None
    # A number past int64 would become another label.
    return truth if truth.size > FEW or dtype == np.uint64 else truth.astype(INT64)
