"""A comparison as llama-perplexity --kl-divergence prints it."""

from fastdiv.scoring.compare_summary import CompareResult
from fastdiv.scoring.estimates import Mean

_PERCENTILES = {0.999: "99.9%", 0.99: "99.0%", 0.95: "95.0%", 0.9: "90.0%", 0.75: "75.0%"} | {
    0.5: "Median", 0.25: "25.0%", 0.1: "10.0%", 0.05: " 5.0%", 0.01: " 1.0%", 0.001: " 0.1%"
}  # fmt: skip


def llama_lines(result: CompareResult) -> list[tuple[str, str]]:
    """Return name and value of the lines that llama-perplexity ends with, in its format.

    Lines that need labels are left out where the comparison had none. p is its base model. The
    figures are not rounded to float on the way and its input may be, so the last digit can differ.

    Parameters
    ----------
    result : CompareResult
        What `CompareSummary.result` returns.

    Returns
    -------
    list of (str, str)
    """
    return [*_perplexity(result), *_divergence(result), *_probability(result)]


def _plain(value: Mean) -> str:
    return f"{value.mean:10.6f} ± {value.standard_error:10.6f}"


def _percent(value: Mean) -> str:
    return f"{100 * value.mean:6.3f} ± {100 * value.standard_error:5.3f} %"


def _perplexity(result: CompareResult) -> list[tuple[str, str]]:
    means = {
        "Mean PPL(Q)": result.q_perplexity,
        "Mean PPL(base)": result.p_perplexity,
        "Mean ln(PPL(Q)/PPL(base))": result.log_perplexity_ratio,
        "Mean PPL(Q)/PPL(base)": result.perplexity_ratio,
        "Mean PPL(Q)-PPL(base)": result.perplexity_difference,
    }
    lines = [(name, _plain(value)) for name, value in means.items() if value is not None]
    if result.correlation is not None:
        lines.insert(2, ("Cor(ln(PPL(Q)), ln(PPL(base)))", f"{100 * result.correlation:6.2f}%"))
    return lines


def _divergence(result: CompareResult) -> list[tuple[str, str]]:
    lines = [("Mean    KLD", _plain(result.kl_divergence))]
    at = {1.0: "Maximum"} | _PERCENTILES | {0.0: "Minimum"}
    for point, name in at.items():
        if point not in (0.25, 0.75):
            lines.append((f"{name:7} KLD", f"{result.kl_quantiles[point]:10.6f}"))
    return lines


def _probability(result: CompareResult) -> list[tuple[str, str]]:
    lines = []
    if result.delta_p is not None and result.delta_p_quantiles is not None:
        lines.append(("Mean    Δp", _percent(result.delta_p)))
        at = {1.0: "Maximum"} | _PERCENTILES | {0.0: "Minimum"}
        for point, name in at.items():
            lines.append((f"{name:7} Δp", f"{100 * result.delta_p_quantiles[point]:6.3f}%"))
    if result.delta_p_rms is not None:
        lines.append(("RMS Δp", _percent(result.delta_p_rms)))
    if result.same_top_class is not None:
        lines.append(("Same top p", _percent(result.same_top_class)))
    return lines
