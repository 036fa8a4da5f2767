"""The pictures of docs/speed.md, from what bench/speed.py measured."""

from pathlib import Path
from typing import Any

from rivals import INEXACT
from tables import present

CURVES = [
    "cross_entropy_from_logits",
    "kl_divergence_from_logits",
    "entropy",
    "kl_divergence",
]


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


def draw_every(kept: dict[str, Any], path: Path) -> None:
    """Fastdiv's speed at every number of classes from 1 on."""
    figure, panels = axes(1)
    panel = panels.flat[0]
    for function, speeds in kept["every"].items():
        counts = sorted(map(int, speeds))
        panel.plot(counts, [speeds[str(c)] for c in counts], lw=1, label=function)
    panel.set(xlabel="classes", ylabel="10⁹ elements a second", ylim=(0, None))
    panel.grid(alpha=0.3)
    panel.legend()
    figure.savefig(path, metadata={"Date": None})
