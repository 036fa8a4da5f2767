"""`fastdiv.score` and `fastdiv.compare` of probabilities, which no fused kernel takes, in NumPy.

All that there is is told, whatever is wanted.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

import fastdiv
from fastdiv._fields import Comparison, Scores

Array = NDArray[Any]


def score(labels: Array, q: Array, **_: Any) -> Scores:
    """Score a block against its labels."""
    y, chances = labels.astype(np.int64), _normalized(q)
    at_label = np.take_along_axis(chances, y[:, None], -1)
    above = (chances > at_label).sum(-1)
    equal_before = (chances == at_label) & (np.arange(chances.shape[-1]) < y[:, None])
    others = chances.copy()
    np.put_along_axis(others, y[:, None], at_label - 1, -1)
    return Scores(
        cross_entropy=fastdiv.cross_entropy(y, q),
        entropy=fastdiv.entropy(q),
        brier_score=np.square(others).sum(-1),
        probability=at_label[:, 0],
        confidence=chances.max(-1),
        top_class=chances.argmax(-1),
        rank=1 + above + equal_before.sum(-1),
    )


def compare(p: Array, q: Array, labels: Array | None, **_: Any) -> Comparison:
    """Compare two blocks of the same rows."""
    p_chances, q_chances = _normalized(p), _normalized(q)
    of_labels = {}
    if labels is not None:
        y = labels.astype(np.int64)
        change = np.take_along_axis(q_chances - p_chances, y[:, None], -1)[:, 0]
        of_labels = {
            "p_cross_entropy": fastdiv.cross_entropy(y, p),
            "q_cross_entropy": fastdiv.cross_entropy(y, q),
            "delta_p": change,
        }
    return Comparison(
        kl_divergence=fastdiv.kl_divergence(p, q),
        reverse_kl_divergence=fastdiv.kl_divergence(q, p),
        js_divergence=fastdiv.js_divergence(p, q),
        total_variation=np.abs(p_chances - q_chances).sum(-1) / 2,
        same_top_class=p_chances.argmax(-1) == q_chances.argmax(-1),
        **of_labels,
    )


def _normalized(weights: Array) -> Array:
    exact = weights.astype(np.float64)
    normalized: Array = exact / exact.sum(-1, keepdims=True)
    return normalized
