"""Every function against mpmath, in units in the last place of the exact result."""

import exact
import numpy as np
import pytest
from cases import BOUNDS, DTYPES, MAKERS
from measure import CALLS, OPTIONS, SEVERAL, Call, check, error
from mpmath import mp
from search import searched
from sweeps import KINDS, sweep

import fastdiv


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("call", CALLS + OPTIONS, ids=str)
def test_error_in_ulp(call, kind, dtype):
    rows = (r for c in (1, 2, 3, 7, 16, 17, 33, 65) for r in sweep(kind, c, dtype, 7))
    check(call, rows, *DTYPES)


@pytest.mark.parametrize("c", [2, 3, 10, 64, 129, 200, 1000, 1025])
@pytest.mark.parametrize("call", CALLS, ids=str)
def test_error_in_ulp_of_rows_looked_for(call, c, dtype):
    check(call, searched(call, c, dtype, 6 if c < 1000 else 3), dtype)


# Sums of four floats in a tile were 2.07 ulp off in softmax, 1.04 in logsumexp.
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["logsumexp", "softmax"])
def test_error_in_ulp_of_short_rows(name, kind, dtype):
    rows = (r for c in (16, 17, 64) for r in sweep(kind, c, dtype, 12))
    check(Call(name), rows, *DTYPES)


@pytest.mark.parametrize("kind", ["normal", "peaked", "ramp", "masked"])
@pytest.mark.parametrize("call", CALLS, ids=str)
def test_error_in_ulp_of_many_classes(call, kind, dtype):
    rows = [r for c in (1000, 1025, 2500) for r in sweep(kind, c, dtype, 4)]
    # Four of the twelve: every class count, and second rows made in different ways.
    check(call, [rows[i] for i in (0, 3, 5, 10)], dtype)


# Of several numbers that are told at once, rows of one block are computed as no others are.
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("call", SEVERAL, ids=str)
def test_error_in_ulp_of_fields(call, kind, dtype):
    check(call, (r for c, n in ((130, 5), (1030, 2)) for r in sweep(kind, c, dtype, n)), dtype)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("call", SEVERAL, ids=str)
def test_error_in_ulp_of_fields_of_one_block(call, kind, dtype):
    check(call, sweep(kind, 230, dtype, 5), dtype)


OF_THEIR_OWN = ("normalize=False", "smoothing", "temperature")
# Where rows are short, of one block, and of several.
LENGTHS = (41, 60, 61, 80, 81, 101, 121, 161, 201, 1025)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("call", [c for c in OPTIONS if c.options in OF_THEIR_OWN], ids=str)
def test_error_in_ulp_of_options_with_ways_of_their_own(call, kind, dtype):
    rows = [r for c in LENGTHS for r in sweep(kind, c, dtype, 6)]
    check(call, rows[:: 3 if dtype == np.float32 else 4], dtype)


# Of a row with c - 1 equal elements every addition rounds alike: sums that are not exact to begin
# with are off by u for every addition in a chain.
@pytest.mark.parametrize("gap", [0.7, 3.4, 7.5, 8.5, 9.4])
@pytest.mark.parametrize("call", CALLS, ids=str)
def test_error_in_ulp_of_equal_elements(call, gap, dtype):
    c = 1000 if call.name not in MAKERS else 300
    x = np.full(c, -gap)
    x[3] = 0
    p = np.exp(x).astype(dtype)
    rows = next(sweep("flat", c, dtype, 1))._replace(y=3)
    for pair in (
        rows._replace(xp=x.astype(dtype), xq=np.roll(x, 1).astype(dtype), p=p, q=np.roll(p, 1)),
        rows._replace(xp=x.astype(dtype), xq=rows.xp, p=p, y=4),
        rows._replace(xq=x.astype(dtype), q=p),
    ):
        check(call, [pair._replace(how=f"gap {gap}")], dtype)


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
        check(Call(name), cases, dtype)


@pytest.mark.parametrize(
    ("name", "args", "options"),
    [
        ("kl_divergence", ([0.5, 0.5], [3, 5e-324]), {}),
        ("kl_divergence", ([0.5, 0.5], [1e300, 1e-300]), {}),
        ("kl_divergence", ([3, 5e-324], [1, 0]), {}),
        ("kl_divergence", ([1e308, 1e308], [1e308, 0]), {}),
        ("kl_divergence", ([9e-305, 8e-305], [3e-313, 2e-313]), {}),
        ("js_divergence", ([9e-305, 8e-305], [3e-313, 2e-313]), {}),
        ("cross_entropy", (0, [5e-324, 3]), {}),
        ("cross_entropy", ([3, 5e-324], [1, 0]), {}),
        ("cross_entropy", ([1, 0], [3, 5e-324]), {"label_smoothing": 0.1}),
        ("cross_entropy", ([1e308, 1e308, 0], [1, 2, 3]), {"label_smoothing": 0.1}),
        ("cross_entropy", ([4, 0], [1, 3]), {"class_weight": [1, 2]}),
        ("cross_entropy_from_logits", ([1e308, 1e308, 5e-324], [0, 0, -np.inf]), {}),
        ("cross_entropy_from_logits", (0, [1e9, 1e9 + 1]), {"temperature": 0.7}),
        ("entropy", ([1e308, 9e307, 1e308],), {}),
        ("kl_divergence", ([9e307, 1, 0], [1.1e308, 2, 0]), {"normalize": False}),
        ("kl_divergence", ([1.7e308, 6e307], [4e307, 1.7e308]), {"normalize": False}),
        ("kl_divergence", ([1e308, 5e-324], [1e308, 1e-323]), {"normalize": False}),
        ("js_divergence", ([1.7e308, 1.6e308], [1.5e308, 1.7e308]), {"normalize": False}),
        ("js_divergence", ([1.7e308, 5e-324], [0, 0]), {"normalize": False}),
    ],
)
def test_sums_and_quotients_beyond_the_range(name, args, options):
    want = exact.evaluate(name, *args, **options)
    got = getattr(fastdiv, name)(*args, **options)
    assert exact.ulps(got, want) <= BOUNDS[name][1], (got, want)


# The sums are made equal in a second pass, in the same type.
@pytest.mark.parametrize("factor", [1.0005, 0.99, 3.7, 1e-3, 1e5])
@pytest.mark.parametrize("apart", [1e-6, 1e-3, 0.1, 3.0])
@pytest.mark.parametrize("name", ["kl_divergence", "js_divergence"])
def test_rows_of_different_sums(name, apart, factor, dtype):
    rng = np.random.default_rng([int(1 / apart), int(1000 * factor)])
    function, places = getattr(fastdiv, name), BOUNDS[name][dtype == np.float64]
    for c in (2, 10, 100, 129, 1500):
        p = rng.gamma(1, size=(17, c)).astype(dtype)
        q = (factor * p * np.exp(apart * rng.normal(size=p.shape))).astype(dtype)
        if name == "js_divergence":
            q[3:8, 0] = 0
            p[5:10, 1] = 0
        got = function(p, q, dtype=np.float64)
        rounded = function(p, q)
        for row in range(0, 17, 4 if c < 1000 else 8):
            want = exact.evaluate(name, p[row], q[row])
            assert exact.ulps(rounded[row], want) <= places, (c, row)
            np.testing.assert_array_equal(rounded[row], function(p[row], q[row]))
            if dtype == np.float64:
                assert exact.ulps(got[row], want) <= places, (c, row)


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
            most = error(Call(name), (xp, xq), got, want)
            assert most <= BOUNDS[name][dtype == np.float64], (xp, xq, got, mp.nstr(want, 18))
