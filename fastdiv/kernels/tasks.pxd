"""What a row function is told: one row's data, as they lie in memory, and its options."""

from fastdiv.kernels.arithmetic cimport real
from fastdiv.kernels.segments cimport SEGMENT, split
from fastdiv.kernels.temperatures cimport temperature

cdef enum kind:
    INT8
    UINT8
    INT16
    UINT16
    INT32
    UINT32
    INT64
    UINT64
    FLOAT16
    BFLOAT16
    FLOAT32
    FLOAT64

ctypedef struct source:
    const char* data        # the row's first element
    Py_ssize_t stride       # bytes from one class to the next
    Py_ssize_t size         # bytes of an element
    kind type
    bint swapped            # the other byte order
    bint plain              # native order, aligned, the elements as they are
    bint direct             # and contiguous
    bint logarithm          # the elements are weights, of which the logarithms are taken
    double top              # logarithms and, with a divisor, logits count from this element
    double scale            # multiply by this power of two
    double divisor          # and divide by this

cdef enum:
    # Numbers of a row at most, where they are several.
    COLUMNS = 8

ctypedef struct columns:
    # Where several numbers of a row go: to arrays of their own, see columns.pxd.
    const char* first       # the array that ``out`` of a task walks over
    Py_ssize_t size         # bytes of its elements
    char* at[COLUMNS]       # NULL: not asked for
    kind type[COLUMNS]

ctypedef struct task:
    # One row's work: everything a row function may look at.
    source p                # the true row, or the only one
    source q                # the predicted row
    char* out               # where a function that makes a row writes it
    Py_ssize_t out_stride
    kind out_type
    bint out_aligned
    const columns* columns  # where a function makes several numbers, else NULL
    Py_ssize_t c            # classes
    Py_ssize_t label        # -1 where the truth is a row
    bint normalize          # divide probability rows by their sums
    bint blended            # the target is weight * ((1 - smoothing) * p + smoothing / c)
    double smoothing
    const double* weight    # one per class, or NULL
    double even_share       # smoothing / c, summed up with those weights
    bint warm               # q is to be divided by a temperature, of either type
    temperature in_f32
    temperature in_f64
    split pieces            # for rows of several segments
    void* room              # for what is kept of long rows, see kept.pxd, or NULL
    bint again              # floats, in double: what floats have told of them stays
    # Whether rows before this one had sums far apart: a hint that row functions leave to those who
    # come after them in a call, and no bit hangs on. See weight_pairs.pxd.
    bint* unequal


cdef inline const temperature* temperature_for(const task* t, const real* like) noexcept nogil:
    """That of a task, in the type computed in; NULL: 1."""
    if not t.warm:
        return NULL
    return &t.in_f32 if real is float else &t.in_f64


cdef inline void* room_of_segments(const task* t, void* one) noexcept nogil:
    """Where the segments of a row put what they make: ``one`` has room for that of a single one."""
    return one if t.c <= SEGMENT else t.pieces.room


cdef inline bint expects_unequal(const task* t) noexcept nogil:
    """Whether the sums of a pair are to be taken first."""
    return t.normalize and t.unequal[0]


cdef inline double cooled(const task* t, double gap) noexcept nogil:
    """A difference of logits, divided by the temperature."""
    return gap / t.in_f64.value if t.warm else gap
