"""Scores: several numbers of a row of logits that is read once."""

import dataclasses
import itertools

import numpy as np
import pytest
from layouts import LAYOUTS
from measure import Call, check
from sweeps import Rows

import fastdiv
from fastdiv import _reference

INF, NAN = np.inf, np.nan
FIELDS = tuple(field.name for field in dataclasses.fields(fastdiv.Scores))
WHOLE = ("top_class", "rank")
FLOATS = [name for name in FIELDS if name not in WHOLE]
# Short rows, rows of one block, longer ones; with full sets of lanes and without.
CLASSES = [1, 2, 7, 31, 33, 60, 61, 100, 101, 120, 121, 128, 129, 200, 201]
CLASSES += [512, 513, 1000, 1024, 1025, 3000]


def rows(c, dtype, n=50, seed=0):
    """Rows of every kind, of which each fourth has ties, and labels."""
    rng = np.random.default_rng([seed, c])
    x = (3 * rng.normal(size=(n, c))).astype(dtype)
    x[::4] = x[::4].round()
    x[1::4] = np.where(rng.random(x[1::4].shape) < 0.3, -INF, x[1::4])
    x[1::4, -1] = 1
    x[2] *= 1e6
    x[3] -= fastdiv.logsumexp(x[3])
    x[5] = 0
    return rng.integers(0, c, n), x


def columns(scores):
    return {name: value for name, value in vars(scores).items() if value is not None}


def same(got, expected):
    assert got.keys() == expected.keys()
    for name, values in got.items():
        np.testing.assert_array_equal(values, expected[name], name)
        assert np.asarray(values).dtype == np.asarray(expected[name]).dtype


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("c", CLASSES)
def test_agrees_with_the_definition(c, dtype):
    y, x = rows(c, dtype)
    got = columns(fastdiv.score(y, x))
    eps = float(np.finfo(dtype).eps)
    for name, expected in _reference.score(y, x.astype(np.float64)).items():
        if name in WHOLE:
            np.testing.assert_array_equal(got[name], expected)
            assert got[name].dtype == np.int64
        else:
            # The reference takes logits of 1e6 from their log-sum-exp: 1e-10 of them are lost.
            rows_kept = np.arange(len(x)) != 2
            np.testing.assert_allclose(
                got[name][rows_kept], expected[rows_kept], rtol=16 * eps, atol=1e-12
            )
            assert got[name].dtype == dtype


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("c", CLASSES)
def test_the_bits_are_those_of_the_functions(c, dtype):
    y, x = rows(c, dtype)
    x[6, 0], x[7, -1], x[8], x[9, 0] = NAN, INF, -INF, -INF
    y[9] = 0
    got = fastdiv.score(y, x)
    np.testing.assert_array_equal(got.cross_entropy, fastdiv.cross_entropy_from_logits(y, x))
    np.testing.assert_array_equal(got.logsumexp, fastdiv.logsumexp(x))
    np.testing.assert_array_equal(got.entropy, fastdiv.entropy_from_logits(x))


@pytest.mark.parametrize("gap", [0.7, 3.4, 7.5, 8.5, 9.4])
@pytest.mark.parametrize("name", FLOATS)
def test_error_in_ulp_of_equal_elements(name, gap, dtype):
    # Where every addition rounds alike.
    for c, y in itertools.product((120, 200, 1000, 1500), (3, 4)):
        x = np.full(c, -gap, dtype)
        x[3] = 0
        check(Call("score", field=name), [Rows(x, x, x, x, f"gap {gap}", y)], dtype)


@pytest.mark.parametrize("c", [2, 100, 1000, 2000])
@pytest.mark.parametrize("gap", [1e-3, 1.0, 20.0, 40.0])
def test_brier_score_of_confident_rows_keeps_its_digits(c, gap, dtype):
    x = np.full(c, -gap, dtype)
    x[c // 2] = 0
    for y in (c // 2, 0):
        assert fastdiv.score(y, x).brier_score > 0
        check(Call("score", field="brier_score"), [Rows(x, x, x, x, f"gap {gap}", y)], dtype)


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("c", [3, 130, 230, 1500])
@pytest.mark.parametrize("what", ["nan", "inf", "-inf"])
def test_a_row_that_is_no_distribution(c, what, dtype):
    y, x = rows(c, dtype)
    expected = columns(fastdiv.score(y, x))
    x[2, 1 if what != "-inf" else slice(None)] = float(what)
    got = columns(fastdiv.score(y, x))
    for name in FIELDS:
        bad = {"top_class": -1, "rank": 0, "logsumexp": float(what)}.get(name, NAN)
        np.testing.assert_array_equal(got[name][2], bad)
        np.testing.assert_array_equal(np.delete(got[name], 2), np.delete(expected[name], 2))
    assert not fastdiv.score(y, x).top_k(c)[2]


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("c", [4, 130, 230, 1500])
def test_a_label_that_is_masked(c, dtype):
    x = np.zeros(c, dtype)
    x[[1, 3]] = -INF
    got = fastdiv.score(3, x)
    assert (got.cross_entropy, got.probability) == (INF, 0)
    assert got.brier_score == pytest.approx(1 + 1 / (c - 2), rel=4 * float(np.finfo(dtype).eps))
    assert got.rank == c  # after the other masked class, and all others
    assert fastdiv.score(1, x).rank == c - 1


def test_one_class(dtype):
    got = fastdiv.score([0], np.array([[-3]], dtype))
    expected = [0, -3, 0, 0, 1, 1, 0, 1]
    assert [getattr(got, name)[0] for name in FIELDS] == expected


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize(
    "c", [2, 31, 32, 33, 119, 120, 128, 129, 199, 200, 201, 300, 1024, 1025, 2200]
)
def test_ties(c, dtype):
    # Few different logits, and the label everywhere in turn.
    x = np.random.default_rng(c).integers(-1, 2, (c, c)).astype(dtype)
    x[0] = -INF
    x[0, c // 2] = -1
    x[1] = np.where(np.arange(c) == 1, 0, -0.0)
    y = np.arange(c)
    got = fastdiv.score(y, x, want=WHOLE)
    order = np.argsort(-x, axis=-1, kind="stable")
    np.testing.assert_array_equal(got.rank, 1 + (order == y[:, None]).argmax(-1))
    np.testing.assert_array_equal(got.top_class, order[:, 0])
    np.testing.assert_array_equal(got.rank == 1, got.top_class == y)


@pytest.mark.parametrize("c", [10, 300, 1500])
def test_top_k(c):
    y, x = rows(c, np.float32)
    scores = fastdiv.score(y, x)
    order = np.argsort(-x, axis=-1, kind="stable")
    for k in (1, 3, c):
        np.testing.assert_array_equal(scores.top_k(k), (order[:, :k] == y[:, None]).any(-1))
    with pytest.raises(ValueError, match="there are no ranks to tell: have score want 'rank'"):
        fastdiv.score(y, x, want=["entropy"]).top_k(1)


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("c", [10, 300, 1500])
def test_no_value_depends_on_which_are_wanted(c, dtype):
    y, x = rows(c, dtype)
    x[6, 0] = NAN
    every = columns(fastdiv.score(y, x))
    for name in FIELDS:
        same(columns(fastdiv.score(y, x, want=name)), {name: every[name]})
        others = set(FIELDS) - {name}
        same(columns(fastdiv.score(y, x, want=others)), {k: every[k] for k in others})


@pytest.mark.parametrize("c", [10, 300, 3000])
def test_no_value_depends_on_the_threads(c):
    n = 3_000_000 // c
    x = np.random.default_rng(c).normal(size=(n, c)).astype(np.float32)
    y = np.arange(n) % c
    expected = columns(fastdiv.score(y, x))
    same(columns(fastdiv.score(y, x, workers=3)), expected)
    with fastdiv.set_workers(2):
        same(columns(fastdiv.score(y, x)), expected)


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("c", [7, 130, 230, 1500])
def test_layouts(layout, c, dtype):
    y, x = rows(c, dtype)
    same(columns(fastdiv.score(y, layout(x))), columns(fastdiv.score(y, x)))


@pytest.mark.parametrize("c", [7, 130, 230])
def test_leading_axes_in_any_order(c, dtype):
    y, x = rows(c, dtype, 60)
    expected = columns(fastdiv.score(y, x))
    for order in itertools.permutations(range(4)):
        back = np.argsort(order)
        turned = np.ascontiguousarray(x.reshape(3, 4, 5, c).transpose(order)).transpose(back)
        got = columns(fastdiv.score(y.reshape(3, 4, 5), turned))
        same({k: v.reshape(-1) for k, v in got.items()}, expected)
        assert all(v.flags.c_contiguous for v in got.values())
    strided = columns(fastdiv.score(y.reshape(6, 10)[::2, ::-3], x.reshape(6, 10, c)[::2, ::-3]))
    same(strided, {k: v.reshape(6, 10)[::2, ::-3] for k, v in expected.items()})


@pytest.mark.parametrize("half", ["float16", "bfloat16"])
@pytest.mark.parametrize("c", [7, 130, 230, 1500])
def test_halves_have_the_bits_of_float32(half, c):
    dtype = getattr(pytest.importorskip("ml_dtypes"), half, np.float16)
    y, x = rows(c, np.float32)
    with np.errstate(over="ignore"):  # a row of 1e6 has infinite ones then
        x = x.astype(dtype)
    same(columns(fastdiv.score(y, x)), columns(fastdiv.score(y, x.astype(np.float32))))


@pytest.mark.parametrize("letter", "bBhHiIlLqQ?")
def test_integers_are_taken_as_float64(letter):
    x = np.random.default_rng(0).integers(0, 2 if letter == "?" else 9, (20, 30)).astype(letter)
    y = np.arange(20)
    expected = columns(fastdiv.score(y, x.astype(np.float64)))
    same(columns(fastdiv.score(y, x)), expected)
    if letter != "?":
        same(columns(fastdiv.score(y.astype(letter), x)), expected)


def test_shapes():
    x = np.random.default_rng(0).normal(size=(2, 3, 4))
    assert fastdiv.score(1, x).rank.shape == (2, 3)
    same(columns(fastdiv.score(1, x)), columns(fastdiv.score(np.full((2, 3), 1), x)))
    one = fastdiv.score(1, x[0, 0])
    assert isinstance(one.cross_entropy, np.float64)
    assert isinstance(one.rank, np.int64)
    for values in columns(fastdiv.score(np.empty((0, 3), int), np.empty((0, 3, 5)))).values():
        assert values.shape == (0, 3)
    broadcast = np.broadcast_to(x[:1], (2, 3, 4))
    same(columns(fastdiv.score(1, broadcast)), columns(fastdiv.score(1, broadcast.copy())))


@pytest.mark.parametrize(
    ("labels", "logits", "want", "error", "message"),
    [
        ([0.0], [[1.0, 2.0]], None, TypeError, "labels must be integers, not float64: pass them"),
        ([True], [[1.0, 2.0]], None, TypeError, "labels must be integers, not bool"),
        ([[0], [1]], [[1.0, 2.0]], None, ValueError, "not one for each row of logits of shape"),
        ([0, 1, 0], [[1.0, 2.0]] * 2, None, ValueError, "do not broadcast"),
        ([0, 2], [[1.0, 2.0]] * 2, None, IndexError, "label 2 at row 1 is out of range for 2"),
        ([0, -1], [[1.0, 2.0]] * 2, None, IndexError, "label -1 at row 1"),
        ([0], [[1j, 2.0]], None, TypeError, "logits has dtype complex128"),
        ([0], np.empty((1, 0)), None, ValueError, "logits of shape (1, 0) has no classes"),
        (0, 1.0, None, ValueError, "logits is a single number"),
        ([0], [[1.0]], "accuracy", ValueError, "want holds 'accuracy'; it takes names of cross_e"),
        ([0], [[1.0]], (), ValueError, "want names nothing; it takes names of cross_entropy, logs"),
    ],
)
def test_errors(labels, logits, want, error, message):
    with pytest.raises(error) as raised:
        fastdiv.score(labels, logits, want=want)
    assert message in str(raised.value)


def test_only_what_is_wanted_is_allocated():
    tracemalloc = pytest.importorskip("tracemalloc")
    y, x = rows(2, np.float32, 100_000)
    fastdiv.score(y, x)
    for want, size in (("rank", 8), ("brier_score", 4), (("entropy", "top_class"), 12), (None, 40)):
        tracemalloc.start()
        kept = fastdiv.score(y, x, want=want)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert kept is not None
        assert most < size * len(y) + 20_000


@pytest.mark.parametrize("c", [3, 100, 101, 513, 2000])
def test_a_subnormal_entropy_has_the_bits_of_the_function(c):
    rng = np.random.default_rng(c)
    x = np.full((400, c), -np.inf)
    x[:, 0] = rng.normal(0, 3, 400)
    x[:, 1] = x[:, 0] - rng.uniform(708, 745, 400)
    np.testing.assert_array_equal(
        fastdiv.score(0, x, want="entropy").entropy, fastdiv.entropy_from_logits(x)
    )
