"""Temperatures of every size, against rows of every length: a factor in the exponential."""

import exact
import numpy as np
import pytest
from cases import BOUNDS

import fastdiv

NAME = "cross_entropy_from_logits"
# Some beyond what is computed in the type of the rows.
TEMPERATURES = [0.7, 3.0, 1e-3, 1e3, 1e-25, 1e25]
CLASSES = [1, 2, 7, 50, 119, 300, 600, 1030]


def row(kind, c, rng):
    """Logits of temperature 1."""
    if kind == "ordinary":
        return 3 * rng.normal(size=c)
    if kind == "far from 0":
        return 5e4 + 10 * rng.normal(size=c)
    if kind == "shifted":
        return -(1e10 + 100 * rng.normal(size=c))
    if kind == "confident":
        return np.where(np.arange(c) == c // 2, 0.0, -30.0)
    made = rng.normal(size=c)
    return np.where(rng.random(c) < 0.3, -np.inf, made) if c > 2 else made


def hold(p, x, t):
    got = fastdiv.cross_entropy_from_logits(p, x, temperature=t)
    want = exact.evaluate(NAME, p, x, temperature=t)
    wide = x.dtype == np.float64
    assert exact.ulps(got, want) <= BOUNDS[NAME][wide] + 2 * wide, (p, x, t)


@pytest.mark.parametrize("c", CLASSES)
@pytest.mark.parametrize("kind", ["ordinary", "far from 0", "shifted", "confident", "masked"])
def test_any_temperature(kind, c, dtype):
    rng = np.random.default_rng(c)
    for t in TEMPERATURES if c < 600 else TEMPERATURES[:2]:
        x = (t * row(kind, c, rng)).astype(dtype)
        p = np.where(np.isinf(x), 0, rng.random(c)).astype(dtype)
        if not p.any():
            continue
        hold(p, x, t)
        hold(int(rng.choice(np.flatnonzero(p))), x, t)


@pytest.mark.parametrize("c", CLASSES)
@pytest.mark.parametrize("t", [1e-300, 2.0**-500, 2.0**500, 1e300])
def test_temperatures_next_to_the_ends_of_the_range(t, c):
    rng = np.random.default_rng(c)
    x = t * rng.normal(size=c)
    got = fastdiv.cross_entropy_from_logits(c // 2, x, temperature=t)
    want = exact.evaluate(NAME, c // 2, x, temperature=t)
    assert exact.ulps(got, want) <= BOUNDS[NAME][1] + 2 + 2 * np.ptp(x / t)


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("c", [2, 130, 230, 1030])
def test_a_temperature_is_a_division_of_the_logits(c, dtype):
    # By a power of two exactly: the same numbers, but for their last bits.
    rng = np.random.default_rng(c)
    x = (4 * rng.normal(size=(40, c))).astype(dtype)
    x[3, 0], x[5, 0], x[7] = np.nan, np.inf, -np.inf
    x[9, 1] = -np.inf
    y, p = rng.integers(0, c, 40), rng.random((40, c)).astype(dtype)
    weight = rng.random(c)
    for truth in (y, p):
        for options in ({}, {"label_smoothing": 0.1}, {"class_weight": weight}):
            got = fastdiv.cross_entropy_from_logits(truth, x, temperature=4, **options)
            want = fastdiv.cross_entropy_from_logits(truth, x / dtype(4), **options)
            np.testing.assert_allclose(got, want, rtol=8 * np.finfo(dtype).eps)
            assert got.dtype == dtype


@pytest.mark.parametrize("c", [7, 130, 230, 1030])
def test_a_batch_has_the_bits_of_its_rows(c, dtype):
    rng = np.random.default_rng(c)
    x, y = rng.normal(size=(50, c)).astype(dtype), rng.integers(0, c, 50)
    got = fastdiv.cross_entropy_from_logits(y, x, temperature=0.7)
    each = [fastdiv.cross_entropy_from_logits(y[r], x[r], temperature=0.7) for r in range(50)]
    np.testing.assert_array_equal(got, each)
    swapped = x.astype(x.dtype.newbyteorder())
    for rows in (np.asfortranarray(x), np.repeat(x, 2, 1)[:, ::2], swapped):
        made = fastdiv.cross_entropy_from_logits(y, rows, temperature=0.7)
        np.testing.assert_array_equal(got, made)


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("c", CLASSES)
@pytest.mark.parametrize("t", [1e-6, 2e-5, 0.01, 0.7, 3.0, 1e3, 1e20])
def test_float32_probabilities_are_as_good_as_rounded(c, t):
    rng = np.random.default_rng(c)
    q = np.exp(3 * rng.normal(size=(33, c))).astype(np.float32)
    p = rng.random((33, c)).astype(np.float32)
    q[0] *= np.float32(1e-38)  # subnormal
    q[1] *= np.float32(1e33)
    q[2] = np.float32(0.7) + np.float32(2**-24) * (np.arange(c) % 3)
    q[3, :-1] *= np.float32(1e-30)
    q[4, 0] = 0 if c > 1 else 1
    p[4, 0] = 0 if c > 1 else 1
    y = np.full(33, c - 1)
    y[:3] = 0
    y[5] = np.argmax(q[5])
    for truth in (p, y):
        for options in ({}, {"label_smoothing": 0.1}):
            got = fastdiv.cross_entropy(truth, q, temperature=t, **options)
            for r in range(7) if c < 600 else (2, 3):
                one = truth[r] if truth is p else int(truth[r])
                want = exact.evaluate("cross_entropy", one, q[r], temperature=t, **options)
                if not want < 3e38:
                    assert got[r] == np.inf
                    continue
                assert exact.ulps(got[r], want) <= 0.51, (one, q[r])


def test_probabilities_that_are_none_at_a_temperature():
    q = np.full((40, 30), 0.5, np.float32)
    q[1, 2], q[2, 2], q[3, 2], q[4], q[5, 2] = -0.5, np.nan, np.inf, 0, 0
    for truth in (np.full(40, 3), np.ones_like(q)):
        got = fastdiv.cross_entropy(truth, q, temperature=2)
        assert np.isnan(got[1:5]).all()
        assert got[5] == (np.inf if truth.ndim == 2 else np.float32(np.log(29)))
        assert np.isfinite(got[6:]).all()
        wide = fastdiv.cross_entropy(truth, q, temperature=2, dtype="d")
        np.testing.assert_array_equal(got, wide.astype(np.float32))
        assert wide.dtype == np.float64


@pytest.mark.parametrize("c", [2, 61, 600])
@pytest.mark.parametrize("t", [0.02, 0.01, 1e-3, 1e-6])
def test_nearly_equal_probabilities_at_a_low_temperature(c, t):
    # docs/accuracy.md: 2 ulp more for every nat of log(max / min) / T.
    rng = np.random.default_rng(c)
    for spread in (t, 0.1 * t, 5 * t, 1e-15):
        q = 1.5 * np.exp(spread * rng.random(c))
        p = rng.random(c)
        for truth in (p, c // 2):
            got = fastdiv.cross_entropy(truth, q, temperature=t)
            want = exact.evaluate("cross_entropy", truth, q, temperature=t)
            more = 2 * np.log(q.max() / q.min()) / t
            assert exact.ulps(got, want) <= BOUNDS["cross_entropy"][1] + more, (truth, q)


@pytest.mark.parametrize("least", [5e-324, 1e-310])
@pytest.mark.parametrize("most", [1.0, 2.0, 0.9999999])
def test_a_subnormal_probability_beside_a_largest_of_one(most, least):
    # Only of a largest of exactly 1 were logarithms taken as if nothing were subnormal.
    q = np.array([most, least, 0.5])
    for t in (0.75, 2.0):
        want = exact.evaluate("cross_entropy", 1, q, temperature=t)
        assert exact.ulps(fastdiv.cross_entropy(1, q, temperature=t), want) <= 10
