"""The two types of 16 bits, widened without a rounding: IEEE's float16, and bfloat16."""

from libc.stdint cimport uint16_t, uint32_t
from libc.string cimport memcpy

from fastdiv.kernels.math cimport bits32, float_of

cdef extern from *:
    """
    #include <stdint.h>
    typedef struct { uint16_t bits; } fastdiv_float16;
    typedef struct { uint16_t bits; } fastdiv_bfloat16;

    /* The processor's own instruction, which gcc does not find: 50 billion numbers a second, where
       vector code of from_float16 reaches 19, and the kernels take 8. */
    #if defined(__F16C__)
    #include <immintrin.h>
    #define FASTDIV_F16C 1
    static inline void fastdiv_eight_float16(const char* from, float* to) {
        _mm256_storeu_ps(to, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i*)from)));
    }
    #else
    #define FASTDIV_F16C 0
    static inline void fastdiv_eight_float16(const char* from, float* to) { (void)from; (void)to; }
    #endif
    """
    ctypedef struct float16 "fastdiv_float16":
        uint16_t bits
    ctypedef struct bfloat16 "fastdiv_bfloat16":
        uint16_t bits
    const bint F16C "FASTDIV_F16C"
    void eight_float16 "fastdiv_eight_float16"(const char* at, float* to) noexcept nogil


cdef inline float from_bfloat16(uint16_t half) noexcept nogil:
    """bfloat16 is the upper half of a float32."""
    return float_of(<uint32_t>half << 16)


cdef inline float from_float16(uint16_t half) noexcept nogil:
    cdef uint32_t size = half & 0x7fff
    # Its bits, moved to float32's places, are those of the number times 2^-112.
    cdef uint32_t bits = bits32(float_of(size << 13) * <float>(2.0 ** 112))
    bits |= <uint32_t>0x7f800000 if size >= 0x7c00 else <uint32_t>0
    return float_of(bits | <uint32_t>(half & 0x8000) << 16)


cdef inline void float16_row(const char* at, Py_ssize_t n, float* block) noexcept nogil:
    """n numbers that lie side by side."""
    cdef Py_ssize_t j, whole = n - n % 8 if F16C else 0
    cdef uint16_t half = 0
    for j in range(0, whole, 8):
        eight_float16(at + 2 * j, block + j)
    for j in range(whole, n):
        memcpy(&half, at + 2 * j, 2)
        block[j] = from_float16(half)
