"""Options of the command line: their types, and what they are turned into."""

import re
from pathlib import Path
from typing import Annotated

import typer

import fastdiv
from fastdiv import _workers
from fastdiv.scoring.reported import reported
from fastdiv.scoring.sources import InputError
from fastdiv.scoring.sources.blocks import BLOCK_BYTES
from fastdiv.scoring.streams import printed

BLOCK = f"{BLOCK_BYTES >> 20}M"


def _version(asked: bool) -> None:
    if asked:
        with reported(), printed():
            print(f"fastdiv {fastdiv.__version__}")
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", callback=_version, is_eager=True, help="Tell the version.")
]
Places = Annotated[
    list[str],
    typer.Argument(
        metavar="LOGITS",
        help="Rows of logits: files, folders of shards, patterns, or - for an Arrow stream.",
    ),
]
Place = Annotated[str, typer.Argument(help="A file, a folder of shards, a pattern, or -.")]
Labels = Annotated[
    str | None,
    typer.Option(help="Integer labels: a column of the rows' file, or a file (FILE::COLUMN)."),
]
Ids = Annotated[
    str | None, typer.Option(help="Ids to carry along into --out: a column, or a file.")
]
Column = Annotated[
    str | None, typer.Option(help="The rows' column, or a pattern of one column for every class.")
]
QColumn = Annotated[str | None, typer.Option(help="The column of q's rows, if it is another one.")]
Probs = Annotated[bool, typer.Option("--probs", help="Rows are probabilities, not logits.")]
Out = Annotated[
    Path | None,
    typer.Option(help="Write every row's numbers: the main one as .npy, all as .parquet."),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Llama = Annotated[
    bool, typer.Option("--llama", help="Print as llama-perplexity --kl-divergence does.")
]
Summary = Annotated[
    Path | None,
    typer.Option(help="Write the summary as JSON, for fastdiv merge and the classes of summaries."),
]
Plot = Annotated[Path | None, typer.Option(help="Draw the pictures: .png, .svg or .pdf.")]
Page = Annotated[Path | None, typer.Option(help="Write a page of numbers and pictures: .html.")]
Size = Annotated[str, typer.Option("--block-bytes", help="Bytes of a block, as 4M or 64k.")]
Workers = Annotated[int, typer.Option(help="Threads; -1 is one for every processor.")]
Resume = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="Keep the state in this folder, and go on from what is there: the same command again "
        "after an interruption does not do again what is done.",
    ),
]
FailAbove = Annotated[
    list[str] | None,
    typer.Option(
        metavar="METRIC=VALUE",
        help="Exit with 1 if the metric is above, or NaN: a mean, share or count by its name in "
        "--json, as perplexity=20; a quantile as kl_divergence@0.99=0.1; top_5_accuracy=0.9. "
        "Of a wrong name all there are are told.",
    ),
]
Dask = Annotated[
    str | None,
    typer.Option(
        metavar="SCHEDULER",
        help="Compute on the workers of this Dask scheduler, which read the files themselves.",
    ),
]
TopK = Annotated[list[int] | None, typer.Option(help="Tell top-k accuracy; 1 and 5 by default.")]
# Of merge, show, bench and info alone.
Summaries = Annotated[list[Path], typer.Argument(help="Files that --summary has written.")]
Merged = Annotated[Path | None, typer.Option(help="Write the merged summary.")]
Row = Annotated[int, typer.Option(help="Number of the row; negative from the end.")]
Names = Annotated[
    Path | None, typer.Option(help="Names of the classes, a line each, in a text file.")
]
Top = Annotated[int, typer.Option(help="How many classes to tell.")]
Seconds = Annotated[float, typer.Option(help="How long it may take, about.")]
Files = Annotated[list[str] | None, typer.Argument(metavar="[FILE]...", help="Files to tell of.")]


def bytes_of(text: str) -> int:
    """Read 64k, 4M or 1G."""
    match = re.fullmatch(r"(\d+)([kMG]?)B?", text)
    if not match or int(match[1]) == 0:
        raise InputError(f"--block-bytes {text}: write a number of bytes, as 4M or 64k")
    return int(match[1]) << {"": 0, "k": 10, "M": 20, "G": 30}[match[2]]


def threads_of(workers: int) -> int:
    """Read a number of threads."""
    try:
        return _workers.count(workers)
    except ValueError as error:
        raise InputError(f"--workers: {error}") from None


def top_k_of(given: list[int] | None, classes: int) -> list[int]:
    """Read for which k top-k accuracy is told."""
    top_k = given or [k for k in (1, 5) if k <= classes]
    if min(top_k) < 1:
        raise InputError(f"--top-k {min(top_k)}: give a number of classes, 1 or more")
    if max(top_k) > classes:
        raise InputError(f"--top-k {max(top_k)}: there are {classes} classes")
    return top_k


def limits_of(given: list[str] | None) -> dict[str, float]:
    """Read METRIC=VALUE."""
    limits = {}
    for text in given or ():
        name, equals, value = text.partition("=")
        if name in limits:
            raise InputError(f"--fail-above {text}: {name} has a limit already: name it once")
        try:
            limits[name] = float(value)
        except ValueError:
            equals = ""
        if not equals or limits[name] != limits[name]:
            raise InputError(f"--fail-above {text}: write METRIC=VALUE, as perplexity=20")
    return limits
