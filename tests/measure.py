"""What is measured against mpmath, and in which unit the error is stated."""

import functools
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import exact
import numpy as np
from cases import BOUNDS, FIELDS, MAKERS, SIGNATURES
from mpmath import mp, mpf
from sweeps import Rows

import fastdiv

# KL and JS keep their digits down to here.
SMALLEST = mpf("1e-30")


class Call(NamedTuple):
    """A function with what it takes beside its rows, or a field of what it tells."""

    name: str
    label: bool = False
    options: str = ""
    field: str = ""

    def __str__(self) -> str:
        words = (self.name, self.field, "label" * self.label, self.options)
        return ", ".join(filter(None, words))

    @property
    def definition(self) -> str:
        """What it is called in exact.py."""
        return FIELDS[self.name][self.field].definition if self.field else self.name


class Found(NamedTuple):
    """An error in ulp and the row it is on."""

    ulp: float
    where: str


CROSS = ("cross_entropy", "cross_entropy_from_logits")
SINGLE = [Call(name) for name in BOUNDS] + [Call(name, True) for name in CROSS]
SEVERAL = [Call(name, field=field) for name, fields in FIELDS.items() for field in fields]
# Every function, cross-entropy with a label as well, every field, and what takes options.
CALLS = SINGLE + SEVERAL
OPTIONS = [
    Call(name, label, options)
    for name in CROSS
    for label in (False, True)
    for options in ("smoothing", "weights", "smoothing and weights", "temperature")
]
# Rows as they stand, and bits instead of nats.
OPTIONS += [
    Call(call.name, call.label, "normalize=False")
    for call in SINGLE
    if "w" in SIGNATURES[call.name] and call != Call("cross_entropy_from_logits", True)
]
OPTIONS += [
    call._replace(options="base=2")
    for call in SINGLE
    if call.name not in ("logsumexp", "softmax", "log_softmax")
]
# Whose terms have both signs if the rows do not sum up to 1.
OF_BOTH_SIGNS = ("entropy", "cross_entropy", "kl_divergence")


def options_of(call: Call, c: int) -> dict[str, Any]:
    """The keyword arguments of a call on rows of c classes."""
    given: dict[str, Any] = {}
    if "smoothing" in call.options:
        given["label_smoothing"] = 0.1
    if "weights" in call.options:
        given["class_weight"] = np.arange(1, c + 1) % 7 / 3
    if call.options == "temperature":
        given["temperature"] = 0.7
    if call.options == "normalize=False":
        given["normalize"] = False
    if call.options == "base=2":
        given["base"] = 2
    return given


def arguments(call: Call, rows: Rows) -> tuple[Any, ...]:
    """What a definition takes of a pair of rows; a label is the last class but one, unless it is
    that of a field."""
    if call.field:
        of = {"y": rows.y, "p": rows.xp, "q": rows.xq}
        return tuple(of[letter] for letter in FIELDS[call.name][call.field].takes)
    if call.label:
        return max(rows.p.shape[-1] - 2, 0), rows.xp if call.name.endswith("logits") else rows.p
    given = {"w": [rows.p, rows.q], "x": [rows.xp, rows.xq]}
    return tuple(given[kind].pop(0) for kind in SIGNATURES[call.name])


def bound(call: Call, dtype: Any) -> float:
    """The promise, in ulp. Weighting and smoothing the target adds two roundings to each term, a
    base those of its logarithm and of the division."""
    wide = bool(dtype == np.float64)
    if call.field:
        return FIELDS[call.name][call.field].bound[wide]
    as_it_is = call.options == "normalize=False"
    return BOUNDS[call.name][wide] + 2.0 * (wide and bool(call.options) and not as_it_is)


def span(call: Call, row: Any) -> float:
    """How many nats apart, after division by the temperature, the logarithms of weights lie."""
    row = np.log(row[row > 0].astype(np.float64))
    return float(np.ptp(row) / options_of(call, 1)["temperature"]) if len(row) else 0.0


def ulp_of(size: Any, got: Any) -> float:
    """One ulp of a number of any size, in the type of a result."""
    largest = float(np.finfo(type(got)).max) / 2
    return float(np.spacing(type(got)(min(abs(float(size)), largest))))


def in_ulp_of(size: Any, got: Any, want: Any) -> float:
    """One ulp of the exact result, in those of another number."""
    return ulp_of(want, got) / ulp_of(size, got)


def error(call: Call, args: tuple[Any, ...], got: Any, want: Any) -> float:
    """Error of one number in the ulp its bound is stated in."""
    ulp, name, size = exact.ulps(got, want), call.definition, abs(want)
    least = SMALLEST ** mpf(0.5) if name == "js_distance" else SMALLEST
    least_normal = float(np.finfo(type(got)).smallest_normal)
    if not (mp.isfinite(want) and np.isfinite(got)):
        return ulp
    if call.options == "normalize=False" and call.name in OF_BOTH_SIGNS:
        # What cancels is counted with the size of its terms, each of which may be off by the
        # smallest number there is.
        size = exact.size_of_terms(call.name, *args)
        least_number = float(np.finfo(type(got)).smallest_subnormal)
        rounding = len(args[-1]) * least_number / ulp_of(size, got)
        ulp = max(ulp * in_ulp_of(size, got, want) - rounding, 0.0)
        return ulp / (4 if size < least_normal else 1)
    if ("kl_" in name or "js_" in name) and want < least:
        return 0.0 if 0 <= got < 2 * least else np.inf
    if name == "logsumexp":
        # m + log(sum / e^m): where the two cancel, their own size counts.
        size = max(size, want - mpf(float(args[0].max())))
    if name == "delta_p":
        # Of a label with nearly the same p and q, log(p / q) is off by what the log-sum-exps are:
        # by some ulp of the total variation.
        size = max(size, exact.size_of_delta_p(*args))
    if size < least_normal:
        return ulp / 4
    if call == Call("cross_entropy", call.label, "temperature") and isinstance(got, np.float64):
        # A logarithm is rounded when it is divided, and exp makes of it an error of its size: 2 ulp
        # more are promised for each nat.
        promised = bound(call, np.float64)
        return ulp * promised / (promised + 2 * span(call, args[1]))
    return ulp if size == abs(want) else ulp * in_ulp_of(size, got, want)


def made(call: Call, rows: Rows, **options: Any) -> Any:
    """What fastdiv makes of a pair of rows, or of many."""
    function = getattr(fastdiv, call.name)
    if call.field:
        given = (rows.y, rows.xp) if call.name == "score" else (rows.xp, rows.xq, rows.y)
        return getattr(function(*given, want=call.field), call.field)
    return function(*arguments(call, rows), **options)


def answer(call: Call, rows: Rows, dtype: Any) -> Any:
    """What fastdiv makes of a pair of rows, as ``dtype``; a field has the type of its rows."""
    if call.field and dtype != rows.xp.dtype:
        return None
    result = made(call, rows, dtype=dtype, **options_of(call, len(rows.p)))
    assert result.dtype == dtype
    return result


def worst(call: Call, rows: Iterable[Rows], *answers: Callable[[Call, Rows], Any]) -> list[Found]:
    """The largest error over many rows of each way to answer; None is no answer."""
    most = [Found(0.0, "none")] * len(answers)
    for one in rows:
        args = arguments(call, one)
        wanted = exact.evaluate(call.definition, *args, **options_of(call, len(one.p)))
        for i, given in enumerate(answers):
            result = given(call, one)
            if result is None:
                continue
            pairs = zip(result, wanted, strict=True) if call.name in MAKERS else [(result, wanted)]
            for got, want in pairs:
                ulp = error(call, args, got, want)
                if ulp > most[i].ulp:
                    how = f"{one.how}, label {one.y}" if call.field else one.how
                    most[i] = Found(ulp, f"{how}: got {got!r}, not {mp.nstr(want, 18)}")
    return most


def check(call: Call, rows: Iterable[Rows], *results: Any) -> None:
    """Hold the worst row to the bound, for each type of result."""
    answers = [functools.partial(answer, dtype=dtype) for dtype in results]
    for found, dtype in zip(worst(call, rows, *answers), results, strict=True):
        assert found.ulp <= bound(call, dtype), found.where
