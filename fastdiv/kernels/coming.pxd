"""What is asked for while short rows, or several of a block, are computed: the rows after them.

A processor foresees one row, and not thirty-two that are read side by side.
"""

from fastdiv.kernels.arithmetic cimport prefetch, prefetch_second, real
from fastdiv.kernels.lanes cimport in_second
from fastdiv.kernels.tasks cimport source


cdef inline Py_ssize_t next_tile(const char* const* at, Py_ssize_t many) noexcept nogil:
    """Bytes to the rows that are wanted next."""
    return many * (at[1] - at[0])


cdef inline bint are_far(Py_ssize_t c, const real* like) noexcept nogil:
    """Whether rows of a block are asked for in the second cache.

    The first one has no room for a tile of them: from memory, log-sum-exp of 1000 classes is 1.13
    times as fast, entropy 1.08; of 210, which it holds, 0.95.
    """
    return in_second(like) and c > 400


ctypedef struct coming:
    # What a tile function asks for while it computes: of rows that lie one after another, those
    # of the next tile or, if that is ``far``, of the one after. As many lines at once as a tile has
    # are more than a processor has room for.
    const char* at
    Py_ssize_t step         # bytes for each class
    bint far


cdef inline bint follow(const source* s, const char* const* rows, Py_ssize_t c) noexcept nogil:
    """Whether rows lie one after another."""
    return rows[1] - rows[0] == c * s.size and s.stride == s.size


cdef inline coming coming_after(
    const source* s, const char* const* rows, Py_ssize_t c, Py_ssize_t many
) noexcept nogil:
    """What comes after a tile; of other rows, what is there already."""
    cdef coming next
    next.step = many * s.size if follow(s, rows, c) else 0
    # The first cache has room for two tiles of fewer bytes, beside what is made of them.
    next.far = c * next.step > 1536
    next.at = rows[0] + c * next.step * (2 if next.far else 1)
    return next


cdef inline void ask(const coming* next, Py_ssize_t j) noexcept nogil:
    """Ask for what comes after class j.

    The branch keeps the prefetches of two rows apart, which gcc puts one after the other wherever
    they stand in a loop: with four in a row KL of 30 to 100 classes from memory has 0.7 of its
    speed (Zen 4).
    """
    if next.far:
        prefetch_second(next.at + j * next.step)
        prefetch_second(next.at + j * next.step + 64)
    else:
        prefetch(next.at + j * next.step)
        prefetch(next.at + j * next.step + 64)
