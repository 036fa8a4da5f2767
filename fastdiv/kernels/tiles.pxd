"""Short rows, TILE of them at a time: one lane for each row.

In lanes of a row, ten classes leave most lanes empty and the row's beginning and end cost more than
its elements. Here element k of all rows stands side by side, every step of a row function, its end
included, is done for all rows at once, and a row meets no other: what comes of it depends on
nothing but the row. Whether a row is short depends on the number of its classes alone.
"""

from libc.string cimport memcpy

from fastdiv.kernels.arithmetic cimport prefetch, real
from fastdiv.kernels.lanes cimport block_max, block_size, lanes
from fastdiv.kernels.sources cimport fetch, native, read, source, store, tail_of, task

cdef enum:
    TILE = 16
    # Most classes of a short row: two operands and room for as much again stay in the first cache.
    SHORT_F32 = 128
    SHORT_F64 = 64
    OPERAND = 16 * 128
    # Doubles: what a tile function needs, which is more than a row function does. Of rows of a
    # block a buffer for each and one more; of short rows four operands.
    TILE_SCRATCH = 17 * (512 + 16)

ctypedef struct tile:
    Py_ssize_t rows         # so many lanes count; the others repeat the first row
    const char* p[TILE]
    const char* q[TILE]
    char* out[TILE]
    Py_ssize_t label[TILE]
    bint ignored[TILE]


cdef inline Py_ssize_t next_tile(const char* const* at) noexcept nogil:
    """Bytes to the rows that are wanted next."""
    return TILE * (at[1] - at[0])


cdef inline void interleave(const real* x, real* y) noexcept nogil:
    """From x[64 j + i] to y[4 i + j]; twice, that turns 16 rows of 16 into columns."""
    cdef Py_ssize_t i
    for i in range(64):
        y[4 * i] = x[i]
        y[4 * i + 1] = x[64 + i]
        y[4 * i + 2] = x[128 + i]
        y[4 * i + 3] = x[192 + i]


cdef inline void load_columns(
    const source* s, const char* first, Py_ssize_t c, real* x
) noexcept nogil:
    """Of rows that lie side by side: their elements k do so already."""
    cdef const real* column
    cdef source across = s[0]
    cdef Py_ssize_t k, r
    across.stride = s.size
    for k in range(c):
        prefetch(first + k * s.stride + 2 * TILE * sizeof(real))
        if s.plain and s.type == native(<const real*>x):
            column = <const real*>(first + k * s.stride)
            for r in range(TILE):
                x[k * TILE + r] = column[r]
        else:
            across.data = first + k * s.stride
            read(&across, 0, TILE, x + k * TILE)


cdef inline void load_squares(
    const real* const* rows, const real* end, Py_ssize_t c, Py_ssize_t further, real* x
) noexcept nogil:
    """Of rows of elements side by side, in squares of 16 by 16; before ``end`` all may be read.

    further: bytes to the rows that are wanted next.
    """
    cdef real square[TILE * TILE]
    cdef real half_way[TILE * TILE]
    cdef Py_ssize_t r, k = 0, j, n
    cdef const real* y
    while k < c:
        n = min(c - k, TILE)
        for r in range(TILE):
            y = rows[r] + k
            # Sixteen streams are too many for the processor to fetch ahead by itself.
            prefetch(<const char*>y + further)
            prefetch(<const char*>y + further + TILE * sizeof(real) // 2)
            if n <= 4:
                for j in range(n):
                    x[(k + j) * TILE + r] = y[j]
            elif y + TILE <= end:
                # Past the row, but not past the last one.
                for j in range(TILE):
                    square[r * TILE + j] = y[j]
            else:
                # A masked load.
                for j in range(TILE):
                    square[r * TILE + j] = y[j] if j < n else <real>0
        if n > 4:
            interleave(<const real*>square, <real*>half_way)
            interleave(<const real*>half_way, x + k * TILE)
        k += TILE


cdef inline void load_tile(
    const source* s, const char* const* rows, Py_ssize_t c, real* x
) noexcept nogil:
    """Element k of row r to x[k * TILE + r]; past c, x holds anything."""
    cdef real converted[OPERAND]
    cdef const real* at[TILE]
    cdef source row = s[0]
    cdef Py_ssize_t r
    cdef bint beside = s.stride != s.size
    for r in range(TILE):
        beside = beside & (rows[r] - rows[0] == r * s.size)
    if beside:
        load_columns(s, rows[0], c, x)
        return
    for r in range(TILE):
        if s.direct and s.type == native(<const real*>x):
            at[r] = <const real*>rows[r]
        else:
            row.data = rows[r]
            at[r] = converted + r * (OPERAND // TILE)
            prefetch(rows[r] + next_tile(rows))
            read(&row, 0, c, converted + r * (OPERAND // TILE))
    load_squares(at, at[TILE - 1] + c, c, next_tile(rows), x)


cdef inline bint are_columns(
    const task* t, const tile* rows, const double* made, real like
) noexcept nogil:
    """Whether a whole tile is to be written, element k of all rows side by side."""
    cdef bint beside = rows.rows == TILE and t.out_type == native(&like)
    cdef Py_ssize_t r
    for r in range(TILE):
        beside = beside & (rows.out[r] - rows.out[0] == r * <Py_ssize_t>sizeof(real))
        beside = beside & (made[r] == made[r])
    return beside


cdef inline void store_tile(
    const task* t, const tile* rows, Py_ssize_t c, const real* x, const double* made
) noexcept nogil:
    """Write the rows; those whose ``made`` is NaN are left to their row function."""
    cdef real square[TILE * TILE]
    cdef real half_way[TILE * TILE]
    cdef task row = t[0]
    cdef Py_ssize_t next_tile = TILE * (rows.out[1] - rows.out[0]) if rows.rows == TILE else 0
    cdef Py_ssize_t r, k = 0
    if are_columns(t, rows, made, <real>0):
        for k in range(c):
            prefetch(rows.out[0] + k * t.out_stride + 2 * TILE * sizeof(real))
            memcpy(rows.out[0] + k * t.out_stride, x + k * TILE, TILE * sizeof(real))
        return
    while k < c:
        interleave(x + k * TILE, <real*>half_way)
        interleave(<const real*>half_way, <real*>square)
        for r in range(rows.rows):
            # To be written, the next tile's lines are read first.
            prefetch(rows.out[r] + next_tile + k * t.out_stride)
            if made[r] == made[r]:
                row.out = rows.out[r]
                store(&row, k, min(c - k, TILE), <const real*>square + r * TILE)
        k += TILE


cdef inline void clear_tile(real* a) noexcept nogil:
    cdef Py_ssize_t lane
    for lane in range(TILE):
        a[lane] = 0


cdef inline double four(const real* y) noexcept nogil:
    """The sum of four elements of a row, in double."""
    return ((<double>y[0] + <double>y[TILE])
            + (<double>y[2 * TILE] + <double>y[3 * TILE]))


cdef inline void tile_sum(const real* x, Py_ssize_t c, double* total) noexcept nogil:
    """The sum of every row in double: trees of sixteen, because equal elements in a chain all
    round the same way (sums.pxd)."""
    cdef const real* y
    cdef double sums[TILE]
    cdef double late[TILE]
    cdef Py_ssize_t k = 0, lane
    clear_tile(<double*>sums)
    clear_tile(<double*>late)
    while k + 16 <= c:
        y = x + k * TILE
        for lane in range(TILE):
            sums[lane] += ((four(y + lane) + four(y + lane + 4 * TILE))
                           + (four(y + lane + 8 * TILE) + four(y + lane + 12 * TILE)))
        k += 16
    while k + 4 <= c:
        y = x + k * TILE
        for lane in range(TILE):
            late[lane] += four(y + lane)
        k += 4
    while k < c:
        y = x + k * TILE
        for lane in range(TILE):
            late[lane] += y[lane]
        k += 1
    for lane in range(TILE):
        total[lane] = sums[lane] + late[lane]


cdef inline void tile_max(const real* x, Py_ssize_t c, real* m) noexcept nogil:
    """The largest element of every row; NaNs are passed over unless they come first."""
    cdef const real* y
    cdef real top[TILE]
    cdef Py_ssize_t k, lane
    for lane in range(TILE):
        top[lane] = x[lane]
    for k in range(1, c):
        y = x + k * TILE
        for lane in range(TILE):
            top[lane] = y[lane] if y[lane] > top[lane] else top[lane]
    for lane in range(TILE):
        m[lane] = top[lane]


# --------------------------------------------------------------------------- rows of one block

cdef inline real* room_of(real* scratch, Py_ssize_t r) noexcept nogil:
    """Room for a block of row r and its padded tail."""
    return scratch + r * (block_size(<const real*>scratch) + lanes(<const real*>scratch))


cdef inline void fetch_rows(
    const source* s, const char* const* at, Py_ssize_t n, Py_ssize_t c, real* scratch,
    real padding, const real** x, real* m,
) noexcept nogil:
    """The first n rows of a tile and their maxima; the other lanes repeat the first one's."""
    cdef source row = s[0]
    cdef real* room
    cdef Py_ssize_t r
    for r in range(n):
        room = room_of(scratch, r)
        row.data = at[r]
        x[r] = fetch(&row, 0, c, room, padding)
        m[r] = block_max(x[r], c, tail_of(<const real*>room))
    for r in range(n, TILE):
        m[r] = m[0]
