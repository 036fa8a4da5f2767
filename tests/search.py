"""Rows looked for: of thousands of random ones those on which a function seems furthest off.

What it seems is told by NumPy's longdouble, which is quick and not exact; a row that is picked is
then held against mpmath like any other. Where longdouble is no more than float64, rows are picked
by chance.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from measure import Call, arguments
from sweeps import Rows

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


def phi(p: Any, q: Any) -> Any:
    """p log(p / q) - p + q."""
    return p * np.log(p / q) - p + q


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
    if name == "kl_divergence":
        return phi(p, q).sum(-1)
    m = (p + q) / 2
    js = (phi(p, m) + phi(q, m)).sum(-1) / 2
    return np.sqrt(js) if name == "js_distance" else js


def wide(rows: Any, logits: bool) -> tuple[Any, Any]:
    """Rows of longdouble as probabilities and their logarithms."""
    x = rows.astype(Wide)
    log_p = log_softmax(x if logits else np.log(x))
    return np.exp(log_p), log_p


def seems_off(call: Call, rows: Rows) -> Any:
    """How many ulp a call seems off on each of many rows."""
    args = arguments(call, rows)
    got = getattr(fastdiv, call.name)(*args)
    if call.name == "logsumexp":
        x = args[0].astype(Wide)
        m = x.max(-1)
        want = m - log_softmax(x).max(-1)
        unit = np.maximum(np.maximum(np.abs(m), want - m), np.abs(want))
    else:
        logits = call.name.endswith("logits") or call.name in ("softmax", "log_softmax")
        log_q = None
        if call.label:
            q, log_q = wide(args[1], logits)
            p = np.zeros_like(q)
            p[:, args[0]] = 1
            log_p = p
        else:
            p, log_p = wide(args[0], logits and call.name != "cross_entropy_from_logits")
            q, log_q = wide(args[-1], logits)
        want = guess(call.name, p, q, log_p, log_q)
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
        rows = Rows(xp, xq, p, q, "")
        worst = int(np.argmax(seems_off(call, rows))) if np.finfo(Wide).eps < 1e-16 else 0
        how = (
            f"row {worst} of batch {trial} of {n}: {c} classes, spread {spread:.3g}, {apart} apart"
        )
        yield Rows(xp[worst], xq[worst], p[worst], q[worst], how)
