"""Rows of float32 weights that floats cannot do, among others: what double makes of them."""

import numpy as np
import pytest

import fastdiv

# Tiles of floats and of doubles, rows of a block of either, and longer ones.
CLASSES = (2, 7, 60, 61, 120, 121, 200, 201, 512, 513, 1024, 1025, 3000)
SUBNORMAL = np.float32(3e-40)


def rows(c, seed):
    return np.random.default_rng(seed).random((40, c)).astype(np.float32) + np.float32(0.01)


def calls(name, p, q, y):
    """Every call of a function of weights whose rows are q and, where it takes two, p: of some
    rows, in float32 or in double."""
    for truths in {"entropy": [()], "cross_entropy": [(p,), (y,)]}.get(name, [(p,)]):
        for normalize in (True, False):

            def call(some, dtype=np.float32, given=(*truths, q), normalize=normalize):
                arrays = [a[some] if a is y else a[some].astype(dtype) for a in given]
                return getattr(fastdiv, name)(*arrays, normalize=normalize)

            yield call


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("c", CLASSES)
@pytest.mark.parametrize("name", ["entropy", "cross_entropy", "kl_divergence", "js_divergence"])
def test_what_floats_cannot_do_is_that_of_double(name, c):
    p, q = rows(c, c), rows(c, c + 1)
    y = np.arange(40) % c
    out = np.arange(0, 40, 3)
    # So little weight that products would lose digits; of js also a class with next to none.
    p[out], q[out] = p[out] * np.float32(1e-36), q[out] * np.float32(1e-36)
    p[30, c // 2] = q[30, c // 2] = SUBNORMAL
    for call in calls(name, p, q, y):
        got = call(slice(None))
        want = call(out, np.float64).astype(np.float32)
        np.testing.assert_array_equal(got[out], want)
        # Alone, and those beside them, as if there were no other.
        np.testing.assert_array_equal(got[out[::-1]], call(out[::-1]))
        for r in (0, 1, 30, 39):
            assert got[r] == call(slice(r, r + 1))[0]
        assert np.isfinite(got).all()


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("c", CLASSES)
@pytest.mark.parametrize("name", ["cross_entropy", "kl_divergence"])
def test_a_subnormal_prediction(name, c):
    p, q = rows(c, c), rows(c, c + 1)
    q[::2, c // 2] = SUBNORMAL
    function = getattr(fastdiv, name)
    for normalize in (True, False):
        got = function(p, q, normalize=normalize)[::2]
        want = function(p.astype(float), q.astype(float), normalize=normalize)[::2]
        np.testing.assert_array_equal(got, want.astype(np.float32))


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("c", CLASSES)
def test_no_probability_where_there_is_truth(c, dtype):
    p, q = rows(c, c).astype(dtype), rows(c, c + 1).astype(dtype)
    y = np.full(40, c // 2)
    q[::3, c // 2] = 0
    q[1] = 0
    q[4, c // 2], q[4, 0] = 0, -1
    q[7, c // 2], q[7, 0] = 0, np.nan
    q[10, c // 2], q[10, 0] = 0, np.inf
    infinite = np.arange(40) % 3 == 0
    ordinary = ~infinite
    ordinary[[1, 4, 7, 10]] = False
    for normalize in (True, False):
        for truth in (p, y):
            got = fastdiv.cross_entropy(truth, q, normalize=normalize)
            np.testing.assert_array_equal(got[infinite], np.inf)
            # Of nothing at all there is no distribution; as it stands, log 0.
            assert np.isnan(got[1]) if normalize else got[1] == np.inf
            assert np.isnan(got[[4, 7, 10]]).all()
            assert np.isfinite(got[ordinary]).all()
        got = fastdiv.kl_divergence(p, q, normalize=normalize)
        np.testing.assert_array_equal(got[infinite], np.inf)


@pytest.mark.parametrize("c", CLASSES)
def test_ignored_rows_of_weights_that_are_none(c):
    q = rows(c, c)
    q[::2] = np.nan
    y = np.where(np.arange(40) % 2, 1, -100)
    got = fastdiv.cross_entropy(y, q, ignore_index=-100)
    assert (got[::2] == 0).all()
    assert (got[1::2] > 0).all()


def of_few(c, n=400):
    """Functions, and arrays of which every seventh row, and many in a row, are for double."""
    rng = np.random.default_rng(c)
    p, q = (rng.random((n, c)).astype(np.float32) + np.float32(0.01) for _ in range(2))
    x, z = (rng.normal(0, 3, (n, c)).astype(np.float32) for _ in range(2))
    some = np.arange(n) % 7 == 0
    some[100:137] = True
    q[some, c // 2] = SUBNORMAL
    x[some] = z[some] + np.float32(1)
    y = np.arange(n) % c
    y[::5] = -1
    weight = np.arange(1, c + 1)
    yield fastdiv.kl_divergence, (p, q)
    yield (lambda p, q: fastdiv.js_distance(p, q, base=2)), (p, q)
    yield (lambda q, y: fastdiv.cross_entropy(y, q, ignore_index=-1, class_weight=weight)), (q, y)
    yield fastdiv.kl_divergence_from_logits, (x, z)
    for name in ("kl_divergence", "js_divergence", "delta_p", "q_cross_entropy"):
        yield (
            lambda x, z, y, name=name: getattr(fastdiv.compare(x, z, y, want=name), name),
            (x, z, np.maximum(y, 0)),
        )


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("c", [5, 60, 150, 300, 512, 513])
def test_rows_put_off_are_as_if_there_were_no_other(c):
    for function, given in of_few(c):
        want = function(*given)
        for r in (0, 1, 5, 7, 100, 136, 399):
            assert function(*(a[r : r + 1] for a in given))[0] == want[r]
        for workers in (1, 3):
            with fastdiv.set_workers(workers):
                np.testing.assert_array_equal(function(*given), want)
        # Rows that lie side by side, every other one, and the other way round.
        np.testing.assert_array_equal(function(*(np.asfortranarray(a) for a in given)), want)
        np.testing.assert_array_equal(function(*(a[::-2] for a in given)), want[::-2])
