"""Pairs of rows of weights whose sums differ, by next to nothing and by much.

Whether sums are taken before the terms hangs on the rows that came before: no bit may.
"""

import exact
import numpy as np
import pytest
from cases import BOUNDS
from measure import Call, error

import fastdiv

# Short rows, rows of a block and longer ones, of floats or of doubles.
CLASSES = (1, 2, 10, 60, 61, 120, 121, 200, 513, 1024, 1025, 3000)
# What sums differ by, about the borders 2^-6 and 2^-11 for floats and 2^-25 for doubles.
APART = (0, 2.0**-26, 1.01 * 2.0**-25, 2.0**-12, 1.01 * 2.0**-11, 2.0**-7, 1.01 * 2.0**-6, 0.3, 5)
NAMES = ["kl_divergence", "js_divergence"]


def pair(c, apart, distance, dtype, seed=0):
    """40 pairs whose sums are (1 + apart) times each other, of rows some distance apart."""
    rng = np.random.default_rng([c, seed])
    p = rng.random((40, c)) + 0.01
    q = p * np.exp(distance * rng.normal(size=p.shape))
    q *= (1 + apart) * p.sum(-1, keepdims=True) / q.sum(-1, keepdims=True)
    return p.astype(dtype), q.astype(dtype)


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("distance", [1e-3, 1])
@pytest.mark.parametrize("c", [2, 10, 61, 200, 1025])
@pytest.mark.parametrize("apart", APART)
def test_within_the_bounds(apart, c, distance, name, dtype):
    p, q = pair(c, apart, distance, dtype)
    for a, b in ((p, q), (q, p)):
        got = getattr(fastdiv, name)(a, b)
        # First pairs of a call, and those after others like them.
        for r in (0, 1, 33, 39):
            want = exact.evaluate(name, a[r], b[r])
            found = error(Call(name), (a[r], b[r]), got[r], want)
            assert found <= BOUNDS[name][dtype == np.float64]


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("c", CLASSES)
def test_no_bit_hangs_on_the_rows_before(c, name, dtype):
    function = getattr(fastdiv, name)
    every = [pair(c, apart, 0.7, dtype, seed) for seed, apart in enumerate(APART)]
    p, q = (np.concatenate(rows) for rows in zip(*every, strict=True))
    # A class that only one has, weights that are none, subnormal ones.
    q[7::90, c - 1] = 0
    q[21::90, 0] = -1
    p[35::90] = 0
    q[50::90, c // 2] = np.finfo(dtype).smallest_subnormal
    alone = np.array([function(a, b) for a, b in zip(p, q, strict=True)])
    np.testing.assert_array_equal(function(p, q), alone)
    np.testing.assert_array_equal(function(p[::-1], q[::-1]), alone[::-1])
    order = np.random.default_rng(0).permutation(len(p))
    np.testing.assert_array_equal(function(p[order], q[order]), alone[order])
    # Behind rows far apart, every kind.
    far = np.flatnonzero(np.repeat(np.array(APART) > 0.1, 40))[:64]
    for start in range(0, len(p), 40):
        some = np.concatenate([far, np.arange(start, start + 40)])
        np.testing.assert_array_equal(function(p[some], q[some]), alone[some])


def test_counts_on_several_threads():
    rng = np.random.default_rng(0)
    p, q = rng.integers(0, 9, (3, 200_000)), rng.integers(1, 99, (3, 200_000))
    for name in NAMES:
        one = getattr(fastdiv, name)(p, q)
        np.testing.assert_array_equal(getattr(fastdiv, name)(p, q, workers=3), one)
