"""Comparisons: several numbers of a pair of rows of logits that is read once."""

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
LOG2 = np.log(2)
FIELDS = tuple(field.name for field in dataclasses.fields(fastdiv.Comparison))
OF_LABELS = ("p_cross_entropy", "q_cross_entropy", "delta_p")
DIVERGENCES = FIELDS[:3]
FLOATS = [name for name in FIELDS if name != "same_top_class"]
# Short pairs, pairs of one block, longer ones; with full sets of lanes and without.
CLASSES = [1, 2, 3, 7, 31, 33, 60, 61, 111, 112, 128, 129, 512, 513, 1000, 1024, 1025, 3000]


def pairs(c, dtype, n=48, seed=0):
    """Pairs of every kind, and labels: far apart and near, with ties, masked in either or both."""
    rng = np.random.default_rng([seed, c])
    p = (3 * rng.normal(size=(n, c))).astype(dtype)
    q = p + (10.0 ** rng.uniform(-4, 1, (n, 1)) * rng.normal(size=(n, c))).astype(dtype)
    p[::4], q[::4] = p[::4].round(), q[::4].round()
    masked = rng.random((n, c)) < 0.2
    masked[:, -1] = False
    p[1::8] = np.where(masked[1::8], -INF, p[1::8])
    q[1::8] = np.where(masked[1::8], -INF, q[1::8])
    p[3::8] = np.where(masked[3::8], -INF, p[3::8])
    q[5::8] = np.where(masked[5::8], -INF, q[5::8])
    q[2] = p[2]
    q[6] = p[6] + 1
    p[7] *= 1e6
    return rng.integers(0, c, n), p, q


def columns(made):
    return {name: value for name, value in vars(made).items() if value is not None}


def same(got, expected):
    assert got.keys() == expected.keys()
    for name, values in got.items():
        np.testing.assert_array_equal(values, expected[name], name)
        assert np.asarray(values).dtype == np.asarray(expected[name]).dtype


def hold(name, y, p, q, how):
    """Hold a field to its bound."""
    check(Call("compare", field=name), [Rows(p, q, p, q, how, y)], p.dtype)


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("c", CLASSES)
def test_agrees_with_the_definition(c, dtype):
    y, p, q = pairs(c, dtype)
    got = columns(fastdiv.compare(p, q, y))
    expected = _reference.compare(p.astype(np.float64), q.astype(np.float64), y)
    assert got.keys() == expected.keys()
    eps = float(np.finfo(dtype).eps)
    # The reference takes logits of 1e6 from their log-sum-exp: 1e-10 of them are lost.
    kept = np.arange(len(p)) != 7
    for name, values in got.items():
        np.testing.assert_allclose(
            values[kept], expected[name][kept], rtol=16 * eps, atol=1e-12, err_msg=name
        )
        assert values.dtype == (np.bool_ if name == "same_top_class" else dtype)


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("c", CLASSES)
def test_cross_entropies_have_the_bits_of_the_function(c, dtype):
    y, p, q = pairs(c, dtype)
    got = fastdiv.compare(p, q, y)
    expected = [fastdiv.cross_entropy_from_logits(y, x) for x in (p, q)]
    np.testing.assert_array_equal(got.p_cross_entropy, expected[0])
    np.testing.assert_array_equal(got.q_cross_entropy, expected[1])


@pytest.mark.parametrize("c", [40, 120, 200, 250, 1500])
@pytest.mark.parametrize("name", FLOATS)
def test_error_in_ulp_of_equal_elements(name, c, dtype):
    # Where every addition rounds alike.
    for gap, apart in itertools.product((0.3, 4.1, 7.5), (1e-3, 0.07, 1.9, -2.3)):
        p = np.full(c, -gap, dtype)
        p[3] = 0
        q = p.copy()
        q[3] += dtype(apart)
        for y in (3, 4):
            hold(name, y, p, q, f"gap {gap}, {apart}")


@pytest.mark.parametrize("c", [5, 200, 1500])
def test_total_variation_where_signs_are_in_doubt(c, dtype):
    # All classes but three are equal, the log-sum-exps as good as equal: what d is there is nothing
    # but the difference of these.
    rng = np.random.default_rng(c)
    for trial in range(10):
        p = rng.normal(size=c).astype(dtype)
        q = p.copy()
        q[[0, 1]] = q[[1, 0]]
        for k in range(trial):
            q[2] = np.nextafter(q[2], dtype(9 if k % 3 else -9))
        hold("total_variation", 0, p, q, f"trial {trial}")


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("c", [1, 5, 64, 130, 230, 777, 2100])
def test_equal_rows_are_exactly_0(c, dtype):
    y, p, _ = pairs(c, dtype)
    got = fastdiv.compare(p, p.copy(), y)
    for name in (*DIVERGENCES, "total_variation", "delta_p"):
        np.testing.assert_array_equal(getattr(got, name), 0, name)
    assert got.same_top_class.all()


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("c", [2, 7, 130, 230, 1500])
def test_bounds_of_the_divergences(c, dtype):
    rng = np.random.default_rng(c)
    for scale in (1e-12, 1e-6, 1e-3, 1, 100):
        p = rng.normal(size=(200, c)).astype(dtype)
        q = p + (scale * rng.normal(size=p.shape)).astype(dtype)
        got = fastdiv.compare(p, q)
        for name in (*DIVERGENCES, "total_variation"):
            assert (getattr(got, name) >= 0).all()
        assert (got.js_divergence <= dtype(LOG2)).all()
        assert (got.total_variation <= 1).all()


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("c", [2, 111, 130, 230, 1500])
def test_disjoint_rows(c, dtype):
    p, q = np.full((2, c), -INF, dtype)
    p[0] = q[1] = 0
    got = fastdiv.compare(p, q, 0)
    assert (got.kl_divergence, got.reverse_kl_divergence) == (INF, INF)
    assert got.js_divergence == dtype(LOG2)
    assert (got.total_variation, got.same_top_class, got.delta_p) == (1, False, -1)
    assert (got.p_cross_entropy, got.q_cross_entropy) == (0, INF)


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("c", [3, 33, 111, 130, 230, 1000, 1500])
@pytest.mark.parametrize("place", [0, -1])
def test_masked_classes(c, place, dtype):
    p, q = np.random.default_rng(c).normal(size=(2, 40, c)).astype(dtype)
    before = columns(fastdiv.compare(p, q, c - 1))
    p[3, place] = q[5, place] = -INF
    p[7, place] = q[7, place] = -INF
    # A weight so small that it is 0 in the type is still one.
    p[9, place], q[9, place] = -1e4, -INF
    got = columns(fastdiv.compare(p, q, c - 1))
    assert np.isinf(got["kl_divergence"]).nonzero()[0].tolist() == [5, 9]
    assert np.isinf(got["reverse_kl_divergence"]).nonzero()[0].tolist() == [3]
    both = fastdiv.compare(np.delete(p[7], place), np.delete(q[7], place))
    for name in (*DIVERGENCES, "total_variation"):
        eps = float(np.finfo(dtype).eps)
        assert got[name][7] == pytest.approx(getattr(both, name), rel=8 * eps)
    for name, values in got.items():
        kept = np.delete(values, [3, 5, 7, 9])
        np.testing.assert_array_equal(kept, np.delete(before[name], [3, 5, 7, 9]), name)
    if place == -1:
        assert np.isinf(got["p_cross_entropy"]).nonzero()[0].tolist() == [3, 7]
        assert np.isinf(got["q_cross_entropy"]).nonzero()[0].tolist() == [5, 7, 9]
        assert got["delta_p"][7] == 0


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("c", [3, 130, 230, 1500])
@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("what", ["nan", "inf", "-inf"])
def test_a_row_that_is_no_distribution(c, which, what, dtype):
    y, *given = pairs(c, dtype)
    expected = columns(fastdiv.compare(*given, y))
    given[which][2, 1 if what != "-inf" else slice(None)] = float(what)
    got = columns(fastdiv.compare(*given, y))
    for name in FIELDS:
        bad = False if name == "same_top_class" else NAN
        np.testing.assert_array_equal(got[name][2], bad)
        np.testing.assert_array_equal(np.delete(got[name], 2), np.delete(expected[name], 2))


def test_one_class(dtype):
    got = fastdiv.compare(np.array([[3]], dtype), np.array([[-7]], dtype), [0])
    assert [getattr(got, name)[0] for name in FIELDS] == [0, 0, 0, 0, True, 0, 0, 0]


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("c", [2, 130, 230, 1500])
def test_huge_logits(c, dtype):
    p, q = np.zeros((2, 3, c), dtype)
    p[0, 0] = q[0, 1] = p[1, 0] = p[2, 0] = 1e30
    q[2] = -1e30
    got = fastdiv.compare(p, q, 0)
    eps = float(np.finfo(dtype).eps)
    np.testing.assert_allclose(got.kl_divergence[:2], [1e30, np.log(c)], rtol=4 * eps)
    np.testing.assert_allclose(
        got.reverse_kl_divergence, [1e30, 1e30 * (c - 1) / c, 1e30 * (c - 1) / c], rtol=4 * eps
    )
    np.testing.assert_allclose(got.total_variation, [1, (c - 1) / c, (c - 1) / c], rtol=4 * eps)
    assert got.js_divergence[0] == dtype(LOG2)
    # A difference that is next to the largest number there is.
    large = np.finfo(dtype).max / dtype(2)
    far = fastdiv.compare(np.array([large, -large]), np.array([-large, large]))
    assert (far.kl_divergence, far.total_variation) == (2 * large, 1)


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("c", [2, 31, 33, 111, 128, 129, 300, 1024, 1025, 2200])
def test_top_classes_with_ties(c, dtype):
    rng = np.random.default_rng(c)
    p, q = rng.integers(-1, 2, (2, 300, c)).astype(dtype)
    p[:50] = q[50:100] = -1
    p[range(50), rng.integers(0, c, 50)] = 1
    got = fastdiv.compare(p, q, want=["same_top_class"]).same_top_class
    np.testing.assert_array_equal(got, p.argmax(-1) == q.argmax(-1))


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("c", [10, 300, 1500])
def test_no_value_depends_on_which_are_wanted(c, dtype):
    y, p, q = pairs(c, dtype)
    p[6, 0] = NAN
    every = columns(fastdiv.compare(p, q, y))
    assert set(every) == set(FIELDS)
    same(columns(fastdiv.compare(p, q)), {k: every[k] for k in FIELDS if k not in OF_LABELS})
    for name in FIELDS:
        same(columns(fastdiv.compare(p, q, y, want=name)), {name: every[name]})
        others = set(FIELDS) - {name}
        same(columns(fastdiv.compare(p, q, y, want=others)), {k: every[k] for k in others})


@pytest.mark.parametrize("c", [10, 300, 3000])
def test_no_value_depends_on_the_threads_or_the_batch(c):
    n = 3_000_000 // c
    p, q = np.random.default_rng(c).normal(size=(2, n, c)).astype(np.float32)
    y = np.arange(n) % c
    expected = columns(fastdiv.compare(p, q, y))
    same(columns(fastdiv.compare(p, q, y, workers=3)), expected)
    for first, stop in ((0, 1), (5, 38), (n - 7, n)):
        part = columns(fastdiv.compare(p[first:stop], q[first:stop], y[first:stop]))
        same(part, {k: v[first:stop] for k, v in expected.items()})


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("c", [7, 130, 230, 1500])
def test_layouts(layout, c, dtype):
    y, p, q = pairs(c, dtype)
    expected = columns(fastdiv.compare(p, q, y))
    same(columns(fastdiv.compare(layout(p), q, y)), expected)
    same(columns(fastdiv.compare(p, layout(q), y)), expected)
    same(columns(fastdiv.compare(layout(p), layout(q), y)), expected)


@pytest.mark.parametrize("half", ["float16", "bfloat16"])
@pytest.mark.parametrize("c", [7, 130, 230, 1500])
def test_halves_have_the_bits_of_float32(half, c):
    dtype = getattr(pytest.importorskip("ml_dtypes"), half, np.float16)
    y, p, q = pairs(c, np.float32)
    with np.errstate(over="ignore"):  # a row of 1e6 has infinite ones then
        p, q = p.astype(dtype), q.astype(dtype)
    wide = columns(fastdiv.compare(p.astype(np.float32), q.astype(np.float32), y))
    same(columns(fastdiv.compare(p, q, y)), wide)
    same(columns(fastdiv.compare(p, q.astype(np.float32), y)), wide)


@pytest.mark.parametrize("c", [7, 130, 230, 1500])
def test_a_float64_row_makes_all_of_them_float64(c):
    y, p, q = pairs(c, np.float32)
    expected = columns(fastdiv.compare(p.astype(np.float64), q.astype(np.float64), y))
    same(columns(fastdiv.compare(p, q.astype(np.float64), y)), expected)
    same(columns(fastdiv.compare(p.astype(np.float64), q, y)), expected)


def test_shapes():
    p, q = np.random.default_rng(0).normal(size=(2, 2, 3, 4))
    expected = columns(fastdiv.compare(p, np.broadcast_to(q[0, 0], p.shape).copy(), 1))
    assert expected["delta_p"].shape == (2, 3)
    same(columns(fastdiv.compare(p, q[0, 0], 1)), expected)
    same(columns(fastdiv.compare(p, q[:1, :1], np.full((2, 3), 1))), expected)
    one = fastdiv.compare(p[0, 0], q[0, 0])
    assert isinstance(one.kl_divergence, np.float64)
    assert isinstance(one.same_top_class, np.bool_)
    assert one.delta_p is None
    empty = columns(fastdiv.compare(np.empty((0, 3, 5)), np.empty((5,)), np.empty((0, 3), int)))
    assert {values.shape for values in empty.values()} == {(0, 3)}
    rows = np.broadcast_to(p[:1, :1], p.shape)
    by_label = fastdiv.compare(rows, rows, np.arange(6).reshape(2, 3) % 4).p_cross_entropy
    expected_by_label = fastdiv.cross_entropy_from_logits(np.arange(6).reshape(2, 3) % 4, rows)
    np.testing.assert_array_equal(by_label, expected_by_label)


@pytest.mark.parametrize(
    ("args", "want", "error", "message"),
    [
        (([[1.0, 2.0]], [[1.0, 2.0]], [0.0]), None, TypeError, "labels must be integers, not fl"),
        (([[1.0, 2.0]], [[1.0, 2.0]], [[0]]), None, ValueError, "not one for each row of logits"),
        (([[1.0, 2.0]], [[1.0, 2.0]], [2]), None, IndexError, "label 2 at row 0 is out of range"),
        (([[1.0, 2.0]], [[1.0]]), None, ValueError, "shapes (1, 2) and (1, 1) (classes last)"),
        ((np.empty((1, 0)), [[1.0]]), None, ValueError, "p_logits of shape (1, 0) has no classes"),
        (([1.0], 1.0), None, ValueError, "q_logits is a single number"),
        (([1.0], [1j]), None, TypeError, "q_logits has dtype complex128"),
        (([1.0], [1.0]), "kl", ValueError, "want holds 'kl'; it takes names of kl_divergence, rev"),
        (([1.0], [1.0]), ["delta_p"], ValueError, "want holds 'delta_p': pass the labels, too"),
        (([1.0], [1.0]), (), ValueError, "want names nothing; it takes names of kl_divergence"),
    ],
)
def test_errors(args, want, error, message):
    with pytest.raises(error) as raised:
        fastdiv.compare(*args, want=want)
    assert message in str(raised.value)


def test_only_what_is_wanted_is_allocated():
    tracemalloc = pytest.importorskip("tracemalloc")
    y, p, q = pairs(2, np.float32, 100_000)
    fastdiv.compare(p, q, y)
    for want, size in (("same_top_class", 1), (("kl_divergence", "delta_p"), 8), (None, 29)):
        tracemalloc.start()
        kept = fastdiv.compare(p, q, y, want=want)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert kept is not None
        assert most < size * len(y) + 20_000


@pytest.mark.parametrize("step", [0.3, 30, 60, 120])
@pytest.mark.parametrize("order", ["rising", "falling", "risen once"])
def test_long_rows_whose_largest_logit_moves(order, step, dtype, isa):
    # From block to block, so that exponentials of blocks long past count from other powers of two.
    block = 1024 if dtype == np.float32 else 512
    c = 3 * block + 100
    rng = np.random.default_rng(5)
    level = step * (np.arange(c) // block)
    level = {"rising": level, "falling": -level, "risen once": np.minimum(level, step)}[order]
    p = (level + rng.normal(0, 2, c)).astype(dtype)
    for apart in (0.1, 2.0):
        q = (p + rng.normal(0, apart, c)).astype(dtype)
        for a, b in ((p, q), (q, p), (p, np.roll(p, 1))):
            for field in (*DIVERGENCES, "total_variation"):
                call = Call("compare", field=field)
                check(call, [Rows(a, b, a, b, f"{order} by {step}, {apart} apart", 0)], dtype)
