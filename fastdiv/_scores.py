"""Public functions that tell several things of every row, which is read once."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from fastdiv import _check, _rows

# The numbers of the kernels, in their order; those with a type of their own, and the others in the
# result's.
SCORES: dict[str, DTypeLike | None] = {
    "cross_entropy": None,
    "logsumexp": None,
    "entropy": None,
    "brier_score": None,
    "probability": None,
    "confidence": None,
    "top_class": np.int64,
    "rank": np.int64,
}

COMPARISON: dict[str, DTypeLike | None] = {
    "kl_divergence": None,
    "reverse_kl_divergence": None,
    "js_divergence": None,
    "total_variation": None,
    "same_top_class": np.bool_,
    "p_cross_entropy": None,
    "q_cross_entropy": None,
    "delta_p": None,
}
# Those that are told of a label.
OF_LABELS = frozenset(("p_cross_entropy", "q_cross_entropy", "delta_p"))


def _types(kinds: dict[str, DTypeLike | None], result: np.dtype[Any]) -> dict[str, Any]:
    """Give every number the type of its array."""
    return {name: result if own is None else own for name, own in kinds.items()}


@dataclass(frozen=True, eq=False)
class Scores:
    """What `score` tells of every row: arrays of one number per row, or None where not asked for.

    Floats are float32 for input of float32 or fewer bits, else float64; classes and ranks int64. A
    row that is no distribution has NaN in all floats, top class -1 and rank 0.

    Attributes
    ----------
    cross_entropy : ndarray
        Minus the logarithm of the label's probability, in nats.
    logsumexp : ndarray
        Logarithm of the sum of the exponentials of the logits.
    entropy : ndarray
        Of the predicted distribution, in nats.
    brier_score : ndarray
        Squared distance of the probabilities from 1 at the label and 0 elsewhere: 0 to 2.
    probability : ndarray
        Of the label.
    confidence : ndarray
        Probability of the top class.
    top_class : ndarray
        The first of the classes with the largest logit.
    rank : ndarray
        The label's place, from 1 for the largest logit; of equal ones the first class comes first.
    """

    cross_entropy: Any = None
    logsumexp: Any = None
    entropy: Any = None
    brier_score: Any = None
    probability: Any = None
    confidence: Any = None
    top_class: Any = None
    rank: Any = None

    def top_k(self, k: int) -> Any:
        """Whether the label is among the k classes with the largest logits, for every row."""
        if self.rank is None:
            raise ValueError("top_k is told by the ranks: ask score for want=('rank', ...)")
        return (self.rank >= 1) & (self.rank <= k)


def score(
    labels: ArrayLike,
    logits: ArrayLike,
    *,
    want: Iterable[str] | None = None,
    workers: int | None = None,
) -> Scores:
    """Score."""
    y, x = _check.as_array(labels, "labels"), _check.as_array(logits, "logits")
    rows = _check.classes_last(x, -1, "logits")
    y, rows, _ = _check.labels_for(_check.labels_of(y, x), rows, None)
    made = _rows.several(
        "score_from_logits",
        _types(SCORES, _check.result_type(None, x)),
        _check.names_of(want, SCORES),
        None,
        rows,
        y,
        wide=not _check.is_narrow(x),
        workers=workers,
    )
    return Scores(**made)


@dataclass(frozen=True, eq=False)
class Comparison:
    """What `compare` tells of every pair of rows: arrays of one number per pair, or None.

    None stands for what was not asked for, and for what needs labels where there are none. Floats
    are float32 for input of float32 or fewer bits, else float64. A pair with a row that is no
    distribution has NaN in all floats and False as ``same_top_class``.

    Attributes
    ----------
    kl_divergence : ndarray
        Of p from q, KL(p, q), in nats, 0 or more.
    reverse_kl_divergence : ndarray
        KL(q, p).
    js_divergence : ndarray
        Jensen-Shannon divergence, 0 to log 2.
    total_variation : ndarray
        Half the sum of the absolute differences of the probabilities, 0 to 1.
    same_top_class : ndarray
        Whether the largest logits of both rows, the first of equal ones, are of the same class.
    p_cross_entropy, q_cross_entropy : ndarray
        Minus the logarithm of the label's probability in either row.
    delta_p : ndarray
        The label's probability in q less that in p.
    """

    kl_divergence: Any = None
    reverse_kl_divergence: Any = None
    js_divergence: Any = None
    total_variation: Any = None
    same_top_class: Any = None
    p_cross_entropy: Any = None
    q_cross_entropy: Any = None
    delta_p: Any = None


def compare(
    p_logits: ArrayLike,
    q_logits: ArrayLike,
    labels: ArrayLike | None = None,
    *,
    want: Iterable[str] | None = None,
    workers: int | None = None,
) -> Comparison:
    """Compare."""
    p, q = _check.as_array(p_logits, "p_logits"), _check.as_array(q_logits, "q_logits")
    p_rows, q_rows = _check.together(
        _check.classes_last(p, -1, "p_logits"), _check.classes_last(q, -1, "q_logits")
    )
    names = _check.names_of(want, COMPARISON)
    y = None
    if labels is not None:
        y = _check.labels_of(_check.as_array(labels, "labels"), p_rows)
        y, p_rows, _ = _check.labels_for(y, p_rows, None)
        q_rows = np.broadcast_to(q_rows, p_rows.shape)
    elif want is None:
        names -= OF_LABELS
    elif names & OF_LABELS:
        raise ValueError(f"want holds {min(names & OF_LABELS)!r}, which needs labels")
    made = _rows.several(
        "compare_from_logits",
        _types(COMPARISON, _check.result_type(None, p, q)),
        names,
        p_rows,
        q_rows,
        y,
        wide=not (_check.is_narrow(p) and _check.is_narrow(q)),
        workers=workers,
    )
    return Comparison(**made)
