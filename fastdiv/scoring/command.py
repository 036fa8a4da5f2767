"""The command line.

Results go to standard output, progress and errors to standard error. Exit status 0: done; 2: a
file or an option is wrong, or a disk is full, in one line; 130: interrupted; 143: terminated.
"""

import contextlib
import os
import platform
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

import fastdiv
from fastdiv import _dispatch, _workers
from fastdiv.scoring import report, statistics
from fastdiv.scoring.blocks import BLOCK_BYTES
from fastdiv.scoring.files import InputError

app = typer.Typer(
    add_completion=True,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Cross-entropy and KL divergence of files of rows.",
)

Labels = Annotated[Path, typer.Option(help="Integer labels (.npy), one for every row.")]
Probs = Annotated[bool, typer.Option("--probs", help="Rows are probabilities, not logits.")]
Out = Annotated[Path | None, typer.Option(help="Write the number of every row to this .npy file.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Size = Annotated[str, typer.Option("--block-bytes", help="Bytes of a block, as 4M or 64k.")]
Workers = Annotated[int, typer.Option(help="Threads; -1 is one for every processor.")]


@contextlib.contextmanager
def _reported() -> Iterator[None]:
    """Turn what can go wrong into a line and an exit status."""
    try:
        yield
        sys.stdout.flush()
    except InputError as error:
        print(f"fastdiv: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except OSError as error:
        # Only standard output is left to fail here; Python would complain once more while closing
        # it. Whoever read our output and has left needs no word.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise typer.Exit(1) from None
        print(f"fastdiv: the result cannot be printed: {error.strerror}", file=sys.stderr)
        raise typer.Exit(2) from None


def _bytes(text: str) -> int:
    """Read 64k, 4M or 1G."""
    match = re.fullmatch(r"(\d+)([kMG]?)B?", text)
    if not match or int(match[1]) == 0:
        raise InputError(f"--block-bytes {text}: write a number of bytes, as 4M or 64k")
    return int(match[1]) << {"": 0, "k": 10, "M": 20, "G": 30}[match[2]]


def _threads(workers: int) -> int:
    try:
        return _workers.count(workers)
    except ValueError as error:
        raise InputError(f"--workers: {error}") from None


@app.command()
def score(
    logits: Annotated[Path, typer.Argument(help="Rows of logits (.npy), shape (rows, classes).")],
    labels: Labels,
    probs: Probs = False,
    out: Out = None,
    json: Json = False,
    block_bytes: Size = f"{BLOCK_BYTES >> 20}M",
    workers: Workers = -1,
) -> None:
    """Score rows of logits against labels."""
    with _reported():
        result = statistics.score(
            logits,
            labels,
            probs=probs,
            out=out,
            block_bytes=_bytes(block_bytes),
            workers=_threads(workers),
            start=report.progress,
        )
        report.print_result(result, json, "score")


@app.command()
def compare(
    p_logits: Annotated[Path, typer.Argument(help="Rows of the true model (.npy).")],
    q_logits: Annotated[Path, typer.Argument(help="Rows of the other model (.npy).")],
    labels: Annotated[
        Path | None, typer.Option(help="Integer labels (.npy): score both models too.")
    ] = None,
    probs: Probs = False,
    out: Out = None,
    json: Json = False,
    block_bytes: Size = f"{BLOCK_BYTES >> 20}M",
    workers: Workers = -1,
) -> None:
    """Compare two models' rows of logits: KL divergence and its kin."""
    with _reported():
        result = statistics.compare(
            p_logits,
            q_logits,
            labels,
            probs=probs,
            out=out,
            block_bytes=_bytes(block_bytes),
            workers=_threads(workers),
            start=report.progress,
        )
        report.print_result(result, json, "compare")


@app.command()
def info(json: Json = False) -> None:
    """Tell the version, the instruction sets and the machine."""
    with _reported():
        facts = {
            "version": fastdiv.__version__,
            "instruction_sets": _dispatch.compiled(),
            "instruction_set_in_use": _dispatch.active(),
            "numpy": np.__version__,
            "python": platform.python_version(),
            "cpus": _workers.usable_cpus(),
        }
        if json:
            report.print_json({"command": "info", **facts})
        else:
            report.print_table(
                [
                    (k.replace("_", " "), ", ".join(v) if isinstance(v, list) else str(v))
                    for k, v in facts.items()
                ]
            )
