"""The rows that `fastdiv bench` measures, and what is right for them."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import fastdiv
from fastdiv import _reference
from fastdiv.plot import _style

TIMES = "\N{MULTIPLICATION SIGN}"
FUNCTIONS = (
    "cross_entropy_from_logits",
    "kl_divergence",
    "kl_divergence_from_logits",
    "softmax",
)


class Batch(NamedTuple):
    """Rows of a shape: logits of two models, their probabilities, labels."""

    x: Any
    z: Any
    p: Any
    q: Any
    y: Any

    def take(self, rows: Any) -> "Batch":
        """Return some of the rows."""
        return Batch(*(array[rows] for array in self))


def batch(rows: int, classes: int) -> Batch:
    """Make float32 logits of spread 3, a second model's 1 apart, and what belongs to them."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((rows, classes), np.float32)
    x *= 3
    z = rng.standard_normal((rows, classes), np.float32)
    z += x
    y = rng.integers(0, classes, rows)
    return Batch(x, z, fastdiv.softmax(x, workers=-1), fastdiv.softmax(z, workers=-1), y)


def truth(function: str, rows: Batch) -> NDArray[np.float64]:
    """Compute a function by its definition, in float64."""
    x, z, p, q = (array.astype(np.float64) for array in rows[:4])
    labelled = np.zeros_like(x)
    np.put_along_axis(labelled, rows.y[:, None], 1, -1)
    arguments = {
        "cross_entropy_from_logits": (labelled, x),
        "kl_divergence": (p, q),
        "kl_divergence_from_logits": (x, z),
        "softmax": (x,),
    }[function]
    result: NDArray[np.float64] = getattr(_reference, function)(*arguments)
    return result


def shape_name(rows: int, classes: int) -> str:
    """Write a shape for people."""
    return f"{_style.whole(rows)} {TIMES} {_style.whole(classes)}"
