"""Arrays however they lie in memory: the same bits as from a contiguous copy."""

import sys
import tracemalloc
from typing import Any

import numpy as np
import pytest
from cases import MAKERS, SIGNATURES, rows_for
from layouts import LAYOUTS, misaligned, read_only, swapped

import fastdiv


def assert_same(got: Any, expected: Any) -> None:
    assert got.shape == expected.shape
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("c", [1, 7, 33, 1500])
def test_layouts(name, function, layout, c, dtype):
    args = rows_for(name, 6, c, dtype)
    got = function(*[layout(a) for a in args])
    np.testing.assert_array_equal(got, function(*args))
    assert got.dtype == dtype


def every_second(a: Any) -> Any:
    return np.repeat(a, 2, axis=1)[:, ::2]


def every_hundredth(a: Any) -> Any:
    return np.repeat(a, 100, axis=1)[:, ::100]


def reversed_whole(a: Any) -> Any:
    return a[::-1, ::-1].copy()[::-1, ::-1]


@pytest.mark.parametrize(
    "layout", [swapped, misaligned, every_second, every_hundredth, reversed_whole]
)
@pytest.mark.parametrize("c", [1, 2, 3, 4, 10, 33, 100, 101, 200, 201])
def test_short_rows_that_are_converted_as_one(name, function, layout, c, dtype):
    # Tiles that are full, and one that is not; of many classes more than one block.
    args = rows_for(name, 70, c, dtype)
    got = function(*[layout(a) for a in args])
    np.testing.assert_array_equal(got, function(*args))
    # Not as one: a row more between two of them.
    gapped = [layout(np.repeat(a, 2, axis=0))[::2] for a in args]
    np.testing.assert_array_equal(function(*gapped), function(*args))


@pytest.mark.parametrize("c", [10, 100, 160])
def test_short_rows_that_are_converted_as_logarithms(c, dtype):
    p, q = rows_for("kl_divergence", 70, c, dtype)
    for temperature in (2.0, 1e-3, 1e300):
        expected = [
            fastdiv.cross_entropy(a, b, temperature=temperature) for a, b in zip(p, q, strict=True)
        ]
        got = fastdiv.cross_entropy(p, q, temperature=temperature)
        np.testing.assert_array_equal(got, np.array(expected, dtype))


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda f: f.__name__)
def test_layouts_under_labels(layout, dtype):
    (x,) = rows_for("logsumexp", 6, 1500, dtype)
    y = np.arange(6) * 200
    for function in (fastdiv.cross_entropy_from_logits, fastdiv.cross_entropy):
        q = x if function is fastdiv.cross_entropy_from_logits else fastdiv.softmax(x)
        np.testing.assert_array_equal(function(y, layout(q)), function(y, q))


@pytest.mark.parametrize("axis", [0, 1, 2, 3, -1, -2, -3, -4])
@pytest.mark.parametrize(
    "layout", [None, swapped, misaligned], ids=["native", "swapped", "misaligned"]
)
def test_every_axis_of_four(name, function, axis, layout, dtype):
    args = [a.reshape(3, 4, 5, 6) for a in rows_for(name, 60, 6, dtype)]
    expected = function(*[np.ascontiguousarray(np.moveaxis(a, axis, -1)) for a in args])
    got = function(*[a if layout is None else layout(a) for a in args], axis=axis)
    made = np.moveaxis(got, axis, -1) if name in MAKERS else got
    np.testing.assert_array_equal(made, expected)


@pytest.mark.parametrize("name", [n for n, k in SIGNATURES.items() if len(k) == 2])
def test_operands_that_lie_differently(name, dtype):
    function = getattr(fastdiv, name)
    p, q = rows_for(name, 6, 40, dtype)
    expected = function(p, q)
    for one in LAYOUTS:
        for other in LAYOUTS:
            np.testing.assert_array_equal(function(one(p), other(q)), expected)
    # The narrow operand is widened exactly.
    narrow, wide = p.astype(np.float32), q.astype(np.float64)
    np.testing.assert_array_equal(function(narrow, wide), function(narrow.astype(float), wide))


def side_by_side(rows: Any) -> list[Any]:
    """Make views of the same rows, classes last, whose elements lie beside those of others."""
    n, c = rows.shape
    wide = np.zeros((c, 2 * n + 1), rows.dtype)
    wide[:, 1::2] = rows.T
    turned = np.zeros((c, n + 3), rows.dtype)
    turned[:, 3:] = rows.T
    return [
        np.asfortranarray(rows),
        turned[:, 3:].T,
        wide[:, 1::2].T,
        rows[::-1, ::-1].copy("F")[::-1, ::-1],
    ]


@pytest.mark.parametrize(
    ("n", "c"),
    [
        (1, 200),
        (2, 129),
        (2, 230),
        (15, 300),
        (16, 1024),
        (17, 150),
        (70, 129),
        (70, 230),
        (131, 1030),
        (20, 40000),
    ],
)
def test_rows_side_by_side(name, function, n, c, dtype):
    args = rows_for(name, n, c, dtype)
    expected = function(*args)
    for views in zip(*map(side_by_side, args), strict=True):
        np.testing.assert_array_equal(function(*views), expected)
    # One operand of two, and results that lie like this too.
    np.testing.assert_array_equal(function(np.asfortranarray(args[0]), *args[1:]), expected)
    np.testing.assert_array_equal(function(*args[:-1], np.asfortranarray(args[-1])), expected)
    turned = [np.ascontiguousarray(a.T) for a in args]
    assert_same(function(*turned, axis=0), expected.T)
    if name in MAKERS:
        out = np.zeros((c, n + 1), dtype)
        function(turned[0], axis=0, out=out[:, 1:])
        assert_same(out[:, 1:], expected.T)
        assert not out[:, 0].any()
        function(turned[0], axis=0, out=turned[0])
        assert_same(turned[0], expected.T)


@pytest.mark.parametrize("given", ["f2", ">f4", ">f8", "i1", "u2", "bfloat16"])
def test_rows_of_other_types_side_by_side(given):
    if given == "bfloat16":
        given = pytest.importorskip("ml_dtypes").bfloat16
    rows = np.arange(40 * 333).reshape(40, 333) % 23
    for a in (rows.astype(given), misaligned(rows.astype(given))):
        for function in (fastdiv.entropy, fastdiv.logsumexp, fastdiv.log_softmax):
            np.testing.assert_array_equal(function(np.asfortranarray(a)), function(a))
            np.testing.assert_array_equal(function(misaligned(a.T), axis=0).T, function(a))


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("c", [5, 100, 500, 1500])
def test_rows_are_written_anywhere(name, c, dtype):
    function = getattr(fastdiv, name)
    (x,) = rows_for(name, 40, c, dtype)
    raw = np.zeros(x.nbytes + 3, np.uint8)
    out = raw[1:-2].view(dtype).reshape(x.shape)
    assert not out.flags.aligned
    function(x, out=out)
    assert_same(out, function(x))
    assert raw[0] == raw[-1] == raw[-2] == 0
    out[...] = x
    function(out, out=out)
    assert_same(out, function(x))


@pytest.mark.parametrize("n", [13, 64, 81])
@pytest.mark.parametrize(("one", "other"), [("f2", "f8"), ("f8", "f2"), ("i1", "f4")])
def test_long_rows_of_two_types_side_by_side(n, one, other):
    # There is room for fewer rows of the wider type.
    p, q = np.random.default_rng(n).integers(1, 100, (2, n, 20_011))
    p, q = p.astype(one), q.astype(other)
    assert_same(
        fastdiv.kl_divergence(np.asfortranarray(p), np.asfortranarray(q)),
        fastdiv.kl_divergence(p, q),
    )
    made = fastdiv.softmax(np.ascontiguousarray(p.T), axis=0)
    assert_same(made, fastdiv.softmax(p).T)


@pytest.mark.parametrize("c", [129, 130, 143, 144, 145, 209, 210])
def test_every_place_in_a_line(c, dtype):
    x = np.random.default_rng(c).normal(size=(c, 100)).astype(dtype)
    for past in range(64 // x.itemsize):
        for n in (1, 5, 7, 8, 9, 16, 17, 33, 65, 70):
            part = x[:, past : past + n]
            rows = np.ascontiguousarray(part.T)
            assert_same(fastdiv.logsumexp(part, axis=0), fastdiv.logsumexp(rows))
            out = np.zeros((c, n + past + 1), dtype)
            fastdiv.softmax(part, axis=0, out=out[:, past:-1])
            assert_same(out[:, past:-1], fastdiv.softmax(rows).T)
            assert not out[:, :past].any()
            assert not out[:, -1].any()


def test_the_middle_axis_and_one_row_against_rows_side_by_side(name, function, dtype):
    args = [a.reshape(5, 18, 150) for a in rows_for(name, 90, 150, dtype)]
    expected = function(*args)
    middle = [np.ascontiguousarray(np.moveaxis(a, -1, 1)) for a in args]
    got = function(*middle, axis=1)
    assert_same(np.moveaxis(got, 1, -1) if name in MAKERS else got, expected)
    fortran = [np.asfortranarray(a) for a in args]
    assert_same(function(*fortran), expected)
    if len(args) == 2:
        one = function(np.asfortranarray(args[0]), args[1][0, 0])
        assert_same(one, function(args[0], np.broadcast_to(args[1][0, 0], args[0].shape)))
        with fastdiv.set_workers(3):
            assert_same(function(*fortran), expected)


def test_labels_of_rows_side_by_side(dtype):
    (x,) = rows_for("logsumexp", 80, 400, dtype)
    y = np.arange(80) * 5
    for options in (
        {},
        {"ignore_index": 10},
        {"class_weight": np.arange(400.0)},
        {"label_smoothing": 0.1},
        {"temperature": 2.0},
    ):
        expected = fastdiv.cross_entropy_from_logits(y, x, **options)
        got = fastdiv.cross_entropy_from_logits(y, np.ascontiguousarray(x.T), axis=0, **options)
        assert_same(got, expected)


@pytest.mark.thread_unsafe
def test_rows_side_by_side_take_little_room(name, function):
    args = [np.asfortranarray(a) for a in rows_for(name, 4000, 1000, np.float32)]
    out = np.empty((4000, 1000) if name in MAKERS else 4000, np.float32)
    function(*args, out=out)
    tracemalloc.start()
    function(*args, out=out)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # Sixty-four rows, of 4000 bytes, of each operand and of the result.
    assert 64 * 4000 <= peak < 64 * 4000 * len(args) + 64 * 4000 * (name in MAKERS) + 20_000


def test_no_elements(name, function, dtype):
    for shape in ((0, 3), (2, 0, 3), (0, 2, 3)):
        args = [np.empty(shape, dtype) for _ in SIGNATURES[name]]
        for layout in (np.asfortranarray, swapped, misaligned, read_only):
            got = function(*[layout(a) for a in args])
            assert got.shape == (shape if name in MAKERS else shape[:-1])


@pytest.mark.parametrize("name", [n for n, k in SIGNATURES.items() if len(k) == 2])
def test_one_row_against_many(name, dtype):
    function = getattr(fastdiv, name)
    p, q = rows_for(name, 6, 100, dtype)
    for a, b in ((p[:1], q), (p, q[:1]), (p[0], q), (p, q[0]), (p[:, None], q[None])):
        whole = np.broadcast_arrays(a, b)
        got = function(a, b)
        assert got.shape == whole[0].shape[:-1]
        np.testing.assert_array_equal(got, function(*[np.ascontiguousarray(w) for w in whole]))


def test_labels_broadcast(dtype):
    (x,) = rows_for("logsumexp", 6, 10, dtype)
    function = fastdiv.cross_entropy_from_logits
    np.testing.assert_array_equal(function(3, x), function(np.full(6, 3), x))
    several = function(np.array([[1], [2]]), np.stack([x, x]))
    np.testing.assert_array_equal(several[1], function(np.full(6, 2), x))


@pytest.mark.thread_unsafe
def test_no_copy_of_the_input(name, function):
    # 8 MB, every second element, the wrong byte order: read through buffers of a few kilobytes.
    args = [np.repeat(swapped(a), 2, -1)[:, ::2] for a in rows_for(name, 500, 2000, np.float32)]
    out = np.empty((500, 2000) if name in MAKERS else 500, np.float32)
    function(*args, out=out)
    tracemalloc.start()
    function(*args, out=out)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000


def test_more_than_2_31_elements():
    # A view with stride 0 has as many elements as it says.
    x = np.array([3], np.float32)
    row = np.broadcast_to(x, (2**31 + 5,))
    assert fastdiv.logsumexp(row) == pytest.approx(3 + np.log(2**31 + 5), rel=1e-7)


def test_pytorch_111484_more_than_2_32_elements():
    # Many rows, and one long one.
    p = np.full(2**20, 2.0**-20, np.float32)
    rows = np.broadcast_to(p, (2**12 + 1, 2**20))
    assert rows.size > 2**32
    assert np.all(fastdiv.entropy(rows) == np.float32(20 * np.log(2)))
    assert fastdiv.entropy(np.broadcast_to(p[:1], (2**32 + 5,))) == pytest.approx(
        np.log(2**32 + 5), rel=1e-7
    )


@pytest.mark.skipif(sys.platform != "linux", reason="memory that is not written takes no room")
def test_onnxruntime_32299_a_real_row_of_more_than_2_31_elements():
    # 8.6 GB of zeros, of which Linux holds the pages that were written.
    c = 2**31 + 17
    x = np.zeros(c, np.float32)
    x[[-1, -2]] = 30, 20
    expected = np.logaddexp(np.log(c - 2.0), np.logaddexp(30, 20))
    assert fastdiv.logsumexp(x) == pytest.approx(expected, rel=1e-7)
    loss = fastdiv.cross_entropy_from_logits([c - 2, c - 1], x[None])
    assert loss == pytest.approx([expected - 20, expected - 30], rel=1e-6)
    p = np.zeros(c, np.float32)
    p[[0, -1]] = 1, 3
    assert fastdiv.entropy(p) == pytest.approx(2 * np.log(2) - 0.75 * np.log(3), rel=1e-7)
    assert fastdiv.kl_divergence(p, p[::-1]) == pytest.approx(0.5 * np.log(3), rel=1e-7)


# More than are turned at once, from the beginning of a line of the cache and from within one.
@pytest.mark.parametrize("past", [0, 3])
@pytest.mark.parametrize("n", [63, 64, 65, 150])
def test_many_rows_side_by_side(n, past, dtype):
    x = np.random.default_rng(n).normal(size=(130, n + past)).astype(dtype)[:, past:]
    rows = np.ascontiguousarray(x.T)
    made = fastdiv.softmax(x, axis=0)
    np.testing.assert_array_equal(made, fastdiv.softmax(rows).T)
    np.testing.assert_array_equal(fastdiv.logsumexp(x, axis=0), fastdiv.logsumexp(rows))
    np.testing.assert_array_equal(
        fastdiv.cross_entropy(made, x**2, axis=0),
        fastdiv.cross_entropy(np.ascontiguousarray(made.T), rows**2),
    )
