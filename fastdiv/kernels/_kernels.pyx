"""The table of row functions, the loop over rows, and the GIL.

The row is the unit: a row function takes a ``task`` (where one row's data lie, and the options)
and returns a number. Of short rows a tile function computes several at a time. Everything else is
written once, here: the walk over any number of axes with any strides, the choice of the computing
type, the conversion of the result. This file is compiled once per instruction set; nothing below
it knows a Python object, and nothing here raises but an interrupt.
"""

cimport numpy as cnp
from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int64_t, uintptr_t
from libc.string cimport memcpy

cimport fastdiv.kernels.careful as careful
cimport fastdiv.kernels.logit_rows as logit_rows
cimport fastdiv.kernels.short_logits as short_logits
cimport fastdiv.kernels.short_weights as short_weights
cimport fastdiv.kernels.weight_rows as weight_rows
from fastdiv.kernels.arithmetic cimport NAN
from fastdiv.kernels.sources cimport FLOAT32, kind, set_top, task
from fastdiv.kernels.tiles cimport SHORT_F32, SHORT_F64, TILE, TILE_SCRATCH, tile
from fastdiv.kernels.walks cimport (
    LABELS, OUT, P, Q, begin, go_on, go_to, in_line, join_axes, kind_of, source_of, step,
    take_along, walk,
)

cdef extern from "math.h" nogil:
    double sqrt(double x) noexcept

cdef extern from "fenv.h" nogil:
    ctypedef struct fenv_t:
        pass
    const fenv_t* FE_DFL_ENV
    int fegetenv(fenv_t* env) noexcept
    int fesetenv(const fenv_t* env) noexcept

cnp.import_array()

cdef enum:
    # Elements between two looks for an interrupt: a tenth of a second or so. A look takes the GIL.
    SIGNALS_EVERY = 1 << 26

ctypedef double (*row_f32)(const task*, float*) noexcept nogil
ctypedef double (*row_f64)(const task*, double*) noexcept nogil
ctypedef void (*tile_f32)(const task*, const tile*, float*, double*) noexcept nogil
ctypedef void (*tile_f64)(const task*, const tile*, double*, double*) noexcept nogil

cdef struct entry:
    const char* name
    row_f32 in_f32
    row_f64 in_f64
    row_f64 careful         # the last word on a row that comes out as NaN, if there is one
    tile_f32 short_f32      # of short rows as many as a tile has, if there is one
    tile_f64 short_f64


cdef enum:
    FUNCTIONS = 15

cdef entry TABLE[FUNCTIONS]
TABLE[:] = [
    entry(
        "mass",
        weight_rows.mass[float],
        weight_rows.mass[double],
        NULL,
        short_weights.mass[float],
        short_weights.mass[double],
    ),
    entry(
        "entropy",
        weight_rows.entropy[float],
        weight_rows.entropy[double],
        careful.entropy,
        short_weights.entropy[float],
        short_weights.entropy[double],
    ),
    entry(
        "cross_entropy",
        weight_rows.cross_entropy[float],
        weight_rows.cross_entropy[double],
        careful.cross_entropy,
        short_weights.cross_entropy[float],
        short_weights.cross_entropy[double],
    ),
    entry(
        "cross_entropy_label",
        weight_rows.cross_entropy_label[float],
        weight_rows.cross_entropy_label[double],
        careful.cross_entropy_label,
        short_weights.cross_entropy_label[float],
        short_weights.cross_entropy_label[double],
    ),
    entry(
        "kl_divergence",
        weight_rows.kl_divergence[float],
        weight_rows.kl_divergence[double],
        careful.kl_divergence,
        short_weights.kl_divergence[float],
        short_weights.kl_divergence[double],
    ),
    entry(
        "js_divergence",
        weight_rows.js_divergence[float],
        weight_rows.js_divergence[double],
        careful.js_divergence,
        short_weights.js_divergence[float],
        short_weights.js_divergence[double],
    ),
    entry(
        "logsumexp",
        logit_rows.logsumexp[float],
        logit_rows.logsumexp[double],
        logit_rows.logsumexp[double],
        short_logits.logsumexp[float],
        short_logits.logsumexp[double],
    ),
    entry(
        "softmax",
        logit_rows.softmax[float],
        logit_rows.softmax[double],
        NULL,
        short_logits.softmax[float],
        short_logits.softmax[double],
    ),
    entry(
        "log_softmax",
        logit_rows.log_softmax[float],
        logit_rows.log_softmax[double],
        NULL,
        short_logits.log_softmax[float],
        short_logits.log_softmax[double],
    ),
    entry(
        "entropy_from_logits",
        logit_rows.entropy_from_logits[float],
        logit_rows.entropy_from_logits[double],
        NULL,
        short_logits.entropy_from_logits[float],
        short_logits.entropy_from_logits[double],
    ),
    entry(
        "cross_entropy_from_logits",
        logit_rows.cross_entropy_from_logits[float],
        logit_rows.cross_entropy_from_logits[double],
        careful.cross_entropy_from_logits,
        short_logits.cross_entropy_from_logits[float],
        short_logits.cross_entropy_from_logits[double],
    ),
    entry(
        "cross_entropy_label_from_logits",
        logit_rows.cross_entropy_label_from_logits[float],
        logit_rows.cross_entropy_label_from_logits[double],
        NULL,
        short_logits.cross_entropy_label_from_logits[float],
        short_logits.cross_entropy_label_from_logits[double],
    ),
    entry(
        "kl_divergence_from_logits",
        logit_rows.kl_divergence_from_logits[float],
        logit_rows.kl_divergence_from_logits[double],
        logit_rows.kl_divergence_from_logits[double],
        short_logits.kl_divergence_from_logits[float],
        short_logits.kl_divergence_from_logits[double],
    ),
    entry(
        "js_divergence_from_logits",
        logit_rows.js_divergence_from_logits[float],
        logit_rows.js_divergence_from_logits[double],
        NULL,
        short_logits.js_divergence_from_logits[float],
        short_logits.js_divergence_from_logits[double],
    ),
    entry(
        "score_from_logits",
        logit_rows.score_from_logits[float],
        logit_rows.score_from_logits[double],
        NULL,
        short_logits.score_from_logits[float],
        short_logits.score_from_logits[double],
    ),
]
# The names, in the table's order.
ROWS = tuple([TABLE[i].name.decode() for i in range(FUNCTIONS)])


cdef inline void put(char* at, kind type, double result) noexcept nogil:
    """Write a result, rounded once."""
    cdef float narrow = <float>result
    if type == FLOAT32:
        memcpy(at, &narrow, 4)
    else:
        memcpy(at, &result, 8)


cdef struct job:
    # A call: what is done to every row.
    task t
    entry chosen
    bint wide               # compute in double
    bint tiled              # rows are short: as many at a time as a tile has
    bint shared             # the target's sum is taken first
    bint divided            # so is the prediction's largest element
    bint makes_rows
    bint weighted           # multiply by the label's weight
    double unit
    bint root
    bint has_labels
    bint ignores
    int64_t ignored


cdef inline double row_result(job* j, double* scratch) noexcept nogil:
    """The row function's answer, or where it gives none, the careful one's."""
    cdef double result
    cdef careful.measure found
    if j.shared:
        j.t.p.scale = j.t.p.divisor = 1.0
        j.t.p.direct = False
        found = careful.measured(&j.t.p, j.t.c, scratch, True)
        j.t.p.scale = found.scale
        j.t.p.divisor = found.mass if found.largest == found.largest else NAN
    if j.divided:
        set_top(&j.t.q, j.t.c, scratch)
    if j.wide:
        result = j.chosen.in_f64(&j.t, scratch)
    else:
        result = j.chosen.in_f32(&j.t, <float*>scratch)
    if result != result and j.chosen.careful != NULL:
        result = j.chosen.careful(&j.t, scratch)
    return result


cdef inline void take_labels(tile* rows, const job* j, const char* at, Py_ssize_t stride,
                             Py_ssize_t first, Py_ssize_t n) noexcept nogil:
    cdef int64_t label = 0
    cdef Py_ssize_t r
    for r in range(first, first + n):
        memcpy(&label, at + (r - first) * stride, 8)
        rows.ignored[r] = j.ignores and label == j.ignored
        rows.label[r] = 0 if rows.ignored[r] else label


cdef inline void take_rows(tile* rows, walk* w, const job* j, Py_ssize_t n) noexcept nogil:
    """Take n rows of a tile and walk on; the lanes that are left repeat the first."""
    cdef Py_ssize_t r, done = 0, some
    cdef char* p
    cdef char* q
    cdef char* out
    rows.rows = n
    while done < n:
        some = min(n - done, in_line(w))
        p, q, out = w.at[P], w.at[Q], w.at[OUT]
        for r in range(some):
            rows.p[done + r] = p + r * step(w, P)
            rows.q[done + r] = q + r * step(w, Q)
            rows.out[done + r] = out + r * step(w, OUT)
        if j.has_labels:
            take_labels(rows, j, w.at[LABELS], step(w, LABELS), done, some)
        go_on(w, some)
        done += some
    for r in range(n, TILE):
        rows.p[r] = rows.p[0]
        rows.q[r] = rows.q[0]
        rows.label[r] = rows.label[0]


cdef inline void take_row(tile* rows, walk* w, const job* j) noexcept nogil:
    """Take a single row and walk on."""
    rows.rows = 1
    rows.p[0], rows.q[0], rows.out[0] = w.at[P], w.at[Q], w.at[OUT]
    if j.has_labels:
        take_labels(rows, j, w.at[LABELS], 0, 0, 1)
    go_on(w, 1)


cdef inline void end_rows(
    job* j, const tile* rows, double* made, double* scratch
) noexcept nogil:
    """Compute the rows that have no result yet, NaN, and write all of them."""
    cdef Py_ssize_t r
    cdef double weight
    for r in range(rows.rows):
        if made[r] != made[r]:
            j.t.p.data = rows.p[r]
            j.t.q.data = rows.q[r]
            j.t.out = rows.out[r]
            j.t.label = rows.label[r] if j.has_labels else -1
            made[r] = row_result(j, scratch) if not (j.ignores and rows.ignored[r]) else 0
    if j.makes_rows:
        return
    if j.weighted:
        for r in range(rows.rows):
            # 0 log 0 is 0 here too.
            weight = j.t.weight[rows.label[r]]
            made[r] = made[r] * weight if weight != 0 or made[r] != made[r] else 0
    if j.ignores:
        for r in range(rows.rows):
            made[r] = 0 if rows.ignored[r] else made[r]
    if j.unit != 1.0:
        for r in range(rows.rows):
            made[r] /= j.unit
    if j.root:
        for r in range(rows.rows):
            made[r] = sqrt(made[r])
    for r in range(rows.rows):
        put(rows.out[r], j.t.out_type, made[r])


def run(
    int function,
    bint wide,
    cnp.ndarray p,
    cnp.ndarray q,
    cnp.ndarray labels,
    cnp.ndarray out not None,
    bint normalize=True,
    double unit=1.0,
    double temperature=1.0,
    bint logarithm=False,
    double smoothing=0.0,
    bint blended=False,
    cnp.ndarray weight=None,
    ignore_index=None,
    bint root=False,
    Py_ssize_t first=0,
    Py_ssize_t stop=-1,
):
    """Apply a row function to every row, or to those from ``first`` up to ``stop``.

    Arrays are as ``_check`` makes them. The rows are counted in C order of the leading axes.

    ``p`` and ``q`` are (..., c), ``labels`` int64 (...), all with the same leading shape; ``out``
    has that shape, or (..., c) for a function that makes rows. ``wide``: compute in double.
    ``unit``: divide results by this; ``root``: then take the square root.
    ``logarithm``, ``temperature``: q is log(q) / temperature.
    ``blended``: the target is weight * ((1 - smoothing) * p + smoothing / c).
    """
    cdef cnp.ndarray some = p if p is not None else q
    cdef int axes = cnp.PyArray_NDIM(some) - 1
    cdef Py_ssize_t c = cnp.PyArray_DIM(some, axes), unseen = 0, n
    cdef job j
    cdef tile rows
    cdef walk w
    cdef double made[TILE]
    # Full vectors of a tile are not to lie across cache lines.
    cdef double room[TILE_SCRATCH + 8]
    cdef double* scratch = <double*>((<uintptr_t>&room[0] + 63) & ~<uintptr_t>63)
    cdef fenv_t callers

    j.chosen = TABLE[function]
    j.wide = wide
    j.makes_rows = cnp.PyArray_NDIM(out) > axes
    j.unit = unit
    j.root = root
    j.has_labels = labels is not None
    j.ignores = ignore_index is not None
    j.ignored = ignore_index if j.ignores else 0
    j.weighted = j.has_labels and weight is not None and not blended
    j.shared = blended and p is not None and normalize
    j.divided = temperature != 1.0
    j.t.c = c
    j.t.normalize = normalize
    j.t.blended = blended
    j.t.smoothing = smoothing
    j.t.weight = <const double*>cnp.PyArray_DATA(weight) if weight is not None else NULL
    j.t.out_type = kind_of(out)
    j.t.out_stride = cnp.PyArray_STRIDE(out, axes) if j.makes_rows else 0
    begin(&w, some, axes)
    take_along(&w, OUT, out)
    if p is not None:
        j.t.p = source_of(p)
        take_along(&w, P, p)
    if q is not None:
        j.t.q = source_of(q)
        j.t.q.logarithm = logarithm
        j.t.q.divisor = temperature
        j.t.q.direct = j.t.q.direct and not logarithm and temperature == 1.0
        take_along(&w, Q, q)
    if labels is not None:
        take_along(&w, LABELS, labels)
    join_axes(&w)
    go_to(&w, first)
    stop = w.rows if stop < 0 else stop
    # By the number of classes and the options alone: a row's bits depend on no other row.
    j.tiled = (c <= (SHORT_F64 if wide else SHORT_F32) and j.chosen.short_f32 != NULL
               and normalize and not blended and not logarithm and not j.divided)

    # The caller's rounding mode, and what it does with subnormal numbers, are not ours: exp rounds
    # by an addition, and a sum's rounding error is found by one.
    fegetenv(&callers)
    fesetenv(FE_DFL_ENV)
    try:
        with nogil:
            while first < stop:
                n = min(stop - first, TILE if j.tiled else 1)
                if not j.tiled:
                    take_row(&rows, &w, &j)
                    made[0] = NAN
                else:
                    take_rows(&rows, &w, &j, n)
                    if wide:
                        j.chosen.short_f64(&j.t, &rows, scratch, <double*>made)
                    else:
                        j.chosen.short_f32(&j.t, &rows, <float*>scratch, <double*>made)
                end_rows(&j, &rows, <double*>made, scratch)
                first += n
                unseen += n * c
                if unseen >= SIGNALS_EVERY:
                    unseen = 0
                    with gil:
                        PyErr_CheckSignals()
    finally:
        fesetenv(&callers)
