"""Rows that lie side by side, as along the first axis of an array: groups of them copied to lie one
after another.

Element k of sixteen floats is one line of the cache. Taken row by row, a row of a thousand classes
reads a thousand lines for its elements alone, and the next row reads them again: a hundredth of
the speed of rows that lie as they should. So a group's rows are turned in squares of 16 by 16,
which takes each line once, and the row functions see rows like any other, with the same bits.
"""

from cpython.mem cimport PyMem_RawMalloc
from libc.stdint cimport uint8_t, uint16_t, uintptr_t

from fastdiv.kernels.arithmetic cimport prefetch
from fastdiv.kernels.squares cimport SQUARE, item, rows_to_square, square_to_rows
from fastdiv.kernels.tiles cimport TILE

cdef enum:
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


cdef inline void turn_group(
    const across* a, char* first, Py_ssize_t rows, bint back, item like
) noexcept nogil:
    """Rows from where they lie to the buffer, or back."""
    cdef item square[SQUARE * SQUARE]
    cdef Py_ssize_t k = 0, r, n, some
    cdef char* at
    cdef char* row
    for r in range(SQUARE * SQUARE):
        square[r] = 0
    while k < a.c:
        n = min(a.c - k, SQUARE)
        r = 0
        while r < rows:
            some = min(rows - r, SQUARE)
            fetch_ahead(a, first + k * a.class_step, r, rows)
            at = first + k * a.class_step + r * a.row_step
            row = a.buffer + r * a.step + k * <Py_ssize_t>sizeof(item)
            if back:
                rows_to_square(
                    at, a.class_step, a.row_step, some, n, row, a.step, <item*>square)
            else:
                square_to_rows(
                    at, a.class_step, a.row_step, some, n, row, a.step, <item*>square)
            r += SQUARE
        k += SQUARE


cdef inline void take_group(const across* a, char* first, Py_ssize_t rows) noexcept nogil:
    """Copy rows to the buffer, if there is one."""
    if a.buffer == NULL:
        return
    if a.size == 8:
        turn_group(a, first, rows, False, <double>0)
    elif a.size == 4:
        turn_group(a, first, rows, False, <float>0)
    elif a.size == 2:
        turn_group(a, first, rows, False, <uint16_t>0)
    else:
        turn_group(a, first, rows, False, <uint8_t>0)


cdef inline void put_group(const across* a, char* first, Py_ssize_t rows) noexcept nogil:
    """Copy the rows that were made in the buffer, if there is one, to where they belong."""
    if a.buffer == NULL:
        return
    if a.size == 8:
        turn_group(a, first, rows, True, <double>0)
    else:
        turn_group(a, first, rows, True, <float>0)


cdef inline void point(
    const across* a, const char** at, Py_ssize_t first, Py_ssize_t rows
) noexcept nogil:
    """Rows of a tile are those of the buffer from ``first``, if there is one; the lanes that are
    left repeat the first."""
    cdef Py_ssize_t r
    if a.buffer != NULL:
        for r in range(TILE):
            at[r] = a.buffer + (first + (r if r < rows else 0)) * a.step
