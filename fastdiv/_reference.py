"""The definitions, in plain NumPy and float64: what every function means, not how it is computed.

Classes are on the last axis. Good to about 1e-12 of the size of the terms, no better: differences
of near rows and small losses cancel here, which is what the kernels are for.
"""

from typing import Any, TypeAlias

import numpy as np

Rows: TypeAlias = Any  # float64 arrays; NumPy's own types make every sum Any


def _normalized(p: Rows) -> Rows:
    with np.errstate(all="ignore"):
        valid = (p >= 0).all(-1, keepdims=True) & np.isfinite(p).all(-1, keepdims=True)
        return np.where(valid, p / p.sum(-1, keepdims=True), np.nan)


def _product(p: Rows, values: Rows) -> Rows:
    """P * values with 0 * anything = 0, unless that is NaN."""
    with np.errstate(all="ignore"):
        return np.where((p == 0) & ~np.isnan(values), 0.0, p * values)


def _log(q: Rows) -> Rows:
    with np.errstate(all="ignore"):
        return np.log(q)


def entropy(p: Rows) -> Rows:
    """H(p) = -sum p log p."""
    return cross_entropy(p, p)


def cross_entropy(p: Rows, q: Rows) -> Rows:
    """H(p, q) = -sum p log q."""
    return -_product(_normalized(p), _log(_normalized(q))).sum(-1) + 0.0


def kl_divergence(p: Rows, q: Rows) -> Rows:
    """KL(p, q) = sum p log(p / q)."""
    p, q = _normalized(p), _normalized(q)
    with np.errstate(all="ignore"):
        return _product(p, _log(p) - _log(np.where((p == 0) & (q == 0), 1.0, q))).sum(-1)


def js_divergence(p: Rows, q: Rows) -> Rows:
    """JS(p, q) = (KL(p, m) + KL(q, m)) / 2 with m = (p + q) / 2."""
    p, q = _normalized(p), _normalized(q)
    return (kl_divergence(p, (p + q) / 2) + kl_divergence(q, (p + q) / 2)) / 2


def js_distance(p: Rows, q: Rows) -> Rows:
    """sqrt(JS(p, q))."""
    return np.sqrt(np.maximum(js_divergence(p, q), 0))


def logsumexp(x: Rows) -> Rows:
    """Log of sum exp x."""
    m = x.max(-1, keepdims=True)
    with np.errstate(all="ignore"):
        finite = np.where(np.isinf(m), 0.0, m)
        total = np.log(np.exp(x - finite).sum(-1)) + finite[..., 0]
        return np.where(np.isnan(x).any(-1), np.nan, np.where(m[..., 0] == np.inf, np.inf, total))


def log_softmax(x: Rows) -> Rows:
    """X - log sum exp x."""
    lse = logsumexp(x)[..., None]
    with np.errstate(all="ignore"):
        return np.where(np.isinf(lse), np.nan, x - lse)


def softmax(x: Rows) -> Rows:
    """Exp(x) / sum exp x."""
    with np.errstate(all="ignore"):
        return np.exp(log_softmax(x))


def entropy_from_logits(x: Rows) -> Rows:
    """H(softmax(x))."""
    return -_product(softmax(x), log_softmax(x)).sum(-1) + 0.0


def cross_entropy_from_logits(p: Rows, x: Rows) -> Rows:
    """H(p, softmax(x))."""
    return -_product(_normalized(p), log_softmax(x)).sum(-1) + 0.0


def kl_divergence_from_logits(xp: Rows, xq: Rows) -> Rows:
    """KL(softmax(xp), softmax(xq))."""
    log_p, log_q = log_softmax(xp), log_softmax(xq)
    with np.errstate(all="ignore"):
        both = np.isneginf(log_p) & np.isneginf(log_q)
        return _product(np.exp(log_p), np.where(both, 0.0, log_p - log_q)).sum(-1)


def js_divergence_from_logits(xp: Rows, xq: Rows) -> Rows:
    """JS(softmax(xp), softmax(xq))."""
    return js_divergence(softmax(xp), softmax(xq))


def score(y: Rows, x: Rows) -> dict[str, Rows]:
    """Every field of ``Scores``, of rows that are distributions."""
    p, hit = softmax(x), np.arange(x.shape[-1]) == y[..., None]
    at_label = np.where(hit, x, -np.inf).max(-1, keepdims=True)
    before = np.arange(x.shape[-1]) < y[..., None]
    return {
        "cross_entropy": cross_entropy_from_logits(hit.astype(np.float64), x),
        "logsumexp": logsumexp(x),
        "entropy": entropy_from_logits(x),
        "brier_score": ((p - hit) ** 2).sum(-1),
        "probability": (p * hit).sum(-1),
        "confidence": p.max(-1),
        "top_class": x.argmax(-1),
        "rank": 1 + ((x > at_label) | ((x == at_label) & before)).sum(-1),
    }


def compare(xp: Rows, xq: Rows, y: Rows | None = None) -> dict[str, Rows]:
    """Every field of ``Comparison`` that there is, of rows that are distributions."""
    p, q = softmax(xp), softmax(xq)
    made = {
        "kl_divergence": kl_divergence_from_logits(xp, xq),
        "reverse_kl_divergence": kl_divergence_from_logits(xq, xp),
        "js_divergence": js_divergence(p, q),
        "total_variation": np.abs(p - q).sum(-1) / 2,
        "same_top_class": xp.argmax(-1) == xq.argmax(-1),
    }
    if y is None:
        return made
    hit = (np.arange(xp.shape[-1]) == y[..., None]).astype(np.float64)
    return made | {
        "p_cross_entropy": cross_entropy_from_logits(hit, xp),
        "q_cross_entropy": cross_entropy_from_logits(hit, xq),
        "delta_p": ((q - p) * hit).sum(-1),
    }


def check_distributions(p: Rows, tol: float) -> None:
    """Raise unless every row is non-negative, finite and sums to 1 within ``tol``."""
    with np.errstate(all="ignore"):
        good = (p >= 0).all(-1) & (np.abs(p.sum(-1) - 1) <= tol)
    if not good.all():
        raise ValueError(f"row {int(np.flatnonzero(~good)[0])} is no distribution")


def blended(p: Rows, weight: Rows, smoothing: float) -> Rows:
    """Target of cross-entropy with options: weight * ((1 - smoothing) p + smoothing / c)."""
    return weight * ((1 - smoothing) * _normalized(p) + smoothing / p.shape[-1])
