"""The speed pages of docs and the README's table, from what bench/speed.py leaves in bench.

python bench/tables.py
"""

import datetime
import importlib.metadata
import json
import platform
import re
from pathlib import Path
from typing import Any

from cells import markdown, shown, speed
from own_tables import (
    KINDS,
    OPTIONS,
    TOGETHER,
    cliffs,
    kinds,
    layouts,
    options,
    together,
    two_threads,
)
from rivals import INEXACT

from fastdiv import _dispatch

ROOT = Path(__file__).parent.parent
# The page that the README's table is of, and those of other processors.
PAGES = {"speed": "Speed", "speed-avx2": "Speed with AVX2"}
PARTS = ("seconds", "curve", "every", "together", "options", "layouts", "threads")
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
    "score",
    "compare",
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
WHAT_BINDS = (
    "Instructions of the innermost loop for 16 float32 elements, one 512-bit register, and the "
    "cycles that a whole call takes for them with its rows in the cache (`python bench/loops.py`). "
    "The floor is what the multiply-adds, or the divisions, take at least on this processor. "
    "Beside the loop a call looks for maxima, adds up, and takes a logarithm for every row; KL "
    "from logits takes two exponentials of 13 instructions, and their sums, in a loop of their own."
)


def kept_of(page: str) -> Path:
    """Where the figures of a page are kept."""
    return ROOT / "bench" / f"{page}.json"


def processor() -> str:
    """Name the processor."""
    path = Path("/proc/cpuinfo")
    if path.exists():
        found = re.search(r"^model name\s*: (.+)$", path.read_text(), re.MULTILINE)
        family = re.search(r"^cpu family\s*: (.+)$", path.read_text(), re.MULTILINE)
        if found:
            return f"{found[1]} (family {family[1]})" if family else found[1]
    return platform.processor() or platform.machine()


def where(kept: dict[str, Any] | None = None) -> str:
    """Say where, with what instructions and when figures were, or now would be, made."""
    now = machine([]) if kept is None else kept
    return f"{now['processor']}, {now['instruction_set']}, {now['date']}"


def machine(libraries: list[str]) -> dict[str, Any]:
    """Where and with what is measured, and room for the figures."""
    return {
        "processor": processor(),
        "python": platform.python_version(),
        "instruction_set": _dispatch.active(),
        "versions": {name: importlib.metadata.version(name) for name in libraries},
        "date": datetime.datetime.now(tz=datetime.timezone.utc).date().isoformat(),
        **{kind: {} for kind in PARTS},
    }


def page_of(kept: dict[str, Any]) -> str:
    """Name the page of some figures."""
    name: str = kept.get("page", "speed")
    return name


def command(kept: dict[str, Any]) -> str:
    """Give the command that makes a page."""
    name = page_of(kept)
    return "python bench/speed.py" + ("" if name == "speed" else f" --page {name}")


def origin(kept: dict[str, Any]) -> str:
    """Say where and with what it was measured, and by which command."""
    versions = ", ".join(f"{name} {version}" for name, version in kept["versions"].items())
    return (
        f"{kept['processor']}, {kept['instruction_set']}, Python {kept['python']}, {versions}; "
        f"{kept['date']}. Made by `{command(kept)}`, which alternates the libraries and takes "
        "medians."
    )


def present(kept: dict[str, Any]) -> list[str]:
    """Libraries that there are figures of, in the table's order."""
    return [library for library in LIBRARIES if library in kept["versions"]]


def best_rival(taken: dict[str, float]) -> str:
    """Name the fastest of those whose values are right."""
    rivals = set(taken) - {"fastdiv", "limit", *INEXACT}
    return min(rivals, key=lambda library: taken[library])


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


def page(kept: dict[str, Any]) -> str:
    """Give a page of docs."""
    name = page_of(kept)
    pictures = picture_names(name)
    off = "; one with a † is some per cent off, and does not count" if INEXACT else ""
    lines = [
        f"# {PAGES[name]}",
        "",
        origin(kept),
        "",
        f"![Speed against the number of classes]({pictures[0]})",
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
    lines += ["", "## Against reading", "", f"![Share of reading speed]({pictures[1]})"]
    if "loops" in kept:
        lines += ["", "## What binds", "", WHAT_BINDS, "", *kept["loops"]]
    lines += ["", "## Every number of classes", "", f"![From 1 to 300 classes]({pictures[2]})", ""]
    lines += ["Where the curves are steepest, from nine classes on:", "", *cliffs(kept)]
    if "together" in kept:
        lines += ["", "## Several numbers of a row", "", TOGETHER, "", *together(kept)]
    if "options" in kept:
        lines += ["", "## Options", "", OPTIONS, "", *options(kept)]
    lines += ["", "## Two threads", "", *two_threads(kept)]
    lines += ["", "## However the rows lie", "", "float32 unless it says otherwise.", ""]
    lines += layouts(kept)
    if "kinds" in kept:
        # Told anew for one part: it may have been measured alone, on another processor.
        on = "" if kept["kinds_on"] == where(kept) else f" On {kept['kinds_on']}."
        lines += ["", "## Whatever the numbers", "", KINDS + on, *kinds(kept)]
    return "\n".join([*lines, ""])


def picture_names(page: str) -> tuple[str, str, str]:
    """Name the pictures of a page: speeds, shares of the limit, every number of classes."""
    if page == "speed":
        return "speed.svg", "limit.svg", "every.svg"
    return f"{page}.svg", f"{page}-limit.svg", f"{page}-every.svg"


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
            "[Every library, float64, two threads, small calls, layouts](docs/speed.md), and the "
            "same [with AVX2](docs/speed-avx2.md).",
            "",
            *markdown(head, rows, 2),
            "",
            origin(kept),
            "",
        ]
    )


def write(kept: dict[str, Any]) -> None:
    """Write the page, its pictures and, if it is that one's, the README's table."""
    import figures

    docs, name = ROOT / "docs", page_of(kept)
    (docs / f"{name}.md").write_text(page(kept))
    speeds, limits, every = (docs / picture for picture in picture_names(name))
    figures.draw_speed(kept, speeds)
    figures.draw_limit(kept, limits)
    figures.draw_every(kept, every)
    if name != "speed":
        return
    readme = ROOT / "README.md"
    new = MARKS.sub(lambda m: m[1] + summary(kept) + m[2], readme.read_text())
    readme.write_text(new)


if __name__ == "__main__":
    for page_name in PAGES:
        write(json.loads(kept_of(page_name).read_text()))
