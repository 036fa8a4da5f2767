"""``python -m fastdiv`` and the ``fastdiv`` command."""

import signal
import sys


def main() -> None:
    """Run the command line, or say what to install for it."""
    try:
        from fastdiv.scoring.command import app
        from fastdiv.scoring.streams import take_any_character
    except ModuleNotFoundError as error:
        if error.name not in ("typer", "rich"):
            raise
        print(
            f"fastdiv: the command line needs {error.name}: pip install 'fastdiv[cli]'",
            file=sys.stderr,
        )
        sys.exit(2)
    # As an interruption: whatever is half written is taken away.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    take_any_character()
    app(prog_name="fastdiv")


if __name__ == "__main__":
    main()
