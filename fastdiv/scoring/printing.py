"""Results for people and for machines."""

import json
import math
from typing import Any

from rich.text import Text

from fastdiv.scoring.compare_summary import CompareResult
from fastdiv.scoring.estimates import Mean, Share
from fastdiv.scoring.quantiles import Histogram
from fastdiv.scoring.score_summary import ScoreResult
from fastdiv.scoring.streams import Terminal, printed
from fastdiv.scoring.tables import COMPARE, LABELLED, SCORE

SCHEMA = 2
QUANTILES = {0.5: "median", 0.99: "99th percentile", 1.0: "maximum"}
Result = ScoreResult | CompareResult


@printed()
def print_table(lines: list[tuple[str, str]]) -> None:
    """Print names and values in two columns, the names bold on a terminal."""
    width = max(len(name) for name, _ in lines) + 3
    console = Terminal(highlight=False, soft_wrap=True)
    for name, value in lines:
        console.print(Text.assemble((name.ljust(width), "bold"), value))


def print_result(result: Result) -> None:
    """Print a result as a table."""
    lines = [("rows", f"{result.rows:,}"), ("classes", f"{result.classes:,}")]
    names: tuple[tuple[str, str, str], ...]
    if isinstance(result, CompareResult):
        names, quantiles = (*COMPARE, *LABELLED), result.kl_quantiles
    else:
        names, quantiles = SCORE, result.cross_entropy_quantiles
    for field, name, unit in names:
        value = getattr(result, field)
        if field == names[0][0]:
            lines.append((name, _text(value, unit)))
            lines += [(f"  {at}", f"{quantiles[point]:.6g}") for point, at in QUANTILES.items()]
        elif isinstance(value, dict):
            # top-1 is the accuracy.
            lines += [(name.format(k), _text(v, unit)) for k, v in value.items() if k != 1]
        elif value is not None:
            lines.append((name, _text(value, unit)))
    for name, count in (("infinite rows", result.infinite_rows), ("NaN rows", result.nan_rows)):
        if count:
            lines.append((name, f"{count:,}"))
    print_table(lines)


def _text(value: Mean | Share | float, unit: str) -> str:
    """Write a number with what is known of its error."""
    if isinstance(value, Share):
        return f"{100 * value.share:.2f} % ({100 * value.low:.2f} to {100 * value.high:.2f})"
    if isinstance(value, Mean) and unit == "%":
        return f"{100 * value.mean:.4g} ± {100 * value.standard_error:.2g} %"
    if isinstance(value, Mean):
        return f"{value.mean:.6g} ± {value.standard_error:.2g} {unit}".rstrip()
    return f"{value:.6g} {unit}".rstrip()


@printed()
def print_json(content: dict[str, Any]) -> None:
    """Print one JSON object. Numbers JSON has no word for are the strings nan, inf and -inf."""
    print(json.dumps({"schema": SCHEMA, **plain(content)}, allow_nan=False))


def plain(value: Any) -> Any:
    """Return dictionaries of what JSON knows, without what there was no column for.

    Histograms are for pictures.
    """
    if hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, dict):
        kept = {k: v for k, v in value.items() if v is not None and not isinstance(v, Histogram)}
        return {str(k): plain(v) for k, v in kept.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def metrics_of(result: Result) -> dict[str, float]:
    """Return every number of a result by its name; quantiles as ``cross_entropy@0.99``."""
    found: dict[str, float] = {}
    for name, value in result._asdict().items():
        if isinstance(value, Mean):
            found[name] = value.mean
        elif isinstance(value, Share):
            found[name] = value.share
        elif isinstance(value, (int, float)):
            found[name] = value
        elif name == "top_k_accuracy" and value is not None:
            found |= {f"top_{k}_accuracy": share.share for k, share in value.items()}
        elif name.endswith("quantiles") and value is not None:
            column = name.removesuffix("_quantiles").replace("kl", "kl_divergence")
            found |= {f"{column}@{point:g}": number for point, number in value.items()}
    return found
