"""The tables of docs/accuracy.md: errors in ulp, beside what they are held to."""

import sys
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from measure import CALLS, OPTIONS, bound  # noqa: E402

TYPES = {"float32": np.float32, "float64": np.float64}
WAYS = [
    ("float32", "float32"),
    ("float64", "float64"),
    ("float32", "float64"),
    ("float64", "float32"),
]
KEPT = ROOT / "bench" / "accuracy.json"
PAGE = ROOT / "docs" / "accuracy.md"
NO_ANSWER = "no answer"
BY_NAME = {str(call): call for call in CALLS + OPTIONS}
RIVALS = ("scipy", "torch", "numkong")


def most_of(found: list[dict[str, Any]], **fixed: Any) -> dict[str, Any]:
    """Find the worst of those that agree with what is fixed."""
    chosen = [f for f in found if all(f[key] == value for key, value in fixed.items())]
    # Of equal ones that whose row was kept, see reduced.
    return max(
        chosen, key=lambda f: (f["ulp"], f["where"] != ""), default={"ulp": 0.0, "where": NO_ANSWER}
    )


def shown(ulp: float) -> str:
    """Format an error; a NaN, or an infinity that is none, is wrong."""
    if ulp >= 1e299:
        return "wrong"
    return f"{ulp:.0e}" if ulp >= 1e4 else f"{ulp:.0f}" if ulp >= 100 else f"{ulp:.2g}"


def cell(found: list[dict[str, Any]], call: str, type_in: str, way: str, **fixed: Any) -> str:
    """Format the worst of a call, a type that comes in, and a way to answer.

    What is ours and above its promise is bold.
    """
    most = most_of(found, call=call, way=way, **{"in": type_in}, **fixed)
    if most["where"] == NO_ANSWER:
        return "–"
    ours = TYPES.get(way.removeprefix("to "))
    is_above = ours is not None and most["ulp"] > bound(BY_NAME[call], ours)
    return f"**{shown(most['ulp'])}**" if is_above else shown(most["ulp"])


def table(heads: list[str], rows: list[list[str]]) -> list[str]:
    """Lay out a table whose first column is words and whose others are numbers."""
    lines = [heads, ["---", *["--:"] * (len(heads) - 1)], *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]


def promises(found: list[dict[str, Any]], calls: list[str]) -> list[str]:
    """Make the table of every call beside what it is held to."""
    rows = []
    for call in calls:
        promised = " · ".join(f"{bound(BY_NAME[call], t):.0f}" for t in TYPES.values())
        rows.append([f"`{call}`", promised, *(cell(found, call, a, f"to {b}") for a, b in WAYS)])
    return table(["", "promised", *(f"{a} → {b}" for a, b in WAYS)], rows)


def by_classes(found: list[dict[str, Any]], calls: list[str]) -> list[str]:
    """Make the table of every call and number of classes."""
    counts = sorted({f["c"] for f in found})
    rows = []
    for call in calls:
        measured_at = {f["c"] for f in found if f["call"] == call}
        for t in TYPES:
            cells = (
                cell(found, call, t, f"to {t}", c=c) if c in measured_at else "" for c in counts
            )
            rows.append([f"`{call}` {t}", *cells])
    return table(["", *map(str, counts)], rows)


def witnesses(found: list[dict[str, Any]], calls: list[str]) -> list[str]:
    """List the rows the errors are on."""
    lines = []
    for call in calls:
        for a, b in WAYS:
            most = most_of(found, call=call, way=f"to {b}", **{"in": a})
            if most["where"] == NO_ANSWER:
                continue
            lines.append(f"- `{call}` {a} → {b}, {shown(most['ulp'])} ulp: {most['where']}")
    return lines


def others(found: list[dict[str, Any]], calls: list[str]) -> list[str]:
    """Make the table of what other libraries answer to the same rows."""
    # Those that were there when it was measured, whatever is here now.
    measured = [r for r in RIVALS if any(f["way"] == r for f in found)]
    answered = {f["call"] for f in found if f["way"] in RIVALS and f["ulp"]}
    rows = [
        [
            f"`{call}`",
            *(x for t in TYPES for x in (cell(found, call, t, w) for w in (f"to {t}", *measured))),
        ]
        for call in calls
        if call in answered
    ]
    return table(["", *(f"{r} {t}" for t in TYPES for r in ("fastdiv", *measured))], rows)


def document(kept: dict[str, Any]) -> str:
    """Make the document."""
    found = kept["found"]
    measured_at_all = {f["call"] for f in found}
    calls = [call for call in BY_NAME if call in measured_at_all]
    parts = [
        [(ROOT / "docs" / "accuracy.head.md").read_text().rstrip(), "", kept["with"]],
        ["## fastdiv", "", *promises(found, calls)],
        ["### By number of classes", "", *by_classes(found, calls)],
        ["### The rows that attain them", "", *witnesses(found, calls)],
        ["## Others, on the same rows", "", *others(found, calls)],
    ]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def reduced(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Keep the worst of each kind, which is enough to make the tables."""
    # A rival that has no error has no function.
    found = [f for f in found if f["ulp"] or f["way"] not in RIVALS]
    kinds = ("call", "in", "way", "c")
    keys = dict.fromkeys(tuple(f[kind] for kind in kinds) for f in found)
    found = [most_of(found, **dict(zip(kinds, key, strict=True))) for key in keys]
    for one in found:
        same = {key: one[key] for key in ("call", "in", "way")}
        if one is not most_of(found, **same) or one["way"] in RIVALS:
            one["where"] = ""
    return found
