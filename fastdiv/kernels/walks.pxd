"""Arrays as the loop over rows sees them: row sources, and the steps from row to row."""

cimport numpy as cnp

from fastdiv.kernels.tasks cimport (
    BFLOAT16, FLOAT16, FLOAT32, FLOAT64, INT8, INT16, INT32, INT64, UINT8, UINT16, UINT32, UINT64,
    kind, source,
)

cdef enum:
    MAX_AXES = 64           # NumPy's own limit
    # What is walked over together.
    P = 0
    Q = 1
    LABELS = 2
    OUT = 3
    ARRAYS = 4

ctypedef struct walk:
    int axes
    Py_ssize_t rows
    Py_ssize_t shape[MAX_AXES]
    Py_ssize_t index[MAX_AXES]
    Py_ssize_t strides[MAX_AXES][ARRAYS]
    char* at[ARRAYS]        # the row that each array has come to


cdef inline kind kind_of(cnp.ndarray array) noexcept:
    """The element type of an array that ``_check`` has let through."""
    cdef int size = <int>cnp.PyArray_ITEMSIZE(array)
    cdef char letter = array.descr.kind
    if letter == c"f":
        return FLOAT16 if size == 2 else FLOAT32 if size == 4 else FLOAT64
    if letter == c"V":
        return BFLOAT16
    if letter == c"i":
        return INT8 if size == 1 else INT16 if size == 2 else INT32 if size == 4 else INT64
    return UINT8 if size == 1 else UINT16 if size == 2 else UINT32 if size == 4 else UINT64


cdef inline source source_of(cnp.ndarray array) noexcept:
    """A row source over the last axis of an array."""
    cdef source s
    s.data = cnp.PyArray_BYTES(array)
    s.stride = cnp.PyArray_STRIDE(array, cnp.PyArray_NDIM(array) - 1)
    s.size = cnp.PyArray_ITEMSIZE(array)
    s.type = kind_of(array)
    s.swapped = cnp.PyArray_ISBYTESWAPPED(array)
    s.plain = not s.swapped and cnp.PyArray_ISALIGNED(array)
    s.direct = s.plain and s.stride == s.size
    s.logarithm = False
    s.top = 0.0
    s.scale = 1.0
    s.divisor = 1.0
    return s


cdef inline void begin(walk* w, cnp.ndarray like, int axes) noexcept:
    """Walk over the first axes of arrays of the shape of ``like``."""
    cdef int a, array
    w.axes = axes
    w.rows = 1
    for a in range(axes):
        w.shape[a] = cnp.PyArray_DIM(like, a)
        w.rows *= w.shape[a]
        w.index[a] = 0
        for array in range(ARRAYS):
            w.strides[a][array] = 0
    for array in range(ARRAYS):
        w.at[array] = NULL


cdef inline void order_axes(walk* w, int array) noexcept:
    """Walk over an array in the order in which it lies in memory, the shortest step last."""
    cdef int a, b, other
    for a in range(1, w.axes):
        b = a
        while b > 0 and abs(w.strides[b - 1][array]) < abs(w.strides[b][array]):
            w.shape[b - 1], w.shape[b] = w.shape[b], w.shape[b - 1]
            for other in range(ARRAYS):
                w.strides[b - 1][other], w.strides[b][other] = (
                    w.strides[b][other], w.strides[b - 1][other])
            b -= 1


cdef inline void join_axes(walk* w) noexcept:
    """Make one axis of two where every array lies as if they were one."""
    cdef int a = 0, b, array
    cdef bint one
    while a + 1 < w.axes:
        one = True
        for array in range(ARRAYS):
            one = one and w.strides[a][array] == w.shape[a + 1] * w.strides[a + 1][array]
        if not (one or w.shape[a] == 1 or w.shape[a + 1] == 1):
            a += 1
            continue
        if w.shape[a + 1] != 1:
            w.strides[a] = w.strides[a + 1]
        w.shape[a] *= w.shape[a + 1]
        w.axes -= 1
        for b in range(a + 1, w.axes):
            w.shape[b] = w.shape[b + 1]
            w.strides[b] = w.strides[b + 1]


cdef inline void take_along(walk* w, int array, cnp.ndarray given) noexcept:
    cdef int a
    w.at[array] = cnp.PyArray_BYTES(given)
    for a in range(w.axes):
        w.strides[a][array] = cnp.PyArray_STRIDE(given, a)


cdef inline void go_to(walk* w, Py_ssize_t row) noexcept:
    """Walk from the beginning to a row, which there is."""
    cdef int a = w.axes - 1, array
    while a >= 0 and row > 0:
        w.index[a] = row % w.shape[a]
        row //= w.shape[a]
        for array in range(ARRAYS):
            w.at[array] += w.index[a] * w.strides[a][array]
        a -= 1


cdef inline Py_ssize_t step(const walk* w, int array) noexcept nogil:
    """Bytes from a row to the next one, as long as they are in line."""
    return w.strides[w.axes - 1][array] if w.axes else 0


cdef inline Py_ssize_t in_line(const walk* w) noexcept nogil:
    """How many rows are left along the last axis."""
    return w.shape[w.axes - 1] - w.index[w.axes - 1] if w.axes else 1


cdef inline void go_on(walk* w, Py_ssize_t rows) noexcept nogil:
    """Walk on over rows in line, and from the end of an axis to the next one's."""
    cdef int a = w.axes - 1, array
    while a >= 0:
        w.index[a] += rows
        for array in range(ARRAYS):
            w.at[array] += rows * w.strides[a][array]
        if w.index[a] < w.shape[a]:
            return
        w.index[a] = 0
        for array in range(ARRAYS):
            w.at[array] -= w.shape[a] * w.strides[a][array]
        a -= 1
        rows = 1
