"""Results as the summaries give them, from arrays, for the tests of what is made of them."""

import numpy as np

import fastdiv
from fastdiv.plot import Counts
from fastdiv.scoring.estimates import Mean, Share
from fastdiv.scoring.score_summary import POINTS


def mean(values):
    with np.errstate(invalid="ignore"):
        return Mean(float(np.mean(values)), float(np.std(values) / np.sqrt(max(1, len(values)))))


def quantiles(values):
    return {p: float(np.quantile(values, p, method="nearest")) for p in POINTS}


class Result:
    """Fields that were not given are None, as in the summaries."""

    def __init__(self, **fields):
        self.__dict__.update(fields)


def score_result(labels, logits):
    loss = np.asarray(fastdiv.cross_entropy_from_logits(labels, logits), np.float64)
    p = fastdiv.softmax(logits)
    sure, hit = p.max(-1), p.argmax(-1) == labels
    rank = 1 + (logits > np.take_along_axis(logits, labels[:, None].astype(int), -1)).sum(-1)
    at = np.clip(np.ceil(sure * 15).astype(int) - 1, 0, 14)
    bins = []
    for b in range(15):
        inside = at == b
        there = inside.any()
        means = (float(v[inside].mean()) if there else np.nan for v in (sure, hit))
        bins.append((b / 15, (b + 1) / 15, int(inside.sum()), *means))
    error = sum(n * abs(c - a) for _, _, n, c, a in bins if n) / len(loss)
    share = float(hit.mean())
    return Result(
        rows=len(loss), classes=logits.shape[1], cross_entropy=mean(loss),
        perplexity=Mean(float(np.exp(loss.mean())), 0.01), bits=Mean(loss.mean() / np.log(2), 0.01),
        cross_entropy_quantiles=quantiles(loss), cross_entropy_histogram=Counts.of(loss),
        infinite_rows=int(np.isinf(loss).sum()), nan_rows=int(np.isnan(loss).sum()),
        accuracy=Share(share, share - 0.01, min(1.0, share + 0.01)),
        top_k_accuracy={k: Share(float((rank <= k).mean()), 0.9, 1.0) for k in (1, 5)},
        rank_curve={k: float((rank <= k).mean()) for k in (1, 2, 5, 10)},
        entropy=mean(fastdiv.entropy_from_logits(logits)), brier_score=Mean(0.05, 0.001),
        calibration_error=float(error), calibration=bins,
    )  # fmt: skip


def compare_result(p_logits, q_logits, labels=None):
    kl = np.asarray(fastdiv.kl_divergence_from_logits(p_logits, q_logits), np.float64)
    result = Result(
        rows=len(kl), classes=p_logits.shape[1], kl_divergence=mean(kl), kl_quantiles=quantiles(kl),
        kl_histogram=Counts.of(kl), infinite_rows=int(np.isinf(kl).sum()),
        nan_rows=int(np.isnan(kl).sum()), js_divergence=mean(kl / 8), total_variation=None,
        reverse_kl_divergence=mean(fastdiv.kl_divergence_from_logits(q_logits, p_logits)),
        same_top_class=mean(p_logits.argmax(-1) == q_logits.argmax(-1)), delta_p_quantiles=None,
    )  # fmt: skip
    if labels is not None:
        rows = np.arange(len(labels))
        change = fastdiv.softmax(q_logits)[rows, labels] - fastdiv.softmax(p_logits)[rows, labels]
        losses = [fastdiv.cross_entropy_from_logits(labels, x) for x in (p_logits, q_logits)]
        ratio = float(np.exp(losses[1].mean() - losses[0].mean()))
        result.p_cross_entropy, result.q_cross_entropy = map(mean, losses)
        result.perplexity_ratio, result.delta_p = Mean(ratio, 0.001), mean(change)
        result.delta_p_quantiles = quantiles(change)
    return result
