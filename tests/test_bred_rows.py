"""Rows that a search has found, or finds: what random ones do not show."""

import exact
import numpy as np
import pytest
from breeding import bred
from cases import BOUNDS
from measure import CALLS, answer, bound, worst

import fastdiv


@pytest.mark.parametrize("c", [2, 10, 64, 129, 230, 1030])
@pytest.mark.parametrize("call", CALLS, ids=str)
def test_error_in_ulp_of_bred_rows(call, c, dtype):
    rows = bred(call, c, dtype, 3 if c < 1000 else 2)
    (found,) = worst(call, rows, lambda call, rows: answer(call, rows, dtype))
    assert found.ulp <= bound(call, dtype), found.where


# Rows found, as the classes that count, two rows of their logits, and what the others are. The
# entropies were 4.9, 5.0 and 3.1 ulp off, that of weights 3.2, KL 6.1 and 6.9.
FOUND = [
    ("entropy_from_logits", 129, [44, 60, 76], [-0.59669924, -12.896278, -38.467556], None, -30),
    ("entropy_from_logits", 300, [169, 201, 185], [-0.57497066, -13.65934, -20.05234], None, -30),
    ("entropy_from_logits", 2, [1, 0], [-0.558631, -17.297892], None, -30),
    (
        "entropy", 129, [44, 76, 45, 60], [0.10814372, -16.662542, -25.356739, -29.689674], None,
        -30,
    ),
    (
        "kl_divergence", 3, [0, 2, 1], [-8.2663e-03, -15.332145, -17.875307],
        [-5.6811707e-04, -16.148483, -17.925640], -30,
    ),
    (
        "kl_divergence", 100, [71, 87, 78], [3.4542218e-08, -19.732193, -9.0645103],
        [0.030428, -20.669514, -9.801784], -20,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "c", "at", "x", "z", "others"), FOUND)
def test_error_in_ulp_of_found_rows(name, c, at, x, z, others):
    rows = [np.full(c, others, np.float32) for _ in range(1 if z is None else 2)]
    for row, values in zip(rows, (x, z), strict=False):
        row[at] = values
    if not name.endswith("logits"):
        rows = [fastdiv.softmax(row) for row in rows]
    want = exact.evaluate(name, *rows)
    assert exact.ulps(getattr(fastdiv, name)(*rows), want) <= BOUNDS[name][0]


# Log-sum-exps of doubles next to 0, as the classes that count, their logits, and what the others
# are: 5.1 to 8.2 ulp off, when each step of the sum took a rounding of its largest term.
NEXT_TO_0 = [
    (10, [7, 5, 3], [-0.0030335969053808627, -4.155916963916793, -21.546906309882928], -30),
    (
        16, [14, 12, 2, 6, 10],
        [-0.020824658691935984, -2.0746739343222, -5.8576418228128295, -7.22731249845517,
         -14.764187205150508], -20,
    ),
    (
        129, [119, 124, 36, 34],
        [0.01144386970991043, -0.6088304263969595, -4.42054455688074, -6.016019457071748], -20,
    ),
    (300, [63, 58], [-0.004218282028452829, -3.45885007168576], -30),
    (
        1000, [737, 697, 95, 610],
        [-0.07495118686408571, -1.3461551318793088, -19.083289269523345, -23.945902817257053], -30,
    ),
]  # fmt: skip


def hold_log_sum_exp(row):
    want = exact.evaluate("logsumexp", row)
    for many in (1, 40):
        for got in fastdiv.logsumexp(np.tile(row, (many, 1))):
            error = exact.ulps(got, want)
            size = max(abs(want), want - row.max())
            assert error * np.spacing(abs(float(want))) / np.spacing(float(size)) <= 4


@pytest.mark.parametrize(("c", "at", "x", "others"), NEXT_TO_0)
def test_log_sum_exp_of_found_doubles(c, at, x, others):
    row = np.full(c, others, float)
    row[at] = x
    hold_log_sum_exp(row)


def steepest(size, first, others, places):
    """A block of which one class is nearly all, and each step of its sum rounds it down."""
    block = np.full(size, -2000.0)
    block[first] = others
    at = first + np.array(places)
    block[at[at < size]] = others + np.log(2.0**-52 * 0.497)
    return block


# 5.5 to 8.6 ulp off, when each block was summed by the largest logit so far.
@pytest.mark.parametrize("blocks", [1, 3, 7, 15])
@pytest.mark.parametrize("power", [5, 7, 9])
def test_log_sum_exp_of_doubles_whose_largest_comes_last(blocks, power):
    rng = np.random.default_rng(blocks)
    for _ in range(4):
        term = np.log(2.0**-power) + 0.05 * rng.random() * 2.0**-power
        block = steepest(512, 0, term, [1, 2, 4, 8, 16, 32, 64, 128, 256])
        row = np.append(np.tile(block, blocks), 0.0)
        row[3] = term + 1e-9
        hold_log_sum_exp(row)


# 4.3 to 6.2 ulp off, when only rows whose largest logit is above -1 were next to 0.
@pytest.mark.parametrize(("c", "least"), [(101, -1.7), (200, -1.7), (512, -1.7), (1536, -2.6),
                                          (5632, -4), (12288, -8)])  # fmt: skip
def test_log_sum_exp_of_doubles_below_0(c, least):
    rng = np.random.default_rng(c)
    for _ in range(12):
        m = rng.uniform(least, -1)
        reference = np.round(m / np.log(2)) * np.log(2)
        half = reference + np.log(0.5) + 1e-3 * rng.random(max(3, c // 512))
        if c <= 512:
            row = np.full(c, -2000.0)
            for first in range(3):
                row = np.maximum(row, steepest(c, first, half[first], [4, 8, 16, 32, 64, 128, 256]))
        else:
            places = [1, 2, 4, 8, 16, 32, 64, 128, 256]
            row = np.concatenate([steepest(512, 0, term, places) for term in half])
        row[11] = m
        if row.max() == m:
            hold_log_sum_exp(row)


def of_two_and_many(c, first, second, many, dtype):
    """A row of weights that are equal but for two."""
    w = np.full(c, many, dtype)
    w[2], w[c - 1] = first, second
    return w


# Sums of p - q in chains: each of many equal differences was rounded the same way.
@pytest.mark.parametrize("c", [16, 64, 80, 100, 180, 300, 1000, 1030])
def test_many_equal_differences(c, dtype):
    p = of_two_and_many(c, 0.5726109, 0.42738903, 1.57e-9, dtype)
    q = of_two_and_many(c, 0.00344131, 0.99622416, 5.4e-6, dtype)
    # In float32 it was 22 ulp off for 80 classes, in float64 6.3 for 1030.
    want = exact.evaluate("js_divergence", p, q)
    assert exact.ulps(fastdiv.js_divergence(p, q), want) <= BOUNDS["js_divergence"][0]
    p = of_two_and_many(c, 0.5, 0.5, 1.57e-9, dtype)
    q = of_two_and_many(c, 0.45, 0.55, 5.4e-8, dtype)
    # 25 ulp for 1000 classes.
    want = exact.evaluate("kl_divergence", p, q, normalize=False)
    got = fastdiv.kl_divergence(p, q, normalize=False)
    assert exact.ulps(got, want) <= BOUNDS["kl_divergence"][0]


# The difference of the log-sum-exps was rounded to two floats for the terms, and not for the label:
# 31 units of total variation off.
@pytest.mark.parametrize("others", [-30.0, -28.0])
def test_delta_p_of_confident_labels(others):
    xp, xq = (np.full(64, others, np.float32) for _ in range(2))
    xp[14], xp[17] = 4.9461454e-07, -24.567165
    xq[14], xq[17] = 7.0659462e-03, -24.572760
    want = exact.evaluate("delta_p", 14, xp, xq)
    size = exact.size_of_delta_p(14, xp, xq)
    got = fastdiv.compare(xp, xq, 14, want="delta_p").delta_p
    assert abs(got - want) <= 8 * float(np.spacing(np.float32(size)))


# The largest of the classes below the first counts for nearly all, and is just above a power of
# two where the log-sum-exp is just below it: half of its unit. The other two lie where the first
# step of a sum brings them together. log_softmax was 2.4 ulp off, logsumexp 2.4 ulp.
@pytest.mark.parametrize("c", [64, 129, 1000])
def test_log_sum_exp_next_to_a_power_of_two(c):
    rng = np.random.default_rng(c)
    n = 300_000 // c
    power = rng.integers(-9, -1, n)
    rest = 2.0**power * (1 + rng.random(n) * 2.0**power / 2)
    little = 2.0 ** -rng.uniform(1 - power, 23)
    x = np.full((n, c), -60.0)
    at, j = np.arange(n), rng.integers(15, size=n)
    x[at, j] = np.log(rest * (1 - little))
    x[at, j + (64 if c >= 128 else 16)] = np.log(rest * little)
    x[at, j + 1] = 0
    x = x.astype(np.float32)
    want = fastdiv.logsumexp(x, dtype=np.float64)
    unit = 2.0 ** (np.floor(np.log2(want)) - 23)
    for got in (
        fastdiv.logsumexp(x),
        -fastdiv.log_softmax(x)[at, j + 1],
        fastdiv.score(j + 1, x, want="logsumexp").logsumexp,
    ):
        assert np.max(np.abs(got - want) / unit) <= BOUNDS["logsumexp"][0]
