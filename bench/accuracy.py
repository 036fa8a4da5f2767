"""Measure every function against mpmath and write docs/accuracy.md.

python bench/accuracy.py [--quick | --tables]

The rows are those of tests/sweeps.py, the promise is that of tests/cases.py; the tests hold a part
of this sweep to it. Rivals answer where they have the function and take the rows: weights that sum
to 1 up to rounding. What the tables need is kept in bench/accuracy.json. --quick leaves out rows of
more than 1000 classes, prints what it found, worst first, and writes nothing; --tables only writes
the tables again.
"""

import argparse
import functools
import importlib.metadata
import json
import math
import platform
import sys
import warnings
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import rivals  # noqa: E402
from measure import CALLS, OPTIONS, Call, answer, bound, worst  # noqa: E402
from search import searched  # noqa: E402
from sweeps import KINDS, Rows, sweep  # noqa: E402

CLASSES = {1: 12, 2: 12, 3: 12, 7: 12, 10: 12, 16: 12, 17: 12, 64: 8, 65: 8, 129: 6, 1000: 4}
# Of these so many batches of rows are looked through for the worst.
SEARCHED = {2: 60, 3: 60, 10: 40, 64: 30, 65: 30, 129: 30, 1000: 9}
LONG = {32000: 1, 152064: 1}
LONG_KINDS = ("normal", "peaked", "zipf", "masked")
LONG_OPTIONS = ("normal", "masked")
TYPES = {"float32": np.float32, "float64": np.float64}
WAYS = [
    ("float32", "float32"),
    ("float64", "float64"),
    ("float32", "float64"),
    ("float64", "float32"),
]
NO_ANSWER = "no answer"
BY_NAME = {str(call): call for call in CALLS + OPTIONS}
RIVALS = [name for name in ("scipy", "torch", "numkong") if name in rivals.CALLS]


def rival(call: Call, rows: Rows, library: str) -> Any:
    """Answer for another library; None if that is not its business."""
    labels = call.name == "cross_entropy_from_logits"
    if call.options or call.label != labels or call.name not in rivals.CALLS[library]:
        return None
    if not call.name.endswith("logits") and not np.allclose(np.sum([rows.p, rows.q], 1, float), 1):
        return None
    y = np.array([max(len(rows.p) - 2, 0)])
    given = rivals.Data(rows.xp[None], rows.xq[None], rows.p[None], rows.q[None], y)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        prepared = rivals.PREPARED[library](given)
        result = np.asarray(rivals.CALLS[library][call.name](prepared))[0]
    # torch gives some float64 results for float32 rows, and JS of SciPy is always float64.
    return rows.p.dtype.type(result) if np.ndim(result) == 0 else result.astype(rows.p.dtype)


def measured(kind: str, c: int, trials: int, type_in: str) -> list[dict[str, Any]]:
    """Find the worst of one kind of row, for every call."""
    ways = {f"to {name}": functools.partial(answer, dtype=t) for name, t in TYPES.items()}
    ways |= {library: functools.partial(rival, library=library) for library in RIVALS}
    found = []
    options = kind != "searched" and (c <= 1000 or kind in LONG_OPTIONS)
    for call in CALLS + (OPTIONS if options else []):
        if kind == "searched":
            rows = searched(call, c, TYPES[type_in], trials)
        else:
            rows = sweep(kind, c, TYPES[type_in], trials)
        for way, most in zip(ways, worst(call, rows, *ways.values()), strict=True):
            ulp = most.ulp if math.isfinite(most.ulp) else 1e300
            found.append(
                {"call": str(call), "in": type_in, "way": way, "c": c}
                | {"ulp": float(f"{ulp:.3g}"), "where": most.where}
            )
    return found


def most_of(found: list[dict[str, Any]], **fixed: Any) -> dict[str, Any]:
    """Find the worst of those that agree with what is fixed."""
    chosen = [f for f in found if all(f[key] == value for key, value in fixed.items())]
    return max(chosen, key=lambda f: f["ulp"], default={"ulp": 0.0, "where": NO_ANSWER})


def shown(ulp: float) -> str:
    """Format an error; a NaN, or an infinity that is none, is wrong."""
    if ulp >= 1e299:
        return "wrong"
    return f"{ulp:.0e}" if ulp >= 1e4 else f"{ulp:.0f}" if ulp >= 100 else f"{ulp:.2g}"


def cell(found: list[dict[str, Any]], call: str, type_in: str, way: str, **fixed: Any) -> str:
    """Format the worst of a call, a type that comes in, and a way to answer."""
    most = most_of(found, call=call, way=way, **{"in": type_in}, **fixed)
    return shown(most["ulp"]) if most["where"] != NO_ANSWER else "–"


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
            lines.append(f"- `{call}` {a} → {b}, {shown(most['ulp'])} ulp: {most['where']}")
    return lines


def others(found: list[dict[str, Any]], calls: list[str]) -> list[str]:
    """Make the table of what other libraries answer to the same rows."""
    answered = {f["call"] for f in found if f["way"] in RIVALS and f["ulp"]}
    rows = [
        [
            f"`{call}`",
            *(x for t in TYPES for x in (cell(found, call, t, w) for w in (f"to {t}", *RIVALS))),
        ]
        for call in calls
        if call in answered
    ]
    return table(["", *(f"{r} {t}" for t in TYPES for r in ("fastdiv", *RIVALS))], rows)


def document(kept: dict[str, Any]) -> str:
    """Make the document."""
    found = kept["found"]
    calls = list(dict.fromkeys(f["call"] for f in found))
    parts = [
        [(ROOT / "docs" / "accuracy.head.md").read_text().rstrip(), "", kept["with"]],
        ["## fastdiv", "", *promises(found, calls)],
        ["### By number of classes", "", *by_classes(found, calls)],
        ["### The rows that attain them", "", *witnesses(found, calls)],
        ["## Others, on the same rows", "", *others(found, calls)],
    ]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def main() -> None:
    """Measure, keep, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--tables", action="store_true", help="only write the tables again")
    given = parser.parse_args()
    kept_at = ROOT / "bench" / "accuracy.json"
    if given.tables:
        kept = json.loads(kept_at.read_text())
    else:
        jobs = [(k, c, n, t) for c, n in CLASSES.items() for k in KINDS for t in TYPES]
        jobs += [("searched", c, n, t) for c, n in SEARCHED.items() for t in TYPES]
        if not given.quick:
            jobs = [(k, c, n, t) for c, n in LONG.items() for k in LONG_KINDS for t in TYPES] + jobs
        with ProcessPoolExecutor() as pool:
            lists = pool.map(measured, *zip(*jobs, strict=True))
            found = [f for some in lists for f in some]
        versions = (f"{p} {importlib.metadata.version(p)}" for p in ("fastdiv", "numpy", *RIVALS))
        where = f"Python {platform.python_version()}, {', '.join(versions)}"
        kept = {"with": f"Made by `python bench/accuracy.py` with {where}.", "found": found}
    if given.quick:
        for f in sorted(found, key=lambda f: -f["ulp"] / bound(BY_NAME[f["call"]], TYPES[f["in"]])):
            if f["way"].startswith("to "):
                print(f["ulp"], f["call"], f["in"], f["way"], f["where"])
        return
    # The worst of each is enough to make the tables; a rival that has no error has no function.
    kept["found"] = [f for f in kept["found"] if f["ulp"] or f["way"] not in RIVALS]
    keys = dict.fromkeys((f["call"], f["in"], f["way"], f["c"]) for f in kept["found"])
    names = ("call", "in", "way", "c")
    kept["found"] = [most_of(kept["found"], **dict(zip(names, k, strict=True))) for k in keys]
    for one in kept["found"]:
        same = {key: one[key] for key in ("call", "in", "way")}
        if one is not most_of(kept["found"], **same) or one["way"] in RIVALS:
            one["where"] = ""
    kept_at.write_text(json.dumps(kept, indent=0) + "\n")
    (ROOT / "docs" / "accuracy.md").write_text(document(kept))


if __name__ == "__main__":
    main()
