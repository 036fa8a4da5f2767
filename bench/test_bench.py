"""Every function, on the shapes people have, against every library there is.

pytest bench/test_bench.py --benchmark-json=build/bench.json

One library after another: for ratios to be quoted there is bench/speed.py, which alternates them.
"""

import functools

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from rivals import CALLS, PREPARED, Data, check, data

from fastdiv import _dispatch

SHAPES = [(256, 128256), (4096, 1000), (100000, 100), (1000000, 10), (64, 128), (1, 1000)]
CASES = [
    pytest.param(n, c, dtype, function, library, id=f"{function}-{n}x{c}-{dtype}-{library}")
    for n, c in SHAPES
    for dtype in ("float32", "float64")
    for function in CALLS["fastdiv"]
    for library in CALLS
    if function in CALLS[library]
]


@functools.lru_cache(maxsize=1)
def rows(n: int, c: int, dtype: str) -> Data:
    """Make the data of one shape; the last shape's are dropped."""
    return data(n, c, np.dtype(dtype))


@functools.cache
def checked(library: str, function: str, dtype: str) -> None:
    """Check a call once."""
    check(library, function, dtype)


@pytest.mark.parametrize(("n", "c", "dtype", "function", "library"), CASES)
def test_speed(
    benchmark: BenchmarkFixture, n: int, c: int, dtype: str, function: str, library: str
) -> None:
    """Time one call; the rounds take turns with nothing, so compare medians."""
    checked(library, function, dtype)
    given = rows(n, c, dtype)
    benchmark.group = f"{function}-{n}x{c}-{dtype}"
    benchmark.extra_info.update(
        elements=n * c, dtype=dtype, library=library, isa=_dispatch.active()
    )
    large = n * c > 1_000_000
    benchmark.pedantic(  # type: ignore[no-untyped-call]
        CALLS[library][function],
        (PREPARED[library](given),),
        rounds=5 if large else 30,
        iterations=1 if large else 20,
        warmup_rounds=1,
    )
