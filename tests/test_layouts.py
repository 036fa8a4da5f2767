"""Arrays however they lie in memory: the same bits as from a contiguous copy."""

import tracemalloc

import numpy as np
import pytest
from cases import MAKERS, SIGNATURES, rows_for

import fastdiv


def strided(a):
    return np.repeat(a, 3, axis=-1)[..., ::3]


def reversed_twice(a):
    return np.ascontiguousarray(a[:, ::-1])[:, ::-1]


def fortran(a):
    return np.asfortranarray(a)


def swapped(a):
    return a.astype(a.dtype.newbyteorder())


def misaligned(a):
    raw = np.frombuffer(b"\0" + a.tobytes(), np.uint8)[1:]
    return raw.view(a.dtype).reshape(a.shape)


def read_only(a):
    a = a.copy()
    a.flags.writeable = False
    return a


def every_other_row(a):
    return np.repeat(a, 2, axis=0)[::2]


def nested_list(a):
    # Python's numbers are float64.
    return a.tolist()


LAYOUTS = [strided, reversed_twice, fortran, swapped, misaligned, read_only, every_other_row]


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("c", [1, 7, 33, 1500])
def test_layouts(name, function, layout, c, dtype):
    args = rows_for(name, 6, c, dtype)
    got = function(*[layout(a) for a in args])
    np.testing.assert_array_equal(got, function(*args))
    assert got.dtype == dtype


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda f: f.__name__)
def test_layouts_under_labels(layout, dtype):
    (x,) = rows_for("logsumexp", 6, 1500, dtype)
    y = np.arange(6) * 200
    for function in (fastdiv.cross_entropy_from_logits, fastdiv.cross_entropy):
        q = x if function is fastdiv.cross_entropy_from_logits else fastdiv.softmax(x)
        np.testing.assert_array_equal(function(y, layout(q)), function(y, q))


def test_lists(name, function):
    args = rows_for(name, 6, 20, np.float64)
    np.testing.assert_array_equal(function(*[a.tolist() for a in args]), function(*args))


def test_memory_map(name, function, dtype, tmp_path):
    args = rows_for(name, 6, 100, dtype)
    mapped = []
    for i, a in enumerate(args):
        np.save(tmp_path / f"{i}.npy", a)
        mapped.append(np.load(tmp_path / f"{i}.npy", mmap_mode="r"))
    np.testing.assert_array_equal(function(*mapped), function(*args))


class Wrapped:
    """An object with NumPy's protocol, as pandas, Arrow and torch have it."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array if dtype is None else self.array.astype(dtype)


def test_array_protocol(name, function, dtype):
    args = rows_for(name, 6, 20, dtype)
    np.testing.assert_array_equal(function(*[Wrapped(a) for a in args]), function(*args))


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


@pytest.mark.parametrize("letter", "bBhHiIlLqQ")
def test_integer_types(letter):
    rng = np.random.default_rng(0)
    counts, y = rng.integers(0, 100, (5, 12)).astype(letter), np.arange(5).astype(letter)
    q = rng.random((5, 12))
    for function in (fastdiv.cross_entropy, fastdiv.kl_divergence, fastdiv.js_divergence):
        got = function(counts, q)
        assert got.dtype == np.float64
        np.testing.assert_array_equal(got, function(counts.astype(float), q))
    np.testing.assert_array_equal(fastdiv.entropy(counts), fastdiv.entropy(counts.astype(float)))
    for labels in (y, swapped(y), strided(y[None])[0], y.tolist()):
        np.testing.assert_array_equal(
            fastdiv.cross_entropy(labels, q), fastdiv.cross_entropy(np.arange(5), q)
        )


def test_booleans_are_counts():
    p = np.array([[True, False, True]])
    assert fastdiv.entropy(p) == pytest.approx(np.log(2))


def test_no_copy_of_the_input(name, function):
    # 8 MB, every second element, the wrong byte order: read through buffers of a few kilobytes.
    args = [swapped(np.repeat(a, 2, -1)[:, ::2]) for a in rows_for(name, 500, 2000, np.float32)]
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
