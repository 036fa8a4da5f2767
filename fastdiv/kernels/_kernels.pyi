"""What Python calls: a row function over whole arrays."""

from typing import Any, final

import numpy as np
from numpy.typing import NDArray

ROWS: tuple[str, ...]

@final
class Team:
    def __init__(self) -> None: ...
    def help(self) -> None: ...
    def close(self) -> None: ...

def run(
    function: int,
    wide: bool,
    p: NDArray[Any] | None,
    q: NDArray[Any] | None,
    labels: NDArray[np.int64] | None,
    out: NDArray[np.floating[Any]],
    normalize: bool = True,
    unit: float = 1.0,
    temperature: float = 1.0,
    divided: bool = False,
    logarithm: bool = False,
    smoothing: float = 0.0,
    blended: bool = False,
    weight: NDArray[np.float64] | None = None,
    ignore_index: int | None = None,
    root: bool = False,
    first: int = 0,
    stop: int = -1,
    helpers: Team | None = None,
) -> None: ...
def several(
    function: int,
    wide: bool,
    p: NDArray[Any] | None,
    q: NDArray[Any] | None,
    labels: NDArray[np.int64] | None,
    columns: tuple[NDArray[Any] | None, ...],
    first: int = 0,
    stop: int = -1,
    helpers: Team | None = None,
) -> None: ...
def plain(
    function: int,
    rows: tuple[object, ...],
    labels: object = None,
    out: object = None,
    axis: int = -1,
    normalize: bool = True,
    unit: float = 1.0,
    root: bool = False,
    makes_rows: bool = False,
    wide_out: bool = False,
    wide: bool = False,
    temperature: float = 1.0,
    divided: bool = False,
    logarithm: bool = False,
    smoothing: float = 0.0,
    blended: bool = False,
    weight: NDArray[np.float64] | None = None,
    ignore_index: int | None = None,
) -> NDArray[Any] | None: ...
def plain_several(
    function: int, rows: tuple[object, ...], labels: object, types: tuple[int | None, ...]
) -> tuple[Any, ...] | None: ...
