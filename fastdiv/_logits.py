"""Public functions of logits (unnormalised log-probabilities): docstring and one call each."""

from typing import Any

from numpy.typing import ArrayLike, DTypeLike, NDArray

from fastdiv import _cross_entropy, _rows


def logsumexp(
    x: ArrayLike,
    *,
    axis: int = -1,
    keepdims: bool = False,
    out: NDArray[Any] | None = None,
    dtype: DTypeLike | None = None,
    workers: int | None = None,
) -> Any:
    r"""Logarithm of the sum of the exponentials of every row.

    .. math:: \log \sum_k e^{x_k}

    Parameters
    ----------
    x : array_like, shape (..., c)
        Rows of logits.
    axis : int, default -1
        Axis of the classes.
    keepdims : bool, default False
        Keep the class axis with length 1.
    out : ndarray, optional
        Where to put the result: of its exact shape and dtype, sharing no memory with an input.
    dtype : float32 or float64, optional
        Type of the result. By default float64, or float32 if the input is float32, float16 or
        bfloat16.
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
        For shapes that do not broadcast, no classes, or an unsuitable ``out``.

    See Also
    --------
    scipy.special.logsumexp : The same over all axes by default, with weights ``b`` and signs.
    torch.logsumexp : The same.

    Notes
    -----
    A row of nothing but -inf gives -inf, one with +inf gives +inf, one with NaN gives NaN.
    The largest term is kept apart from the sum of the others, so that what they add to it is
    never rounded away.

    References
    ----------
    .. [1] P. Blanchard, D. J. Higham and N. J. Higham, "Accurately computing the log-sum-exp and
       softmax functions", IMA J. Numer. Anal. 41, 2021.

    Examples
    --------
    >>> import fastdiv
    >>> float(fastdiv.logsumexp([1000.0, 1000.0]))
    1000.6931471805599
    """
    return _rows.over(
        "logsumexp", (x,), ("x",), axis=axis, keepdims=keepdims, out=out, dtype=dtype,
        workers=workers,
    )  # fmt: skip


def softmax(
    x: ArrayLike,
    *,
    axis: int = -1,
    out: NDArray[Any] | None = None,
    dtype: DTypeLike | None = None,
    workers: int | None = None,
) -> Any:
    r"""Probabilities of every row of logits.

    .. math:: e^{x_k} / \sum_j e^{x_j}

    Parameters
    ----------
    x : array_like, shape (..., c)
        Rows of logits.
    axis : int, default -1
        Axis of the classes.
    out : ndarray, optional
        Where to put the result: of its exact shape and dtype. It may be ``x`` itself, but may not
        overlap it in any other way.
    dtype : float32 or float64, optional
        Type of the result. By default float64, or float32 if the input is float32, float16 or
        bfloat16.
    workers : int, optional
        Threads to share the rows among; -1 is every processor this process may use. By default
        the number of `set_workers`, which is 1 where nothing is set. The bits stay the same.

    Returns
    -------
    float32 or float64 ndarray
        Of the shape of ``x``.

    Raises
    ------
    TypeError
        For masked, lazy, complex, object or text input, or an unsupported dtype.
    ValueError
        For no classes, or an unsuitable ``out``.

    See Also
    --------
    log_softmax : Its logarithm, accurate where this is rounded to 1 or 0.
    scipy.special.softmax : The same over all axes by default.
    torch.softmax : The same.

    Notes
    -----
    A logit of -inf is a class of probability 0. A row is NaN if it holds a NaN or +inf, or
    nothing but -inf; other rows are untouched and nothing warns.

    References
    ----------
    .. [1] P. Blanchard, D. J. Higham and N. J. Higham, "Accurately computing the log-sum-exp and
       softmax functions", IMA J. Numer. Anal. 41, 2021.

    Examples
    --------
    >>> import fastdiv
    >>> fastdiv.softmax([0.0, 0.0, -float("inf")])
    array([0.5, 0.5, 0. ])
    """
    return _rows.made("softmax", x, axis=axis, out=out, dtype=dtype, workers=workers)


def log_softmax(
    x: ArrayLike,
    *,
    axis: int = -1,
    out: NDArray[Any] | None = None,
    dtype: DTypeLike | None = None,
    workers: int | None = None,
) -> Any:
    r"""Log-probabilities of every row of logits.

    .. math:: x_k - \log \sum_j e^{x_j}

    Parameters
    ----------
    x : array_like, shape (..., c)
        Rows of logits.
    axis : int, default -1
        Axis of the classes.
    out : ndarray, optional
        Where to put the result: of its exact shape and dtype. It may be ``x`` itself, but may not
        overlap it in any other way.
    dtype : float32 or float64, optional
        Type of the result. By default float64, or float32 if the input is float32, float16 or
        bfloat16.
    workers : int, optional
        Threads to share the rows among; -1 is every processor this process may use. By default
        the number of `set_workers`, which is 1 where nothing is set. The bits stay the same.

    Returns
    -------
    float32 or float64 ndarray
        Of the shape of ``x``.

    Raises
    ------
    TypeError
        For masked, lazy, complex, object or text input, or an unsupported dtype.
    ValueError
        For no classes, or an unsuitable ``out``.

    See Also
    --------
    softmax : Its exponential.
    scipy.special.log_softmax : The same over all axes by default; rounds small values to 0.
    torch.log_softmax : The same, with the same rounding.

    Notes
    -----
    A logit of -inf is a class of probability 0. A row is NaN if it holds a NaN or +inf, or
    nothing but -inf; other rows are untouched and nothing warns.
    The value at the largest logit is :math:`-\log(1 + r)`, :math:`r` the sum of the other
    exponentials, and never rounded to 0 before it is smaller than the smallest number.

    References
    ----------
    .. [1] P. Blanchard, D. J. Higham and N. J. Higham, "Accurately computing the log-sum-exp and
       softmax functions", IMA J. Numer. Anal. 41, 2021.

    Examples
    --------
    >>> import fastdiv
    >>> fastdiv.log_softmax([80.0, 0.0])
    array([-1.80485139e-35, -8.00000000e+01])
    """
    return _rows.made("log_softmax", x, axis=axis, out=out, dtype=dtype, workers=workers)


def entropy_from_logits(
    x: ArrayLike,
    *,
    axis: int = -1,
    base: float | None = None,
    keepdims: bool = False,
    out: NDArray[Any] | None = None,
    dtype: DTypeLike | None = None,
    workers: int | None = None,
) -> Any:
    r"""Entropy of every row of logits.

    .. math:: H(p) = -\sum_k p_k \log p_k, \qquad p_k = e^{x_k} / \sum_j e^{x_j}

    Parameters
    ----------
    x : array_like, shape (..., c)
        Rows of logits (log-probabilities are logits too).
    axis : int, default -1
        Axis of the classes.
    base : float, optional
        Base of the logarithm; the default gives nats, 2 gives bits.
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
    entropy : The same from probabilities.
    torch.distributions.Categorical.entropy : The same, without the care for small values.

    Notes
    -----
    A logit of -inf is a class of probability 0. A row is NaN if it holds a NaN or +inf, or
    nothing but -inf; other rows are untouched and nothing warns.
    The sum is taken as :math:`\log S + \sum_k w_k (m - x_k) / S`, with :math:`w = e^{x - m}`,
    whose terms are all non-negative.

    References
    ----------
    .. [1] C. E. Shannon, "A Mathematical Theory of Communication", 1948, section 6.

    Examples
    --------
    >>> import fastdiv
    >>> float(fastdiv.entropy_from_logits([0.0, 0.0, 0.0, 0.0], base=2))
    2.0
    """
    return _rows.over(
        "entropy_from_logits", (x,), ("x",), axis=axis, keepdims=keepdims, out=out, dtype=dtype,
        base=base, workers=workers,
    )  # fmt: skip


def cross_entropy_from_logits(
    p: ArrayLike,
    x: ArrayLike,
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
    r"""Cross-entropy of every row of logits against a true row or a label.

    .. math:: H(p, q) = -\sum_k p_k \log q_k, \qquad q_k = e^{x_k} / \sum_j e^{x_j}

    Parameters
    ----------
    p : array_like
        The truth: rows of non-negative weights, shape (..., c), or integer labels, one axis fewer
        (a single integer is a label for every row).
    x : array_like, shape (..., c)
        Rows of logits (log-probabilities are logits too). Broadcasts against ``p``.
    axis : int, default -1
        Axis of the classes.
    base : float, optional
        Base of the logarithm; the default gives nats, 2 gives bits.
    normalize : bool, default True
        Divide the rows of ``p`` by their sums first (in the same pass). False takes them as they
        stand, as PyTorch does.
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
        The logits are divided by this first.
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
    cross_entropy : The same from probabilities.
    torch.nn.functional.cross_entropy : ``cross_entropy(x, p)``, the arguments the other way round;
        classes on axis 1, ``ignore_index=-100`` and ``reduction="mean"`` by default.
    sklearn.metrics.log_loss : The mean over labels, from probabilities.

    Notes
    -----
    A logit of -inf is a class of probability 0. A row is NaN if it holds a NaN or +inf, or
    nothing but -inf; other rows are untouched and nothing warns.
    p > 0 where q = 0 gives +inf: no epsilon is added anywhere.
    A label's loss is taken as :math:`(m - x_y) + \log(1 + r)`, :math:`m` the largest logit and
    :math:`r` the sum of the other exponentials, so that small losses keep all their digits.

    References
    ----------
    .. [1] T. M. Cover and J. A. Thomas, "Elements of Information Theory", 2nd ed., 2006, chapter 2.

    Examples
    --------
    >>> import fastdiv
    >>> float(fastdiv.cross_entropy_from_logits(0, [80.0, 0.0]))
    1.8048513878454153e-35
    >>> fastdiv.cross_entropy_from_logits([0, 2], [[2.0, 1.0, 0.0], [2.0, 1.0, 0.0]])
    array([0.40760596, 2.40760596])
    """
    return _cross_entropy.against(
        True, p, x, ("p", "x"), axis=axis, keepdims=keepdims, out=out, dtype=dtype, base=base,
        normalize=normalize, class_weight=class_weight, label_smoothing=label_smoothing,
        ignore_index=ignore_index, temperature=temperature, reduction=reduction, workers=workers,
    )  # fmt: skip


def kl_divergence_from_logits(
    xp: ArrayLike,
    xq: ArrayLike,
    *,
    axis: int = -1,
    base: float | None = None,
    keepdims: bool = False,
    out: NDArray[Any] | None = None,
    dtype: DTypeLike | None = None,
    workers: int | None = None,
) -> Any:
    r"""Kullback-Leibler divergence of every pair of rows of logits.

    .. math:: \mathrm{KL}(p \,\|\, q) = \sum_k p_k \log(p_k / q_k)

    Parameters
    ----------
    xp : array_like, shape (..., c)
        The true rows, as logits.
    xq : array_like, shape (..., c)
        The predicted rows, as logits. Broadcasts against ``xp``.
    axis : int, default -1
        Axis of the classes.
    base : float, optional
        Base of the logarithm; the default gives nats, 2 gives bits.
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
    kl_divergence : The same from probabilities.
    torch.nn.functional.kl_div : ``kl_div(log_softmax(xq), log_softmax(xp), log_target=True)``,
        which loses the digits of small divergences and may be negative.

    Notes
    -----
    A logit of -inf is a class of probability 0. A row is NaN if it holds a NaN or +inf, or
    nothing but -inf; other rows are untouched and nothing warns.
    A class masked in both rows adds 0; p > 0 where q = 0 gives +inf. Never negative for a base
    above 1, and exactly 0 for equal rows. The sum is taken as
    :math:`\sum_k p_k (d_k + e^{-d_k} - 1)`, :math:`d = \log(p/q)`, whose terms are all
    non-negative.

    References
    ----------
    .. [1] S. Kullback and R. A. Leibler, "On Information and Sufficiency", 1951.

    Examples
    --------
    >>> import fastdiv
    >>> x = [1.0, 2.0, 3.0]
    >>> float(fastdiv.kl_divergence_from_logits(x, x))
    0.0
    >>> round(float(fastdiv.kl_divergence_from_logits(x, [1.0, 2.0, 4.0])), 6)
    0.096999
    """
    return _rows.over(
        "kl_divergence_from_logits", (xp, xq), ("xp", "xq"), axis=axis, keepdims=keepdims, out=out,
        dtype=dtype, base=base, workers=workers,
    )  # fmt: skip


def js_divergence_from_logits(
    xp: ArrayLike,
    xq: ArrayLike,
    *,
    axis: int = -1,
    base: float | None = None,
    keepdims: bool = False,
    out: NDArray[Any] | None = None,
    dtype: DTypeLike | None = None,
    workers: int | None = None,
) -> Any:
    r"""Jensen-Shannon divergence of every pair of rows of logits.

    .. math::

        \mathrm{JS}(p, q) = \tfrac12 \mathrm{KL}(p \,\|\, m) + \tfrac12 \mathrm{KL}(q \,\|\, m),

    with :math:`m = \tfrac12 (p + q)`.

    Parameters
    ----------
    xp : array_like, shape (..., c)
        The true rows, as logits.
    xq : array_like, shape (..., c)
        The predicted rows, as logits. Broadcasts against ``xp``.
    axis : int, default -1
        Axis of the classes.
    base : float, optional
        Base of the logarithm; the default gives nats, 2 gives bits.
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
    js_divergence : The same from probabilities.

    Notes
    -----
    A logit of -inf is a class of probability 0. A row is NaN if it holds a NaN or +inf, or
    nothing but -inf; other rows are untouched and nothing warns.
    Symmetric, never above log 2 nats, which is 1 bit, never negative for a base above 1, and
    exactly 0 for equal rows.

    References
    ----------
    .. [1] J. Lin, "Divergence Measures Based on the Shannon Entropy", 1991.

    Examples
    --------
    >>> import fastdiv
    >>> x = [1.0, 2.0, 3.0]
    >>> float(fastdiv.js_divergence_from_logits(x, x))
    0.0
    """
    return _rows.over(
        "js_divergence_from_logits", (xp, xq), ("xp", "xq"), axis=axis, keepdims=keepdims, out=out,
        dtype=dtype, base=base, workers=workers,
    )  # fmt: skip
