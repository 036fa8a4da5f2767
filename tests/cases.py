"""Rows to try things on, and what every function takes."""

from typing import Any

import numpy as np

# What each public divergence takes: weights ("w") or logits ("x"), one row or two.
SIGNATURES = {
    "entropy": "w",
    "cross_entropy": "ww",
    "kl_divergence": "ww",
    "js_divergence": "ww",
    "js_distance": "ww",
    "logsumexp": "x",
    "softmax": "x",
    "log_softmax": "x",
    "entropy_from_logits": "x",
    "cross_entropy_from_logits": "wx",
    "kl_divergence_from_logits": "xx",
    "js_divergence_from_logits": "xx",
}
# Public functions that tell several things of a row, and their row functions.
SEVERAL = {"score": "score_from_logits", "compare": "compare_from_logits"}
# Public functions that compute nothing.
SETTINGS = {"get_workers", "set_workers"}
MAKERS = ("softmax", "log_softmax")
DTYPES = (np.float32, np.float64)
# The promise: largest error in ulp, float32 and float64. What binds it are rows of which one term
# is most of the sum, which then has the roundings of that term (exp, a difference or a logarithm,
# two or three products) and of every step of the sum it goes through.
BOUNDS = {
    "entropy": (3, 7),
    "entropy_from_logits": (3, 7),
    "cross_entropy": (3, 7),
    "cross_entropy_from_logits": (3, 7),
    "kl_divergence": (6, 16),
    "kl_divergence_from_logits": (7, 16),
    "js_divergence": (6, 16),
    "js_divergence_from_logits": (7, 16),
    "js_distance": (4, 9),
    "logsumexp": (2, 4),
    "softmax": (3, 7),
    "log_softmax": (2, 5),
}


def rows_for(name: str, n: int, c: int, dtype: Any, seed: int = 0) -> tuple[Any, ...]:
    """Arguments for a function: n ordinary rows of c classes."""
    rng = np.random.default_rng([seed, n, c])
    made = []
    for kind in SIGNATURES[name]:
        x = 3 * rng.normal(size=(n, c))
        if kind == "w":
            x = np.exp(x - x.max(-1, keepdims=True))
            x /= x.sum(-1, keepdims=True)
        made.append(x.astype(dtype))
    return tuple(made)
