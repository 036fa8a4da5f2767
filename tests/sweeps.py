"""Rows that hurt, of every kind: what the bounds on the error are tried on."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

# The shapes of a row. "peaked" has c - 1 equal elements, "levels" two values far apart; in both,
# and in "ramp", the roundings of a sum have all one sign.
KINDS = (
    "normal", "even", "peaked", "flat", "zipf", "one-hot", "ties", "levels", "ramp", "masked",
    "offset", "huge",
)  # fmt: skip
# What is made of a row of weights, beside probabilities.
SCALES = ("probabilities", "counts", "scaled", "as they are", "tiny", "large")
# How the second row comes from the first.
WAYS = ("apart", "one apart", "next", "rolled", "other")


class Rows(NamedTuple):
    """A pair of rows as logits and as weights, how they were made, and a label of theirs."""

    xp: Any
    xq: Any
    p: Any
    q: Any
    how: str
    y: Any


def logits(kind: str, c: int, gap: float, rng: np.random.Generator) -> Any:
    """A row of logits spread over about ``gap`` nats, in float64."""
    if kind == "even":
        return -gap * rng.random(c)
    if kind == "peaked":
        return np.where(np.arange(c) == rng.integers(c), 0, -gap)
    if kind == "flat":
        return np.zeros(c)
    if kind == "zipf":
        return -np.log1p(rng.permutation(c)) * min(gap, 3)
    if kind == "one-hot":
        return np.where(np.arange(c) == rng.integers(c), 0, -np.inf)
    if kind == "huge":
        return 1e30 * rng.normal(size=c)
    if kind == "levels":
        return np.where(rng.random(c) < 0.5, 0, -gap)
    if kind == "ramp":
        return -gap * np.arange(c) / c
    x = gap * rng.normal(size=c)
    if kind == "ties":
        return np.round(x)
    if kind == "masked":
        mask = rng.random(c) < 0.4
        mask[np.argmax(x)] = False
        return np.where(mask, -np.inf, x)
    if kind == "offset":
        return x + rng.choice([1e3, -1e6, 1e6])
    return x


def weights(x: Any, scale: str, dtype: Any, rng: np.random.Generator) -> Any:
    """A row of weights whose logits are x, in float64."""
    p = np.exp(x - x.max())
    if scale == "probabilities":
        return p / p.sum()
    if scale == "counts":
        return np.ceil(p * 10 ** rng.uniform(0, 6))
    if scale == "scaled":
        return p * 10 ** rng.uniform(-30, 30)
    if scale == "tiny":
        return p * float(np.finfo(dtype).smallest_normal) * 10 ** rng.uniform(-5, 5)
    if scale == "large":
        # Two or three of them sum up to more than the type has.
        return p * float(np.finfo(dtype).max) / 2
    return p


def second(x: Any, way: str, apart: float, dtype: Any, rng: np.random.Generator) -> Any:
    """Another row of logits next to x; log-weights move as logits do."""
    c = len(x)
    if way == "next":
        up = np.nextafter(x.astype(dtype), dtype(np.inf)).astype(np.float64)
        return np.where((rng.random(c) < 0.5) & np.isfinite(x), up, x)
    if way == "rolled":
        return np.roll(x, 1)
    if way == "other":
        return np.where(np.isfinite(x), x.max() - np.abs(x - x.max()) * rng.random(c), x)
    if way == "one apart":
        return x + apart * (np.arange(c) == np.argmax(x))
    return x + apart * rng.normal(size=c)


def label(x: Any, trial: int) -> Any:
    """The last class but one and, in turn, the top class: of a row, or of each of many."""
    at = x.argmax(-1)
    return at if trial % 2 else np.full_like(at, max(x.shape[-1] - 2, 0))


def sweep(kind: str, c: int, dtype: Any, trials: int) -> Iterator[Rows]:
    """Pairs of rows: gaps up to 100 nats (700 in float64), apart by 1 down to 1e-6 (1e-14)."""
    wide = dtype == np.float64
    rng = np.random.default_rng([KINDS.index(kind), c, wide])
    for trial in range(trials):
        gap = 10 ** rng.uniform(-3, np.log10(700 if wide else 100))
        apart = 10 ** rng.uniform(-14 if wide else -6, 0)
        way = WAYS[trial % len(WAYS)]
        scale = SCALES[trial % len(SCALES)]
        x = logits(kind, c, gap, rng)
        xp, xq = (v.astype(dtype) for v in (x, second(x, way, apart, dtype, rng)))
        p = weights(x, scale, dtype, rng).astype(dtype)
        if way == "next":
            q = np.where(rng.random(c) < 0.5, np.nextafter(p, dtype(np.inf)), p)
        elif way in ("apart", "one apart"):
            moved = np.ones(c) if way == "apart" else np.arange(c) == np.argmax(p)
            q = (p * (1 + min(apart, 0.9) * moved * rng.uniform(-1, 1, c))).astype(dtype)
        elif way == "rolled":
            q = np.roll(p, 1)
        else:
            q = weights(xq.astype(np.float64), scale, dtype, rng).astype(dtype)
        how = f"row {trial}: {kind} of {c}, gap {gap:.3g}, {scale}, {way} ({apart:.1e})"
        yield Rows(xp, xq, p, q, how, int(label(xp, trial)))
