"""Calls that take the short way (``kernels.plain``) against the same calls that cannot."""

from typing import Any

import numpy as np
import pytest
from cases import DTYPES, MAKERS, SIGNATURES, rows_for

import fastdiv
from fastdiv import _threads
from fastdiv._dispatch import kernels
from fastdiv._rows import FUNCTION

OPTIONS: list[dict[str, Any]] = [{}, {"base": 2}, {"normalize": False}, {"base": 10.0}]
REDUCTIONS = ("none", "mean", "sum")


def same(a: Any, b: Any) -> None:
    """The same bits, type and shape."""
    assert type(a) is type(b)
    a, b = np.asarray(a), np.asarray(b)
    assert a.dtype == b.dtype
    assert a.shape == b.shape
    assert a.tobytes() == b.tobytes()


def both(monkeypatch: pytest.MonkeyPatch, name: str, *args: Any, **options: Any) -> tuple[Any, Any]:
    """The answer the short way, which must be taken, and the long way."""
    taken = []
    short_way = kernels.plain

    def seen(*a: Any, **k: Any) -> Any:
        taken.append(short_way(*a, **k))
        return taken[-1]

    function = getattr(fastdiv, name)
    with monkeypatch.context() as patch:
        patch.setattr(kernels, "plain", seen)
        short = function(*args, **options)
        assert [made is None for made in taken] == [False]
        patch.setattr(kernels, "plain", lambda *_, **__: None)
        return short, function(*args, **options)


@pytest.mark.thread_unsafe
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(5,), (1, 1), (3, 7), (0, 4), (2, 3, 100), (4, 300), (2, 2000)])
@pytest.mark.parametrize("name", SIGNATURES)
def test_both_ways_give_the_same(
    monkeypatch: pytest.MonkeyPatch, name: str, shape: tuple[int, ...], dtype: Any
) -> None:
    n = int(np.prod(shape[:-1]))
    args = [a.reshape(shape) for a in rows_for(name, n, shape[-1], dtype)]
    for options in OPTIONS:
        if "base" in options and name in (*MAKERS, "logsumexp"):
            continue
        if "normalize" in options and "x" in SIGNATURES[name]:
            continue
        same(*both(monkeypatch, name, *args, **options))
    same(*both(monkeypatch, name, *args, axis=len(shape) - 1))


@pytest.mark.thread_unsafe
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("name", ["cross_entropy", "cross_entropy_from_logits"])
def test_labels_and_reductions(
    monkeypatch: pytest.MonkeyPatch, name: str, reduction: str, dtype: Any
) -> None:
    p, q = rows_for(name, 6, 30, dtype)
    for shape in ((6,), (2, 3), (0,)):
        rows = q[: int(np.prod(shape))].reshape(*shape, 30)
        y = np.arange(rows.shape[0] * 10)[: int(np.prod(shape))].reshape(shape)
        truths = (y, p[: y.size].reshape(rows.shape))
        for truth in truths:
            same(*both(monkeypatch, name, truth, rows, reduction=reduction))
            same(*both(monkeypatch, name, truth, rows, reduction=reduction, base=2))


@pytest.mark.thread_unsafe
@pytest.mark.parametrize("name", SIGNATURES)
def test_bad_rows_keep_their_edges(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    args = rows_for(name, 8, 40, np.float32)
    for a in args:
        a[1, 2] = np.nan
        a[3] = 0 if a.min() >= 0 else -np.inf
        a[5, 7] = np.inf
        a[6, 1] = 0 if a.min() >= 0 else -np.inf
    same(*both(monkeypatch, name, *args))


class Subclass(np.ndarray):
    """Not NumPy's own type."""


@pytest.mark.parametrize(
    ("p", "q"),
    [
        (np.ones((2, 3), ">f4"), np.ones((2, 3), ">f4")),
        (np.ones((2, 3), np.float16), np.ones((2, 3), np.float16)),
        (np.ones((2, 3), np.int64), np.ones((2, 3), np.int64)),
        (np.ones((2, 3)), np.ones((2, 3), np.float32)),
        (np.ones((2, 3)), np.ones((1, 3))),
        (np.ones((2, 3)), np.ones(3)),
        (np.ones((3, 2)).T, np.ones((2, 3))),
        (np.ones((2, 6))[:, ::2], np.ones((2, 3))),
        (np.ones((2, 3)).view(Subclass), np.ones((2, 3))),
        (np.ones((2, 0)), np.ones((2, 0))),
        (np.float64(1), np.float64(1)),
        (np.ones(()), np.ones(())),
        ([[0.5, 0.5]], [[0.5, 0.5]]),
        (np.ones(25, np.uint8)[1:].view(np.float64), np.ones(3)),
        (np.ones((600, 1000)), np.ones((600, 1000))),
        (np.ones((2, 3)), None),
    ],
)
def test_what_is_not_plain_takes_the_long_way(p: Any, q: Any) -> None:
    for function in ("kl_divergence", "cross_entropy"):
        assert kernels.plain(FUNCTION[function], (p, q)) is None
        assert kernels.plain(FUNCTION[function], (q, p)) is None


@pytest.mark.parametrize(
    "labels",
    [
        np.array([0, 3]),
        np.array([0, -1]),
        np.array([0, 1], np.int32),
        np.array([0, 1], ">i8"),
        np.array([0, 1, 2]),
        np.array([[0, 1]]),
        np.array(0),
        np.array([0, 9, 1, 9])[::2],
        [0, 1],
    ],
)
def test_labels_that_are_not_plain(labels: Any) -> None:
    function = FUNCTION["cross_entropy_label_from_logits"]
    assert kernels.plain(function, (np.zeros((2, 3)),), labels) is None


def test_classes_along_another_axis_take_the_long_way() -> None:
    x = np.zeros((2, 3, 4))
    for axis in (0, 1, -2, -3, 3, -4, 7):
        assert kernels.plain(FUNCTION["logsumexp"], (x,), axis=axis) is None


def test_a_plain_array_is_too_small_to_be_shared() -> None:
    rows = np.zeros((_threads.LEAST_BLOCK // 8, 8), np.float32)
    more = np.zeros((len(rows) + 1, 8), np.float32)
    assert kernels.plain(FUNCTION["logsumexp"], (rows,)) is not None
    assert kernels.plain(FUNCTION["logsumexp"], (more,)) is None


def test_a_sum_beyond_float32_is_infinite() -> None:
    x = np.array([[3e38, 0.0], [3e38, 0.0]], np.float32)
    total = fastdiv.cross_entropy_from_logits(np.array([1, 1]), x, reduction="sum")
    assert total == np.inf
    assert total.dtype == np.float32


@pytest.mark.thread_unsafe
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(5,), (3, 7), (0, 4), (2, 3, 100)])
@pytest.mark.parametrize("name", SIGNATURES)
def test_keepdims_and_float64(
    monkeypatch: pytest.MonkeyPatch, name: str, shape: tuple[int, ...], dtype: Any
) -> None:
    args = [a.reshape(shape) for a in rows_for(name, int(np.prod(shape[:-1])), shape[-1], dtype)]
    for wide in (np.float64, "float64", float, np.dtype(np.float64)):
        same(*both(monkeypatch, name, *args, dtype=wide))
    if name in MAKERS:
        return
    kept, _ = both(monkeypatch, name, *args, keepdims=True)
    assert kept.shape == (*shape[:-1], 1)
    same(*both(monkeypatch, name, *args, keepdims=True))
    same(*both(monkeypatch, name, *args, keepdims=True, dtype=np.float64))
    out = np.empty(shape[:-1])
    assert both(monkeypatch, name, *args, out=out, dtype=np.float64)[0] is out


@pytest.mark.thread_unsafe
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["cross_entropy", "cross_entropy_from_logits"])
def test_cross_entropy_with_any_labels(
    monkeypatch: pytest.MonkeyPatch, name: str, dtype: Any
) -> None:
    _, q = rows_for(name, 6, 30, dtype)
    y = np.arange(6) * 5
    own = getattr(fastdiv, name)(y, q)
    for kind in (np.int8, np.uint8, np.int32, np.uint32, ">i4", ">i8"):
        some = y.astype(kind)
        same(both(monkeypatch, name, some, q)[0], own)
        for reduction in REDUCTIONS:
            same(*both(monkeypatch, name, some, q, reduction=reduction, dtype=np.float64))
            same(*both(monkeypatch, name, some, q, reduction=reduction, ignore_index=5))
        same(*both(monkeypatch, name, some, q, keepdims=True, label_smoothing=0.1))
    # 2^64 - 100 is not the -100 that is ignored.
    past = y.astype(np.uint64)
    same(getattr(fastdiv, name)(past, q, ignore_index=-100), own)
    past[2] = 2**64 - 100
    with pytest.raises(IndexError, match="18446744073709551516"):
        getattr(fastdiv, name)(past, q, ignore_index=-100)


@pytest.mark.parametrize("name", MAKERS)
def test_out_of_another_type_is_not_in_place(name: str) -> None:
    room = np.zeros(40)
    x = room.view(np.float32)[:40].reshape(4, 10)
    out = room.reshape(4, 10)
    with pytest.raises(ValueError, match="overlaps an input"):
        getattr(fastdiv, name)(x, out=out, dtype=np.float64)


WANTS = (None, "cross_entropy", ["rank", "entropy"], "kl_divergence", ["same_top_class"])


def both_several(
    monkeypatch: pytest.MonkeyPatch, name: str, *args: Any, **options: Any
) -> tuple[Any, Any, bool]:
    """The answers of both ways, or their errors, and whether the short one was taken."""
    taken: list[Any] = []
    ways = {way: getattr(kernels, way) for way in ("plain_several", "plain")}

    def seen(way: str) -> Any:
        def call(*a: Any, **k: Any) -> Any:
            taken.append(ways[way](*a, **k))
            return taken[-1]

        return call

    def made() -> Any:
        try:
            return vars(getattr(fastdiv, name)(*args, **options))
        except (TypeError, ValueError, IndexError) as error:
            return f"{type(error).__name__}: {error}"

    with monkeypatch.context() as patch:
        for way in ways:
            patch.setattr(kernels, way, seen(way))
        short = made()
        is_taken = taken != [] and taken[0] is not None
        for way in ways:
            patch.setattr(kernels, way, lambda *_, **__: None)
        return short, made(), is_taken


def same_fields(a: Any, b: Any) -> None:
    assert type(a) is type(b)
    if isinstance(a, str):
        assert a == b
        return
    assert list(a) == list(b)
    for name, value in a.items():
        assert (value is None) == (b[name] is None)
        if value is not None:
            same(value, b[name])


@pytest.mark.thread_unsafe
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(5,), (1, 1), (3, 7), (0, 4), (2, 3, 100), (4, 300), (2, 2000)])
def test_both_ways_tell_the_same_fields(
    monkeypatch: pytest.MonkeyPatch, shape: tuple[int, ...], dtype: Any
) -> None:
    rng = np.random.default_rng(shape[-1])
    x, z = rng.normal(size=(2, *shape)).astype(dtype)
    if x.ndim > 1 and len(x) > 1:
        x[1, ..., 0] = np.nan
    y: Any = np.asarray(rng.integers(0, shape[-1], shape[:-1]))
    for want in WANTS:
        for name, args in (("score", (y, x)), ("compare", (x, z)), ("compare", (x, z, y))):
            fields = getattr(fastdiv, {"score": "Scores", "compare": "Comparison"}[name])
            known = set(fields.__dataclass_fields__)
            names = [want] if isinstance(want, str) else want or known
            wrong = not set(names) <= known
            short, long, taken = both_several(monkeypatch, name, *args, want=want)
            assert taken != wrong
            same_fields(short, long)


@pytest.mark.thread_unsafe
@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int32, np.uint32, ">i8"])
def test_fields_with_any_labels(monkeypatch: pytest.MonkeyPatch, kind: Any) -> None:
    rng = np.random.default_rng(0)
    x, z = rng.normal(size=(2, 6, 8)).astype(np.float32)
    y = rng.integers(0, 8, 6).astype(kind)
    for name, args, want in (
        ("score", (y, x), None),
        ("score", (y, x), "cross_entropy"),
        ("compare", (x, z, y), None),
    ):
        short, long, taken = both_several(monkeypatch, name, *args, want=want)
        assert taken
        same_fields(short, long)


@pytest.mark.thread_unsafe
def test_what_is_not_plain_goes_the_long_way(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    x, z = rng.normal(size=(2, 6, 8)).astype(np.float32)
    y = rng.integers(0, 8, 6)

    class Own(np.ndarray):
        pass

    for name, args, options in (
        ("score", (y, np.asfortranarray(x)), {}),
        ("score", (y, x[:, ::2][:, :4]), {}),
        ("score", (y, x.astype(">f4")), {}),
        ("score", (y, x.astype(np.float16)), {}),
        ("score", (y.tolist(), x.tolist()), {}),
        ("score", (y.astype(np.uint64), x), {}),
        ("score", (y.astype(np.int32) - 9, x), {}),
        ("score", (y, x.view(Own)), {}),
        ("score", (3, x), {}),
        ("score", (y, x), {"workers": 2}),
        ("score", (y + 8, x), {}),
        ("score", (y * 1.0, x), {}),
        ("score", (y[:3], x), {}),
        ("score", (None, x), {}),
        ("compare", (x, z[0]), {}),
        ("compare", (x, z.astype(np.float64)), {}),
        ("compare", (x, z, y - 20), {}),
        ("compare", (x, z[:, :5]), {}),
        ("compare", (x, None), {}),
    ):
        short, long, taken = both_several(monkeypatch, name, *args, **options)
        assert not taken, (name, options)
        same_fields(short, long)


CROSS_ENTROPY_OPTIONS: list[dict[str, Any]] = [
    {"label_smoothing": 0.1},
    {"label_smoothing": 1.0},
    {"temperature": 2.5},
    {"temperature": 1e-200},
    {"class_weight": np.arange(30) % 4 / 3},
    {"class_weight": np.arange(30) * 1e-200},
    {"class_weight": list(range(30)), "label_smoothing": 0.1, "temperature": 0.5, "base": 2},
    {"normalize": False, "temperature": 3.0, "label_smoothing": 0.2},
]


@pytest.mark.thread_unsafe
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("name", ["cross_entropy", "cross_entropy_from_logits"])
def test_options_of_cross_entropy(
    monkeypatch: pytest.MonkeyPatch, name: str, reduction: str, dtype: Any
) -> None:
    p, q = rows_for(name, 6, 30, dtype)
    y = np.arange(6) * 4
    for options in CROSS_ENTROPY_OPTIONS:
        for truth in (p, y):
            same(*both(monkeypatch, name, truth, q, reduction=reduction, **options))
            same(*both(monkeypatch, name, truth[0:1], q[0:1], reduction=reduction, **options))
        for ignored in (4, -100, 10**6):
            some = np.where(y == 8, ignored, y)
            given = {"reduction": reduction, "ignore_index": ignored, **options}
            same(*both(monkeypatch, name, some, q, **given))
        # Classes that come first are as many as there are weights.
        across = getattr(fastdiv, name)(p.T, np.ascontiguousarray(q.T), axis=0, **options)
        np.testing.assert_array_equal(across, getattr(fastdiv, name)(p, q, **options))


@pytest.mark.thread_unsafe
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SIGNATURES)
def test_out_of_a_small_call(monkeypatch: pytest.MonkeyPatch, name: str, dtype: Any) -> None:
    for shape in ((5,), (3, 7), (2, 3, 100), (0, 4)):
        args = [
            a.reshape(shape) for a in rows_for(name, int(np.prod(shape[:-1])), shape[-1], dtype)
        ]
        kind = shape if name in MAKERS else shape[:-1]
        first, second = np.empty(kind, dtype), np.empty(kind, dtype)
        short, _ = both(monkeypatch, name, *args, out=first)
        with monkeypatch.context() as patch:
            patch.setattr(kernels, "plain", lambda *_, **__: None)
            assert getattr(fastdiv, name)(*args, out=second) is second
        assert short is first
        same(first, second)


@pytest.mark.parametrize("name", MAKERS)
def test_a_small_row_may_be_made_in_place(name: str) -> None:
    x = np.linspace(-3, 3, 40).reshape(4, 10)
    wanted = getattr(fastdiv, name)(x)
    whole = np.concatenate([x, x])
    assert kernels.plain(FUNCTION[name], (whole[:4],), None, whole[:4], makes_rows=True) is not None
    same(whole[:4], wanted)
    # A part of it is another matter.
    assert kernels.plain(FUNCTION[name], (whole[:4],), None, whole[1:5], makes_rows=True) is None
    with pytest.raises(ValueError, match="overlaps an input"):
        getattr(fastdiv, name)(whole[:4], out=whole[1:5])


def test_out_that_is_not_plain_takes_the_long_way() -> None:
    x, y, room = np.ones((3, 4)), np.arange(3), np.zeros(24)
    rows = room[:12].reshape(3, 4)
    number = FUNCTION["cross_entropy_label_from_logits"]
    weight = np.ones(4)
    for out in (
        np.empty(3, np.float32),
        np.empty(4),
        np.empty((3, 1)),
        np.empty(6)[::2],
        np.empty(3).view(Subclass),
        x[0, :3],
        y.view(np.float64),
        weight[:3],
        [0.0, 0.0, 0.0],
        np.lib.stride_tricks.as_strided(np.empty(3), writeable=False),
    ):
        assert kernels.plain(number, (x,), y, out, weight=weight) is None
    assert kernels.plain(number, (rows,), y, room[11:14]) is None
    assert kernels.plain(number, (rows,), y, room[12:15]) is not None
