"""Cross-entropy, KL divergence and their kin, row by row, for large batches."""

from fastdiv._fields import Comparison, Scores
from fastdiv._logits import (
    cross_entropy_from_logits,
    entropy_from_logits,
    js_divergence_from_logits,
    kl_divergence_from_logits,
    log_softmax,
    logsumexp,
    softmax,
)
from fastdiv._probabilities import (
    check_distributions,
    cross_entropy,
    entropy,
    js_distance,
    js_divergence,
    kl_divergence,
)
from fastdiv._scores import compare, score
from fastdiv._workers import get_workers, set_workers

__version__ = "0.1.0"
__all__ = [
    "Comparison",
    "Scores",
    "check_distributions",
    "compare",
    "cross_entropy",
    "cross_entropy_from_logits",
    "entropy",
    "entropy_from_logits",
    "get_workers",
    "js_distance",
    "js_divergence",
    "js_divergence_from_logits",
    "kl_divergence",
    "kl_divergence_from_logits",
    "log_softmax",
    "logsumexp",
    "score",
    "set_workers",
    "softmax",
]
