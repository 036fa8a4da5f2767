"""Float64 numbers counted by sign, exponent and the first bits of the fraction.

A number's bits, read as an integer, order the positive numbers as their values do; with the bits of
a negative number's size inverted the order holds for all. An arithmetic shift to the right then
makes the number of its bucket, and the same shift makes buckets of fewer bits from those of more.
"""

import base64
import bisect
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

FRACTION_BITS = 52
# Sign and exponent alone, with zero's.
OCTAVES = 1 << 12
_INFINITY = 0x7FF << FRACTION_BITS
_SIZE = np.int64(0x7FFFFFFFFFFFFFFF)

Integers = NDArray[np.int64]


class Buckets(NamedTuple):
    """Keys in ascending order, the count of each, and the fraction's bits that are in a key."""

    keys: Integers
    counts: Integers
    bits: int

    @classmethod
    def none(cls) -> "Buckets":
        """Return no buckets."""
        return cls(np.empty(0, np.int64), np.empty(0, np.int64), FRACTION_BITS)

    @classmethod
    def of(cls, values: NDArray[np.float64], bits: int = FRACTION_BITS) -> "Buckets":
        """Count finite numbers."""
        keys, counts = np.unique(_keys(values) >> (FRACTION_BITS - bits), return_counts=True)
        return cls(keys, counts.astype(np.int64), bits)

    @property
    def total(self) -> int:
        """How many numbers are counted."""
        return int(self.counts.sum())

    def coarser(self, shift: int) -> "Buckets":
        """Return buckets of fewer bits; below none, several octaves are one."""
        keys = self.keys >> shift
        if not shift or not keys.size:
            return self._replace(bits=self.bits - shift)
        first = np.flatnonzero(np.append(True, keys[1:] != keys[:-1]))
        return Buckets(keys[first], np.add.reduceat(self.counts, first), self.bits - shift)

    def within(self, limit: int) -> "Buckets":
        """Return buckets of as many bits as leave at most ``limit`` of them."""
        apart = (self.keys[1:] ^ self.keys[:-1]).view(np.uint64)

        def fits(shift: int) -> bool:
            return bool(np.count_nonzero(apart >> np.uint64(shift)) < limit)

        return self.coarser(bisect.bisect_left(range(self.bits), True, key=fits))

    def merged(self, other: "Buckets") -> "Buckets":
        """Return the counts of both."""
        if not self.keys.size:
            return other
        if not other.keys.size:
            return self
        bits = min(self.bits, other.bits)
        a, b = self.coarser(self.bits - bits), other.coarser(other.bits - bits)
        keys = np.append(a.keys, b.keys)
        # Two ascending runs: a stable sort only merges them.
        order = np.argsort(keys, kind="stable")
        both = Buckets(keys[order], np.append(a.counts, b.counts)[order], bits)
        first = np.flatnonzero(np.append(True, both.keys[1:] != both.keys[:-1]))
        return Buckets(both.keys[first], np.add.reduceat(both.counts, first), bits)

    def at(self, ranks: Integers) -> NDArray[np.float64]:
        """Return the middle of the buckets in which the numbers of these ranks are."""
        places = np.searchsorted(np.cumsum(self.counts), ranks, side="right")
        return _middle(self.keys[places], FRACTION_BITS - self.bits)

    def histogram(self, bins: int) -> tuple[list[float], list[int], int, int]:
        """Return edges and counts of at most ``bins`` unions of buckets of positive numbers.

        The counts of zeros, which have key 0, and of negative numbers follow.
        """
        zeros, negative = (int(self.counts[at].sum()) for at in (self.keys == 0, self.keys < 0))
        keys, counts = self.keys[self.keys > 0], self.counts[self.keys > 0]
        if not keys.size:
            return [], [], zeros, negative
        shift = 0
        while (keys[-1] >> shift) - (keys[0] >> shift) >= bins:
            shift += 1
        first, last = int(keys[0] >> shift), int(keys[-1] >> shift)
        made = np.zeros(last - first + 1, np.int64)
        np.add.at(made, (keys >> shift) - first, counts)
        shift += FRACTION_BITS - self.bits
        ends = [min(key << shift, _INFINITY) for key in range(first, last + 2)]
        return np.array(ends, np.int64).view(np.float64).tolist(), made.tolist(), zeros, negative

    def state(self) -> dict[str, Any]:
        """Return what `restored` takes, for JSON."""
        return {"keys": packed(self.keys), "counts": packed(self.counts), "bits": self.bits}

    @classmethod
    def restored(cls, state: dict[str, Any]) -> "Buckets":
        """Return what `state` was taken of."""
        keys, counts = (unpacked(state[k], "<i8").astype(np.int64) for k in ("keys", "counts"))
        return cls(keys, counts, int(state["bits"]))


def _keys(values: NDArray[np.float64]) -> Integers:
    bits = values.view(np.int64)
    return bits ^ ((bits >> 63) & _SIZE)


def _middle(keys: Integers, shift: int) -> NDArray[np.float64]:
    """Return the middle of buckets, 0 of that which begins at 0."""
    size = np.where(keys < 0, ~keys, keys)
    middle = np.where(size > 0, (size << shift) | ((1 << shift) >> 1), 0)
    values = middle.view(np.float64)
    return np.where(keys < 0, 0 - values, values)


def packed(array: NDArray[Any]) -> str:
    """Return an array's bytes, little-endian, in base64."""
    data = array.astype(array.dtype.newbyteorder("<")).tobytes()
    return base64.b64encode(data).decode("ascii")


def unpacked(text: str, dtype: str) -> NDArray[Any]:
    """Return the array of `packed` bytes."""
    return np.frombuffer(base64.b64decode(text, validate=True), dtype)
