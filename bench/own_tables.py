"""The tables of fastdiv alone."""

from typing import Any

from cells import markdown, shown, speed

TOGETHER = (
    "How many times as long as one of their numbers alone, by its own function, all of them take: "
    "`score` against `cross_entropy_from_logits`, `compare` against `kl_divergence_from_logits`, "
    "of logits 1 apart and, near, 0.1 apart."
)
OPTIONS = (
    "How many times as long as a call without it `cross_entropy_from_logits` of float32, or a "
    "function that is named, takes with one option: against labels, and against rows of "
    "probabilities."
)

KINDS = (
    "How many times as long as ordinary rows, of float32, others take: where that is most, of 10, "
    "100, 1000 and 50000 classes."
)


def kinds(kept: dict[str, Any]) -> list[str]:
    """Tabulate what rows out of the ordinary take, weights and logits."""
    lines = []
    for name, family in kept["kinds"].items():
        functions = list(next(iter(family.values())))
        rows = [
            [kind, *(f"{max(by[function].values()):.1f}×" for function in functions)]
            for kind, by in family.items()
        ]
        head = [name, *(f"`{function}`" for function in functions)]
        lines += ["", *markdown(head, rows[1:], 1)]
    return lines


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
    columns = [
        (f, dtype) for f in ("score", "compare", "compare, near") for dtype in kept["together"]
    ]
    rows = [
        [shown(shape), *(f"{kept['together'][dtype][shape][f]:.2f}×" for f, dtype in columns)]
        for shape in kept["together"]["float32"]
    ]
    head = ["rows × classes", *(f"`{f}`, {dtype}" for f, dtype in columns)]
    return markdown(head, rows, 1)


def options(kept: dict[str, Any]) -> list[str]:
    """Tabulate what every option costs."""
    names = list(next(iter(next(iter(kept["options"].values())).values())))
    rows = [
        [shown(shape), truth, *(f"{times[name]:.2f}×" for name in names)]
        for shape, truths in kept["options"].items()
        for truth, times in truths.items()
    ]
    head = ["rows × classes", "truth", *(f"`{name}`" for name in names)]
    return markdown(head, rows, 2)


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
