"""Measure every function against mpmath and write docs/accuracy.md.

python bench/accuracy.py [--quick]

The rows are those of tests/sweeps.py, the promise is that of tests/cases.py; the tests hold a part
of this sweep to it. Rivals answer where they have the function and take the rows: weights that sum
to 1 up to rounding. What the tables need is kept in bench/accuracy.json. --quick leaves out rows of
more than 1000 classes and writes nothing.
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
from cases import BOUNDS  # noqa: E402
from measure import CALLS, OPTIONS, Call, answer, bound, worst  # noqa: E402
from sweeps import KINDS, Rows, sweep  # noqa: E402

CLASSES = {1: 12, 2: 12, 3: 12, 7: 12, 10: 12, 16: 12, 17: 12, 64: 8, 65: 8, 1000: 4}
LONG = {32000: 1, 152064: 1}
LONG_KINDS = ("normal", "peaked", "zipf", "masked")
TYPES = {"float32": np.float32, "float64": np.float64}
RIVALS = [name for name in ("scipy", "torch") if name in rivals.CALLS]


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
        result = np.asarray(rivals.CALLS[library][call.name](given))[0]
    # torch gives some float64 results for float32 rows, and JS of SciPy is always float64.
    return rows.p.dtype.type(result) if np.ndim(result) == 0 else result.astype(rows.p.dtype)


def measured(kind: str, c: int, trials: int, type_in: str) -> list[dict[str, Any]]:
    """Find the worst of one kind of row, for every call."""
    ways = {f"to {name}": functools.partial(answer, dtype=t) for name, t in TYPES.items()}
    ways |= {library: functools.partial(rival, library=library) for library in RIVALS}
    found = []
    for call in CALLS + (OPTIONS if c <= 1000 else []):
        rows = sweep(kind, c, TYPES[type_in], trials)
        for way, most in zip(ways, worst(call, rows, *ways.values()), strict=True):
            ulp = most.ulp if math.isfinite(most.ulp) else 1e300
            found.append(
                {"call": str(call), "name": call.name, "in": type_in, "way": way, "c": c}
                | {"ulp": float(f"{ulp:.3g}"), "where": most.where}
            )
    return found


def most_of(found: list[dict[str, Any]], **fixed: Any) -> dict[str, Any]:
    """Find the worst of those that agree with what is fixed."""
    chosen = [f for f in found if all(f[key] == value for key, value in fixed.items())]
    return max(chosen, key=lambda f: f["ulp"], default={"ulp": 0.0, "where": ""})


def shown(ulp: float) -> str:
    """Format an error; a NaN, or an infinity that is none, is wrong."""
    if ulp >= 1e299:
        return "wrong"
    return f"{ulp:.0e}" if ulp >= 1e4 else f"{ulp:.0f}" if ulp >= 100 else f"{ulp:.2g}"


def tables(kept: dict[str, Any]) -> str:
    """Make the document."""
    found = kept["found"]
    calls = list(dict.fromkeys(f["call"] for f in found))
    ways = [("float32", "float32"), ("float64", "float64"), ("float32", "float64")]
    ways.append(("float64", "float32"))
    lines = [(ROOT / "docs" / "accuracy.head.md").read_text().rstrip(), "", kept["with"], ""]
    lines += [
        "## fastdiv",
        "",
        "| | promised | " + " | ".join(f"{a} → {b}" for a, b in ways) + " |",
    ]
    lines += ["|---|--:" + "|--:" * len(ways) + "|"]
    for call in calls:
        cells = [
            shown(most_of(found, call=call, way=f"to {b}", **{"in": a})["ulp"]) for a, b in ways
        ]
        given = next(c for c in CALLS + OPTIONS if str(c) == call)
        promised = " · ".join(f"{bound(given, t):.0f}" for t in TYPES.values())
        lines.append(f"| `{call}` | {promised} | " + " | ".join(cells) + " |")
    lines += ["", "### By number of classes", ""]
    counts = sorted({f["c"] for f in found})
    lines += ["| | " + " | ".join(map(str, counts)) + " |", "|---" + "|--:" * len(counts) + "|"]
    for call in calls:
        for t in TYPES:
            cells = [
                shown(most_of(found, call=call, c=c, way=f"to {t}", **{"in": t})["ulp"])
                for c in counts
                if any(f["call"] == call and f["c"] == c for f in found)
            ]
            lines.append(f"| `{call}` {t} | " + " | ".join(cells) + " |")
    lines += ["", "### The rows that attain them", ""]
    for call in calls:
        for a, b in ways:
            most = most_of(found, call=call, way=f"to {b}", **{"in": a})
            lines.append(f"- `{call}` {a} → {b}, {shown(most['ulp'])} ulp: {most['where']}")
    lines += ["", "## Others, on the same rows", ""]
    lines += ["| | " + " | ".join(f"{r} {t}" for t in TYPES for r in ("fastdiv", *RIVALS)) + " |"]
    lines += ["|---" + "|--:" * (2 * (1 + len(RIVALS))) + "|"]
    for call in calls:
        if not most_of(found, call=call, way=RIVALS[0])["ulp"]:
            continue
        cells = [
            shown(
                most_of(found, call=call, way=f"to {t}" if r == "fastdiv" else r, **{"in": t})[
                    "ulp"
                ]
            )
            for t in TYPES
            for r in ("fastdiv", *RIVALS)
        ]
        lines.append(f"| `{call}` | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


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
        if not given.quick:
            jobs = [(k, c, n, t) for c, n in LONG.items() for k in LONG_KINDS for t in TYPES] + jobs
        with ProcessPoolExecutor() as pool:
            lists = pool.map(measured, *zip(*jobs, strict=True))
            found = [f for some in lists for f in some]
        versions = (f"{p} {importlib.metadata.version(p)}" for p in ("fastdiv", "numpy", *RIVALS))
        where = f"Python {platform.python_version()}, {', '.join(versions)}"
        kept = {"with": f"Made by `python bench/accuracy.py` with {where}.", "found": found}
    if given.quick:
        for f in sorted(found, key=lambda f: -f["ulp"] / BOUNDS[f["name"]][f["in"] == "float64"]):
            if f["way"].startswith("to "):
                print(f["ulp"], f["call"], f["in"], f["way"], f["where"])
        return
    # The worst of each is enough to make the tables.
    keys = dict.fromkeys((f["call"], f["in"], f["way"], f["c"]) for f in kept["found"])
    names = ("call", "in", "way", "c")
    kept["found"] = [most_of(kept["found"], **dict(zip(names, k, strict=True))) for k in keys]
    for one in kept["found"]:
        same = {key: one[key] for key in ("call", "in", "way")}
        if one is not most_of(kept["found"], **same) or one["way"] in RIVALS:
            one["where"] = ""
    kept_at.write_text(json.dumps(kept, indent=0) + "\n")
    (ROOT / "docs" / "accuracy.md").write_text(tables(kept))


if __name__ == "__main__":
    main()
