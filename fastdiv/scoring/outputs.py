"""Files that are written: each has a place of its own, and none takes that of what is read."""

import os
import stat
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from fastdiv.scoring.sources.errors import InputError
from fastdiv.scoring.whole_file import check_writable

# Options, and the files that they name.
Outputs = Mapping[str, Path | None]


def check_outputs(outputs: Outputs) -> None:
    """Raise for files that could not be written, before any work is done."""
    taken: dict[Path, str] = {}
    for option, path in _named(outputs):
        check_writable(path)
        if _is_standard_output(path):
            raise InputError(f"{path}: is where the result is printed: name another {option}")
        if _is_a_file(path):
            place = path.resolve()
            if place in taken:
                raise InputError(f"{path}: is named by {taken[place]} and {option}: name two files")
            taken[place] = option


def check_apart(outputs: Outputs, read: Iterable[Path]) -> None:
    """Refuse to write over a file that is read, or into a folder that is one array."""
    inputs = {path.resolve() for path in read}
    for option, path in _named(outputs):
        place = path.resolve()
        if _is_a_file(path) and not inputs.isdisjoint((place, *place.parents)):
            raise InputError(f"{path}: is read: name another {option}, which is written")


def _named(outputs: Outputs) -> list[tuple[str, Path]]:
    return [(option, path) for option, path in outputs.items() if path is not None]


def _is_a_file(path: Path) -> bool:
    """Whether a file is or will be there, and no pipe or device."""
    return path.is_file() or not path.exists()


def _is_standard_output(path: Path) -> bool:
    """Whether standard output goes to this file, which printing would spoil."""
    try:
        printed, there = os.fstat(sys.stdout.fileno()), path.stat()
    except (OSError, ValueError, AttributeError):
        return False
    return stat.S_ISREG(there.st_mode) and os.path.samestat(printed, there)
