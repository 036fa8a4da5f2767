"""What each function is timed against: the same numbers as a competent user gets elsewhere.

``CALLS[library][function]`` takes the arrays of ``data``, as ``PREPARED[library]`` makes them, and
returns one number per row (a row for softmax and log_softmax, ``Scores`` and ``Comparison`` for
score and compare). A library that is not installed is not in the table. One thread each.
"""

import importlib
import importlib.util
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import fastdiv
from fastdiv import _reference

Array = NDArray[Any]
Call = Callable[["Data"], Any]


class Data(NamedTuple):
    """Rows of a shape: logits, their probabilities, labels."""

    x: Array
    z: Array
    p: Array
    q: Array
    y: NDArray[np.int64]


def data(n: int, c: int, dtype: Any) -> Data:
    """Logits of spread 3, a second model 1 apart, and what belongs to them."""
    rng = np.random.default_rng(0)
    x = rng.normal(0, 3, (n, c)).astype(dtype)
    z = x + rng.normal(0, 1, (n, c)).astype(dtype)
    return Data(x, z, fastdiv.softmax(x), fastdiv.softmax(z), rng.integers(0, c, n))


def _numpy_log_softmax(x: Array) -> Array:
    shifted: Array = x - x.max(-1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(-1, keepdims=True))
    return shifted


def _numpy_softmax(x: Array) -> Array:
    e: Array = np.exp(x - x.max(-1, keepdims=True))
    e /= e.sum(-1, keepdims=True)
    return e


def _numpy_logsumexp(x: Array) -> Any:
    m = x.max(-1, keepdims=True)
    return np.log(np.exp(x - m).sum(-1)) + m[:, 0]


def _numpy_kl(p: Array, q: Array) -> Any:
    return (p * np.log(p / q)).sum(-1)


def _numpy_js(p: Array, q: Array) -> Any:
    m = (p + q) / 2
    return (_numpy_kl(p, m) + _numpy_kl(q, m)) / 2


def _numpy_kl_from_logits(x: Array, z: Array) -> Any:
    log_p = _numpy_log_softmax(x)
    return (np.exp(log_p) * (log_p - _numpy_log_softmax(z))).sum(-1)


def _picked(rows: Array, y: Array) -> Any:
    return np.take_along_axis(rows, y[:, None], -1)[:, 0]


def _numpy_score(x: Array, y: Array) -> fastdiv.Scores:
    lse, at_label = _numpy_logsumexp(x), _picked(x, y)
    log_p = x - lse[:, None]
    p, top = np.exp(log_p), x.argmax(-1)
    probability = _picked(p, y)
    return fastdiv.Scores(
        cross_entropy=lse - at_label,
        logsumexp=lse,
        entropy=-(p * log_p).sum(-1),
        brier_score=(p * p).sum(-1) - 2 * probability + 1,
        probability=probability,
        confidence=_picked(p, top),
        top_class=top,
        rank=1 + (x > at_label[:, None]).sum(-1),
    )


def _numpy_compare(x: Array, z: Array, y: Array) -> fastdiv.Comparison:
    log_p, log_q = _numpy_log_softmax(x), _numpy_log_softmax(z)
    p, q, gap = np.exp(log_p), np.exp(log_q), log_p - log_q
    return fastdiv.Comparison(
        kl_divergence=(p * gap).sum(-1),
        reverse_kl_divergence=-(q * gap).sum(-1),
        js_divergence=_numpy_js(p, q),
        total_variation=np.abs(p - q).sum(-1) / 2,
        same_top_class=x.argmax(-1) == z.argmax(-1),
        p_cross_entropy=-_picked(log_p, y),
        q_cross_entropy=-_picked(log_q, y),
        delta_p=_picked(q, y) - _picked(p, y),
    )


# What turns the arrays into the library's own, before the clock runs.
PREPARED: dict[str, Callable[[Data], Any]] = dict.fromkeys(
    ("fastdiv", "numpy", "scipy"), lambda d: d
)
CALLS: dict[str, dict[str, Call]] = {
    "fastdiv": {
        "entropy": lambda d: fastdiv.entropy(d.p),
        "cross_entropy": lambda d: fastdiv.cross_entropy(d.p, d.q),
        "kl_divergence": lambda d: fastdiv.kl_divergence(d.p, d.q),
        "js_divergence": lambda d: fastdiv.js_divergence(d.p, d.q),
        "js_distance": lambda d: fastdiv.js_distance(d.p, d.q),
        "check_distributions": lambda d: fastdiv.check_distributions(d.p),
        "logsumexp": lambda d: fastdiv.logsumexp(d.x),
        "softmax": lambda d: fastdiv.softmax(d.x),
        "log_softmax": lambda d: fastdiv.log_softmax(d.x),
        "entropy_from_logits": lambda d: fastdiv.entropy_from_logits(d.x),
        "cross_entropy_from_logits": lambda d: fastdiv.cross_entropy_from_logits(d.y, d.x),
        "kl_divergence_from_logits": lambda d: fastdiv.kl_divergence_from_logits(d.x, d.z),
        "js_divergence_from_logits": lambda d: fastdiv.js_divergence_from_logits(d.x, d.z),
        "score": lambda d: fastdiv.score(d.y, d.x),
        "compare": lambda d: fastdiv.compare(d.x, d.z, d.y),
    },
    "numpy": {
        "entropy": lambda d: -(d.p * np.log(d.p)).sum(-1),
        "cross_entropy": lambda d: -(d.p * np.log(d.q)).sum(-1),
        "kl_divergence": lambda d: _numpy_kl(d.p, d.q),
        "js_divergence": lambda d: _numpy_js(d.p, d.q),
        "js_distance": lambda d: np.sqrt(_numpy_js(d.p, d.q)),
        "logsumexp": lambda d: _numpy_logsumexp(d.x),
        "softmax": lambda d: _numpy_softmax(d.x),
        "log_softmax": lambda d: _numpy_log_softmax(d.x),
        "entropy_from_logits": lambda d: (
            -(lambda log_p: (np.exp(log_p) * log_p).sum(-1))(_numpy_log_softmax(d.x))
        ),
        "cross_entropy_from_logits": lambda d: _numpy_logsumexp(d.x) - _picked(d.x, d.y),
        "kl_divergence_from_logits": lambda d: _numpy_kl_from_logits(d.x, d.z),
        "js_divergence_from_logits": lambda d: _numpy_js(_numpy_softmax(d.x), _numpy_softmax(d.z)),
        "score": lambda d: _numpy_score(d.x, d.y),
        "compare": lambda d: _numpy_compare(d.x, d.z, d.y),
    },
}

if importlib.util.find_spec("scipy"):
    import scipy.special as sp
    from scipy.spatial.distance import jensenshannon
    from scipy.stats import entropy as scipy_entropy

    CALLS["scipy"] = {
        "entropy": lambda d: sp.entr(d.p).sum(-1),
        "cross_entropy": lambda d: -sp.xlogy(d.p, d.q).sum(-1),
        "kl_divergence": lambda d: sp.rel_entr(d.p, d.q).sum(-1),
        "js_divergence": lambda d: jensenshannon(d.p, d.q, axis=-1) ** 2,
        "js_distance": lambda d: jensenshannon(d.p, d.q, axis=-1),
        "logsumexp": lambda d: sp.logsumexp(d.x, axis=-1),
        "softmax": lambda d: sp.softmax(d.x, axis=-1),
        "log_softmax": lambda d: sp.log_softmax(d.x, axis=-1),
        "entropy_from_logits": lambda d: scipy_entropy(sp.softmax(d.x, axis=-1), axis=-1),
        "cross_entropy_from_logits": lambda d: sp.logsumexp(d.x, axis=-1) - _picked(d.x, d.y),
        "kl_divergence_from_logits": lambda d: sp.rel_entr(
            sp.softmax(d.x, axis=-1), sp.softmax(d.z, axis=-1)
        ).sum(-1),
        "js_divergence_from_logits": lambda d: (
            jensenshannon(sp.softmax(d.x, axis=-1), sp.softmax(d.z, axis=-1), axis=-1) ** 2
        ),
    }

for name in ("torch", "jax", "numba", "numexpr", "numkong"):
    if importlib.util.find_spec(name):
        rival = importlib.import_module(f"rival_{name}")
        CALLS[name] = rival.CALLS
        PREPARED[name] = getattr(rival, "prepared", PREPARED["numpy"])

# It adds 1e-7 (float32) or 1e-15 to every probability before it divides: a few per cent off for
# hundreds of classes, so that its speed is shown and not compared with.
INEXACT = {"numkong": 0.5}

# The rows are of order 1 apart, so that rivals lose only a few digits to cancellation: 1e-3 in
# float32, where their terms are rounded at 6e-8 and cancel by up to a hundred, 1e-11 in float64.
TOLERANCE = {"float32": 1e-3, "float64": 1e-11}


def check(library: str, function: str, dtype: str) -> None:
    """Raise unless a library's call agrees with the definition on a small batch."""
    small = data(8, 500, np.dtype(dtype))
    x, z, p, q = (a.astype(np.float64) for a in small[:4])
    if function == "check_distributions":
        return
    arguments: tuple[Any, ...] = {
        "score": (small.y, x),
        "compare": (x, z, small.y),
        "cross_entropy_from_logits": (np.eye(500)[small.y], x),
        "entropy": (p,),
        "cross_entropy": (p, q),
        "kl_divergence": (p, q),
        "js_divergence": (p, q),
        "js_distance": (p, q),
        "kl_divergence_from_logits": (x, z),
        "js_divergence_from_logits": (x, z),
    }.get(function, (x,))
    made = CALLS[library][function](PREPARED[library](small))
    expected = getattr(_reference, function)(*arguments)
    np.testing.assert_allclose(
        np.asarray(made) if isinstance(expected, np.ndarray) else list(vars(made).values()),
        expected if isinstance(expected, np.ndarray) else list(expected.values()),
        rtol=INEXACT.get(library, TOLERANCE[dtype]),
        err_msg=f"{library}'s {function} in {dtype} is not what it should be",
    )
