"""Four classes of some rows to lanes, and back: as many rows as fill a register, by its own moves.

Of loops over 4 x 4 elements gcc makes a load for each of them, or a long way through the parts of a
512-bit register: for 16 floats 11 cycles, where these moves take 4.4 (turning was a third of
log-sum-exp of 100 classes). Registers of 256 bits at most: with 512 it is 4.9, as storing one takes
as long as storing two halves. Where there are none of these instructions the loops are left.
"""

from fastdiv.kernels.arithmetic cimport real

cdef extern from *:
    """
    #if defined(__AVX__)
    #include <immintrin.h>
    /* Of floats each half of a register holds four classes of a row, of doubles two. */
    #define FASTDIV_FOUR_ROWS_F32 8
    #define FASTDIV_FOUR_ROWS_F64 4
    #define fastdiv_halves_f32(a, b) \\
        _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(a)), _mm_loadu_ps(b), 1)
    #define fastdiv_halves_f64(a, b) \\
        _mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_loadu_pd(a)), _mm_loadu_pd(b), 1)

    static inline void fastdiv_turn_f32(__m256 a, __m256 b, __m256 c, __m256 d, __m256d* to) {
        __m256d low_ab = _mm256_castps_pd(_mm256_unpacklo_ps(a, b));
        __m256d high_ab = _mm256_castps_pd(_mm256_unpackhi_ps(a, b));
        __m256d low_cd = _mm256_castps_pd(_mm256_unpacklo_ps(c, d));
        __m256d high_cd = _mm256_castps_pd(_mm256_unpackhi_ps(c, d));
        to[0] = _mm256_unpacklo_pd(low_ab, low_cd);
        to[1] = _mm256_unpackhi_pd(low_ab, low_cd);
        to[2] = _mm256_unpacklo_pd(high_ab, high_cd);
        to[3] = _mm256_unpackhi_pd(high_ab, high_cd);
    }
    static inline void fastdiv_take_four_f32(
        const float* const* rows, Py_ssize_t k, float* to, Py_ssize_t step
    ) {
        __m256d turned[4];
        fastdiv_turn_f32(
            fastdiv_halves_f32(rows[0] + k, rows[4] + k),
            fastdiv_halves_f32(rows[1] + k, rows[5] + k),
            fastdiv_halves_f32(rows[2] + k, rows[6] + k),
            fastdiv_halves_f32(rows[3] + k, rows[7] + k), turned);
        for (int i = 0; i < 4; i++) _mm256_storeu_pd((double*)(to + i * step), turned[i]);
    }
    static inline void fastdiv_put_four_f32(
        const float* x, Py_ssize_t step, float* const* rows, Py_ssize_t k
    ) {
        __m256d turned[4];
        fastdiv_turn_f32(
            _mm256_loadu_ps(x), _mm256_loadu_ps(x + step), _mm256_loadu_ps(x + 2 * step),
            _mm256_loadu_ps(x + 3 * step), turned);
        for (int i = 0; i < 4; i++) {
            _mm_storeu_pd((double*)(rows[i] + k), _mm256_castpd256_pd128(turned[i]));
            _mm_storeu_pd((double*)(rows[i + 4] + k), _mm256_extractf128_pd(turned[i], 1));
        }
    }
    static inline void fastdiv_take_four_f64(
        const double* const* rows, Py_ssize_t k, double* to, Py_ssize_t step
    ) {
        for (int i = 0; i < 4; i += 2) {
            __m256d a = fastdiv_halves_f64(rows[0] + k + i, rows[2] + k + i);
            __m256d b = fastdiv_halves_f64(rows[1] + k + i, rows[3] + k + i);
            _mm256_storeu_pd(to + i * step, _mm256_unpacklo_pd(a, b));
            _mm256_storeu_pd(to + (i + 1) * step, _mm256_unpackhi_pd(a, b));
        }
    }
    static inline void fastdiv_put_four_f64(
        const double* x, Py_ssize_t step, double* const* rows, Py_ssize_t k
    ) {
        for (int i = 0; i < 4; i += 2) {
            __m256d a = _mm256_loadu_pd(x + i * step);
            __m256d b = _mm256_loadu_pd(x + (i + 1) * step);
            __m256d low = _mm256_unpacklo_pd(a, b), high = _mm256_unpackhi_pd(a, b);
            _mm_storeu_pd(rows[0] + k + i, _mm256_castpd256_pd128(low));
            _mm_storeu_pd(rows[1] + k + i, _mm256_castpd256_pd128(high));
            _mm_storeu_pd(rows[2] + k + i, _mm256_extractf128_pd(low, 1));
            _mm_storeu_pd(rows[3] + k + i, _mm256_extractf128_pd(high, 1));
        }
    }
    #else
    #define FASTDIV_FOUR_ROWS_F32 4
    #define FASTDIV_FOUR_ROWS_F64 4
    #define FASTDIV_FOURS(real, kind) \\
        static inline void fastdiv_take_four_##kind( \\
            const real* const* rows, Py_ssize_t k, real* to, Py_ssize_t step \\
        ) { \\
            for (int i = 0; i < 4; i++) \\
                for (int r = 0; r < 4; r++) to[i * step + r] = rows[r][k + i]; \\
        } \\
        static inline void fastdiv_put_four_##kind( \\
            const real* x, Py_ssize_t step, real* const* rows, Py_ssize_t k \\
        ) { \\
            for (int r = 0; r < 4; r++) \\
                for (int i = 0; i < 4; i++) rows[r][k + i] = x[i * step + r]; \\
        }
    FASTDIV_FOURS(float, f32)
    FASTDIV_FOURS(double, f64)
    #endif
    """
    const Py_ssize_t FOUR_ROWS_F32 "FASTDIV_FOUR_ROWS_F32"
    const Py_ssize_t FOUR_ROWS_F64 "FASTDIV_FOUR_ROWS_F64"
    void take_four_f32 "fastdiv_take_four_f32"(
        const float* const* rows, Py_ssize_t k, float* to, Py_ssize_t step) noexcept nogil
    void take_four_f64 "fastdiv_take_four_f64"(
        const double* const* rows, Py_ssize_t k, double* to, Py_ssize_t step) noexcept nogil
    void put_four_f32 "fastdiv_put_four_f32"(
        const float* x, Py_ssize_t step, float* const* rows, Py_ssize_t k) noexcept nogil
    void put_four_f64 "fastdiv_put_four_f64"(
        const double* x, Py_ssize_t step, double* const* rows, Py_ssize_t k) noexcept nogil


cdef inline Py_ssize_t four_rows(const real* like) noexcept nogil:
    """How many rows are turned at once."""
    return FOUR_ROWS_F32 if real is float else FOUR_ROWS_F64


cdef inline void take_four(
    const real* const* rows, Py_ssize_t k, real* to, Py_ssize_t step
) noexcept nogil:
    """Class k + i of row r to to[i * step + r]."""
    if real is float:
        take_four_f32(rows, k, to, step)
    else:
        take_four_f64(rows, k, to, step)


cdef inline void put_four(
    const real* x, Py_ssize_t step, real* const* rows, Py_ssize_t k
) noexcept nogil:
    """And back."""
    if real is float:
        put_four_f32(x, step, rows, k)
    else:
        put_four_f64(x, step, rows, k)
