"""The two types of 16 bits, widened without a rounding: IEEE's float16, and bfloat16."""

from libc.stdint cimport uint16_t, uint32_t
from libc.string cimport memcpy

cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>
    typedef struct { uint16_t bits; } fastdiv_float16;
    typedef struct { uint16_t bits; } fastdiv_bfloat16;

    static inline float fastdiv_bits_to_float(uint32_t bits) {
        float x;
        memcpy(&x, &bits, 4);
        return x;
    }

    static inline float fastdiv_from_float16(uint16_t half) {
        uint32_t size = half & 0x7fff, sign = (uint32_t)(half & 0x8000) << 16;
        uint32_t bits = size << 13;     /* of the number times 2^-112 */
        float x = fastdiv_bits_to_float(bits) * 0x1p112f;
        memcpy(&bits, &x, 4);
        if (size >= 0x7c00) bits |= 0x7f800000;
        return fastdiv_bits_to_float(bits | sign);
    }

    /* The processor's own instruction, which gcc does not find: 50 billion numbers a second, where
       the vectorised form of the function above reaches 19, and the kernels take 8. */
    #if defined(__F16C__)
    #include <immintrin.h>
    static inline void fastdiv_eight_float16(const char* from, float* to) {
        _mm256_storeu_ps(to, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i*)from)));
    }
    #else
    static inline void fastdiv_eight_float16(const char* from, float* to) {
        int i;
        uint16_t half[8];
        memcpy(half, from, 16);
        for (i = 0; i < 8; i++) to[i] = fastdiv_from_float16(half[i]);
    }
    #endif
    """
    ctypedef struct float16 "fastdiv_float16":
        uint16_t bits
    ctypedef struct bfloat16 "fastdiv_bfloat16":
        uint16_t bits
    float from_float16 "fastdiv_from_float16"(uint16_t half) noexcept nogil
    void eight_float16 "fastdiv_eight_float16"(const char* at, float* to) noexcept nogil
    float bits_to_float "fastdiv_bits_to_float"(uint32_t bits) noexcept nogil


cdef inline float from_bfloat16(uint16_t half) noexcept nogil:
    """bfloat16 is the upper half of a float32."""
    return bits_to_float(<uint32_t>half << 16)


cdef inline void float16_row(const char* at, Py_ssize_t n, float* block) noexcept nogil:
    """n numbers that lie side by side."""
    cdef Py_ssize_t j = 0
    cdef uint16_t half = 0
    while j + 8 <= n:
        eight_float16(at + 2 * j, block + j)
        j += 8
    while j < n:
        memcpy(&half, at + 2 * j, 2)
        block[j] = from_float16(half)
        j += 1
