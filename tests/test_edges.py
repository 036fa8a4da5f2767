"""The edge contract, line by line."""

import warnings

import numpy as np
import pytest
from cases import MAKERS, SHORT_ENDS, SIGNATURES, rows_for
from layouts import LAYOUTS

import fastdiv
from fastdiv import _dispatch

INF, NAN = np.inf, np.nan
LOG2 = np.log(2)

# (what, function, arguments, keywords, expected)
TABLE = [
    ("0 log 0", "entropy", ([1, 0],), {}, 0),
    ("0 log 0", "cross_entropy", ([1, 0], [1, 0]), {}, 0),
    ("0 log(0/q)", "kl_divergence", ([0, 1], [0.5, 0.5]), {}, LOG2),
    ("0 log(0/0)", "kl_divergence", ([0, 1], [0, 1]), {}, 0),
    ("p > 0 where q = 0", "cross_entropy", ([0.5, 0.5], [1, 0]), {}, INF),
    ("p > 0 where q = 0", "cross_entropy", (1, [1, 0]), {}, INF),
    ("p > 0 where q = 0", "kl_divergence", ([0.5, 0.5], [1, 0]), {}, INF),
    ("p > 0 where q = 0", "js_divergence", ([1, 0], [0, 1]), {}, LOG2),
    ("as it stands", "entropy", ([2, 3],), {"normalize": False}, -2 * LOG2 - 3 * np.log(3)),
    ("as it stands", "kl_divergence", ([1, 1], [4, 4]), {"normalize": False}, -4 * LOG2),
    ("as it stands", "cross_entropy", ([1, 1], [4, 4]), {"normalize": False}, -4 * LOG2),
    ("as it stands", "cross_entropy", (0, [4, 4]), {"normalize": False}, -2 * LOG2),
    ("as it stands", "js_divergence", ([1, 2], [1, 2]), {"normalize": False}, 0),
    ("logit of -inf", "softmax", ([0, 0, -INF],), {}, [0.5, 0.5, 0]),
    ("logit of -inf", "log_softmax", ([0, 0, -INF],), {}, [-LOG2, -LOG2, -INF]),
    ("logit of -inf", "entropy_from_logits", ([0, 0, -INF],), {}, LOG2),
    ("logit of -inf", "logsumexp", ([0, 0, -INF],), {}, LOG2),
    ("label on -inf", "cross_entropy_from_logits", (2, [0, 0, -INF]), {}, INF),
    ("weight 0 on -inf", "cross_entropy_from_logits", ([1, 1, 0], [0, 0, -INF]), {}, LOG2),
    ("weight on -inf", "cross_entropy_from_logits", ([1, 1, 1], [0, 0, -INF]), {}, INF),
    ("both -inf", "kl_divergence_from_logits", ([0, 0, -INF], [0, 0, -INF]), {}, 0),
    ("both -inf", "js_divergence_from_logits", ([0, 0, -INF], [0, 0, -INF]), {}, 0),
    ("q masked", "kl_divergence_from_logits", ([0, 0], [0, -INF]), {}, INF),
    ("q masked, p next to 0", "kl_divergence_from_logits", ([0, -1000], [0, -INF]), {}, INF),
    ("p masked", "kl_divergence_from_logits", ([0, -INF], [0, 0]), {}, LOG2),
    ("one all masked", "logsumexp", ([-INF, -INF],), {}, -INF),
    ("+inf", "logsumexp", ([INF, 0],), {}, INF),
    ("+inf and -inf", "logsumexp", ([INF, -INF],), {}, INF),
    ("+inf and NaN", "logsumexp", ([INF, NAN],), {}, NAN),
    ("-inf and NaN", "logsumexp", ([-INF, NAN],), {}, NAN),
    ("C = 1", "entropy", ([3],), {}, 0),
    ("C = 1", "cross_entropy", (0, [0.3]), {}, 0),
    ("C = 1", "cross_entropy_from_logits", (0, [1e30]), {}, 0),
    ("C = 1", "kl_divergence", ([0.3], [0.7]), {}, 0),
    ("C = 1", "js_divergence", ([0.3], [0.7]), {}, 0),
    ("C = 1", "kl_divergence_from_logits", ([3], [7]), {}, 0),
    ("C = 1", "softmax", ([5],), {}, [1]),
    ("C = 1", "logsumexp", ([5],), {}, 5),
    ("C = 1", "cross_entropy", ([2], [3]), {}, 0),
    ("C = 1", "cross_entropy_from_logits", ([2], [3]), {}, 0),
    ("C = 1", "js_divergence_from_logits", ([3], [-7]), {}, 0),
    ("C = 1", "js_distance", ([0.3], [0.7]), {}, 0),
    ("C = 1", "entropy", ([0],), {}, NAN),
    ("C = 1", "softmax", ([-INF],), {}, [NAN]),
    ("-0.0 is 0", "kl_divergence", ([-0.0, 1], [0.5, 0.5]), {}, LOG2),
    ("-0.0 is 0", "kl_divergence", ([0, 1], [-0.0, 1]), {}, 0),
    ("-0.0 is 0", "cross_entropy", (0, [-0.0, 1]), {}, INF),
    ("-0.0 is 0", "js_divergence", ([-0.0, 1], [1, -0.0]), {}, LOG2),
    ("ignored label", "cross_entropy", (1, [1, 0]), {"ignore_index": 1}, 0),
    ("ignored label", "cross_entropy_from_logits", (0, [NAN, 0]), {"ignore_index": 0}, 0),
    ("ignored label", "cross_entropy_from_logits", (-1, [0, 0]), {"ignore_index": -1}, 0),
    ("0 log 0 by weight", "cross_entropy", ([1, 1], [1, 0]), {"class_weight": [1, 0]}, 0),
    ("0 log 0 by weight", "cross_entropy", (1, [1, 0]), {"class_weight": [1, 0]}, 0),
    ("tempered zeros", "cross_entropy", (0, [0, 0]), {"temperature": 2}, NAN),
    ("tempered negative", "cross_entropy", (0, [2, -1]), {"temperature": 2}, NAN),
    ("huge logits", "logsumexp", ([1e30, 1e30],), {}, 1e30),
    ("huge logits", "cross_entropy_from_logits", (1, [1e30, 0]), {}, 1e30),
    ("huge logits", "kl_divergence_from_logits", ([1e30, 0], [0, 1e30]), {}, 1e30),
    ("huge logits", "js_divergence_from_logits", ([1e30, 0], [0, 1e30]), {}, LOG2),
]
BAD_WEIGHTS = {
    "NaN": [NAN, 1, 1],
    "negative": [-1, 2, 1],
    "+inf": [INF, 1, 1],
    "-inf": [-INF, 1, 1],
    "zeros": [0, 0, 0],
    "hidden NaN": [0.5, NAN, 0.5],
    "two infinities": [INF, INF, 1],
}
BAD_LOGITS = {
    "NaN": [NAN, 1, 1],
    "+inf": [INF, 1, 1],
    "all -inf": [-INF, -INF, -INF],
    "both": [INF, -INF, 1],
}


@pytest.mark.parametrize("row", TABLE, ids=[f"{r[1]}-{r[0]}" for r in TABLE])
def test_table(row, dtype):
    _, name, args, keywords, expected = row
    arrays = [a if isinstance(a, int) else np.array(a, dtype) for a in args]
    got = getattr(fastdiv, name)(*arrays, **keywords)
    assert got == pytest.approx(
        np.array(expected, dtype), rel=4 * float(np.finfo(dtype).eps), abs=0, nan_ok=True
    )
    if np.all(np.array(expected) == 0):
        assert np.all(got == 0)


@pytest.mark.parametrize("isa", _dispatch.runnable())
@pytest.mark.parametrize("row", TABLE, ids=[f"{r[1]}-{r[0]}" for r in TABLE])
def test_table_in_the_midst_of_a_batch(row, isa, dtype, monkeypatch):
    # Every line, from every instruction set, however the batch lies in memory.
    _, name, args, keywords, expected = row
    monkeypatch.setattr(fastdiv._rows, "kernels", _dispatch.load(isa))
    function = getattr(fastdiv, name)
    ordinary = rows_for(name, 5, np.size(args[-1]), dtype)
    rows = [a for a in args if not isinstance(a, int)]
    labels = [np.array([0, 0, a, 0, 0]) for a in args if isinstance(a, int)]
    batch = [o.copy() for o in ordinary[-len(rows) :]]
    before = function(*[np.zeros(5, int) for _ in labels], *batch, **keywords)
    for b, edge in zip(batch, rows, strict=True):
        b[2] = edge
    for layout in (None, *LAYOUTS):
        for axis in (-1, 0):
            laid = [b if axis == -1 else b.T.copy() for b in batch]
            given = laid if layout is None else [layout(a) for a in laid]
            got = function(*labels, *given, **keywords, axis=axis)
            got = got.T if axis == 0 and name in MAKERS else got
            assert got.dtype == dtype
            assert got[2] == pytest.approx(
                np.array(expected, dtype), rel=4 * float(np.finfo(dtype).eps), abs=0, nan_ok=True
            )
            assert np.any(expected) or np.all(got[2] == 0)
            np.testing.assert_array_equal(np.delete(got, 2, 0), np.delete(before, 2, 0))


@pytest.mark.parametrize("isa", _dispatch.runnable())
def test_bad_rows_of_every_layout(name, isa, dtype, monkeypatch):
    monkeypatch.setattr(fastdiv._rows, "kernels", _dispatch.load(isa))
    function = getattr(fastdiv, name)
    kinds = SIGNATURES[name]
    for place, kind in enumerate(kinds):
        for what, bad in (BAD_WEIGHTS if kind == "w" else BAD_LOGITS).items():
            args = [a.copy() for a in rows_for(name, 5, 3, dtype)]
            before = function(*args)
            args[place][2] = bad
            for layout in LAYOUTS:
                got = function(*[layout(a) for a in args])
                if name == "logsumexp" and what != "NaN":
                    assert got[2] == (-np.inf if what == "all -inf" else np.inf)
                else:
                    assert np.isnan(got[2]).all()
                np.testing.assert_array_equal(np.delete(got, 2, 0), np.delete(before, 2, 0))


def bad_rows():
    """Every function with each of its arguments bad, the others fine."""
    for name, kinds in SIGNATURES.items():
        for place, kind in enumerate(kinds):
            for what in BAD_WEIGHTS if kind == "w" else BAD_LOGITS:
                if name != "logsumexp":
                    yield name, place, what


@pytest.mark.parametrize(("name", "place", "what"), list(bad_rows()))
@pytest.mark.parametrize("c", [3, 40, 1500])
def test_a_bad_row_is_nan_and_alone(name, place, what, c, dtype):
    kind = SIGNATURES[name][place]
    bad = (BAD_WEIGHTS if kind == "w" else BAD_LOGITS)[what]
    args = [a.copy() for a in rows_for(name, 5, c, dtype)]
    before = getattr(fastdiv, name)(*args)
    if what in ("zeros", "all -inf"):
        args[place][2] = bad[0]
    else:
        args[place][2, -3:] = bad
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        got = getattr(fastdiv, name)(*args)
    assert np.isnan(got[2]).all()
    np.testing.assert_array_equal(np.delete(got, 2, 0), np.delete(before, 2, 0))


@pytest.mark.parametrize("what", BAD_WEIGHTS)
def test_a_bad_row_under_a_label_is_nan(what, dtype):
    q = np.array(BAD_WEIGHTS[what], dtype)
    assert all(np.isnan(fastdiv.cross_entropy(y, q)) for y in range(3))


@pytest.mark.parametrize("what", BAD_LOGITS)
@pytest.mark.parametrize(
    "options",
    [{}, {"label_smoothing": 0.1}, {"class_weight": [1, 2, 1]}, {"temperature": 3.0}],
    ids=lambda o: "".join(o) or "plain",
)
def test_bad_logits_under_a_label_are_nan(what, options, dtype):
    x = np.array([BAD_LOGITS[what], [0, 1, 2]], dtype)
    for y in range(3):
        got = fastdiv.cross_entropy_from_logits([y, y], x, **options)
        np.testing.assert_array_equal(np.isnan(got), [True, False])


def test_divergences_of_a_row_from_itself_are_exactly_0(dtype):
    p = np.random.default_rng(0).random((50, 777)).astype(dtype)
    x = (20 * p).astype(dtype)
    assert np.all(fastdiv.kl_divergence(p, p) == 0)
    assert np.all(fastdiv.js_divergence(p, p) == 0)
    assert np.all(fastdiv.kl_divergence(p, 4 * p) == 0)
    assert np.all(fastdiv.kl_divergence_from_logits(x, x) == 0)
    assert np.all(fastdiv.js_divergence_from_logits(x, x) == 0)


def test_js_never_exceeds_log_2(dtype):
    p, q = np.eye(2, 3000, dtype=dtype)
    assert fastdiv.js_divergence(p, q) == dtype(LOG2)
    assert fastdiv.js_divergence_from_logits(1e4 * p, 1e4 * q) == dtype(LOG2)


def test_where_js_may_exceed_log_2_or_be_negative(dtype):
    # Rows as they stand, and a base below 1, as the docstrings say.
    p, q = 2 * np.eye(2, 300, dtype=dtype)
    assert fastdiv.js_divergence(p, q, normalize=False) == dtype(2 * LOG2)
    assert fastdiv.js_divergence(p, q, base=2) == 1
    assert fastdiv.js_divergence(p, q, base=0.5) == -1
    assert fastdiv.js_distance(p, q, base=2) == 1


def test_weights_at_the_ends_of_the_range(dtype):
    tiny, big = np.finfo(dtype).smallest_subnormal, np.finfo(dtype).max
    for p, q in (([tiny, tiny], [tiny, 3 * tiny]), ([big, big], [big / 3, big])):
        a, b = np.array(p, dtype), np.array(q, dtype)
        rel = 4 * float(np.finfo(dtype).eps)
        assert fastdiv.entropy(a) == pytest.approx(LOG2, rel=rel)
        assert fastdiv.kl_divergence(a, b) == pytest.approx(0.14384103622589045, rel=rel)
        assert fastdiv.cross_entropy(a, b) == pytest.approx(0.8369882167858358, rel=rel)
        assert fastdiv.js_divergence(a, b) == pytest.approx(0.03382207556860523, rel=rel)
        assert fastdiv.cross_entropy(0, b) == pytest.approx(2 * LOG2, rel=rel)


@pytest.mark.parametrize("isa", _dispatch.runnable())
@pytest.mark.parametrize("c", [5, 40, 100, 200, 3000])
@pytest.mark.parametrize("scale", [1, 3])
def test_weight_where_q_is_0_amid_other_rows(c, scale, isa, dtype, monkeypatch):
    monkeypatch.setattr(fastdiv._rows, "kernels", _dispatch.load(isa))
    rng = np.random.default_rng(c)
    p, q = rng.random((2, 20, c)).astype(dtype)
    q *= scale
    q[1, c // 2] = 0
    q[2, [0, -1]] = 0
    q[3, -1], p[3, -1] = 0, 0
    q[4, 1], p[4, -1] = 0, NAN
    q[5, 1], q[5, -1] = 0, INF
    q[6, 1], p[6, 2] = 0, -1
    q[7] = 0
    q[8, 1], p[8, 2] = 0, INF
    q[9, 1], p[9] = 0, 0
    q[10, 1], q[10, -1] = 0, NAN
    q[11, 1], p[11, 1] = 0, np.finfo(dtype).smallest_subnormal
    rows = range(20)
    infinite, nan = [r in (1, 2, 11) for r in rows], [r in (4, 5, 6, 7, 8, 9, 10) for r in rows]
    kl = fastdiv.kl_divergence(p, q)
    np.testing.assert_array_equal(np.isinf(kl), infinite)
    np.testing.assert_array_equal(np.isnan(kl), nan)
    crossed = fastdiv.cross_entropy(p, q)
    np.testing.assert_array_equal(np.isinf(crossed), infinite)
    np.testing.assert_array_equal(np.isnan(crossed), nan)
    np.testing.assert_array_equal(np.isnan(fastdiv.js_divergence(p, q)), nan)
    assert np.isinf(fastdiv.kl_divergence(p[7], q[7], normalize=False))


@pytest.mark.parametrize("isa", _dispatch.runnable())
@pytest.mark.parametrize("name", ["cross_entropy", "cross_entropy_from_logits"])
@pytest.mark.parametrize(
    ("p", "options"),
    [
        ([1e10, 5e-324, 1], {}),
        ([1e10, 5e-324, 1], {"class_weight": [1, 1, 1]}),
        ([1, 1e-200, 1], {"class_weight": [1, 1e-200, 1]}),
        ([1, 0, 1], {"label_smoothing": 5e-324}),
        ([1, 0, 1], {"label_smoothing": 1e-300, "class_weight": [1, 1e-300, 1]}),
        (0, {"label_smoothing": 1e-300, "class_weight": [1, 1e-300, 1]}),
        (1, {"label_smoothing": 0.5, "class_weight": [1, 5e-324, 1]}),
        ([1e10, 5e-324, 1], {"temperature": 3.0}),
    ],
)
def test_a_weight_too_small_for_the_type_is_one_where_q_is_0(p, options, name, isa, monkeypatch):
    monkeypatch.setattr(fastdiv._rows, "kernels", _dispatch.load(isa))
    q = np.array([1.0, 0.0, 2.0]) if name == "cross_entropy" else np.array([0.0, -INF, 1.0])
    function = getattr(fastdiv, name)
    assert function(p, q, **options) == INF
    # Where q is not 0 it is nothing.
    q[1] = 1
    assert function(p, q, **options) < 1e30


def test_no_rows(name, function, dtype):
    args = [np.empty((0, 3), dtype) for _ in SIGNATURES[name]]
    assert function(*args).shape == ((0, 3) if name in MAKERS else (0,))
    assert function(*args).dtype == dtype


def test_no_rows_with_labels(dtype):
    y, x = np.empty(0, int), np.empty((0, 3), dtype)
    assert fastdiv.cross_entropy_from_logits(y, x).shape == (0,)
    assert fastdiv.cross_entropy_from_logits(y, x, reduction="sum") == 0
    assert np.isnan(fastdiv.cross_entropy_from_logits(y, x, reduction="mean"))


def test_no_classes(name, function, dtype):
    with pytest.raises(ValueError, match=r"\(3, 0\) has no classes"):
        function(*[np.empty((3, 0), dtype) for _ in SIGNATURES[name]])


@pytest.mark.parametrize("c", [1, 10, 63, 64, 65, 128, 512, 1024, 2048])
def test_no_weight_at_all_is_a_positive_zero(c, dtype):
    # Every term is 0 log(1 / 2), which is -0.
    p, q = np.zeros((3, c), dtype), np.full((3, c), 2, dtype)
    made = fastdiv.cross_entropy(p, q, normalize=False)
    assert (made == 0).all()
    assert not np.signbit(made).any()


@pytest.mark.parametrize("c", [1, 2, 3, 70, *SHORT_ENDS, 600, 1100])
def test_negative_weights_alone_make_no_distribution(c, dtype):
    # As log-probabilities do that are given by mistake.
    p = np.full((40, c), 1 / c, dtype)
    for q in (np.log(p + dtype(1e-3)) - 1, -p):
        q = q.astype(dtype)
        assert np.all(q < 0)
        for a, b in ((p, q), (q, p), (q, q)):
            assert np.isnan(fastdiv.kl_divergence(a, b)).all()
            assert np.isnan(fastdiv.js_divergence(a, b)).all()
            assert np.isnan(fastdiv.js_distance(a, b)).all()
            for t in (1.0, 1e-5, 0.7, 1e70):
                for given in (None, "f8"):
                    made = fastdiv.cross_entropy(a, b, temperature=t, dtype=given)
                    assert np.isnan(made).all()
                    made = fastdiv.cross_entropy(np.zeros(40, int), q, temperature=t, dtype=given)
                    assert np.isnan(made).all()


@pytest.mark.parametrize("c", [2, 61, 130, 230, 600, 1100])
def test_a_label_next_to_nothing_beside_huge_weights(c):
    q = np.zeros((20, c))
    q[:, 0], q[:, -1] = 0.5, 1e308
    want = 308 * np.log(10) + np.log(2)
    for options in ({}, {"class_weight": np.ones(c)}):
        got = fastdiv.cross_entropy(np.zeros(20, int), q, **options)
        assert got == pytest.approx(want, rel=1e-15)
