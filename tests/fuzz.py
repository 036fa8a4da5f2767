"""A coverage-guided fuzz target over everything a caller can pass.

python tests/fuzz.py [libFuzzer arguments: -max_total_time=3600]

Needs atheris. Every call must give an answer or one of the documented errors. An answer has its
shape and its bits: those of the same numbers in plain arrays. An error leaves ``out`` as it was.
What holds for the fields of ``score`` and ``compare`` is in fuzz_fields.py.
"""

import sys
from typing import Any

import atheris

with atheris.instrument_imports(include=["fastdiv"]):
    import fastdiv
    from fastdiv import (  # noqa: F401
        _check,
        _cross_entropy,
        _fields,
        _logits,
        _probabilities,
        _rows,
        _scores,
    )

import numpy as np
from cases import MAKERS, SEVERAL, SIGNATURES
from fuzz_arrays import array, plain
from fuzz_fields import several

NAMES = sorted({*SIGNATURES, *SEVERAL})
DOCUMENTED = (TypeError, ValueError, IndexError)


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
    if name in SEVERAL:
        several(data, name)
        return
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
