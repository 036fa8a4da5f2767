"""Rows bred to be computed badly: a search from one generation of rows to the next.

The errors that count are those of rows of which one class or a few make up the result, with every
rounding of the term on one side, and the result just below a power of two. Random rows of a hundred
classes are hardly ever such rows. Here a few classes of a row are drawn, the others being next to
nothing; of many such rows those that seem worst are kept, and changed a little, again and again.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from measure import Call
from search import seems_off
from sweeps import Rows

import fastdiv

# Elements of a generation.
ELEMENTS = 30_000
# Places of the classes that count, from the first one on: next to each other, and those that the
# first steps of a sum bring together.
PLACES = (1, 3, 5, 7, 8, 16, 32, 64)


def family(n: int, c: int, rng: np.random.Generator) -> tuple[Any, Any, Any, float]:
    """The first generation: pairs of few logits, where these are, and what the others are."""
    few = min(c, int(rng.integers(2, 5)))
    xp = -rng.exponential(rng.choice([0.3, 1, 3, 8, 16]), (n, few))
    xp[:, 0] = 0
    near = xp + 10.0 ** rng.uniform(-4, 1) * rng.normal(size=xp.shape)
    xq = near if rng.random() < 0.6 else -rng.exponential(4, xp.shape)
    places = np.append(0, rng.choice(PLACES, few - 1, replace=False))
    at = (rng.integers(c, size=(n, 1)) + places) % c
    if len({*places % c}) < few:
        at = rng.permuted(np.tile(np.arange(c), (n, 1)), axis=1)[:, :few]
    return xp, xq, at, rng.choice([-200, -60, -30, -20])


def moved(x: Any, rng: np.random.Generator) -> Any:
    """Half of the logits, moved by anything from one ulp to one nat."""
    by = rng.normal(size=x.shape) * 10.0 ** -rng.uniform(0, 7, x.shape)
    return x + by * (rng.random(x.shape) < 0.5)


def whole(x: Any, at: Any, others: float, c: int, dtype: Any) -> Any:
    """Rows of c classes."""
    rows = np.full((len(x), c), others, dtype)
    np.put_along_axis(rows, at, x.astype(dtype), 1)
    return rows


def bred(call: Call, c: int, dtype: Any, families: int, generations: int = 10) -> Iterator[Rows]:
    """Pick the worst row of each of so many families."""
    rng = np.random.default_rng([c, dtype == np.float64])
    n = max(ELEMENTS // c, 100)
    least = 4 * np.finfo(dtype).smallest_normal
    for number in range(families):
        a, b, at, others = family(n, c, rng)
        worst, most = None, -1.0
        for _ in range(generations):
            xp, xq = (whole(x, at, others, c, dtype) for x in (a, b))
            p, q = (np.maximum(fastdiv.softmax(x), least) for x in (xp, xq))
            y = at[:, number % 2]
            off = seems_off(call, Rows(xp, xq, p, q, "", y))
            order = np.argsort(-off)[: n // 20 + 1]
            i = order[0]
            if off[i] > most:
                most = off[i]
                how = f"bred, family {number} of {c} classes, about {most:.3g} ulp off"
                worst = Rows(xp[i], xq[i], p[i], q[i], how, int(y[i]))
            parents = np.resize(order, n)
            a, b, at = a[parents], b[parents], at[parents]
            # The best live on.
            a[len(order) :], b[len(order) :] = (moved(x[len(order) :], rng) for x in (a, b))
        assert worst is not None
        yield worst
