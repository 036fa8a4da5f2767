"""Short rows to the columns of a tile and back, four classes of some rows at a time.

Of rows whose classes are no multiple of four the last four classes overlap those before.
"""

from libc.string cimport memcpy

from fastdiv.kernels.apart cimport apart
from fastdiv.kernels.arithmetic cimport prefetch_second, real
from fastdiv.kernels.coming cimport coming, coming_after, follow, next_tile
from fastdiv.kernels.conversions cimport read
from fastdiv.kernels.fours cimport four_rows, put_four, take_four
from fastdiv.kernels.lanes cimport block_size
from fastdiv.kernels.sources cimport native, store, takes
from fastdiv.kernels.tasks cimport source, task
from fastdiv.kernels.tiles cimport OPERAND, SHORT_ONE, TILE, abreast, any_nan, in_steps, tile

cdef enum:
    # Elements with gaps that are converted at a time, while lines of others are asked for.
    GAPS = 128

ctypedef void (*turn_f32)(
    const source*, const char* const*, Py_ssize_t, float*) noexcept nogil
ctypedef void (*turn_f64)(
    const source*, const char* const*, Py_ssize_t, double*) noexcept nogil


cdef inline bint beside(const source* s, const char* const* rows, Py_ssize_t n) noexcept nogil:
    """Whether the rows' elements k lie side by side."""
    return s.stride != s.size and in_steps(rows, s.size, n)


cdef inline void load_columns(
    const source* s, const char* first, Py_ssize_t c, real* x
) noexcept nogil:
    """Of rows that lie side by side: their elements k do so already."""
    cdef Py_ssize_t many = abreast(<const real*>x)
    cdef const real* column
    cdef source across = s[0]
    cdef Py_ssize_t k, r
    across.stride = s.size
    for k in range(c):
        prefetch_second(first + k * s.stride + 2 * many * s.size)
        prefetch_second(first + k * s.stride + 2 * many * s.size + 64)
        if s.plain and s.type == native(<const real*>x):
            column = <const real*>(first + k * s.stride)
            for r in range(many):
                x[k * many + r] = column[r]
        else:
            across.data = first + k * s.stride
            read(&across, 0, many, x + k * many)


cdef inline Py_ssize_t four_at(Py_ssize_t k, Py_ssize_t c) noexcept nogil:
    """Where the four classes begin that hold class k and maybe others before it."""
    return k if k + 4 <= c else c - 4


cdef inline void load_rows(
    const real* const* rows, Py_ssize_t c, Py_ssize_t further, real* x
) noexcept nogil:
    """Of rows of elements side by side.

    further: bytes to the rows that are wanted next, or 0: they are asked for elsewhere.
    """
    cdef Py_ssize_t many = abreast(<const real*>x), some = four_rows(<const real*>x), r, i, k, first
    if c < 4:
        for k in range(c):
            for r in range(many):
                x[k * many + r] = rows[r][k]
        return
    r = 0
    while r < many:
        k = 0
        while k < c:
            if further and k % (64 // <Py_ssize_t>sizeof(real)) == 0:
                # Thirty-two streams are too many for the processor to fetch ahead by itself.
                for i in range(some):
                    prefetch_second(<const char*>(rows[r + i] + k) + 2 * further)
            first = four_at(k, c)
            take_four(rows + r, first, x + first * many + r, many)
            k += 4
        r += some


cdef inline void read_in_one(
    const source* s, Py_ssize_t all, Py_ssize_t further, real* x
) noexcept nogil:
    """Convert rows that lie as one long row, of so many elements; further: as in read_rows."""
    cdef Py_ssize_t k = 0, n, i, step = max(s.stride, 64)
    while k < all:
        n = min(all - k, GAPS if further else block_size(<const real*>x))
        # Their lines, or one for each of elements that are further apart.
        for i in range(n * s.stride // step if further else 0):
            prefetch_second(s.data + further + k * s.stride + i * step)
        read(s, k, n, x + k)
        k += n


cdef inline void read_rows(
    const source* s, const char* const* rows, Py_ssize_t c, Py_ssize_t further, real* x,
    const real** at
) noexcept nogil:
    """Convert rows to where ``at`` tells then. further: bytes to those that are wanted two tiles
    on, or 0: they are asked for elsewhere."""
    cdef Py_ssize_t many = abreast(<const real*>x), r
    cdef bint one = in_steps(rows, c * s.stride, many)
    cdef source row = s[0]
    for r in range(many):
        at[r] = x + r * (c if one else SHORT_ONE)
    row.data = rows[0]
    if one:
        read_in_one(&row, many * c, further, x)
        return
    for r in range(many):
        row.data = rows[r]
        if further:
            prefetch_second(row.data + further)
        read(&row, 0, c, x + r * SHORT_ONE)


cdef inline void turn_tile(
    const source* s, const char* const* rows, Py_ssize_t c, real* x
) noexcept nogil:
    """What ``load_tile`` calls."""
    cdef Py_ssize_t many = abreast(<const real*>x)
    cdef Py_ssize_t further = 0 if follow(s, rows, c) else next_tile(rows, many)
    cdef real converted[OPERAND]
    cdef const real* room[TILE]
    if beside(s, rows, many):
        load_columns(s, rows[0], c, x)
    elif s.direct and s.type == native(<const real*>x):
        load_rows(<const real* const*>rows, c, further, x)
    else:
        read_rows(s, rows, c, 2 * further, <real*>converted, <const real**>room)
        load_rows(<const real* const*>room, c, 0, x)


cdef inline coming load_tile(
    const source* s, const char* const* rows, Py_ssize_t c, real* x
) noexcept nogil:
    """Element k of row r to x[k * abreast(x) + r]; what comes after the tile is told."""
    if real is float:
        (<turn_f32>apart(<void*>turn_tile[float]))(s, rows, c, x)
    else:
        (<turn_f64>apart(<void*>turn_tile[double]))(s, rows, c, x)
    return coming_after(s, rows, c, abreast(<const real*>x))


cdef inline bint are_columns(
    const task* t, const tile* rows, const double* made, real like
) noexcept nogil:
    """Whether a whole tile is to be written, element k of all rows side by side."""
    cdef Py_ssize_t many = abreast(<const real*>&like)
    return (rows.rows == many and t.out_type == native(<const real*>&like)
            and t.out_stride != <Py_ssize_t>sizeof(real)
            and in_steps(<const char* const*>rows.out, sizeof(real), many)
            and not any_nan(made, many))


cdef inline void store_rows(
    char* const* out, Py_ssize_t c, Py_ssize_t further, const real* x
) noexcept nogil:
    """To rows of elements side by side. further: bytes to the next tile's."""
    cdef Py_ssize_t many = abreast(x), some = four_rows(x), r, i, k, first
    if c < 4:
        for r in range(many):
            for k in range(c):
                (<real*>out[r])[k] = x[k * many + r]
        return
    r = 0
    while r < many:
        k = 0
        while k < c:
            if k % (64 // <Py_ssize_t>sizeof(real)) == 0:
                # To be written, a line is read first.
                for i in range(some):
                    prefetch_second(<const char*>(<real*>out[r + i] + k) + further)
            first = four_at(k, c)
            put_four(x + first * many + r, many, <real* const*>out + r, first)
            k += 4
        r += some


cdef inline void store_tile(
    const task* t, const tile* rows, Py_ssize_t c, const real* x, const double* made
) noexcept nogil:
    """Write the rows; those whose ``made`` is NaN are left to their row function."""
    cdef Py_ssize_t many = abreast(x), r, k
    cdef real line[SHORT_ONE]
    cdef task row = t[0]
    cdef char* at
    if are_columns(t, rows, made, <real>0):
        for k in range(c):
            at = rows.out[0] + k * t.out_stride
            prefetch_second(at + 2 * many * sizeof(real))
            prefetch_second(at + 2 * many * sizeof(real) + 64)
            memcpy(at, x + k * many, many * sizeof(real))
        return
    if takes(t, x) and rows.rows == many and not any_nan(made, many):
        store_rows(<char* const*>rows.out, c, many * (rows.out[1] - rows.out[0]), x)
        return
    for r in range(rows.rows):
        if made[r] == made[r]:
            for k in range(c):
                line[k] = x[k * many + r]
            row.out = rows.out[r]
            store(&row, 0, c, <const real*>line)
