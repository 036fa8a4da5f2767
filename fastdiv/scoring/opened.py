"""Files that several processes open, each for itself, and that must be the same for all."""

import threading
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fastdiv
from fastdiv.scoring.sources import InputError, Source, open_rows

# What must be the same of a source wherever it is opened.
FACTS = ("format", "shards", "rows", "classes", "dtype", "file_bytes", "labels")


@dataclass(frozen=True)
class Files:
    """Arguments of `open_rows`, and what one process found there.

    It is pickled to others, which open the files when they first need them and keep them open.
    """

    place: str
    column: str | tuple[str, ...] | None
    labels: str | None
    facts: tuple[tuple[str, Any], ...]
    version: str
    token: str

    @classmethod
    def of(
        cls, place: str | Path, column: str | list[str] | None, labels: str | Path | None
    ) -> "Files":
        """Open the files here."""
        place = _absolute(place)
        source = open_rows(place, column=column, labels=labels)
        if labels is not None and source.labels_apart:
            labels = _absolute(labels)
        names = tuple(column) if isinstance(column, list) else column
        # Who opens the same path later may find another file there: every job opens it anew.
        token = uuid.uuid4().hex
        facts = _facts(source)
        text = None if labels is None else str(labels)
        made = cls(place, names, text, facts, fastdiv.__version__, token)
        _keep(made, source)
        return made

    def source(self) -> Source:
        """Return the rows, opened once in every process.

        Raises
        ------
        InputError
            If they cannot be opened, or are not what was found in the first place.
        """
        source = _opened.get(self)
        if source is None:
            source = _open(self)
            _keep(self, source)
        return source


_opened: dict[Files, Source] = {}
_keeping = threading.Lock()
MOST = 4  # jobs whose files a process keeps open: two of two models each


def _keep(files: Files, source: Source) -> None:
    with _keeping:
        _opened[files] = source
        for old in list(_opened)[:-MOST]:
            del _opened[old]


def _open(files: Files) -> Source:
    if files.version != fastdiv.__version__:
        raise InputError(
            f"{files.place}: the job is of fastdiv {files.version}, and this worker has fastdiv "
            f"{fastdiv.__version__}: install the same version everywhere"
        )
    column = list(files.column) if isinstance(files.column, tuple) else files.column
    try:
        source = open_rows(files.place, column=column, labels=files.labels, check_labels=False)
    except InputError as error:
        raise InputError(
            f"{error} (as seen by a worker: the path must lead to the files there too)"
        ) from error
    found = _facts(source)
    for (name, expected), (_, value) in zip(files.facts, found, strict=True):
        if value != expected:
            raise InputError(
                f"{files.place}: has {name} {value} as seen by a worker, {expected} where the job "
                "was started: the path must lead to the same files there"
            )
    return source


def _facts(source: Source) -> tuple[tuple[str, Any], ...]:
    described = source.describe()
    return tuple((name, described[name]) for name in FACTS)


def _absolute(place: str | Path) -> str:
    """Return a path, and the ``::name`` behind it, that another working folder does not change."""
    path, mark, name = str(place).partition("::")
    return f"{Path(path).absolute()}{mark}{name}"
