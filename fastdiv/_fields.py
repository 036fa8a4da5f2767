"""What `score` and `compare` tell of every row: the fields, their types, and the results."""

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

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
EVERY_SCORE, EVERY_COMPARISON = frozenset(SCORES), frozenset(COMPARISON)


def types_of(kinds: dict[str, DTypeLike | None], result: np.dtype[Any]) -> dict[str, Any]:
    """Give every number the type of its array."""
    return {name: result if own is None else own for name, own in kinds.items()}


@functools.cache
def numbers_of(names: frozenset[str], of_labels: bool) -> tuple[int | None, ...]:
    """Give the types that `plain_several` of the kernels takes of the numbers that are wanted."""
    kinds = SCORES if of_labels else COMPARISON
    return tuple(
        None if name not in names else -1 if own is None else np.dtype(own).num
        for name, own in kinds.items()
    )


def filled(kind: type[Any], numbers: tuple[Any, ...]) -> Any:
    """Make a result of all its fields; a frozen class's own way takes longer than a short row."""
    made = object.__new__(kind)
    vars(made).update(zip(kind.__dataclass_fields__, numbers, strict=True))
    return made


@dataclass(frozen=True, eq=False)
class Scores:
    """What `score` tells of every row: arrays of one number per row, or None where not asked for.

    A row that is no distribution has NaN in the floats but the log-sum-exp, top class -1 and
    rank 0.

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
        """Tell of every row whether the label is among the k classes with the largest logits.

        Parameters
        ----------
        k : int
            How many classes; of equal logits the first ones come first.

        Returns
        -------
        bool ndarray or scalar
            False where the row is no distribution.

        Raises
        ------
        ValueError
            Where there are no ranks.
        """
        if self.rank is None:
            raise ValueError("there are no ranks to tell: have score want 'rank' too")
        return (self.rank >= 1) & (self.rank <= k)


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
    p_cross_entropy : ndarray
        Minus the logarithm of the label's probability in p, in nats.
    q_cross_entropy : ndarray
        The same in q.
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
