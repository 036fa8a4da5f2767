"""Rows as they lie in memory, handed out in blocks of the type the kernel computes in.

A block of native, contiguous, aligned elements is used where it is. Anything else – another type,
stride, byte order or alignment, or a row to be divided by a number first – is converted block by
block into a buffer of the caller: no copy of the array is ever made.
"""

from libc.stdint cimport (
    int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t,
)
from libc.string cimport memcpy

from fastdiv.kernels.apart cimport apart
from fastdiv.kernels.arithmetic cimport INFINITY, NAN, finite, real
from fastdiv.kernels.halves cimport bfloat16, float16, float16_row
from fastdiv.kernels.items cimport gather_every, gather_far, item
from fastdiv.kernels.lanes cimport MAX_BLOCK, block_max, block_size, lanes
from fastdiv.kernels.math cimport bits64, double_of
from fastdiv.kernels.scalars cimport log_lane, log_quotient, log_quotient_lane
from fastdiv.kernels.segments cimport split
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

ctypedef void (*convert_f32)(const source*, Py_ssize_t, Py_ssize_t, float*) noexcept nogil
ctypedef void (*convert_f64)(const source*, Py_ssize_t, Py_ssize_t, double*) noexcept nogil

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


cdef inline const temperature* temperature_for(const task* t, const real* like) noexcept nogil:
    """That of a task, in the type computed in; NULL: 1."""
    if not t.warm:
        return NULL
    return &t.in_f32 if real is float else &t.in_f64


cdef inline double cooled(const task* t, double gap) noexcept nogil:
    """A difference of logits, divided by the temperature."""
    return gap / t.in_f64.value if t.warm else gap


cdef inline void gather(
    const source* s, Py_ssize_t k, Py_ssize_t n, real* block, const item* like
) noexcept nogil:
    """Elements k .. k + n of a row of ``like``'s type, converted."""
    cdef const char* at = s.data + k * s.stride
    cdef Py_ssize_t size = sizeof(item)
    if s.swapped and s.stride == size:
        gather_every(at, size, n, block, like, True)
    elif s.swapped:
        gather_every(at, s.stride, n, block, like, True)
    elif s.stride == size:
        if item is float16 and real is float:
            float16_row(at, n, block)
        else:
            gather_every(at, size, n, block, like, False)
    else:
        gather_far(at, s.stride, n, block, like)


cdef inline double kept(double made, double of) noexcept nogil:
    """What a number was made into by positive factors; the smallest one where it would vanish: a
    weight that is there must still be there where q is 0."""
    return double_of(bits64(made) | <uint64_t>((made == 0) & (of != 0)))


cdef inline void take_logarithms(real* block, Py_ssize_t n, double top) noexcept nogil:
    """log_quotient of the elements and ``top``, which is the largest, or 0: logarithms."""
    cdef double quotient[MAX_BLOCK]
    cdef bint far = False
    cdef Py_ssize_t j
    if top == 0:
        for j in range(n):
            block[j] = <real>log_lane(<double>block[j])
        return
    for j in range(n):
        quotient[j] = <double>block[j] / top
        far = far | ((block[j] > 0) & (quotient[j] <= 1e-290))
    if far:
        for j in range(n):
            if quotient[j] > 1e-290:
                block[j] = <real>log_quotient_lane(<double>block[j], top, quotient[j])
            else:
                block[j] = <real>log_quotient(<double>block[j], top)
    else:
        for j in range(n):
            block[j] = <real>log_quotient_lane(<double>block[j], top, quotient[j])


cdef inline void divide(
    real* block, Py_ssize_t n, double top, double scale, double divisor
) noexcept nogil:
    cdef double x
    cdef Py_ssize_t j
    for j in range(n):
        # The difference first: of rounded quotients it would be off by their size.
        x = <double>block[j] - top
        block[j] = <real>kept(x * scale / divisor, x)


cdef inline void convert(const source* s, Py_ssize_t k, Py_ssize_t n, real* block) noexcept nogil:
    """Elements k .. k + n of a row of any type, in the type computed in."""
    if s.type == FLOAT32:
        gather(s, k, n, block, <const float*>NULL)
    elif s.type == FLOAT64:
        gather(s, k, n, block, <const double*>NULL)
    elif s.type == FLOAT16:
        gather(s, k, n, block, <const float16*>NULL)
    elif s.type == BFLOAT16:
        gather(s, k, n, block, <const bfloat16*>NULL)
    elif s.type == INT64:
        gather(s, k, n, block, <const int64_t*>NULL)
    elif s.type == UINT64:
        gather(s, k, n, block, <const uint64_t*>NULL)
    elif s.type == INT32:
        gather(s, k, n, block, <const int32_t*>NULL)
    elif s.type == UINT32:
        gather(s, k, n, block, <const uint32_t*>NULL)
    elif s.type == INT16:
        gather(s, k, n, block, <const int16_t*>NULL)
    elif s.type == UINT16:
        gather(s, k, n, block, <const uint16_t*>NULL)
    elif s.type == INT8:
        gather(s, k, n, block, <const int8_t*>NULL)
    else:
        gather(s, k, n, block, <const uint8_t*>NULL)
    if s.logarithm:
        take_logarithms(block, n, s.top)
    if s.divisor != 1.0 or s.scale != 1.0:
        divide(block, n, 0.0 if s.logarithm else s.top, s.scale, s.divisor)


cdef inline void read(const source* s, Py_ssize_t k, Py_ssize_t n, real* block) noexcept nogil:
    if real is float:
        (<convert_f32>apart(<void*>convert[float]))(s, k, n, block)
    else:
        (<convert_f64>apart(<void*>convert[double]))(s, k, n, block)


cdef inline kind native(const real* like) noexcept nogil:
    if real is float:
        return FLOAT32
    else:
        return FLOAT64


cdef inline const real* tail_of(const real* scratch) noexcept nogil:
    return scratch + block_size(scratch)


cdef inline const real* fetch(
    const source* s, Py_ssize_t k, Py_ssize_t n, real* scratch, real padding
) noexcept nogil:
    """Elements k .. k + n of a row; their padded tail is at ``tail_of(scratch)``."""
    cdef const real* x = (<const real*>s.data) + k
    cdef Py_ssize_t j, width = lanes(x), rest = n % width
    cdef real* tail = scratch + block_size(x)
    if not (s.direct and s.type == native(x)):
        read(s, k, n, scratch)
        x = scratch
    if rest:
        # One masked load; a copy of part of the lanes would stall the load that follows.
        for j in range(width):
            tail[j] = x[n - rest + j] if j < rest else padding
    return x


cdef inline void set_top(source* s, Py_ssize_t c, double* scratch) noexcept nogil:
    """Have a row that is to be divided count from its largest element."""
    cdef source plain = s[0]
    cdef double top = -INFINITY
    cdef Py_ssize_t k = 0, n
    cdef const double* x
    plain.logarithm = False
    plain.divisor = 1.0
    while k < c:
        n = min(c - k, block_size(<const double*>scratch))
        x = fetch(&plain, k, n, scratch, <double>-INFINITY)
        top = max(top, block_max(x, n, tail_of(<const double*>scratch)))
        k += n
    # An infinite logit stays what it is, and is found out; weights below 0 have no logarithms, nor
    # have their quotients.
    if s.logarithm:
        s.top = top if top >= 0 else NAN
    else:
        s.top = top if finite(top) else 0.0


cdef inline real element(const source* s, Py_ssize_t k, real like) noexcept nogil:
    """Element k of a row."""
    cdef real x = like
    read(s, k, 1, &x)
    return x


cdef inline bint takes(const task* t, const real* like) noexcept nogil:
    """Whether what is made can be written where it belongs as it is."""
    return (t.out_type == native(like) and t.out_stride == <Py_ssize_t>sizeof(real)
            and t.out_aligned)


cdef inline void store(const task* t, Py_ssize_t k, Py_ssize_t n, const real* block) noexcept nogil:
    """Write elements k .. k + n of the row that is made."""
    cdef Py_ssize_t j
    cdef float narrow
    cdef double wide
    if takes(t, block):
        memcpy(t.out + k * t.out_stride, block, n * sizeof(real))
        return
    for j in range(n):
        if t.out_type == FLOAT32:
            narrow = <float>block[j]
            memcpy(t.out + (k + j) * t.out_stride, &narrow, 4)
        else:
            wide = <double>block[j]
            memcpy(t.out + (k + j) * t.out_stride, &wide, 8)
