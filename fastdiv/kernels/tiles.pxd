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
    # Rows of floats that go abreast, two 512-bit registers: with one, a tile of ten classes waits
    # for the ends of its chains (1.1 instead of 1.5 Gel/s).
    TILE = 32
    # Most classes of a short row: two operands and room for as much again stay in the first cache.
    SHORT_F32 = 120
    SHORT_F64 = 60
    # Of a pair of rows, which cost about as much to turn as to sum (KL at 128: 1.7, not 2.9 Gel/s).
    SHORT_PAIR = 80
    SHORT_LOGIT_PAIR = 111
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
    const char* p_end       # up to here all may be read
    const char* q_end
    char* out[TILE]
    Py_ssize_t label[TILE]
    bint ignored[TILE]


cdef inline Py_ssize_t abreast(const real* x) noexcept nogil:
    """How many rows go abreast: of doubles as many as two registers hold."""
    return TILE if real is float else TILE // 2


cdef inline Py_ssize_t next_tile(const char* const* at, Py_ssize_t many) noexcept nogil:
    """Bytes to the rows that are wanted next."""
    return many * (at[1] - at[0])


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

    further: bytes to the rows that are wanted next.
    """
    cdef Py_ssize_t many = abreast(<const real*>x), r, i, k = 0, whole = c
    if last_of(rows) + (c + 3) // 4 * 4 > end:
        whole = c - 3
    while k + 16 <= c:
        for r in range(many):
            # Thirty-two streams are too many for the processor to fetch ahead by itself.
            prefetch(<const char*>(rows[r] + k) + further)
            if real is double:
                prefetch(<const char*>(rows[r] + k + 8) + further)
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


cdef inline void load_tile(
    const source* s, const char* const* rows, const char* end, Py_ssize_t c, real* x
) noexcept nogil:
    """Element k of row r to x[k * abreast(x) + r]; past c, x holds anything."""
    cdef Py_ssize_t many = abreast(<const real*>x), further = next_tile(rows, many)
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
            room[r] = converted + r * SHORT_F32
            prefetch(rows[r] + further)
            read(&row, 0, c, converted + r * SHORT_F32)
    load_rows(at, <const real*>end, c, further, x)


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
    cdef bint direct = t.out_type == native(x) and t.out_stride == <Py_ssize_t>sizeof(real)
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


cdef inline void clear_tile(real* a) noexcept nogil:
    cdef Py_ssize_t lane
    for lane in range(abreast(<const real*>a)):
        a[lane] = 0


cdef inline double four(const real* y) noexcept nogil:
    """The sum of four elements of a row, in double."""
    cdef Py_ssize_t many = abreast(y)
    return ((<double>y[0] + <double>y[many])
            + (<double>y[2 * many] + <double>y[3 * many]))


cdef inline void tile_sum(const real* x, Py_ssize_t c, double* total) noexcept nogil:
    """The sum of every row in double: trees of sixteen, because equal elements in a chain all
    round the same way (sums.pxd)."""
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
    for r in range(n, abreast(<const real*>scratch)):
        m[r] = m[0]
