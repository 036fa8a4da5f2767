"""docs/speed.md and its pictures, from bench/speed.json, which bench/speed.py leaves.

python bench/figures.py
"""

import datetime
import importlib.metadata
import json
import platform
from pathlib import Path
from typing import Any

from rivals import INEXACT
from table import FUNCTIONS, SHAPES, SMALL, processor

from fastdiv import _dispatch

ROOT = Path(__file__).parent.parent
KEPT = ROOT / "bench" / "speed.json"
CURVES = [
    "cross_entropy_from_logits",
    "kl_divergence_from_logits",
    "entropy",
    "kl_divergence",
]
LIBRARIES = ["fastdiv", "torch", "jax", "numpy", "scipy", "numba", "numexpr", "numkong"]


def machine(libraries: list[str]) -> dict[str, Any]:
    """Where and with what is measured, and room for the figures."""
    return {
        "processor": processor(),
        "python": platform.python_version(),
        "instruction_set": _dispatch.active(),
        "versions": {name: importlib.metadata.version(name) for name in libraries},
        "date": datetime.datetime.now(tz=datetime.timezone.utc).date().isoformat(),
        "seconds": {},
        "curve": {},
        "threads": {},
    }


def present(kept: dict[str, Any]) -> list[str]:
    """Libraries that there are figures of, in the table's order."""
    return [library for library in LIBRARIES if library in kept["versions"]]


def best_rival(taken: dict[str, float]) -> float:
    """Seconds of the fastest of those whose values are right."""
    return min(s for k, s in taken.items() if k not in ("fastdiv", "limit", *INEXACT))


def lines(kept: dict[str, Any], dtype: str, shape: str, small: bool) -> list[str]:
    """Table rows of one shape: every library's speed, and fastdiv's against limit and rival."""
    n, c = map(int, shape.split("x"))
    made = []
    for function in FUNCTIONS:
        taken = kept["seconds"][dtype][shape][function]
        cells = []
        for library in present(kept):
            s = taken.get(library)
            figure = "–" if s is None else f"{s * 1e6:.1f}" if small else f"{n * c / s / 1e9:.2f}"
            cells.append(figure + "†" * (s is not None and library in INEXACT))
        cells.append(f"{best_rival(taken) / taken['fastdiv']:.1f}×")
        if not small:
            cells.append(f"{taken['limit'] / taken['fastdiv']:.2f}")
        made.append(f"| {shape.replace('x', ' × ')} | `{function}` | {' | '.join(cells)} |")
    return made


def table(kept: dict[str, Any]) -> str:
    """Give the tables, the pictures and where they come from."""
    head = "| rows × classes | function | " + " | ".join(present(kept)) + " | best rival |"
    rule = "|---|---|" + "--:|" * (len(present(kept)) + 1)
    large = [line for s in SHAPES for line in lines(kept, "float32", s, small=False)]
    small = [line for s in SMALL for line in lines(kept, "float32", s, small=True)]
    versions = ", ".join(f"{name} {version}" for name, version in kept["versions"].items())
    inexact = set(present(kept)) & set(INEXACT)
    off = "; one with a † is some per cent off, and does not count" if inexact else ""
    return "\n".join(
        [
            "![Speed against the number of classes](speed.svg)",
            "",
            "One thread, float32, 10⁹ elements a second (a pair of rows counts once). “Best rival” "
            f"is fastdiv's speed over the best of the others{off}; “limit” is the share of the "
            "speed at which the same arrays can be read at all.",
            "",
            head + " limit |",
            rule + "--:|",
            *large,
            "",
            "A single small call, in microseconds:",
            "",
            head,
            rule,
            *small,
            "",
            "![Share of reading speed](limit.svg)",
            "",
            f"{kept['processor']}, {kept['instruction_set']}, Python {kept['python']}, {versions}; "
            f"{kept['date']}. Made by `python bench/speed.py`, which alternates the libraries; "
            "float64 and two threads are in [bench/speed.json](../bench/speed.json).",
            "",
        ]
    )


def axes(count: int) -> Any:
    """Panels side by side, two in a row."""
    # Drawn without a display, and with text as text.
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot as plt

    plt.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "fastdiv", "font.size": 10})
    columns = 2 if count > 1 else 1
    return plt.subplots(
        -(-count // columns), columns, figsize=(10, 3.4 * -(-count // columns)),
        squeeze=False, layout="constrained",
    )  # fmt: skip


def draw_speed(kept: dict[str, Any], path: Path) -> None:
    """Speed against the number of classes, a panel for each function."""
    figure, panels = axes(len(CURVES))
    for panel, function in zip(panels.flat, CURVES, strict=True):
        points = sorted((int(c), speeds) for c, speeds in kept["curve"][function].items())
        for i, library in enumerate(present(kept)):
            if library in points[0][1]:
                panel.loglog(
                    [c for c, _ in points], [speeds[library] for _, speeds in points],
                    color=f"C{i}", lw=2.2 if library == "fastdiv" else 1,
                    ls="--" if library in INEXACT else "-",
                    label=library + (" †" if library in INEXACT else ""),
                )  # fmt: skip
        panel.loglog(
            [c for c, _ in points], [speeds["limit"] for _, speeds in points],
            color="0.6", ls=":", label="limit: reading",
        )  # fmt: skip
        panel.set(title=function, xlabel="classes", ylabel="10⁹ elements a second")
        panel.grid(alpha=0.3)
    figure.legend(*panels.flat[-1].get_legend_handles_labels(), loc="outside right center")
    figure.savefig(path, metadata={"Date": None})


def draw_limit(kept: dict[str, Any], path: Path) -> None:
    """Fastdiv's share of reading speed against the number of classes."""
    figure, panels = axes(1)
    panel = panels.flat[0]
    for function in CURVES:
        points = sorted((int(c), s) for c, s in kept["curve"][function].items())
        shares = [speeds["fastdiv"] / speeds["limit"] for _, speeds in points]
        panel.semilogx([c for c, _ in points], shares, marker=".", label=function)
    panel.set(xlabel="classes", ylabel="share of reading speed", ylim=(0, None))
    panel.grid(alpha=0.3)
    panel.legend()
    figure.savefig(path, metadata={"Date": None})


def write(kept: dict[str, Any]) -> None:
    """Write the table, and the pictures beside it."""
    (ROOT / "docs" / "speed.md").write_text("# Speed\n\n" + table(kept))
    draw_speed(kept, ROOT / "docs" / "speed.svg")
    draw_limit(kept, ROOT / "docs" / "limit.svg")


if __name__ == "__main__":
    write(json.loads(KEPT.read_text()))
