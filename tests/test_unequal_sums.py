"""Pairs of rows of weights whose sums differ, by next to nothing and by much.

Whether sums are taken before the terms hangs on the rows that came before: no bit may.
"""

import exact
import numpy as np
import pytest
from cases import BOUNDS
from measure import Call, error

import fastdiv
from fastdiv import _threads

# Short rows, rows of a block and longer ones, of floats or of doubles.
CLASSES = (1, 2, 10, 60, 61, 120, 121, 200, 513, 1024, 1025, 3000)
# What sums differ by, about the borders: of KL 2^-7 where rows are short, else 2^-2, of
# Jensen-Shannon 2^-12, or 2^-26 in float64.
BORDERS = [2.0**-26, 2.0**-12, 2.0**-7, 2.0**-2]
APART = [0, *(f * border for border in BORDERS for f in (0.995, 1.005, 1.02)), 5]
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
@pytest.mark.parametrize("apart", [*APART[::2], -0.3])
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
    for r, value in enumerate((0, -1, np.inf, np.nan, np.finfo(dtype).smallest_subnormal)):
        q[7 * r :: 90, c - 1] = value
        p[7 * r + 3 :: 90, 0] = value
    p[35::90] = q[40::90] = 0
    alone = np.array([function(a, b) for a, b in zip(p, q, strict=True)])
    np.testing.assert_array_equal(function(p, q), alone)
    np.testing.assert_array_equal(function(p[::-1], q[::-1]), alone[::-1])
    order = np.random.default_rng(0).permutation(len(p))
    np.testing.assert_array_equal(function(p[order], q[order]), alone[order])
    # Behind rows far apart, every kind.
    far = pair(c, 5, 0.7, dtype, 99)
    for start in range(0, len(p), 40):
        some = slice(start, start + 40)
        behind = function(np.concatenate([far[0], p[some]]), np.concatenate([far[1], q[some]]))
        np.testing.assert_array_equal(behind[40:], alone[some])
    columns = function(p.T.copy(), q.T.copy(), axis=0)
    np.testing.assert_array_equal(columns, alone)
    for given in ({"normalize": False}, {"dtype": np.float64}):
        alone = [function(a, b, **given) for a, b in zip(p[::7], q[::7], strict=True)]
        np.testing.assert_array_equal(function(p[::7], q[::7], **given), alone)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", [np.float16, np.int32])
def test_nor_of_halves_and_counts(kind, name):
    rng = np.random.default_rng(1)
    function = getattr(fastdiv, name)
    for c in (10, 300, 2000):
        p, q = (rng.integers(0, 99, (200, c)).astype(kind) + kind(1) for _ in range(2))
        q[::3] = p[::3]
        q[1::3] *= kind(9)
        alone = [function(a, b) for a, b in zip(p, q, strict=True)]
        np.testing.assert_array_equal(function(p, q), alone)


@pytest.mark.parametrize("name", NAMES)
def test_nor_on_threads_that_share_a_row(name, monkeypatch):
    monkeypatch.setattr(_threads, "LEAST_LONG", 1 << 20)
    function = getattr(fastdiv, name)
    rng = np.random.default_rng(0)
    p, q = rng.random((2, 4, (1 << 20) + 5), np.float32)
    q[:2] *= 3
    alone = [function(a, b) for a, b in zip(p, q, strict=True)]
    np.testing.assert_array_equal(function(p, q), alone)
    np.testing.assert_array_equal(function(p, q, workers=3), alone)
