"""The command line.

Results go to standard output, progress and errors to standard error. Exit status 0: done; 1: a
metric is above its limit; 2: a file or an option is wrong, a disk is full or the result cannot be
printed, in one line; 130: interrupted; 141: whoever read the output has left; 143: terminated.
"""

from typing import Any

import typer

from fastdiv.scoring import options, outcome, printing
from fastdiv.scoring.job import Job
from fastdiv.scoring.measures import compare_measure, score_measure
from fastdiv.scoring.outputs import check_apart, check_outputs
from fastdiv.scoring.reported import reported
from fastdiv.scoring.sources import InputError, open_rows

app = typer.Typer(
    add_completion=True,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Cross-entropy and KL divergence of files of rows.",
)


@app.callback()
def main(version: options.Version = False) -> None:
    """Cross-entropy and KL divergence of files of rows."""


@app.command()
def score(
    logits: options.Places,
    labels: options.Labels = None,
    ids: options.Ids = None,
    column: options.Column = None,
    probs: options.Probs = False,
    top_k: options.TopK = None,
    out: options.Out = None,
    json: options.Json = False,
    summary: options.Summary = None,
    plot: options.Plot = None,
    report: options.Page = None,
    block_bytes: options.Size = options.BLOCK,
    workers: options.Workers = -1,
    resume: options.Resume = None,
    fail_above: options.FailAbove = None,
    dask: options.Dask = None,
) -> None:
    """Score rows of logits against labels.

    After ± stands one standard error, in brackets the ends of a 95 % interval.
    """
    with reported():
        given: dict[str, Any] = {"labels": labels, "ids": ids, "column": column}
        asked = outcome.Asked(
            options.bytes_of(block_bytes),
            options.threads_of(workers),
            out=out,
            json=json,
            summary=summary,
            plot=plot,
            page=report,
            resume=resume,
            limits=options.limits_of(fail_above),
            dask=dask,
            settings={"places": (logits[0] if len(logits) == 1 else logits,), **given},
        )
        source = open_rows(logits, **given)
        top = options.top_k_of(top_k, source.classes)
        every = out is not None and out.suffix == ".parquet"
        outcome.do(Job(score_measure(None, top, every=every, probs=probs), (source,)), asked)


@app.command()
def compare(
    p_logits: options.Place,
    q_logits: options.Place,
    labels: options.Labels = None,
    ids: options.Ids = None,
    column: options.Column = None,
    q_column: options.QColumn = None,
    probs: options.Probs = False,
    out: options.Out = None,
    json: options.Json = False,
    llama: options.Llama = False,
    summary: options.Summary = None,
    plot: options.Plot = None,
    report: options.Page = None,
    block_bytes: options.Size = options.BLOCK,
    workers: options.Workers = -1,
    resume: options.Resume = None,
    fail_above: options.FailAbove = None,
    dask: options.Dask = None,
) -> None:
    """Compare two models' rows of logits, p true and q other: KL divergence and its kin.

    After ± stands one standard error, in brackets the ends of a 95 % interval.
    """
    with reported():
        given: dict[str, Any] = {"labels": labels, "ids": ids, "column": column}
        asked = outcome.Asked(
            options.bytes_of(block_bytes),
            options.threads_of(workers),
            out=out,
            json=json,
            summary=summary,
            plot=plot,
            page=report,
            resume=resume,
            limits=options.limits_of(fail_above),
            llama=llama,
            dask=dask,
            settings={"places": (p_logits, q_logits), **given, "q_column": q_column},
        )
        if p_logits == q_logits == "-":
            raise InputError("-: standard input is one stream, and cannot be both p and q")
        p = open_rows(p_logits, **given)
        q = open_rows(q_logits, column=q_column or column)
        measure = compare_measure(None, p.has_labels or q.has_labels, probs=probs)
        outcome.do(Job(measure, (p, q)), asked)


@app.command()
def merge(
    summaries: options.Summaries,
    json: options.Json = False,
    out: options.Merged = None,
    llama: options.Llama = False,
) -> None:
    """Merge the summaries of several parts into that of the whole."""
    from fastdiv.scoring import saved

    with reported():
        saved.merge(summaries, json=json, out=out, llama=llama)


@app.command()
def show(
    p: options.Place,
    q: options.Place,
    row: options.Row = 0,
    column: options.Column = None,
    probs: options.Probs = False,
    names: options.Names = None,
    top: options.Top = 12,
    plot: options.Plot = None,
) -> None:
    """Show what one row of two files differs by, class by class."""
    from fastdiv.scoring import show as module

    with reported():
        outputs = {"--plot": plot}
        check_outputs(outputs)
        p_rows, q_rows = (open_rows(place, column=column) for place in (p, q))
        check_apart(outputs, [*p_rows.files, *q_rows.files, *([names] if names else [])])
        module.show(
            p_rows,
            q_rows,
            row,
            probs=probs,
            names=None if names is None else module.read_names(names),
            top=top,
            plot=plot,
        )


@app.command()
def bench(
    seconds: options.Seconds = 45,
    plot: options.Plot = None,
    json: options.Json = False,
) -> None:
    """Measure this machine: fastdiv beside NumPy, and beside SciPy and PyTorch if installed."""
    from rich.console import Console

    from fastdiv.scoring.bench import bench as measure
    from fastdiv.scoring.bench import print_bench

    with reported():
        with Console(stderr=True).status("") as status:
            found = measure(seconds, plot, on_case=status.update)
        if json:
            printing.print_json({"command": "bench", **found})
        else:
            print_bench(found)


@app.command()
def info(
    files: options.Files = None,
    column: options.Column = None,
    json: options.Json = False,
) -> None:
    """Tell the version, the instruction sets and the machine; or what is in files."""
    from fastdiv.scoring import info as module

    with reported():
        if files:
            module.of_files(files, column, json)
        else:
            module.of_machine(json)
