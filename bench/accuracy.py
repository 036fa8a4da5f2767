"""Measure every function against mpmath and write docs/accuracy.md.

python bench/accuracy.py [--quick | --tables]
python bench/accuracy.py --only score compare  # these once more, beside the rest

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
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import rivals  # noqa: E402
from accuracy_tables import BY_NAME, KEPT, PAGE, RIVALS, TYPES, document, reduced  # noqa: E402
from breeding import bred  # noqa: E402
from measure import CALLS, OPTIONS, Call, answer, bound, worst  # noqa: E402
from search import searched  # noqa: E402
from sweeps import KINDS, Rows, sweep  # noqa: E402

INSTALLED = [name for name in RIVALS if name in rivals.CALLS]
CLASSES = {1: 12, 2: 12, 3: 12, 7: 12, 10: 12, 16: 12, 17: 12, 64: 8, 65: 8, 129: 6, 1000: 4}
# Of these so many batches of rows are looked through for the worst.
SEARCHED = {2: 60, 3: 60, 10: 40, 64: 30, 65: 30, 129: 30, 1000: 9}
# And the worst of so many families of rows.
BRED = {2: 15, 3: 15, 10: 15, 64: 10, 65: 10, 129: 15, 1000: 6}
LOOKED_FOR: dict[str, Callable[[Call, int, Any, int], Iterator[Rows]]]
LOOKED_FOR = {"searched": searched, "bred": bred}
LONG = {32000: 1, 152064: 1}
LONG_KINDS = ("normal", "peaked", "zipf", "masked")
LONG_OPTIONS = ("normal", "masked")


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


def measured(
    kind: str, c: int, trials: int, type_in: str, only: Collection[str] = ()
) -> list[dict[str, Any]]:
    """Find the worst of one kind of row, for every call or those of some functions."""
    ways = {f"to {name}": functools.partial(answer, dtype=t) for name, t in TYPES.items()}
    ways |= {library: functools.partial(rival, library=library) for library in INSTALLED}
    found = []
    options = kind not in LOOKED_FOR and (c <= 1000 or kind in LONG_OPTIONS)
    for call in CALLS + (OPTIONS if options else []):
        if only and call.name not in only:
            continue
        if kind in LOOKED_FOR:
            rows = LOOKED_FOR[kind](call, c, TYPES[type_in], trials)
        else:
            rows = sweep(kind, c, TYPES[type_in], trials)
        for way, most in zip(ways, worst(call, rows, *ways.values()), strict=True):
            if call.field and way != f"to {type_in}":
                continue
            ulp = most.ulp if math.isfinite(most.ulp) else 1e300
            found.append(
                {"call": str(call), "in": type_in, "way": way, "c": c}
                | {"ulp": float(f"{ulp:.3g}"), "where": most.where}
            )
    return found


def all_measured(quick: bool, only: Collection[str]) -> list[dict[str, Any]]:
    """Find the worst of every kind of row and number of classes."""
    jobs = [(k, c, n, t) for c, n in CLASSES.items() for k in KINDS for t in TYPES]
    jobs += [("searched", c, n, t) for c, n in SEARCHED.items() for t in TYPES]
    jobs += [("bred", c, n, t) for c, n in BRED.items() for t in TYPES]
    if not quick:
        jobs = [(k, c, n, t) for c, n in LONG.items() for k in LONG_KINDS for t in TYPES] + jobs
    with ProcessPoolExecutor() as pool:
        lists = pool.map(functools.partial(measured, only=only), *zip(*jobs, strict=True))
        return [f for some in lists for f in some]


def report(found: list[dict[str, Any]]) -> None:
    """Print what was found, worst first."""
    for f in sorted(found, key=lambda f: -f["ulp"] / bound(BY_NAME[f["call"]], TYPES[f["in"]])):
        if f["way"].startswith("to "):
            print(f["ulp"], f["call"], f["in"], f["way"], f["where"])


def main() -> None:
    """Measure, keep, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--tables", action="store_true", help="only write the tables again")
    names = sorted({call.name for call in CALLS})
    parser.add_argument("--only", nargs="+", default=[], choices=names, metavar="FUNCTION")
    given = parser.parse_args()
    kept = json.loads(KEPT.read_text()) if given.tables or given.only else {"found": []}
    if not given.tables:
        found = all_measured(given.quick, given.only)
        if given.quick:
            report(found)
            return
        versions = (
            f"{p} {importlib.metadata.version(p)}" for p in ("fastdiv", "numpy", *INSTALLED)
        )
        where = f"Python {platform.python_version()}, {', '.join(versions)}"
        kept["with"] = f"Made by `python bench/accuracy.py` with {where}."
        kept["found"] = [f for f in kept["found"] if BY_NAME[f["call"]].name not in given.only]
        kept["found"] += found
    # In an order of their own, whichever was done first.
    kept["found"] = sorted(
        reduced(kept["found"]), key=lambda f: (f["call"], f["in"], f["way"], f["c"])
    )
    KEPT.write_text(json.dumps(kept, indent=0) + "\n")
    PAGE.write_text(document(kept))


if __name__ == "__main__":
    main()
