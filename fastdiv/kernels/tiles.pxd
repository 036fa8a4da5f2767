"""Short rows, TILE of them at a time: one lane for each row.

In lanes of a row, ten classes leave most lanes empty and the row's beginning and end cost more than
its elements. Here element k of all rows stands side by side, every step of a row function, its end
included, is done for all rows at once, and a row meets no other: what comes of it depends on
nothing but the row. Whether a row is short depends on the number of its classes alone.
"""

from fastdiv.kernels.apart cimport apart
from fastdiv.kernels.arithmetic cimport prefetch, real
from fastdiv.kernels.sources cimport source

cdef enum:
    # Rows of floats that go abreast, two 512-bit registers: with one, a tile of ten classes waits
    # for the ends of its chains (1.1 instead of 1.5 Gel/s).
    TILE = 32
    # Most classes of a short row of floats: two operands and room for as much again stay in the
    # first cache. All others fill a set of lanes at least, which mid_logit_pairs.pxd counts on.
    SHORT_ONE = 120
    # Of two rows, which cost about as much to turn as to sum.
    SHORT_PAIR = 80
    # Of two that take few steps beside, and of one that is made into another (with AVX2 KL at 64:
    # 0.68, not 0.80 Gel/s; softmax 0.82, not 0.96).
    SHORT_LIGHT = 60
    # Of doubles half as many, as a register holds, but so many at least.
    SHORT_F64 = 40
    # Not a multiple of a page, so that what is read of one does not seem to be what is written to
    # another.
    OPERAND = 32 * 128 + 80
    # Doubles: what a tile function needs, which is more than a row function does. Of rows of a
    # block a buffer for each of two operands and two more; of short rows four operands.
    TILE_SCRATCH = (2 * 32 + 2) * (512 + 16)

ctypedef struct tile:
    Py_ssize_t rows         # so many lanes count; the others repeat the first row
    const char* p[TILE]
    const char* q[TILE]
    char* out[TILE]
    Py_ssize_t label[TILE]
    bint ignored[TILE]      # where the call ignores a label

ctypedef void (*tile_sum_f32)(const float*, Py_ssize_t, double*) noexcept nogil
ctypedef void (*tile_sum_f64)(const double*, Py_ssize_t, double*) noexcept nogil


cdef inline Py_ssize_t abreast(const real* x) noexcept nogil:
    """How many rows go abreast: of doubles as many as two registers hold."""
    return TILE if real is float else TILE // 2


cdef inline Py_ssize_t next_tile(const char* const* at, Py_ssize_t many) noexcept nogil:
    """Bytes to the rows that are wanted next."""
    return many * (at[1] - at[0])


ctypedef struct coming:
    # What a tile function asks for while it computes: of rows that lie one after another, the
    # next ones. As many lines at once as a tile has are more than a processor has room for.
    const char* at
    Py_ssize_t step         # bytes for each class


cdef inline bint follow(const source* s, const char* const* rows, Py_ssize_t c) noexcept nogil:
    """Whether rows lie one after another."""
    return rows[1] - rows[0] == c * s.size and s.stride == s.size


cdef inline coming coming_after(
    const source* s, const char* const* rows, Py_ssize_t c, Py_ssize_t many
) noexcept nogil:
    """What comes after a tile; of other rows, what is there already."""
    cdef coming next
    next.step = many * s.size if follow(s, rows, c) else 0
    next.at = rows[0] + c * next.step
    return next


cdef inline void ask(const coming* next, Py_ssize_t j) noexcept nogil:
    """Ask for what comes after class j."""
    prefetch(next.at + j * next.step)
    prefetch(next.at + j * next.step + 64)


cdef inline void clear_tile(real* a) noexcept nogil:
    cdef Py_ssize_t lane
    for lane in range(abreast(<const real*>a)):
        a[lane] = 0


cdef inline double four(const real* y) noexcept nogil:
    """The sum of four elements of a row, in double."""
    cdef Py_ssize_t many = abreast(y)
    return ((<double>y[0] + <double>y[many])
            + (<double>y[2 * many] + <double>y[3 * many]))


cdef inline void sum_rows(const real* x, Py_ssize_t c, double* total) noexcept nogil:
    """What ``tile_sum`` calls."""
    cdef Py_ssize_t many = abreast(x)
    cdef const real* y
    cdef double sums[TILE]
    cdef double late[TILE]
    cdef Py_ssize_t k = 0, lane
    for lane in range(many):
        sums[lane] = late[lane] = 0
    while k + 16 <= c:
        y = x + k * many
        for lane in range(many):
            sums[lane] += ((four(y + lane) + four(y + lane + 4 * many))
                           + (four(y + lane + 8 * many) + four(y + lane + 12 * many)))
        k += 16
    while k + 4 <= c:
        y = x + k * many
        for lane in range(many):
            late[lane] += four(y + lane)
        k += 4
    while k < c:
        y = x + k * many
        for lane in range(many):
            late[lane] += y[lane]
        k += 1
    for lane in range(many):
        total[lane] = sums[lane] + late[lane]


cdef inline void tile_sum(const real* x, Py_ssize_t c, double* total) noexcept nogil:
    """The sum of every row in double: trees of sixteen, because equal elements in a chain all
    round the same way (sums.pxd)."""
    if real is float:
        (<tile_sum_f32>apart(<void*>sum_rows[float]))(x, c, total)
    else:
        (<tile_sum_f64>apart(<void*>sum_rows[double]))(x, c, total)


cdef inline double four_products(const real* y, const real* z) noexcept nogil:
    """The sum of the products of four elements of a row with others, in double."""
    cdef Py_ssize_t many = abreast(y)
    return ((<double>y[0] * <double>z[0] + <double>y[many] * <double>z[many])
            + (<double>y[2 * many] * <double>z[2 * many]
               + <double>y[3 * many] * <double>z[3 * many]))


cdef inline void tile_products(
    const real* x, const real* y, Py_ssize_t c, double* total, double* products
) noexcept nogil:
    """The sum of every row, and that of its products with another one, as ``sum_rows`` makes it."""
    cdef Py_ssize_t many = abreast(x)
    cdef const real* a
    cdef const real* b
    cdef double sums[TILE]
    cdef double late[TILE]
    cdef double whole[TILE]
    cdef double rest[TILE]
    cdef Py_ssize_t k = 0, lane
    for lane in range(many):
        sums[lane] = late[lane] = whole[lane] = rest[lane] = 0
    while k + 16 <= c:
        a, b = x + k * many, y + k * many
        for lane in range(many):
            sums[lane] += (
                (four_products(a + lane, b + lane)
                 + four_products(a + lane + 4 * many, b + lane + 4 * many))
                + (four_products(a + lane + 8 * many, b + lane + 8 * many)
                   + four_products(a + lane + 12 * many, b + lane + 12 * many)))
            whole[lane] += ((four(a + lane) + four(a + lane + 4 * many))
                            + (four(a + lane + 8 * many) + four(a + lane + 12 * many)))
        k += 16
    while k + 4 <= c:
        a, b = x + k * many, y + k * many
        for lane in range(many):
            late[lane] += four_products(a + lane, b + lane)
            rest[lane] += four(a + lane)
        k += 4
    while k < c:
        for lane in range(many):
            late[lane] += <double>x[k * many + lane] * <double>y[k * many + lane]
            rest[lane] += x[k * many + lane]
        k += 1
    for lane in range(many):
        products[lane] = sums[lane] + late[lane]
        total[lane] = whole[lane] + rest[lane]


cdef inline double four_squares(const real* y) noexcept nogil:
    """The sum of the squares of four elements of a row, in double."""
    cdef Py_ssize_t many = abreast(y)
    return ((<double>(y[0] * y[0]) + <double>(y[many] * y[many]))
            + (<double>(y[2 * many] * y[2 * many]) + <double>(y[3 * many] * y[3 * many])))


cdef inline void tile_squares(const real* x, Py_ssize_t c, double* total) noexcept nogil:
    """The sum of the squares of every row, in double."""
    cdef Py_ssize_t many = abreast(x), k = 0, lane
    cdef const real* y
    for lane in range(many):
        total[lane] = 0
    while k + 4 <= c:
        y = x + k * many
        for lane in range(many):
            total[lane] += four_squares(y + lane)
        k += 4
    while k < c:
        y = x + k * many
        for lane in range(many):
            total[lane] += y[lane] * y[lane]
        k += 1


cdef inline void tile_max(const real* x, Py_ssize_t c, real* m) noexcept nogil:
    """The largest element of every row; NaNs are passed over unless they come first."""
    cdef Py_ssize_t many = abreast(x)
    cdef const real* y
    cdef real top[TILE]
    cdef Py_ssize_t k, lane
    for lane in range(many):
        top[lane] = x[lane]
    for k in range(1, c):
        y = x + k * many
        for lane in range(many):
            top[lane] = y[lane] if y[lane] > top[lane] else top[lane]
    for lane in range(many):
        m[lane] = top[lane]
