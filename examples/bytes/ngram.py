"""A byte model: the next byte predicted from the few before it, by counting."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

ORDER = 3


class Model(NamedTuple):
    """A byte model: every context seen in training has a row of log-probabilities.

    Attributes
    ----------
    table : ndarray of float32, shape (contexts, 256)
        Log-probabilities of the next byte, for contexts of every length up to `ORDER`.
    row_of : list of ndarray of int32
        ``row_of[k][c]`` is the row for the `k` bytes `c` (the nearest byte lowest), or for the
        longest end of them that was seen.
    """

    table: NDArray[np.float32]
    row_of: list[NDArray[np.int32]]


def contexts(text: NDArray[np.uint8], order: int) -> NDArray[np.uint32]:
    """Return the `order` bytes before each byte of `text[ORDER:]`, the nearest lowest."""
    c = np.zeros(text.size - ORDER, np.uint32)
    for back in range(order, 0, -1):
        c <<= 8
        c |= text[ORDER - back : text.size - back]
    return c


def fit(text: NDArray[np.uint8]) -> Model:
    """Count what follows each context, and mix in what the next shorter context predicts.

    The weight of the shorter context is Witten and Bell's: in ``n`` occurrences of a context, a
    byte not seen there before turned up ``d`` times, so ``d / (n + d)`` is kept for new ones.
    """
    table = np.full((1, 256), -np.log(256), np.float32)
    row_of: list[NDArray[np.int32]] = []
    for order in range(ORDER + 1):
        pairs, times = np.unique(contexts(text, order) << 8 | text[ORDER:], return_counts=True)
        seen, context = np.unique(pairs >> 8, return_inverse=True)
        counts = np.zeros((seen.size, 256))
        counts[context, pairs & 255] = times

        # The farthest byte is the highest, so contexts that differ only there lie 256**k apart.
        rows = np.tile(row_of[-1], 256) if order else np.zeros(1, np.int32)
        q = np.exp(table[rows[seen]])
        n = counts.sum(axis=1, keepdims=True)
        d = np.count_nonzero(counts, axis=1, keepdims=True)
        mixed = np.log((counts + d * q) / (n + d)).astype(np.float32)

        rows[seen] = np.arange(len(table), len(table) + seen.size)
        row_of.append(rows)
        table = np.concatenate([table, mixed])
    return Model(table, row_of)
