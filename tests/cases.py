"""Rows to try things on, and what every function takes."""

from typing import Any, NamedTuple

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
# Class counts on both sides of where rows are no longer short, of any function and type.
SHORT_ENDS = (40, 41, 48, 49, 60, 61, 80, 81, 100, 101, 120, 121, 160, 161, 200, 201)
# The promise: largest error in ulp, float32 and float64. What binds it are rows of which one term
# is most of the sum, which then has the roundings of that term (exp, a difference or a logarithm,
# two or three products) and of every step of the sum it goes through.
BOUNDS = {
    "entropy": (3, 7),
    "entropy_from_logits": (3, 7),
    "cross_entropy": (3, 7),
    "cross_entropy_from_logits": (3, 7),
    "kl_divergence": (6, 16),
    "kl_divergence_from_logits": (8, 16),
    "js_divergence": (6, 16),
    "js_divergence_from_logits": (8, 16),
    "js_distance": (4, 9),
    "logsumexp": (2, 4),
    "softmax": (3, 7),
    "log_softmax": (2, 5),
}


class Field(NamedTuple):
    """A number of ``score`` or ``compare``: the function of exact.py that it is, what that takes of
    a label and two rows of logits ("y", "p" and "q"), and its promise."""

    definition: str
    takes: str
    bound: tuple[int, int]


def _of(definition: str, takes: str) -> Field:
    """A field with the promise of its function."""
    return Field(definition, takes, BOUNDS[definition])


# Every field that is a float. The others are exact.
FIELDS = {
    "score": {
        "cross_entropy": _of("cross_entropy_from_logits", "yp"),
        "logsumexp": _of("logsumexp", "p"),
        "entropy": _of("entropy_from_logits", "p"),
        # Squares have twice the error of their terms.
        "brier_score": Field("brier_score", "yp", (4, 10)),
        "probability": Field("probability", "yp", (2, 6)),
        "confidence": Field("confidence", "p", (2, 6)),
    },
    "compare": {
        "kl_divergence": _of("kl_divergence_from_logits", "pq"),
        "reverse_kl_divergence": _of("kl_divergence_from_logits", "qp"),
        "js_divergence": _of("js_divergence_from_logits", "pq"),
        "total_variation": Field("total_variation", "pq", (6, 10)),
        "p_cross_entropy": _of("cross_entropy_from_logits", "yp"),
        "q_cross_entropy": _of("cross_entropy_from_logits", "yq"),
        "delta_p": Field("delta_p", "ypq", (8, 12)),
    },
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


def with_classes(few: Any, c: int, filler: Any) -> Any:
    """These classes, spread over a row of others."""
    row = np.full(c, filler, np.asarray(few).dtype)
    row[np.linspace(0, c - 1, len(few)).astype(int)] = few
    return row
