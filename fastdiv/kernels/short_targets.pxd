"""Short rows of logits against a target with options, a lane for each row: see targets.pxd."""

from fastdiv.kernels.arithmetic cimport INFINITY, NAN, real
from fastdiv.kernels.class_weights cimport share_of, weighted_gap
from fastdiv.kernels.coming cimport ask, coming
from fastdiv.kernels.sum_trees cimport FINEST
from fastdiv.kernels.targets cimport cross_entropies
from fastdiv.kernels.tasks cimport task
from fastdiv.kernels.tile_sums cimport tile_sum
from fastdiv.kernels.tiles cimport TILE, abreast, clear_tile, tile
from fastdiv.kernels.turning cimport load_tile
from fastdiv.kernels.weights cimport faint


cdef inline void gap_sums(
    const real* x, Py_ssize_t c, const double* w, const double* m, real* gaps, double* total
) noexcept nogil:
    """The sum of m - x of every row, or of w (m - x): its cross-entropy to the uniform
    distribution, times c."""
    cdef Py_ssize_t many = abreast(x), j, k, lane
    for j in range(c):
        k = j * many
        if w != NULL:
            for lane in range(many):
                gaps[k + lane] = weighted_gap(<real>1, w[j], <real>m[lane], x[k + lane])
        else:
            for lane in range(many):
                gaps[k + lane] = <real>m[lane] - x[k + lane]
    tile_sum(<const real*>gaps, c, total, FINEST)


cdef inline void target_gaps(
    real* p, const real* x, Py_ssize_t c, const double* w, const double* m, real* terms,
    const coming* next, real* least, double* gaps, double* share, double* mass,
) noexcept nogil:
    """The sums of w p (m - x), w p and p of every row, and the least of the latter two; p is used
    up. w: NULL, where that is known, or the classes' weights."""
    cdef Py_ssize_t many = abreast(x), j, k, lane
    cdef real g
    tile_sum(<const real*>p, c, mass, FINEST)
    for j in range(c):
        ask(next, j)
        k = j * many
        for lane in range(many):
            g = p[k + lane]
            least[lane] = g if g < least[lane] else least[lane]
            if w != NULL:
                terms[k + lane] = weighted_gap(g, w[j], <real>m[lane], x[k + lane])
                g = share_of(g, w[j])
                least[lane] = g if g < least[lane] else least[lane]
                p[k + lane] = g
            else:
                # p = 0 takes out the -inf logits; a NaN is in the log-sum-exp too.
                terms[k + lane] = <real>0 if g == 0 else g * (<real>m[lane] - x[k + lane])
    tile_sum(<const real*>terms, c, gaps, FINEST)
    if w != NULL:
        tile_sum(<const real*>p, c, share, FINEST)


cdef inline void cross_entropy_of(
    const task* t, const tile* rows, real* p, const real* x, real* terms, const double* m,
    const double* log_sum, double* made,
) noexcept nogil:
    """Cross-entropy of every row from its logits, their largest and log S; ``p`` is room for the
    target, ``terms`` for terms."""
    cdef Py_ssize_t many = abreast(x)
    cdef real least[TILE]
    cdef double mass[TILE]
    cdef double share[TILE]
    cdef double gaps[TILE]
    cdef double even[TILE]
    cdef coming next
    cdef double tiny = faint(x)
    cdef bint good, labelled = rows.p[0] == NULL
    cdef Py_ssize_t lane, y
    clear_tile(<real*>least)
    for lane in range(many):
        mass[lane] = share[lane] = 1
        even[lane] = 0
    if labelled:
        for lane in range(many):
            y = rows.label[lane]
            share[lane] = t.weight[y] if t.weight != NULL else 1
            gaps[lane] = weighted_gap(<double>1, share[lane], m[lane], <double>x[y * many + lane])
    else:
        next = load_tile(&t.p, rows.p, t.c, p)
        if t.weight != NULL:
            target_gaps(p, x, t.c, t.weight, m, terms, &next, <real*>least, <double*>gaps,
                        <double*>share, <double*>mass)
        else:
            target_gaps(p, x, t.c, NULL, m, terms, &next, <real*>least, <double*>gaps, NULL,
                        <double*>mass)
            for lane in range(many):
                share[lane] = mass[lane]
    if t.smoothing > 0:
        gap_sums(x, t.c, t.weight, m, terms, <double*>even)
    cross_entropies(t, many, <double*>gaps, <const double*>even, <double*>share,
                    <const double*>mass, log_sum, made, <real>0)
    for lane in range(many):
        good = (mass[lane] >= tiny) & (mass[lane] < INFINITY) & (least[lane] >= 0)
        made[lane] = made[lane] if good else NAN
