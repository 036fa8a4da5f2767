"""Rows of float32 logits that a tile of floats cannot do, among others: what double makes of them.

Pairs of rows around a million; pairs compared that are confident or apart by a constant; and what a
NaN makes of a row, of which nothing is computed.
"""

import numpy as np
import pytest

import fastdiv

# Tiles of floats and of doubles, and rows of a block of either.
CLASSES = (2, 7, 80, 81, 100, 101, 160, 161, 200, 201, 512, 513, 1024)
ONE = ["logsumexp", "entropy_from_logits"]
PAIRS = ["kl_divergence_from_logits", "js_divergence_from_logits"]
WIDE = [*PAIRS, "cross_entropy_from_logits"]
NAMES = [*ONE, *WIDE, "cross_entropy_label_from_logits"]


def rows(c, seed, n=70):
    return np.random.default_rng(seed).normal(0, 3, (n, c)).astype(np.float32)


def call_of(name, x, z, some, dtype):
    """Call a function for some rows of x, or of x and z, in a type."""
    a, b = x[some].astype(dtype), z[some].astype(dtype)
    if name in ONE:
        return getattr(fastdiv, name)(a)
    if name in PAIRS:
        return getattr(fastdiv, name)(a, b)
    y = np.arange(len(x))[some] % x.shape[1]
    p = np.abs(b) + 1
    truth = y if name == "cross_entropy_label_from_logits" else p
    return fastdiv.cross_entropy_from_logits(truth, a)


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("c", CLASSES)
@pytest.mark.parametrize("name", WIDE)
def test_huge_logits_are_those_of_double(name, c):
    x, z = rows(c, c), rows(c, c + 1)
    out = np.arange(0, 70, 3)
    # By a quarter, so that neither loses all it is by the rounding.
    x[out], z[out] = x[out] * 4 + np.float32(1e6), z[out] * 4 + np.float32(1e6)
    got = call_of(name, x, z, slice(None), np.float32)
    want = call_of(name, x, z, out, np.float64).astype(np.float32)
    if name == "cross_entropy_from_logits":
        # The weights are rounded in float32 there.
        np.testing.assert_array_max_ulp(got[out], want, 3)
    else:
        np.testing.assert_array_equal(got[out], want)
    # Alone, and those beside them, as if there were no other.
    np.testing.assert_array_equal(got[out[::-1]], call_of(name, x, z, out[::-1], np.float32))
    for r in (0, 1, 30, 69):
        assert got[r] == call_of(name, x, z, slice(r, r + 1), np.float32)[0]
    assert np.isfinite(got).all()


DIVERGENCES = ("kl_divergence", "reverse_kl_divergence", "js_divergence", "total_variation")


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("c", [*CLASSES, 1025])
def test_compared_pairs_are_those_of_double(c):
    x = rows(c, c)
    z = x + rows(c, c + 1) / 8
    y = np.arange(70) % c
    n = np.arange(70)
    # Confident ones, apart by a constant, next to each other; and what no tile is for.
    for first, more in ((0, 18), (1, 27), (2, 45)):
        x[first::9, c // 2] += more
        z[first::9, c // 2] += more
    z[3::9] = x[3::9] + np.float32(1)
    x[4::9], z[4::9] = x[4::9] * 4 + np.float32(1e6), z[4::9] * 4 + np.float32(1e6)
    z[5::9, 0] = np.nan
    z[6::9, c - 1] = -np.inf
    got = fastdiv.compare(x, z, y)
    want = fastdiv.compare(x.astype(float), z.astype(float), y)
    good = n[n % 9 != 5]
    for name in DIVERGENCES:
        np.testing.assert_allclose(
            getattr(got, name)[good], getattr(want, name)[good], rtol=1e-6, atol=1e-37
        )
    np.testing.assert_array_equal(got.same_top_class, want.same_top_class)
    # Whatever a pair's divergences took, these are the function's.
    for name, of in (("p_cross_entropy", x), ("q_cross_entropy", z)):
        told = fastdiv.cross_entropy_from_logits(y, of)
        np.testing.assert_array_equal(getattr(got, name)[good], told[good])
    # Alone, and in another order, as if there were no other.
    turned = fastdiv.compare(x[::-1], z[::-1], y[::-1])
    for name in (*DIVERGENCES, "p_cross_entropy", "q_cross_entropy", "delta_p", "same_top_class"):
        np.testing.assert_array_equal(getattr(turned, name)[::-1], getattr(got, name), name)
        for r in range(9):
            alone = getattr(fastdiv.compare(x[r : r + 1], z[r : r + 1], y[r : r + 1]), name)
            np.testing.assert_array_equal(alone, getattr(got, name)[r : r + 1], name)


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("c", [*CLASSES, 1025, 70000])
@pytest.mark.parametrize("name", NAMES)
def test_a_nan_is_the_answer(name, c, dtype):
    n = 70 if c < 5000 else 5
    x, z = rows(c, c, n), rows(c, c + 1, n)
    x[1, c - 1] = x[3, 0] = np.nan
    got = call_of(name, x, z, slice(None), dtype)
    assert np.isnan(got[[1, 3]]).all()
    assert np.isfinite(np.delete(got, [1, 3])).all()
    if name in PAIRS:
        got = call_of(name, z, x, slice(None), dtype)
        assert np.isnan(got[[1, 3]]).all()
        assert np.isfinite(np.delete(got, [1, 3])).all()


@pytest.mark.parametrize("name", ONE + PAIRS)
def test_a_nan_in_rows_however_they_lie(name):
    function = getattr(fastdiv, name)
    given = [rows(20, 1), rows(20, 2)][: 1 if name in ONE else 2]
    given[0][5, 7] = np.nan
    want = function(*given)
    assert np.isnan(want).sum() == 1
    np.testing.assert_array_equal(function(*[a.repeat(2, 1)[:, ::2] for a in given]), want)
    other = np.dtype(np.float32).newbyteorder()
    np.testing.assert_array_equal(function(*[a.astype(other) for a in given]), want)
    np.testing.assert_array_equal(function(*[a.T.copy() for a in given], axis=0), want)
    halves = function(*[a.astype(np.float16) for a in given])
    np.testing.assert_array_equal(np.isnan(halves), np.isnan(want))


def test_ignored_rows_with_a_nan_are_0():
    x = rows(10, 1)
    x[::2] = np.nan
    y = np.where(np.arange(70) % 2, 1, -100)
    got = fastdiv.cross_entropy_from_logits(y, x, ignore_index=-100)
    assert (got[::2] == 0).all()
    assert (got[1::2] > 0).all()
    total = fastdiv.cross_entropy_from_logits(y, x, ignore_index=-100, reduction="mean")
    assert total == pytest.approx(got[1::2].mean(dtype=float), rel=1e-6)
