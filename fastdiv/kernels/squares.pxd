"""Squares of a line of the cache by as many classes, turned from where a row's classes are far
apart to where they lie in a row. The way back is the same with its steps exchanged."""

from libc.stdint cimport uint8_t, uint16_t
from libc.string cimport memcpy

ctypedef fused item:
    uint8_t
    uint16_t
    float
    double

cdef enum:
    LINE = 64               # of the cache, bytes


cdef inline Py_ssize_t side(item like) noexcept nogil:
    """Rows and classes of a square: a line of doubles or floats, a part of one of smaller items."""
    return 8 if sizeof(item) == 8 else 16


cdef inline void turn_doubles(
    const char* at, Py_ssize_t step, char* to, Py_ssize_t to_step, item like
) noexcept nogil:
    """A square of doubles, two by two: what fills a register of 16 bytes, and empties it."""
    cdef item turned[4]
    cdef const item* one
    cdef const item* two
    cdef Py_ssize_t i, j, k
    for j in range(0, 8, 2):
        for i in range(0, 8, 2):
            one = <const item*>(at + j * step) + i
            two = <const item*>(at + (j + 1) * step) + i
            for k in range(2):
                turned[2 * k] = one[k]
                turned[2 * k + 1] = two[k]
            for k in range(2):
                memcpy(to + (i + k) * to_step + j * sizeof(item), &turned[2 * k],
                       2 * sizeof(item))


cdef inline void turn_others(
    const char* at, Py_ssize_t step, char* to, Py_ssize_t to_step, item like
) noexcept nogil:
    """A square of others: of four lines at a time, items side by side."""
    cdef item fours[256]
    cdef const item* one
    cdef const item* two
    cdef const item* three
    cdef const item* four
    cdef Py_ssize_t i, j
    for j in range(0, 16, 4):
        one = <const item*>(at + j * step)
        two = <const item*>(at + (j + 1) * step)
        three = <const item*>(at + (j + 2) * step)
        four = <const item*>(at + (j + 3) * step)
        for i in range(16):
            fours[16 * j + 4 * i] = one[i]
            fours[16 * j + 4 * i + 1] = two[i]
            fours[16 * j + 4 * i + 2] = three[i]
            fours[16 * j + 4 * i + 3] = four[i]
    for i in range(16):
        for j in range(0, 16, 4):
            memcpy(to + i * to_step + j * sizeof(item), &fours[16 * j + 4 * i], 4 * sizeof(item))


cdef inline void turn_square(
    const char* at, Py_ssize_t step, char* to, Py_ssize_t to_step, item like
) noexcept nogil:
    """Item i of line j becomes item j of line i. Lines begin where an item may.

    Two or four lines are read to their ends at a time: those that are a power of two apart have
    little room in the cache together.
    """
    if item is double:
        turn_doubles(at, step, to, to_step, like)
    else:
        turn_others(at, step, to, to_step, like)


cdef inline void turn_items(
    const char* at, Py_ssize_t class_step, Py_ssize_t row_step, Py_ssize_t n, Py_ssize_t rows,
    char* to, Py_ssize_t to_class_step, Py_ssize_t to_row_step, item like
) noexcept nogil:
    """n classes of some rows one by one, wherever they lie."""
    cdef Py_ssize_t j, r
    for j in range(n):
        for r in range(rows):
            memcpy(to + j * to_class_step + r * to_row_step, at + j * class_step + r * row_step,
                   sizeof(item))
