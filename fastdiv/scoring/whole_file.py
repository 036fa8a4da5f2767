"""A file that appears when it is whole or not at all."""

import contextlib
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from fastdiv.scoring.sources.errors import InputError


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Give a file to write to, which takes the place of what ``path`` leads to at the end.

    If anything is raised meanwhile, what was at ``path`` stays and nothing is left behind. A pipe
    or a device is not replaced: the whole file is written to it.
    """
    check_writable(path)
    try:
        there = _status(path)
        if there is None or stat.S_ISREG(there.st_mode):
            with _replaced(path.resolve(), there) as file:
                yield file
        else:
            with tempfile.TemporaryFile() as file:
                yield file
                file.seek(0)
                with path.open("wb") as target:
                    shutil.copyfileobj(file, target)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from None


def check_writable(path: Path) -> None:
    """Raise for a path at which no file can be."""
    try:
        there, folder = _status(path), _status(path.resolve().parent)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from None
    if there is not None and stat.S_ISDIR(there.st_mode):
        raise InputError(f"{path}: is a folder")
    if there is None and (folder is None or not stat.S_ISDIR(folder.st_mode)):
        raise InputError(f"{path}: there is no folder {path.parent}")


def _status(path: Path) -> os.stat_result | None:
    """Return what is known of a file, or None if there is none."""
    try:
        return path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _private(name: str, flags: int) -> int:
    """Open a file for its owner alone, as long as it is not whole."""
    return os.open(name, flags, 0o600)


@contextlib.contextmanager
def _replaced(path: Path, there: os.stat_result | None) -> Iterator[IO[bytes]]:
    """Give a file that takes the place of a file, with the mode of what is there."""
    # Named before it is made: an interruption in between would leave it behind.
    temporary = path.parent / f".{path.name[:50]}.{secrets.token_hex(8)}"
    try:
        with open(temporary, "xb", opener=_private) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(_new_mode() if there is None else stat.S_IMODE(there.st_mode))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _new_mode() -> int:
    """Return the mode that open() gives a new file."""
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
