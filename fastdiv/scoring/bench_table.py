"""The table of ``fastdiv bench``."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from fastdiv.plot import _style
from fastdiv.scoring.bench_picture import NAMES, where
from fastdiv.scoring.bench_rows import TIMES, shape_name
from fastdiv.scoring.streams import Terminal, printed


@printed()
def print_bench(result: Mapping[str, Any], console: Console | None = None) -> None:
    """Print what `bench` found: a line for each shape, the functions one below the other.

    Parameters
    ----------
    result : mapping
        What `bench` returned.
    console : rich console, optional
        Where to print; by default standard output.
    """
    console = console or Terminal(highlight=False)
    show = functools.partial(console.print, soft_wrap=True)  # lines are as long as they are
    show(Text(where(result)))
    show(Text(f"Million elements a second; measured in {result['seconds']:.0f} s\n"))
    parts = {
        case["function"]: [c for c in result["cases"] if c["function"] == case["function"]]
        for case in result["cases"]
    }
    columns = list(dict.fromkeys(map(_who, result["cases"][0]["contestants"])))
    heads = _heads(columns, result["threads"])
    lines = {name: [_cells(c, columns, result["threads"]) for c in p] for name, p in parts.items()}
    every = [*heads, *(line for part in lines.values() for line in part)]
    widths = [max(map(len, column)) for column in zip(*every, strict=True)]
    for head in heads:
        show(_aligned(head, widths))
    for name, part in lines.items():
        show(Text(f"\n{name}", "bold"))
        for cells in part:
            show(_aligned(cells, widths))
    for note in _notes(result):
        show(Text(note))


def _who(line: Mapping[str, Any]) -> tuple[str, int]:
    return line["library"], line["threads"]


def _heads(columns: Sequence[tuple[str, int]], threads: int) -> list[list[str]]:
    """Two lines above the columns: libraries, and with how many threads."""
    counts = sorted({1, threads})
    return [
        ["", *(NAMES[name] for name, _ in columns), "rows/s", *(f"{TIMES} best" for _ in counts)],
        ["threads", *(str(n) for _, n in columns), str(threads), *map(str, counts)],
    ]


def _cells(case: Mapping[str, Any], columns: Sequence[tuple[str, int]], threads: int) -> list[str]:
    """Shape, speeds of the libraries, rows a second of fastdiv with all threads, ratios."""
    found = {_who(line): line for line in case["contestants"]}
    speeds = [found[who].get("elements_per_second") for who in columns]
    ours = found["fastdiv", threads].get("rows_per_second")
    ratios = [case["ratio_one"], case["ratio_all"]][-len({1, threads}) :]
    return [
        shape_name(case["rows"], case["classes"]),
        *("wrong" if speed is None else _style.number(speed / 1e6) for speed in speeds),
        "wrong" if ours is None else _short(ours),
        *("" if ratio is None else _style.number(ratio, 2) for ratio in ratios),
    ]


def _short(number: float) -> str:
    """Write 12345678 as 12.3M."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{_style.number(number / size)}{letter}"
    return _style.number(number)


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> Text:
    first, *others = (
        cell.rjust(width) if i else cell.ljust(width)
        for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return Text("  ".join([first, *others]))


def _notes(result: Mapping[str, Any]) -> list[str]:
    """Tell what is not as it should be: wrong results, rivals not there, a busy machine."""
    notes = [
        f"{NAMES[line['library']]}, {case['function']}, "
        f"{shape_name(case['rows'], case['classes'])}: {line['fault']}; not timed"
        for case in result["cases"]
        for line in case["contestants"]
        if line["fault"]
    ]
    notes += [f"{NAMES[name]}: {why}" for name, why in result["missing"].items()]
    load, cpus = result["machine"]["load"], result["machine"]["cpus"]
    if load is not None and load > cpus / 2:
        notes.append(
            f"The machine was busy before: load {load:.1f} on {cpus} processors. Others' work "
            "slows some calls more than others."
        )
    return ["", *notes] if notes else []
