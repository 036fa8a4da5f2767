"""A coverage-guided fuzz target over everything a caller can pass.

python tests/fuzz.py [libFuzzer arguments: -max_total_time=3600]

Needs atheris. Every call must give an answer or one of the documented errors. An answer has its
shape and its bits: those of the same numbers in plain arrays. An error leaves ``out`` as it was.
"""

import sys
from typing import Any

import atheris

with atheris.instrument_imports(include=["fastdiv"]):
    import fastdiv
    from fastdiv import _check, _logits, _probabilities, _rows  # noqa: F401

import ml_dtypes
import numpy as np
from cases import MAKERS, SIGNATURES

NAMES = sorted(SIGNATURES)
TYPES = [
    np.dtype(name)
    for name in "f4 f8 >f4 >f8 i1 u1 i4 >i8 u8 ? f2 >f2 c8 O U1".split()  # noqa: SIM905
] + [np.dtype(ml_dtypes.bfloat16)]
DOCUMENTED = (TypeError, ValueError, IndexError)
NOISE = np.random.default_rng(0).bytes((1 << 16) + 8 * 5**3 * 350)
SPECIAL = (0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 5e-324, 1e-310, 1e-45, 3e38, 1.7e308)


def array(data: atheris.FuzzedDataProvider) -> Any:
    """Make an array of any type, shape and layout, or something that is none."""
    dtype = TYPES[data.ConsumeIntInRange(0, len(TYPES) - 1)]
    shape = tuple(data.ConsumeIntInRange(0, 5) for _ in range(data.ConsumeIntInRange(0, 3)))
    if data.ConsumeBool():
        # Beyond 60 to 120 classes rows leave the tiles.
        shape = (*shape, data.ConsumeIntInRange(0, 70) * (1, 1, 1, 5)[data.ConsumeIntInRange(0, 3)])
    size = int(np.prod(shape))
    if dtype.kind in "OU":
        return np.zeros(shape, dtype)
    # The fuzzer keeps its inputs short: of their bytes alone most arrays would be mostly zeros.
    length = size * dtype.itemsize
    raw = data.ConsumeBytes(min(length, 16)) + NOISE[data.ConsumeIntInRange(0, 1 << 16) :]
    made = np.frombuffer(raw[:length], dtype).reshape(shape).copy()
    kind = data.ConsumeIntInRange(0, 9)
    if kind < 5 and dtype.kind == "f" and size:
        made = (np.abs(made.astype("f4") % 8)).astype(dtype) if kind < 3 else made
        for _ in range(data.ConsumeIntInRange(0, 3)):
            made.flat[data.ConsumeIntInRange(0, size - 1)] = SPECIAL[
                data.ConsumeIntInRange(0, len(SPECIAL) - 1)
            ]
    if made.ndim and kind == 5:
        made = np.repeat(made, 2, -1)[..., ::2]
    elif made.ndim and kind == 6:
        made = made[..., ::-1]
    elif kind == 7:
        made = np.asfortranarray(made)
    elif made.ndim and kind == 8:
        made = np.broadcast_to(made[..., :1], made.shape)
    elif kind == 9:
        return made.tolist()
    return made


def options(data: atheris.FuzzedDataProvider, name: str) -> dict[str, Any]:
    """Choose keyword arguments, good and bad."""
    number = data.ConsumeFloat
    choices: dict[str, Any] = {
        "axis": lambda: data.ConsumeIntInRange(-4, 3),
        "workers": lambda: data.ConsumeIntInRange(-3, 3),
        "dtype": lambda: ("f4", "f8", "f2", None, "i4")[data.ConsumeIntInRange(0, 4)],
    }
    if name not in ("softmax", "log_softmax"):
        choices["keepdims"] = data.ConsumeBool
    if name not in ("logsumexp", "softmax", "log_softmax"):
        choices["base"] = lambda: (2.0, 10.0, number())[data.ConsumeIntInRange(0, 2)]
    if SIGNATURES[name] in ("w", "ww"):
        choices["normalize"] = data.ConsumeBool
    if name.startswith("cross"):
        choices |= {
            "label_smoothing": lambda: (0.1, number())[data.ConsumeBool()],
            "temperature": lambda: (0.7, number())[data.ConsumeBool()],
            "ignore_index": lambda: (-1, 0, 255, 2**64 - 1)[data.ConsumeIntInRange(0, 3)],
            "reduction": lambda: ("none", "mean", "sum", "")[data.ConsumeIntInRange(0, 3)],
            "class_weight": lambda: array(data),
        }
    return {key: make() for key, make in choices.items() if data.ConsumeIntInRange(0, 3) == 0}


def plain(value: Any) -> Any:
    """Copy an array to native byte order and C order."""
    if not isinstance(value, np.ndarray) or value.dtype.kind in "OU":
        return value
    return np.array(value, value.dtype.newbyteorder("="), order="C")


def stays_untouched(function: Any, args: list[Any], keywords: dict[str, Any]) -> None:
    """Make a call that fails once more, with an ``out`` of the shape it would have."""
    shape = np.shape(args[-1])
    axis = keywords.get("axis", -1)
    if function.__name__ not in MAKERS and -len(shape) <= axis < len(shape):
        shape = np.empty(shape, "?").any(axis, keepdims=keywords.get("keepdims", False)).shape
    out = np.full(shape, 77, keywords.get("dtype", getattr(args[-1], "dtype", "f8")))
    before = out.copy()
    try:
        function(*args, **keywords, out=out)
    except DOCUMENTED:
        assert np.array_equal(out, before), (function.__name__, args)
        return
    raise AssertionError(f"{function.__name__} takes with out what it refuses without: {args}")


def once(raw: bytes) -> None:
    """Make one call, and the same again with plain arrays and ``out``."""
    data = atheris.FuzzedDataProvider(raw)
    name = NAMES[data.ConsumeIntInRange(0, len(NAMES) - 1)]
    function = getattr(fastdiv, name)
    keywords = options(data, name)
    args = [array(data) for _ in SIGNATURES[name]]
    last = args[-1]
    if len(args) == 2 and isinstance(last, np.ndarray) and last.ndim and data.ConsumeBool():
        # Shapes that go together are rare by chance.
        if name.startswith("cross") and data.ConsumeBool():
            most = last.shape[-1] + data.ConsumeIntInRange(-1, 1)
            labels = data.ConsumeIntListInRange(int(np.prod(last.shape[:-1])), 0, max(most, 0))
            args[0] = np.resize(np.array(labels, dtype=int), last.shape[:-1])
        elif isinstance(args[0], np.ndarray):
            args[0] = np.resize(args[0], last.shape)
    try:
        result = function(*args, **keywords)
    except DOCUMENTED as error:
        if not str(error):
            raise
        stays_untouched(function, args, keywords)
        return
    again = function(*map(plain, args), **{k: plain(v) for k, v in keywords.items()})
    assert np.array_equal(np.asarray(result), np.asarray(again), equal_nan=True), (name, args)
    into = np.full_like(np.asarray(result), 77)
    assert function(*args, **keywords, out=into) is into
    assert np.array_equal(into, np.asarray(again), equal_nan=True), (name, args)
    # In a base below 1 a divergence is negative.
    positive = keywords.get("normalize", True) and (keywords.get("base") or 2) > 1
    if name.startswith(("kl_", "js_")) and positive:
        assert not np.any(np.asarray(result) < 0), (name, args)


if __name__ == "__main__":
    np.seterr(all="ignore")
    atheris.Setup(sys.argv, once)
    atheris.Fuzz()
