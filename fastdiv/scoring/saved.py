"""Summaries in files, merged."""

import json as json_of
from pathlib import Path
from typing import Any

from fastdiv.scoring import printing
from fastdiv.scoring.compare_summary import CompareSummary
from fastdiv.scoring.llama import llama_lines
from fastdiv.scoring.outputs import check_apart, check_outputs
from fastdiv.scoring.score_summary import ScoreSummary
from fastdiv.scoring.sources.errors import InputError, explained
from fastdiv.scoring.whole_file import whole_file

KINDS = {kind.__name__: kind for kind in (ScoreSummary, CompareSummary)}


def load(path: Path) -> Any:
    """Return the summary in a file."""
    with explained(path):
        content = path.read_bytes()
    try:
        text = content.decode()
        name = json_of.loads(text).get("fastdiv")
        return KINDS[name].from_json(text)
    except (ValueError, AttributeError, KeyError) as error:
        why = f": {error}" if type(error) is ValueError else ""
        raise InputError(f"{path}: is no summary that --summary has written{why}") from None


def merge(paths: list[Path], *, json: bool, out: Path | None, llama: bool) -> None:
    """Merge the summaries in files, and print the result."""
    outputs = {"--out": out}
    check_outputs(outputs)
    check_apart(outputs, paths)
    total = load(paths[0])
    for path in paths[1:]:
        other = load(path)
        try:
            total.merge(other)
        except (TypeError, ValueError) as error:
            raise InputError(f"{path}: does not go with {paths[0]}: {error}") from None
    compares = isinstance(total, CompareSummary)
    if llama and not compares:
        raise InputError("--llama: is for comparisons; these are scores")
    if out is not None:
        with whole_file(out) as file:
            file.write(total.to_json().encode())
    result = total.result()
    if json:
        name = "compare" if compares else "score"
        printing.print_json({"command": name, **result._asdict()})
    elif llama:
        printing.print_table(llama_lines(result))
    else:
        printing.print_result(result)
