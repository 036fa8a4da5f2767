"""Whole vectors of labels and of results: labels checked, numbers added up."""

import numpy as np
from numpy.typing import NDArray

LIMBS: int

def label_outside(labels: NDArray[np.int64], c: int, ignore_index: int | None = None) -> int: ...
def total(values: NDArray[np.float64]) -> float: ...
def add_exactly(
    a: NDArray[np.float64],
    b: NDArray[np.float64] | None,
    limbs: NDArray[np.int64],
    kinds: NDArray[np.int64],
) -> None: ...
def add_sums_exactly(limbs: NDArray[np.int64], other: NDArray[np.int64]) -> None: ...
