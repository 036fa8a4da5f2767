"""A result as the page tells it: what is read first, what to beware of, and every number."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from fastdiv.plot._style import number, percent, whole
from fastdiv.scoring.page import Figure, Input, Report, Table
from fastdiv.scoring.pictures import Worst, compare_pictures, score_pictures

Rows = list[tuple[str, str, str]]
POINTS = {0.0: "minimum", 0.5: "median", 1.0: "maximum"}
# Field of a result, its name in a table, whether it is a share and its unit.
SCORE = (
    ("cross_entropy", "cross-entropy", "nats"),
    ("bits", "cross-entropy in bits", "bits"),
    ("perplexity", "perplexity", ""),
    ("accuracy", "accuracy", "%"),
    ("top_k_accuracy", "top {} accuracy", "%"),
    ("entropy", "entropy", "nats"),
    ("brier_score", "Brier score", ""),
    ("calibration_error", "calibration error", ""),
)
COMPARE = (
    ("kl_divergence", "KL(p‖q)", "nats"),
    ("reverse_kl_divergence", "KL(q‖p)", "nats"),
    ("js_divergence", "Jensen-Shannon", "nats"),
    ("total_variation", "total variation", ""),
    ("same_top_class_share", "same top class", "%"),
)
LABELLED = (
    ("p_cross_entropy", "cross-entropy of p", "nats"),
    ("q_cross_entropy", "cross-entropy of q", "nats"),
    ("p_perplexity", "perplexity of p", ""),
    ("q_perplexity", "perplexity of q", ""),
    ("correlation", "correlation of the rows' cross-entropies", ""),
    ("log_perplexity_ratio", "ln(perplexity of q / of p)", ""),
    ("perplexity_ratio", "perplexity of q / of p", ""),
    ("perplexity_difference", "perplexity of q − of p", ""),  # noqa: RUF001
    ("delta_p", "Δp of the label, mean", "%"),
    ("delta_p_rms", "Δp of the label, root mean square", "%"),
)


def report(
    result: Any,
    *,
    inputs: Sequence[Input],
    command: Sequence[str],
    worst: Worst | None = None,
    seconds: float | None = None,
) -> Report:
    """Make the report of a result.

    Parameters
    ----------
    result : ScoreResult or CompareResult
        What it has is told.
    inputs : sequence of Input
        The files.
    command : sequence of str
        The command and its arguments.
    worst : tuple of values and ids, optional
        The rows with the largest cross-entropy or KL.
    seconds : float, optional
        How long it took.
    """
    compares = hasattr(result, "kl_divergence")
    names = " and ".join(_short(i.path) for i in inputs if i.role != "labels")
    first = [("rows", whole(result.rows), ""), ("classes", whole(result.classes), "")]
    if compares:
        tables = [Table("Divergences", first + _rows(result, COMPARE))]
        labelled = _rows(result, LABELLED)
        tables += [Table("Against the labels", labelled)] if labelled else []
        tables.append(_quantiles("KL(p‖q) by quantile", result.kl_quantiles, "nats"))
        if result.delta_p_quantiles is not None:
            tables.append(_quantiles("Δp by quantile", result.delta_p_quantiles, "%"))
        pictures = compare_pictures(result, worst)
    else:
        tables = [
            Table("Summary", first + _rows(result, SCORE)),
            _quantiles("Cross-entropy by quantile", result.cross_entropy_quantiles, "nats"),
        ]
        pictures = score_pictures(result, worst)
    return Report(
        title=f"{'Comparison' if compares else 'Scores'} of {names}",
        figures=_first(result, compares),
        warnings=_warnings(result, "KL(p‖q)" if compares else "cross-entropy"),
        pictures=pictures,
        tables=tables,
        inputs=inputs,
        command=command,
        seconds=seconds,
    )


def _short(path: str, limit: int = 40) -> str:
    """Return the last part of a path, its middle left out if it is long."""
    name = path.rstrip("/").rpartition("/")[2]
    return name if len(name) <= limit else f"{name[: limit // 2]}…{name[-limit // 2 + 1 :]}"


def value_of(field: Any, unit: str, digits: int = 6) -> tuple[str, str]:
    """Write a number, and apart from it what is known of its error."""
    scale, sign = (100, " %") if unit == "%" else (1, f" {unit}" if unit else "")
    if isinstance(field, float):
        return number(scale * field, digits) + sign, ""
    text = number(scale * field[0], 4 if unit == "%" else digits) + sign
    if not all(math.isfinite(x) for x in field):
        return text, ""
    if hasattr(field, "standard_error"):
        return text, f"± {number(scale * field.standard_error, 2)}{sign}"
    low, high = (number(scale * end, 4) for end in field[1:])
    return text, f"{low} to {high}{sign}"


def _rows(result: Any, names: Sequence[tuple[str, str, str]]) -> Rows:
    made = []
    for field, name, unit in names:
        value = getattr(result, field, None)
        if value is None:
            continue
        several = value.items() if isinstance(value, dict) else [(None, value)]
        made += [(name.format(k), *value_of(v, unit)) for k, v in several if k != 1]
    return made


def _quantiles(caption: str, values: Mapping[float, float], unit: str) -> Table:
    rows = []
    for point, value in sorted(values.items()):
        text = value_of(value, unit)[0].removesuffix(" nats")
        rows.append((POINTS.get(point, f"{100 * point:g} %"), text, ""))
    return Table(f"{caption}, nats" if unit == "nats" else caption, rows)


def _first(result: Any, compares: bool) -> list[Figure]:
    """Return the numbers that are read first."""
    if compares:
        ratio = ("perplexity_ratio", "perplexity of q / p", "")
        names = [COMPARE[0], COMPARE[4], ratio, COMPARE[2]]
    else:
        names = [SCORE[0], SCORE[2], SCORE[3], SCORE[7]]
    made = []
    for field, name, unit in names:
        value = getattr(result, field, None)
        if value is not None:
            text, error = value_of(value, unit, 6 if field == "perplexity_ratio" else 4)
            note = error.removesuffix(" nats").removesuffix(" %")
            nats = "nats" if unit == "nats" else ""
            made.append(Figure(name, text.removesuffix(" nats"), f"{note} {nats}".strip()))
    return [*made, Figure("rows", whole(result.rows), f"{whole(result.classes)} classes")]


def _warnings(result: Any, name: str) -> list[str]:
    """Say what spoils the mean."""
    made = []
    if result.infinite_rows:
        so = "" if result.nan_rows else ", so that the mean is infinite"
        made.append(
            f"{_some(result.infinite_rows, result.rows, 'has', 'have')} infinite {name}{so}."
        )
    if result.nan_rows:
        found = _some(result.nan_rows, result.rows, "is", "are")
        made.append(f"{found} no distribution (NaN), so that there is neither mean nor quantile.")
    return made


def _some(count: int, rows: int, one: str, many: str) -> str:
    noun = (
        f"row ({percent(count / rows)}) {one}"
        if count == 1
        else f"rows ({percent(count / rows)}) {many}"
    )
    return f"{whole(count)} {noun}"
