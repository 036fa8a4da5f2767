"""fastdiv alone: at every number of classes, and for rows however they lie in memory."""

import functools
from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray
from rivals import CALLS, Data, data
from timing import medians

import fastdiv

Array = NDArray[Any]
MOST_CLASSES = 300
# Elements of an array: 4 MB of floats.
ELEMENTS = 1 << 20
SHAPES = [(256, 128256), (4096, 1000), (100000, 100), (1000000, 10)]
CALLED: dict[str, Callable[..., Any]] = {
    "cross_entropy_from_logits": lambda d, **k: fastdiv.cross_entropy_from_logits(d.y, d.x, **k),
    "kl_divergence_from_logits": lambda d, **k: fastdiv.kl_divergence_from_logits(d.x, d.z, **k),
    "entropy": lambda d, **k: fastdiv.entropy(d.p, **k),
    "kl_divergence": lambda d, **k: fastdiv.kl_divergence(d.p, d.q, **k),
    "softmax": lambda d, **k: fastdiv.softmax(d.x, **k),
}


def every_count(functions: list[str]) -> dict[str, dict[str, float]]:
    """Speeds of functions at 1, 2, 3 ... classes."""
    found: dict[str, dict[str, float]] = {function: {} for function in functions}
    for c in range(1, MOST_CLASSES + 1):
        n = ELEMENTS // c
        given = data(n, c, np.dtype(np.float32))
        calls = {f: functools.partial(CALLS["fastdiv"][f], given) for f in functions}
        for function, seconds in medians(calls, most=9).items():
            found[function][str(c)] = n * c / seconds / 1e9
    return found


def together() -> dict[str, dict[str, dict[str, float]]]:
    """How many times what one of their numbers takes alone `score` and `compare` take."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for dtype in ("float32", "float64"):
        for n, c in SHAPES:
            given, ours = data(n, c, np.dtype(dtype)), CALLS["fastdiv"]
            # As a model and the same model quantised are.
            near = given._replace(z=given.x + 0.1 * (given.z - given.x))
            alone = {
                "score": ("score", "cross_entropy_from_logits", given),
                "compare": ("compare", "kl_divergence_from_logits", given),
                "compare, near": ("compare", "kl_divergence_from_logits", near),
            }
            calls = {}
            for name, (all_of_them, one, rows) in alone.items():
                calls[name] = functools.partial(ours[all_of_them], rows)
                calls[f"{name}, one"] = functools.partial(ours[one], rows)
            taken = medians(calls)
            times = {name: taken[name] / taken[f"{name}, one"] for name in alone}
            found.setdefault(dtype, {})[f"{n}x{c}"] = times
            print("together", dtype, f"{n} x {c}", times, flush=True)
    return found


def options() -> dict[str, dict[str, dict[str, float]]]:
    """How many times what a call without them takes a call with each option takes."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for n, c in SHAPES:
        given = data(n, c, np.dtype(np.float32))
        ways: dict[str, dict[str, Any]] = {
            "temperature": {"temperature": 1.7},
            "label_smoothing": {"label_smoothing": 0.1},
            "class_weight": {"class_weight": np.arange(c) % 7 / 3},
            "reduction": {"reduction": "mean"},
            "base": {"base": 2},
        }
        plain: dict[str, Callable[..., Any]] = {
            "labels": functools.partial(fastdiv.cross_entropy_from_logits, given.y, given.x),
            "rows": functools.partial(fastdiv.cross_entropy_from_logits, given.p, given.x),
            "labels, `cross_entropy`": functools.partial(fastdiv.cross_entropy, given.y, given.q),
            "rows, `cross_entropy`": functools.partial(fastdiv.cross_entropy, given.p, given.q),
        }
        for truth, call in plain.items():
            taken = medians(
                {"": call, **{name: functools.partial(call, **kw) for name, kw in ways.items()}}
            )
            times = {name: taken[name] / taken[""] for name in ways}
            found.setdefault(f"{n}x{c}", {})[truth] = times
            print("options", f"{n} x {c}", truth, times, flush=True)
    return found


def made(given: Data, change: Callable[[Array], Array]) -> Data:
    """Change the arrays of rows."""
    return given._replace(**{name: change(getattr(given, name)) for name in "xzpq"})


def swapped(a: Array) -> Array:
    """Make an array in the other byte order."""
    return a.astype(a.dtype.newbyteorder())


def layouts() -> dict[str, dict[str, dict[str, float]]]:
    """Speeds of float32 rows that lie in a row, and otherwise."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for n, c in SHAPES:
        given = data(n, c, np.dtype(np.float32))
        first = made(given, lambda a: np.ascontiguousarray(a.T))
        ways: dict[str, tuple[Data, dict[str, Any]]] = {
            "in a row": (given, {}),
            "axis=0": (first, {"axis": 0}),
            "every second": (made(given, lambda a: np.repeat(a, 2, -1)[:, ::2]), {}),
            "other byte order": (made(given, swapped), {}),
            "float16": (made(given, lambda a: a.astype(np.float16)), {}),
            "bfloat16": (made(given, lambda a: a.astype(ml_dtypes.bfloat16)), {}),
            "one q": (given._replace(q=given.q[:1], z=given.z[:1]), {}),
        }
        shape = found.setdefault(f"{n}x{c}", {})
        for function, call in CALLED.items():
            calls = {
                name: functools.partial(call, rows, **options)
                for name, (rows, options) in ways.items()
            }
            taken = medians(calls)
            shape[function] = {name: n * c / s / 1e9 for name, s in taken.items()}
            print("layouts", f"{n} x {c}", function, shape[function], flush=True)
    return found
