"""Every function against mpmath, in units in the last place of the exact result."""

import exact
import numpy as np
import pytest
from cases import BOUNDS, MAKERS, SIGNATURES
from mpmath import mp, mpf
from sweeps import KINDS, sweep

import fastdiv

# Every function, and cross-entropy with a label as well.
CALLS = [(name, False) for name in BOUNDS] + [(n, True) for n in BOUNDS if n.startswith("cross")]
# KL and JS keep their digits down to here.
SMALLEST = mpf("1e-30")


def arguments(name, label, rows):
    """What a function takes of a pair of rows; a label is the last class but one."""
    if label:
        return max(len(rows.p) - 2, 0), rows.xp if name.endswith("logits") else rows.p
    given = {"w": [rows.p, rows.q], "x": [rows.xp, rows.xq]}
    return tuple(given[kind].pop(0) for kind in SIGNATURES[name])


def error(name, args, got, want):
    """Error of one number in the ulp its bound is stated in."""
    if not (mp.isfinite(want) and np.isfinite(got)):
        return exact.ulps(got, want)
    if ("kl_" in name or "js_" in name) and want < SMALLEST:
        return 0.0 if 0 <= got < 2 * SMALLEST else np.inf
    if name == "logsumexp":
        # m + log(sum / e^m): where the two cancel, their own size counts.
        terms = max(abs(want), want - mpf(float(args[0].max())))
        return exact.ulps(got, want) * float(
            np.spacing(np.abs(type(got)(float(want)))) / np.spacing(type(got)(float(terms)))
        )
    return exact.ulps(got, want)


def worst(name, label, dtype, rows):
    """The largest error over many rows, and the row it is on."""
    found = [(0.0, "none")]
    for one in rows:
        args = arguments(name, label, one)
        result, wanted = getattr(fastdiv, name)(*args), exact.evaluate(name, *args)
        pairs = zip(result, wanted, strict=True) if name in MAKERS else [(result, wanted)]
        found += [
            (error(name, args, got, want), f"{one.how}: got {got!r}, not {mp.nstr(want, 18)}")
            for got, want in pairs
        ]
        assert result.dtype == dtype
    return max(found)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("name", "label"), CALLS)
def test_error_in_ulp(name, label, kind, dtype):
    rows = [r for c in (1, 2, 3, 7, 16, 17, 33, 65) for r in sweep(kind, c, dtype, 7)]
    most, where = worst(name, label, dtype, rows)
    assert most <= BOUNDS[name][dtype == np.float64], where


@pytest.mark.parametrize("kind", ["normal", "peaked", "ramp", "masked"])
@pytest.mark.parametrize(("name", "label"), CALLS)
def test_error_in_ulp_of_many_classes(name, label, kind, dtype):
    rows = [r for c in (1000, 1025, 2500) for r in sweep(kind, c, dtype, 4)]
    # Four of the twelve: every class count, and second rows made in different ways.
    most, where = worst(name, label, dtype, [rows[i] for i in (0, 3, 5, 10)])
    assert most <= BOUNDS[name][dtype == np.float64], where


# Of a row with c - 1 equal elements every addition rounds alike: sums that are not exact to begin
# with are off by u for every addition in a chain.
@pytest.mark.parametrize("gap", [0.7, 3.4, 7.5, 8.5, 9.4])
@pytest.mark.parametrize(("name", "label"), CALLS)
def test_error_in_ulp_of_equal_elements(name, label, gap, dtype):
    c = 1000 if name not in MAKERS else 300
    x = np.full(c, -gap)
    x[3] = 0
    p = np.exp(x).astype(dtype)
    rows = next(sweep("flat", c, dtype, 1))
    for pair in (
        rows._replace(xp=x.astype(dtype), xq=np.roll(x, 1).astype(dtype), p=p, q=np.roll(p, 1)),
        rows._replace(xp=x.astype(dtype), xq=rows.xp, p=p),
        rows._replace(xq=x.astype(dtype), q=p),
    ):
        most, where = worst(name, label, dtype, [pair._replace(how=f"gap {gap}")])
        assert most <= BOUNDS[name][dtype == np.float64], where


def near_the_least(dtype):
    """Weights from the smallest subnormal number to where its neighbourhood ends, times 2^60."""
    info = np.finfo(dtype)
    least, normal = float(info.smallest_subnormal), float(info.smallest_normal)
    return [least, 3 * least, normal / 2, normal, *(normal * 2.0**k for k in (0.3, 3, 9, 20, 60))]


@pytest.mark.parametrize("small", [False, True], ids=["beside 1", "beside a small one"])
@pytest.mark.parametrize(
    "name",
    ["entropy", "cross_entropy", "kl_divergence", "js_divergence", "cross_entropy_from_logits"],
)
def test_error_in_ulp_near_the_least_number(name, small, dtype):
    # Sums above 2^-900 (2^-60 in float32) are not taken for ones that may have underflowed.
    top = (2.0**-850 if dtype == np.float64 else 2.0**-58) if small else 1.0
    rows = next(sweep("flat", 2, dtype, 1))
    rows = rows._replace(xp=np.array([0, -650 if dtype == np.float64 else -85], dtype))
    for least in near_the_least(dtype):
        a, b, one = (np.array(w, dtype) for w in ([top, least], [least, top], [top, 0]))
        pairs = [(a, b), (a, one), (one, a), (rows.p, a), (a, rows.p)]
        cases = [rows._replace(p=p, q=q, how=f"{p}, {q}") for p, q in pairs]
        most, where = worst(name, False, dtype, cases)
        assert most <= BOUNDS[name][dtype == np.float64], where


def test_entropy_of_many_subnormal_weights():
    p = np.float32([9e-19] + 3000 * [1e-40])
    want = exact.evaluate("entropy", p)
    assert exact.ulps(fastdiv.entropy(p), want) <= BOUNDS["entropy"][0]


@pytest.mark.parametrize("name", ["kl_divergence_from_logits", "js_divergence_from_logits"])
@pytest.mark.parametrize("steps", [1, 2, 5, 20, 100])
def test_logits_apart_by_units_in_the_last_place(name, steps, dtype):
    rng = np.random.default_rng(steps)
    for c in (2, 3, 10):
        for trial in range(15):
            xp = (10.0 ** (trial % 3 - 2) * rng.normal(size=c)).astype(dtype)
            xq = xp + (rng.integers(-steps, steps + 1, c) * np.spacing(np.abs(xp))).astype(dtype)
            want = exact.evaluate(name, xp, xq)
            got = getattr(fastdiv, name)(xp, xq)
            most = error(name, (xp, xq), got, want)
            assert most <= BOUNDS[name][dtype == np.float64], (xp, xq, got, mp.nstr(want, 18))
