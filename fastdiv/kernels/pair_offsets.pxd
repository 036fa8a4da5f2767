"""What is known of several pairs of rows of logits before their terms: a lane for each pair."""

from fastdiv.kernels.arithmetic cimport INFINITY, LN2_HI, LN2_LO, NAN, fma, real
from fastdiv.kernels.logits cimport huge
from fastdiv.kernels.scalars cimport log1p_lane
from fastdiv.kernels.short_logits cimport references
from fastdiv.kernels.tiles cimport TILE, abreast, clear_tile

ctypedef struct exp_rows:
    # Of floats, too, all are numbers of the type.
    double power[TILE]      # the reference is this times ln 2; NaN: not for a tile
    double low[TILE]        # logits below this have no weight
    double total[TILE]      # the sum of exp(x - reference), times 2^EXP_SCALE


cdef inline void begin_rows(const real* m, real* low, real* rounder, exp_rows* s) noexcept nogil:
    """The references, from the rows' maxima."""
    cdef double limit = huge(m)
    cdef Py_ssize_t r
    references(m, low, rounder, s.power, NULL)
    for r in range(abreast(m)):
        s.low[r] = low[r]
        s.total[r] = 1
        s.power[r] = s.power[r] if (m[r] > -limit) & (m[r] < limit) else NAN


cdef inline void offsets(
    const exp_rows* p, const exp_rows* q, real* offset, real* offset_low, real* factor
) noexcept nogil:
    """The differences of the log-sum-exps, unevaluated, and what brings exp(xq) to p's unit."""
    cdef double steps, difference, error, more, less, ratio
    cdef Py_ssize_t r
    for r in range(abreast(<const real*>offset)):
        steps = p.power[r] - q.power[r]
        difference = steps * LN2_HI
        more = p.total[r] if p.total[r] > q.total[r] else q.total[r]
        less = q.total[r] if p.total[r] > q.total[r] else p.total[r]
        ratio = log1p_lane((more - less) / less)
        error = fma(steps, LN2_LO, fma(steps, LN2_HI, -difference))
        error += ratio if p.total[r] > q.total[r] else -ratio
        offset[r] = <real>(difference + error)
        offset_low[r] = <real>((difference - offset[r]) + error)
        factor[r] = <real>(p.total[r] / q.total[r])


cdef inline void count_masked(
    const real* x, const real* y, Py_ssize_t c, real* found
) noexcept nogil:
    """Of every pair of short rows how many classes are masked in y and not in x."""
    cdef Py_ssize_t many = abreast(x), j, k, lane
    cdef real kept
    clear_tile(found)
    for j in range(c):
        k = j * many
        for lane in range(many):
            kept = <real>1 if x[k + lane] > -INFINITY else <real>0
            found[lane] += kept if y[k + lane] == -INFINITY else <real>0
