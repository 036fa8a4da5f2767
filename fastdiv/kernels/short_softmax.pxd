"""Short rows of logits made into rows, a lane for each: what softmax.pxd computes."""

from fastdiv.kernels.arithmetic cimport real
from fastdiv.kernels.coming cimport coming
from fastdiv.kernels.short_logits cimport exp_tile, sum_exp_tile
from fastdiv.kernels.tasks cimport task
from fastdiv.kernels.tiles cimport TILE, abreast, after, tile
from fastdiv.kernels.turning cimport load_tile, store_tile


cdef inline void softmax(const task* t, const tile* rows, real* x, double* made) noexcept nogil:
    cdef Py_ssize_t many = abreast(<const real*>x)
    cdef real top[TILE]
    cdef real factor[TILE]
    cdef real* terms = after(x)
    cdef exp_tile s
    cdef coming next
    cdef double total
    cdef Py_ssize_t j, k, lane
    next = load_tile(&t.p, rows.p, t.c, x)
    sum_exp_tile(x, t.c, terms, x, &s, &next, False, NULL)
    for lane in range(many):
        total = 1 / (s.ties[lane] + s.rest[lane])
        top[lane] = <real>total
        factor[lane] = <real>(s.factor[lane] * total)
        made[lane] = s.log_sum[lane]
    for j in range(t.c):
        k = j * many
        for lane in range(many):
            terms[k + lane] *= factor[lane]
            terms[k + lane] = top[lane] if x[k + lane] >= <real>s.m[lane] else terms[k + lane]
    store_tile(t, rows, t.c, <const real*>terms, <const double*>made)


cdef inline void log_softmax(const task* t, const tile* rows, real* x, double* made) noexcept nogil:
    cdef Py_ssize_t many = abreast(<const real*>x)
    cdef real* terms = after(x)
    cdef exp_tile s
    cdef coming next
    cdef Py_ssize_t j, k, lane
    next = load_tile(&t.p, rows.p, t.c, x)
    sum_exp_tile(x, t.c, terms, x, &s, &next, False, NULL)
    for j in range(t.c):
        k = j * many
        for lane in range(many):
            terms[k + lane] = (x[k + lane] - <real>s.m[lane]) - <real>s.log_sum[lane]
    for lane in range(many):
        made[lane] = s.log_sum[lane]
    store_tile(t, rows, t.c, <const real*>terms, <const double*>made)
