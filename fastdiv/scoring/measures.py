"""What is told of a block of rows; of probabilities, which no fused kernel takes, in NumPy."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

import fastdiv
from fastdiv import _rows
from fastdiv._scores import Comparison, Scores
from fastdiv.scoring.sources import Block, InputError

Array = NDArray[Any]


def scored(block: Block, probs: bool, want: Iterable[str] | None) -> Scores:
    """Score a block against its labels."""
    assert block.labels is not None  # score_job sees to it
    if not probs:
        return fastdiv.score(block.labels, block.rows, want=want)
    q, y = _checked(block), block.labels.astype(np.int64)
    chances = _normalized(q)
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


def compared(
    p_block: Block, q_block: Block, labels: Array | None, probs: bool, want: Iterable[str] | None
) -> Comparison:
    """Compare two blocks of the same rows."""
    if not probs:
        return fastdiv.compare(p_block.rows, q_block.rows, labels, want=want)
    p, q = _checked(p_block), _checked(q_block)
    p_chances, q_chances = _normalized(p), _normalized(q)
    of_labels = {}
    if labels is not None:
        y = np.asarray(labels, np.int64)
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


def _checked(block: Block) -> Array:
    """Return a block of probabilities, or raise for the file's first row that is none."""
    bad = _rows.find_bad_distribution(block.rows)
    if bad is not None:
        place, fault = bad
        raise InputError(f"{block.shard.path}: row {block.start + place[0]} {fault}")
    return block.rows


def _normalized(weights: Array) -> Array:
    exact = weights.astype(np.float64)
    normalized: Array = exact / exact.sum(-1, keepdims=True)
    return normalized
