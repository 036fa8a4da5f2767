"""Packages that some parts of fastdiv need, and how to install them."""

import importlib


def is_missing(*modules: str) -> bool:
    """Whether one of the modules is not installed; what else is wrong with it is raised."""
    try:
        for module in modules:
            importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name not in modules:
            raise
        return True
    return False


def need(module: str, what: str, extra: str) -> None:
    """Raise an error that says what to install, if a module that ``what`` needs is not there."""
    if is_missing(module):
        raise ImportError(
            f"{what} needs {module}, which is not installed: pip install 'fastdiv[{extra}]'"
        )
