"""Rows, summaries of one machine, and work that can be killed, for the tests of engines."""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

import fastdiv
from fastdiv.scoring.compare_summary import CompareSummary
from fastdiv.scoring.score_summary import ScoreSummary

N, C = 3000, 11


def data(dtype=np.float32):
    """Two models' logits with rows that are hard: -inf, +inf, NaN, ties."""
    rng = np.random.default_rng(5)
    p = (3 * rng.normal(size=(N, C))).astype(dtype)
    q = (p + rng.normal(size=(N, C)) / 4).astype(dtype)
    p[7, 3], p[70, 0], q[700, 5], p[N - 1] = -np.inf, np.inf, np.nan, 0
    return p, q, rng.integers(0, C, N)


def score_json(y, x, **settings):
    summary = ScoreSummary(x.shape[-1], **settings)
    summary.update(fastdiv.score(y, x, want=summary.columns))
    return summary.to_json()


def compare_json(p, q, y=None):
    summary = CompareSummary(p.shape[-1])
    summary.update(fastdiv.compare(p, q, y))
    return summary.to_json()


def held_up(folder: str) -> None:
    """Take a minute the first time, and no time afterwards; leave a note of the process at work."""
    try:
        with (Path(folder) / "first").open("x") as note:
            note.write(f"{os.getpid()}\n")
    except FileExistsError:
        (Path(folder) / f"again-{os.getpid()}").touch()
        return
    time.sleep(60)
    (Path(folder) / "finished").touch()


def block_held_up(block, folder: str, block_id):
    """Give a block of a Dask array, the sixth of them held up.

    It is here because a worker can import this module, and not a test.
    """
    if block_id[0] == 5:
        held_up(folder)
    return block


@contextlib.contextmanager
def killed_when_held_up(folder: Path, whom: Callable[[int], int] | None = None) -> Iterator[None]:
    """Kill the process at work in ``held_up`` in this block, or one it belongs to.

    In the end see that it was killed in the middle, and its work done again by another one.
    """
    with ThreadPoolExecutor(1) as pool:
        killing = pool.submit(_kill, folder, whom)
        yield
        pid = killing.result()
    again = [int(path.name.split("-")[1]) for path in folder.glob("again-*")]
    assert again
    assert pid not in again
    assert not (folder / "finished").exists()


def _kill(folder: Path, whom: Callable[[int], int] | None) -> int:
    note = folder / "first"
    for _ in range(600):
        if note.exists() and note.read_text().endswith("\n"):
            break
        time.sleep(0.05)
    pid = int(note.read_text())
    os.kill(whom(pid) if whom else pid, signal.SIGKILL)
    return pid
