"""The keywords of cross-entropy together, against the definition with all of them at once."""

import itertools

import numpy as np
import pytest
from cases import rows_for

import fastdiv
from fastdiv import _reference

U = 2.0**-53
N, C = 24, 37
WEIGHT = np.random.default_rng(1).uniform(0.1, 2, C)
TRUTHS = ("labels", "rows")
PREDICTIONS = ("weights", "logits")
KEYWORDS = {
    "normalize": (True, False),
    "temperature": (1.0, 2.5),
    "label_smoothing": (0.0, 0.1),
    "class_weight": (None, WEIGHT),
    "base": (None, 2),
    "reduction": ("none", "mean", "sum"),
}
EVERY = [
    dict(zip(KEYWORDS, values, strict=True)) for values in itertools.product(*KEYWORDS.values())
]


def truth_and_prediction(truth, prediction):
    p, q = rows_for("cross_entropy", N, C, np.float64)
    if truth == "labels":
        p = np.random.default_rng(0).integers(0, C, N)
    # Neither sums to 1, and every logarithm of q is negative.
    return (p if p.ndim == 1 else 3 * p), (np.log(q) + 0.7 if prediction == "logits" else q / 2)


def defined(p, q, prediction, options):
    """The loss, and the size of the terms it is a sum of."""
    normalize, temperature = options["normalize"], options["temperature"]
    rows = np.eye(C)[p] if p.ndim == 1 else p / p.sum(-1, keepdims=True) if normalize else p
    x = (q if prediction == "logits" else np.log(q)) / temperature
    normalized = normalize or prediction == "logits"
    log_q = _reference.log_softmax(x) if normalized else x
    weight = np.ones(C) if options["class_weight"] is None else options["class_weight"]
    smoothing = options["label_smoothing"]
    target = weight * ((1 - smoothing) * rows + smoothing / C)
    loss = -(target * log_q).sum(-1)
    size = (target * (2 * np.abs(x) + np.abs(log_q) + 1)).sum(-1)
    if options["reduction"] != "none":
        count = weight[p].sum() if p.ndim == 1 else len(p)
        count = count if options["reduction"] == "mean" else 1
        loss, size = loss.sum() / count, size.sum() / count
    unit = 1 if options["base"] is None else np.log(options["base"])
    return loss / unit, size / unit


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("truth", TRUTHS)
def test_every_combination(truth, prediction):
    p, q = truth_and_prediction(truth, prediction)
    function = getattr(fastdiv, "cross_entropy" + "_from_logits" * (prediction == "logits"))
    for options in EVERY:
        expected, size = defined(p, q, prediction, options)
        # Higham's bound of the definition's sums, over classes and, reduced, over rows.
        terms = C + 4 + (0 if options["reduction"] == "none" else N)
        error = np.abs(function(p, q, **options) - expected)
        assert np.all(error <= terms * U * size), options


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("truth", TRUTHS)
@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2])
def test_every_combination_along_any_axis(truth, prediction, axis, dtype):
    p, q = truth_and_prediction(truth, prediction)
    q = q.astype(dtype)
    place = axis % 3
    shape = (4, 6)
    moved_q = np.ascontiguousarray(np.moveaxis(q.reshape(*shape, C), -1, place))
    moved_p = p.reshape(shape) if truth == "labels" else p.astype(dtype).reshape(*shape, C)
    if truth == "rows":
        moved_p = np.ascontiguousarray(np.moveaxis(moved_p, -1, place))
        p = p.astype(dtype)
    function = getattr(fastdiv, "cross_entropy" + "_from_logits" * (prediction == "logits"))
    for options in EVERY[::7]:
        expected = function(p, q, **options)
        if options["reduction"] == "none":
            expected = expected.reshape(shape)
        got = function(moved_p, moved_q, axis=axis, **options)
        np.testing.assert_array_equal(got, expected)
        kept = function(moved_p, moved_q, axis=axis, keepdims=True, **options)
        assert kept.ndim == 3
        out = np.empty_like(kept)
        assert function(moved_p, moved_q, axis=axis, keepdims=True, out=out, **options) is out
        np.testing.assert_array_equal(out, kept)
        if options["reduction"] == "none":
            expected = np.expand_dims(expected, axis)
        np.testing.assert_array_equal(kept, np.broadcast_to(expected, kept.shape))


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_ignored_rows_count_for_nothing(prediction, dtype):
    y, q = truth_and_prediction("labels", prediction)
    q = q.astype(dtype)
    y[::5] = -100
    kept = y != -100
    q[~kept] = np.nan
    function = getattr(fastdiv, "cross_entropy" + "_from_logits" * (prediction == "logits"))
    for options in EVERY:
        got = function(y, q, ignore_index=-100, **options)
        expected = function(y[kept], q[kept], **options)
        if options["reduction"] == "none":
            assert np.all(got[~kept] == 0)
            got = got[kept]
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("truth", TRUTHS)
@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_options_that_change_nothing(truth, prediction, dtype):
    p, q = truth_and_prediction(truth, prediction)
    q = q.astype(dtype)
    function = getattr(fastdiv, "cross_entropy" + "_from_logits" * (prediction == "logits"))
    expected = function(p, q)
    same = {"label_smoothing": 0, "temperature": 1, "base": np.e, "reduction": "none"}
    np.testing.assert_array_equal(function(p, q, **same), expected)
    # Ones take another way to the same numbers.
    ones = function(p, q, class_weight=np.ones(C), dtype=np.float64)
    np.testing.assert_allclose(ones, expected, rtol=2 * float(np.finfo(dtype).eps))
    if truth == "labels":
        np.testing.assert_array_equal(function(p, q, ignore_index=-1), expected)


def test_a_sum_beyond_float32_is_infinite_without_a_warning():
    x = np.array([[3e38, 0]] * 10, np.float32)
    assert fastdiv.cross_entropy_from_logits([1] * 10, x, reduction="sum") == np.inf
    assert fastdiv.cross_entropy_from_logits([1] * 10, x, reduction="mean") == np.float32(3e38)


def test_a_mean_does_not_depend_on_the_order_of_additions(dtype):
    y, x = truth_and_prediction("labels", "logits")
    x = np.tile(x.astype(dtype), (500, 1))
    mean = fastdiv.cross_entropy_from_logits(np.tile(y, 500), x, reduction="mean")
    # Equal numbers added with their errors kept: the mean is that of one copy, rounded.
    once = fastdiv.cross_entropy_from_logits(y, x[:N], reduction="mean")
    assert mean == pytest.approx(once, rel=float(np.finfo(dtype).eps))
