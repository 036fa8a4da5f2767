"""Rows computed several at a time, short ones and those of a block: the same bits in any company,
and no byte past the last."""

import ctypes
import functools
import mmap
import sys

import exact
import numpy as np
import pytest
from cases import MAKERS, SHORT_ENDS, SIGNATURES, rows_for

import fastdiv

# Around a tile's sixteen or thirty-two rows, the fours it is turned by, where rows are no longer
# short (60 to 200), and where they are more than a block.
ROWS = (1, 2, 15, 16, 17, 31, 32, 33, 65)
CLASSES = (1, 2, 3, 4, 5, 8, 15, 16, 17, 20, 21, 64, *SHORT_ENDS, 111, 112, 128, 129)
CLASSES += (512, 513, 1000, 1024, 1025)


@pytest.mark.parametrize("c", CLASSES)
def test_a_row_is_the_same_in_any_company(name, function, c, dtype):
    args = rows_for(name, max(ROWS), c, dtype)
    alone = np.array([function(*[a[i] for a in args]) for i in range(max(ROWS))])
    for n in ROWS:
        np.testing.assert_array_equal(function(*[a[:n] for a in args]), alone[:n])


@pytest.mark.parametrize("c", [4, 10, 15, 16, 64, 100, 101, 200, 201, 513])
@pytest.mark.parametrize(
    ("function", "bounded"),
    [
        (fastdiv.kl_divergence_from_logits, False),
        (fastdiv.js_divergence_from_logits, True),
        (lambda x, y: fastdiv.compare(x, y, want="kl_divergence").kl_divergence, False),
        (lambda x, y: fastdiv.compare(x, y, want="js_divergence").js_divergence, True),
    ],
    ids=["kl", "js", "compare kl", "compare js"],
)
def test_masked_logits_in_any_company(function, bounded, c, dtype):
    # A tile with one masked row computes all of them with care.
    x, y = rows_for("kl_divergence_from_logits", 70, c, dtype)
    first, middle, last = 0, c // 2, c - 1
    x[1::9, last] = y[1::9, last] = -np.inf
    x[2::9, middle] = -np.inf
    y[3::9, middle] = -np.inf
    x[4::9, first] = y[4::9, first] = -np.inf
    # Next to no weight, but some logit: just above and below where float32 has none.
    x[5::9, middle], y[5::9, middle] = -95, -140
    x[6::9, middle], y[6::9, middle] = -140, -95
    x[7::9, last], y[7::9, last] = -3e4, -3e4
    alone = np.array([function(*rows) for rows in zip(x, y, strict=True)])
    for some in (slice(None), slice(0, None, 9), slice(5, None, 9), slice(2, 40)):
        np.testing.assert_array_equal(function(x[some], y[some]), alone[some])
    np.testing.assert_array_equal(np.isinf(alone), (np.arange(70) % 9 == 3) & (not bounded))


@pytest.mark.parametrize("c", CLASSES)
def test_log_probabilities_in_any_company(c, dtype):
    # Their log-sum-exps cancel, and are taken again in double, sixteen at a time: every third row,
    # so that these do not lie as they came.
    (x,) = rows_for("logsumexp", 64, c, dtype)
    x[::3] = fastdiv.log_softmax(x[::3])
    y = np.arange(64) % c
    alone = np.array([fastdiv.logsumexp(row) for row in x])
    for n in (*ROWS[:-1], 64):
        np.testing.assert_array_equal(fastdiv.logsumexp(x[:n]), alone[:n])
        got = fastdiv.score(y[:n], x[:n], want="logsumexp").logsumexp
        np.testing.assert_array_equal(got, alone[:n])
    for i in range(0, 64, 9):
        want = exact.evaluate("logsumexp", x[i])
        # Doubles bear what cancels; it counts with the size of the terms.
        size = np.spacing(dtype(max(abs(float(want)), np.log(c) if dtype == np.float64 else 0)))
        assert abs(alone[i] - want) <= 5 * size


@pytest.mark.parametrize("c", CLASSES)
def test_labels_in_any_company(c, dtype):
    (x,) = rows_for("logsumexp", 40, c, dtype)
    y = np.arange(40) % c
    for function, q in (
        (fastdiv.cross_entropy_from_logits, x),
        (fastdiv.cross_entropy, fastdiv.softmax(x)),
    ):
        alone = np.array([function(int(k), row) for k, row in zip(y, q, strict=True)])
        np.testing.assert_array_equal(function(y, q), alone)
        weight = np.arange(c) / 3
        weighted = [function(int(k), row, class_weight=weight) for k, row in zip(y, q, strict=True)]
        np.testing.assert_array_equal(function(y, q, class_weight=weight), weighted)
        y_some = np.where(np.arange(40) % 3 == 0, -100, y)
        kept = np.where(y_some == -100, 0, alone)
        np.testing.assert_array_equal(function(y_some, q, ignore_index=-100), kept)


@pytest.mark.parametrize("options", [{"label_smoothing": 0.1}, {"temperature": 0.7}], ids=str)
@pytest.mark.parametrize("c", [2, 10, 60, 61, 100, 200, 512, 513])
def test_options_in_any_company(options, c, dtype):
    p, x = rows_for("cross_entropy_from_logits", 40, c, dtype)
    # Rows that are not for a tile, and what they leave behind.
    x[5], p[7], x[20, 0] = 1e8, 0, -np.inf
    for target in (np.arange(40) % c, p):
        alone = [
            fastdiv.cross_entropy_from_logits(one, row, **options)
            for one, row in zip(target, x, strict=True)
        ]
        together = fastdiv.cross_entropy_from_logits(target, x, **options)
        np.testing.assert_array_equal(together, alone)


def weight_calls():
    """Give every function that takes rows as they stand, with what makes its arguments."""
    for name, signature in SIGNATURES.items():
        if "w" in signature:
            yield name


@pytest.mark.parametrize("c", [1, 2, 10, 17, *SHORT_ENDS, 512, 513, 1024, 1025])
@pytest.mark.parametrize("name", list(weight_calls()))
def test_rows_as_they_stand_in_any_company(name, c, dtype):
    function = functools.partial(getattr(fastdiv, name), normalize=False)
    args = [a.copy() for a in rows_for(name, 40, c, dtype)]
    # Sums that differ; equal rows; a row of zeros, infinite and negative weights, ones too many.
    args[0][:20] *= 3
    args[-1][4] = args[0][4]
    for row, bad in ((5, 0), (7, np.inf), (11, np.nan), (13, -1), (17, 1e38), (19, 1e-42)):
        for a in args:
            a[row, -1] = bad
    alone = [function(*(a[i] for a in args)) for i in range(40)]
    np.testing.assert_array_equal(function(*args), alone)
    for row in (7, 11, 13) if "logits" not in name else (11,):
        assert np.isnan(alone[row])
    rows = [0, 17, 25]
    wanted = [float(exact.evaluate(name, *(a[i] for a in args), normalize=False)) for i in rows]
    with np.errstate(over="ignore"):
        np.testing.assert_allclose([alone[i] for i in rows], np.array(wanted, dtype), rtol=2e-5)


def test_a_label_of_rows_as_they_stand(dtype):
    q = rows_for("entropy", 40, 10, dtype)[0]
    q[3, 2], q[5, 2], q[7, 2], q[9, 2], q[11, 3], q[13, 2] = 0, 1, np.inf, -1, np.nan, 1e-42
    alone = [fastdiv.cross_entropy(2, row, normalize=False) for row in q]
    together = fastdiv.cross_entropy(np.full(40, 2), q, normalize=False)
    np.testing.assert_array_equal(together, alone)
    assert together[3] == np.inf
    assert together[5] == 0
    assert np.all(np.isnan(together[[7, 9, 11]]))
    assert together[13] == pytest.approx(-np.log(float(q[13, 2])))
    with np.errstate(invalid="ignore", divide="ignore"):
        ordinary = np.delete(-np.log(q[:, 2].astype(float)), [7, 9, 11])
    np.testing.assert_allclose(np.delete(together, [7, 9, 11]), ordinary, rtol=2e-7)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, -1.0, 0.0, 1e5, 1e-42])
@pytest.mark.parametrize("c", [2, 10, 64, 200, 1000])
def test_one_row_that_is_not_for_a_tile(name, function, bad, c, dtype):
    args = rows_for(name, 20, c, dtype)
    alone = [np.asarray(function(*[a[i] for a in args])) for i in range(20)]
    changed = [a.copy() for a in args]
    for a in changed:
        a[7] = bad
        a[11, 1] = bad
    together = function(*changed)
    for i in range(20):
        own = function(*[a[i] for a in changed])
        np.testing.assert_array_equal(together[i], own)
        if i not in (7, 11):
            np.testing.assert_array_equal(own, alone[i])


@pytest.mark.parametrize("c", [3, 10, 200])
def test_in_place_with_a_row_that_is_not_for_a_tile(c, dtype):
    x = rows_for("logsumexp", 100, c, dtype)[0]
    x[7] = 1e6 + np.arange(c)
    for function in (fastdiv.softmax, fastdiv.log_softmax):
        expected, place = function(x), x.copy()
        function(place, out=place)
        np.testing.assert_array_equal(place, expected)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="mprotect as Linux has it")
@pytest.mark.parametrize("c", [1, 2, 3, 4, 5, 7, 10, 17, 40, 100, 1000, 1500])
def test_nothing_is_read_or_written_past_the_last_row(name, function, c, dtype):
    page = mmap.PAGESIZE
    size = 33 * c * np.dtype(dtype).itemsize
    length = (size + page - 1) // page * page
    memory = mmap.mmap(-1, length + page)
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.mprotect(ctypes.c_void_p(start + length), page, 0) == 0
    args = rows_for(name, 33, c, dtype)
    for k, given in enumerate(args):
        place = np.frombuffer(memory, dtype, 33 * c, length - size).reshape(33, c)
        place[...] = given
        for n in (1, 16, 32, 33):
            rows = [place[-n:] if i == k else a[-n:] for i, a in enumerate(args)]
            np.testing.assert_array_equal(function(*rows), function(*[a[-n:] for a in args]))
    for n in (16, 32, 33) if name in MAKERS else ():
        made = function(args[0][-n:], out=place[-n:])
        np.testing.assert_array_equal(made, function(args[0][-n:]))
    assert len(SIGNATURES[name]) == len(args)
    # Nobody else may be given this memory with a page that cannot be written.
    assert libc.mprotect(ctypes.c_void_p(start + length), page, 3) == 0


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="mprotect as Linux has it")
@pytest.mark.parametrize("c", [1, 2, 5, 10, 17, 33, 100, 1000, 1100])
@pytest.mark.parametrize("step", [2, 3, 4, -1, -2])
def test_nothing_is_read_beside_a_row_of_every_second_class(step, c, dtype):
    page, size = mmap.PAGESIZE, np.dtype(dtype).itemsize
    width = (c - 1) * abs(step) + 1
    inner = (width * size + page - 1) // page * page
    memory = mmap.mmap(-1, inner + 2 * page)
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    libc = ctypes.CDLL(None, use_errno=True)
    for end in (start, start + page + inner):
        assert libc.mprotect(ctypes.c_void_p(end), page, 0) == 0
    x = rows_for("logsumexp", 1, c, dtype)[0][0]
    for offset in (page, page + inner - width * size):
        place = np.frombuffer(memory, dtype, width, offset)[::step]
        place[:] = x
        assert fastdiv.logsumexp(place) == fastdiv.logsumexp(x)
        assert fastdiv.logsumexp(place, dtype=np.float64) == fastdiv.logsumexp(x, dtype=np.float64)
    # Nobody else may be given this memory with pages that cannot be read.
    for end in (start, start + page + inner):
        assert libc.mprotect(ctypes.c_void_p(end), page, 3) == 0
