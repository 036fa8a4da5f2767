"""Public functions of probabilities, or any non-negative weights: docstring and one call each."""

from typing import Any

from numpy.typing import ArrayLike, DTypeLike, NDArray

from fastdiv import _check, _cross_entropy, _rows


def entropy(
    p: ArrayLike,
    *,
    axis: int = -1,
    base: float | None = None,
    normalize: bool = True,
    keepdims: bool = False,
    out: NDArray[Any] | None = None,
    dtype: DTypeLike | None = None,
    workers: int | None = None,
) -> Any:
    r"""Entropy of every row of weights.

    .. math:: H(p) = -\sum_k p_k \log p_k

    Parameters
    ----------
    p : array_like, shape (..., c)
        Rows of non-negative weights: probabilities, or counts.
    axis : int, default -1
        Axis of the classes.
    base : float, optional
        Base of the logarithm; the default gives nats, 2 gives bits.
    normalize : bool, default True
        Divide every row by its sum first (in the same pass). False takes the sums as they stand.
    keepdims : bool, default False
        Keep the class axis with length 1.
    out : ndarray, optional
        Where to put the result: of its exact shape and dtype, sharing no memory with an input.
    dtype : float32 or float64, optional
        Type of the result. By default float64, or float32 if all input is float32, float16 or
        bfloat16; integers (counts) are taken as float64. The arithmetic is in the widest type
        involved, float32 at least.
    workers : int, optional
        Threads to share the rows among; -1 is every processor this process may use. By default
        the number of `set_workers`, which is 1 where nothing is set. The bits stay the same.

    Returns
    -------
    float32 or float64, ndarray or scalar
        One number per row: the shape without the class axis.

    Raises
    ------
    TypeError
        For masked, lazy, complex, object or text input, or an unsupported dtype.
    ValueError
        For shapes that do not broadcast, no classes, or an unsuitable ``out`` or ``base``.

    See Also
    --------
    entropy_from_logits : The same from unnormalised log-probabilities.
    scipy.stats.entropy : The same definition for one argument, along ``axis=0`` by default.

    Notes
    -----
    0 log 0 is 0. A row is NaN if a weight of it is NaN, negative or infinite, or, normalised, if
    all are 0; other rows are untouched and nothing warns.
    With :math:`m` the largest and :math:`S` the sum of the weights the sum is taken as
    :math:`\log(S/m) + \sum_k p_k \log(m/p_k) / S`, whose terms are all non-negative, so that the
    entropy of a row that is almost one-hot keeps its digits.

    References
    ----------
    .. [1] C. E. Shannon, "A Mathematical Theory of Communication", 1948, section 6.

    Examples
    --------
    >>> import fastdiv
    >>> float(fastdiv.entropy([1, 1, 2], base=2))
    1.5
    """
    return _rows.over(
        "entropy", (p,), ("p",), axis=axis, keepdims=keepdims, out=out, dtype=dtype, base=base,
        normalize=normalize, workers=workers,
    )  # fmt: skip


def cross_entropy(
    p: ArrayLike,
    q: ArrayLike,
    *,
    axis: int = -1,
    base: float | None = None,
    normalize: bool = True,
    keepdims: bool = False,
    out: NDArray[Any] | None = None,
    dtype: DTypeLike | None = None,
    class_weight: ArrayLike | None = None,
    label_smoothing: float = 0.0,
    ignore_index: int | None = None,
    temperature: float = 1.0,
    reduction: str = "none",
    workers: int | None = None,
) -> Any:
    r"""Cross-entropy of every row of weights against a true row or a label.

    .. math:: H(p, q) = -\sum_k p_k \log q_k

    Parameters
    ----------
    p : array_like
        The truth: rows of non-negative weights, shape (..., c), or integer labels, one axis fewer
        (a single integer is a label for every row).
    q : array_like, shape (..., c)
        The prediction: rows of non-negative weights. Broadcasts against ``p``.
    axis : int, default -1
        Axis of the classes.
    base : float, optional
        Base of the logarithm; the default gives nats, 2 gives bits.
    normalize : bool, default True
        Divide every row by its sum first (in the same pass). False takes the sums as they stand.
    keepdims : bool, default False
        Keep the class axis with length 1; if the rows are reduced, every axis.
    out : ndarray, optional
        Where to put the result: of its exact shape and dtype, sharing no memory with an input.
    dtype : float32 or float64, optional
        Type of the result. By default float64, or float32 if all input is float32, float16 or
        bfloat16; integers (counts) are taken as float64. The arithmetic is in the widest type
        involved, float32 at least.
    class_weight : array_like, shape (c,), optional
        A non-negative factor for each class's term, as PyTorch's ``weight``.
    label_smoothing : float, default 0
        The target becomes ``(1 - label_smoothing) * p + label_smoothing / c``.
    ignore_index : int, optional
        Rows with this label give 0 and are left out of the mean. There is none by default.
    temperature : float, default 1
        The logarithms of ``q`` are divided by this first (and the row is normalised after).
    reduction : {"none", "mean", "sum"}, default "none"
        One number per row, or their mean or sum. As in PyTorch, the mean over labels is divided by
        the sum of the labels' class weights, over rows of probabilities by the number of rows.
    workers : int, optional
        Threads to share the rows among; -1 is every processor this process may use. By default
        the number of `set_workers`, which is 1 where nothing is set. The bits stay the same.

    Returns
    -------
    float32 or float64, ndarray or scalar
        One number per row: the shape without the class axis, or a single number if they are
        reduced, which with ``keepdims`` is an array of as many axes as the rows, all of length 1.

    Raises
    ------
    TypeError
        For float labels, masked, lazy, complex, object or text input, or an unsupported dtype.
    ValueError
        For shapes that do not broadcast, no classes, or an unsuitable ``out`` or ``base``.
    IndexError
        For a label out of range that is not ``ignore_index``; ``out`` is untouched.

    See Also
    --------
    cross_entropy_from_logits : The same from unnormalised log-probabilities.
    sklearn.metrics.log_loss : The mean over labels, with probabilities clipped away from 0.

    Notes
    -----
    0 log 0 is 0. A row is NaN if a weight of it is NaN, negative or infinite, or, normalised, if
    all are 0; other rows are untouched and nothing warns.
    p > 0 where q = 0 gives +inf: no epsilon is added anywhere.

    References
    ----------
    .. [1] T. M. Cover and J. A. Thomas, "Elements of Information Theory", 2nd ed., 2006, chapter 2.

    Examples
    --------
    >>> import fastdiv
    >>> round(float(fastdiv.cross_entropy([0, 1, 0], [0.2, 0.7, 0.1])), 12)
    0.356674943939
    >>> fastdiv.cross_entropy([1, 2], [[0.2, 0.7, 0.1], [0.25, 0.25, 0.5]])
    array([0.35667494, 0.69314718])
    """
    return _cross_entropy.against(
        False, p, q, ("p", "q"), axis=axis, keepdims=keepdims, out=out, dtype=dtype, base=base,
        normalize=normalize, class_weight=class_weight, label_smoothing=label_smoothing,
        ignore_index=ignore_index, temperature=temperature, reduction=reduction, workers=workers,
    )  # fmt: skip


def kl_divergence(
    p: ArrayLike,
    q: ArrayLike,
    *,
    axis: int = -1,
    base: float | None = None,
    normalize: bool = True,
    keepdims: bool = False,
    out: NDArray[Any] | None = None,
    dtype: DTypeLike | None = None,
    workers: int | None = None,
) -> Any:
    r"""Kullback-Leibler divergence of every pair of rows of weights.

    .. math:: \mathrm{KL}(p \,\|\, q) = \sum_k p_k \log(p_k / q_k)

    Parameters
    ----------
    p : array_like, shape (..., c)
        The true rows: non-negative weights.
    q : array_like, shape (..., c)
        The predicted rows: non-negative weights. Broadcasts against ``p``.
    axis : int, default -1
        Axis of the classes.
    base : float, optional
        Base of the logarithm; the default gives nats, 2 gives bits.
    normalize : bool, default True
        Divide every row by its sum first (in the same pass). False takes the sums as they stand.
    keepdims : bool, default False
        Keep the class axis with length 1.
    out : ndarray, optional
        Where to put the result: of its exact shape and dtype, sharing no memory with an input.
    dtype : float32 or float64, optional
        Type of the result. By default float64, or float32 if all input is float32, float16 or
        bfloat16; integers (counts) are taken as float64. The arithmetic is in the widest type
        involved, float32 at least.
    workers : int, optional
        Threads to share the rows among; -1 is every processor this process may use. By default
        the number of `set_workers`, which is 1 where nothing is set. The bits stay the same.

    Returns
    -------
    float32 or float64, ndarray or scalar
        One number per row: the shape without the class axis.

    Raises
    ------
    TypeError
        For masked, lazy, complex, object or text input, or an unsupported dtype.
    ValueError
        For shapes that do not broadcast, no classes, or an unsuitable ``out`` or ``base``.

    See Also
    --------
    kl_divergence_from_logits : The same from unnormalised log-probabilities.
    scipy.stats.entropy : ``entropy(p, q)``, along ``axis=0`` by default.
    scipy.special.rel_entr : The terms of the sum, not normalised.
    torch.nn.functional.kl_div : ``kl_div(log(q), p)``: the prediction first, as a logarithm.

    Notes
    -----
    0 log 0 is 0. A row is NaN if a weight of it is NaN, negative or infinite, or, normalised, if
    all are 0; other rows are untouched and nothing warns.
    p > 0 where q = 0 gives +inf. Never negative for normalised rows and a base above 1, and exactly
    0 for p and p.
    The sum is taken as :math:`\sum_k (p_k \log(p_k/q_k) - p_k + q_k)`, whose terms are all
    non-negative, so that it keeps its digits however close the rows are.

    References
    ----------
    .. [1] S. Kullback and R. A. Leibler, "On Information and Sufficiency", 1951.

    Examples
    --------
    >>> import fastdiv
    >>> round(float(fastdiv.kl_divergence([0, 1, 0], [0.2, 0.7, 0.1])), 12)
    0.356674943939
    >>> float(fastdiv.kl_divergence([0.5, 0.5], [1.0, 0.0]))
    inf
    """
    return _rows.over(
        "kl_divergence", (p, q), ("p", "q"), axis=axis, keepdims=keepdims, out=out,
        dtype=dtype, base=base, normalize=normalize, workers=workers,
    )  # fmt: skip


def js_divergence(
    p: ArrayLike,
    q: ArrayLike,
    *,
    axis: int = -1,
    base: float | None = None,
    normalize: bool = True,
    keepdims: bool = False,
    out: NDArray[Any] | None = None,
    dtype: DTypeLike | None = None,
    workers: int | None = None,
) -> Any:
    r"""Jensen-Shannon divergence of every pair of rows of weights.

    .. math::

        \mathrm{JS}(p, q) = \tfrac12 \mathrm{KL}(p \,\|\, m) + \tfrac12 \mathrm{KL}(q \,\|\, m),

    with :math:`m = \tfrac12 (p + q)`.

    Parameters
    ----------
    p : array_like, shape (..., c)
        The true rows: non-negative weights.
    q : array_like, shape (..., c)
        The predicted rows: non-negative weights. Broadcasts against ``p``.
    axis : int, default -1
        Axis of the classes.
    base : float, optional
        Base of the logarithm; the default gives nats, 2 gives bits.
    normalize : bool, default True
        Divide every row by its sum first (in the same pass). False takes the sums as they stand.
    keepdims : bool, default False
        Keep the class axis with length 1.
    out : ndarray, optional
        Where to put the result: of its exact shape and dtype, sharing no memory with an input.
    dtype : float32 or float64, optional
        Type of the result. By default float64, or float32 if all input is float32, float16 or
        bfloat16; integers (counts) are taken as float64. The arithmetic is in the widest type
        involved, float32 at least.
    workers : int, optional
        Threads to share the rows among; -1 is every processor this process may use. By default
        the number of `set_workers`, which is 1 where nothing is set. The bits stay the same.

    Returns
    -------
    float32 or float64, ndarray or scalar
        One number per row: the shape without the class axis.

    Raises
    ------
    TypeError
        For masked, lazy, complex, object or text input, or an unsupported dtype.
    ValueError
        For shapes that do not broadcast, no classes, or an unsuitable ``out`` or ``base``.

    See Also
    --------
    js_distance : Its square root.
    js_divergence_from_logits : The same from unnormalised log-probabilities.
    scipy.spatial.distance.jensenshannon : The root, along ``axis=0`` by default.

    Notes
    -----
    0 log 0 is 0. A row is NaN if a weight of it is NaN, negative or infinite, or, normalised, if
    all are 0; other rows are untouched and nothing warns.
    Symmetric, exactly 0 for p and p, and finite even where one row has a 0 and the other does not.
    Never negative for a base above 1; for normalised rows never above log 2 nats, which is 1 bit.

    References
    ----------
    .. [1] J. Lin, "Divergence Measures Based on the Shannon Entropy", 1991.

    Examples
    --------
    >>> import fastdiv
    >>> round(float(fastdiv.js_divergence([1, 0], [0, 1], base=2)), 12)
    1.0
    """
    return _rows.over(
        "js_divergence", (p, q), ("p", "q"), axis=axis, keepdims=keepdims, out=out,
        dtype=dtype, base=base, normalize=normalize, workers=workers,
    )  # fmt: skip


def js_distance(
    p: ArrayLike,
    q: ArrayLike,
    *,
    axis: int = -1,
    base: float | None = None,
    normalize: bool = True,
    keepdims: bool = False,
    out: NDArray[Any] | None = None,
    dtype: DTypeLike | None = None,
    workers: int | None = None,
) -> Any:
    r"""Jensen-Shannon distance, the square root of the divergence, of every pair of rows.

    .. math:: \sqrt{\mathrm{JS}(p, q)}

    Parameters
    ----------
    p : array_like, shape (..., c)
        The true rows: non-negative weights.
    q : array_like, shape (..., c)
        The predicted rows: non-negative weights. Broadcasts against ``p``.
    axis : int, default -1
        Axis of the classes.
    base : float, optional
        Base of the logarithm of the divergence, above 1; the default gives nats, 2 gives bits.
    normalize : bool, default True
        Divide every row by its sum first (in the same pass). False takes the sums as they stand.
    keepdims : bool, default False
        Keep the class axis with length 1.
    out : ndarray, optional
        Where to put the result: of its exact shape and dtype, sharing no memory with an input.
    dtype : float32 or float64, optional
        Type of the result. By default float64, or float32 if all input is float32, float16 or
        bfloat16; integers (counts) are taken as float64. The arithmetic is in the widest type
        involved, float32 at least.
    workers : int, optional
        Threads to share the rows among; -1 is every processor this process may use. By default
        the number of `set_workers`, which is 1 where nothing is set. The bits stay the same.

    Returns
    -------
    float32 or float64, ndarray or scalar
        One number per row: the shape without the class axis.

    Raises
    ------
    TypeError
        For masked, lazy, complex, object or text input, or an unsupported dtype.
    ValueError
        For shapes that do not broadcast, no classes, or an unsuitable ``out`` or ``base``.

    See Also
    --------
    js_divergence : Its square.
    scipy.spatial.distance.jensenshannon : The same, along ``axis=0`` by default.

    Notes
    -----
    0 log 0 is 0. A row is NaN if a weight of it is NaN, negative or infinite, or, normalised, if
    all are 0; other rows are untouched and nothing warns.
    Of normalised rows it is a metric: symmetric, 0 only for equal rows, and the triangle inequality
    holds; it is never above the root of log 2, in bits never above 1.

    References
    ----------
    .. [1] D. M. Endres and J. E. Schindelin, "A New Metric for Probability Distributions", 2003.

    Examples
    --------
    >>> import fastdiv
    >>> round(float(fastdiv.js_distance([1, 0], [0, 1], base=2)), 12)
    1.0
    """
    return _rows.over(
        "js_divergence", (p, q), ("p", "q"), axis=axis, keepdims=keepdims, out=out,
        dtype=dtype, base=base, normalize=normalize, root=True, workers=workers,
    )  # fmt: skip


def check_distributions(p: ArrayLike, tol: float | None = None, *, axis: int = -1) -> None:
    """Raise unless every row is a probability distribution.

    Parameters
    ----------
    p : array_like, shape (..., c)
        Rows to check.
    tol : float, optional
        How far from 1 a sum may be, 0 or more. By default the square root of the dtype's epsilon:
        1.5e-8 for float64, 3.5e-4 for float32, 0.03 for float16, 0.09 for bfloat16.
    axis : int, default -1
        Axis of the classes.

    Raises
    ------
    ValueError
        Naming the first bad row and what is wrong with it: a weight that is negative or not
        finite, or a sum that is not 1. For no classes, or a negative ``tol``.
    TypeError
        For masked, lazy, complex, object or text input, an unsupported dtype, or a ``tol`` that is
        no number.

    See Also
    --------
    kl_divergence : Normalises its rows, so that weights of any sum can be passed.

    Examples
    --------
    >>> import fastdiv
    >>> fastdiv.check_distributions([[0.5, 0.5], [0.1, 0.9]])
    >>> fastdiv.check_distributions([[0.5, 0.5], [0.1, 0.87]])
    Traceback (most recent call last):
        ...
    ValueError: row 1 sums to 0.97, not 1 to within 1.49e-08
    """
    bad = _rows.find_bad_distribution(p, tol, axis)
    if bad is not None:
        place, fault = bad
        raise ValueError(f"{_check.row_name(place)} {fault}")
