"""Rows a second from a file to a summary, for few and for many classes: the table of docs/size.md.

    python bench/size.py --folder /tmp/size

Files of float32 logits are written to the folder (1 GB each), read once so that they are in the
system's memory, and scored and compared in turns.
"""

import argparse
import statistics
import time
from pathlib import Path

import numpy as np

from fastdiv.scoring.job import Job
from fastdiv.scoring.measures import compare_measure, score_measure
from fastdiv.scoring.run import run
from fastdiv.scoring.sources import open_rows

CLASSES = (10, 100, 1000, 128_256)
BLOCK = 4 << 20


def write(folder: Path, classes: int, size: int) -> tuple[Path, Path, Path]:
    """Write logits of two models and labels; the same block over and over, which costs no less."""
    rows = max(1, size // (4 * classes))
    rng = np.random.default_rng(classes)
    paths = tuple(folder / f"{name}-{classes}.npy" for name in ("p", "q", "y"))
    some = max(1, min(rows, (8 << 20) // (4 * classes)))
    p = (3 * rng.normal(size=(some, classes))).astype(np.float32)
    blocks = (p, p + (0.1 * rng.normal(size=p.shape)).astype(np.float32))
    for path, block in zip(paths, blocks, strict=False):
        made = np.lib.format.open_memmap(path, "w+", np.float32, (rows, classes))
        for first in range(0, rows, some):
            made[first : first + some] = block[: rows - first]
    np.save(paths[2], rng.integers(0, classes, rows))
    return paths[0], paths[1], paths[2]


def seconds(job: Job, workers: int) -> float:
    """Return how long a job takes."""
    begin = time.perf_counter()
    run(job, block_bytes=BLOCK, workers=workers)
    return time.perf_counter() - begin


def main() -> None:
    """Write the files, measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--bytes", type=int, default=1 << 30)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    print("| classes | command | threads | rows/s | GB/s |\n|--:|---|--:|--:|--:|")
    for classes in CLASSES:
        p, q, y = write(given.folder, classes, given.bytes)
        source, other = open_rows(p, labels=y), open_rows(q)
        jobs = {
            "score": Job(score_measure(), (source,)),
            "compare": Job(compare_measure(None, True), (source, other)),
        }
        taken: dict[tuple[str, int], list[float]] = {(n, w): [] for n in jobs for w in (1, 2)}
        for _ in range(given.rounds):
            for (name, workers), times in taken.items():
                times.append(seconds(jobs[name], workers))
        for (name, workers), times in taken.items():
            rate = (source.rows or 0) / statistics.median(times)
            speed = rate * jobs[name].row_bytes / 1e9
            print(f"| {classes} | {name} | {workers} | {rate:.3g} | {speed:.2f} |", flush=True)
        for path in (p, q, y):
            path.unlink()


if __name__ == "__main__":
    main()
