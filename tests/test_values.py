"""Every function against the definitions in NumPy and, in ulp, against mpmath."""

import math

import exact
import numpy as np
import pytest
from cases import MAKERS, SIGNATURES, rows_for
from mpmath import mp, mpf

import fastdiv
from fastdiv import _reference

# Largest error in ulp of the result. logsumexp's is in ulp of the larger of its two terms where
# they cancel (see test_logsumexp_of_log_probabilities for float32, where it need not).
BOUNDS = {
    "entropy": (2, 4),
    "entropy_from_logits": (2, 4),
    "cross_entropy": (2, 4),
    "cross_entropy_from_logits": (2, 4),
    "kl_divergence": (4, 16),
    "kl_divergence_from_logits": (4, 16),
    "js_divergence": (4, 16),
    "js_divergence_from_logits": (4, 16),
    "logsumexp": (1, 2),
    "softmax": (2.5, 4),
    "log_softmax": (1.5, 2),
}
CLASSES = [1, 2, 3, 7, 16, 17, 33, 65, 129, 1025]


@pytest.mark.parametrize("c", CLASSES)
def test_agrees_with_the_definition(name, function, c):
    args = rows_for(name, 20, c, np.float64)
    expected = getattr(_reference, name)(*args)
    # The definition sums c terms of size up to 30: (c + 4) u sum|terms|, Higham's bound.
    tolerance = (c + 4) * 2.0**-53 * 60 * (1 if name != "js_distance" else 1e6)
    np.testing.assert_allclose(function(*args), expected, rtol=1e-12, atol=tolerance)


def sweep(c, dtype, trials):
    """Rows that hurt: (kind, logits p, logits q, weights p, weights q)."""
    rng = np.random.default_rng([c, np.dtype(dtype).itemsize])
    wide = dtype == np.float64
    for trial in range(trials):
        apart = 10 ** rng.uniform(-14 if wide else -6, 0.5)
        gap = rng.choice([0.01, 1, 5, 20, 100] + ([500] if wide else []))
        xp = (gap * rng.normal(size=c)).astype(dtype)
        xq = (xp + apart * rng.normal(size=c)).astype(dtype)
        kind = f"gap {gap}, apart {apart:.1e}"
        if trial % 5 == 1:
            offset = rng.choice([1e3, -1e6])
            xp, xq = (xp + offset).astype(dtype), (xq + offset).astype(dtype)
            kind += f", offset {offset}"
        elif trial % 5 == 2 and c > 2:
            mask = rng.random(c) < 0.3
            mask[np.argmax(xp)] = False
            xp[mask] = xq[mask] = -np.inf
            kind += ", masked"
        shifted = xp.astype(float) - xp.astype(float).max()
        p = np.exp(shifted).astype(dtype)
        p = (p / p.sum()).astype(dtype)
        q = (p * (1 + min(apart, 0.9) * rng.uniform(-1, 1, c))).astype(dtype)
        if trial % 5 == 3:
            p, q = rng.integers(1, 1000, (2, c)).astype(dtype)
            kind += ", counts"
        elif trial % 5 == 4:
            q = np.roll(p, 1)
            kind += ", rolled"
        yield kind, xp, xq, p, q


def call(name, kind_rows, y):
    """The function's result and the exact one."""
    _, xp, xq, p, q = kind_rows
    given = {"w": [p, q], "x": [xp, xq]}
    args = [given[k].pop(0) for k in SIGNATURES[name]]
    if name == "cross_entropy_from_logits":
        args = [p, xp]
    if y is not None:
        args = [y, args[1]]
    return getattr(fastdiv, name)(*args), exact.FUNCTIONS[name](*args), args


CASES = [(name, False) for name in BOUNDS] + [(n, True) for n in BOUNDS if n.startswith("cross")]


@pytest.mark.parametrize("c", [1, 2, 3, 7, 17, 65, 300])
@pytest.mark.parametrize(("name", "label"), CASES)
def test_error_in_ulp(name, dtype, c, label):
    bound = BOUNDS[name][dtype == np.float64]
    rng = np.random.default_rng(c)
    for case in sweep(c, dtype, 25 if c < 20 else 5):
        y = int(rng.integers(c)) if label else None
        result, expected, args = call(name, case, y)
        results = result if name in MAKERS else [result]
        expecteds = expected if name in MAKERS else [expected]
        for got, want in zip(results, expecteds, strict=True):
            # Below this the result is 0 to all purposes (KL and JS are promised down to 1e-30).
            if abs(want) < (mpf("1e-30") if dtype == np.float32 else mpf("1e-280")):
                assert abs(got) <= 1e-30
                continue
            if ("kl" in name or "js" in name) and want < mpf("1e-30"):
                assert 0 <= got < 2e-30
                continue
            error = exact.ulps(got, want)
            if name == "logsumexp":
                scale = max(abs(want), abs(mpf(float(np.max(args[0])))))
                error *= float(
                    abs(np.spacing(dtype(float(want)))) / np.spacing(dtype(float(scale)))
                )
            assert error <= bound, (case[0], args, got, mp.nstr(want, 20))


@pytest.mark.parametrize("c", [32000])
@pytest.mark.parametrize("name", [n for n in BOUNDS if n not in MAKERS])
def test_many_classes(name, dtype, c):
    args = rows_for(name, 1, c, dtype)
    got = getattr(fastdiv, name)(*args)[0]
    with mp.workdps(40):
        want = exact.FUNCTIONS[name](*[a[0] for a in args]) if name in FAST_EXACT else None
    if want is None:
        want = mpf(float(getattr(_reference, name)(*[a.astype(np.float64) for a in args])[0]))
        # The definition's own error, relative: about 1e-13 for these rows.
        assert got == pytest.approx(float(want), rel=max(4 * float(np.finfo(dtype).eps), 1e-12))
    else:
        assert exact.ulps(got, want) <= BOUNDS[name][dtype == np.float64]


FAST_EXACT = ("logsumexp", "entropy_from_logits", "kl_divergence_from_logits")


def test_textbook_example():
    p, q = [0, 1, 0], [0.2, 0.7, 0.1]
    assert fastdiv.cross_entropy(p, q) == pytest.approx(0.35667494393873245, rel=1e-15)
    assert fastdiv.kl_divergence(p, q) == pytest.approx(0.35667494393873245, rel=1e-15)


@pytest.mark.parametrize("c", [1, 2, 10, 1000])
def test_uniform_rows(dtype, c):
    p = np.full(c, 1 / c, dtype)
    log_c = pytest.approx(math.log(c), rel=2 * float(np.finfo(dtype).eps))
    assert fastdiv.entropy(p) == log_c
    assert fastdiv.cross_entropy(0, p) == log_c
    assert fastdiv.entropy_from_logits(np.zeros(c, dtype)) == log_c
    assert fastdiv.logsumexp(np.zeros(c, dtype)) == log_c


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
    # Cover and Thomas, Elements of Information Theory, examples 2.1.1 and 2.3.1.
    assert fastdiv.entropy([1 / 2, 1 / 4, 1 / 8, 1 / 8], base=2) == pytest.approx(7 / 4, rel=1e-15)
    p, q = [1 / 2, 1 / 2], [3 / 4, 1 / 4]
    assert fastdiv.kl_divergence(p, q, base=2) == pytest.approx(0.2075187496394219, rel=1e-15)
    assert fastdiv.kl_divergence(q, p, base=2) == pytest.approx(0.18872187554086717, rel=1e-15)
