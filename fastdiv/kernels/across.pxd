"""Rows that lie side by side, as along the first axis of an array: groups of them copied to lie one
after another.

Element k of sixteen floats is one line of the cache. Taken row by row, a row of a thousand classes
reads a thousand lines for its elements alone, and the next row reads them again: a hundredth of
the speed of rows that lie as they should. So a group's rows are turned in squares (squares.pxd),
which takes each line once, and the row functions see rows like any other, with the same bits.
"""

from cpython.mem cimport PyMem_RawMalloc
from libc.stdint cimport uint8_t, uint16_t, uintptr_t

from fastdiv.kernels.arithmetic cimport prefetch_second
from fastdiv.kernels.squares cimport LINE, item, side, turn_items, turn_square
from fastdiv.kernels.tiles cimport TILE

cdef enum:
    AHEAD = 16              # classes that are asked for before they are wanted
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
    const across* a, const char* at, Py_ssize_t first, Py_ssize_t end, Py_ssize_t rows
) noexcept nogil:
    """Ask for the lines of classes, from ``first`` to ``end``, that are wanted soon.

    No processor foresees steps of a page and more. The lines of a page one after another, and no
    more at a time than a processor has room for.
    """
    cdef Py_ssize_t i, j
    if a.row_step != a.size:
        return
    for j in range(AHEAD + first, AHEAD + end):
        # A line: Cython makes a plain loop of a number only.
        for i in range(0, rows * a.size, 64):
            prefetch_second(at + j * a.class_step + i)


cdef inline void turn_part(
    const across* a, char* at, char* row, Py_ssize_t n, Py_ssize_t rows, bint back, item like
) noexcept nogil:
    """n classes of some rows from ``at`` to the buffer's rows at ``row``, or back."""
    cdef Py_ssize_t size = sizeof(item)
    cdef bint lines = (a.row_step == size and a.class_step % size == 0
                       and <uintptr_t>at % size == 0)
    if lines and n == rows == side(like):
        if back:
            turn_square(row, a.step, at, a.class_step, like)
        else:
            turn_square(at, a.class_step, row, a.step, like)
    elif back:
        turn_items(row, size, a.step, n, rows, at, a.class_step, a.row_step, like)
    else:
        turn_items(at, a.class_step, a.row_step, n, rows, row, size, a.step, like)


cdef inline void turn_group(
    const across* a, char* first, Py_ssize_t rows, bint back, item like
) noexcept nogil:
    """Rows from where they lie to the buffer, or back.

    Where no whole square is left the last one is of rows or classes that were turned before.
    """
    cdef Py_ssize_t n = min(side(like), a.c), some = min(side(like), rows)
    cdef Py_ssize_t squares = (rows + some - 1) // some, i, k = 0, r
    cdef char* at
    while k < a.c:
        k = min(k, a.c - n)
        at = first + k * a.class_step
        for i in range(squares):
            fetch_ahead(a, at, i * n // squares, (i + 1) * n // squares, rows)
            r = min(i * some, rows - some)
            turn_part(a, at + r * a.row_step, a.buffer + r * a.step + k * <Py_ssize_t>sizeof(item),
                      n, some, back, like)
        k += n


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
