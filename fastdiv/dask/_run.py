"""Files summarised on a Dask cluster, from the address of its scheduler to the summary."""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastdiv import _extras
from fastdiv.dask._files import Planned, pair, planned
from fastdiv.scoring.compare_summary import CompareSummary
from fastdiv.scoring.measures import score_measure
from fastdiv.scoring.opened import Files
from fastdiv.scoring.score_summary import ScoreSummary

if TYPE_CHECKING:
    from distributed import Client


def run_on_dask(
    scheduler: "Client | str",
    place: str | Path,
    labels: str | Path,
    *,
    column: str | list[str] | None = None,
    want: Iterable[str] | None = None,
    top_k: Iterable[int] = (1, 5),
    bins: int = 15,
    probs: bool = False,
    done: Callable[[int], None] = lambda _: None,
    **sizes: Any,
) -> ScoreSummary:
    """Score files on a cluster.

    Parameters
    ----------
    scheduler : distributed.Client or str
        A client, or the address of a scheduler (``tcp://10.0.0.1:8786``), or the path of its
        scheduler file (``.json``).
    place, labels, column, want, top_k, bins, probs, **sizes
        As for `score_files`.
    done : callable, optional
        Is told how many rows are done, task by task.

    Returns
    -------
    ScoreSummary
        The bits of one machine. A worker that is lost has its tasks done again by others.

    Raises
    ------
    fastdiv.scoring.sources.InputError
        For what is wrong with a file or its labels, or if one has changed meanwhile.
    OSError
        If no scheduler answers.
    ImportError
        If Dask's distributed scheduler is not installed.

    See Also
    --------
    score_files : The same as a lazy object.

    Examples
    --------
    >>> import numpy as np, tempfile, fastdiv.dask
    >>> from distributed import Client
    >>> folder = tempfile.mkdtemp()
    >>> np.savez(f"{folder}/a.npz", logits=np.zeros((50, 8), np.float32), y=np.arange(50) % 8)
    >>> with Client(processes=False, dashboard_address=None) as client:
    ...     summary = fastdiv.dask.run_on_dask(client, folder, "y")
    >>> round(summary.result().perplexity.mean, 6)
    8.0
    """
    measure = score_measure(want, top_k, bins, probs=probs)
    files = Files.of(place, column, labels)
    return _run(scheduler, planned(measure, (files,), **sizes), done)  # type: ignore[no-any-return]


def compare_on_dask(
    scheduler: "Client | str",
    p_place: str | Path,
    q_place: str | Path,
    labels: str | Path | None = None,
    *,
    column: str | list[str] | None = None,
    q_column: str | list[str] | None = None,
    want: Iterable[str] | None = None,
    probs: bool = False,
    done: Callable[[int], None] = lambda _: None,
    **sizes: Any,
) -> CompareSummary:
    """Compare files on a cluster.

    Parameters
    ----------
    scheduler, done
        As for `run_on_dask`.
    p_place, q_place, labels, column, q_column, want, probs, **sizes
        As for `compare_files`.

    Returns
    -------
    CompareSummary

    Raises
    ------
    fastdiv.scoring.sources.InputError, OSError, ImportError
        As `run_on_dask` does.

    See Also
    --------
    compare_files : The same as a lazy object.
    """
    measure, files = pair(p_place, q_place, labels, column, q_column, want, probs)
    return _run(scheduler, planned(measure, files, **sizes), done)  # type: ignore[no-any-return]


def _run(scheduler: "Client | str", plan: Planned, done: Callable[[int], None]) -> Any:
    """Compute on a cluster; an error or an interrupt gives up what is not finished."""
    with _client(scheduler) as client:
        from distributed import as_completed

        whole, *parts = client.compute([plan.summary, *plan.tasks])
        rows = {part.key: n for part, n in zip(parts, plan.rows, strict=True)}
        try:
            for part in as_completed(parts, loop=client.loop):
                if part.status != "finished":
                    break  # what is wrong is the whole's result, too
                done(rows[part.key])
                part.release()  # or else the cluster would keep every part to the end
            return whole.result()
        finally:
            # Not cancelled: a scheduler may fail at a task and those it is made of, all cancelled.
            for future in (whole, *parts):
                future.release()


@contextlib.contextmanager
def _client(scheduler: "Client | str") -> Iterator["Client"]:
    """Return a client, and close it in the end if it was made here."""
    _extras.need("distributed", "a Dask cluster", "dask")
    from distributed import Client

    if isinstance(scheduler, Client):
        yield scheduler
        return
    known = {"scheduler_file": scheduler} if scheduler.endswith(".json") else {"address": scheduler}
    with Client(**known, set_as_default=False) as client:
        yield client
