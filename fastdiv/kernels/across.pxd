"""Rows that lie side by side, as along the first axis of an array: groups of them copied to lie one
after another.

Element k of sixteen floats is one line of the cache. Taken row by row, a row of a thousand classes
reads a thousand lines for its elements alone, and the next row reads them again: a hundredth of
the speed of rows that lie as they should. So a group's rows are turned by lines (squares.pxd), each
of which is taken once, and the row functions see rows like any other, with the same bits.
"""

from cpython.mem cimport PyMem_RawMalloc
from libc.stdint cimport uint8_t, uint16_t, uintptr_t

from fastdiv.kernels.arithmetic cimport prefetch_second
from fastdiv.kernels.squares cimport LINE, columns_of, item, lines_of, turn_items, turn_lines
from fastdiv.kernels.tiles cimport TILE

cdef enum:
    AHEAD = 64              # lines that are asked for before they are wanted
    CLASSES = 16            # that are turned at a time
    # Rows of a group at most: four lines side by side, for every page that is gone to. With 128
    # rows of 1000 classes are a tenth faster, for twice the room.
    GROUP = 64
    # Bytes of a group of more rows than a line has at most: a part of the second cache.
    GROUP_ROOM = 1 << 21
    # And of a line's rows: half a million classes. Longer ones are taken where they lie.
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
    cdef Py_ssize_t line = LINE // size         # rows
    cdef bint turned = class_step != size and abs(row_step) < abs(class_step)
    a.buffer = a.allocated = NULL
    a.class_step, a.row_step, a.size, a.c = class_step, row_step, size, c
    # Whole lines, which are written at once; not all rows in the same place of every page.
    a.step = (c * size + LINE - 1) // LINE * LINE
    if a.step % 4096 == 0:
        a.step += LINE
    a.most = max(min(GROUP_ROOM // a.step, GROUP) // line * line, line)
    if turned and line * a.step <= MOST_ROOM:
        a.allocated = <char*>PyMem_RawMalloc(a.most * a.step + LINE)
        if a.allocated == NULL:
            raise MemoryError
        a.buffer = a.allocated + (LINE - <uintptr_t>a.allocated % LINE)
    return a


cdef inline Py_ssize_t group_of(
    const across* a, const char* first, Py_ssize_t most, Py_ssize_t left
) noexcept nogil:
    """How many of the rows that are left to take, so that the next ones begin with a line of the
    cache.

    In step with the lines, a line is read once and not twice.
    """
    cdef Py_ssize_t n = min(most, left), past = <uintptr_t>first % LINE // a.size
    return n - past if n < left and past < n and a.row_step == a.size else n


cdef inline void fetch_ahead(
    const across* a, const char* at, Py_ssize_t n, Py_ssize_t rows
) noexcept nogil:
    """Ask for the lines of n classes that are wanted soon after those at ``at``.

    No processor foresees steps of a page and more. The lines of a page one after another.
    """
    cdef Py_ssize_t i, j, ahead
    if a.row_step != a.size:
        return
    ahead = max(AHEAD * LINE // (rows * a.size), n)
    for j in range(ahead, ahead + n):
        # A line: Cython makes a plain loop of a number only.
        for i in range(0, rows * a.size, 64):
            prefetch_second(at + j * a.class_step + i)


cdef inline bint in_lines(
    const across* a, const char* first, Py_ssize_t rows, const item* like
) noexcept nogil:
    """Whether there are lines to be turned: rows of which the elements lie side by side."""
    cdef Py_ssize_t least = max(lines_of(like), columns_of(like))
    return (a.row_step == a.size and a.class_step % a.size == 0
            and <uintptr_t>first % a.size == 0 and rows >= least and a.c >= least)


cdef inline void turn_group(
    const across* a, char* first, Py_ssize_t rows, bint back, const item* like
) noexcept nogil:
    """Rows from where they lie to the buffer, or back, some classes at a time."""
    cdef Py_ssize_t size = sizeof(item), n = min(CLASSES, a.c), k = 0, j
    cdef bint whole = in_lines(a, first, rows, like)
    cdef const item* lines[GROUP]
    cdef char* at
    cdef char* row
    if back and whole:
        for j in range(rows):
            lines[j] = <const item*>(a.buffer + j * a.step)
    while k < a.c:
        k = min(k, a.c - n)
        at = first + k * a.class_step
        row = a.buffer + k * size
        fetch_ahead(a, at, n, rows)
        if whole and back:
            turn_lines(<const item* const*>lines, rows, k, n, at, a.class_step)
        elif whole:
            for j in range(n):
                lines[j] = <const item*>(at + j * a.class_step)
            turn_lines(<const item* const*>lines, n, 0, rows, row, a.step)
        elif back:
            turn_items(row, size, a.step, n, rows, at, a.class_step, a.row_step, like)
        else:
            turn_items(at, a.class_step, a.row_step, n, rows, row, size, a.step, like)
        k += n


cdef inline void take_group(const across* a, char* first, Py_ssize_t rows) noexcept nogil:
    """Copy rows to the buffer, if there is one."""
    if a.buffer == NULL:
        return
    if a.size == 8:
        turn_group(a, first, rows, False, <const double*>NULL)
    elif a.size == 4:
        turn_group(a, first, rows, False, <const float*>NULL)
    elif a.size == 2:
        turn_group(a, first, rows, False, <const uint16_t*>NULL)
    else:
        turn_group(a, first, rows, False, <const uint8_t*>NULL)


cdef inline void put_group(const across* a, char* first, Py_ssize_t rows) noexcept nogil:
    """Copy the rows that were made in the buffer, if there is one, to where they belong."""
    if a.buffer == NULL:
        return
    if a.size == 8:
        turn_group(a, first, rows, True, <const double*>NULL)
    else:
        turn_group(a, first, rows, True, <const float*>NULL)


cdef inline void point(
    const across* a, const char** at, Py_ssize_t first, Py_ssize_t rows
) noexcept nogil:
    """Rows of a tile are those of the buffer from ``first``, if there is one; the lanes that are
    left repeat the first."""
    cdef Py_ssize_t r
    if a.buffer != NULL:
        for r in range(TILE):
            at[r] = a.buffer + (first + (r if r < rows else 0)) * a.step
