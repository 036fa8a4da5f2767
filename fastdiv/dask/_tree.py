"""A tree of tasks that brings summaries together, each of a few at a time."""

from typing import Any

from fastdiv.scoring import partial
from fastdiv.scoring.partial import Kind

# Summaries that one task merges: few enough for one processor not to be the bottleneck.
SPLIT_EVERY = 8


def tree(kind: type[Kind], leaves: list[Any], split_every: int | None) -> Any:
    """Return the Delayed summary of all rows of the leaves: Delayed packed summaries, or lists."""
    from dask.base import tokenize
    from dask.delayed import Delayed
    from dask.highlevelgraph import HighLevelGraph

    every = SPLIT_EVERY if split_every is None else split_every
    if every < 2:
        raise ValueError(f"split_every is {split_every}: a task merges at least 2 summaries")
    keys = [leaf.key for leaf in leaves]
    token = tokenize(kind, keys, every)
    layer: dict[Any, Any] = {}
    name = f"merge-{token}"
    while len(keys) > every:
        groups = [keys[i : i + every] for i in range(0, len(keys), every)]
        keys = [(name, len(layer) + i) for i in range(len(groups))]
        layer |= {key: (_merged, kind, group) for key, group in zip(keys, groups, strict=True)}
    root = f"{kind.__name__}-{token}"
    layer[root] = (_whole, kind, keys)
    return Delayed(root, HighLevelGraph.from_collections(root, layer, leaves), layer=root)


def _merged(kind: type[Kind], parts: list[Any]) -> bytes:
    return partial.merged(kind, map(_bytes, parts))


def _whole(kind: type[Kind], parts: list[Any]) -> Kind:
    return partial.merge(kind, map(_bytes, parts))


def _bytes(part: Any) -> bytes:
    """Return what a task made: bytes, or a block of an array that holds them."""
    return part if isinstance(part, bytes) else part.item()
