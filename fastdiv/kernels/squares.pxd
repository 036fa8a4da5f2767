"""Squares of sixteen rows by sixteen classes, turned from where a row's classes are far apart to
where they lie in a row, and back."""

from libc.stdint cimport uint8_t, uint16_t, uintptr_t
from libc.string cimport memcpy

ctypedef fused item:
    uint8_t
    uint16_t
    float
    double

cdef enum:
    SQUARE = 16             # rows and classes that are turned at once


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


cdef inline void pick(
    const char* at, Py_ssize_t class_step, Py_ssize_t row_step, Py_ssize_t rows, Py_ssize_t n,
    item* square,
) noexcept nogil:
    """n classes of all rows, from ``at``, to the lines of a square."""
    cdef Py_ssize_t j, r
    for j in range(n):
        if rows == SQUARE and row_step == <Py_ssize_t>sizeof(item):
            memcpy(square + j * SQUARE, at, SQUARE * sizeof(item))
        else:
            for r in range(rows):
                memcpy(square + j * SQUARE + r, at + r * row_step, sizeof(item))
        at += class_step


cdef inline void place(
    char* at, Py_ssize_t class_step, Py_ssize_t row_step, Py_ssize_t rows, Py_ssize_t n,
    const item* square,
) noexcept nogil:
    """The way back."""
    cdef Py_ssize_t j, r
    for j in range(n):
        if rows == SQUARE and row_step == <Py_ssize_t>sizeof(item):
            memcpy(at, square + j * SQUARE, SQUARE * sizeof(item))
        else:
            for r in range(rows):
                memcpy(at + r * row_step, square + j * SQUARE + r, sizeof(item))
        at += class_step


cdef inline void turn_lines(
    const char* at, Py_ssize_t class_step, char* to, Py_ssize_t step, item like
) noexcept nogil:
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
        one = <const item*>(at + j * class_step)
        two = <const item*>(at + (j + 4) * class_step)
        three = <const item*>(at + (j + 8) * class_step)
        four = <const item*>(at + (j + 12) * class_step)
        for i in range(SQUARE):
            half_way[64 * j + 4 * i] = one[i]
            half_way[64 * j + 4 * i + 1] = two[i]
            half_way[64 * j + 4 * i + 2] = three[i]
            half_way[64 * j + 4 * i + 3] = four[i]
    interleave(<const item*>half_way, <item*>turned)
    for j in range(SQUARE):
        row = <item*>(to + j * step)
        for i in range(SQUARE):
            row[i] = turned[j * SQUARE + i]


cdef inline void copy_part(item* to, const item* x, Py_ssize_t n) noexcept nogil:
    if n == SQUARE:
        memcpy(to, x, SQUARE * sizeof(item))
    else:
        memcpy(to, x, n * sizeof(item))


cdef inline void square_to_rows(
    const char* at, Py_ssize_t class_step, Py_ssize_t row_step, Py_ssize_t rows, Py_ssize_t n,
    char* to, Py_ssize_t step, item* square,
) noexcept nogil:
    """n classes of some rows at ``at`` to rows at ``to``; ``square`` is room, and holds numbers.

    What is past the last row or class is turned too, and not looked at.
    """
    cdef item turned[SQUARE * SQUARE]
    cdef Py_ssize_t i, size = sizeof(item)
    # Side by side, and where numbers of their type may lie.
    cdef bint lines = row_step == size and class_step % size == 0 and <uintptr_t>at % size == 0
    if lines and rows == SQUARE and n == SQUARE:
        turn_lines(at, class_step, to, step, square[0])
        return
    pick(at, class_step, row_step, rows, n, square)
    turn(<const item*>square, <item*>turned)
    for i in range(rows):
        copy_part(<item*>(to + i * step), <const item*>turned + i * SQUARE, n)


cdef inline void rows_to_square(
    char* at, Py_ssize_t class_step, Py_ssize_t row_step, Py_ssize_t rows, Py_ssize_t n,
    const char* rows_at, Py_ssize_t step, item* square,
) noexcept nogil:
    """The way back."""
    cdef item turned[SQUARE * SQUARE]
    cdef Py_ssize_t i
    for i in range(rows):
        copy_part(square + i * SQUARE, <const item*>(rows_at + i * step), n)
    turn(<const item*>square, <item*>turned)
    place(at, class_step, row_step, rows, n, <const item*>turned)
