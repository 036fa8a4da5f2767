"""Log-sum-exps of a tile of logits, short ones and rows of one block.

m + log(ties + rest): of normalised log-probabilities the two terms cancel. What is left of floats
is then too little, and such a row is summed in double, where nothing is lost for a float to show:
with the tile's other such rows, sixteen at a time. One by one, score took 7.7 times as long for
log-probabilities of ten classes as for other logits.
"""

from fastdiv.kernels.arithmetic cimport NAN, real
from fastdiv.kernels.coming cimport coming
from fastdiv.kernels.lanes cimport BLOCK_F64
from fastdiv.kernels.logits cimport cancels
from fastdiv.kernels.mid_logits cimport sum_exp_rows
from fastdiv.kernels.short_logits cimport exp_tile, sum_exp_tile
from fastdiv.kernels.tasks cimport source, task
from fastdiv.kernels.tiles cimport SHORT_ONE, TILE, abreast, after, next_marked, short_most, tile
from fastdiv.kernels.turning cimport load_tile


cdef inline void sum_again(
    const source* row, const char* const* at, Py_ssize_t n, Py_ssize_t c, double* scratch,
    exp_tile* s,
) noexcept nogil:
    """The sums of n rows, in double; the other lanes are the first one's."""
    cdef const double* x[TILE]
    cdef coming next
    if c <= short_most(SHORT_ONE, True):
        next.at, next.step, next.far = at[0], 0, False
        load_tile(row, at, c, scratch)
        sum_exp_tile(scratch, c, after(scratch), scratch, s, &next, False, NULL)
    else:
        sum_exp_rows(row, at, n, c, scratch, <const double**>x, s, False, False, NULL, NULL, False)


cdef inline void log_sums_again(
    const source* row, const char* const* at, Py_ssize_t n, Py_ssize_t c, const bint* lost,
    double* made, double* scratch,
) noexcept nogil:
    """Those of the n rows that cancel."""
    cdef const char* rows[TILE]
    cdef Py_ssize_t place[TILE]
    cdef Py_ssize_t r = 0, some, lane, many = abreast(<const double*>scratch)
    cdef exp_tile s
    while True:
        some = next_marked(lost, n, &r, many, <Py_ssize_t*>place)
        if some == 0:
            return
        for lane in range(many):
            rows[lane] = at[place[lane if lane < some else 0]]
        sum_again(row, <const char* const*>rows, some, c, scratch, &s)
        for lane in range(some):
            made[place[lane]] = s.m[lane] + s.log_sum[lane]


cdef inline void log_sums_of(
    const source* row, const char* const* at, Py_ssize_t n, Py_ssize_t c, const exp_tile* s,
    double* made, real* scratch,
) noexcept nogil:
    """What the sums of n rows come to; the scratch is used up. NaN: as in short_logits.pxd."""
    cdef Py_ssize_t many = abreast(<const real*>scratch), lane
    cdef bint lost[TILE]
    cdef bint some = False
    for lane in range(many):
        made[lane] = s.m[lane] + s.log_sum[lane]
    if real is float:
        for lane in range(many):
            lost[lane] = cancels(s.m[lane], s.log_sum[lane])
            some = some | lost[lane]
            made[lane] = NAN if lost[lane] else made[lane]
        if some and c <= BLOCK_F64:
            log_sums_again(row, at, n, c, <const bint*>lost, made, <double*>scratch)


cdef inline void short_logsumexp(
    const task* t, const tile* rows, real* x, double* made
) noexcept nogil:
    cdef exp_tile s
    cdef coming next
    next = load_tile(&t.p, rows.p, t.c, x)
    sum_exp_tile(x, t.c, after(x), x, &s, &next, False, NULL)
    log_sums_of(&t.p, rows.p, rows.rows, t.c, &s, made, x)


cdef inline void mid_logsumexp(
    const task* t, const tile* rows, real* scratch, double* made
) noexcept nogil:
    cdef const real* x[TILE]
    cdef exp_tile s
    sum_exp_rows(&t.p, rows.p, rows.rows, t.c, scratch, <const real**>x, &s, False, False, NULL,
                 NULL, False)
    log_sums_of(&t.p, rows.p, rows.rows, t.c, &s, made, scratch)
