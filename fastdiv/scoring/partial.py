"""Summaries of some of the rows, made on many machines and brought together.

They travel as their JSON, in bytes, which is several times smaller than the pickled objects; the
same text means the same bits.
"""

from collections.abc import Iterable
from typing import TypeVar

from fastdiv.scoring.merging import Summary
from fastdiv.scoring.sources.errors import InputError

Kind = TypeVar("Kind", bound=Summary)


def packed(summary: Summary) -> bytes:
    """Return a summary as it travels."""
    return summary.to_json().encode()


def unpacked(kind: type[Kind], text: bytes) -> Kind:
    """Return the summary that came."""
    return kind.from_json(bytes(text).decode())


def merged(kind: type[Kind], texts: Iterable[bytes]) -> bytes:
    """Return one summary of all rows of several."""
    return packed(merge(kind, texts))


def merge(kind: type[Kind], texts: Iterable[bytes]) -> Kind:
    """Return one summary, unpacked, of all rows of several; there is at least one.

    Raises
    ------
    InputError
        If their rows have several numbers of classes.
    """
    parts = (unpacked(kind, text) for text in texts)
    whole = next(parts)
    for part in parts:
        if part.classes != whole.classes:
            few, many = sorted((part.classes, whole.classes))
            raise InputError(f"some rows have {few} classes, others {many}: score them apart")
        whole.merge(part)
    return whole
