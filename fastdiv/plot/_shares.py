"""One row of two distributions: every class's share of KL(p‖q), and the classes that tell most."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

import fastdiv

Row = NDArray[np.float64]


class Shares(NamedTuple):
    """Two distributions over the same classes, and what they differ by, in nats."""

    p: Row
    q: Row
    share: Row  # p log(p/q) of every class: positive where p is larger, and their sum is KL
    entropy: float  # H(p)
    kl_divergence: float  # KL(p‖q)
    cross_entropy: float  # H(p, q)


class Line(NamedTuple):
    """A class, or with ``class_`` None the ``classes`` others together."""

    class_: int | None
    classes: int
    p: float
    q: float
    share: float


def shares(p: ArrayLike, q: ArrayLike, logits: bool) -> Shares:
    """Compare two rows; a row that is no distribution is an error, since it cannot be drawn."""
    a, b = np.asarray(p, np.float64), np.asarray(q, np.float64)
    if a.ndim != 1 or a.shape != b.shape or a.size == 0:
        raise ValueError(
            f"p and q are one row each, of as many classes: shapes {a.shape} and {b.shape}"
        )
    for name, row in (("p", a), ("q", b)):
        fault = _fault(row, logits)
        if fault:
            raise ValueError(f"{name} is no distribution: {fault}")
    (p_row, log_p), (q_row, log_q) = (_normalised(row, logits) for row in (a, b))
    there = log_p > -np.inf
    share = np.zeros_like(a)
    infinite = there & (log_q == -np.inf)
    share[infinite] = np.inf
    both = there & ~infinite
    share[both] = p_row[both] * (log_p[both] - log_q[both])
    if logits:
        kl = fastdiv.kl_divergence_from_logits(a, b)
        entropy = fastdiv.entropy_from_logits(a)
    else:
        kl, entropy = fastdiv.kl_divergence(a, b), fastdiv.entropy(a)
    return Shares(p_row, q_row, share, float(entropy), float(kl), float(entropy + kl))


def _fault(row: Row, logits: bool) -> str | None:
    """Say what makes a row no distribution, None if it is one."""
    bad = np.isnan(row) | (row == np.inf) | ((row < 0) & (not logits))
    if bad.any():
        return f"class {int(bad.argmax())} is {row[bad.argmax()]:g}"
    if logits and (row == -np.inf).all():
        return "every logit is -inf"
    if not logits and not row.any():
        return "every class is 0"
    return None


def _normalised(row: Row, logits: bool) -> tuple[Row, Row]:
    """Probabilities and their logarithms."""
    if logits:
        log = np.asarray(fastdiv.log_softmax(row), np.float64)
        return np.exp(log), log
    total = math.fsum(row) if row.max() < 1e300 else math.inf
    # The sum of the largest numbers is no number; that of their parts of the maximum is.
    row = row / total if total < math.inf else (row / row.max()) / (row / row.max()).sum()
    with np.errstate(divide="ignore"):
        return row, np.log(row)


def telling(row: Shares, top: int) -> list[Line]:
    """Return the ``top`` classes with the largest share of KL, what adds first, then the others.

    Infinite shares come before all, by p; classes without any share by p too. The others are one
    line, unless it would be a single class.
    """
    if top < 1:
        raise ValueError(f"top is {top}: at least one class is shown")
    order = np.lexsort((-row.p, -np.abs(row.share)))
    kept = order if order.size <= top + 1 else order[:top]
    kept = kept[np.lexsort((-row.p[kept], -row.share[kept]))]
    lines = [Line(int(k), 1, float(row.p[k]), float(row.q[k]), float(row.share[k])) for k in kept]
    rest = order[kept.size :]
    if rest.size:
        p, q, share = (float(values[rest].sum()) for values in (row.p, row.q, row.share))
        lines.append(Line(None, int(rest.size), p, q, share))
    return lines
