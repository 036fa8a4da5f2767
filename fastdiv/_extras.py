"""Packages that some parts of fastdiv need, and how to install them."""

import importlib


def need(module: str, what: str, extra: str) -> None:
    """Raise an error that says what to install, if a module that ``what`` needs is not there."""
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise
        raise ImportError(
            f"{what} needs {module}, which is not installed: pip install 'fastdiv[{extra}]'"
        ) from error
