"""float16 and bfloat16: read where they lie, and nothing rounded on the way."""

import tracemalloc

import numpy as np
import pytest
from cases import MAKERS, SIGNATURES, rows_for
from layouts import LAYOUTS

import fastdiv

ml_dtypes = pytest.importorskip("ml_dtypes")
HALVES = {"float16": np.float16, "bfloat16": ml_dtypes.bfloat16}


@pytest.fixture(params=HALVES)
def half(request):
    return HALVES[request.param]


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("width", [1, 24, 200])
@pytest.mark.parametrize("step", [1, 2])
@pytest.mark.parametrize("order", ["=", "S"])
def test_all_65536_of_them(half, width, step, order):
    if order == "S" and half is ml_dtypes.bfloat16:
        pytest.skip("NumPy has no bfloat16 in the other byte order")
    numbers = np.arange(65536, dtype=np.uint16).view(half)
    x = np.full((65536, width * step), -np.inf, half)
    x[:, 3 * step if width > 1 else 0] = numbers
    x = x[:, ::step].astype(np.dtype(half).newbyteorder(order)) if order == "S" else x[:, ::step]
    with np.errstate(invalid="ignore"):  # ml_dtypes warns of NaNs
        narrow, wide = numbers.astype(np.float32), numbers.astype(np.float64)
    np.testing.assert_array_equal(fastdiv.logsumexp(x), narrow)
    np.testing.assert_array_equal(fastdiv.logsumexp(x, dtype=np.float64), wide)


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("c", [1, 7, 33, 128, 129, 230, 1500])
def test_the_bits_are_those_of_float32(name, function, half, c):
    args = [a.astype(half) for a in rows_for(name, 40, c, np.float32)]
    same = [a.astype(np.float32) for a in args]
    got = function(*args)
    np.testing.assert_array_equal(got, function(*same))
    assert got.dtype == np.float32
    np.testing.assert_array_equal(
        function(*args, dtype=np.float64), function(*[a.astype(np.float64) for a in args])
    )


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("c", [7, 300])
def test_layouts(name, function, half, layout, c):
    if layout.__name__ == "swapped" and half is ml_dtypes.bfloat16:
        pytest.skip("NumPy has no bfloat16 in the other byte order")
    args = [a.astype(half) for a in rows_for(name, 40, c, np.float32)]
    expected = function(*args)
    np.testing.assert_array_equal(function(*[layout(a) for a in args]), expected)
    first = function(*[np.ascontiguousarray(a.T) for a in args], axis=0)
    np.testing.assert_array_equal(first.T if name in MAKERS else first, expected)


@pytest.mark.parametrize("name", [n for n, k in SIGNATURES.items() if len(k) == 2])
@pytest.mark.parametrize("other", [np.float32, np.float64, np.int64, ml_dtypes.bfloat16])
@pytest.mark.parametrize("c", [7, 300])
def test_together_with_another_type(name, other, c):
    function = getattr(fastdiv, name)
    p, q = rows_for(name, 20, c, np.float32)
    p, q = p.astype(np.float16), (100 * q).astype(other)
    wide = np.float64 if other in (np.float64, np.int64) else np.float32
    expected = function(p.astype(wide), q.astype(wide))
    got = function(p, q)
    np.testing.assert_array_equal(got, expected)
    assert got.dtype == wide


def test_labels_and_options(half):
    (x,) = rows_for("logsumexp", 40, 30, np.float32)
    x, y = x.astype(half), np.arange(40) % 30
    for options in (
        {},
        {"label_smoothing": 0.1},
        {"temperature": 2.0, "class_weight": np.arange(30) / 7},
        {"reduction": "mean", "ignore_index": 3},
    ):
        got = fastdiv.cross_entropy_from_logits(y, x, **options)
        expected = fastdiv.cross_entropy_from_logits(y, x.astype(np.float32), **options)
        np.testing.assert_array_equal(got, expected)
        assert got.dtype == np.float32


def test_no_copy_of_the_array(half):
    # 8 MB; along the first axis sixty-four rows are turned at a time.
    x = np.zeros((1000, 4000), half)
    for axis, most in ((1, 20_000), (0, 64 * 1000 * 2 + 20_000)):
        out = np.empty(x.size // x.shape[axis], np.float32)
        fastdiv.logsumexp(x, axis=axis, out=out)
        tracemalloc.start()
        fastdiv.logsumexp(x, axis=axis, out=out)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < most


def test_the_result_is_no_half(half):
    x = np.zeros((3, 4), half)
    for out in (x, np.empty((3, 4), half)):
        with pytest.raises(ValueError, match=r"the result has shape .* and dtype float32"):
            fastdiv.softmax(x, out=out)


def test_distributions(half):
    p = rows_for("entropy", 50, 10, np.float32)[0].astype(half)
    fastdiv.check_distributions(p)
    p[7, 3] += half(0.2)
    with pytest.raises(ValueError, match=r"row 7 sums to 1\.[12]"):
        fastdiv.check_distributions(p)
