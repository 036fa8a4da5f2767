"""The picture of ``fastdiv bench``: a panel for each function, a line for each shape."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastdiv._extras import need
from fastdiv.plot import _style
from fastdiv.scoring.bench_rows import TIMES, shape_name
from fastdiv.scoring.pictures import check_suffix
from fastdiv.scoring.whole_file import check_writable

# Told apart by colour and by form. One thread is an empty form, all of them a full one.
LOOKS = {
    "fastdiv": (_style.P, "o"),
    "numpy": (_style.MUTED, "s"),
    "scipy": (_style.KL, "^"),
    "torch": (_style.Q, "D"),
}
NAMES = {"fastdiv": "fastdiv", "numpy": "NumPy", "scipy": "SciPy", "torch": "PyTorch"}


def new_figure(path: Path) -> Any:
    """Return an empty figure, or say now why it could not be written to ``path`` later."""
    need("matplotlib", "--plot", "plot")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    check_writable(path)
    figure = Figure(layout="constrained")
    FigureCanvasAgg(figure)
    check_suffix(path)
    return figure


def draw(result: Mapping[str, Any], figure: Any) -> None:
    """Draw every case: elements a second of each library, and how many times the best rival's."""
    cases: dict[str, list[Mapping[str, Any]]] = {}
    for case in result["cases"]:
        cases.setdefault(case["function"], []).append(case)
    columns = min(2, len(cases))
    rows = -(-len(cases) // columns)
    most = max(map(len, cases.values()))
    figure.set_size_inches(5.2 * columns, (0.9 + 0.42 * most) * rows + 0.8)
    figure.get_layout_engine().set(wspace=0.06)  # numbers to the right, shapes to the left
    panels = figure.subplots(rows, columns, sharex=True, squeeze=False)
    for ax, (function, shown) in zip(panels.flat, cases.items(), strict=False):
        _panel(ax, function, shown)
    for ax in panels.flat[len(cases) :]:
        ax.set_visible(False)
    for ax in panels[-1]:
        ax.set_xlabel("elements per second (faster to the right)")
    figure.supxlabel(where(result), fontsize="small", color=_style.MUTED)
    _key(figure, result)


def where(result: Mapping[str, Any]) -> str:
    """Say in a line where and with what it was measured."""
    machine = result["machine"]
    cpus = f"{machine['cpus']} processor{'s' * (machine['cpus'] > 1)}"
    versions = (f"{NAMES[name]} {number}" for name, number in machine["versions"].items())
    place = f"{machine['processor']}, {cpus}, {machine['instruction_set']}"
    return f"{place}; Python {machine['python']}, {', '.join(versions)}; float32"


def _panel(ax: Any, function: str, cases: list[Mapping[str, Any]]) -> None:
    """Draw one function: to the right is faster."""
    for y, case in enumerate(cases):
        timed = [line for line in case["contestants"] if "seconds" in line]
        speeds = [line["elements_per_second"] for line in timed]
        ax.plot(speeds, [y] * len(speeds), color=_style.MUTED, linewidth=0.8, zorder=1)
        for line in timed:
            color, marker = LOOKS[line["library"]]
            ax.plot(
                line["elements_per_second"], y, marker, markersize=7, color=color,
                zorder=3 if line["library"] == "fastdiv" else 2,
                markerfacecolor=color if line["threads"] > 1 else ax.get_facecolor(),
            )  # fmt: skip
        if case["ratio_all"] is not None:
            ax.annotate(
                _style.number(case["ratio_all"], 2) + TIMES, (1.01, y), va="center",
                xycoords=("axes fraction", "data"), fontsize="small",
            )  # fmt: skip
    ax.set_yticks(
        range(len(cases)),
        [shape_name(case["rows"], case["classes"]) for case in cases],
    )
    ax.set_ylim(len(cases) - 0.5, -0.5)
    ax.annotate(
        f"{TIMES} best rival", (1.01, 1), va="bottom", ha="center", xycoords="axes fraction",
        fontsize="small", color=_style.MUTED,
    )  # fmt: skip
    ax.set_xscale("log")
    ax.set_title(function, loc="left", fontsize="medium", family="monospace")
    _style.decades(ax.xaxis)
    _style.calm(ax, "x")


def _key(figure: Any, result: Mapping[str, Any]) -> None:
    """Put what the forms mean above all panels."""
    from matplotlib.lines import Line2D

    seen = {(o["library"], o["threads"]): None for c in result["cases"] for o in c["contestants"]}
    handles = []
    for library, threads in seen:
        color, marker = LOOKS[library]
        name = NAMES[library]
        if result["threads"] > 1 and (library, 1) in seen and (library, result["threads"]) in seen:
            name += f", {threads} thread{'s' * (threads > 1)}"
        face = color if threads > 1 else "none"
        handles.append(
            Line2D(
                [], [], marker=marker, linestyle="", color=color, markerfacecolor=face, label=name
            )
        )
    figure.legend(handles=handles, loc="outside upper left", ncols=len(handles), frameon=False)
