"""What is not a float array: lists, memory maps, other libraries' arrays, integers, booleans."""

import array

import numpy as np
import pytest
from cases import MAKERS, rows_for

import fastdiv


def test_lists(name, function):
    args = rows_for(name, 6, 20, np.float64)
    np.testing.assert_array_equal(function(*[a.tolist() for a in args]), function(*args))


def test_buffers(name, function):
    args = rows_for(name, 1, 20, np.float32)
    expected = function(*[a[0] for a in args])
    np.testing.assert_array_equal(function(*[array.array("f", a[0]) for a in args]), expected)
    np.testing.assert_array_equal(function(*[memoryview(a[0]) for a in args]), expected)


def test_memory_map(name, function, dtype, tmp_path):
    args = rows_for(name, 6, 100, dtype)
    mapped = []
    for i, a in enumerate(args):
        np.save(tmp_path / f"{i}.npy", a)
        mapped.append(np.load(tmp_path / f"{i}.npy", mmap_mode="r"))
    np.testing.assert_array_equal(function(*mapped), function(*args))


@pytest.mark.parametrize("axis", [0, 1])
def test_results_in_a_matrix(name, function, axis):
    # Of a matrix no axis can be taken away.
    args = rows_for(name, 6, 6, np.float64)
    rows = {} if name in MAKERS else {"keepdims": True}
    expected = function(*args, axis=axis, **rows)
    out = np.zeros_like(expected).view(np.matrix)
    assert function(*args, axis=axis, out=out, **rows) is out
    np.testing.assert_array_equal(np.asarray(out), expected)


class Wrapped:
    """An object with NumPy's protocol, as pandas, Arrow and torch have it."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array if dtype is None else self.array.astype(dtype)


class Eager(Wrapped):
    """As an xarray.DataArray: it could hold a lazy array, and says that it does not."""

    def __dask_graph__(self):
        return None


class Interface:
    """An object with NumPy's older protocol."""

    def __init__(self, array):
        self.array = array  # keeps the memory alive
        self.__array_interface__ = array.__array_interface__


@pytest.mark.parametrize("kind", [Wrapped, Interface])
def test_array_protocols(name, function, kind, dtype):
    args = rows_for(name, 6, 20, dtype)
    np.testing.assert_array_equal(function(*[kind(a) for a in args]), function(*args))


def test_what_could_be_lazy_and_is_not(dtype):
    (x,) = rows_for("logsumexp", 6, 20, dtype)
    np.testing.assert_array_equal(fastdiv.logsumexp(Eager(x)), fastdiv.logsumexp(x))


def test_torch_tensors(name, function, dtype):
    torch = pytest.importorskip("torch")
    args = rows_for(name, 6, 20, dtype)
    np.testing.assert_array_equal(function(*[torch.from_numpy(a) for a in args]), function(*args))


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda t: t.requires_grad_(), r"pass x\.detach\(\)$"),
        (lambda t: t.bfloat16(), r"pass x\.float\(\)$"),
        (lambda t: t.bfloat16().requires_grad_(), r"pass x\.detach\(\)\.float\(\)$"),
        (lambda t: [t.requires_grad_()] * 2, r"no array of x: .*detach\(\)"),
        (lambda t: t.to_sparse(), r"no array of x: .*to_dense\(\)"),
    ],
)
def test_torch_tensors_that_numpy_does_not_read(call, text):
    torch = pytest.importorskip("torch")
    with pytest.raises(TypeError, match=text):
        fastdiv.logsumexp(call(torch.ones(2, 3)))


def test_sparse_arrays():
    sparse = pytest.importorskip("scipy.sparse")
    p = np.eye(3)
    for kind in (sparse.csr_array, sparse.coo_matrix):
        with pytest.raises(TypeError, match=r"p has dtype object.*pass p\.toarray\(\)$"):
            fastdiv.entropy(kind(p))
    with pytest.raises(TypeError, match=r"p\[0\] is of type csr_array, pass numbers"):
        fastdiv.entropy([sparse.csr_array(p)])


def test_pandas_frames(dtype):
    pandas = pytest.importorskip("pandas")
    p, q = rows_for("cross_entropy", 6, 20, dtype)
    got = fastdiv.cross_entropy(pandas.DataFrame(p), pandas.DataFrame(q))
    np.testing.assert_array_equal(got, fastdiv.cross_entropy(p, q))
    y = pandas.Series(np.arange(6))
    np.testing.assert_array_equal(
        fastdiv.cross_entropy(y, pandas.DataFrame(q)), fastdiv.cross_entropy(np.arange(6), q)
    )


INTEGERS = "bBhHiIlLqQ"


@pytest.mark.parametrize("letter", INTEGERS)
def test_counts_of_any_integer_type(letter):
    rng = np.random.default_rng(0)
    counts = rng.integers(0, 100, (5, 12)).astype(letter)
    q = rng.random((5, 12))
    swapped = counts.astype(counts.dtype.newbyteorder())
    for name in ("cross_entropy", "kl_divergence", "js_divergence", "cross_entropy_from_logits"):
        function = getattr(fastdiv, name)
        expected = function(counts.astype(float), q)
        for p in (counts, swapped, np.repeat(counts, 2, -1)[:, ::2], counts.tolist()):
            got = function(p, q)
            assert got.dtype == np.float64
            np.testing.assert_array_equal(got, expected)
    np.testing.assert_array_equal(fastdiv.entropy(counts), fastdiv.entropy(counts.astype(float)))
    np.testing.assert_array_equal(
        fastdiv.kl_divergence(counts, counts[::-1] + 1),
        fastdiv.kl_divergence(counts.astype(float), counts[::-1] + 1.0),
    )


@pytest.mark.parametrize("letter", INTEGERS)
def test_logits_of_any_integer_type(letter):
    x = np.random.default_rng(0).integers(0, 100, (5, 12)).astype(letter)
    np.testing.assert_array_equal(fastdiv.softmax(x), fastdiv.softmax(x.astype(float)))
    np.testing.assert_array_equal(fastdiv.logsumexp(x), fastdiv.logsumexp(x.astype(float)))


@pytest.mark.parametrize("letter", INTEGERS)
@pytest.mark.parametrize("name", ["cross_entropy", "cross_entropy_from_logits"])
def test_labels_of_any_integer_type(name, letter, dtype):
    function = getattr(fastdiv, name)
    q = np.random.default_rng(0).random((5, 12)).astype(dtype)
    y = np.arange(5).astype(letter)
    expected = function(np.arange(5), q)
    swapped, strided = y.astype(y.dtype.newbyteorder()), np.repeat(y, 3)[::3]
    for labels in (y, swapped, strided, y.tolist(), [np.int8(k) for k in y], tuple(y)):
        np.testing.assert_array_equal(function(labels, q), expected)


def test_the_largest_counts():
    assert fastdiv.entropy(np.array([2**62, 2**62])) == pytest.approx(np.log(2), rel=1e-15)
    p = np.array([2**63, 2**63, 2**64 - 1], np.uint64)
    assert fastdiv.entropy(p) == pytest.approx(1.5 * np.log(2), rel=1e-15)
    assert np.isnan(fastdiv.entropy(np.array([-128, 1], np.int8)))


def test_booleans_are_counts():
    p = np.array([[True, False, True]])
    assert fastdiv.entropy(p) == pytest.approx(np.log(2), rel=1e-15)
    assert fastdiv.kl_divergence(p, ~p) == np.inf
    assert fastdiv.kl_divergence(p, p | True) == pytest.approx(np.log(1.5), rel=1e-15)
    np.testing.assert_array_equal(fastdiv.cross_entropy(p, p), fastdiv.entropy(p))


def test_an_ignored_label_of_any_integer_type():
    x = np.zeros((2, 3))
    for letter in INTEGERS:
        # What -1 becomes in an unsigned type, 2^64 - 1 among them.
        ignored = int(np.array(-1).astype(letter))
        y = np.array([ignored, 0], letter)
        got = fastdiv.cross_entropy_from_logits(y, x, ignore_index=ignored)
        np.testing.assert_array_equal(got == 0, [True, False])


def test_a_single_label_past_int64_is_ignored():
    most = np.uint64(2**64 - 1)
    assert fastdiv.cross_entropy_from_logits(most, [0.0, 1.0], ignore_index=int(most)) == 0
    with pytest.raises(IndexError, match="out of range"):
        fastdiv.cross_entropy_from_logits(most, [0.0, 1.0], ignore_index=-1)
