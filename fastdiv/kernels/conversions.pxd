"""Elements of any type, stride, byte order or alignment, in the type the kernel computes in."""

from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from fastdiv.kernels.apart cimport apart
from fastdiv.kernels.arithmetic cimport real
from fastdiv.kernels.halves cimport bfloat16, float16, float16_row
from fastdiv.kernels.items cimport gather_every, gather_far, item
from fastdiv.kernels.lanes cimport MAX_BLOCK
from fastdiv.kernels.math cimport bits64, double_of
from fastdiv.kernels.scalars cimport log_lane, log_quotient, log_quotient_lane
from fastdiv.kernels.tasks cimport (
    BFLOAT16, FLOAT16, FLOAT32, FLOAT64, INT8, INT16, INT32, INT64, UINT16, UINT32, UINT64, source,
)

ctypedef void (*convert_f32)(const source*, Py_ssize_t, Py_ssize_t, float*) noexcept nogil
ctypedef void (*convert_f64)(const source*, Py_ssize_t, Py_ssize_t, double*) noexcept nogil


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
