"""How many threads a call may have: what it asks for, what is set, what processors there are."""

import contextlib
import contextvars
import functools
import operator
import os
from pathlib import Path

from fastdiv import _refusals

_asked: contextvars.ContextVar[int | None] = contextvars.ContextVar("workers", default=None)


def _cgroup_quota(groups: Path, root: Path) -> float:
    """Processors that the control groups of this process allow it (Linux, cgroup version 2)."""
    lines = groups.read_text().splitlines() if groups.exists() else []
    group = next((line[3:] for line in lines if line.startswith("0::")), "/")
    # In a container the path may be that of the host, of which nothing is to be seen here.
    place = root / group.lstrip("/")
    limits = [
        folder / "cpu.max" for folder in (place, *place.parents) if folder.is_relative_to(root)
    ]
    least = float("inf")
    for limit in limits:
        quota, period = limit.read_text().split() if limit.is_file() else ("max", "1")
        least = least if quota == "max" else min(least, int(quota) / int(period))
    return least


@functools.cache
def _own_quota() -> float:
    # Read once: reading it takes longer than many a call.
    return _cgroup_quota(Path("/proc/self/cgroup"), Path("/sys/fs/cgroup"))


def usable_cpus() -> int:
    """Count the processors this process may use: by affinity and by its control groups' quota."""
    affinity = getattr(os, "sched_getaffinity", None)
    cpus = len(affinity(0)) if affinity else os.cpu_count() or 1
    quota = _own_quota()
    return cpus if quota >= cpus else max(1, int(quota))


def _from_environment() -> int | None:
    text = os.environ.get("FASTDIV_NUM_THREADS")
    if not text:
        return None
    if not text.isdecimal() or int(text) == 0:
        raise ImportError(f"FASTDIV_NUM_THREADS={text!r}: not a number of threads, 1 or more")
    return int(text)


_ENVIRONMENT = _from_environment()


def all_workers() -> int:
    """Return how many threads -1 stands for: FASTDIV_NUM_THREADS or every usable processor."""
    return _ENVIRONMENT or usable_cpus()


def count(workers: int | None) -> int:
    """Return the number of threads that ``workers`` asks for."""
    if workers is None:
        return get_workers()
    try:
        number = operator.index(workers)
    except TypeError:
        raise _refusals.no_integer(workers, "workers") from None
    if number < 0:
        every = all_workers()
        if number < -every:
            raise ValueError(f"workers is {number}; there are {every}: from -{every} (one) to -1")
        number += every + 1
    if number == 0:
        raise ValueError("workers is 0; pass 1 or more, or -1 for every processor")
    return number


def get_workers() -> int:
    """Return the number of threads of calls that do not say ``workers=``.

    Returns
    -------
    int
        What ``set_workers`` set, or else the environment variable ``FASTDIV_NUM_THREADS`` as it
        was when fastdiv was imported, or else 1.

    See Also
    --------
    set_workers : Set it for the calls of a block.
    scipy.fft.get_workers : The same for SciPy's transforms.

    Examples
    --------
    >>> import fastdiv
    >>> with fastdiv.set_workers(2):
    ...     fastdiv.get_workers()
    2
    """
    asked = _asked.get()
    return asked if asked is not None else _ENVIRONMENT or 1


class _Setting(contextlib.AbstractContextManager[None]):
    """A number of threads that has been set; the end of a ``with`` block takes it back."""

    def __init__(self, before: "contextvars.Token[int | None]") -> None:
        self._before = before

    def __exit__(self, *_: object) -> None:
        _asked.reset(self._before)


def set_workers(workers: int) -> contextlib.AbstractContextManager[None]:
    """Set the number of threads for calls that do not say ``workers=``: from now on, or in a block.

    Parameters
    ----------
    workers : int
        Threads to share the rows of a call among, the caller's one of them. -1 is
        ``FASTDIV_NUM_THREADS`` or, if that is not set, every processor this process may use (its
        affinity and its control groups' quota); -2 is one fewer, and so on.

    Returns
    -------
    context manager
        For ``with``: at the end of the block the number is again what it was before the call.

    Raises
    ------
    ValueError
        For 0, or fewer than no processor.
    TypeError
        For anything but an integer.

    See Also
    --------
    get_workers : The number in use.
    scipy.fft.set_workers : The same for SciPy's transforms, for a block alone.
    torch.set_num_threads : The same for PyTorch, from then on alone.

    Notes
    -----
    It holds for the thread that calls it (its `contextvars` context), not for threads started in
    it. Results do not depend on the number of threads, to the last bit. Less than half a million
    elements are never shared. Of a few rows of four million elements and more each one is shared
    out.

    Examples
    --------
    >>> import fastdiv
    >>> with fastdiv.set_workers(-1):
    ...     float(fastdiv.entropy([1, 1, 2], base=2))
    1.5
    """
    return _Setting(_asked.set(count(workers)))


def alone() -> None:
    """Have this thread's calls be computed by it alone: its caller has shared out the rows."""
    _asked.set(1)
