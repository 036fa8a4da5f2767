"""What ``score`` and ``compare`` tell of files of rows."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import fastdiv
from fastdiv import _check, _rows
from fastdiv.scoring.blocks import over_blocks
from fastdiv.scoring.files import Array, InputError, Labels, Rows
from fastdiv.scoring.output import written
from fastdiv.scoring.summary import Mean, Moments, quantiles

Done = Callable[[int], None]
SCORED = ("cross_entropy", "entropy", "top_class")


class Score(NamedTuple):
    """Rows against labels. Entropies are in nats."""

    rows: int
    classes: int
    cross_entropy: Mean
    perplexity: float
    accuracy: Mean
    entropy: Mean
    infinite_rows: int
    nan_rows: int


class Comparison(NamedTuple):
    """Rows p against rows q. Divergences are in nats."""

    rows: int
    classes: int
    kl_divergence: Mean
    kl_median: float
    kl_99th_percentile: float
    kl_maximum: float
    reverse_kl_divergence: Mean
    js_divergence: Mean
    same_top_class: Mean
    infinite_rows: int
    nan_rows: int
    p_cross_entropy: Mean | None
    q_cross_entropy: Mean | None
    p_accuracy: Mean | None
    q_accuracy: Mean | None


def _checked(rows: Rows, start: int, stop: int) -> NDArray[Any]:
    """Return a block of probabilities, or raise for the file's first row that is none."""
    block = rows.block(start, stop)
    bad = _rows.find_bad_distribution(block)
    if bad is not None:
        place, fault = bad
        raise InputError(f"{rows.path}: row {start + place[0]} {fault}")
    return block


def _against_labels(
    rows: Rows, labels: Labels, probs: bool
) -> Callable[[int, int], NDArray[np.float64]]:
    """Give a function of a block: cross-entropy, entropy and top-class hit, shape (rows, 3)."""

    def scored(start: int, stop: int) -> NDArray[np.float64]:
        y = labels.block(start, stop)
        if probs:
            q = _checked(rows, start, stop)
            columns = fastdiv.cross_entropy(y, q), fastdiv.entropy(q), q.argmax(-1) == y
        else:
            s = fastdiv.score(y, rows.block(start, stop), want=SCORED, workers=1)
            columns = s.cross_entropy, s.entropy, s.top_class == y
        return np.column_stack([c.astype(np.float64) for c in columns])

    return scored


def score(
    logits: Path,
    labels: Path,
    *,
    probs: bool,
    out: Path | None,
    block_bytes: int,
    workers: int,
    start: Any,
) -> Score:
    """Score a file of rows against a file of labels; ``start(files)`` gives the progress call."""
    rows = Rows(logits)
    y = Labels(labels, rows)
    loss, entropy, correct = Moments(), Moments(), Moments()
    infinite = nan = 0
    dtype = _check.result_type(None, rows.block(0, 1))
    with start([rows]) as done, written(out, rows.rows, dtype) as output:
        scored = _against_labels(rows, y, probs)
        blocks = over_blocks(scored, [rows, y], block_bytes, workers, done)
        for block in blocks:
            # Rounded as the function of arrays gives them, so that a file holds the same numbers.
            losses = block[:, 0].astype(dtype)
            loss.update(losses)
            entropy.update(block[:, 1])
            correct.update(block[:, 2])
            infinite += int(np.isinf(losses).sum())
            nan += int(np.isnan(losses).sum())
            if output:
                output.write(losses)
    mean = loss.result()
    return Score(
        rows=rows.rows,
        classes=rows.classes,
        cross_entropy=mean,
        perplexity=math.exp(mean.mean) if mean.mean < 700 else math.inf,
        accuracy=correct.result(),
        entropy=entropy.result(),
        infinite_rows=infinite,
        nan_rows=nan,
    )


def compare(
    p_path: Path,
    q_path: Path,
    labels: Path | None,
    *,
    probs: bool,
    out: Path | None,
    block_bytes: int,
    workers: int,
    start: Any,
) -> Comparison:
    """Compare two files of rows; ``start(files)`` gives the progress call."""
    p, q = Rows(p_path), Rows(q_path)
    if (p.lead, p.classes) != (q.lead, q.classes):
        raise InputError(
            f"{q.path}: has shape {(*q.lead, q.classes)}; {p.path} has {(*p.lead, p.classes)}"
        )
    y = None if labels is None else Labels(labels, p)
    kinds = (
        (fastdiv.kl_divergence, fastdiv.js_divergence)
        if probs
        else (fastdiv.kl_divergence_from_logits, fastdiv.js_divergence_from_logits)
    )
    loss = fastdiv.cross_entropy if probs else fastdiv.cross_entropy_from_logits

    def compared(begin: int, end: int) -> dict[str, NDArray[Any]]:
        a, b = (_checked(r, begin, end) if probs else r.block(begin, end) for r in (p, q))
        top_a, top_b = a.argmax(-1), b.argmax(-1)
        columns = {"kl": kinds[0](a, b), "reverse": kinds[0](b, a), "js": kinds[1](a, b)}
        columns["same"] = top_a == top_b
        if y is not None:
            part = y.block(begin, end)
            columns |= {"p_loss": loss(part, a), "q_loss": loss(part, b)}
            columns |= {"p_correct": top_a == part, "q_correct": top_b == part}
        return columns

    moments: dict[str, Moments] = {}
    all_kl: list[NDArray[Any]] = []
    dtype = _check.result_type(None, p.block(0, 1), q.block(0, 1))
    sources: list[Array] = [p, q] if y is None else [p, q, y]
    with start([p, q]) as done, written(out, p.rows, dtype) as output:
        for block in over_blocks(compared, sources, block_bytes, workers, done):
            for name, values in block.items():
                moments.setdefault(name, Moments()).update(values)
            all_kl.append(block["kl"])
            if output:
                output.write(block["kl"])
    kl = np.concatenate(all_kl)
    median, high, top = quantiles(kl, (0.5, 0.99, 1.0))
    means = {name: m.result() for name, m in moments.items()}
    return Comparison(
        rows=p.rows,
        classes=p.classes,
        kl_divergence=means["kl"],
        kl_median=median,
        kl_99th_percentile=high,
        kl_maximum=top,
        reverse_kl_divergence=means["reverse"],
        js_divergence=means["js"],
        same_top_class=means["same"],
        infinite_rows=int(np.isinf(kl).sum()),
        nan_rows=int(np.isnan(kl).sum()),
        p_cross_entropy=means.get("p_loss"),
        q_cross_entropy=means.get("q_loss"),
        p_accuracy=means.get("p_correct"),
        q_accuracy=means.get("q_correct"),
    )
