"""Labels: which numbers are some, and what is asked of them; or the error that says why not."""

import numpy as np
from numpy.typing import NDArray

from fastdiv import _check, _refusals
from fastdiv._check import Array
from fastdiv.kernels import _vectors


def are_labels(p: Array, q: Array) -> bool:
    """Whether p is one label per row of q: integers, with one axis fewer (or a single one)."""
    return p.dtype.kind in "iu" and (p.ndim == q.ndim - 1 or p.ndim == 0)


def not_float_labels(p: Array, q: Array, axis: int) -> None:
    """Refuse numbers that have the shape of labels and cannot be a row."""
    if p.ndim == 0:
        raise TypeError(f"labels must be integers, not {p.dtype}: pass p as an int")
    lead = q.shape[:axis] + q.shape[axis:][1:] if q.ndim else ()
    if p.ndim == q.ndim - 1 and p.shape == lead and (p.ndim == 0 or p.shape[-1] != q.shape[axis]):
        raise TypeError(
            f"labels must be integers, not {p.dtype}: pass them as p.astype(int), or rows of "
            f"probabilities with as many axes as the prediction, which has shape {q.shape}"
        )


def labels_of(labels: Array, x: Array) -> Array:
    """Return labels that are integers, one for each row of x, or a single one."""
    if labels.dtype.kind not in "iu":
        raise TypeError(
            f"labels must be integers, not {labels.dtype}: pass them as labels.astype(int)"
        )
    if labels.ndim not in (0, x.ndim - 1):
        raise ValueError(
            f"labels of shape {labels.shape} are not one for each row of logits of shape {x.shape}"
        )
    return labels


def labels_for(
    p: Array, q: Array, ignore_index: int | None, axis: int = -1
) -> tuple[NDArray[np.int64], Array, int | None]:
    """Labels as int64, every one of them valid, broadcast with the rows of q (classes last).

    The axis is the one along which the classes were given.

    The ignore_index to look for in them comes with them.
    """
    most = 2**63 - 1
    signed = p
    if p.dtype == np.uint64:
        # Past int64 no label is valid. One that is ignored becomes -1, which none of these is.
        signed = np.minimum(p, np.uint64(most)).astype(np.int64)
        if ignore_index is not None and ignore_index > most:
            signed = np.where(p == ignore_index, -1, signed)
            ignore_index = -1
    if not is_int64(ignore_index):
        ignore_index = None
    labels = np.asarray(signed, dtype=np.int64, order="C")
    c = q.shape[-1]
    try:
        lead = np.broadcast(labels, q[..., 0]).shape
    except ValueError:
        raise _refusals.not_labels_for(labels.shape, q.shape, axis) from None
    bad = _vectors.label_outside(labels, c, ignore_index)
    if bad >= 0:
        place = np.unravel_index(bad, labels.shape)
        raise IndexError(
            f"label {p[place]} at {_check.row_name(place)} is out of range for {c} classes "
            f"(0 to {c - 1})"
        )
    return _check.stretched(labels, lead), _check.stretched(q, (*lead, c)), ignore_index


def is_int64(value: int | None) -> bool:
    """Whether a number, if there is one, is one of int64."""
    return value is None or -(2**63) <= value < 2**63
