"""Every function against the definitions in NumPy, closed forms and published values."""

import math

import exact
import numpy as np
import pytest
from cases import BOUNDS, SIGNATURES, rows_for
from mpmath import mp

import fastdiv
from fastdiv import _reference

U = 2.0**-53
CLASSES = [1, 2, 3, 7, 16, 17, 33, 65, 1000, 1025, 2500]


def logs(kind, a):
    """A row's probabilities, and what its log-probabilities are made of.

    log of a rounded quotient is off by u; x - (m + log sum) is off by u of each of its parts.
    """
    if kind == "w":
        p = a / a.sum(-1, keepdims=True)
        return p, np.abs(np.log(p)) + 1
    lse = np.abs(a.max(-1, keepdims=True)) + np.log(a.shape[-1]) + 1
    return _reference.softmax(a), np.abs(a) + lse


def sizes(name, args):
    """The size of the terms that the definition adds up."""
    made = [logs(kind, a) for kind, a in zip(SIGNATURES[name], args, strict=True)]
    p, log_p = made[0]
    if name == "softmax":
        return p * log_p
    if name == "log_softmax":
        return log_p
    if name == "logsumexp":
        return log_p.max(-1)
    if name.startswith("js_"):
        return sum((p * (log_p + np.log(2))).sum(-1) for p, log_p in made)
    return sum((p * log_q).sum(-1) for _, log_q in made)


@pytest.mark.parametrize("c", CLASSES)
def test_agrees_with_the_definition(name, function, c):
    args = rows_for(name, 20 if c < 100 else 3, c, np.float64)
    got, expected = function(*args), getattr(_reference, name)(*args)
    if name == "js_distance":
        # The error of a root is that of what it is taken of.
        got, expected = got**2, expected**2
    # Higham's bound for a sum of c terms, each of 4 roundings: (c + 4) u sum |terms|.
    assert np.all(np.abs(got - expected) <= (c + 4) * U * sizes(name, args))


@pytest.mark.parametrize("c", [32000])
@pytest.mark.parametrize("name", ["logsumexp", "entropy_from_logits", "kl_divergence_from_logits"])
def test_a_vocabulary_of_classes(name, dtype, c):
    args = rows_for(name, 1, c, dtype)
    with mp.workdps(40):
        want = exact.FUNCTIONS[name](*[a[0] for a in args])
    assert exact.ulps(getattr(fastdiv, name)(*args)[0], want) <= BOUNDS[name][dtype == np.float64]


def test_textbook_example():
    p, q = [0, 1, 0], [0.2, 0.7, 0.1]
    assert fastdiv.cross_entropy(p, q) == pytest.approx(0.35667494393873245, rel=1e-15)
    assert fastdiv.cross_entropy(1, q) == pytest.approx(0.35667494393873245, rel=1e-15)
    assert fastdiv.kl_divergence(p, q) == pytest.approx(0.35667494393873245, rel=1e-15)
    x = np.log(q)
    assert fastdiv.cross_entropy_from_logits(1, x) == pytest.approx(0.35667494393873245, rel=1e-15)


@pytest.mark.parametrize("c", [1, 2, 10, 1000])
def test_uniform_rows(dtype, c):
    p = np.full(c, 1 / c, dtype)
    log_c = pytest.approx(math.log(c), rel=2 * float(np.finfo(dtype).eps))
    assert fastdiv.entropy(p) == log_c
    assert fastdiv.cross_entropy(0, p) == log_c
    assert fastdiv.cross_entropy(np.eye(c, dtype=dtype)[0], p) == log_c
    kl = fastdiv.kl_divergence(np.eye(c, dtype=dtype)[0], p)
    assert exact.ulps(kl, mp.log(c)) <= BOUNDS["kl_divergence"][dtype == np.float64]
    assert fastdiv.entropy_from_logits(np.zeros(c, dtype)) == log_c
    assert fastdiv.cross_entropy_from_logits(0, np.zeros(c, dtype)) == log_c
    assert fastdiv.logsumexp(np.zeros(c, dtype)) == log_c
    np.testing.assert_array_equal(fastdiv.softmax(np.zeros(c, dtype)), p)


@pytest.mark.parametrize("gap", [0.1, 1, 5, 20, 60, 80])
def test_two_classes(dtype, gap):
    """The closed forms of a coin whose sides are ``gap`` apart in log-odds."""
    rel = 2 * float(np.finfo(dtype).eps)
    x = np.array([gap, 0], dtype)
    odds = mp.mpf(float(x[0]))
    s = 1 / (1 + mp.exp(-odds))
    entropy = mp.log1p(mp.exp(-odds)) + odds * (1 - s)
    assert fastdiv.entropy_from_logits(x) == pytest.approx(float(entropy), rel=rel)
    # Between the coin and its reverse: KL is gap * tanh(gap / 2).
    kl = odds * mp.tanh(odds / 2)
    assert fastdiv.kl_divergence_from_logits(x, x[::-1]) == pytest.approx(float(kl), rel=2 * rel)
    js = mp.log(2) - entropy
    assert fastdiv.js_divergence_from_logits(x, x[::-1]) == pytest.approx(float(js), rel=2 * rel)


@pytest.mark.parametrize("gap", [5, 20, 60, 100])
def test_small_losses_keep_their_digits(dtype, gap):
    x = np.array([gap, 0], dtype)
    exact_loss = float(mp.log1p(mp.exp(-gap)))
    loss = fastdiv.cross_entropy_from_logits(0, x)
    tiny = np.finfo(dtype).smallest_subnormal
    assert loss == pytest.approx(exact_loss, rel=2 * float(np.finfo(dtype).eps), abs=float(tiny))
    assert -fastdiv.log_softmax(x)[0] == loss


def test_logsumexp_of_log_probabilities():
    # The terms cancel to 1e-8; a float32 row is then summed in double.
    x = fastdiv.log_softmax(np.random.default_rng(0).normal(size=(50, 100)).astype(np.float32))
    for row in x:
        assert fastdiv.logsumexp(row) == pytest.approx(float(exact.logsumexp(row)), rel=1e-6)


def test_published_values():
    # Cover and Thomas, Elements of Information Theory, examples 1.1.2, 2.1.1 and 2.3.1.
    horses = [1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 64, 1 / 64, 1 / 64, 1 / 64]
    assert fastdiv.entropy(horses, base=2) == pytest.approx(2, rel=1e-15)
    assert fastdiv.entropy(horses, base=2**2000) == pytest.approx(2 / 2000, rel=1e-15)
    assert fastdiv.kl_divergence(horses, np.full(8, 1 / 8), base=2) == pytest.approx(1, rel=1e-15)
    assert fastdiv.entropy([1 / 2, 1 / 4, 1 / 8, 1 / 8], base=2) == pytest.approx(7 / 4, rel=1e-15)
    p, q = [1 / 2, 1 / 2], [3 / 4, 1 / 4]
    assert fastdiv.kl_divergence(p, q, base=2) == pytest.approx(0.2075187496394219, rel=1e-15)
    assert fastdiv.kl_divergence(q, p, base=2) == pytest.approx(0.18872187554086717, rel=1e-15)


def test_values_of_other_libraries_documentation():
    # scipy.stats.entropy([1/2, 1/2], [9/10, 1/10]) and jensenshannon([1, 0, 0], [0, 1, 0], 2).
    assert fastdiv.kl_divergence([1, 1], [9, 1]) == pytest.approx(0.5108256237659905, rel=1e-14)
    assert fastdiv.js_distance([1, 0, 0], [0, 1, 0], base=2) == pytest.approx(1, rel=1e-15)
    js = fastdiv.js_distance([1.0, 0.0], [0.5, 0.5])
    assert js == pytest.approx(0.46450140402245893, rel=1e-14)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_what_scipy_calls_the_distance(axis):
    distance = pytest.importorskip("scipy.spatial.distance")
    p, q = np.random.default_rng(0).random((2, 4, 5, 6))
    expected = distance.jensenshannon(p, q, axis=axis)
    np.testing.assert_allclose(fastdiv.js_distance(p, q, axis=axis), expected, rtol=1e-13)


def test_what_scikit_learn_calls_the_brier_score():
    metrics = pytest.importorskip("sklearn.metrics")
    for c in (2, 3):
        y, x = np.arange(10) % c, np.random.default_rng(c).normal(size=(10, c))
        mean = fastdiv.score(y, x).brier_score.mean()
        p = fastdiv.softmax(x)
        assert metrics.brier_score_loss(y, p, scale_by_half=False) == pytest.approx(mean, rel=1e-14)
        # Of two classes it is half of that by default.
        assert metrics.brier_score_loss(y, p) == pytest.approx(
            mean / (2 if c == 2 else 1), rel=1e-14
        )
