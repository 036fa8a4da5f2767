"""Several numbers of a row, each to an array of its own: only what is asked for is there.

The arrays are aligned and have one number per row in the same order, without gaps, so that a row's
place in one of them, which ``out`` of a task points to, is its place in all.
"""

from libc.stdint cimport int64_t, uint8_t
from libc.string cimport memcpy

from fastdiv.kernels.tasks cimport FLOAT32, FLOAT64, INT64, columns, task
from fastdiv.kernels.tiles cimport in_steps, tile


cdef inline bint wanted(const task* t, int column) noexcept nogil:
    return t.columns.at[column] != NULL


cdef inline void put_at(const columns* s, int column, Py_ssize_t i, double number) noexcept nogil:
    cdef float narrow = <float>number
    cdef int64_t whole
    cdef uint8_t truth
    if s.type[column] == FLOAT32:
        memcpy(s.at[column] + 4 * i, &narrow, 4)
    elif s.type[column] == FLOAT64:
        memcpy(s.at[column] + 8 * i, &number, 8)
    elif s.type[column] == INT64:
        whole = <int64_t>number
        memcpy(s.at[column] + 8 * i, &whole, 8)
    else:
        truth = number != 0
        memcpy(s.at[column] + i, &truth, 1)


cdef inline Py_ssize_t place_of(const columns* s, const char* out) noexcept nogil:
    return (out - s.first) // s.size


cdef inline void put_number(const task* t, int column, double number) noexcept nogil:
    """Write one of a row's numbers, rounded once, if it is wanted."""
    if wanted(t, column):
        put_at(t.columns, column, place_of(t.columns, t.out), number)


cdef inline bint in_order(const task* t, const tile* rows) noexcept nogil:
    """Whether the rows of a tile lie one after another in the arrays."""
    return in_steps(<const char* const*>rows.out, t.columns.size, rows.rows)


cdef inline void put_column(
    const task* t, const tile* rows, bint ordered, int column, const double* numbers
) noexcept nogil:
    """The same of all rows of a tile; ordered: see in_order."""
    cdef const columns* s = t.columns
    cdef Py_ssize_t r, first = place_of(s, rows.out[0])
    cdef float* narrow
    cdef double* wide
    cdef int64_t* whole
    cdef uint8_t* truth
    if not wanted(t, column):
        return
    narrow = <float*>s.at[column] + first
    wide = <double*>s.at[column] + first
    whole = <int64_t*>s.at[column] + first
    truth = <uint8_t*>s.at[column] + first
    if ordered and s.type[column] == FLOAT32:
        for r in range(rows.rows):
            narrow[r] = <float>numbers[r]
    elif ordered and s.type[column] == FLOAT64:
        for r in range(rows.rows):
            wide[r] = numbers[r]
    elif ordered and s.type[column] == INT64:
        for r in range(rows.rows):
            whole[r] = <int64_t>numbers[r]
    elif ordered:
        for r in range(rows.rows):
            truth[r] = numbers[r] != 0
    else:
        for r in range(rows.rows):
            put_at(s, column, place_of(s, rows.out[r]), numbers[r])
