"""Lines of the cache turned into columns, some lines and columns of them at a time: item k of line
j becomes item j of line k."""

from libc.stdint cimport uint8_t, uint16_t
from libc.string cimport memcpy

from fastdiv.kernels.fours cimport four_rows, take_four

ctypedef fused item:
    uint8_t
    uint16_t
    float
    double

cdef enum:
    LINE = 64               # of the cache, bytes


cdef inline Py_ssize_t lines_of(const item* like) noexcept nogil:
    """How many lines are turned at a time."""
    if item is float or item is double:
        return four_rows(like)
    else:
        return 16


cdef inline Py_ssize_t columns_of(const item* like) noexcept nogil:
    """How many of their items."""
    return 4 if sizeof(item) >= 4 else 16


cdef inline void take_small(
    const item* const* lines, Py_ssize_t first, char* to, Py_ssize_t step
) noexcept nogil:
    """A square of items smaller than floats: of four lines at a time, items side by side."""
    cdef item fours[256]
    cdef const item* one
    cdef const item* two
    cdef const item* three
    cdef const item* four
    cdef Py_ssize_t i, j
    for j in range(0, 16, 4):
        one = lines[j] + first
        two = lines[j + 1] + first
        three = lines[j + 2] + first
        four = lines[j + 3] + first
        for i in range(16):
            fours[16 * j + 4 * i] = one[i]
            fours[16 * j + 4 * i + 1] = two[i]
            fours[16 * j + 4 * i + 2] = three[i]
            fours[16 * j + 4 * i + 3] = four[i]
    for i in range(16):
        for j in range(0, 16, 4):
            memcpy(to + i * step + j * sizeof(item), &fours[16 * j + 4 * i], 4 * sizeof(item))


cdef inline void turn_lines(
    const item* const* lines, Py_ssize_t n, Py_ssize_t first, Py_ssize_t columns, char* to,
    Py_ssize_t step
) noexcept nogil:
    """Item first + k of line j to item j of the line at to + k * step.

    So many lines and columns at least as are turned at a time; where no whole number of these is
    left, the last ones are turned again.
    """
    cdef Py_ssize_t some = lines_of(lines[0]), side = columns_of(lines[0]), j = 0, k
    cdef char* at
    while j < n:
        j = min(j, n - some)
        k = 0
        while k < columns:
            k = min(k, columns - side)
            at = to + k * step + j * sizeof(item)
            if item is float or item is double:
                take_four(lines + j, first + k, <item*>at, step // <Py_ssize_t>sizeof(item))
            else:
                take_small(lines + j, first + k, at, step)
            k += side
        j += some


cdef inline void turn_items(
    const char* at, Py_ssize_t class_step, Py_ssize_t row_step, Py_ssize_t n, Py_ssize_t rows,
    char* to, Py_ssize_t to_class_step, Py_ssize_t to_row_step, const item* like
) noexcept nogil:
    """n classes of some rows one by one, wherever they lie."""
    cdef Py_ssize_t j, r
    for j in range(n):
        for r in range(rows):
            memcpy(to + j * to_class_step + r * to_row_step, at + j * class_step + r * row_step,
                   sizeof(item))
