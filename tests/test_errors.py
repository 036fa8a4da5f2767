"""Bad input: one clear error that says what to pass instead, and nothing written."""

import re

import numpy as np
import pytest
from cases import MAKERS, rows_for

import fastdiv

X = np.zeros((2, 3))
Y = np.array([0, 1])
CE = fastdiv.cross_entropy_from_logits


class Lazy:
    """What fastdiv sees of a Dask array."""

    def __dask_graph__(self):
        return {"x": 1}

    def __dask_keys__(self):
        return ["x"]

    def __array__(self, dtype=None, copy=None):
        raise AssertionError("computed behind the caller's back")


TABLE = [
    (lambda: CE(np.array([0.0, 1.0]), X), TypeError, r"labels must be integers, not float64"),
    (lambda: CE(np.array([True, False]), X), TypeError, r"labels must be integers, not bool"),
    (lambda: CE(1.0, X), TypeError, r"labels must be integers, not float64"),
    (lambda: CE(Y, X + 0j), TypeError, r"x has dtype complex128.*pass real numbers"),
    (lambda: CE(Y, np.ma.array(X)), TypeError, r"masked.*\.filled\(-numpy\.inf\)"),
    (lambda: CE(np.ma.array(Y), X), TypeError, r"p is a masked array"),
    (lambda: CE(Y, X, class_weight=[1, 1j, 1]), TypeError, r"class_weight has dtype complex128"),
    (
        lambda: CE(Y, Lazy()),
        TypeError,
        r"x is a lazy Dask array.*same name in fastdiv\.dask, or pass x\.compute\(\)$",
    ),
    (lambda: CE(Y, X, class_weight=Lazy()), TypeError, r"back: pass class_weight\.compute\(\)$"),
    (lambda: fastdiv.check_distributions(Lazy()), TypeError, r"back: pass p\.compute\(\)$"),
    (
        lambda: fastdiv.score(Y, Lazy()),
        TypeError,
        r"call fastdiv\.dask\.score for a summary, or for numbers of every row pass logits\.comp",
    ),
    (lambda: fastdiv.score(Lazy(), X), TypeError, r"dask\.score for a summary.*labels\.compute"),
    (lambda: fastdiv.compare(X, Lazy()), TypeError, r"dask\.compare for a summary.*q_logits\.com"),
    (lambda: fastdiv.compare(X, X, Lazy()), TypeError, r"dask\.compare for a summary.*labels\.com"),
    (lambda: fastdiv.entropy(None), TypeError, r"p has dtype object.*numbers, not NoneType"),
    (lambda: fastdiv.entropy({1: 2}), TypeError, r"p has dtype object.*numbers, not dict"),
    (lambda: fastdiv.entropy([[1, 2], [1, None]]), TypeError, r"p\[1, 1\] is of type NoneType"),
    (lambda: fastdiv.entropy([2**70, 1]), TypeError, r"object.*convert it to numpy\.float64"),
    (
        lambda: fastdiv.entropy([[1, 2], [1]]),
        ValueError,
        r"^p\[1\] is a row of 1 and p\[0\] is a row of 2: pass rows of one length, padded with 0 ",
    ),
    (
        lambda: fastdiv.logsumexp([1, [2]]),
        ValueError,
        r"^x\[1\] is a row of 1 and x\[0\] is a sing",
    ),
    (lambda: CE([Y, Y[:1]], X), ValueError, r"^p\[1\] is a row of 1 and p\[0\] is a row of 2"),
    (
        lambda: fastdiv.kl_divergence(X, [X, X[:, :2]]),
        ValueError,
        r"^q\[1\]\[0\] is a row of 2 and q\[0\]\[0\] is a row of 3: pass",
    ),
    (
        lambda: fastdiv.score([[0], []], X),
        ValueError,
        r"^labels\[1\] is a row of 0 and labels\[0\]",
    ),
    (lambda: fastdiv.entropy(X.astype("M8[s]")), TypeError, r"p has dtype datetime64"),
    (lambda: fastdiv.entropy(X + 0j), TypeError, r"p has dtype complex128.*pass real numbers"),
    (lambda: fastdiv.entropy(X.astype(object)), TypeError, r"p has dtype object"),
    (lambda: fastdiv.entropy(["a", "b"]), TypeError, r"p has dtype <U1.*pass numbers"),
    (lambda: fastdiv.logsumexp(X.astype(np.longdouble)), TypeError, r"float128.*astype"),
    (lambda: fastdiv.logsumexp(X.astype(np.float16).view("V2")), TypeError, r"V2.*bfloat16"),
    (lambda: fastdiv.logsumexp(X.astype(np.longdouble)), TypeError, r"not supported.*astype"),
    (lambda: fastdiv.entropy(np.ma.array(X)), TypeError, r"masked.*p\.filled\(0\)"),
    (lambda: fastdiv.logsumexp(Lazy()), TypeError, r"x is a lazy Dask array.*x\.compute\(\)"),
    (lambda: CE([0, 3], X), IndexError, r"label 3 at row 1 is out of range for 3 classes \(0 to 2"),
    (lambda: CE([[0, 0], [0, -1]], np.zeros((2, 2, 3))), IndexError, r"-1 at row \(1, 1\)"),
    (lambda: CE(7, X[0]), IndexError, r"label 7 at row 0"),
    (lambda: CE(np.array([2**64 - 1, 0], np.uint64), X), IndexError, r"at row 0 is out of range"),
    (lambda: CE([0, -1], X, ignore_index=-100), IndexError, r"label -1 at row 1 is out of range"),
    (lambda: fastdiv.cross_entropy([0, 3], X + 1), IndexError, r"label 3 at row 1 is out"),
    (lambda: CE([0, 1, 2], X), ValueError, r"\(3,\) do not broadcast with rows of shape \(2, 3\)"),
    (
        lambda: fastdiv.kl_divergence(X, np.zeros((2, 4))),
        ValueError,
        r"\(2, 3\) and \(2, 4\).*do not broadcast",
    ),
    (
        lambda: CE([0, 1, 0], np.zeros((3, 4)), axis=0),
        ValueError,
        r"\(3,\) do not .* shape \(3, 4\) \(classes along axis 0\): pass labels of shape \(4,\)$",
    ),
    (
        lambda: CE([[0, 1]], np.zeros((3, 4, 5)), axis=-2),
        ValueError,
        r"rows of shape \(3, 4, 5\) \(classes along axis -2\): pass labels of shape \(3, 5\)$",
    ),
    (
        lambda: fastdiv.kl_divergence(X, np.zeros(3), axis=0),
        ValueError,
        r"^shapes \(2, 3\) and \(3,\) \(classes along axis 0\) do not broadcast$",
    ),
    (
        lambda: CE(X, np.zeros((2, 3, 4)), axis=-2),
        ValueError,
        r"^shapes \(2, 3\) and \(2, 3, 4\) \(classes along axis -2\) do not broadcast$",
    ),
    (lambda: fastdiv.kl_divergence(X, np.zeros((5, 3))), ValueError, r"do not broadcast"),
    (lambda: fastdiv.kl_divergence(X, np.zeros((2, 1))), ValueError, r"do not broadcast"),
    (lambda: fastdiv.entropy(3.0), ValueError, r"p is a single number"),
    (lambda: fastdiv.entropy(X, axis=2), ValueError, r"axis 2 is out of bounds for p of shape"),
    (lambda: fastdiv.entropy(np.zeros((2, 0))), ValueError, r"\(2, 0\) has no classes"),
    (lambda: fastdiv.entropy(X, base=1), ValueError, r"base must be"),
    (lambda: fastdiv.entropy(X, base=-2), ValueError, r"base must be.*not -2"),
    (lambda: fastdiv.entropy(X, base=np.inf), ValueError, r"base must be"),
    (lambda: fastdiv.entropy(X, base=np.nan), ValueError, r"base must be"),
    (lambda: fastdiv.js_distance(X, X, base=0.5), ValueError, r"base must be above 1 for a dist"),
    (lambda: fastdiv.js_distance([1], [2], base=0.5), ValueError, r"above 1 .*, not 0\.5: the div"),
    (lambda: fastdiv.js_distance(X, X, base=0.5, workers=2), ValueError, r"base must be above 1"),
    (lambda: fastdiv.js_distance(X, X, base=-2), ValueError, r"base must be a positive number"),
    (lambda: fastdiv.entropy(X, axis=-3), ValueError, r"axis -3 is out of bounds for p of shape"),
    (lambda: fastdiv.entropy(X, axis=None), TypeError, r"axis must be an integer, not None"),
    (lambda: fastdiv.entropy([0, 1], axis="0"), TypeError, r"axis must be an integer, not '0'"),
    (lambda: fastdiv.softmax(X, axis=1.0), TypeError, r"axis must be an integer, not 1\.0"),
    (lambda: CE(Y, X, axis=1.0), TypeError, r"axis must be an integer, not 1\.0"),
    (lambda: CE(Y, X, axis=None, reduction="sum"), TypeError, r"axis must be an integer, not N"),
    (lambda: CE(Y, X, axis="1", ignore_index=0), TypeError, r"axis must be an integer, not '1'"),
    (lambda: fastdiv.check_distributions(X, axis=1.0), TypeError, r"axis must be an integer"),
    (lambda: fastdiv.entropy(X, workers="2"), TypeError, r"workers must be an integer, not '2'"),
    (lambda: fastdiv.softmax(X, workers=1.5), TypeError, r"workers must be an integer, not 1\.5"),
    (lambda: fastdiv.score(Y, X, workers="2"), TypeError, r"workers must be an integer"),
    (lambda: fastdiv.set_workers("2"), TypeError, r"workers must be an integer, not '2'"),
    (lambda: fastdiv.entropy(X, axis=2**70), ValueError, rf"axis {2**70} is out of bounds"),
    (lambda: fastdiv.entropy(X[::-1], axis=-(2**70)), ValueError, r"is out of bounds for p"),
    (lambda: fastdiv.entropy(X, base="e"), TypeError, r"base must be a number, not 'e'"),
    (lambda: fastdiv.entropy(X, base="2"), TypeError, r"base must be a number, not '2'"),
    (lambda: fastdiv.entropy(X, base=X[0]), TypeError, r"base must be a number, not array"),
    (lambda: fastdiv.entropy(X, base=X[0, :1] + 2), TypeError, r"base must be a number, not array"),
    (lambda: fastdiv.entropy(X, base=[2, 3]), TypeError, r"base must be a number, not \[2, 3\]"),
    (lambda: fastdiv.softmax(X, dtype=np.float16), TypeError, r"dtype must be float32 or float64"),
    (lambda: fastdiv.entropy(X, dtype=np.int64), TypeError, r"dtype must be float32 or float64"),
    (lambda: CE(Y, X, temperature=0), ValueError, r"temperature must be a positive"),
    (lambda: CE(Y, X, temperature=np.nan), ValueError, r"temperature must be a positive"),
    (lambda: CE(Y, X, temperature=-1), ValueError, r"temperature must be a positive.*not -1"),
    (lambda: CE(Y, X, temperature=2**2000), ValueError, r"temperature must be a positive"),
    (lambda: CE(Y, X, temperature=X[0]), TypeError, r"temperature must be a number, not array"),
    (lambda: CE(Y, X, temperature="2"), TypeError, r"temperature must be a number, not '2'"),
    (lambda: CE(Y, X, label_smoothing=b"0"), TypeError, r"label_smoothing must be a number, not b"),
    (lambda: CE(Y, X, label_smoothing=X[0]), TypeError, r"label_smoothing must be a number"),
    (lambda: CE(Y, X, temperature=np.inf), ValueError, r"temperature must be a positive"),
    (lambda: CE(Y, X, label_smoothing=np.nan), ValueError, r"label_smoothing must lie between"),
    (lambda: CE(Y, X, label_smoothing=-0.1), ValueError, r"label_smoothing must lie between"),
    (lambda: CE(Y, X, class_weight=[1, np.inf, 1]), ValueError, r"class_weight\[1\] is inf"),
    (
        lambda: CE(Y, X, class_weight=1.0),
        ValueError,
        r"class_weight has shape.*there are 3",
    ),
    (lambda: CE(Y, X, reduction=None), ValueError, r"'none', 'mean' or 'sum', not None"),
    (
        lambda: CE(Y, X, label_smoothing=1.5),
        ValueError,
        r"label_smoothing must lie between 0 and 1",
    ),
    (lambda: CE(Y, X, class_weight=[1, 2]), ValueError, r"shape \(2,\); there are 3 classes"),
    (lambda: CE(Y, X, class_weight=[1, -2, 1]), ValueError, r"class_weight\[1\] is -2"),
    (lambda: CE(Y, X, class_weight=[1, 2, np.nan]), ValueError, r"class_weight\[2\] is nan"),
    (lambda: CE(Y, X, reduction="avg"), ValueError, r"'none', 'mean' or 'sum', not 'avg'"),
    (lambda: CE(Y, X, ignore_index=1.5), TypeError, r"ignore_index must be an integer, not 1\.5"),
    (lambda: CE(Y, X, ignore_index="-1"), TypeError, r"ignore_index must be an integer, not '-1"),
    (lambda: CE(Y, X, ignore_index=Y), TypeError, r"ignore_index must be an integer, not array"),
    (lambda: fastdiv.score(Y, X, want=3), TypeError, r"want must be names of cross_e.*, not 3$"),
    (lambda: fastdiv.compare(X, X, want=1.5), TypeError, r"want must be names of kl_.*, not 1\.5"),
    (lambda: CE(X + 1, X, ignore_index=1), ValueError, r"ignore_index is for integer labels"),
    (
        lambda: fastdiv.entropy(X, out=np.empty(3)),
        ValueError,
        r"out has shape \(3,\).*result has shape \(2,\)",
    ),
    (
        lambda: fastdiv.entropy(X, out=np.empty(2, np.float32)),
        ValueError,
        r"dtype float32.*dtype float64",
    ),
    (lambda: fastdiv.entropy(X, out=[0, 0]), TypeError, r"out must be a numpy.ndarray, not list"),
    (
        lambda: fastdiv.entropy(X, keepdims=True, out=np.empty(2)),
        ValueError,
        r"out has shape \(2,\).*result has shape \(2, 1\)",
    ),
    (lambda: fastdiv.entropy(X, out=np.empty(2, ">f8")), ValueError, r"dtype >f8.*dtype float64"),
    (lambda: CE(Y, X, reduction="sum", out=np.empty(2)), ValueError, r"result has shape \(\)"),
    (lambda: fastdiv.softmax(X, out=np.broadcast_to(0.0, (2, 3))), ValueError, r"read-only"),
    (
        lambda: fastdiv.check_distributions([[1, 0], [0.5, 0.47]]),
        ValueError,
        r"^row 1 sums to 0\.97, not 1 to within 1\.49e-08$",
    ),
    (
        lambda: fastdiv.check_distributions([[1, 0], [1.5, -0.5]]),
        ValueError,
        r"^row 1 holds -0\.5 at class 1, which is no probability$",
    ),
    (
        lambda: fastdiv.check_distributions([[[1, 0], [np.nan, 1]]]),
        ValueError,
        r"^row \(0, 1\) hol",
    ),
    (
        lambda: fastdiv.check_distributions([0, 0]),
        ValueError,
        r"^row 0 sums to 0, not 1 to within 1",
    ),
    (
        lambda: fastdiv.check_distributions([[0.5, 0.5000001]]),
        ValueError,
        r"^row 0 sums to 1 \+ 1e-07, not 1 to within 1\.49e-08$",
    ),
    (
        lambda: fastdiv.check_distributions([0.5, 0.5 - 2**-40], tol=0),
        ValueError,
        r"^row 0 sums to 1 - 9\.09e-13, not 1 to within 0$",
    ),
    (
        lambda: fastdiv.check_distributions(np.float32([0.5, 0.4])),
        ValueError,
        r"^row 0 sums to 0\.9, not 1 to within 0\.000345$",
    ),
    (lambda: fastdiv.check_distributions(X, tol=np.nan), ValueError, r"tol must be 0 or .*not nan"),
    (lambda: fastdiv.check_distributions(X, tol=-1), ValueError, r"tol must be 0 or more, not -1"),
    (lambda: fastdiv.check_distributions(X, tol="x"), TypeError, r"tol must be a number, not 'x'"),
    (lambda: fastdiv.check_distributions(X, tol=X), TypeError, r"tol must be a number, not arr"),
]


@pytest.mark.parametrize(("call", "error", "text"), TABLE, ids=[t[2][:40] for t in TABLE])
def test_errors(call, error, text):
    with pytest.raises(error) as raised:
        call()
    assert re.search(text, str(raised.value)), str(raised.value)
    assert "\n" not in str(raised.value)


def test_distributions_within_tolerance():
    fastdiv.check_distributions(np.full((2, 4), 0.25))
    fastdiv.check_distributions([0.5, 0.47], tol=0.05)
    fastdiv.check_distributions(np.float32([0.5, 0.4999]))
    with pytest.raises(ValueError, match=r"sums to 0\.9999, not 1"):
        fastdiv.check_distributions([0.5, 0.4999])


def test_out_is_untouched_by_an_error():
    out = np.full(2, 7.0)
    with pytest.raises(IndexError):
        CE([0, 9], X, out=out)
    with pytest.raises(ValueError, match="do not broadcast"):
        fastdiv.kl_divergence(X, np.zeros((2, 4)), out=out)
    np.testing.assert_array_equal(out, [7, 7])


def test_out_may_not_overlap_an_input(dtype):
    memory = np.ones((4, 4), dtype)
    for out in (memory[0], memory[:, 0], memory.ravel()[2:6]):
        with pytest.raises(ValueError, match=r"overlaps an input of shape \(4, 4\)"):
            fastdiv.entropy(memory, out=out)
    with pytest.raises(ValueError, match="overlaps"):
        fastdiv.softmax(memory[:2], out=memory[1:3])
    with pytest.raises(ValueError, match="overlaps"):
        fastdiv.softmax(memory, out=memory.T)
    # Interleaved, but no element is shared.
    memory = np.ones((4, 8), dtype)
    fastdiv.softmax(memory[:, ::2], out=memory[:, 1::2])


def test_out_may_not_overlap_labels():
    y = np.array([2, 1, 0])
    with pytest.raises(ValueError, match="overlaps an input"):
        CE(y, np.zeros((3, 3)), out=y.view(np.float64))


def test_out_may_not_overlap_class_weights():
    weight = np.array([1.0, 2.0, 4.0])
    with pytest.raises(ValueError, match="overlaps an input"):
        CE([2, 1, 0], np.zeros((3, 3)), class_weight=weight, out=weight)


@pytest.mark.parametrize("name", MAKERS)
def test_rows_are_made_in_arrays_alone(name):
    for workers in (None, 2):
        with pytest.raises(TypeError, match=r"out must be a numpy\.ndarray, not list"):
            getattr(fastdiv, name)(np.zeros(3), out=[0, 0, 0], workers=workers)


@pytest.mark.parametrize("workers", [None, 1, 2])
def test_results_are_not_hidden_by_a_mask(name, function, dtype, workers):
    for c in (10, 1000):
        args = rows_for(name, 4, c, dtype)
        expected = function(*args)
        out = np.ma.array(np.full_like(expected, 7), mask=True)
        with pytest.raises(TypeError, match=r"out is a masked array.*pass out\.data"):
            function(*args, out=out, workers=workers)
        assert np.all(out.data == 7)
        function(*args, out=out.data, workers=workers)
        np.testing.assert_array_equal(out.data, expected)


def test_a_reduction_is_not_hidden_by_a_mask():
    for labels in (Y, X + 1):
        with pytest.raises(TypeError, match="out is a masked array"):
            CE(labels, X, reduction="mean", out=np.ma.masked_all((), X.dtype))


@pytest.mark.parametrize("name", MAKERS)
def test_rows_that_share_memory_are_not_made_in_place(name):
    function = getattr(fastdiv, name)
    b = np.arange(30.0)
    same = np.lib.stride_tricks.as_strided(b, (100, 5), (0, 8))
    windows = np.lib.stride_tricks.as_strided(b, (10, 5), (8, 8))
    for x in (same, windows):
        with pytest.raises(ValueError, match="overlaps an input"):
            function(x, out=x)
    np.testing.assert_array_equal(b, np.arange(30.0))
    # Steps that only look like it.
    for x in (b.reshape(6, 5)[::-2, ::2], b.reshape(2, 3, 5).transpose(2, 0, 1), b[:1, None]):
        expected = function(x)
        assert function(x, out=x) is x
        np.testing.assert_array_equal(x, expected)
