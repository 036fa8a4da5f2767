"""Keywords, alone and together, against plain definitions and against PyTorch."""

import itertools

import numpy as np
import pytest
from cases import MAKERS, SIGNATURES, rows_for

import fastdiv
from fastdiv import _reference

OPTIONS = list(
    itertools.product(
        ("none", "mean", "sum"), (0.0, 0.1, 1.0), (False, True), (None, 5), (1.0, 2.5)
    )
)


def setup(labels, weighted):
    rng = np.random.default_rng(0)
    n, c = 50, 37
    x = 4 * rng.normal(size=(n, c))
    y = rng.integers(0, c, n)
    y[::7] = 5
    p = y if labels else _reference.softmax(rng.normal(size=(n, c)))
    weight = rng.uniform(0.1, 2, c) if weighted else None
    return p, x, weight


def defined(p, x, reduction, smoothing, weight, ignore_index, temperature):
    """The definition: sum of weight * ((1 - s) p + s / c) * -log softmax(x / T)."""
    c = x.shape[-1]
    labels = p.ndim == 1
    rows = np.eye(c)[p] if labels else p
    w = np.ones(c) if weight is None else weight
    loss = -(_reference.blended(rows, w, smoothing) * _reference.log_softmax(x / temperature))
    loss = loss.sum(-1)
    count = float(len(x))
    if labels:
        kept = np.ones(len(x), bool) if ignore_index is None else p != ignore_index
        loss = np.where(kept, loss, 0)
        count = w[p][kept].sum()
    return {"none": loss, "sum": loss.sum(), "mean": loss.sum() / count}[reduction]


@pytest.mark.parametrize("labels", [True, False], ids=["labels", "rows"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_every_combination(options, labels):
    reduction, smoothing, weighted, ignore_index, temperature = options
    p, x, weight = setup(labels, weighted)
    ignore_index = ignore_index if labels else None
    expected = defined(p, x, reduction, smoothing, weight, ignore_index, temperature)
    keywords = {
        "reduction": reduction,
        "label_smoothing": smoothing,
        "class_weight": weight,
        "ignore_index": ignore_index,
        "temperature": temperature,
    }
    got = fastdiv.cross_entropy_from_logits(p, x, **keywords)
    np.testing.assert_allclose(got, expected, rtol=1e-13)
    # The same prediction as probabilities.
    got = fastdiv.cross_entropy(p, _reference.softmax(x), **keywords)
    np.testing.assert_allclose(got, expected, rtol=1e-12)
    got = fastdiv.cross_entropy_from_logits(p, x.astype(np.float32), **keywords)
    np.testing.assert_allclose(got, expected, rtol=1e-5)


@pytest.mark.parametrize("labels", [True, False], ids=["labels", "rows"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_every_combination_is_pytorchs(options, labels):
    torch = pytest.importorskip("torch")
    reduction, smoothing, weighted, ignore_index, temperature = options
    p, x, weight = setup(labels, weighted)
    ignore_index = ignore_index if labels else None
    expected = torch.nn.functional.cross_entropy(
        torch.from_numpy(x / temperature),
        torch.from_numpy(p),
        weight=None if weight is None else torch.from_numpy(weight),
        ignore_index=-100 if ignore_index is None else ignore_index,
        label_smoothing=smoothing,
        reduction=reduction,
    )
    got = fastdiv.cross_entropy_from_logits(
        p,
        x,
        reduction=reduction,
        label_smoothing=smoothing,
        class_weight=weight,
        ignore_index=ignore_index,
        temperature=temperature,
    )
    np.testing.assert_allclose(got, expected.numpy(), rtol=1e-12)


def test_ignored_labels_may_be_out_of_range(dtype):
    x = np.zeros((3, 4), dtype)
    got = fastdiv.cross_entropy_from_logits([1, -100, 2], x, ignore_index=-100)
    np.testing.assert_array_equal(got == 0, [False, True, False])
    mean = fastdiv.cross_entropy_from_logits([-100] * 3, x, ignore_index=-100, reduction="mean")
    assert np.isnan(mean)


def test_unnormalised_target_rows():
    # PyTorch takes the rows of the target as they stand.
    p, x = np.array([[0.2, 0.5]]), np.array([[1.0, 3.0]])
    got = fastdiv.cross_entropy_from_logits(p, x, normalize=False)
    np.testing.assert_allclose(got, -(p * _reference.log_softmax(x)).sum(-1), rtol=1e-14)
    twice = fastdiv.cross_entropy(p, np.exp(x), normalize=False, temperature=2)
    np.testing.assert_allclose(twice, -(p * x).sum(-1) / 2, rtol=1e-14)


BASED = [n for n in SIGNATURES if n not in (*MAKERS, "logsumexp", "js_distance")]


@pytest.mark.parametrize("name", BASED)
@pytest.mark.parametrize("base", [2, 10, 0.5])
def test_base(name, base):
    args = rows_for(name, 9, 20, np.float64)
    got = getattr(fastdiv, name)(*args, base=base)
    np.testing.assert_allclose(got, getattr(fastdiv, name)(*args) / np.log(base), rtol=1e-15)


def test_base_of_the_distance():
    p, q = rows_for("js_distance", 9, 20, np.float64)
    got = fastdiv.js_distance(p, q, base=2)
    np.testing.assert_allclose(got, np.sqrt(fastdiv.js_divergence(p, q, base=2)), rtol=1e-15)


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, -3])
def test_axis_and_keepdims(name, function, axis):
    args = [a.reshape(4, 5, 6) for a in rows_for(name, 20, 6, np.float64)]
    moved = [np.moveaxis(a, axis, -1) for a in args]
    expected = function(*[np.ascontiguousarray(m) for m in moved])
    got = function(*args, axis=axis)
    if name in MAKERS:
        np.testing.assert_array_equal(np.moveaxis(got, axis, -1), expected)
        return
    np.testing.assert_array_equal(got, expected)
    kept = function(*args, axis=axis, keepdims=True)
    np.testing.assert_array_equal(kept, np.expand_dims(expected, axis))


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_labels_along_any_axis(axis):
    (x,) = rows_for("logsumexp", 20, 6, np.float64)
    x = x.reshape(4, 5, 6)
    y = np.random.default_rng(0).integers(0, x.shape[axis], np.delete(x.shape, axis))
    moved = np.ascontiguousarray(np.moveaxis(x, axis, -1))
    np.testing.assert_array_equal(
        fastdiv.cross_entropy_from_logits(y, x, axis=axis),
        fastdiv.cross_entropy_from_logits(y, moved),
    )


def test_dtype(name, function, dtype):
    narrow = rows_for(name, 5, 40, np.float32)
    wide = [a.astype(np.float64) for a in narrow]
    assert function(*narrow).dtype == np.float32
    # The arithmetic is in the widest type involved.
    np.testing.assert_array_equal(function(*narrow, dtype=np.float64), function(*wide))
    got = function(*wide, dtype=np.float32)
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got, function(*wide).astype(np.float32))


def test_out(name, function, dtype):
    args = rows_for(name, 6, 40, dtype)
    expected = function(*args)
    shape = expected.shape
    out = np.full((*shape[:-1], 2 * shape[-1]), -1, dtype)[..., ::2]
    assert function(*args, out=out) is out
    np.testing.assert_array_equal(out, expected)
    assert np.all(out.base[..., 1::2] == -1)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_out_of_a_reduction(reduction, dtype):
    p, x = rows_for("cross_entropy_from_logits", 6, 40, dtype)
    out = np.empty((), dtype)
    assert fastdiv.cross_entropy_from_logits(p, x, reduction=reduction, out=out) is out
    assert out == fastdiv.cross_entropy_from_logits(p, x, reduction=reduction)
    kept = fastdiv.cross_entropy_from_logits(p, x, reduction=reduction, keepdims=True)
    assert kept.shape == (1, 1)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize(
    ("truth", "rows"),
    [((), (4,)), ((5,), (5, 4)), ((5, 4), (5, 4)), ((5, 4), (4,)), ((2, 5), (2, 5, 4))],
)
def test_a_reduction_keeps_every_axis(truth, rows, reduction, dtype):
    # As NumPy's sum over all of them, of the rows as they broadcast.
    x = np.ones(rows, dtype)
    p = np.ones(truth, dtype if truth[-1:] == (4,) else int)
    got = fastdiv.cross_entropy_from_logits(p, x, reduction=reduction, keepdims=True)
    each = fastdiv.cross_entropy_from_logits(p, x, keepdims=True)
    assert got.shape == (1,) * each.ndim
    assert got.item() == fastdiv.cross_entropy_from_logits(p, x, reduction=reduction)


@pytest.mark.parametrize("name", MAKERS)
def test_in_place(name, dtype):
    (x,) = rows_for(name, 6, 3000, dtype)
    expected = getattr(fastdiv, name)(x)
    assert getattr(fastdiv, name)(x, out=x) is x
    np.testing.assert_array_equal(x, expected)


def test_a_single_row_gives_a_number(name, function, dtype):
    args = [a[0] for a in rows_for(name, 1, 10, dtype)]
    got = function(*args)
    assert isinstance(got, np.ndarray if name in MAKERS else dtype)


@pytest.mark.parametrize("c", [3, 130, 230, 1500])
def test_smoothing_at_its_ends(c, dtype):
    x = np.zeros((3, c), dtype)
    x[0, 1] = x[1, 1:] = -np.inf
    x[2, 1] = 5
    last = np.log(np.exp(5) + c - 1)
    for label in (0, 1):
        y = np.full(3, label)
        for p in (y, np.eye(c, dtype=dtype)[y]):
            # The least share in a class without probability costs everything.
            least = fastdiv.cross_entropy_from_logits(p, x, label_smoothing=1e-300)
            assert least == pytest.approx([np.inf, np.inf, last - 5 * label], rel=1e-6)
            # A class without a share costs nothing.
            whole = fastdiv.cross_entropy_from_logits(p, x, label_smoothing=1)
            assert whole == pytest.approx([np.inf, np.inf, last - 5 / c], rel=1e-6)
