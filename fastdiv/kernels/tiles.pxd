"""Short rows, TILE of them at a time: one lane for each row.

In lanes of a row, ten classes leave most lanes empty and the row's beginning and end cost more than
its elements. Here element k of all rows stands side by side, every step of a row function, its end
included, is done for all rows at once, and a row meets no other: what comes of it depends on
nothing but the row. Whether a row is short depends on the number of its classes alone.
"""

from libc.stdint cimport int64_t

from fastdiv.kernels.arithmetic cimport real

cdef enum:
    # Rows of floats that go abreast, two 512-bit registers: with one, a tile of ten classes waits
    # for the ends of its chains (1.1 instead of 1.5 Gel/s).
    TILE = 32
    # Most classes of a short row of floats; of doubles half as many, for as many bytes. Beyond, a
    # row's beginning and end cost less than what the first cache does not hold. All other rows fill
    # a set of lanes at least, which mid_logit_pairs.pxd counts on.
    SHORT_ONE = 200
    # Of what writes or reads as much again, and computes much.
    SHORT_TWO = 160
    # Of two rows of weights, where rows of a block wait for little (KL at 160 classes: 0.91 of
    # them; from logits 1.02).
    SHORT_PAIR = 120
    # Not a multiple of a page, so that what is read of one does not seem to be what is written to
    # another.
    OPERAND = 32 * 208 + 80
    # Doubles: what a tile function needs, which is more than a row function does. Of rows of a
    # block a buffer for each of two operands and two more; of short rows up to eight operands.
    TILE_SCRATCH = (2 * 32 + 2) * (512 + 16)

ctypedef struct tile:
    Py_ssize_t rows         # so many lanes count; the others repeat the first row
    const char* p[TILE]
    const char* q[TILE]
    char* out[TILE]
    Py_ssize_t label[TILE]
    bint ignored[TILE]      # where the call ignores a label


cdef inline Py_ssize_t abreast(const real* x) noexcept nogil:
    """How many rows go abreast: of doubles as many as two registers hold."""
    return TILE if real is float else TILE // 2


cdef inline bint in_steps(
    const char* const* at, Py_ssize_t step, Py_ssize_t n
) noexcept nogil:
    """Whether each of n addresses is so many bytes after the one before."""
    cdef bint so = True
    cdef Py_ssize_t r
    for r in range(n):
        so = so & (at[r] - at[0] == r * step)
    return so


cdef inline Py_ssize_t short_most(Py_ssize_t limit, bint doubles) noexcept nogil:
    """Most classes of a short row of a function with that limit for floats."""
    return limit // 2 if doubles else limit


cdef inline real* after(real* x) noexcept nogil:
    """The room for a tile's next operand."""
    return x + (OPERAND if real is float else OPERAND // 2)


cdef inline void clear_tile(real* a) noexcept nogil:
    cdef Py_ssize_t lane
    for lane in range(abreast(<const real*>a)):
        a[lane] = 0


cdef inline bint any_nan(const double* made, Py_ssize_t n) noexcept nogil:
    # As wide as what is compared: no mask has to be narrowed.
    cdef int64_t found = 0
    cdef Py_ssize_t lane
    for lane in range(n):
        found |= <int64_t>(made[lane] != made[lane])
    return found != 0


cdef inline Py_ssize_t next_marked(
    const bint* marks, Py_ssize_t n, Py_ssize_t* row, Py_ssize_t most, Py_ssize_t* found
) noexcept nogil:
    """Those of n rows, from ``row`` on, that are marked, ``most`` at a time; how many comes back.

    ``row`` walks on to where the next ones are looked for.
    """
    cdef Py_ssize_t some = 0
    while row[0] < n and some < most:
        if marks[row[0]]:
            found[some] = row[0]
            some += 1
        row[0] += 1
    return some


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
