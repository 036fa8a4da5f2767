"""fastdiv on Dask: lazy numbers of every row, and summaries that workers reduce as a tree.

The functions of rows have fastdiv's names and options and take Dask arrays. `score` and `compare`
summarise Dask arrays, `score_files` and `compare_files` files that the workers open themselves.
Nothing is computed before ``.compute()``. Every task is computed by one thread; results have the
bits of one machine, however rows are cut, wherever they are computed, and after a worker was lost.

Dask comes with ``pip install 'fastdiv[dask]'``; without it the first call says so. Workers need the
same fastdiv.

Examples
--------
>>> import dask.array as da, fastdiv.dask
>>> logits = da.zeros((6, 4), chunks=(2, 4), dtype="float32")
>>> labels = da.arange(6, chunks=2) % 4
>>> loss = fastdiv.dask.cross_entropy_from_logits(labels, logits, base=2)
>>> loss.dtype, loss.chunks
(dtype('float32'), ((2, 2, 2),))
>>> loss.compute()
array([2., 2., 2., 2., 2., 2.], dtype=float32)
>>> round(fastdiv.dask.score(labels, logits).compute().result().perplexity.mean, 4)
4.0
"""

import fastdiv
from fastdiv.dask._files import compare_files, score_files
from fastdiv.dask._rows import lazy
from fastdiv.dask._run import compare_on_dask, run_on_dask
from fastdiv.dask._summaries import compare, score

cross_entropy = lazy(fastdiv.cross_entropy)
cross_entropy_from_logits = lazy(fastdiv.cross_entropy_from_logits)
entropy = lazy(fastdiv.entropy)
entropy_from_logits = lazy(fastdiv.entropy_from_logits)
js_distance = lazy(fastdiv.js_distance)
js_divergence = lazy(fastdiv.js_divergence)
js_divergence_from_logits = lazy(fastdiv.js_divergence_from_logits)
kl_divergence = lazy(fastdiv.kl_divergence)
kl_divergence_from_logits = lazy(fastdiv.kl_divergence_from_logits)
log_softmax = lazy(fastdiv.log_softmax)
logsumexp = lazy(fastdiv.logsumexp)
softmax = lazy(fastdiv.softmax)

__all__ = [
    "compare",
    "compare_files",
    "compare_on_dask",
    "cross_entropy",
    "cross_entropy_from_logits",
    "entropy",
    "entropy_from_logits",
    "js_distance",
    "js_divergence",
    "js_divergence_from_logits",
    "kl_divergence",
    "kl_divergence_from_logits",
    "log_softmax",
    "logsumexp",
    "run_on_dask",
    "score",
    "score_files",
    "softmax",
]
