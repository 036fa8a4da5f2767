"""The limit: how fast this machine reads the arrays that a function is given."""

import importlib.util
import itertools
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from Cython.Build import cythonize
from numpy.typing import NDArray
from setuptools import Distribution, Extension
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).parent.parent
FLAGS = ["-O3", "-march=native", "-mprefer-vector-width=512", "-ffp-contract=off"]
FLAGS += ["-fno-math-errno", "-fno-trapping-math", "--param", "max-completely-peel-times=7"]


def _built() -> Any:
    """Build limit.pyx for this processor and import it."""
    folder = ROOT / "build" / "limit"
    source = Extension("limit_", [str(ROOT / "bench" / "limit.pyx")], extra_compile_args=FLAGS)
    directives = {
        "language_level": 3, "boundscheck": False, "wraparound": False, "cdivision": True,
    }  # fmt: skip
    modules = cythonize(
        [source], build_dir=str(folder), include_path=[str(ROOT)], quiet=True,
        compiler_directives=directives,
    )  # fmt: skip
    command = build_ext(Distribution({"ext_modules": modules}))
    command.build_lib = command.build_temp = str(folder)
    command.ensure_finalized()
    command.run()
    found = importlib.util.spec_from_file_location("limit_", command.get_ext_fullpath("limit_"))
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


_module = _built()
_largest = _module.largest
_pool = ThreadPoolExecutor(os.cpu_count())


def read(arrays: list[NDArray[Any]], threads: int) -> None:
    """Read all of one or two contiguous arrays of one size, each thread its part."""
    flat = [a.reshape(-1) for a in arrays]
    bounds = np.linspace(0, flat[0].size, threads + 1).astype(int)
    parts = [[a[i:j] for a in flat] for i, j in itertools.pairwise(bounds)]
    waiting = [_pool.submit(_largest, *part) for part in parts[1:]]
    _largest(*parts[0])
    for part in waiting:
        part.result()


def _best(call: Callable[[int], Any], steps: int) -> float:
    """Seconds of a step, the least of five trials."""
    best = np.inf
    for _ in range(5):
        start = time.perf_counter()
        call(steps)
        best = min(best, time.perf_counter() - start)
    return best / steps


def clock() -> float:
    """Tell the processor's clock in GHz, from a chain of four cycles a step."""
    return 4e-9 / _best(_module.chained, 10_000_000)


def cycles_of_arithmetic(ghz: float) -> tuple[float, float]:
    """Tell how many cycles a multiply-add and a division of sixteen floats take among others."""
    registers = 1024 / 16
    return (
        _best(_module.multiplied, 20_000) * ghz * 1e9 / registers / 8,
        _best(_module.divided, 20_000) * ghz * 1e9 / registers,
    )
