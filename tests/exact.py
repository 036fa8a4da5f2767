"""The definitions in mpmath: what the result would be if only the inputs were rounded.

60 digits do for the arithmetic; 400 let 1 + 10^-300 be told from 1 (see ``evaluate``).
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from mpmath import mp, mpf

mp.dps = 400

Row = Sequence[Any]


def _exact(row: Any) -> list[Any]:
    return [mpf(float(value)) for value in row]


def _normalized(weights: list[Any]) -> list[Any]:
    total = mp.fsum(weights)
    return [w / total for w in weights]


def _log_probabilities(x: list[Any]) -> list[Any]:
    # From the largest logit first: next to 1e300 the digits kept would have no room for its share.
    m = max(x)
    if mp.isinf(m):
        return [v - m for v in x]
    lse = _logsumexp([v - m for v in x])
    return [v - m - lse for v in x]


def _logsumexp(x: list[Any]) -> Any:
    m = max(x)
    if mp.isinf(m):
        return m
    return m + mp.log(mp.fsum(mp.exp(v - m) for v in x))


def _log_weights(q: list[Any]) -> list[Any]:
    return [mp.log(v) if v > 0 else -mp.inf for v in q]


def _expectation(p: list[Any], values: list[Any]) -> Any:
    return mp.fsum(a * b for a, b in zip(p, values, strict=True) if a != 0)


def _kl(p: list[Any], log_p: list[Any], log_q: list[Any]) -> Any:
    return mp.fsum(a * (b - c) for a, b, c in zip(p, log_p, log_q, strict=True) if a != 0)


def _js(p: list[Any], q: list[Any]) -> Any:
    middle = _log_weights([(a + b) / 2 for a, b in zip(p, q, strict=True)])
    return (_kl(p, _log_weights(p), middle) + _kl(q, _log_weights(q), middle)) / 2


def _weights(row: Row, normalize: bool) -> list[Any]:
    return _normalized(_exact(row)) if normalize else _exact(row)


def entropy(p: Row, normalize: bool = True) -> Any:
    """H(p) of the normalised row, or of the row as it stands."""
    exact = _weights(p, normalize)
    return cross_entropy_exact(exact, exact)


def cross_entropy_exact(p: list[Any], q: list[Any]) -> Any:
    """-sum p log q for p of any and q of sum 1; near q = 1 through log1p of what is missing."""
    total = mpf(0)
    for a, b in zip(p, q, strict=True):
        if a == 0:
            continue
        if b == 0:
            return mp.inf
        total -= a * (mp.log1p(b - 1) if b > 0.5 else mp.log(b))
    return total


def _target(
    p: Any, c: int, class_weight: Any = None, label_smoothing: float = 0.0, normalize: bool = True
) -> list[Any]:
    """weight * ((1 - smoothing) * p + smoothing / c); an integer p is a label."""
    label = isinstance(p, (int, np.integer))
    row = [mpf(k == p) for k in range(c)] if label else _weights(p, normalize)
    smoothing = mpf(label_smoothing)
    weights = [mpf(1)] * c if class_weight is None else _exact(class_weight)
    return [w * ((1 - smoothing) * v + smoothing / c) for v, w in zip(row, weights, strict=True)]


def cross_entropy(
    p: Any, q: Row, temperature: float = 1.0, normalize: bool = True, **blend: Any
) -> Any:
    """H(p, q) of the normalised rows, or of p and q^(1/T); blend: as ``_target`` takes it."""
    weights = _exact(q)
    if temperature != 1:
        largest = max(weights)
        weights = [(w / largest) ** (1 / mpf(temperature)) for w in weights]
    target = _target(p, len(weights), normalize=normalize, **blend)
    return cross_entropy_exact(target, _normalized(weights) if normalize else weights)


def kl_divergence(p: Row, q: Row, normalize: bool = True) -> Any:
    """KL of the normalised rows, or sum p log(p / q) of the rows as they stand."""
    exact_p, exact_q = _weights(p, normalize), _weights(q, normalize)
    return _kl(exact_p, _log_weights(exact_p), _log_weights(exact_q))


def js_divergence(p: Row, q: Row, normalize: bool = True) -> Any:
    """Jensen-Shannon divergence of the normalised rows, or of the rows as they stand."""
    return _js(_weights(p, normalize), _weights(q, normalize))


def js_distance(p: Row, q: Row, normalize: bool = True) -> Any:
    """The square root of the Jensen-Shannon divergence."""
    return mp.sqrt(max(js_divergence(p, q, normalize), mpf(0)))


def logsumexp(x: Row) -> Any:
    """log sum exp x."""
    return _logsumexp(_exact(x))


def log_softmax(x: Row) -> list[Any]:
    """x - log sum exp x."""
    return _log_softmax(tuple(map(float, x)), mp.prec)


def softmax(x: Row) -> list[Any]:
    """exp(x) / sum exp x."""
    return _softmax(tuple(map(float, x)), mp.prec)


# Kept, as the numbers that are told of a row are all made of them; with other bits they are others.
@functools.lru_cache(maxsize=16)
def _log_softmax(x: tuple[float, ...], _bits: int) -> list[Any]:
    return _log_probabilities(_exact(x))


@functools.lru_cache(maxsize=16)
def _softmax(x: tuple[float, ...], bits: int) -> list[Any]:
    return [mp.exp(v) for v in _log_softmax(x, bits)]


def entropy_from_logits(x: Row) -> Any:
    """H(softmax(x))."""
    return -_expectation(softmax(x), log_softmax(x))


def cross_entropy_from_logits(p: Any, x: Row, temperature: float = 1.0, **blend: Any) -> Any:
    """H(p, softmax(x / T))."""
    log_q = log_softmax(x)
    if temperature != 1:
        log_q = _log_probabilities([v / mpf(temperature) for v in _exact(x)])
    return -_expectation(_target(p, len(log_q), **blend), log_q)


def kl_divergence_from_logits(xp: Row, xq: Row) -> Any:
    """KL(softmax(xp), softmax(xq))."""
    return _kl(softmax(xp), log_softmax(xp), log_softmax(xq))


def js_divergence_from_logits(xp: Row, xq: Row) -> Any:
    """Jensen-Shannon divergence of softmax(xp) and softmax(xq)."""
    return _js(softmax(xp), softmax(xq))


def probability(y: int, x: Row) -> Any:
    """The label's probability."""
    return softmax(x)[y]


def confidence(x: Row) -> Any:
    """The largest probability."""
    return max(softmax(x))


def brier_score(y: int, x: Row) -> Any:
    """The squared distance of softmax(x) from 1 at the label and 0 elsewhere."""
    return mp.fsum((p - (k == y)) ** 2 for k, p in enumerate(softmax(x)))


def total_variation(xp: Row, xq: Row) -> Any:
    """Half the sum of |p - q| of softmax(xp) and softmax(xq)."""
    return mp.fsum(abs(p - q) for p, q in zip(softmax(xp), softmax(xq), strict=True)) / 2


def delta_p(y: int, xp: Row, xq: Row) -> Any:
    """The label's probability in softmax(xq) less that in softmax(xp)."""
    return softmax(xq)[y] - softmax(xp)[y]


FUNCTIONS: dict[str, Callable[..., Any]] = {
    f.__name__: f
    for f in (
        entropy, cross_entropy, kl_divergence, js_divergence, js_distance, logsumexp, softmax,
        log_softmax, entropy_from_logits, cross_entropy_from_logits, kl_divergence_from_logits,
        js_divergence_from_logits, probability, confidence, brier_score, total_variation, delta_p,
    )
}  # fmt: skip


def size_of_terms(name: str, p: Any, q: Row | None = None) -> Any:
    """Sum of |p log(p / q)|, |p log q| or |p log p| over the rows as they stand."""
    log_q = _log_weights(_exact(p if q is None else q))
    target = _target(p, len(log_q), normalize=False)
    log_p = _log_weights(target) if name == "kl_divergence" else [mpf(0)] * len(log_q)
    return _expectation(target, [abs(a - b) for a, b in zip(log_p, log_q, strict=True)])


def size_of_delta_p(y: int, xp: Row, xq: Row) -> Any:
    """The label's probability times the total variation."""
    with mp.workdps(60):
        return probability(y, xp) * total_variation(xp, xq)


def evaluate(name: str, *args: Any, base: float | None = None, **options: Any) -> Any:
    """The exact result: with 60 digits if it keeps 20 of them, else with 400.

    The largest terms are 10^6 (offsets of logits): a result above 10^-30 keeps 24 digits, unless
    it is one of rows as they stand.
    """
    with mp.workdps(60):
        result = FUNCTIONS[name](*args, **options)
    smallest = min(map(abs, result)) if isinstance(result, list) else abs(result)
    if name != "softmax" and (smallest <= mpf("1e-30") or "normalize" in options):
        result = FUNCTIONS[name](*args, **options)
    if base is None:
        return result
    return result / (mp.sqrt(mp.log(base)) if name == "js_distance" else mp.log(base))


def ulps(result: Any, exact: Any) -> float:
    """The error of a float32 or float64 result in units in the last place of the exact value."""
    if mp.isnan(exact) or np.isnan(result):
        return float("inf")
    nearest = float(exact)
    if isinstance(result, np.float32) and abs(exact) > np.finfo(np.float32).max:
        nearest = float(mp.sign(exact)) * np.inf
    if np.isinf(nearest) or np.isinf(result):
        return 0.0 if float(result) == nearest else float("inf")
    nearest = type(result)(nearest)
    return abs(float((mpf(float(result)) - exact) / mpf(float(np.spacing(abs(nearest))))))
