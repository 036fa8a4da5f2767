"""Rows that lie side by side, as along the first axis of an array: groups of them copied to lie one
after another.

Element k of sixteen floats is one line of the cache. Taken row by row, a row of a thousand classes
reads a thousand lines for its elements alone, and the next row reads them again: a hundredth of
the speed of rows that lie as they should. So a group's rows are turned in squares of 16 by 16,
which takes each line once, and the row functions see rows like any other, with the same bits.
"""

from cpython.mem cimport PyMem_RawMalloc
from libc.stdint cimport uint8_t, uint16_t, uintptr_t
from libc.string cimport memcpy

from fastdiv.kernels.arithmetic cimport prefetch, real
from fastdiv.kernels.tiles cimport TILE

ctypedef fused item:
    uint8_t
    uint16_t
    float
    double

cdef enum:
    SQUARE = 16             # rows and classes that are turned at once
    LINE = 64               # of the cache, bytes
    AHEAD = 32              # classes that are asked for before they are wanted
    # Rows of a group at most: four lines side by side, for every page that is gone to. With 128
    # rows of 1000 classes are a tenth faster, for twice the room.
    GROUP = 64
    # Bytes of a group of more than a tile at most: a part of the second cache.
    GROUP_ROOM = 1 << 21
    # And of a tile: rows of half a million floats. Longer ones are taken where they lie.
    MOST_ROOM = 1 << 25

ctypedef struct across:
    # Of an array whose rows lie side by side.
    char* buffer            # NULL: they do not
    char* allocated         # what of it is to be freed
    Py_ssize_t step         # bytes from row to row in the buffer
    Py_ssize_t most         # rows of a group
    Py_ssize_t class_step   # bytes
    Py_ssize_t row_step
    Py_ssize_t size         # of an element
    Py_ssize_t c


cdef inline across across_of(
    Py_ssize_t class_step, Py_ssize_t row_step, Py_ssize_t size, Py_ssize_t c
) except *:
    """Make room for a group if an element's neighbour in memory is that of another row."""
    cdef across a
    cdef bint turned = class_step != size and abs(row_step) < abs(class_step)
    a.buffer = a.allocated = NULL
    a.class_step, a.row_step, a.size, a.c = class_step, row_step, size, c
    # Whole lines, which are written at once; not all rows in the same place of every page.
    a.step = (c * size + LINE - 1) // LINE * LINE
    if a.step % 4096 == 0:
        a.step += LINE
    a.most = max(min(GROUP_ROOM // a.step, GROUP) // SQUARE * SQUARE, SQUARE)
    if turned and SQUARE * a.step <= MOST_ROOM:
        a.allocated = <char*>PyMem_RawMalloc(a.most * a.step + LINE)
        if a.allocated == NULL:
            raise MemoryError
        a.buffer = a.allocated + (LINE - <uintptr_t>a.allocated % LINE)
    return a


cdef inline Py_ssize_t group_of(const across* a, const char* first) noexcept nogil:
    """How many rows to take at most, so that the next ones begin with a line of the cache.

    In step with the lines, a line is read once and not twice.
    """
    cdef Py_ssize_t past = <uintptr_t>first % LINE
    if a.buffer == NULL:
        return GROUP
    if a.row_step != a.size or past == 0 or past % a.size != 0:
        return a.most
    return (LINE - past) // a.size


cdef inline void interleave(const item* x, item* y) noexcept nogil:
    """From x[64 j + i] to y[4 i + j]; twice, that turns 16 rows of 16 into columns."""
    cdef Py_ssize_t i
    for i in range(64):
        y[4 * i] = x[i]
        y[4 * i + 1] = x[64 + i]
        y[4 * i + 2] = x[128 + i]
        y[4 * i + 3] = x[192 + i]


cdef inline void turn(const item* x, item* y) noexcept nogil:
    """Of a square, the rows to columns."""
    cdef item half_way[SQUARE * SQUARE]
    cdef Py_ssize_t i, j
    if item is float or item is double:
        interleave(x, <item*>half_way)
        interleave(<const item*>half_way, y)
    else:
        for i in range(SQUARE):
            for j in range(SQUARE):
                y[i * SQUARE + j] = x[j * SQUARE + i]


cdef inline void fetch_ahead(
    const across* a, const char* at, Py_ssize_t r, Py_ssize_t rows
) noexcept nogil:
    """While the square of row r is turned, ask for its share of the lines of classes that are
    wanted soon.

    No processor foresees steps of a page and more. The lines of a page one after another, and no
    more at a time than a processor has room for.
    """
    cdef const char* line = at + AHEAD * a.class_step
    cdef Py_ssize_t squares = (rows + SQUARE - 1) // SQUARE, i, j
    cdef Py_ssize_t first = r // SQUARE * SQUARE // squares
    cdef Py_ssize_t end = (r // SQUARE + 1) * SQUARE // squares
    if a.row_step != a.size:
        return
    for j in range(first, end):
        for i in range(0, rows * a.size, 64):
            prefetch(line + j * a.class_step + i)


cdef inline void pick(
    const across* a, const char* at, Py_ssize_t rows, Py_ssize_t n, item* square
) noexcept nogil:
    """n classes of all rows, from ``at``, to the lines of a square."""
    cdef Py_ssize_t j, r
    for j in range(n):
        if rows == SQUARE and a.row_step == <Py_ssize_t>sizeof(item):
            memcpy(square + j * SQUARE, at, SQUARE * sizeof(item))
        else:
            for r in range(rows):
                memcpy(square + j * SQUARE + r, at + r * a.row_step, sizeof(item))
        at += a.class_step


cdef inline void place(
    const across* a, char* at, Py_ssize_t rows, Py_ssize_t n, const item* square
) noexcept nogil:
    """The way back."""
    cdef Py_ssize_t j, r
    for j in range(n):
        if rows == SQUARE and a.row_step == <Py_ssize_t>sizeof(item):
            memcpy(at, square + j * SQUARE, SQUARE * sizeof(item))
        else:
            for r in range(rows):
                memcpy(at + r * a.row_step, square + j * SQUARE + r, sizeof(item))
        at += a.class_step


cdef inline bint are_lines(const across* a, const char* at, const item* like) noexcept nogil:
    """Whether sixteen rows' elements lie side by side, and where numbers of their type may lie."""
    cdef Py_ssize_t size = sizeof(item)
    return a.row_step == size and a.class_step % size == 0 and <uintptr_t>at % size == 0


cdef inline void turn_lines(const across* a, const char* at, char* rows, item like) noexcept nogil:
    """A whole square, as ``turn`` does it, from where it lies to where its rows belong."""
    cdef item half_way[SQUARE * SQUARE]
    cdef item turned[SQUARE * SQUARE]
    cdef const item* one
    cdef const item* two
    cdef const item* three
    cdef const item* four
    cdef item* row
    cdef Py_ssize_t i, j
    for j in range(4):
        one = <const item*>(at + j * a.class_step)
        two = <const item*>(at + (j + 4) * a.class_step)
        three = <const item*>(at + (j + 8) * a.class_step)
        four = <const item*>(at + (j + 12) * a.class_step)
        for i in range(SQUARE):
            half_way[64 * j + 4 * i] = one[i]
            half_way[64 * j + 4 * i + 1] = two[i]
            half_way[64 * j + 4 * i + 2] = three[i]
            half_way[64 * j + 4 * i + 3] = four[i]
    interleave(<const item*>half_way, <item*>turned)
    for j in range(SQUARE):
        row = <item*>(rows + j * a.step)
        for i in range(SQUARE):
            row[i] = turned[j * SQUARE + i]


cdef inline void copy_part(item* to, const item* x, Py_ssize_t n) noexcept nogil:
    if n == SQUARE:
        memcpy(to, x, SQUARE * sizeof(item))
    else:
        memcpy(to, x, n * sizeof(item))


cdef inline void take(
    const across* a, const char* first, Py_ssize_t rows, char* made, item like
) noexcept nogil:
    cdef item square[SQUARE * SQUARE]
    cdef item turned[SQUARE * SQUARE]
    cdef const char* at
    cdef Py_ssize_t k = 0, n, r, i, some
    # What is past the last row or class is turned too, and not looked at.
    for i in range(SQUARE * SQUARE):
        square[i] = 0
    while k < a.c:
        n = min(a.c - k, SQUARE)
        r = 0
        while r < rows:
            some = min(rows - r, SQUARE)
            fetch_ahead(a, first + k * a.class_step, r, rows)
            at = first + k * a.class_step + r * a.row_step
            if some == SQUARE and n == SQUARE and are_lines(a, at, <const item*>square):
                turn_lines(a, at, made + r * a.step + k * sizeof(item), like)
                r += SQUARE
                continue
            pick(a, at, some, n, <item*>square)
            turn(<const item*>square, <item*>turned)
            for i in range(some):
                copy_part(<item*>(made + (r + i) * a.step) + k, <const item*>turned + i * SQUARE, n)
            r += SQUARE
        k += SQUARE


cdef inline void put(
    const across* a, char* first, Py_ssize_t rows, const char* x, item like
) noexcept nogil:
    cdef item square[SQUARE * SQUARE]
    cdef item turned[SQUARE * SQUARE]
    cdef Py_ssize_t k = 0, n, r, i, some
    for i in range(SQUARE * SQUARE):
        square[i] = 0
    while k < a.c:
        n = min(a.c - k, SQUARE)
        r = 0
        while r < rows:
            some = min(rows - r, SQUARE)
            fetch_ahead(a, first + k * a.class_step, r, rows)
            for i in range(some):
                copy_part(<item*>square + i * SQUARE, <const item*>(x + (r + i) * a.step) + k, n)
            turn(<const item*>square, <item*>turned)
            place(a, first + k * a.class_step + r * a.row_step, some, n, <const item*>turned)
            r += SQUARE
        k += SQUARE


cdef inline void take_group(const across* a, const char* first, Py_ssize_t rows) noexcept nogil:
    """Copy rows to the buffer, if there is one."""
    if a.buffer == NULL:
        return
    if a.size == 8:
        take(a, first, rows, a.buffer, <double>0)
    elif a.size == 4:
        take(a, first, rows, a.buffer, <float>0)
    elif a.size == 2:
        take(a, first, rows, a.buffer, <uint16_t>0)
    else:
        take(a, first, rows, a.buffer, <uint8_t>0)


cdef inline void put_group(const across* a, char* first, Py_ssize_t rows) noexcept nogil:
    """Copy the rows that were made in the buffer, if there is one, to where they belong."""
    if a.buffer == NULL:
        return
    if a.size == 8:
        put(a, first, rows, a.buffer, <double>0)
    else:
        put(a, first, rows, a.buffer, <float>0)


cdef inline void point(
    const across* a, const char** at, Py_ssize_t first, Py_ssize_t rows
) noexcept nogil:
    """Rows of a tile are those of the buffer from ``first``, if there is one; the lanes that are
    left repeat the first."""
    cdef Py_ssize_t r
    if a.buffer != NULL:
        for r in range(TILE):
            at[r] = a.buffer + (first + (r if r < rows else 0)) * a.step
