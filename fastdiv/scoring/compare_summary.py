"""What is told of two models' rows: the figures of llama-perplexity --kl-divergence, and more.

p is the true or base model, q the other one; a label is the token that came. Definitions and errors
are those of llama.cpp's tools/perplexity/perplexity.cpp, but for two things. Errors of fewer than
eleven rows are given too, where it prints 0. And quantiles are interpolated in double, where it has
the place of a quantile in float.
"""

import math
from typing import Any, NamedTuple

from fastdiv.scoring.counts import Hits
from fastdiv.scoring.estimates import Mean, Share, exponential_of, share
from fastdiv.scoring.exact_sums import Moments, doubles
from fastdiv.scoring.merging import Parts, Summary
from fastdiv.scoring.pairs import Pairs
from fastdiv.scoring.quantiles import Histogram, Quantiles
from fastdiv.scoring.score_summary import POINTS

_MEANS = ("kl_divergence", "reverse_kl_divergence", "js_divergence", "total_variation")
_LABELLED = ("p_cross_entropy", "q_cross_entropy")


class CompareResult(NamedTuple):
    """Rows p against rows q; None is what the blocks had no column for.

    Attributes
    ----------
    rows, classes : int
    kl_divergence : Mean
        KL(p || q), in nats.
    kl_quantiles : dict of float to float
        By share of the rows from 0.0 (minimum) to 1.0 (maximum).
    quantile_error : float
        Bound of the quantiles' relative error, 0 while they are exact.
    kl_histogram : Histogram
    infinite_rows, nan_rows : int
        Rows of infinite divergence, and of none. They make the mean infinite, or NaN.
    reverse_kl_divergence, js_divergence, total_variation : Mean or None
    same_top_class : Mean or None
        Share of rows with the same top class; a row that is no distribution has none.
    p_cross_entropy, q_cross_entropy : Mean or None
        Of the labels, in nats.
    p_perplexity, q_perplexity : Mean or None
        e^cross_entropy; its error, as those below, is to first order.
    correlation : float or None
        Of the rows' two cross-entropies.
    log_perplexity_ratio, perplexity_ratio, perplexity_difference : Mean or None
        ln(PPL(q) / PPL(p)), PPL(q) / PPL(p), PPL(q) - PPL(p), with the covariance in their errors.
    delta_p : Mean or None
        The label's probability under q less that under p.
    delta_p_quantiles : dict of float to float, or None
    delta_p_rms : Mean or None
        Root of the mean square.
    """

    rows: int
    classes: int
    kl_divergence: Mean
    kl_quantiles: dict[float, float]
    quantile_error: float
    kl_histogram: Histogram
    infinite_rows: int
    nan_rows: int
    reverse_kl_divergence: Mean | None = None
    js_divergence: Mean | None = None
    total_variation: Mean | None = None
    same_top_class: Mean | None = None
    p_cross_entropy: Mean | None = None
    q_cross_entropy: Mean | None = None
    p_perplexity: Mean | None = None
    q_perplexity: Mean | None = None
    correlation: float | None = None
    log_perplexity_ratio: Mean | None = None
    perplexity_ratio: Mean | None = None
    perplexity_difference: Mean | None = None
    delta_p: Mean | None = None
    delta_p_quantiles: dict[float, float] | None = None
    delta_p_rms: Mean | None = None

    @property
    def same_top_class_share(self) -> Share | None:
        """``same_top_class`` with the ends of its 95 % interval, as those of accuracy."""
        if self.same_top_class is None:
            return None
        return share(round(self.same_top_class.mean * self.rows) if self.rows else 0, self.rows)


class CompareSummary(Summary):
    """Summary of two models' rows, block by block, the same bits for any split.

    It takes kl_divergence, and of the other columns of `fastdiv.compare` what there is, the same in
    every block. An object is for one thread at a time; several have one each and merge them.

    Parameters
    ----------
    classes : int
        Number of classes of the rows.

    See Also
    --------
    fastdiv.compare : makes the blocks.

    Examples
    --------
    >>> import numpy as np
    >>> from types import SimpleNamespace
    >>> s = CompareSummary(classes=4)
    >>> s.update(SimpleNamespace(kl_divergence=np.array([0.25, 0.75])))
    >>> s.result().kl_divergence
    Mean(mean=0.5, standard_error=0.25)
    """

    columns = (*_MEANS, "same_top_class", *_LABELLED, "delta_p")

    def _make(self, has: tuple[str, ...]) -> Parts:
        parts: Parts = {"quantiles": Quantiles()}
        parts |= {n: Moments() for n in (*_MEANS, *_LABELLED) if n in has}
        if "same_top_class" in has:
            parts["same_top_class"] = Hits()
        if all(name in has for name in _LABELLED):
            del parts["p_cross_entropy"], parts["q_cross_entropy"]
            parts["losses"] = Pairs()
        if "delta_p" in has:
            parts["delta_p"] = Moments()
            parts["delta_p_squared"] = Moments()
            parts["delta_p_quantiles"] = Quantiles()
        return parts

    def update(self, comparison: Any) -> None:
        """Take a block.

        Parameters
        ----------
        comparison : Comparison
            What `fastdiv.compare` returns, or any object with these columns as attributes.

        Raises
        ------
        ValueError
            If kl_divergence is missing, or the columns are not those of the blocks before or not
            of one size.
        """
        columns = self._take(comparison)
        parts = self._parts
        for name, column in columns.items():
            if name in parts:
                parts[name].update(column)
        parts["quantiles"].update(columns["kl_divergence"])
        if "losses" in parts:
            parts["losses"].update(*(columns[name] for name in _LABELLED))
        if "delta_p" in parts:
            change = doubles(columns["delta_p"])
            parts["delta_p_squared"].update(change * change)
            parts["delta_p_quantiles"].update(change)

    def result(self) -> CompareResult:
        """Return what can be told of the rows so far."""
        parts = self._parts or self._make(self.columns[:1])
        quantiles: Quantiles = parts["quantiles"]
        rest: dict[str, Any] = {
            name: parts[name].result() for name in self.columns[1:] if name in parts
        }
        rest |= _losses(parts["losses"]) if "losses" in parts else {}
        if "delta_p" in parts:
            rest["delta_p_quantiles"] = parts["delta_p_quantiles"].result(POINTS)
            rest["delta_p_rms"] = _root_of(parts["delta_p_squared"].result())
        for model in "pq":
            loss = rest.get(f"{model}_cross_entropy")
            rest[f"{model}_perplexity"] = None if loss is None else exponential_of(loss)
        return CompareResult(
            rows=self.rows,
            classes=self.classes,
            kl_divergence=parts["kl_divergence"].result(),
            kl_quantiles=quantiles.result(POINTS),
            quantile_error=quantiles.relative_error,
            kl_histogram=quantiles.histogram(),
            infinite_rows=quantiles.infinite,
            nan_rows=quantiles.nan,
            **rest,
        )


def _losses(pairs: Pairs) -> dict[str, Any]:
    """Return what both models' cross-entropies tell."""
    return {
        "p_cross_entropy": pairs.x.result(),
        "q_cross_entropy": pairs.y.result(),
        "correlation": pairs.correlation(),
        "log_perplexity_ratio": pairs.difference(),
        "perplexity_ratio": pairs.ratio_of_exponentials(),
        "perplexity_difference": pairs.difference_of_exponentials(),
    }


def _root_of(square: Mean) -> Mean:
    """Return the root of a mean square; where all numbers are 0, so is the error."""
    if square.mean == 0:
        return square
    value = math.sqrt(square.mean)
    return Mean(value, square.standard_error / (2 * value))
