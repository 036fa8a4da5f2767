"""What summaries have in common: parts that merge, and JSON."""

import json
from abc import ABC, abstractmethod
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

SCHEMA = 1
_Self = TypeVar("_Self", bound="Summary")
# Statistics by name; each can update, merge, and hand out and restore its state.
Parts = dict[str, Any]


class Summary(ABC):
    """Statistics by name, made for the columns that the first block has.

    A subclass names its ``columns``, of which the first is always needed, says which ``settings``
    it was made with, makes the parts and feeds them.
    """

    columns: tuple[str, ...]

    def __init__(self, classes: int) -> None:
        self.classes = at_least_one(classes, "classes")
        self.rows = 0
        self._has: tuple[str, ...] = ()
        self._parts: Parts = {}

    def _settings(self) -> dict[str, Any]:
        """Return the arguments the summary is made with."""
        return {"classes": self.classes}

    @abstractmethod
    def _make(self, has: tuple[str, ...]) -> Parts:
        """Return empty parts for these columns."""

    def _take(self, result: Any) -> dict[str, NDArray[Any]]:
        """Return the block's columns as vectors, or raise before anything is changed."""
        given = {name: getattr(result, name, None) for name in self.columns}
        found = {n: np.asarray(v).reshape(-1) for n, v in given.items() if v is not None}
        has, first = tuple(found), self.columns[0]
        if first not in found:
            raise ValueError(f"the block has no {first}: ask for it with want=({first!r}, ...)")
        for name, column in found.items():
            if column.size != found[first].size:
                raise ValueError(
                    f"the block has {found[first].size} rows of {first} but {column.size} of {name}"
                )
        self._agree(has)
        self.rows += found[first].size
        return found

    def _agree(self, has: tuple[str, ...]) -> None:
        """Make the parts for these columns, or raise if those there are have others."""
        if not self._has:
            self._has, self._parts = has, self._make(has)
        elif self._has != has:
            raise ValueError(
                f"a summary of {', '.join(self._has)} cannot take {', '.join(has)}: ask for the "
                "same columns everywhere"
            )

    @abstractmethod
    def update(self, result: Any) -> None:
        """Take a block."""

    def merge(self: _Self, other: _Self) -> None:
        """Take the rows of another summary, which stays as it is.

        Raises
        ------
        TypeError
            If it is a summary of another kind.
        ValueError
            If it was made with other settings or has other columns.
        """
        if type(other) is not type(self):
            raise TypeError(
                f"{type(self).__name__} cannot take a {type(other).__name__}: merge like with like"
            )
        if self._settings() != other._settings():
            raise ValueError(
                f"summaries made with {self._settings()} and {other._settings()} do not merge"
            )
        if other._has:
            self._agree(other._has)
            self.rows += other.rows
            for name, part in self._parts.items():
                part.merge(other._parts[name])

    def to_json(self) -> str:
        """Return all there is as JSON; equal text means equal bits."""
        return json.dumps(
            {
                "fastdiv": type(self).__name__,
                "schema": SCHEMA,
                "settings": self._settings(),
                "rows": self.rows,
                "columns": self._has,
                "parts": {name: part.state() for name, part in self._parts.items()},
            },
            allow_nan=False,
        )

    @classmethod
    def from_json(cls: type[_Self], text: str) -> _Self:
        """Return the summary that `to_json` wrote.

        Raises
        ------
        ValueError
            If the text is something else, was cut off, or is of a later schema.
        """
        try:
            saved = json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(f"this is no JSON, or was cut off: {error}") from None
        name = saved.get("fastdiv") if isinstance(saved, dict) else None
        if name != cls.__name__:
            found = f"a {name}" if name else "something else"
            raise ValueError(f"this JSON is {found}, not a {cls.__name__} of fastdiv")
        if saved.get("schema") != SCHEMA:
            raise ValueError(
                f"this {name} has schema {saved.get('schema')}, and this fastdiv reads {SCHEMA}: "
                "read it with the version that wrote it, or a later one"
            )
        try:
            return cls._from_saved(saved)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"this {name} is damaged: {error!r}") from error

    @classmethod
    def _from_saved(cls: type[_Self], saved: dict[str, Any]) -> _Self:
        made = cls(**saved["settings"])
        made.rows, made._has = int(saved["rows"]), tuple(saved["columns"])
        if made._has:
            made._parts = made._make(made._has)
        for name, part in made._parts.items():
            part.restore(saved["parts"][name])
        return made


def at_least_one(number: Any, name: str) -> int:
    """Return a whole number from 1 on, or raise."""
    if not isinstance(number, (int, np.integer)) or number < 1:
        raise ValueError(f"{name} is {number!r}: give a whole number from 1 on")
    return int(number)
