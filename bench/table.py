"""Rewrite the README's speed table from a benchmark run.

python bench/table.py RESULTS.json

RESULTS.json is what ``pytest bench/test_bench.py --benchmark-json=RESULTS.json`` saved. What the
table needs of it is kept in bench/results.json, from which ``python bench/table.py`` alone makes
the table again.
"""

import argparse
import importlib.metadata
import json
import platform
import re
from pathlib import Path
from typing import Any

from rivals import INEXACT

ROOT = Path(__file__).parent.parent
KEPT = ROOT / "bench" / "results.json"
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
SHAPES = ["256x128256", "4096x1000", "100000x100", "1000000x10"]
SMALL = ["64x128", "1x1000"]
LIBRARIES = ["fastdiv", "torch", "numpy", "scipy", "numkong"]
OFF = "; those with a † are some per cent off, and not among them:"
MARKS = re.compile(r"(<!-- bench -->\n).*?(<!-- /bench -->)", re.DOTALL)


def processor() -> str:
    """Name the processor."""
    path = Path("/proc/cpuinfo")
    if path.exists():
        found = re.search(r"^model name\s*: (.+)$", path.read_text(), re.MULTILINE)
        family = re.search(r"^cpu family\s*: (.+)$", path.read_text(), re.MULTILINE)
        if found:
            return f"{found[1]} (family {family[1]})" if family else found[1]
    return platform.processor() or platform.machine()


def trimmed(run: dict[str, Any]) -> dict[str, Any]:
    """Keep medians, and where and with what they were measured."""
    versions = {}
    for library in LIBRARIES:
        try:
            versions[library] = importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            continue
    medians = {b["name"][11:-1]: b["stats"]["median"] for b in run["benchmarks"]}
    return {
        "processor": processor(),
        "python": platform.python_version(),
        "instruction_set": run["benchmarks"][0]["extra_info"]["isa"],
        "versions": versions,
        "date": run["datetime"][:10],
        "seconds": medians,
    }


def timed(kept: dict[str, Any]) -> list[str]:
    """Libraries that there are figures of."""
    return [library for library in LIBRARIES if library in kept["versions"]]


def rows(kept: dict[str, Any], shape: str, dtype: str, small: bool) -> list[str]:
    """Table rows of one shape: speed of each library, and fastdiv's against the best rival."""
    n, c = map(int, shape.split("x"))
    lines = []
    for function in FUNCTIONS:
        seconds = {
            library: kept["seconds"].get(f"{function}-{shape}-{dtype}-{library}")
            for library in timed(kept)
        }
        if seconds["fastdiv"] is None:
            continue
        cells = [
            "–"
            if s is None
            else (f"{s * 1e6:.1f}" if small else f"{n * c / s / 1e9:.2f}") + "†" * (k in INEXACT)
            for k, s in seconds.items()
        ]
        best = min(
            s for k, s in seconds.items() if k not in ("fastdiv", *INEXACT) and s is not None
        )
        ratio = f"{best / seconds['fastdiv']:.1f}×"
        lines.append(
            f"| {shape.replace('x', ' × ')} | `{function}` | {' | '.join(cells)} | {ratio} |"
        )
    return lines


def table(kept: dict[str, Any]) -> str:
    """Everything between the marks."""
    libraries = timed(kept)
    inexact = set(libraries) & set(INEXACT)
    head = "| rows × classes | function | " + " | ".join(libraries) + " | best rival |"
    rule = "|---|---|" + "--:|" * (len(libraries) + 1)
    large = [line for shape in SHAPES for line in rows(kept, shape, "float32", small=False)]
    small = [line for shape in SMALL for line in rows(kept, shape, "float32", small=True)]
    versions = ", ".join(f"{name} {version}" for name, version in kept["versions"].items())
    return "\n".join(
        [
            "One thread, float32, 10⁹ elements a second (a pair of rows counts once). The last "
            "column is fastdiv's speed over the best of the others" + (OFF if inexact else ":"),
            "",
            head,
            rule,
            *large,
            "",
            "A single small call, in microseconds:",
            "",
            head,
            rule,
            *small,
            "",
            f"{kept['processor']}, {kept['instruction_set']}, Python {kept['python']}, {versions}; "
            f"{kept['date']}. Made by `pytest bench/test_bench.py "
            "--benchmark-json=build/bench.json` and `python bench/table.py build/bench.json`.",
            "",
        ]
    )


def main() -> None:
    """Read, trim, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", nargs="?", type=Path, help="what pytest-benchmark saved")
    parser.add_argument("--readme", type=Path, default=ROOT / "README.md")
    options = parser.parse_args()
    if options.results:
        kept = trimmed(json.loads(options.results.read_text()))
        KEPT.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")
    kept = json.loads(KEPT.read_text())
    text = options.readme.read_text()
    if not MARKS.search(text):
        parser.error(f"{options.readme} has no <!-- bench --> and <!-- /bench --> to write between")
    options.readme.write_text(MARKS.sub(lambda m: m[1] + table(kept) + m[2], text))


if __name__ == "__main__":
    main()
