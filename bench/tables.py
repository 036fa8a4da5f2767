"""docs/speed.md and the README's speed table, from bench/speed.json, which bench/speed.py leaves.

python bench/tables.py
"""

import datetime
import importlib.metadata
import json
import platform
import re
from pathlib import Path
from typing import Any

from rivals import INEXACT

from fastdiv import _dispatch

ROOT = Path(__file__).parent.parent
KEPT = ROOT / "bench" / "speed.json"
MARKS = re.compile(r"(<!-- bench -->\n).*?(<!-- /bench -->)", re.DOTALL)
LIBRARIES = ["fastdiv", "torch", "jax", "numpy", "scipy", "numba", "numexpr", "numkong"]
FUNCTIONS = [
    "cross_entropy_from_logits",
    "entropy_from_logits",
    "kl_divergence_from_logits",
    "logsumexp",
    "softmax",
    "entropy",
    "cross_entropy",
    "kl_divergence",
    "js_divergence",
]
# Those of the README.
SHORT = [
    "cross_entropy_from_logits",
    "kl_divergence_from_logits",
    "softmax",
    "entropy",
    "kl_divergence",
]
SHAPES = ["256x128256", "4096x1000", "100000x100", "1000000x10"]
SMALL = ["64x128", "1x1000"]
TOGETHER = (
    "How many times as long as one of their numbers alone, by its own function, all of them take: "
    "`score` against `cross_entropy_from_logits`, `compare` against `kl_divergence_from_logits`."
)
WHAT_BINDS = (
    "Instructions of the innermost loop for 16 float32 elements, one 512-bit register, and the "
    "cycles that a whole call takes for them with its rows in the cache (`python bench/loops.py`). "
    "The floor is two multiply-adds a cycle. Beside the loop a call looks for maxima, adds up, and "
    "takes a logarithm for every row; KL from logits takes two exponentials of 17 instructions."
)


def processor() -> str:
    """Name the processor."""
    path = Path("/proc/cpuinfo")
    if path.exists():
        found = re.search(r"^model name\s*: (.+)$", path.read_text(), re.MULTILINE)
        family = re.search(r"^cpu family\s*: (.+)$", path.read_text(), re.MULTILINE)
        if found:
            return f"{found[1]} (family {family[1]})" if family else found[1]
    return platform.processor() or platform.machine()


def machine(libraries: list[str]) -> dict[str, Any]:
    """Where and with what is measured, and room for the figures."""
    return {
        "processor": processor(),
        "python": platform.python_version(),
        "instruction_set": _dispatch.active(),
        "versions": {name: importlib.metadata.version(name) for name in libraries},
        "date": datetime.datetime.now(tz=datetime.timezone.utc).date().isoformat(),
        **{kind: {} for kind in ("seconds", "curve", "every", "together", "layouts", "threads")},
    }


def origin(kept: dict[str, Any]) -> str:
    """Say where and with what it was measured, and by which command."""
    versions = ", ".join(f"{name} {version}" for name, version in kept["versions"].items())
    return (
        f"{kept['processor']}, {kept['instruction_set']}, Python {kept['python']}, {versions}; "
        f"{kept['date']}. Made by `python bench/speed.py`, which alternates the libraries and "
        "takes medians."
    )


def present(kept: dict[str, Any]) -> list[str]:
    """Libraries that there are figures of, in the table's order."""
    return [library for library in LIBRARIES if library in kept["versions"]]


def best_rival(taken: dict[str, float]) -> str:
    """Name the fastest of those whose values are right."""
    rivals = set(taken) - {"fastdiv", "limit", *INEXACT}
    return min(rivals, key=lambda library: taken[library])


def markdown(head: list[str], rows: list[list[str]], texts: int) -> list[str]:
    """Lay out a table, of which the first columns are text."""
    rule = ["---"] * texts + ["--:"] * (len(head) - texts)
    return [f"| {' | '.join(cells)} |" for cells in (head, rule, *rows)]


def shown(shape: str) -> str:
    """Write a shape as people do."""
    return shape.replace("x", " × ")


def speed(shape: str, seconds: float) -> str:
    """10⁹ elements a second."""
    n, c = map(int, shape.split("x"))
    return f"{n * c / seconds / 1e9:.2f}"


def every_library(kept: dict[str, Any], dtype: str, shapes: list[str], small: bool) -> list[str]:
    """Tabulate every library's figure, and fastdiv's against the best and against the limit."""
    rows = []
    for shape in shapes:
        for function in FUNCTIONS:
            taken = kept["seconds"][dtype][shape][function]
            cells = [shown(shape), f"`{function}`"]
            for library in present(kept):
                s = taken.get(library)
                figure = "–" if s is None else f"{s * 1e6:.1f}" if small else speed(shape, s)
                cells.append(figure + "†" * (s is not None and library in INEXACT))
            cells.append(f"{taken[best_rival(taken)] / taken['fastdiv']:.1f}×")
            if not small:
                cells.append(f"{taken['limit'] / taken['fastdiv']:.2f}")
            rows.append(cells)
    head = ["rows × classes", "function", *present(kept), "best rival"]
    return markdown(head if small else [*head, "limit"], rows, 2)


def two_threads(kept: dict[str, Any]) -> list[str]:
    """Tabulate what a second processor brings."""
    rows = [
        [
            shown(shape),
            f"`{function}`",
            speed(shape, taken["one"]),
            speed(shape, taken["all"]),
            f"{taken['one'] / taken['all']:.2f}×",
            f"{taken['limit of all'] / taken['all']:.2f}",
        ]
        for shape, functions in kept["threads"].items()
        for function, taken in functions.items()
    ]
    head = ["rows × classes", "function", "one thread", "two", "gain", "limit of two"]
    return markdown(head, rows, 2)


def layouts(kept: dict[str, Any]) -> list[str]:
    """Tabulate the speed of rows however they lie."""
    names = list(next(iter(next(iter(kept["layouts"].values())).values())))
    rows = [
        [shown(shape), f"`{function}`", *(f"{speeds[name]:.2f}" for name in names)]
        for shape, functions in kept["layouts"].items()
        for function, speeds in functions.items()
    ]
    return markdown(["rows × classes", "function", *names], rows, 2)


def together(kept: dict[str, Any]) -> list[str]:
    """Tabulate how much more all numbers of a row cost than one of them."""
    columns = [(f, dtype) for f in ("score", "compare") for dtype in kept["together"]]
    rows = [
        [shown(shape), *(f"{kept['together'][dtype][shape][f]:.2f}×" for f, dtype in columns)]
        for shape in SHAPES
    ]
    head = ["rows × classes", *(f"`{f}`, {dtype}" for f, dtype in columns)]
    return markdown(head, rows, 1)


def steepest(speeds: dict[str, float]) -> tuple[int, float]:
    """Give the class count that is slowest against the faster of its neighbours, and how slow."""
    counts = sorted(map(int, speeds))[1:-1]
    ratios = {
        c: speeds[str(c)] / max(speeds[str(c - 1)], speeds[str(c + 1)]) for c in counts if c > 8
    }
    worst = min(ratios, key=lambda c: ratios[c])
    return worst, ratios[worst]


def cliffs(kept: dict[str, Any]) -> list[str]:
    """Say where the curve of every function is steepest."""
    worst = {function: steepest(speeds) for function, speeds in kept["every"].items()}
    return [
        f"- `{function}`: {ratio:.2f} of its faster neighbour, at {c} classes"
        for function, (c, ratio) in worst.items()
    ]


def page(kept: dict[str, Any]) -> str:
    """Give docs/speed.md."""
    off = "; one with a † is some per cent off, and does not count" if INEXACT else ""
    lines = [
        "# Speed",
        "",
        origin(kept),
        "",
        "![Speed against the number of classes](speed.svg)",
        "",
        "One thread, pinned to one processor; 10⁹ elements a second (a pair of rows counts once). "
        f"“Best rival” is fastdiv's speed over the best of the others{off}; “limit” is the share "
        "of the speed at which the same arrays can be read at all (the largest element of each, "
        "by the widest instructions there are).",
    ]
    for dtype in ("float32", "float64"):
        lines += ["", f"## {dtype}", "", *every_library(kept, dtype, SHAPES, small=False)]
        lines += ["", "A single small call, in microseconds:", ""]
        lines += every_library(kept, dtype, SMALL, small=True)
    lines += ["", "## Against reading", "", "![Share of reading speed](limit.svg)"]
    if "loops" in kept:
        lines += ["", "## What binds", "", WHAT_BINDS, "", *kept["loops"]]
    lines += ["", "## Every number of classes", "", "![From 1 to 300 classes](every.svg)", ""]
    lines += ["Where the curves are steepest, from nine classes on:", "", *cliffs(kept)]
    if "together" in kept:
        lines += ["", "## Several numbers of a row", "", TOGETHER, "", *together(kept)]
    lines += ["", "## Two threads", "", *two_threads(kept)]
    lines += ["", "## However the rows lie", "", "float32 unless it says otherwise.", ""]
    return "\n".join([*lines, *layouts(kept), ""])


def summary(kept: dict[str, Any]) -> str:
    """Give the README's table."""
    rows = []
    for shape in SHAPES:
        for function in SHORT:
            taken = kept["seconds"]["float32"][shape][function]
            best = best_rival(taken)
            rows.append(
                [
                    shown(shape),
                    f"`{function}`",
                    speed(shape, taken["fastdiv"]),
                    f"{best} {speed(shape, taken[best])}",
                    f"{taken[best] / taken['fastdiv']:.1f}×",
                    f"{taken['limit'] / taken['fastdiv']:.2f}",
                ]
            )
    head = ["rows × classes", "function", "fastdiv", "best rival", "ratio", "of reading"]
    return "\n".join(
        [
            "![Speed against the number of classes](docs/speed.svg)",
            "",
            "One thread, float32, 10⁹ elements a second (a pair of rows counts once); the last "
            "column is the share of the speed at which the same arrays can be read at all. "
            "[Every library, float64, two threads, small calls, layouts](docs/speed.md).",
            "",
            *markdown(head, rows, 2),
            "",
            origin(kept),
            "",
        ]
    )


def write(kept: dict[str, Any]) -> None:
    """Write the page, its pictures and the README's table."""
    import figures

    docs = ROOT / "docs"
    (docs / "speed.md").write_text(page(kept))
    figures.draw_speed(kept, docs / "speed.svg")
    figures.draw_limit(kept, docs / "limit.svg")
    figures.draw_every(kept, docs / "every.svg")
    readme = ROOT / "README.md"
    new = MARKS.sub(lambda m: m[1] + summary(kept) + m[2], readme.read_text())
    readme.write_text(new)


if __name__ == "__main__":
    write(json.loads(KEPT.read_text()))
