"""Public functions that tell several things of every row, which is read once."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

from fastdiv import _check, _columns, _cross_entropy, _labels, _logits, _options
from fastdiv._fields import (
    COMPARISON,
    EVERY_COMPARISON,
    EVERY_SCORE,
    OF_LABELS,
    SCORES,
    Comparison,
    Scores,
    filled,
    numbers_of,
    types_of,
)

# What there is for Dask arrays is a summary of the rows.
LAZILY = "call fastdiv.dask.{} for a summary, or for numbers of every row "


def score(
    labels: ArrayLike,
    logits: ArrayLike,
    *,
    want: Iterable[str] | None = None,
    workers: int | None = None,
) -> Scores:
    r"""Cross-entropy, entropy, Brier score, top class, rank and kin of rows of logits, read once.

    With :math:`p_k = e^{x_k} / \sum_j e^{x_j}` of a row of logits x and its label y:

    .. math::
       -\log p_y, \quad \log \sum_k e^{x_k}, \quad -\sum_k p_k \log p_k, \quad
       \sum_k (p_k - [k = y])^2, \quad p_y, \quad \max_k p_k

    Parameters
    ----------
    labels : array_like of int
        The true classes: one axis fewer than ``logits``, or a single one for every row.
    logits : array_like, shape (..., c)
        Rows of logits (log-probabilities are logits too), classes on the last axis.
    want : iterable of str, optional
        Names of fields of `Scores`: the others are neither allocated nor written, and are None. By
        default all. No value depends on which others are wanted.
    workers : int, optional
        Threads to share the rows among; -1 is every processor this process may use. By default
        the number of `set_workers`, which is 1 where nothing is set. The bits stay the same.

    Returns
    -------
    Scores
        Arrays of one number per row, in the fields' own names: ``cross_entropy``, ``logsumexp``,
        ``entropy`` (in nats), ``brier_score``, ``probability`` (of the label), ``confidence`` (of
        the top class), ``top_class`` and ``rank`` (of the label). Floats are float32 for logits of
        float32, float16 or bfloat16, else float64; classes and ranks are int64. Of a single row
        they are scalars.

    Raises
    ------
    TypeError
        For float labels, or masked, lazy, complex, object or text input.
    ValueError
        For shapes that do not broadcast, no classes, or a name in ``want`` that is no field.
    IndexError
        For a label out of range.

    See Also
    --------
    cross_entropy_from_logits, entropy_from_logits, logsumexp : One of the numbers, the same bits.
    sklearn.metrics.top_k_accuracy_score : The mean of `Scores.top_k`, with other ties.
    sklearn.metrics.brier_score_loss : The mean Brier score, from probabilities; of two classes half
        of it, unless ``scale_by_half=False``.

    Notes
    -----
    A logit of -inf is a class of probability 0; as the label's it gives cross-entropy +inf and
    probability 0. A row that is no distribution, with a NaN or +inf or nothing but -inf, has NaN
    in the floats, top class -1 and rank 0, which is no hit; only ``logsumexp`` is NaN, +inf or
    -inf as that of `logsumexp`. Other rows are untouched and nothing warns.
    The first of equal logits comes first, in ``top_class`` as in ``rank``, so that
    ``rank == 1`` where ``top_class`` is the label.
    The Brier score is summed from terms that are not negative, :math:`1 - p_y` from the other
    classes: that of a confident and right row keeps its digits too.

    References
    ----------
    .. [1] G. W. Brier, "Verification of Forecasts Expressed in Terms of Probability", Monthly
       Weather Review 78, 1950.

    Examples
    --------
    >>> import fastdiv
    >>> scores = fastdiv.score([0, 2], [[2.0, 1.0, 0.0], [2.0, 1.0, 0.0]])
    >>> scores.cross_entropy
    array([0.40760596, 2.40760596])
    >>> scores.rank
    array([1, 3])
    >>> scores.top_k(2)
    array([ True, False])
    >>> fastdiv.score(0, [80.0, 0.0], want="brier_score").brier_score > 0
    np.True_
    """
    wanted = EVERY_SCORE if want is None else _options.names_of(want, SCORES)
    only_loss = wanted == {"cross_entropy"}
    if only_loss:
        # By its own function, which does no more.
        loss = _cross_entropy.of_few(labels, logits, workers)
        if loss is not None:
            return Scores(loss)
    else:
        few = _columns.several_of_few(
            "score_from_logits", (logits,), labels, numbers_of(wanted, True), workers
        )
        if few:
            return filled(Scores, few)  # type: ignore[no-any-return]
    lazily = LAZILY.format("score")
    y = _check.as_array(labels, "labels", lazily)
    x = _check.as_array(logits, "logits", lazily)
    rows = _check.classes_last(x, -1, "logits")
    y, rows, _ = _labels.labels_for(_labels.labels_of(y, x), rows, None)
    if only_loss:
        return Scores(_logits.cross_entropy_from_logits(y, rows, workers=workers))
    made = _columns.several(
        "score_from_logits",
        types_of(SCORES, _check.result_type(None, x)),
        wanted,
        None,
        rows,
        y,
        wide=not _check.is_narrow(x),
        workers=workers,
    )
    return Scores(**made)


def compare(
    p_logits: ArrayLike,
    q_logits: ArrayLike,
    labels: ArrayLike | None = None,
    *,
    want: Iterable[str] | None = None,
    workers: int | None = None,
) -> Comparison:
    r"""KL both ways, Jensen-Shannon, total variation and kin of pairs of rows of logits, read once.

    With :math:`p_k = e^{x_k} / \sum_j e^{x_j}` of the first row of a pair, :math:`q_k` of the
    second and a label y:

    .. math::
       \mathrm{KL}(p \,\|\, q), \quad \mathrm{KL}(q \,\|\, p), \quad
       \tfrac12 \mathrm{KL}(p \,\|\, m) + \tfrac12 \mathrm{KL}(q \,\|\, m)
       \text{ with } m = \tfrac12 (p + q), \quad \tfrac12 \sum_k |p_k - q_k|, \quad
       -\log p_y, \quad -\log q_y, \quad q_y - p_y

    Parameters
    ----------
    p_logits : array_like, shape (..., c)
        The true rows, as logits (log-probabilities are logits too), classes on the last axis.
    q_logits : array_like, shape (..., c)
        The predicted rows, as logits. Broadcasts against ``p_logits``.
    labels : array_like of int, optional
        The true classes: one axis fewer than the logits, or a single one for every pair.
    want : iterable of str, optional
        Names of fields of `Comparison`: the others are neither allocated nor written, and are None.
        By default all there are, which without labels are those of no label. No value depends on
        which others are wanted.
    workers : int, optional
        Threads to share the rows among; -1 is every processor this process may use. By default
        the number of `set_workers`, which is 1 where nothing is set. The bits stay the same.

    Returns
    -------
    Comparison
        Arrays of one number per pair, in the fields' own names: ``kl_divergence``,
        ``reverse_kl_divergence``, ``js_divergence`` (in nats), ``total_variation``,
        ``same_top_class`` and, of the labels, ``p_cross_entropy``, ``q_cross_entropy`` and
        ``delta_p``. Floats are float32 if all logits are float32, float16 or bfloat16, else
        float64; ``same_top_class`` is bool. Of a single pair they are scalars.

    Raises
    ------
    TypeError
        For float labels, or masked, lazy, complex, object or text input.
    ValueError
        For shapes that do not broadcast, no classes, a name in ``want`` that is no field, or one
        that needs labels where there are none.
    IndexError
        For a label out of range.

    See Also
    --------
    kl_divergence_from_logits, js_divergence_from_logits : The same to within their errors; the last
        bits may differ.
    cross_entropy_from_logits : The cross-entropies, the same bits.

    Notes
    -----
    A logit of -inf is a class of probability 0. Masked in q alone it makes ``kl_divergence`` +inf,
    in p alone ``reverse_kl_divergence``; masked in both it contributes nothing. A pair with a row
    that is no distribution, with a NaN or +inf or nothing but -inf, has NaN in all floats and False
    as ``same_top_class``. Other pairs are untouched and nothing warns.
    The divergences are summed from terms that are not negative, made of the differences
    :math:`\log(p_k / q_k)` of the logits themselves where p and q are near each other: they are 0
    for equal rows and keep their digits next to it. So does ``delta_p``, to a few units in the last
    place of itself or of the label's probability times the total variation, whichever is larger.

    References
    ----------
    .. [1] J. Lin, "Divergence Measures Based on the Shannon Entropy", IEEE Trans. Inf. Theory 37,
       1991.

    Examples
    --------
    >>> import fastdiv
    >>> made = fastdiv.compare([[2.0, 1.0, 0.0]], [[2.0, 1.0, 1.0]], [0])
    >>> made.kl_divergence
    array([0.05380818])
    >>> made.same_top_class
    array([ True])
    >>> made.delta_p
    array([-0.08912407])
    >>> fastdiv.compare([0.0, 1e-20], [0.0, 0.0], want="total_variation").total_variation
    np.float64(2.5e-21)
    """
    names = EVERY_COMPARISON if want is None else _options.names_of(want, COMPARISON)
    if labels is None:
        if want is None:
            names -= OF_LABELS
        elif names & OF_LABELS:
            raise ValueError(f"want holds {min(names & OF_LABELS)!r}: pass the labels, too")
    few = _columns.several_of_few(
        "compare_from_logits", (p_logits, q_logits), labels, numbers_of(names, False), workers
    )
    if few:
        return filled(Comparison, few)  # type: ignore[no-any-return]
    lazily = LAZILY.format("compare")
    p = _check.as_array(p_logits, "p_logits", lazily)
    q = _check.as_array(q_logits, "q_logits", lazily)
    p_rows, q_rows = _check.together(
        _check.classes_last(p, -1, "p_logits"), _check.classes_last(q, -1, "q_logits")
    )
    y = None
    if labels is not None:
        y = _labels.labels_of(_check.as_array(labels, "labels", lazily), p_rows)
        y, p_rows, _ = _labels.labels_for(y, p_rows, None)
        q_rows = np.broadcast_to(q_rows, p_rows.shape)
    made = _columns.several(
        "compare_from_logits",
        types_of(COMPARISON, _check.result_type(None, p, q)),
        names,
        p_rows,
        q_rows,
        y,
        wide=not (_check.is_narrow(p) and _check.is_narrow(q)),
        workers=workers,
    )
    return Comparison(**made)
