"""Sums, their means and errors, and quantiles: exact, and the same for any split and order."""

import itertools
import json
import math
import threading
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastdiv.scoring.buckets import Buckets
from fastdiv.scoring.exact_sums import ExactSum, Moments
from fastdiv.scoring.pairs import Pairs
from fastdiv.scoring.quantiles import Quantiles
from fastdiv.scoring.rationals import quotient, root

some = settings(max_examples=150, deadline=None)
LARGEST, SMALLEST = 1.7976931348623157e308, 5e-324
EXTREMES = [LARGEST, -LARGEST, 1e308, SMALLEST, -SMALLEST, 2.0**-1022, -0.0, 1.0, -1 / 3]
finite = st.sampled_from(EXTREMES) | st.floats(allow_nan=False, allow_infinity=False)
anything = finite | st.sampled_from([math.inf, -math.inf, math.nan])
UNIT = Fraction(1, 1 << 2148)


def merged(kind, values, cuts, data):
    """Parts of the values, each with its own statistic, merged two by two in any order."""
    ends = sorted(c % (len(values) + 1) for c in cuts)
    parts = []
    for start, end in itertools.pairwise([0, *ends, len(values)]):
        parts.append(kind())
        parts[-1].update(values[start:end])
    while len(parts) > 1:
        other = parts.pop(data.draw(st.integers(0, len(parts) - 1)))
        parts[data.draw(st.integers(0, len(parts) - 1))].merge(other)
    return parts[0]


def whole(kind, values):
    made = kind()
    made.update(values)
    return made


cuts = st.lists(st.integers(0, 1 << 20), max_size=6)


@some
@given(st.lists(finite, max_size=60))
def test_a_sum_is_exact(values):
    s = whole(ExactSum, values)
    assert s.numerator * UNIT == sum(map(Fraction, values))
    try:
        expected = math.fsum(values)
    except OverflowError:  # of the sum, or of fsum on the way
        expected = quotient(*sum(map(Fraction, values)).as_integer_ratio())
    assert s.total() == expected


@some
@given(st.lists(st.tuples(finite, finite), max_size=60))
def test_a_sum_of_products_is_exact(pairs):
    s = ExactSum()
    s.update_product([a for a, _ in pairs], [b for _, b in pairs])
    assert s.numerator * UNIT == sum(Fraction(a) * Fraction(b) for a, b in pairs)


@some
@given(st.lists(anything, max_size=60), cuts, st.data())
@pytest.mark.parametrize("kind", [ExactSum, Moments, Quantiles])
def test_split_and_order_change_no_bit(kind, values, cuts, data):
    expected = json.dumps(whole(kind, values).state())
    assert json.dumps(merged(kind, values, cuts, data).state()) == expected
    assert json.dumps(whole(kind, values[::-1]).state()) == expected


@some
@given(st.lists(anything, max_size=30))
@pytest.mark.parametrize("kind", [ExactSum, Moments, Quantiles])
def test_state_there_and_back(kind, values):
    state = json.loads(json.dumps(whole(kind, values).state()))
    again = kind()
    again.restore(state)
    assert again.state() == state
    again.update(values)
    assert again.state() == whole(kind, values + values).state()


@pytest.mark.parametrize("n", [0, 1, 2, 1023, 1024, 1025, 5000])
@pytest.mark.parametrize("value", [LARGEST, -LARGEST, SMALLEST, -SMALLEST, 1 / 3])
def test_carries_reach_as_far_as_they_must(n, value):
    s, squares = whole(ExactSum, np.full(n, value)), ExactSum()
    squares.update_product(np.full(n, value), np.full(n, value))
    assert s.numerator * UNIT == n * Fraction(value)
    assert squares.numerator * UNIT == n * Fraction(value) ** 2
    for _ in range(40):  # 2^40 times as many
        squares.merge(squares)
    assert squares.numerator * UNIT == (n * Fraction(value) ** 2) * 2**40


def test_every_place_of_a_number():
    """Every exponent, so every shift within a limb, with all bits of the fraction and with none."""
    for bits in (0, (1 << 52) - 1):
        x = ((np.arange(2047) << 52) | bits).view(np.float64)
        for y in (x, -x[::-1]):
            s = ExactSum()
            s.update_product(x, y)
            expected = sum(
                Fraction(a) * Fraction(b) for a, b in zip(x.tolist(), y.tolist(), strict=True)
            )
            assert s.numerator * UNIT == expected


@pytest.mark.parametrize(
    ("values", "total"),
    [
        ([1.0, math.inf], math.inf),
        ([-math.inf, 1.0], -math.inf),
        ([math.inf, -math.inf], math.nan),
        ([math.nan, 1.0], math.nan),
        ([LARGEST, LARGEST], math.inf),
        ([LARGEST, LARGEST, -LARGEST], LARGEST),
        ([-LARGEST, -LARGEST], -math.inf),
        ([], 0.0),
    ],
)
def test_what_is_not_finite(values, total):
    np.testing.assert_equal(whole(ExactSum, values).total(), total)
    mean, error = whole(Moments, values).result()
    if not np.isfinite(values).all() or not values:
        assert math.isnan(error)
        np.testing.assert_equal(mean, total if values else math.nan)


def test_a_product_of_infinity_and_zero_is_nan():
    s = ExactSum()
    s.update_product([math.inf, 1.0], [0.0, 1.0])
    assert math.isnan(s.total())
    s = ExactSum()
    s.update_product([math.inf, LARGEST], [-1.0, LARGEST])
    assert s.total() == -math.inf


def test_factors_as_many_as_each_other():
    with pytest.raises(ValueError, match="3 and 2 numbers"):
        ExactSum().update_product([1.0, 2.0, 3.0], [1.0, 2.0])


@pytest.mark.parametrize(
    "x",
    [
        np.arange(10.0)[::2],
        np.arange(6.0).reshape(2, 3).T,
        np.arange(5, dtype=">f4"),
        np.arange(5) > 2,
        np.frombuffer(b"x" + np.arange(4.0).tobytes(), np.uint8)[1:].view(np.float64),
    ],
    ids=["strided", "transposed", "big-endian", "bool", "misaligned"],
)
def test_numbers_of_any_layout(x):
    assert whole(ExactSum, x).total() == x.sum()


@some
@given(st.lists(st.floats(-1e3, 1e3) | st.sampled_from(EXTREMES), min_size=2, max_size=40))
def test_mean_and_error_are_rounded_once(values):
    n, exact = len(values), [Fraction(v) for v in values]
    mean, error = whole(Moments, values).result()
    assert mean == quotient(*(sum(exact) / n).as_integer_ratio())
    centre = sum(exact) / n
    square = sum((v - centre) ** 2 for v in exact) / n / (n - 1)
    assert error == root(*square.as_integer_ratio())


def test_an_error_far_below_the_mean():
    """Nothing is left of it in mean(x^2) - mean(x)^2 in double."""
    values = 1e8 + np.array([0.0, 1e-7, 2e-7, 3e-7])
    exact = [Fraction(v) for v in values.tolist()]
    square = sum((v - sum(exact) / 4) ** 2 for v in exact) / 12
    assert whole(Moments, values).result().standard_error == math.sqrt(square)


@some
@given(st.integers(1, 10**400), st.integers(1, 10**400))
def test_a_root_is_the_nearest_double(n, d):
    r = root(n, d)
    if 0 < r < math.inf:
        low, high = ((Fraction(r) + Fraction(math.nextafter(r, to))) / 2 for to in (0.0, math.inf))
        assert low**2 <= Fraction(n, d) <= high**2
    assert root(n * n, d * d) == quotient(n, d)


@some
@given(st.lists(st.tuples(finite, finite), min_size=1, max_size=30), cuts)
def test_pairs_merge(pairs, cuts):
    x, y = np.array(pairs).T
    expected = Pairs()
    expected.update(x, y)
    ends = sorted(c % (len(x) + 1) for c in cuts)
    made = Pairs()
    for start, end in itertools.pairwise([0, *ends, len(x)]):
        part = Pairs()
        part.update(x[start:end], y[start:end])
        part.merge(made)
        made = part
    assert made.state() == expected.state()
    again = Pairs()
    again.restore(json.loads(json.dumps(made.state())))
    assert again.state() == made.state()


def test_a_correlation_is_that_of_numpy_and_never_above_one():
    x = np.random.default_rng(1).normal(size=(2, 500))
    pairs = Pairs()
    pairs.update(x[0], x[0] - 2 * x[1])
    expected = np.corrcoef(x[0], x[0] - 2 * x[1])[0, 1]
    np.testing.assert_allclose(pairs.correlation(), expected, rtol=1e-12)
    same = Pairs()
    same.update(x[0], -3 * x[0])
    assert abs(same.correlation() + 1) < 2**-50
    assert same.difference().standard_error > 0
    same = Pairs()
    same.update(x[0], x[0])
    assert same.correlation() == 1
    assert same.difference() == (0, 0)
    assert same.difference_of_exponentials() == (0, 0)


def test_threads_with_a_sum_each():
    x = np.random.default_rng(2).normal(size=(4, 20_000))
    sums = [ExactSum() for _ in x]
    threads = [
        threading.Thread(target=s.update, args=(row,)) for s, row in zip(sums, x, strict=True)
    ]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for s in sums[1:]:
        sums[0].merge(s)
    assert sums[0].state() == whole(ExactSum, x).state()


POINTS = (0.0, 0.001, 0.1, 0.25, 0.5, 0.9, 0.999, 1.0)


@some
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50))
def test_few_quantiles_are_those_of_numpy(values):
    found = whole(Quantiles, values).result(POINTS)
    size = np.abs(values).max()
    for p in POINTS:  # NumPy rounds thrice
        assert abs(found[p] - np.quantile(values, p)) <= 4 * 2.0**-53 * size


def test_quantiles_of_what_is_not_finite():
    r = whole(Quantiles, [1.0, math.inf, -math.inf, 2.0]).result((0, 0.25, 0.5, 0.7, 1))
    # The second of four is at 1/3.
    assert r == {0: -math.inf, 0.25: -math.inf, 0.5: 1.5, 0.7: math.inf, 1: math.inf}
    assert all(math.isnan(v) for v in whole(Quantiles, [1.0, math.nan]).result(POINTS).values())
    assert math.isnan(Quantiles().result((0.5,))[0.5])
    assert math.isnan(whole(Quantiles, [-math.inf, math.inf]).result((0.5,))[0.5])
    assert whole(Quantiles, [LARGEST, -LARGEST]).result((0.5,)) == {0.5: 0.0}
    with pytest.raises(ValueError, match=r"\[1.5\]: points lie in 0 .. 1"):
        Quantiles().result((1.5,))


def few():
    """Quantiles that count in buckets from eleven numbers on."""
    return Quantiles(keep=10, limit=4096)


@some
@given(
    st.lists(anything, max_size=40), cuts, st.integers(0, 2**32), st.integers(0, 9000), st.data()
)
def test_buckets_change_no_bit_by_split_and_order(values, cuts, seed, more, data):
    rng = np.random.default_rng(seed)
    x = np.append(values, rng.lognormal(size=more) * 10.0 ** rng.integers(-9, 9))
    expected = whole(few, x)
    state = expected.state()
    assert merged(few, rng.permutation(x), cuts, data).state() == state
    again = few()
    again.restore(json.loads(json.dumps(state)))
    assert again.state() == state
    np.testing.assert_equal(again.result(POINTS), expected.result(POINTS))


@pytest.mark.parametrize(
    ("make", "bits"),
    [
        (lambda r: r.lognormal(size=100_000), 8),
        (lambda r: r.normal(size=100_000), 7),
        (lambda r: r.normal(size=100_000) * 10.0 ** r.uniform(-300, 300, 100_000), 0),
        (lambda r: r.integers(0, 4000, 100_000).astype(float), 52),
        (lambda r: r.lognormal(size=100_000).astype(np.float32), 8),
    ],
    ids=["lognormal", "normal", "whole range", "few values", "float32"],
)
def test_buckets_are_within_their_bound(make, bits):
    x = make(np.random.default_rng(3))
    q = whole(few, x)
    assert q.bits >= bits
    points = (0.0, 1e-4, 0.01, 0.3, 0.5, 0.77, 0.99, 0.999, 0.99999, 1.0)
    exact = np.quantile(np.asarray(x, float), points)
    for p, value in zip(points, exact, strict=True):
        # An interpolation between two numbers of one sign is as near as they are.
        assert abs(q.result((p,))[p] - value) <= (q.relative_error + 2**-50) * abs(value), p
    assert q.result((0.0, 1.0)) == {0.0: x.min(), 1.0: x.max()}


def test_zeros_stay_zeros_in_buckets():
    x = np.append(np.zeros(5000), np.random.default_rng(4).lognormal(size=9000))
    q = whole(few, np.append(x, -x))
    assert math.copysign(1, q.result((0.5,))[0.5]) == 1
    assert q.result((0.5,)) == {0.5: 0.0}


def test_a_million_numbers_take_a_few_megabytes():
    x = np.random.default_rng(5).lognormal(0, 8, size=1_500_000)
    q = whole(Quantiles, x)
    assert q.bits >= 11
    assert q.relative_error <= 2.0**-12
    assert len(json.dumps(q.state())) < 6e6
    np.testing.assert_allclose(
        list(q.result(POINTS).values()), np.quantile(x, POINTS), rtol=q.relative_error
    )


def test_bins_hold_what_lies_between_their_edges():
    rng = np.random.default_rng(6)
    x = np.concatenate([rng.lognormal(0, 3, 20_000), np.zeros(7), [-1.0, math.inf, math.nan]])
    for make in (Quantiles, few):
        h = whole(make, x).histogram(30)
        assert 15 < len(h.counts) <= 30
        assert (h.zeros, h.negative, h.infinite, h.nan) == (7, 1, 1, 1)
        edges = np.array(h.edges)
        expected = [
            np.count_nonzero((low <= x) & (x < high)) for low, high in itertools.pairwise(edges)
        ]
        assert h.counts == expected
    assert Quantiles().histogram() == ([], [], 0, 0, 0, 0)
    assert whole(Quantiles, [2.0**-1000, LARGEST]).histogram(2).edges[-1] == math.inf


def test_quantiles_of_another_size_do_not_merge():
    with pytest.raises(ValueError, match="keep 10 numbers"):
        few().merge(Quantiles())
    with pytest.raises(ValueError, match="at least 4096 buckets"):
        Quantiles(limit=100)


def test_buckets_are_the_fewest_bits_that_fit():
    x = np.random.default_rng(7).lognormal(size=50_000)
    b = Buckets.of(x)
    fitting = b.within(4096)
    assert fitting.keys.size <= 4096 < b.coarser(b.bits - fitting.bits - 1).keys.size
    assert fitting.total == x.size
