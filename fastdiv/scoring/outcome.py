"""A job from its files to all that was asked for: the table, files, pictures, the page."""

import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import typer

from fastdiv._extras import need
from fastdiv.scoring import printing
from fastdiv.scoring.job import Job, Tally
from fastdiv.scoring.llama import llama_lines
from fastdiv.scoring.output import check_name, written
from fastdiv.scoring.outputs import check_apart, check_outputs
from fastdiv.scoring.progress import progress
from fastdiv.scoring.resume import Resume
from fastdiv.scoring.run import run
from fastdiv.scoring.sources import InputError, Source
from fastdiv.scoring.streams import complain
from fastdiv.scoring.whole_file import whole_file


@dataclass(frozen=True)
class Asked:
    """What is to become of a job."""

    block_bytes: int
    workers: int
    out: Path | None = None
    json: bool = False
    summary: Path | None = None
    plot: Path | None = None
    page: Path | None = None
    resume: Path | None = None
    limits: dict[str, float] = field(default_factory=dict)
    llama: bool = False
    dask: str | None = None
    # What else makes the job another one: see `Resume`.
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Say what is wrong or missing before the work and not after it."""
        if self.out is not None:
            check_name(self.out)
        check_outputs(self.outputs)
        if self.dask is not None and (self.out is not None or self.resume is not None):
            raise InputError(
                "--dask: gives the summary alone, and does a lost worker's part again: leave out "
                "--out and --resume"
            )
        if self.plot is not None or self.page is not None:
            need("matplotlib", "--plot" if self.page is None else "--report", "report")
            if self.page is not None:
                need("jinja2", "--report", "report")
                if self.page.suffix.lower() != ".html":
                    raise InputError(f"{self.page}: the page is one of HTML: name it .html")
        if self.plot is not None:
            from fastdiv.scoring.pictures import check_suffix

            check_suffix(self.plot)

    @property
    def outputs(self) -> dict[str, Path | None]:
        """The files that are written, by their options."""
        return {
            "--out": self.out,
            "--summary": self.summary,
            "--plot": self.plot,
            "--report": self.page,
        }


def do(job: Job, asked: Asked) -> None:
    """Do a job and tell of it; exit with 1 if a metric is above its limit."""
    begin = time.monotonic()
    check_apart(asked.outputs, job.files)
    if asked.limits:
        _check_limits(job, asked.limits)
    tally = _done(job, asked)
    result = tally.summary.result()
    if asked.summary is not None:
        with whole_file(asked.summary) as file:
            file.write(tally.summary.to_json().encode())
    if asked.plot is not None or asked.page is not None:
        _draw(job, asked, result, tally, time.monotonic() - begin)
    if asked.json:
        printing.print_json({"command": job.measure.name, **result._asdict()})
    elif asked.llama:
        printing.print_table(llama_lines(result))
    else:
        printing.print_result(result)
    _fail_above(result, asked.limits)


def _check_limits(job: Job, limits: dict[str, float]) -> None:
    """Raise for a metric that the result will not have."""
    known = printing.metrics_of(job.of_one_row().result())
    for name in limits:
        if name not in known:
            raise InputError(f"--fail-above {name}: is no metric; there are {', '.join(known)}")


def _fail_above(result: printing.Result, limits: dict[str, float]) -> None:
    """Name the metrics that are above their limits, and exit with 1 if there are any."""
    metrics = printing.metrics_of(result)
    # NaN is not shown to be below.
    above = [name for name, limit in limits.items() if not metrics[name] <= limit]
    for name in above:
        complain(_too_much(name, metrics[name], limits[name]))
    if above:
        raise typer.Exit(1)


def _too_much(name: str, value: float, limit: float) -> str:
    if value != value:
        return f"{name} is nan, so that it cannot be said to be {limit:g} or less"
    return f"{name} is {value:.6g}, above {limit:g}"


def _done(job: Job, asked: Asked) -> Tally:
    """Do the job, from the beginning or from where it was left, or have a cluster do it."""
    if asked.dask is not None:
        return Tally(_on_dask(job, asked))
    if asked.resume is None:
        with progress(job) as done, written(asked.out, job) as sink:
            return run(
                job,
                block_bytes=asked.block_bytes,
                workers=asked.workers,
                sink=sink,
                done=done,
            )
    settings = {**asked.settings, "block_bytes": asked.block_bytes}
    with Resume(asked.resume, job, settings, asked.out) as kept:
        with progress(job, kept.rows) as done:
            tally = run(
                job,
                block_bytes=asked.block_bytes,
                workers=asked.workers,
                sink=None if asked.out is None else kept,
                done=done,
                checkpoints=kept,
                before=kept.before,
            )
        kept.save(tally.summary.rows, tally)
        if asked.out is not None:
            with written(asked.out, job) as out:
                assert out is not None
                kept.copy_to(out)
        kept.remove()
    return tally


def _on_dask(job: Job, asked: Asked) -> Any:
    """Return the summary that a cluster makes of the same files."""
    from fastdiv import dask

    assert asked.dask is not None
    places = asked.settings["places"]
    if isinstance(places[0], list):
        raise InputError("--dask: takes one place: name the shards by their folder or a pattern")
    names = ("labels", "column", "q_column")
    given: dict[str, Any] = {k: v for k, v in asked.settings.items() if k in names}
    given |= {"block_bytes": asked.block_bytes, "probs": job.measure.probs}
    given |= job.measure.settings
    on_dask = dask.run_on_dask if len(job.sources) == 1 else dask.compare_on_dask
    try:
        with progress(job) as done:
            return on_dask(asked.dask, *places, done=done, **given)
    except OSError as error:
        raise InputError(f"--dask {asked.dask}: no scheduler answers: {error}") from None
    except ValueError as error:
        raise InputError(f"--dask {asked.dask}: {error}") from None


def _draw(job: Job, asked: Asked, result: Any, tally: Tally, seconds: float) -> None:
    """Draw the pictures, and write the page."""
    from fastdiv.scoring import page, pictures, tables

    worst = tally.worst.result()
    report = tables.report(
        result,
        inputs=inputs_of(job),
        command=["fastdiv", *sys.argv[1:]],
        worst=worst if worst[0] else None,
        seconds=seconds,
    )
    if asked.plot is not None:
        pictures.draw_file(report.pictures, asked.plot)
    if asked.page is not None:
        page.write(asked.page, report)


def inputs_of(job: Job) -> list[Any]:
    """Return what the page tells of the files."""
    roles = ["logits"] if len(job.sources) == 1 else ["p", "q"]
    return [_input(role, source) for role, source in zip(roles, job.sources, strict=True)]


def _input(role: str, source: Source) -> Any:
    from fastdiv.scoring import page

    told = source.describe()
    more = f" and {told['shards'] - 1} more" if told["shards"] > 1 else ""
    shape = tuple(n for n in told["shape"] if n is not None)
    return page.Input(role, told["path"] + more, shape, told["dtype"], told["file_bytes"] or 0)
