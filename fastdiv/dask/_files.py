"""Summaries of files that every worker opens for itself."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from fastdiv import _extras
from fastdiv.dask._tree import tree
from fastdiv.scoring import partial
from fastdiv.scoring.job import Job
from fastdiv.scoring.measures import Measure, compare_measure, score_measure
from fastdiv.scoring.opened import Files
from fastdiv.scoring.partial import Kind
from fastdiv.scoring.sources.blocks import BLOCK_BYTES, check_pair, matched, unequal
from fastdiv.scoring.sources.cuts import Cut, blocks_in, cuts

# Of a task: seconds of work, so that a scheduler's millisecond or two for it do not count.
TASK_BYTES = 256 << 20


class Planned(NamedTuple):
    """A lazy summary, the tasks that read rows for it, and how many rows each reads."""

    summary: Any
    tasks: list[Any]
    rows: list[int]


def score_files(
    place: str | Path,
    *,
    labels: str | Path,
    column: str | list[str] | None = None,
    want: Iterable[str] | None = None,
    top_k: Iterable[int] = (1, 5),
    bins: int = 15,
    probs: bool = False,
    task_bytes: int = TASK_BYTES,
    block_bytes: int = BLOCK_BYTES,
    split_every: int | None = None,
) -> Any:
    """Summarise rows in files against labels, lazily; workers read what they compute.

    Parameters
    ----------
    place : str or pathlib.Path
        A file, a folder of shards or a pattern, in any format but a stream. It must lead to the
        same files on this machine and on every worker.
    labels : str or pathlib.Path
        The name of a column of the same files; or a file, folder or pattern, with ``::name`` behind
        it where it holds several columns.
    column : str or list of str, optional
        The name of the rows in files of several arrays.
    want, top_k, bins, split_every
        As for `score`.
    probs : bool, default False
        Whether the rows are probabilities, not logits.
    task_bytes : int, default 256 MiB
        About the bytes of rows of a task, which is of one file, and of whole row groups of Parquet
        and whole chunks of Zarr.
    block_bytes : int, default 4 MiB
        About the bytes of rows that a task holds at once.

    Returns
    -------
    dask.delayed.Delayed
        Its ``compute()`` is a ``ScoreSummary``.

    Raises
    ------
    fastdiv.scoring.sources.InputError
        At once for what opening the files tells, and from ``compute()`` for what reading them does:
        a label out of range, a null, with ``probs`` a row that is no distribution, a file that is
        not the same on a worker.
    ImportError
        If Dask is not installed.

    See Also
    --------
    run_on_dask : Open, compute and check that no file has changed.

    Notes
    -----
    Labels in files of their own are all checked here. A worker reads those of its rows alone, and
    what has to be read with them: a row group of Parquet, a chunk of Zarr or HDF5, a batch of
    compressed Arrow, and all of compressed .npz.

    Examples
    --------
    >>> import numpy as np, tempfile, fastdiv.dask
    >>> folder = tempfile.mkdtemp()
    >>> for shard in range(3):
    ...     np.save(f"{folder}/{shard}.npy", np.zeros((100, 8), np.float32))
    >>> np.save(f"{folder}-labels.npy", np.arange(300) % 8)
    >>> lazy = fastdiv.dask.score_files(folder, labels=f"{folder}-labels.npy")
    >>> round(lazy.compute().result().perplexity.mean, 6)
    8.0
    """
    measure = score_measure(want, top_k, bins, probs=probs)
    files = Files.of(place, column, labels)
    return planned(measure, (files,), task_bytes, block_bytes, split_every).summary


def compare_files(
    p_place: str | Path,
    q_place: str | Path,
    *,
    labels: str | Path | None = None,
    column: str | list[str] | None = None,
    q_column: str | list[str] | None = None,
    want: Iterable[str] | None = None,
    probs: bool = False,
    task_bytes: int = TASK_BYTES,
    block_bytes: int = BLOCK_BYTES,
    split_every: int | None = None,
) -> Any:
    """Summarise how far two models' rows in files are from each other, lazily.

    Parameters
    ----------
    p_place, q_place : str or pathlib.Path
        Files of the true or base model and of the other one, of as many rows. Formats and shards
        may differ; tasks are cut where the shards of the first end.
    labels : str or pathlib.Path, optional
        As for `score_files`; a column is one of the first model's files.
    column, q_column : str or list of str, optional
        The name of the rows in files of several arrays; by default the second model's is the
        first's.
    want : iterable of str, optional
        Which columns of `CompareSummary` to compute, kl_divergence among them; by default all.
    probs, task_bytes, block_bytes, split_every
        As for `score_files`.

    Returns
    -------
    dask.delayed.Delayed
        Its ``compute()`` is a ``CompareSummary``.

    Raises
    ------
    fastdiv.scoring.sources.InputError, ImportError
        As `score_files` does.

    See Also
    --------
    compare_on_dask : Open, compute and check that no file has changed.
    """
    measure, files = pair(p_place, q_place, labels, column, q_column, want, probs)
    return planned(measure, files, task_bytes, block_bytes, split_every).summary


def pair(
    p_place: str | Path,
    q_place: str | Path,
    labels: str | Path | None,
    column: str | list[str] | None,
    q_column: str | list[str] | None,
    want: Iterable[str] | None,
    probs: bool,
) -> tuple[Measure, tuple[Files, Files]]:
    """Open two models' files, and check what is asked for of their rows."""
    p = Files.of(p_place, column, labels)
    q = Files.of(q_place, column if q_column is None else q_column, None)
    sources = p.source(), q.source()
    check_pair(*sources)
    labelled = any(source.has_labels for source in sources)
    return compare_measure(want, labelled, probs=probs), (p, q)


def planned(
    measure: Measure,
    files: tuple[Files, ...],
    task_bytes: int = TASK_BYTES,
    block_bytes: int = BLOCK_BYTES,
    split_every: int | None = None,
) -> Planned:
    """Summarise every range of rows and merge the summaries."""
    _extras.need("dask", "fastdiv.dask", "dask")
    from dask.delayed import delayed

    task = delayed(_task, pure=True)
    ranges = cuts(files[0].source(), task_bytes)
    parts = [task(measure, files, cut, block_bytes) for cut in ranges]
    whole = delayed(_checked, pure=True)(tree(measure.kind, parts, split_every), files)
    return Planned(whole, parts, [cut.stop - cut.start for cut in ranges])


def _checked(summary: Kind, files: tuple[Files, ...]) -> Kind:
    """Return a summary if no file has changed while it was made."""
    for f in files:
        f.source().check_unchanged()
    return summary


def _task(measure: Measure, files: tuple[Files, ...], rows: Cut, block_bytes: int) -> bytes:
    """Summarise a range of rows."""
    job = Job(measure, tuple(f.source() for f in files))
    summary = job.empty()
    first, *second = [blocks_in(source, rows, block_bytes) for source in job.sources]
    if second:
        for p, q in matched(first, second[0], unequal(*job.sources)):
            job.take(summary, p, q)
    else:
        for block in first:
            job.take(summary, block)
    return partial.packed(summary)
