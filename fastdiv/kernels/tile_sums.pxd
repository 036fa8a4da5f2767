"""Sums over short rows that lie side by side: a lane for each row, see tiles.pxd."""

from fastdiv.kernels.apart cimport apart
from fastdiv.kernels.arithmetic cimport real
from fastdiv.kernels.sum_trees cimport FINE, FINEST
from fastdiv.kernels.tiles cimport TILE, abreast
from fastdiv.kernels.wide cimport (
    WIDE, add_product, or_least, put_wide, two_of, wide, wide_at, wide_of, wide_zero,
)

ctypedef void (*tile_sum_f32)(const float*, Py_ssize_t, double*) noexcept nogil
ctypedef void (*tile_sum_f64)(const double*, Py_ssize_t, double*) noexcept nogil


cdef inline wide four(const real* y, int in_float) noexcept nogil:
    """The sums of four elements of rows that lie side by side."""
    cdef Py_ssize_t many = abreast(y)
    return two_of(y, y + many, in_float) + two_of(y + 2 * many, y + 3 * many, in_float)


cdef inline wide sixteen(const real* y, int in_float) noexcept nogil:
    """The same of sixteen."""
    cdef Py_ssize_t many = abreast(y)
    return ((four(y, in_float) + four(y + 4 * many, in_float))
            + (four(y + 8 * many, in_float) + four(y + 12 * many, in_float)))


cdef inline wide few(const real* y, Py_ssize_t n) noexcept nogil:
    """The same of one to three elements."""
    cdef Py_ssize_t many = abreast(y), i
    cdef wide sum = wide_of(y)
    for i in range(1, n):
        sum = sum + wide_of(y + i * many)
    return sum


cdef inline void join_wide(wide* sums, wide* late, wide value, const real* like) noexcept nogil:
    """Add to ``sums``; of doubles what is lost there is not lost in ``late`` (TwoSum).

    Of 64 classes of which one is most of the sum every step takes a rounding, and all may be to one
    side: log-sum-exp was 5.8 ulp off.
    """
    cdef wide before = sums[0], part
    sums[0] = before + value
    if real is double:
        part = sums[0] - before
        late[0] = late[0] + ((before - (sums[0] - part)) + (value - part))


cdef inline void join_last(
    wide* sums, wide* late, wide value, Py_ssize_t k, int in_float, const real* like
) noexcept nogil:
    """The same of classes from k on that are less than sixteen; of floats, and of doubles unless
    they are to be summed FINEST, they are added up apart."""
    if real is float or in_float != FINEST:
        late[0] = late[0] + value
    elif k == 0:
        sums[0] = value
    else:
        join_wide(sums, late, value, like)


cdef inline void put_sums(
    double* total, const wide* sums, const wide* late, int in_float, const real* like
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(abreast(like) // WIDE):
        if real is double and in_float == FINEST:
            # Of an infinite sum ``late``, which is only what it is rounded by, is NaN.
            put_wide(total + i * WIDE, sums[i] + or_least(late[i]))
        else:
            put_wide(total + i * WIDE, sums[i] + late[i])


cdef inline void row_sums(
    const real* x, Py_ssize_t c, double* total, int in_float
) noexcept nogil:
    """What ``tile_sum`` calls."""
    cdef Py_ssize_t many = abreast(x), k = 0, i
    cdef wide sums[TILE]
    cdef wide late[TILE]
    for i in range(many // WIDE):
        sums[i] = late[i] = wide_zero()
    while k + 16 <= c:
        for i in range(many // WIDE):
            join_wide(&sums[i], &late[i], sixteen(x + k * many + i * WIDE, in_float), x)
        k += 16
    while k + 4 <= c:
        for i in range(many // WIDE):
            join_last(&sums[i], &late[i], four(x + k * many + i * WIDE, in_float), k, in_float, x)
        k += 4
    if k < c:
        for i in range(many // WIDE):
            join_last(&sums[i], &late[i], few(x + k * many + i * WIDE, c - k), k, in_float, x)
    put_sums(total, <const wide*>sums, <const wide*>late, in_float, x)


# For ``apart``, the steps as a constant.

cdef inline void sum_rows(const real* x, Py_ssize_t c, double* total) noexcept nogil:
    row_sums(x, c, total, FINEST)


cdef inline void sum_rows_fine(const real* x, Py_ssize_t c, double* total) noexcept nogil:
    row_sums(x, c, total, FINE)


cdef inline void tile_sum(
    const real* x, Py_ssize_t c, double* total, int in_float
) noexcept nogil:
    """The sum of every row in double: trees of sixteen, for what sum_trees.pxd says of chains.

    in_float: FINEST, or FINE, see ``eight`` and ``join_last``.
    """
    if real is double:
        if in_float == FINEST:
            (<tile_sum_f64>apart(<void*>sum_rows[double]))(x, c, total)
        else:
            (<tile_sum_f64>apart(<void*>sum_rows_fine[double]))(x, c, total)
    else:
        if in_float == FINEST:
            (<tile_sum_f32>apart(<void*>sum_rows[float]))(x, c, total)
        else:
            (<tile_sum_f32>apart(<void*>sum_rows_fine[float]))(x, c, total)


cdef inline void kept_sums(const double* x, Py_ssize_t c, double* total) noexcept nogil:
    """What ``kept_tile_sum`` calls."""
    cdef Py_ssize_t many = abreast(x), k, i
    cdef wide sums[TILE]
    cdef wide late[TILE]
    for i in range(many // WIDE):
        sums[i], late[i] = wide_at(x + i * WIDE), wide_zero()
    for k in range(1, c):
        for i in range(many // WIDE):
            join_wide(&sums[i], &late[i], wide_at(x + k * many + i * WIDE), x)
    put_sums(total, <const wide*>sums, <const wide*>late, FINEST, x)


cdef inline void kept_tile_sum(const double* x, Py_ssize_t c, double* total) noexcept nogil:
    """The sum of every row of doubles, rounded once: what every step loses is kept."""
    (<tile_sum_f64>apart(<void*>kept_sums))(x, c, total)


cdef inline wide two_products(const real* y, const real* z, Py_ssize_t step) noexcept nogil:
    cdef wide first = wide_of(y) * wide_of(z)
    if real is float:
        return add_product(wide_of(y + step), wide_of(z + step), first)
    else:
        return first + wide_of(y + step) * wide_of(z + step)


cdef inline wide four_products(const real* y, const real* z) noexcept nogil:
    """The sums of the products of four elements of rows with others."""
    cdef Py_ssize_t many = abreast(y)
    return two_products(y, z, many) + two_products(y + 2 * many, z + 2 * many, many)


cdef inline wide few_products(const real* y, const real* z, Py_ssize_t n) noexcept nogil:
    """The same of one to three elements."""
    cdef Py_ssize_t many = abreast(y), i
    cdef wide sum = wide_of(y) * wide_of(z)
    for i in range(1, n):
        sum = sum + wide_of(y + i * many) * wide_of(z + i * many)
    return sum


cdef inline void tile_products(
    const real* x, const real* y, Py_ssize_t c, double* total, double* products
) noexcept nogil:
    """The sum of every row, and that of its products with another one, as ``sum_rows`` makes it."""
    cdef Py_ssize_t many = abreast(x), k = 0, i, j
    cdef const real* a
    cdef const real* b
    cdef wide sums[TILE]
    cdef wide late[TILE]
    cdef wide whole[TILE]
    cdef wide rest[TILE]
    for i in range(many // WIDE):
        sums[i] = late[i] = whole[i] = rest[i] = wide_zero()
    while k + 16 <= c:
        for i in range(many // WIDE):
            j = k * many + i * WIDE
            a, b = x + j, y + j
            join_wide(&sums[i], &late[i],
                      (four_products(a, b) + four_products(a + 4 * many, b + 4 * many))
                      + (four_products(a + 8 * many, b + 8 * many)
                         + four_products(a + 12 * many, b + 12 * many)), x)
            join_wide(&whole[i], &rest[i], sixteen(a, FINEST), x)
        k += 16
    while k + 4 <= c:
        for i in range(many // WIDE):
            j = k * many + i * WIDE
            join_last(&sums[i], &late[i], four_products(x + j, y + j), k, FINEST, x)
            join_last(&whole[i], &rest[i], four(x + j, FINEST), k, FINEST, x)
        k += 4
    if k < c:
        for i in range(many // WIDE):
            j = k * many + i * WIDE
            join_last(&sums[i], &late[i], few_products(x + j, y + j, c - k), k, FINEST, x)
            join_last(&whole[i], &rest[i], few(x + j, c - k), k, FINEST, x)
    put_sums(total, <const wide*>whole, <const wide*>rest, FINEST, x)
    put_sums(products, <const wide*>sums, <const wide*>late, FINEST, x)


cdef inline void tile_squares(const real* x, Py_ssize_t c, double* total) noexcept nogil:
    """The sum of the squares of every row, in double."""
    cdef Py_ssize_t many = abreast(x), k = 0, i
    cdef const real* y
    cdef wide sums[TILE]
    cdef wide late[TILE]
    for i in range(many // WIDE):
        sums[i] = late[i] = wide_zero()
    while k + 4 <= c:
        for i in range(many // WIDE):
            y = x + k * many + i * WIDE
            join_wide(&sums[i], &late[i], four_products(y, y), x)
        k += 4
    if k < c:
        for i in range(many // WIDE):
            y = x + k * many + i * WIDE
            join_last(&sums[i], &late[i], few_products(y, y, c - k), k, FINEST, x)
    put_sums(total, <const wide*>sums, <const wide*>late, FINEST, x)
