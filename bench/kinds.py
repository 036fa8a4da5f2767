"""fastdiv alone: rows of numbers out of the ordinary against rows of others.

A row that the fast way is not for must not take much longer than it is worth: what is timed is
whether the speed hangs on the values.
"""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rivals import Data, data
from timing import medians

import fastdiv

Array = NDArray[np.float32]
ORDINARY = "ordinary rows"
# Rows and classes, a million elements or less.
SHAPES = [(50000, 10), (10000, 100), (1000, 1000), (20, 50000)]
WEIGHTS: dict[str, Callable[[Data], Any]] = {
    "entropy": lambda d: fastdiv.entropy(d.p),
    "cross_entropy": lambda d: fastdiv.cross_entropy(d.p, d.q),
    "kl_divergence": lambda d: fastdiv.kl_divergence(d.p, d.q),
    "js_divergence": lambda d: fastdiv.js_divergence(d.p, d.q),
}
LOGITS: dict[str, Callable[[Data], Any]] = {
    "cross_entropy_from_logits": lambda d: fastdiv.cross_entropy_from_logits(d.y, d.x),
    "entropy_from_logits": lambda d: fastdiv.entropy_from_logits(d.x),
    "softmax": lambda d: fastdiv.softmax(d.x),
    "kl_divergence_from_logits": lambda d: fastdiv.kl_divergence_from_logits(d.x, d.z),
    "js_divergence_from_logits": lambda d: fastdiv.js_divergence_from_logits(d.x, d.z),
    "score": lambda d: fastdiv.score(d.y, d.x),
    "compare": lambda d: fastdiv.compare(d.x, d.z),
}


def _float(a: NDArray[Any]) -> Array:
    return a.astype(np.float32)


def _set(a: Array, where: Any, value: float) -> Array:
    changed = a.copy()
    changed[where] = value
    return changed


def weights(d: Data) -> Iterator[tuple[str, Data]]:
    """Give kinds of weights, ordinary ones first."""
    rng = np.random.default_rng(1)
    p, q = d.p, d.q
    few = rng.random(p.shape) < 0.9
    few[:, 0] = False
    counts = _float(rng.integers(0, 1000, p.shape)) + (np.arange(p.shape[1]) == 0)
    yield ORDINARY, d
    yield "nine of ten are 0 in both", d._replace(p=_set(p, few, 0), q=_set(q, few, 0))
    yield "nine of ten are 0 in p", d._replace(p=_set(p, few, 0))
    yield "nine of ten are 0 in q: infinite", d._replace(q=_set(q, few, 0))
    yield "one q is 0: infinite", d._replace(q=_set(q, (..., p.shape[1] // 2), 0))
    yield "p is 1 of the label, else 0", d._replace(p=np.eye(p.shape[1], dtype=p.dtype)[d.y])
    yield "p and q are equal", d._replace(q=p.copy())
    yield "a thousandth apart", d._replace(q=_float(p * (1 + 1e-3 * rng.normal(size=p.shape))))
    yield "counts", d._replace(p=counts, q=_float(rng.integers(1, 500, p.shape)))
    yield (
        "of logits of spread 20",
        d._replace(p=fastdiv.softmax(7 * d.x), q=fastdiv.softmax(7 * d.z)),
    )
    yield "one q is subnormal", d._replace(q=_set(q, (..., p.shape[1] // 2), 1e-39))
    yield "around 1e-30", d._replace(p=_float(p * 1e-30), q=_float(q * 1e-30))
    yield "q is the same of all", d._replace(q=np.full_like(q, 1 / p.shape[1]))
    yield "one p is NaN", d._replace(p=_set(p, (..., p.shape[1] // 2), np.nan))


def logits(d: Data) -> Iterator[tuple[str, Data]]:
    """Give kinds of logits, ordinary ones first."""
    rng = np.random.default_rng(1)
    x, z = d.x, d.z
    few = rng.random(x.shape) < 0.9
    few[:, 0] = False
    # A label that is masked would be another kind.
    few[np.arange(len(x)), d.y] = False
    yield ORDINARY, d
    yield "of spread 30", d._replace(x=10 * x, z=10 * z)
    yield "of spread 300", d._replace(x=100 * x, z=100 * z)
    yield (
        "nine of ten are -inf in both",
        d._replace(x=_set(x, few, -np.inf), z=_set(z, few, -np.inf)),
    )
    yield "nine of ten are -inf in the second", d._replace(z=_set(z, few, -np.inf))
    yield "nine of ten are -1e9 in both", d._replace(x=_set(x, few, -1e9), z=_set(z, few, -1e9))
    yield "equal", d._replace(z=x.copy())
    yield "a thousandth apart", d._replace(z=x + _float(1e-3 * rng.normal(size=x.shape)))
    yield "apart by 1, a constant", d._replace(z=x + np.float32(1))
    yield "rising", d._replace(x=np.sort(x, 1), z=np.sort(z, 1))
    yield "all the same", d._replace(x=np.zeros_like(x), z=np.zeros_like(z))
    top = (np.arange(len(x)), d.y)
    yield "confident: one is 30 more", d._replace(x=_set(x, top, 45), z=_set(z, top, 45))
    yield "log-probabilities", d._replace(x=fastdiv.log_softmax(x), z=fastdiv.log_softmax(z))
    yield "around a million", d._replace(x=x + np.float32(1e6), z=z + np.float32(1e6))
    yield "one is NaN", d._replace(x=_set(x, (..., x.shape[1] // 2), np.nan))


def times() -> dict[str, dict[str, dict[str, dict[str, float]]]]:
    """How many times what ordinary rows take others take: by family, kind, function and classes."""
    found: dict[str, dict[str, dict[str, dict[str, float]]]] = {}
    for family, functions, kinds in (("weights", WEIGHTS, weights), ("logits", LOGITS, logits)):
        for n, c in SHAPES:
            rows = dict(kinds(data(n, c, np.dtype(np.float32))))
            for function, call in functions.items():
                taken = medians(
                    {kind: functools.partial(call, given) for kind, given in rows.items()}, most=9
                )
                for kind in rows:
                    by = found.setdefault(family, {}).setdefault(kind, {}).setdefault(function, {})
                    by[str(c)] = taken[kind] / taken[ORDINARY]
                print("kinds", f"{n} x {c}", function, taken, flush=True)
    return found
