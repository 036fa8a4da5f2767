"""The same numbers as a competent user gets elsewhere: from NumPy, SciPy and PyTorch."""

import contextlib
import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import fastdiv
from fastdiv.scoring.bench_rows import Batch, batch

Array = NDArray[Any]
Call = Callable[[Batch], Any]


class Contestant(NamedTuple):
    """A library with so many threads: its calls by function, and what makes its own arrays."""

    library: str
    threads: int
    calls: Mapping[str, Call]
    prepare: Callable[[Batch], Batch] = lambda batch: batch


def ours(threads: int) -> Contestant:
    """Return fastdiv with so many threads."""
    return Contestant(
        "fastdiv",
        threads,
        {
            "cross_entropy_from_logits": lambda b: fastdiv.cross_entropy_from_logits(
                b.y, b.x, workers=threads
            ),
            "kl_divergence": lambda b: fastdiv.kl_divergence(b.p, b.q, workers=threads),
            "kl_divergence_from_logits": lambda b: fastdiv.kl_divergence_from_logits(
                b.x, b.z, workers=threads
            ),
            "softmax": lambda b: fastdiv.softmax(b.x, workers=threads),
        },
    )


def _log_softmax(x: Array) -> Array:
    shifted: Array = x - x.max(-1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(-1, keepdims=True))
    return shifted


def _softmax(x: Array) -> Array:
    e: Array = np.exp(x - x.max(-1, keepdims=True))
    e /= e.sum(-1, keepdims=True)
    return e


def _kl_from_logits(b: Batch) -> Any:
    log_p = _log_softmax(b.x)
    return (np.exp(log_p) * (log_p - _log_softmax(b.z))).sum(-1)


def _cross_entropy(b: Batch) -> Any:
    m = b.x.max(-1, keepdims=True)
    return np.log(np.exp(b.x - m).sum(-1)) + m[:, 0] - _picked(b)


def _picked(b: Batch) -> Any:
    return np.take_along_axis(b.x, b.y[:, None], -1)[:, 0]


def _numpy() -> Contestant:
    calls: dict[str, Call] = {
        "cross_entropy_from_logits": _cross_entropy,
        "kl_divergence": lambda b: (b.p * np.log(b.p / b.q)).sum(-1),
        "kl_divergence_from_logits": _kl_from_logits,
        "softmax": lambda b: _softmax(b.x),
    }
    return Contestant("numpy", 1, calls)


def _scipy() -> Contestant:
    sp = importlib.import_module("scipy.special")
    calls: dict[str, Call] = {
        "cross_entropy_from_logits": lambda b: sp.logsumexp(b.x, axis=-1) - _picked(b),
        "kl_divergence": lambda b: sp.rel_entr(b.p, b.q).sum(-1),
        "kl_divergence_from_logits": lambda b: sp.rel_entr(
            sp.softmax(b.x, axis=-1), sp.softmax(b.z, axis=-1)
        ).sum(-1),
        "softmax": lambda b: sp.softmax(b.x, axis=-1),
    }
    return Contestant("scipy", 1, calls)


def _torch(threads: int) -> Contestant:
    torch = importlib.import_module("torch")
    f = torch.nn.functional

    def threaded(call: Call) -> Call:
        def run(b: Batch) -> Any:
            torch.set_num_threads(threads)
            return call(b)

        return run

    calls: dict[str, Call] = {
        "cross_entropy_from_logits": lambda b: f.cross_entropy(b.x, b.y, reduction="none"),
        "kl_divergence": lambda b: f.kl_div(b.q.log(), b.p, reduction="none").sum(-1),
        "kl_divergence_from_logits": lambda b: f.kl_div(
            f.log_softmax(b.z, -1), f.log_softmax(b.x, -1), reduction="none", log_target=True
        ).sum(-1),
        "softmax": lambda b: torch.softmax(b.x, -1),
    }
    return Contestant(
        "torch",
        threads,
        {function: threaded(call) for function, call in calls.items()},
        lambda b: Batch(*map(torch.from_numpy, b)),
    )


@contextlib.contextmanager
def rivals(threads: int) -> Iterator[tuple[list[Contestant], dict[str, str]]]:
    """Give the rivals that are installed, and why the others are not among them.

    PyTorch takes part with one thread and with ``threads``; its own number is put back at the end.
    """
    found, missing = [_numpy()], {}
    makers: dict[str, Callable[[], list[Contestant]]] = {
        "scipy": lambda: [_scipy()],
        "torch": lambda: [_torch(n) for n in sorted({1, threads})],
    }
    with _torch_threads_kept():
        for name, make in makers.items():
            if importlib.util.find_spec(name) is None:
                missing[name] = "not installed"
                continue
            try:
                made = make()
                for call in made[0].calls.values():
                    call(made[0].prepare(batch(2, 3)))
            except Exception as error:  # as of a build for another NumPy; told with the result
                missing[name] = f"does not work here: {error}"
            else:
                found += made
        yield found, missing


@contextlib.contextmanager
def _torch_threads_kept() -> Iterator[None]:
    # One that its caller has not imported has no setting of theirs.
    torch: Any = sys.modules.get("torch")
    before = torch.get_num_threads() if torch else None
    try:
        yield
    finally:
        if before is not None:
            torch.set_num_threads(before)
