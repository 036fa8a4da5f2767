"""Standard output and standard error: what is wrong with them is no fault of a file."""

import codecs
import contextlib
import io
import os
import sys
from collections.abc import Iterator

from rich.console import Console

# What is written where an encoding lacks the character.
PLAIN = {"‖": "||", "±": "+-", "−": "-", "Δ": "delta ", "∞": "inf", "·": "*"}  # noqa: RUF001
EXPONENTS = dict(zip("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789", strict=True))
CLOSED = "standard output is closed"


class PrintError(Exception):
    """Standard output takes no more: why, or nothing if its reader has left."""


class Terminal(Console):
    """A console whose reader may leave."""

    def on_broken_pipe(self) -> None:
        """Raise what was raised, where Rich would exit with a status of its own."""
        raise


@contextlib.contextmanager
def printed() -> Iterator[None]:
    """Print to the end what is printed inside, or say that it cannot be."""
    if sys.stdout is None:
        raise PrintError(CLOSED)
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        raise PrintError from None
    except OSError as error:
        raise PrintError(error.strerror or str(error)) from None


def leave_output() -> None:
    """Let go of standard output, of which Python would complain once more while closing it."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def complain(text: str) -> None:
    """Write a line to standard error, if there is one."""
    # Without a file, print() would take standard output.
    if sys.stderr is not None:
        with contextlib.suppress(OSError):
            print(f"fastdiv: {text}", file=sys.stderr)


def take_any_character() -> None:
    """Have standard output write what its encoding lacks in plain letters."""
    codecs.register_error("fastdiv", _plain)
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors in (
        "strict",
        "surrogateescape",
    ):
        sys.stdout.reconfigure(errors="fastdiv")


def _plain(error: UnicodeError) -> tuple[str | bytes, int]:
    """Replace a character; of a file's name that is no text, give back its bytes."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    character = error.object[error.start]
    if "\udc80" <= character <= "\udcff":
        return bytes([ord(character) - 0xDC00]), error.start + 1
    if character in EXPONENTS:
        begins = error.object[error.start - 1 : error.start] not in EXPONENTS
        return "^" * begins + EXPONENTS[character], error.start + 1
    return PLAIN.get(character, "?"), error.start + 1
