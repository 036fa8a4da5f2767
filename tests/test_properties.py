"""What must hold for any rows."""

import numpy as np
import pytest
from cases import MAKERS, SETTINGS, SEVERAL, SIGNATURES, rows_for
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import fastdiv

U = 2.0**-53
SHAPES = st.tuples(st.integers(1, 5), st.integers(1, 70))
many = settings(max_examples=200, deadline=None)


def weights(draw, shape):
    """Rows of weights over the whole range, zeros among them, but never a row of zeros."""
    exponents = draw(hnp.arrays(float, shape, elements=st.floats(-300, 300)))
    kept = draw(hnp.arrays(bool, shape))
    w = np.where(kept, 2.0**exponents, 0)
    w[:, 0] += 1
    return w


def logits(draw, shape):
    elements = st.floats(-1e4, 1e4) | st.just(-np.inf)
    x = draw(hnp.arrays(float, shape, elements=elements))
    x[np.all(x == -np.inf, axis=-1), 0] = 0
    return x


@st.composite
def weight_pairs(draw):
    shape = draw(SHAPES)
    return weights(draw, shape), weights(draw, shape)


@st.composite
def logit_pairs(draw):
    shape = draw(SHAPES)
    return logits(draw, shape), logits(draw, shape)


@many
@given(weight_pairs())
def test_divergences_of_weights(pair):
    p, q = pair
    kl, js = fastdiv.kl_divergence(p, q), fastdiv.js_divergence(p, q)
    assert np.all(kl >= 0)
    assert np.all((js >= 0) & (js <= np.log(2)))
    assert np.all(fastdiv.kl_divergence(p, p) == 0)
    np.testing.assert_allclose(js, fastdiv.js_divergence(q, p), rtol=32 * U, atol=1e-30)
    # Each side is within a few u of the size of its terms.
    h, cross = fastdiv.entropy(p), fastdiv.cross_entropy(p, q)
    finite = np.isfinite(kl)
    np.testing.assert_array_equal(finite, np.isfinite(cross))
    np.testing.assert_allclose(cross[finite], (h + kl)[finite], rtol=32 * U, atol=1e-30)


@many
@given(logit_pairs())
def test_divergences_of_logits(pair):
    xp, xq = pair
    kl, js = fastdiv.kl_divergence_from_logits(xp, xq), fastdiv.js_divergence_from_logits(xp, xq)
    assert np.all(kl >= 0)
    assert np.all((js >= 0) & (js <= np.log(2)))
    assert np.all(fastdiv.kl_divergence_from_logits(xp, xp) == 0)
    np.testing.assert_allclose(
        js, fastdiv.js_divergence_from_logits(xq, xp), rtol=32 * U, atol=1e-30
    )


@many
@given(weight_pairs(), st.integers(-40, 40))
def test_scale_of_weights(pair, power):
    p, q = pair
    factor = 2.0**power
    for name in ("kl_divergence", "js_divergence", "cross_entropy"):
        function = getattr(fastdiv, name)
        expected = function(p, q)
        np.testing.assert_allclose(function(factor * p, q), expected, rtol=64 * U, atol=1e-30)
        np.testing.assert_allclose(function(p, factor * q), expected, rtol=64 * U, atol=1e-30)
    np.testing.assert_allclose(fastdiv.entropy(factor * p), fastdiv.entropy(p), rtol=16 * U)
    assert np.all(fastdiv.kl_divergence(factor * p, p) == 0)


@many
@given(logit_pairs(), st.integers(-1000, 1000))
def test_shift_of_logits(pair, shift):
    # Rounded to eighths, so that the shift is exact.
    xp, xq = (np.round(8 * x) / 8 for x in pair)
    for name in ("softmax", "entropy_from_logits"):
        function = getattr(fastdiv, name)
        np.testing.assert_allclose(function(xp + shift), function(xp), rtol=32 * U, atol=1e-300)
    for name in ("kl_divergence_from_logits", "js_divergence_from_logits"):
        function = getattr(fastdiv, name)
        expected = function(xp, xq)
        np.testing.assert_allclose(function(xp + shift, xq), expected, rtol=64 * U, atol=1e-30)


@many
@given(logit_pairs())
def test_softmax_sums_to_1(pair):
    p = fastdiv.softmax(pair[0])
    np.testing.assert_allclose(p.sum(-1), 1, rtol=16 * U)
    assert np.all(p <= 1)


@pytest.mark.parametrize("c", [1, 2, 5, 31, 32, 33, 200, 1024, 1025, 3000])
def test_permutation(name, function, c, dtype):
    args = rows_for(name, 4, c, dtype)
    order = np.random.default_rng(0).permutation(c)
    got = function(*[a[:, order] for a in args])
    expected = function(*args)
    expected = expected[:, order] if name in MAKERS else expected
    np.testing.assert_allclose(got, expected, rtol=16 * float(np.finfo(dtype).eps))


@pytest.mark.parametrize("c", [1, 2, 10, 33, 1000, 2500])
def test_a_row_has_its_bits_wherever_it_is(name, function, c, dtype):
    args = rows_for(name, 9, c, dtype)
    together = function(*args)
    for i in range(9):
        np.testing.assert_array_equal(function(*[a[i] for a in args]), together[i])
        np.testing.assert_array_equal(function(*[a[i:] for a in args])[0], together[i])


@pytest.mark.parametrize("c", [1, 2, 10, 33, 1500])
@pytest.mark.parametrize("power", [-20, -1, 1, 20])
def test_powers_of_two_scale_exactly(power, c, dtype):
    p, q = rows_for("kl_divergence", 9, c, dtype)
    factor = dtype(2.0**power)
    for function, before, after in (
        (fastdiv.entropy, (p,), (factor * p,)),
        (fastdiv.cross_entropy, (p, q), (factor * p, q)),
        (fastdiv.cross_entropy, (p, q), (p, factor * q)),
        (fastdiv.cross_entropy, (0, q), (0, factor * q)),
        (fastdiv.kl_divergence, (p, q), (factor * p, factor * q)),
        (fastdiv.js_divergence, (p, q), (factor * p, factor * q)),
        (fastdiv.cross_entropy_from_logits, (p, q), (factor * p, q)),
    ):
        np.testing.assert_array_equal(function(*after), function(*before))


@pytest.mark.parametrize("neighbour", [np.nan, -np.inf, np.inf, -1, 0, 1e30, 1e-40])
@pytest.mark.parametrize("c", [3, 33, 1500])
def test_a_row_has_its_bits_whatever_its_neighbours(name, function, neighbour, c, dtype):
    args = rows_for(name, 5, c, dtype)
    expected = function(*args)[[0, 2, 4]]
    for a in args:
        a[1] = a[3, c // 2 :] = neighbour
    np.testing.assert_array_equal(function(*args)[[0, 2, 4]], expected)


@pytest.mark.parametrize("c", [2, 10, 100, 1500])
def test_labels_are_one_hot_rows(c, dtype):
    rng = np.random.default_rng(c)
    x = (5 * rng.normal(size=(20, c))).astype(dtype)
    y = rng.integers(0, c, 20)
    one_hot = np.eye(c, dtype=dtype)[y]
    rtol = 4 * float(np.finfo(dtype).eps)
    for function, q in (
        (fastdiv.cross_entropy_from_logits, x),
        (fastdiv.cross_entropy, fastdiv.softmax(x)),
    ):
        np.testing.assert_allclose(function(y, q), function(one_hot, q), rtol=rtol)


def test_every_function_is_here():
    functions = {name for name in fastdiv.__all__ if name.islower()}
    assert set(SIGNATURES) == functions - SETTINGS - {"check_distributions", *SEVERAL}
