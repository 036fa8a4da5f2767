"""Rows of weights against targets with options: short, of one block, longer, and of segments."""

import math

import exact
import numpy as np
import pytest
from cases import with_classes

import fastdiv

pytestmark = pytest.mark.usefixtures("isa")

INF = math.inf
CE = fastdiv.cross_entropy
# Short rows, rows of one block of either type, and rows of several.
CLASSES = [1, 2, 10, 65, 121, 161, 600, 1500]
OPTIONS = [
    {"label_smoothing": 0.1},
    {"label_smoothing": 1.0},
    {"class_weight": True},
    {"class_weight": True, "label_smoothing": 0.1},
]


def with_weights(options, c):
    """The options, with class weights where they are asked for; a class in three has none."""
    given = dict(options)
    if "class_weight" in given:
        given["class_weight"] = np.random.default_rng(c).exponential(1, c) * (np.arange(c) % 3 > 0)
    return given


# The same for every instruction set.
WANTED = {}


def wanted_of(p, q, **options):
    """The exact answer, computed once."""
    given = (p, q, *options.values())
    key = tuple(x.tobytes() if isinstance(x, np.ndarray) else x for x in given), *options
    if key not in WANTED:
        WANTED[key] = exact.cross_entropy(p, q, **options)
    return WANTED[key]


def hold(p, q, **options):
    """Hold a call for one row to the exact answer, and the same row among others to its bits."""
    wanted = wanted_of(p, q, **options)
    got = CE(p, q, **options)
    bound = 3 if q.dtype == np.float32 else 9
    assert exact.ulps(got, wanted) <= bound, (got, wanted)
    others = np.array([q] * 5)
    others[[0, 3]] *= 2
    rows = CE([p] * 5 if np.isscalar(p) else np.array([p] * 5), others, **options)
    np.testing.assert_array_equal(rows[[1, 2, 4]], got)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("c", CLASSES)
def test_targets_are_exact(c, options, dtype):
    rng = np.random.default_rng(c)
    given = with_weights(options, c)
    q = np.exp(rng.normal(0, 3, c)).astype(dtype)
    p = rng.exponential(1, c).astype(dtype)
    there = np.arange(c) % 5 == min(c - 1, 1)
    for scale in (1.0, 2.0**40, 2.0**-40) if c < 200 else (1.0,):
        hold(p, (q * scale).astype(dtype), **given)
        hold((p * scale).astype(dtype), q, **given)
    hold(np.where(there, p, 0).astype(dtype), q, **given)
    # Where a class has most of the weight, a cross-entropy of its own rounding.
    hold(np.where(there, 1, p * dtype(1e-6)).astype(dtype), q, **given)
    if "label_smoothing" in options:
        hold(int(rng.integers(c)), q, **given)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("c", CLASSES)
def test_targets_of_rows_as_they_stand(c, options, dtype):
    rng = np.random.default_rng(c)
    given = with_weights(options, c) | {"normalize": False}
    q = np.exp(-rng.exponential(2, c)).astype(dtype)
    p = (rng.exponential(1, c) / c).astype(dtype)
    hold(p, q, **given)
    hold(np.where(np.arange(c) % 5 == min(c - 1, 1), p, 0).astype(dtype), q, **given)
    if "label_smoothing" in options:
        hold(int(rng.integers(c)), q, **given)
    # Terms of both signs: what cancels counts with the size of its terms.
    q = (8 * q).astype(dtype)
    terms = [float(abs(exact.cross_entropy_exact([a], [b]))) for a, b in zip(p, q, strict=True)]
    most = max(terms) * c * max(1, np.max(given.get("class_weight", 1)))
    wanted = float(exact.cross_entropy(p, q, **given))
    assert abs(float(CE(p, q, **given)) - wanted) <= 4 * np.finfo(dtype).eps * max(most, 1)


@pytest.mark.parametrize("c", [4, 60, 400, 1500])
def test_next_to_the_ends_of_the_range(c, dtype):
    rng = np.random.default_rng(c)
    info = np.finfo(dtype)
    p = rng.exponential(1, c).astype(dtype)
    q = np.exp(rng.normal(0, 1, c)).astype(dtype)
    weight = rng.uniform(0.5, 2, c)
    small, large = q * info.smallest_normal * 8, q / q.sum() * (info.max / 2)
    with_subnormal = q.copy()
    with_subnormal[c // 2] = info.smallest_subnormal * 3
    for options in ({"label_smoothing": 0.1}, {"class_weight": weight}):
        for other in (small, large, with_subnormal):
            hold(p, other.astype(dtype), **options)
            hold(other.astype(dtype), q, **options)
    # A target of nearly one class, the largest: products that are lost to underflow, were they all.
    p, q = np.zeros((2, c), dtype)
    p[1] = q[1] = 1
    p[-1], q[-1] = info.smallest_subnormal, 2.0**-20
    hold(p, q, label_smoothing=1e-300)
    hold(p, q, class_weight=np.ones(c))


@pytest.mark.parametrize("c", [4, 60, 400, 1500])
def test_edges_of_weight_targets(c, dtype):
    def call(p, q, weight=None, **options):
        p = with_classes(p, c, dtype(0)) if not np.isscalar(p) else p * (c - 1) // 3
        weight = with_classes(np.float64(weight), c, 1.0) if weight is not None else None
        q = with_classes(dtype(q), c, dtype(0.25))
        return CE(p, q, class_weight=weight, **options)

    q = [0.75, 0, 0.5, 0.25]
    of = dtype([1, 1, 0, 0])
    tiny = float(np.nextafter(dtype(0), dtype(1)))
    for normal in ({}, {"normalize": False}):
        # Smoothing puts weight everywhere, on labels and rows alike.
        assert call(of, q, label_smoothing=0.1, **normal) == INF
        assert call(dtype([1, 0, 0, 0]), q, label_smoothing=1e-300, **normal) == INF
        assert call(0, q, label_smoothing=0.1, **normal) == INF
        assert call(0, q, label_smoothing=5e-324, **normal) == INF
        # A class of no weight counts for nothing; any other one does.
        assert 0.1 < call(of, q, [1, 0, 1, 1], **normal) < 20
        assert 0.1 < call(of, q, [1, 0, 1, 1], label_smoothing=0.1, **normal) < 20
        assert call(of, q, [1, 1e-30, 1, 1], **normal) == INF
        assert call(of, q, [1, 1e-30, 1, 1], label_smoothing=0.1, **normal) == INF
        assert call(dtype([1, tiny, 0, 0]), q, [1, 1, 1, 1], **normal) == INF
        assert call(dtype([1, tiny, 0, 0]), q, [1, 5e-324, 1, 1], **normal) == INF
        assert call(1, q, [1, 0, 1, 1], label_smoothing=0.1, **normal) < 20
        assert call(dtype([0, 1, 0, 0]), q, [1, 0, 1, 1], **normal) == 0
        # Nothing makes a bad weight good.
        for bad in (-1, math.nan, INF):
            for options in ({"label_smoothing": 0.1}, {"weight": [1, 1, 0, 1]}):
                assert np.isnan(call(dtype([1, 0, bad, 0]), q, **options, **normal)), bad
                assert np.isnan(call(of, [0.75, 0.5, bad, 0.25], **options, **normal)), bad
    for options in ({"label_smoothing": 0.1}, {"weight": [1, 1, 1, 1]}):
        assert np.isnan(call(dtype([0, 0, 0, 0]), q, **options))
        assert np.isnan(CE(np.ones(c, dtype), np.zeros(c, dtype), label_smoothing=0.1))
    # Exactly nothing to be told.
    assert CE(np.eye(c, dtype=dtype), np.eye(c, dtype=dtype), class_weight=np.ones(c)).max() == 0


def test_labels_and_their_rows_agree(dtype):
    rng = np.random.default_rng(0)
    for c in CLASSES:
        q = rng.exponential(1, (20, c)).astype(dtype)
        y = rng.integers(0, c, 20)
        for options in OPTIONS[:2] + OPTIONS[3:]:
            given = with_weights(options, c)
            np.testing.assert_allclose(
                CE(y, q, **given),
                CE(np.eye(c, dtype=dtype)[y], q, **given),
                4e-7 if dtype == np.float32 else 1e-15,
            )


def test_the_largest_weight_may_come_last(dtype):
    c = 5000
    rng = np.random.default_rng(0)
    p = rng.exponential(1, c).astype(dtype)
    for order in (1, -1):
        q = np.sort(np.exp(rng.normal(0, 4, c)))[::order].astype(dtype)
        zeros = np.where(np.arange(c) < 1100, 0, q).astype(dtype)
        for options in OPTIONS:
            given = with_weights(options, c)
            hold(p, q, **given)
            assert CE(p, zeros, **given) == INF
        hold(np.where(zeros > 0, p, 0).astype(dtype), zeros, class_weight=np.ones(c))


@pytest.mark.parametrize(("few", "most"), [(1e-10, 1e300), (1e-300, 1e9)])
@pytest.mark.parametrize("c", [513, 1500, 40000])
def test_blocks_too_far_apart_for_a_quotient(few, most, c):
    # (m - before) / before overflows where the largest weight is raised; no weight is 0.
    q = np.full(c, few)
    q[-c // 10 :] = most
    p = np.ones(c)
    plain = CE(p, q)
    assert plain > 600
    for options in ({"label_smoothing": 0.1}, {"class_weight": p}):
        assert exact.ulps(CE(p, q, **options), plain) <= 9
    assert 600 < CE(0, q, label_smoothing=0.1) < 720


@pytest.mark.parametrize("weight", [1.0, 0.6])
@pytest.mark.parametrize("c", [2, 60, 121, 161, 600, 1500])
def test_no_digit_is_lost_to_a_small_mass(c, weight, dtype):
    # The mass is next to the least that is taken, one product of it subnormal.
    mass, small = ((1.5 * 2.0**-60, 2.0**-90), (1.5 * 2.0**-900, 2.0**-800))[dtype == np.float64]
    p, q = np.zeros((2, c), dtype)
    p[0], p[-1], q[0], q[-1] = mass, np.finfo(dtype).smallest_subnormal, 1, small
    hold(p, q, class_weight=np.full(c, weight))
    x = np.full(c, -INF, dtype)
    x[0], x[-1] = 0, math.log(small)
    for options in ({}, {"class_weight": np.full(c, weight)}):
        got = fastdiv.cross_entropy_from_logits(p, x, **options)
        assert exact.ulps(got, exact.cross_entropy_from_logits(p, x, **options)) <= 9


@pytest.mark.parametrize("options", [{"label_smoothing": 1e-3}, {"class_weight": True}], ids=str)
@pytest.mark.parametrize("c", [2, 20, 600])
def test_large_counts_as_they_stand(c, options):
    p = np.full(c, 1.7e308 / (c // 2))
    q = np.where(np.arange(c) % 2, 0.1, 8)
    given = ({"class_weight": np.ones(c)} if "class_weight" in options else options) | {
        "normalize": False
    }
    wanted = wanted_of(p, q, **given)
    terms = float(
        sum(abs(exact.cross_entropy_exact([a], [b])) / c for a, b in zip(p, q, strict=True))
    )
    assert abs(float(CE(p, q, **given)) / c - float(wanted / c)) <= 9e-16 * terms
