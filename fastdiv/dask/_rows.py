"""fastdiv's functions of rows over the blocks of Dask arrays: one mechanism for all of them."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

import fastdiv
from fastdiv import _labels
from fastdiv.dask import _arrays

# Options that mean nothing for what is computed later, elsewhere, a block at a time.
LEFT_OUT = ("out", "workers", "reduction")
TAKES_LABELS = (fastdiv.cross_entropy, fastdiv.cross_entropy_from_logits)


def lazy(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of rows as one of Dask arrays, which computes nothing when it is called."""
    name = function.__name__
    signature = inspect.signature(function)
    arrays = tuple(p.name for p in signature.parameters.values() if p.default is p.empty)
    kept = [p for p in signature.parameters.values() if p.name not in LEFT_OUT]
    rechunk = inspect.Parameter(
        "allow_rechunk", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=bool
    )
    own = signature.replace(parameters=[*kept, rechunk])

    def of_blocks(*args: Any, **kwargs: Any) -> Any:
        _refuse(name, signature, kwargs)
        given = own.bind(*args, **kwargs).arguments
        values = tuple(given.pop(n) for n in arrays)
        return _over_blocks(function, values, arrays, **given)

    of_blocks.__name__ = of_blocks.__qualname__ = name
    of_blocks.__module__ = "fastdiv.dask"
    of_blocks.__doc__ = _doc(name, arrays)
    of_blocks.__signature__ = own  # type: ignore[attr-defined]
    return of_blocks


def _refuse(name: str, signature: inspect.Signature, options: dict[str, Any]) -> None:
    """Raise if there is an option that only arrays in memory have."""
    for option in LEFT_OUT:
        if option in options and option in signature.parameters:
            raise TypeError(
                f"fastdiv.dask.{name} takes no {option}: it gives a lazy array of one result per "
                "row, each block computed by one thread; fastdiv.dask.score and compare summarise"
            )


def _doc(name: str, arrays: tuple[str, ...]) -> str:
    several = " of both" if len(arrays) == 2 else ""
    return f"""Lazy `fastdiv.{name}` of Dask arrays, to the last bit.

    Parameters
    ----------
    {", ".join(arrays)} : dask.array.Array
        As `fastdiv.{name}` takes them. NumPy arrays may stand beside a Dask array.
    allow_rechunk : bool, default False
        Whether to join chunks along the axis of classes; a row must be in one chunk.
    **options
        Those of `fastdiv.{name}` but {", ".join(LEFT_OUT)}.

    Returns
    -------
    dask.array.Array
        Its dtype and shape are known; the chunks of rows{several} stay as they are.

    Raises
    ------
    TypeError, ValueError
        At once, for what `fastdiv.{name}` would refuse; for rows in several chunks. A label that is
        out of range raises an IndexError when its block is computed.

    See Also
    --------
    fastdiv.{name} : The same for arrays in memory: options, edge cases, accuracy.
    """


def _over_blocks(
    function: Callable[..., Any],
    values: tuple[Any, ...],
    names: tuple[str, ...],
    *,
    axis: int = -1,
    keepdims: bool = False,
    allow_rechunk: bool = False,
    **options: Any,
) -> Any:
    """Map a function over blocks of whole rows."""
    arrays = _arrays.lazy_or_numpy(values, names, f"fastdiv.{function.__name__}")
    labelled = function in TAKES_LABELS and _labels.are_labels(*arrays)
    if function in TAKES_LABELS and not labelled:
        _labels.not_float_labels(arrays[0], arrays[1], axis)
    rows = [
        a[..., None] if labelled and i == 0 else _arrays.classes_last(a, axis, name)
        for i, (a, name) in enumerate(zip(arrays, names, strict=True))
    ]
    _arrays.check_together(rows, names, labelled, axis)
    sample = _sample(function, rows, labelled, options)
    whole = [
        _arrays.whole_rows(a, axis, n, allow_rechunk) if _arrays.is_lazy(a) else a
        for a, n in zip(rows, names, strict=True)
    ]
    return _mapped(function, _arrays.cut_alike(whole), labelled, options, sample, axis, keepdims)


def _sample(
    function: Callable[..., Any], rows: list[Any], labelled: bool, options: dict[str, Any]
) -> Any:
    """Return the result of one row, which tells its type, or raises for what is wrong at once."""
    ones = [np.ones((1,) * (a.ndim - 1) + a.shape[-1:], a.dtype) for a in rows]
    if labelled:
        ones[0] = np.zeros_like(ones[0])[..., 0]
    return function(*ones, axis=-1, workers=1, **options)


def _mapped(
    function: Callable[..., Any],
    arrays: list[Any],
    labelled: bool,
    options: dict[str, Any],
    sample: Any,
    axis: int,
    keepdims: bool,
) -> Any:
    """Map a function over arrays that are cut alike; ``sample`` is what it makes of a row."""
    import dask.array as da
    from dask.base import tokenize

    last = max(a.ndim for a in arrays) - 1
    makes_rows = np.ndim(sample) == last + 1
    made = da.map_blocks(
        _block,
        *arrays,
        function=function,
        labelled=labelled,
        options=options,
        name=f"{function.__name__}-{tokenize(function, *arrays, options)}",
        dtype=sample.dtype,
        meta=np.empty((0,) * np.ndim(sample), sample.dtype),
        drop_axis=[] if makes_rows else last,
    )
    if makes_rows:
        return da.moveaxis(made, -1, axis)
    return da.expand_dims(made, axis) if keepdims else made


def _block(
    *blocks: Any,
    function: Callable[..., Any],
    labelled: bool,
    options: dict[str, Any],
    block_id: tuple[int, ...],
) -> Any:
    """Compute a block; labels come with an axis of length 1 for the classes."""
    if labelled:
        blocks = (blocks[0][..., 0], *blocks[1:])
    try:
        return np.asarray(function(*blocks, axis=-1, workers=1, **options))
    except IndexError as error:
        raise IndexError(f"block {block_id}: {error}") from None
