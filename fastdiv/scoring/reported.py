"""What can go wrong with a command: a line on standard error, and the exit status."""

import contextlib
import sys
from collections.abc import Iterator

import typer

from fastdiv.scoring.sources import InputError
from fastdiv.scoring.streams import CLOSED, PrintError, complain, leave_output

WRONG = 2
# As of a process that a signal ended, 128 and its number: SIGINT, SIGPIPE.
INTERRUPTED = 130
NO_READER = 141


@contextlib.contextmanager
def reported() -> Iterator[None]:
    """Turn what can go wrong into a line and an exit status."""
    try:
        if sys.stdout is None:
            # Before the work, and before a file gets its number.
            raise PrintError(CLOSED)
        yield
    except (InputError, ImportError) as error:
        complain(str(error))
        raise typer.Exit(WRONG) from None
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    except PrintError as error:
        leave_output()
        # Whoever read our output and has left needs no word.
        if not error.args:
            raise typer.Exit(NO_READER) from None
        complain(f"the result cannot be printed: {error}")
        raise typer.Exit(WRONG) from None
    except OSError as error:
        where = "" if error.filename is None else f"{error.filename}: "
        complain(f"{where}{error.strerror or error}")
        raise typer.Exit(WRONG) from None
