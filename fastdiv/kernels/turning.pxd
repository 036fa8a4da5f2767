"""Short rows to the columns of a tile and back, by fours.

What is copied of a row at once is what is stored at once, and is read again only when many others
have been: a load of a whole register would wait for the stores of its parts.
"""

from libc.string cimport memcpy

from fastdiv.kernels.apart cimport apart
from fastdiv.kernels.arithmetic cimport prefetch, real
from fastdiv.kernels.sources cimport native, read, source, store, takes, task
from fastdiv.kernels.tiles cimport OPERAND, SHORT_ONE, TILE, abreast, follow, next_tile, tile

ctypedef void (*turn_f32)(
    const source*, const char* const*, const char*, Py_ssize_t, float*) noexcept nogil
ctypedef void (*turn_f64)(
    const source*, const char* const*, const char*, Py_ssize_t, double*) noexcept nogil


cdef inline bint beside(const source* s, const char* const* rows, Py_ssize_t n) noexcept nogil:
    """Whether the rows' elements k lie side by side."""
    cdef bint so = True
    cdef Py_ssize_t r
    if s.stride == s.size:
        return False
    for r in range(n):
        so = so & (rows[r] - rows[0] == r * s.size)
    return so


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
        prefetch(first + k * s.stride + many * s.size)
        prefetch(first + k * s.stride + many * s.size + 64)
        if s.plain and s.type == native(<const real*>x):
            column = <const real*>(first + k * s.stride)
            for r in range(many):
                x[k * many + r] = column[r]
        else:
            across.data = first + k * s.stride
            read(&across, 0, many, x + k * many)


cdef inline void turn_fours(real* four) noexcept nogil:
    """Four elements of every row, row by row, into four columns."""
    cdef Py_ssize_t many = abreast(<const real*>four), r, j
    cdef real rows[4 * TILE]
    for r in range(4 * many):
        rows[r] = four[r]
    for r in range(many):
        for j in range(4):
            four[j * many + r] = rows[4 * r + j]


cdef inline const real* last_of(const real* const* rows) noexcept nogil:
    """Of the rows of a tile the one with the highest address."""
    cdef const real* last = rows[0]
    cdef Py_ssize_t r
    for r in range(1, abreast(rows[0])):
        last = rows[r] if rows[r] > last else last
    return last


cdef inline void load_rows(
    const real* const* rows, const real* end, Py_ssize_t c, Py_ssize_t further, real* x
) noexcept nogil:
    """Of rows of elements side by side, by fours; before ``end`` all may be read.

    further: bytes to the rows that are wanted next, or 0: they are asked for elsewhere.
    """
    cdef Py_ssize_t many = abreast(<const real*>x), r, i, k = 0, whole = c
    if last_of(rows) + (c + 3) // 4 * 4 > end:
        whole = c - 3
    while k + 16 <= c:
        for r in range(many if further else 0):
            # Thirty-two streams are too many for the processor to fetch ahead by itself.
            prefetch(<const char*>(rows[r] + k) + further)
            if real is double:
                prefetch(<const char*>(rows[r] + k + 8) + further)
        for r in range(many):
            for i in range(0, 16, 4):
                memcpy(x + (k + i) * many + 4 * r, rows[r] + k + i, 4 * sizeof(real))
        k += 16
    while k < whole:
        for r in range(many):
            memcpy(x + k * many + 4 * r, rows[r] + k, 4 * sizeof(real))
        k += 4
    for i in range(k, c):
        for r in range(many):
            x[k * many + 4 * r + i - k] = rows[r][i]
    for k in range(0, c, 4):
        turn_fours(x + k * many)


cdef inline void turn_tile(
    const source* s, const char* const* rows, const char* end, Py_ssize_t c, real* x
) noexcept nogil:
    """What ``load_tile`` calls."""
    cdef Py_ssize_t many = abreast(<const real*>x), further = next_tile(rows, many)
    cdef bint asked = follow(s, rows, c)
    cdef real converted[OPERAND]
    cdef const real* room[TILE]
    cdef const real* const* at = <const real* const*>rows
    cdef source row = s[0]
    cdef Py_ssize_t r
    if beside(s, rows, many):
        load_columns(s, rows[0], c, x)
        return
    if not (s.direct and s.type == native(<const real*>x)):
        at = room
        end = <const char*>(converted + OPERAND)
        for r in range(many):
            row.data = rows[r]
            room[r] = converted + r * SHORT_ONE
            if not asked:
                prefetch(rows[r] + further)
            read(&row, 0, c, converted + r * SHORT_ONE)
    load_rows(at, <const real*>end, c, 0 if asked else further, x)


cdef inline void load_tile(
    const source* s, const char* const* rows, const char* end, Py_ssize_t c, real* x
) noexcept nogil:
    """Element k of row r to x[k * abreast(x) + r]; past c, x holds anything."""
    if real is float:
        (<turn_f32>apart(<void*>turn_tile[float]))(s, rows, end, c, x)
    else:
        (<turn_f64>apart(<void*>turn_tile[double]))(s, rows, end, c, x)


cdef inline bint are_columns(
    const task* t, const tile* rows, const double* made, real like
) noexcept nogil:
    """Whether a whole tile is to be written, element k of all rows side by side."""
    cdef Py_ssize_t many = abreast(<const real*>&like), r
    cdef bint so = rows.rows == many and t.out_type == native(<const real*>&like)
    if t.out_stride == <Py_ssize_t>sizeof(real):
        return False
    for r in range(many):
        so = so & (rows.out[r] - rows.out[0] == r * <Py_ssize_t>sizeof(real))
        so = so & (made[r] == made[r])
    return so


cdef inline void store_tile(
    const task* t, const tile* rows, Py_ssize_t c, const real* x, const double* made
) noexcept nogil:
    """Write the rows; those whose ``made`` is NaN are left to their row function."""
    cdef Py_ssize_t many = abreast(x), r, j, k, n
    cdef Py_ssize_t further = many * (rows.out[1] - rows.out[0]) if rows.rows == many else 0
    cdef bint direct = takes(t, x)
    cdef real four[4 * TILE]
    cdef task row = t[0]
    cdef char* at
    if are_columns(t, rows, made, <real>0):
        for k in range(c):
            at = rows.out[0] + k * t.out_stride
            prefetch(at + many * sizeof(real))
            prefetch(at + many * sizeof(real) + 64)
            memcpy(at, x + k * many, many * sizeof(real))
        return
    for k in range(0, c, 4):
        n = min(c - k, 4)
        for r in range(many):
            for j in range(4):
                four[4 * r + j] = x[(k + j) * many + r]
        for r in range(rows.rows):
            if made[r] != made[r]:
                continue
            # To be written, the next tile's lines are read first.
            prefetch(rows.out[r] + further + k * t.out_stride)
            if direct and n == 4:
                memcpy(rows.out[r] + k * sizeof(real), &four[4 * r], 4 * sizeof(real))
            else:
                row.out = rows.out[r]
                store(&row, k, n, <const real*>four + 4 * r)
