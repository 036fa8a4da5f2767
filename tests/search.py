"""Rows looked for: of thousands of random ones those on which a function seems furthest off.

What it seems is told by NumPy's longdouble, which is quick and not exact; a row that is picked is
then held against mpmath like any other. Where longdouble is no more than float64, rows are picked
by chance.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from measure import Call, arguments, made
from sweeps import Rows, label

import fastdiv

Wide = np.longdouble
# Elements of a batch of rows to pick one from.
ELEMENTS = 60_000


def log_softmax(x: Any) -> Any:
    """Both logarithms' terms have one sign, so that nothing cancels."""
    x = x - x.max(-1, keepdims=True)
    others = np.exp(x)
    np.put_along_axis(others, x.argmax(-1)[:, None], 0, -1)
    return x - np.log1p(others.sum(-1, keepdims=True))


def phi(p: Any, d: Any) -> Any:
    """p log(p / q) - p + q of d = log(p / q); next to 0 it keeps its digits."""
    return p * (d + np.expm1(-d))


def less(p: Any, q: Any, d: Any) -> Any:
    """p - q of d = log(p / q), likewise."""
    return np.where(d > 0, -p * np.expm1(-np.abs(d)), q * np.expm1(-np.abs(d)))


def guess(name: str, p: Any, q: Any, log_p: Any, log_q: Any) -> Any:
    """The result for rows of longdouble, given as probabilities and as their logarithms."""
    name = name.removesuffix("_from_logits")
    if name == "softmax":
        return p
    if name == "log_softmax":
        return log_p
    if name == "entropy":
        return -(p * log_p).sum(-1)
    if name == "cross_entropy":
        return -(p * log_q).sum(-1)
    if name == "brier_score":
        return ((q - p) ** 2).sum(-1)
    if name == "probability":
        return (p * q).sum(-1)
    if name == "confidence":
        return p.max(-1)
    d = log_p - log_q
    if name == "kl_divergence":
        return phi(p, d).sum(-1)
    if name == "total_variation":
        return np.abs(less(p, q, d)).sum(-1) / 2
    # log(p / m) = -log((1 + q / p) / 2)
    from_m = (-np.log1p(np.expm1(sign * d) / 2) for sign in (-1, 1))
    js = sum(phi(r, d).sum(-1) for r, d in zip((p, q), from_m, strict=True)) / 2
    return np.sqrt(js) if name == "js_distance" else js


def one_hot(y: Any, like: Any) -> Any:
    """Rows that are 1 at a label and 0 elsewhere."""
    return (np.arange(like.shape[-1]) == np.reshape(y, (-1, 1))) + np.zeros_like(like)


def wide(rows: Any, logits: bool) -> tuple[Any, Any]:
    """Rows of longdouble as probabilities and their logarithms."""
    x = rows.astype(Wide)
    log_p = log_softmax(x if logits else np.log(x))
    return np.exp(log_p), log_p


def seems_off(call: Call, rows: Rows) -> Any:
    """How many ulp a call seems off on each of many rows."""
    args, name, got = arguments(call, rows), call.definition, made(call, rows)
    if name == "logsumexp":
        x = args[0].astype(Wide)
        m = x.max(-1)
        want = m - log_softmax(x).max(-1)
        unit = np.maximum(np.maximum(np.abs(m), want - m), np.abs(want))
    elif name == "delta_p":
        (p, log_p), (q, log_q) = wide(args[1], True), wide(args[2], True)
        hit, gap = one_hot(args[0], p), less(q, p, log_q - log_p)
        want = (gap * hit).sum(-1)
        unit = np.maximum(np.abs(want), (p * hit).sum(-1) * np.abs(gap).sum(-1) / 2)
    else:
        logits = bool(call.field) or name.endswith(("logits", "softmax"))
        q, log_q = wide(args[-1], logits)
        if np.ndim(args[0]) < np.ndim(args[-1]):
            p = log_p = one_hot(args[0], q)
        else:
            p, log_p = wide(args[0], logits and name != "cross_entropy_from_logits")
        want = guess(name, p, q, log_p, log_q)
        unit = np.abs(want)
    off = np.abs(got - want) / np.spacing(unit.astype(got.dtype))
    # Below this a divergence is lost in what longdouble rounds.
    off = np.where(np.isfinite(off) & (unit > 1e-3 * (got.dtype == np.float64)), off, 0)
    return off.max(-1) if off.ndim > 1 else off


def searched(call: Call, c: int, dtype: Any, trials: int) -> Iterator[Rows]:
    """Pick a row of each of so many batches, of logits spread by up to 12 nats."""
    rng = np.random.default_rng([c, dtype == np.float64])
    n = max(ELEMENTS // c, 1)
    for trial in range(trials):
        spread = 10 ** rng.uniform(-0.5, 1.1)
        apart = (0.3, 1.0, None)[trial % 3]
        xp = (spread * rng.normal(size=(n, c))).astype(dtype)
        other = (
            spread * rng.normal(size=(n, c))
            if apart is None
            else xp + apart * rng.normal(size=(n, c))
        )
        xq = other.astype(dtype)
        least = 4 * np.finfo(dtype).smallest_normal
        p, q = (np.maximum(fastdiv.softmax(x), least) for x in (xp, xq))
        y = label(xp, trial)
        rows = Rows(xp, xq, p, q, "", y)
        worst = int(np.argmax(seems_off(call, rows))) if np.finfo(Wide).eps < 1e-16 else 0
        how = (
            f"row {worst} of batch {trial} of {n}: {c} classes, spread {spread:.3g}, {apart} apart"
        )
        yield Rows(xp[worst], xq[worst], p[worst], q[worst], how, int(y[worst]))
