"""What is told of rows that were scored against labels."""

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from fastdiv.scoring.calibration import Calibration, CalibrationBin
from fastdiv.scoring.counts import Ranks
from fastdiv.scoring.estimates import Mean, Share, exponential_of, scaled, share
from fastdiv.scoring.exact_sums import Moments
from fastdiv.scoring.merging import Parts, Summary, at_least_one
from fastdiv.scoring.quantiles import Histogram, Quantiles

POINTS = (0.0, 0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1.0)


class ScoreResult(NamedTuple):
    """Rows against labels; None is what the blocks had no column for.

    Attributes
    ----------
    rows, classes : int
    cross_entropy : Mean
        In nats.
    perplexity : Mean
        e^cross_entropy; the error is to first order.
    bits : Mean
        Cross-entropy in bits: bits per symbol.
    cross_entropy_quantiles : dict of float to float
        In nats, by share of the rows from 0.0 (minimum) to 1.0 (maximum).
    quantile_error : float
        Bound of the quantiles' relative error, 0 while they are exact.
    cross_entropy_histogram : Histogram
    infinite_rows, nan_rows : int
        Rows of infinite cross-entropy, and of none (they are no distribution). Nothing is left
        out: an infinite row makes the mean infinite, a NaN row NaN; both have no hit, and count
        in the shares.
    accuracy : Share or None
        Rows whose label is the top class, with its 95 % interval.
    top_k_accuracy : dict of int to Share, or None
        Rows whose label is among the k most probable classes.
    rank_curve : dict of int to float, or None
        The same share for k = 1, 2, 5, 10 and so on.
    entropy, brier_score : Mean or None
        Entropy of the prediction, in nats, and Brier score, 0 to 2.
    calibration_error : float or None
        Expected calibration error; NaN if a row has no confidence.
    calibration : list of CalibrationBin, or None
        Its bins; a confidence on an edge is in the bin below it.
    """

    rows: int
    classes: int
    cross_entropy: Mean
    perplexity: Mean
    bits: Mean
    cross_entropy_quantiles: dict[float, float]
    quantile_error: float
    cross_entropy_histogram: Histogram
    infinite_rows: int
    nan_rows: int
    accuracy: Share | None = None
    top_k_accuracy: dict[int, Share] | None = None
    rank_curve: dict[int, float] | None = None
    entropy: Mean | None = None
    brier_score: Mean | None = None
    calibration_error: float | None = None
    calibration: list[CalibrationBin] | None = None


class ScoreSummary(Summary):
    """Summary of rows scored against labels, block by block, the same bits for any split.

    It takes cross_entropy, and of rank, entropy, brier_score and confidence what there is, the same
    in every block. An object is for one thread at a time; several have one each and merge them.

    Parameters
    ----------
    classes : int
        Number of classes of the rows.
    top_k : iterable of int, default (1, 5)
        For which k to tell the share of rows with the label among the top k.
    bins : int, default 15
        Number of bins of the calibration error, 1 to 65535.

    See Also
    --------
    fastdiv.score : makes the blocks.

    Examples
    --------
    >>> import numpy as np
    >>> from types import SimpleNamespace
    >>> s = ScoreSummary(classes=4)
    >>> s.update(SimpleNamespace(cross_entropy=np.array([0.5, 1.5]), rank=np.array([1, 3])))
    >>> s.result().cross_entropy
    Mean(mean=1.0, standard_error=0.5)
    >>> s.result().top_k_accuracy[1].share
    0.5
    """

    columns = ("cross_entropy", "rank", "entropy", "brier_score", "confidence")

    def __init__(self, classes: int, top_k: Iterable[int] = (1, 5), bins: int = 15) -> None:
        super().__init__(classes)
        self.top_k = tuple(sorted({at_least_one(k, "top_k") for k in top_k}))
        self.bins = at_least_one(bins, "bins")
        if self.bins > 65535:
            raise ValueError(f"bins is {bins}: at most 65535 can be told apart")

    def _settings(self) -> dict[str, Any]:
        return {"classes": self.classes, "top_k": list(self.top_k), "bins": self.bins}

    def _make(self, has: tuple[str, ...]) -> Parts:
        parts: Parts = {"quantiles": Quantiles()}
        parts |= {n: Moments() for n in ("cross_entropy", "entropy", "brier_score") if n in has}
        if "rank" in has:
            parts["rank"] = Ranks(self.classes, self.top_k)
            if "confidence" in has:
                parts["calibration"] = Calibration(self.bins)
        return parts

    def update(self, scores: Any) -> None:
        """Take a block.

        Parameters
        ----------
        scores : Scores
            What `fastdiv.score` returns, or any object with these columns as attributes.

        Raises
        ------
        ValueError
            If cross_entropy is missing, the columns are not those of the blocks before or not of
            one size, or there is a rank beyond the number of classes.
        """
        _check_ranks(getattr(scores, "rank", None), self.classes)
        columns = self._take(scores)
        parts = self._parts
        for name in ("cross_entropy", "entropy", "brier_score"):
            if name in columns:
                parts[name].update(columns[name])
        parts["quantiles"].update(columns["cross_entropy"])
        if "rank" in columns:
            parts["rank"].update(columns["rank"])
        if "calibration" in parts:
            parts["calibration"].update(columns["confidence"], columns["rank"] == 1)

    def result(self) -> ScoreResult:
        """Return what can be told of the rows so far."""
        parts = self._parts or self._make(self.columns[:1])
        loss: Mean = parts["cross_entropy"].result()
        quantiles: Quantiles = parts["quantiles"]
        rest: dict[str, Any] = {
            name: parts[name].result() for name in ("entropy", "brier_score") if name in parts
        }
        if "rank" in parts:
            within = parts["rank"].within()
            rest["accuracy"] = share(within[1], self.rows)
            rest["top_k_accuracy"] = {k: share(within[k], self.rows) for k in self.top_k}
            rest["rank_curve"] = {k: share(n, self.rows).share for k, n in within.items()}
        if "calibration" in parts:
            rest["calibration_error"] = parts["calibration"].error()
            rest["calibration"] = parts["calibration"].bins()
        return ScoreResult(
            rows=self.rows,
            classes=self.classes,
            cross_entropy=loss,
            perplexity=exponential_of(loss),
            bits=scaled(loss, 1 / math.log(2)),
            cross_entropy_quantiles=quantiles.result(POINTS),
            quantile_error=quantiles.relative_error,
            cross_entropy_histogram=quantiles.histogram(),
            infinite_rows=quantiles.infinite,
            nan_rows=quantiles.nan,
            **rest,
        )


def _check_ranks(ranks: Any, classes: int) -> None:
    """Raise if a rank is not in 0 .. classes."""
    if ranks is not None and np.size(ranks) and not 0 <= np.min(ranks) <= np.max(ranks) <= classes:
        row = int(np.argmax((np.ravel(ranks) < 0) | (np.ravel(ranks) > classes)))
        raise ValueError(
            f"row {row} of the block has rank {np.ravel(ranks)[row]}, and the summary is of "
            f"{classes} classes: make it with the number of classes of the rows"
        )
