"""The table of row functions, the loop over rows, and the GIL.

The row is the unit: a row function takes a ``task`` (where one row's data lie, and the options)
and returns a number. Everything else is written once, here: the walk over any number of axes with
any strides, the choice of the computing type, the conversion of the result. This file is compiled
once per instruction set; nothing below it knows a Python object, and nothing here raises but an
interrupt.
"""

cimport numpy as cnp
from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport int64_t
from libc.string cimport memcpy

cimport fastdiv.kernels.careful as careful
cimport fastdiv.kernels.logit_rows as logit_rows
cimport fastdiv.kernels.weight_rows as weight_rows
from fastdiv.kernels.arithmetic cimport NAN
from fastdiv.kernels.lanes cimport SCRATCH
from fastdiv.kernels.sources cimport (
    FLOAT32, FLOAT64, INT8, INT16, INT32, INT64, UINT8, UINT16, UINT32, UINT64, convert, kind,
    set_top, source, task,
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

cdef struct entry:
    const char* name
    row_f32 in_f32
    row_f64 in_f64
    row_f64 careful         # the last word on a row that comes out as NaN, if there is one


cdef enum:
    FUNCTIONS = 15
    MAX_AXES = 64           # NumPy's own limit

cdef entry TABLE[FUNCTIONS]
TABLE[:] = [
    entry(
        "mass",
        weight_rows.mass[float],
        weight_rows.mass[double],
        NULL,
    ),
    entry(
        "entropy",
        weight_rows.entropy[float],
        weight_rows.entropy[double],
        careful.entropy,
    ),
    entry(
        "cross_entropy",
        weight_rows.cross_entropy[float],
        weight_rows.cross_entropy[double],
        careful.cross_entropy,
    ),
    entry(
        "cross_entropy_label",
        weight_rows.cross_entropy_label[float],
        weight_rows.cross_entropy_label[double],
        careful.cross_entropy_label,
    ),
    entry(
        "kl_divergence",
        weight_rows.kl_divergence[float],
        weight_rows.kl_divergence[double],
        careful.kl_divergence,
    ),
    entry(
        "js_divergence",
        weight_rows.js_divergence[float],
        weight_rows.js_divergence[double],
        careful.js_divergence,
    ),
    entry(
        "logsumexp",
        logit_rows.logsumexp[float],
        logit_rows.logsumexp[double],
        logit_rows.logsumexp[double],
    ),
    entry(
        "softmax",
        logit_rows.softmax[float],
        logit_rows.softmax[double],
        NULL,
    ),
    entry(
        "log_softmax",
        logit_rows.log_softmax[float],
        logit_rows.log_softmax[double],
        NULL,
    ),
    entry(
        "entropy_from_logits",
        logit_rows.entropy_from_logits[float],
        logit_rows.entropy_from_logits[double],
        NULL,
    ),
    entry(
        "cross_entropy_from_logits",
        logit_rows.cross_entropy_from_logits[float],
        logit_rows.cross_entropy_from_logits[double],
        careful.cross_entropy_from_logits,
    ),
    entry(
        "cross_entropy_label_from_logits",
        logit_rows.cross_entropy_label_from_logits[float],
        logit_rows.cross_entropy_label_from_logits[double],
        NULL,
    ),
    entry(
        "kl_divergence_from_logits",
        logit_rows.kl_divergence_from_logits[float],
        logit_rows.kl_divergence_from_logits[double],
        logit_rows.kl_divergence_from_logits[double],
    ),
    entry(
        "js_divergence_from_logits",
        logit_rows.js_divergence_from_logits[float],
        logit_rows.js_divergence_from_logits[double],
        NULL,
    ),
    entry(
        "score_from_logits",
        logit_rows.score_from_logits[float],
        logit_rows.score_from_logits[double],
        NULL,
    ),
]
# The names, in the table's order.
ROWS = tuple([TABLE[i].name.decode() for i in range(FUNCTIONS)])


cdef struct walk:
    # One array's place in the walk over logit_rows.
    char* at
    Py_ssize_t strides[MAX_AXES]


cdef walk walk_over(cnp.ndarray array, int axes) noexcept:
    cdef walk w
    cdef int a
    w.at = cnp.PyArray_BYTES(array)
    for a in range(axes):
        w.strides[a] = cnp.PyArray_STRIDE(array, a)
    return w


cdef kind kind_of(cnp.ndarray array) noexcept:
    """The element type of an array that ``_check`` has let through."""
    cdef int size = <int>cnp.PyArray_ITEMSIZE(array)
    cdef char letter = array.descr.kind
    if letter == c"f":
        return FLOAT32 if size == 4 else FLOAT64
    if letter == c"i":
        return INT8 if size == 1 else INT16 if size == 2 else INT32 if size == 4 else INT64
    return UINT8 if size == 1 else UINT16 if size == 2 else UINT32 if size == 4 else UINT64


cdef source source_of(cnp.ndarray array) noexcept:
    """A row source over the last axis of an array."""
    cdef source s
    s.data = cnp.PyArray_BYTES(array)
    s.stride = cnp.PyArray_STRIDE(array, cnp.PyArray_NDIM(array) - 1)
    s.type = kind_of(array)
    s.swapped = cnp.PyArray_ISBYTESWAPPED(array)
    s.direct = (not s.swapped and cnp.PyArray_ISALIGNED(array)
                and s.stride == <Py_ssize_t>cnp.PyArray_ITEMSIZE(array))
    s.logarithm = False
    s.top = 0.0
    s.scale = 1.0
    s.divisor = 1.0
    s.to_f32 = convert[float]
    s.to_f64 = convert[double]
    return s


cdef inline double row_result(
    task* t, const entry* chosen, bint wide, float* scratch_f32, double* scratch_f64
) noexcept nogil:
    """The row function's answer, or where it gives none, the careful one's."""
    cdef double result
    if wide:
        result = chosen.in_f64(t, scratch_f64)
    else:
        result = chosen.in_f32(t, scratch_f32)
    if result != result and chosen.careful != NULL:
        result = chosen.careful(t, scratch_f64)
    return result


cdef inline void next_row(
    walk** walks, int n_walks, Py_ssize_t* index, const Py_ssize_t* shape, int axes
) noexcept nogil:
    """Step to the next row, last axis first."""
    cdef int a = axes - 1, j
    while a >= 0:
        index[a] += 1
        if index[a] < shape[a]:
            for j in range(n_walks):
                walks[j].at += walks[j].strides[a]
            return
        index[a] = 0
        for j in range(n_walks):
            walks[j].at -= (shape[a] - 1) * walks[j].strides[a]
        a -= 1


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
):
    """Apply a row function to every row. Arrays are as ``_check`` makes them.

    ``p`` and ``q`` are (..., c), ``labels`` int64 (...), all with the same leading shape; ``out``
    has that shape, or (..., c) for a function that makes logit_rows. ``wide``: compute in double.
    ``unit``: divide results by this; ``root``: then take the square root.
    ``logarithm``, ``temperature``: q is log(q) / temperature.
    ``blended``: the target is weight * ((1 - smoothing) * p + smoothing / c).
    """
    cdef cnp.ndarray some = p if p is not None else q
    cdef int axes = cnp.PyArray_NDIM(some) - 1
    cdef Py_ssize_t c = cnp.PyArray_DIM(some, axes)
    cdef entry chosen = TABLE[function]
    cdef task t
    cdef walk walk_p, walk_q, walk_labels, walk_out
    cdef walk* walks[4]
    cdef Py_ssize_t shape[MAX_AXES]
    cdef Py_ssize_t index[MAX_AXES]
    cdef Py_ssize_t n_rows = 1, unseen = 0, _row
    cdef int a, n_walks = 1
    cdef bint makes_rows = cnp.PyArray_NDIM(out) > axes, has_p = False, has_q = False
    cdef bint has_labels = False, ignores = ignore_index is not None
    cdef int64_t ignored = ignore_index if ignores else 0, label = -1
    cdef float scratch_f32[2 * SCRATCH]
    cdef double scratch_f64[2 * SCRATCH]
    cdef double result
    cdef careful.measure found
    cdef fenv_t callers

    t.c = c
    t.label = -1
    t.normalize = normalize
    t.blended = blended
    t.smoothing = smoothing
    t.weight = <const double*>cnp.PyArray_DATA(weight) if weight is not None else NULL
    walk_out = walk_over(out, axes)
    walks[0] = &walk_out
    t.out_type = kind_of(out)
    t.out_stride = cnp.PyArray_STRIDE(out, axes) if makes_rows else 0
    if p is not None:
        has_p = True
        t.p = source_of(p)
        walk_p = walk_over(p, axes)
        walks[n_walks] = &walk_p
        n_walks += 1
    if q is not None:
        has_q = True
        t.q = source_of(q)
        t.q.logarithm = logarithm
        t.q.divisor = temperature
        t.q.direct = t.q.direct and not logarithm and temperature == 1.0
        walk_q = walk_over(q, axes)
        walks[n_walks] = &walk_q
        n_walks += 1
    if labels is not None:
        has_labels = True
        walk_labels = walk_over(labels, axes)
        walks[n_walks] = &walk_labels
        n_walks += 1
    for a in range(axes):
        shape[a] = cnp.PyArray_DIM(some, a)
        n_rows *= shape[a]
        index[a] = 0

    # The caller's rounding mode, and what it does with subnormal numbers, are not ours: exp rounds
    # by an addition, and a sum's rounding error is found by one.
    fegetenv(&callers)
    fesetenv(FE_DFL_ENV)
    try:
        with nogil:
            for _row in range(n_rows):
                t.out = walk_out.at
                if has_p:
                    t.p.data = walk_p.at
                if has_q:
                    t.q.data = walk_q.at
                if has_labels:
                    memcpy(&label, walk_labels.at, 8)
                    t.label = <Py_ssize_t>label
                if has_labels and ignores and label == ignored:
                    result = 0
                else:
                    if blended and has_p and normalize:
                        t.p.scale = t.p.divisor = 1.0
                        t.p.direct = False
                        found = careful.measured(&t.p, c, <double*>scratch_f64, True)
                        t.p.scale = found.scale
                        t.p.divisor = found.mass if found.largest == found.largest else NAN
                    if temperature != 1.0:
                        set_top(&t.q, c, <double*>scratch_f64)
                    result = row_result(
                        &t, &chosen, wide, <float*>scratch_f32, <double*>scratch_f64)
                    if has_labels and t.weight != NULL and not blended:
                        # 0 log 0 is 0 here too.
                        if t.weight[t.label] != 0 or result != result:
                            result *= t.weight[t.label]
                        else:
                            result = 0
                if not makes_rows:
                    result /= unit
                    put(walk_out.at, t.out_type, sqrt(result) if root else result)
                unseen += c
                if unseen >= SIGNALS_EVERY:
                    unseen = 0
                    with gil:
                        PyErr_CheckSignals()
                next_row(<walk**>walks, n_walks, <Py_ssize_t*>index, <const Py_ssize_t*>shape, axes)
    finally:
        fesetenv(&callers)


cdef inline void put(char* at, kind type, double result) noexcept nogil:
    """Write a result, rounded once."""
    cdef float narrow = <float>result
    if type == FLOAT32:
        memcpy(at, &narrow, 4)
    else:
        memcpy(at, &result, 8)
