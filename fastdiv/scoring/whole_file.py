"""A file that appears when it is whole or not at all."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from fastdiv.scoring.sources.errors import InputError


def _private(name: str, flags: int) -> int:
    """Open a file for its owner alone, as long as it is not whole."""
    return os.open(name, flags, 0o600)


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Give a file to write to, which takes the place of ``path`` at the end.

    If anything is raised meanwhile, what was at ``path`` stays and nothing is left behind.
    """
    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no folder {path.parent}")
    if path.is_dir():
        raise InputError(f"{path}: is a folder")
    # Named before it is made: an interruption in between would leave it behind.
    temporary = path.parent / f".{path.name[:100]}.{secrets.token_hex(8)}"
    try:
        try:
            with open(temporary, "xb", opener=_private) as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            # As open() would have made it by itself.
            mask = os.umask(0)
            os.umask(mask)
            temporary.chmod(0o666 & ~mask)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from None
