"""Files summarised on a Dask cluster, from the address of its scheduler to the summary."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastdiv import _extras
from fastdiv.dask._files import compare_files, score_files
from fastdiv.scoring.compare_summary import CompareSummary
from fastdiv.scoring.score_summary import ScoreSummary

if TYPE_CHECKING:
    from distributed import Client


def run_on_dask(
    scheduler: "Client | str", place: str | Path, labels: str | Path, **options: Any
) -> ScoreSummary:
    """Score files on a cluster.

    Parameters
    ----------
    scheduler : distributed.Client or str
        A client, or the address of a scheduler (``tcp://10.0.0.1:8786``), or the path of its
        scheduler file (``.json``).
    place, labels, **options
        As for `score_files`.

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
    return _run(scheduler, score_files(place, labels=labels, **options))  # type: ignore[no-any-return]


def compare_on_dask(
    scheduler: "Client | str",
    p_place: str | Path,
    q_place: str | Path,
    labels: str | Path | None = None,
    **options: Any,
) -> CompareSummary:
    """Compare files on a cluster.

    Parameters
    ----------
    scheduler
        As for `run_on_dask`.
    p_place, q_place, labels, **options
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
    return _run(scheduler, compare_files(p_place, q_place, labels=labels, **options))  # type: ignore[no-any-return]


def _run(scheduler: "Client | str", lazy: Any) -> Any:
    """Compute on a cluster; an error or an interrupt gives up what is not finished."""
    with _client(scheduler) as client:
        future = client.compute(lazy)
        try:
            return future.result()
        finally:
            future.cancel()


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
