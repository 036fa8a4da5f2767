"""Targets whose classes have weights: rows and smoothed labels, short, of one block and longer."""

import math

import exact
import numpy as np
import pytest
from cases import with_classes

import fastdiv

pytestmark = pytest.mark.usefixtures("isa")

INF = math.inf
CE = fastdiv.cross_entropy_from_logits
# Short rows, rows of one block of either type, and rows of several.
CLASSES = [1, 2, 10, 65, 400, 700, 1500]
OPTIONS = [
    {},
    {"label_smoothing": 0.1},
    {"label_smoothing": 1.0},
    {"temperature": 2.5},
    {"label_smoothing": 0.1, "normalize": False},
]


def hold(p, x, weight, **options):
    """Hold a call for one row to the exact answer, and the same row among others to its bits."""
    wanted = exact.cross_entropy_from_logits(p, x, class_weight=weight, **options)
    got = CE(p, x, class_weight=weight, **options)
    bound = 3 if x.dtype == np.float32 else 9
    assert exact.ulps(got, wanted) <= bound, (got, wanted)
    if not np.isscalar(p):
        p = np.array([p] * 5)
    others = np.array([x] * 5)
    others[[0, 3]] -= 1
    rows = CE([p] * 5 if np.isscalar(p) else p, others, class_weight=weight, **options)
    np.testing.assert_array_equal(rows[[1, 2, 4]], got)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("c", CLASSES)
def test_class_weights_are_exact(c, options, dtype):
    rng = np.random.default_rng(c)
    x = rng.normal(0, 3, c).astype(dtype)
    p = rng.exponential(1, c).astype(dtype)
    weight = rng.exponential(1, c) * (np.arange(c) % 3 > 0)
    hold(p, x, weight, **options)
    hold(np.where(np.arange(c) % 5 == min(c - 1, 1), p, 0).astype(dtype), x, weight, **options)
    if options.get("normalize", True):
        hold(int(rng.integers(c)), x, weight, label_smoothing=0.3)


@pytest.mark.parametrize("spread", [1e-30, 1, 1e5])
@pytest.mark.parametrize("c", [3, 400, 1500])
@pytest.mark.parametrize("power", [-1000, -700, -140, -50, 50, 140, 700])
def test_class_weights_of_any_size(power, c, spread):
    rng = np.random.default_rng(c)
    x = np.float32(rng.normal(0, spread, c))
    p = np.float32(rng.exponential(1, c))
    hold(p.astype(np.float64), x.astype(np.float64), np.ldexp(rng.uniform(1, 2, c), power))
    weight = np.ones(c)
    weight[::2] = np.ldexp(rng.uniform(1, 2, weight[::2].size), power)
    hold(p.astype(np.float64), x.astype(np.float64), weight)
    if abs(power) < 100:
        hold(p, x, weight)
        hold(p, x, weight, label_smoothing=0.1)
        hold(2, x, weight, label_smoothing=0.1)


@pytest.mark.parametrize("c", [4, 60, 400, 1500])
def test_edges_of_class_weights(c, dtype):
    def call(p, x, weight, **options):
        p = with_classes(p, c, dtype(0)) if not np.isscalar(p) else p * (c - 1) // 3
        x = with_classes(dtype(x), c, dtype(-2))
        return CE(p, x, class_weight=with_classes(np.float64(weight), c, 1.0), **options)

    x = [0, -INF, 1, 2]
    tiny = float(np.nextafter(dtype(0), dtype(1)))
    of = dtype([1, 1, 0, 0])
    # A class of no weight counts for nothing, even where q is 0; any other one does.
    assert 1 < call(of, x, [1, 0, 1, 1]) < 20
    assert call(of, x, [1, 1e-30, 1, 1]) == INF
    assert call(dtype([1, tiny, 0, 0]), x, [1, 1, 1, 1]) == INF
    assert call(dtype([1, tiny, 0, 0]), x, [1, 1e-10, 1, 1]) == INF
    assert call(dtype([1, tiny, 0, 0]), x, [1, 5e-324, 1, 1]) == INF
    assert 1 < call(dtype([1, tiny, 0, 0]), x, [1, 0, 1, 1]) < 20
    assert call(3, x, [1, 0, 1, 1], label_smoothing=0.1) < 20
    assert call(3, x, [1, 1e-30, 1, 1], label_smoothing=0.1) == INF
    assert call(1, x, [1, 0, 1, 1], label_smoothing=0.0) == 0
    # Nothing has weight.
    assert call(dtype([0, 1, 0, 0]), x, [1, 0, 1, 1]) == 0
    assert np.isnan(call(dtype([0, 0, 0, 0]), x, [1, 1, 1, 1]))
    # The weight of a class does not make a weight good.
    assert np.isnan(call(dtype([1, 0, -1, 0]), x, [1, 1, 0, 1]))
    assert np.isnan(call(dtype([1, 0, math.nan, 0]), x, [1, 1, 0, 1]))
    assert np.isnan(call(dtype([1, 0, INF, 0]), x, [1, 1, 0, 1]))
    assert np.isnan(call(of, [0, math.nan, 1, 2], [1, 0, 1, 1]))
    assert np.isnan(call(of, [0, INF, 1, 2], [1, 0, 1, 1]))


def test_equal_class_weights_are_a_factor(dtype):
    rng = np.random.default_rng(0)
    for c in CLASSES:
        x, p = rng.normal(0, 3, (2, 20, c)).astype(dtype)
        p = np.exp(p)
        for options in OPTIONS:
            plain = CE(p, x, **options)
            np.testing.assert_allclose(
                CE(p, x, class_weight=np.full(c, 4.0), **options),
                4 * plain,
                8e-7 if dtype == np.float32 else 2e-15,
            )


def test_labels_and_their_rows_agree(dtype):
    rng = np.random.default_rng(0)
    for c in CLASSES:
        x = rng.normal(0, 3, (20, c)).astype(dtype)
        y = rng.integers(0, c, 20)
        weight = np.arange(c) % 4 / 3
        for options in ({"label_smoothing": 0.1}, {"label_smoothing": 1.0}):
            labels = CE(y, x, class_weight=weight, **options)
            rows = CE(np.eye(c, dtype=dtype)[y], x, class_weight=weight, **options)
            np.testing.assert_allclose(labels, rows, 4e-7 if dtype == np.float32 else 1e-15)
