"""What the fuzzer asks of ``score`` and ``compare``.

The bits of a field are those of plain arrays, for any ``want`` and ``workers``, and of the function
of that one number where there is one. Fields are what their definitions in longdouble say, loosely,
and what their docstrings say of rows that are no distribution.
"""

from typing import Any

import numpy as np
from atheris import FuzzedDataProvider
from fuzz_arrays import array, plain

import fastdiv
from fastdiv import _fields, _reference

DOCUMENTED = (TypeError, ValueError, IndexError)
KINDS = _fields.SCORES | _fields.COMPARISON
# Of a row that is no distribution; the others are NaN.
UNKNOWN = {"top_class": -1, "rank": 0, "same_top_class": False}
MOST = {"js_divergence": np.log(2), "total_variation": 1, "brier_score": 2, "probability": 1}
# Relative and absolute.
LOOSE = {"float32": (1e-4, 1e-9), "float64": (1e-9, 1e-15)}
# Logits up to which fields are held to their definitions: twice as much is a double.
LARGE = 4e307


def names(data: FuzzedDataProvider, fields: list[str]) -> Any:
    """Choose a ``want``, good or bad."""
    kind = data.ConsumeIntInRange(0, 7)
    if kind == 0:
        return None
    if kind == 1:
        return fields[data.ConsumeIntInRange(0, len(fields) - 1)]
    if kind == 2:
        return ("", ["accuracy"], (), [fields[0], "kl"])[data.ConsumeIntInRange(0, 3)]
    return {field for field in fields if data.ConsumeBool()}


def labels(data: FuzzedDataProvider, rows: Any) -> Any:
    """Make labels, most of them valid and one for each row, or a single one."""
    if data.ConsumeIntInRange(0, 9) == 0 or not isinstance(rows, np.ndarray) or not rows.ndim:
        return array(data)
    bad = data.ConsumeIntInRange(0, 9) == 0
    most = max(rows.shape[-1] - 1 + bad, 0)
    lead = rows.shape[:-1]
    kind = data.ConsumeIntInRange(0, 5)
    if kind == 0:
        lead = ()
    elif kind == 1:
        lead = tuple(1 if data.ConsumeBool() else n for n in lead)
    few = data.ConsumeIntListInRange(min(int(np.prod(lead)), 50), -int(bad), most) or [0]
    dtype = ("i8", "u8", ">i4", "i2", "u1")[data.ConsumeIntInRange(0, 4)]
    made = np.resize(np.array(few), lead).astype(dtype)
    return np.repeat(made, 2, -1)[..., ::2] if kind == 2 and lead else made


def logits(data: FuzzedDataProvider, name: str) -> list[Any]:
    """Make one or two arrays of rows; of two, the second is often like or near the first."""
    first = array(data)
    if name == "score":
        return [first]
    kind = data.ConsumeIntInRange(0, 5)
    if kind < 3 or not isinstance(first, np.ndarray) or first.dtype.kind != "f":
        second = array(data)
        alike = kind < 2 and isinstance(first, np.ndarray) and isinstance(second, np.ndarray)
        return [first, np.resize(second, first.shape) if alike else second]
    if kind == 3:
        return [first, first[..., :1, :] if first.ndim > 1 else first.copy()]
    moved = first.copy()
    if moved.size:
        at = data.ConsumeIntInRange(0, moved.size - 1)
        moved.flat[at] = moved.flat[at] * 1.001 + 0.01
    return [first, moved if kind == 4 else np.nextafter(first, moved)]


def expected(y: Any, xs: list[Any]) -> dict[str, Any]:
    """Every field by its definition; each row less its largest logit, to keep its digits."""
    tops = [x.max(-1, keepdims=True) for x in xs]
    moved = [x - m for x, m in zip(xs, tops, strict=True)]
    if len(xs) == 1:
        made, whole = _reference.score(y, *moved), _reference.score(y, *xs)
        made["logsumexp"] += tops[0][:, 0]
        return made | {name: whole[name] for name in ("top_class", "rank")}
    made = _reference.compare(*moved, y)
    p, q = (np.isneginf(x) for x in xs)
    # However small a weight is, where the other row has none.
    for name, some in (("kl_divergence", q & ~p), ("reverse_kl_divergence", p & ~q)):
        made[name] = np.where(some.any(-1), np.inf, made[name])
    made["same_top_class"] = xs[0].argmax(-1) == xs[1].argmax(-1)
    return made


def functions(y: Any, xs: list[Any]) -> dict[str, Any]:
    """The fields that there are functions of, by these."""
    if len(xs) == 1:
        return {
            "cross_entropy": fastdiv.cross_entropy_from_logits(y, xs[0]),
            "logsumexp": fastdiv.logsumexp(xs[0]),
            "entropy": fastdiv.entropy_from_logits(xs[0]),
        }
    crosses = [fastdiv.cross_entropy_from_logits(y, x) for x in xs]
    return dict(zip(("p_cross_entropy", "q_cross_entropy"), crosses, strict=True))


def flat(given: list[Any], y: Any) -> tuple[Any, list[Any], Any, tuple[int, ...]]:
    """Labels, rows one below the other in the type of the results, that type, and the axes."""
    arrays = [np.asarray(rows) for rows in given]
    narrow = all(a.dtype.name in ("float16", "bfloat16", "float32") for a in arrays)
    dtype = np.float32 if narrow else np.float64
    xs = np.broadcast_arrays(*(a.astype(dtype) for a in arrays))
    lead = np.broadcast_shapes(xs[0].shape[:-1], np.shape(y))
    c = xs[0].shape[-1]
    y = np.broadcast_to(0 if y is None else np.asarray(y).astype(int), lead).reshape(-1)
    return y, [np.broadcast_to(x, (*lead, c)).reshape(-1, c) for x in xs], dtype, lead


def hold(given: list[Any], y: Any, made: dict[str, Any]) -> None:
    """Hold all fields to what they should be."""
    y, xs, dtype, lead = flat(given, y)
    tops = [x.max(-1) for x in xs]
    good = np.logical_and.reduce(np.isfinite(tops))
    for name, values in made.items():
        assert np.shape(values) == lead, (name, lead)
        assert np.asarray(values).dtype == (KINDS[name] or dtype), name
        unknown = tops[0] if name == "logsumexp" else UNKNOWN.get(name, np.nan)
        bad = np.broadcast_to(unknown, good.shape)[~good]
        np.testing.assert_array_equal(np.reshape(values, -1)[~good], bad, name)
    made = {name: np.reshape(values, -1)[good] for name, values in made.items()}
    y, xs = y[good], [x[good] for x in xs]
    for name in made.keys() & functions(y, xs).keys():
        np.testing.assert_array_equal(made[name], functions(y, xs)[name], name)
    for name in made.keys() - {"delta_p", "logsumexp", *UNKNOWN}:
        assert (made[name] >= 0).all(), name
        assert (made[name] <= dtype(MOST.get(name, np.inf))).all(), name
    near(y, xs, made, dtype)


def near(y: Any, xs: list[Any], made: dict[str, Any], dtype: Any) -> None:
    """Hold all fields to their definitions, where these are good in longdouble."""
    sizes = [np.where(np.isfinite(x), np.abs(x), 0).max(-1) for x in xs]
    kind = np.dtype(dtype).name
    kept = np.max(sizes, axis=0) < LARGE
    relative, absolute = LOOSE[kind]
    largest = float(np.finfo(dtype).max)
    wanted = expected(y[kept], [x[kept].astype(np.longdouble) for x in xs])
    for name in made.keys() & UNKNOWN.keys():
        np.testing.assert_array_equal(made[name][kept], wanted[name], name)
    for name in made.keys() - UNKNOWN.keys():
        got, want = (np.clip(v, -largest, largest) for v in (made[name][kept], wanted[name]))
        size = np.abs(want)
        if name == "delta_p":
            size += np.exp(-wanted["p_cross_entropy"]) * wanted["total_variation"]
        far = np.abs(got - want) > relative * size + absolute
        assert not far.any(), (name, got[far], want[far], np.flatnonzero(far))


def several(data: FuzzedDataProvider, name: str) -> None:
    """Make one call, and the same again with plain arrays for every field."""
    given = logits(data, name)
    y = labels(data, given[-1]) if name == "score" or data.ConsumeBool() else None
    fields = _fields.SCORES if name == "score" else _fields.COMPARISON
    want, workers = names(data, list(fields)), data.ConsumeIntInRange(-2, 4) or None
    args = [y, *given] if name == "score" else [*given, y]
    before = [plain(value) for value in args]
    try:
        made = vars(getattr(fastdiv, name)(*args, want=want, workers=workers))
    except DOCUMENTED as error:
        if not str(error):
            raise
        return
    for value, copy in zip(args, before, strict=True):
        if isinstance(value, np.ndarray):
            assert plain(value).tobytes() == copy.tobytes(), "an argument is written to"
    every = vars(getattr(fastdiv, name)(*before))
    every = {field: values for field, values in every.items() if values is not None}
    asked = every if want is None else {want} if isinstance(want, str) else want
    for field, values in made.items():
        assert (values is not None) == (field in asked), field
        if values is not None:
            np.testing.assert_array_equal(values, every[field], field)
    hold(given, y, every)
