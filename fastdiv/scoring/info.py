"""``fastdiv info``: what is in files, or what computes here."""

import platform

import numpy as np

import fastdiv
from fastdiv import _dispatch, _workers
from fastdiv.scoring import printing
from fastdiv.scoring.sources import open_rows
from fastdiv.scoring.streams import printed


def of_files(files: list[str], column: str | None, json: bool) -> None:
    """Tell what is in files."""
    told = [open_rows(file, column=column).describe() for file in files]
    if json:
        printing.print_json({"command": "info", "files": told})
        return
    for i, facts in enumerate(told):
        with printed():
            print(end="\n" if i else "")
        _print({k: str(v) for k, v in facts.items()})


def of_machine(json: bool) -> None:
    """Tell the version, the instruction sets and the machine."""
    facts = {
        "version": fastdiv.__version__,
        "instruction_sets": _dispatch.compiled(),
        "instruction_set_in_use": _dispatch.active(),
        "numpy": np.__version__,
        "python": platform.python_version(),
        "cpus": _workers.usable_cpus(),
    }
    if json:
        printing.print_json({"command": "info", **facts})
        return
    _print({k: ", ".join(v) if isinstance(v, list) else str(v) for k, v in facts.items()})


def _print(facts: dict[str, str]) -> None:
    printing.print_table([(name.replace("_", " "), text) for name, text in facts.items()])
