"""Time every function on the shapes people have, against every library there is and the limit.

python bench/speed.py            # all, 15 minutes: bench/speed.json, and what tables.py makes of it
python bench/speed.py --quick    # a look, half a minute, nothing written
python bench/speed.py --only layouts  # or another part: that once more, beside the rest
python bench/speed.py --page speed-avx2  # to a page of its own, for another processor

In every round each library takes its turn, and every second round in the other order; figures are
medians of the rounds. The limit is what reading the same arrays takes (bench/limit.py), measured in
the same rounds. One thread means one processor: everything is pinned to it, and let go only to
time fastdiv on all of them. A library's values are checked before it is timed.
"""

import argparse
import functools
import json
import os
from collections.abc import Callable
from typing import Any

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"
CPUS = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
if CPUS:
    # Before the libraries count the processors they have.
    os.sched_setaffinity(0, {max(CPUS)})

import figures  # noqa: E402
import kinds  # noqa: E402
import limit  # noqa: E402
import loops  # noqa: E402
import numpy as np  # noqa: E402
import ourselves  # noqa: E402
import tables  # noqa: E402
from rivals import CALLS, PREPARED, Data, check, data  # noqa: E402
from timing import medians  # noqa: E402

import fastdiv  # noqa: E402
from fastdiv import _dispatch  # noqa: E402

PARTS = (
    "curve",
    "every",
    "libraries",
    "together",
    "options",
    "layouts",
    "kinds",
    "threads",
    "loops",
)
# What a function reads.
READS = {
    "cross_entropy_from_logits": ("x",),
    "entropy_from_logits": ("x",),
    "kl_divergence_from_logits": ("x", "z"),
    "js_divergence_from_logits": ("x", "z"),
    "logsumexp": ("x",),
    "softmax": ("x",),
    "log_softmax": ("x",),
    "entropy": ("p",),
    "cross_entropy": ("p", "q"),
    "kl_divergence": ("p", "q"),
    "js_divergence": ("p", "q"),
    "js_distance": ("p", "q"),
    "score": ("x",),
    "compare": ("x", "z"),
}
# Elements of an array of the curve over class counts: 16 MB, more than a processor's own cache.
CURVE_ELEMENTS = 1 << 22
SHAPES = [(256, 128256), (4096, 1000), (100000, 100), (1000000, 10), (64, 128), (1, 1000)]


def on_one(function: str, given: Data, checked: set[tuple[str, str, str]]) -> dict[str, float]:
    """Seconds of every library, and of reading, on one processor."""
    calls: dict[str, Callable[[], Any]] = {}
    for library, functions in CALLS.items():
        if function in functions:
            key = (library, function, given.x.dtype.name)
            if key not in checked:
                check(*key)
                checked.add(key)
            calls[library] = functools.partial(functions[function], PREPARED[library](given))
    arrays = [getattr(given, name) for name in READS[function]]
    calls["limit"] = lambda: limit.read(arrays, 1)
    return medians(calls)


def on_all(function: str, given: Data) -> dict[str, float]:
    """Seconds of fastdiv and of reading, on one processor and on all, these not pinned."""
    arrays = [getattr(given, name) for name in READS[function]]

    def run(workers: int) -> None:
        with fastdiv.set_workers(workers):
            CALLS["fastdiv"][function](given)

    cpus = len(CPUS)
    return medians(
        {
            "one": lambda: run(1),
            "all": lambda: run(cpus),
            "limit of one": lambda: limit.read(arrays, 1),
            "limit of all": lambda: limit.read(arrays, cpus),
        }
    )


def class_counts() -> list[int]:
    """Powers of two and of ten, and what lies about the widths of vectors, tiles and blocks."""
    about = {n + d for n in (16, 32, 64, 128, 256, 1024) for d in (-1, 0, 1)}
    some = {1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 20, 24, 40, 48, 80, 96, 100, 160, 200, 300}
    return sorted(about | some | {500, 1000, 2000, 4096, 10000, 32000, 128256})


def tell(what: str, function: str, n: int, c: int, taken: dict[str, float]) -> None:
    """Print speeds as they come."""
    speeds = (f"{library} {n * c / s / 1e9:.3g}" for library, s in taken.items())
    print(what, f"{n} x {c}", function, *speeds, flush=True)


def measure_libraries(shapes: list[tuple[int, int]], dtypes: list[str]) -> dict[str, Any]:
    """Measure every function of every library: by type, shape and function."""
    checked: set[tuple[str, str, str]] = set()
    seconds: dict[str, Any] = {}
    for dtype in dtypes:
        for n, c in shapes:
            given = data(n, c, np.dtype(dtype))
            for function in tables.FUNCTIONS:
                taken = on_one(function, given, checked)
                seconds.setdefault(dtype, {}).setdefault(f"{n}x{c}", {})[function] = taken
                tell(dtype, function, n, c, taken)
    return seconds


def measure_curve() -> dict[str, Any]:
    """Measure speeds against the number of classes: by function and number."""
    checked: set[tuple[str, str, str]] = set()
    curve: dict[str, Any] = {}
    for c in class_counts():
        n = CURVE_ELEMENTS // c
        given = data(n, c, np.dtype(np.float32))
        for function in figures.CURVES:
            taken = on_one(function, given, checked)
            curve.setdefault(function, {})[str(c)] = {k: n * c / s / 1e9 for k, s in taken.items()}
            tell("curve", function, n, c, taken)
    return curve


def measure_threads(shapes: list[tuple[int, int]]) -> dict[str, Any]:
    """Measure what all processors bring: by shape and function; nothing, where there is one."""
    threads: dict[str, Any] = {}
    if len(CPUS) < 2:
        return threads
    os.sched_setaffinity(0, CPUS)
    for n, c in shapes:
        given = data(n, c, np.dtype(np.float32))
        for function in tables.FUNCTIONS:
            taken = on_all(function, given)
            threads.setdefault(f"{n}x{c}", {})[function] = taken
            tell("threads", function, n, c, taken)
    return threads


def main() -> None:
    """Measure; write down; draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a look at float32, 4096 x 1000")
    parser.add_argument(
        "--only",
        choices=PARTS,
        help="a part once more",
    )
    parser.add_argument("--page", choices=tables.PAGES, default="speed", help="another processor's")
    asked = parser.parse_args()
    if asked.quick:
        measure_libraries([(4096, 1000)], ["float32"])
        measure_threads([(4096, 1000)])
        return
    if asked.only:
        kept = json.loads(tables.kept_of(asked.page).read_text())
    else:
        kept = {"page": asked.page, **tables.machine(list(CALLS))}
    if asked.only in {None, "curve"}:
        kept["curve"] = measure_curve()
    if asked.only in {None, "every"}:
        kept["every"] = ourselves.every_count(figures.CURVES)
    if asked.only in {None, "libraries"}:
        kept["seconds"] = measure_libraries(SHAPES, ["float32", "float64"])
    if asked.only in {None, "loops"} and _dispatch.active() == "x86-64-v4":
        kept["loops"] = loops.table()
    if asked.only in {None, "together"}:
        kept["together"] = ourselves.together()
    if asked.only in {None, "options"}:
        kept["options"] = ourselves.options()
    if asked.only in {None, "layouts"}:
        kept["layouts"] = ourselves.layouts()
    if asked.only in {None, "kinds"}:
        kept["kinds"] = kinds.times()
        kept["kinds_on"] = tables.where()
    if asked.only in {None, "threads"}:
        kept["threads"] = measure_threads(SHAPES[:4])
    tables.kept_of(asked.page).write_text(json.dumps(kept, indent=1) + "\n")
    tables.write(kept)


if __name__ == "__main__":
    main()
