"""What can be wrong with files, in one line each."""

import contextlib
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fastdiv._extras import is_missing


class InputError(Exception):
    """What is wrong with a file, in one line that names it (and the row)."""


def needed(module: str, extra: str, path: Path | str) -> Any:
    """Import the library that reads a format, or say what to install for it."""
    package = module.partition(".")[0]
    if is_missing(package, module):
        raise InputError(f"{path}: needs {package} to be read: pip install 'fastdiv[{extra}]'")
    return importlib.import_module(module)


@contextlib.contextmanager
def explained(path: Path | str, damage: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Give the system's errors, and those of a library, the file's name."""
    try:
        yield
    except damage as error:
        raise InputError(
            f"{path}: cannot be read, perhaps damaged or cut off: {one_line(error)}"
        ) from error
    except OSError as error:
        # The libraries raise it too, without a number, for what they cannot make sense of.
        damaged = f"cannot be read, perhaps damaged or cut off: {one_line(error)}"
        raise InputError(f"{path}: {error.strerror or damaged}") from error


def of_all(row: int, start: int) -> str:
    """Give a row's number among all files, where that of its file's first one is not 0."""
    return f" ({start + row} of all files)" if start else ""


def one_line(error: Exception) -> str:
    """Return the first line of an error's text."""
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0].rstrip(".")


def some_of(names: list[str], most: int = 12) -> str:
    """List names, the first of them where there are many."""
    if not names:
        return "none"
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
