"""Exponentials of a set of lanes.

x = n step + t, exp(x) = 2^(n / each) exp(t). Of doubles a step is ln 2; of floats an eighth of it,
with a table of the eight powers of 2^(1/8), which is one register: a polynomial of three
multiply-adds in place of six. What the powers are rounded by is in a second table, and goes in
where the polynomial has a constant anyway. Without a branch; the only fused multiply-adds are the
explicit ones, so that every instruction set gives the same bits.
"""

from fastdiv.kernels.arithmetic cimport (
    LN2_HI, LN2_HI_F, LN2_LO, LN2_LO_F, LOG2E, LOG2E_F, ROUNDER, ROUNDER_F, fma, real,
)
from fastdiv.kernels.lanes cimport MAX_LANES
from fastdiv.kernels.math cimport bits64, double_of
from fastdiv.kernels.polynomials cimport exp_eighth, exp_head, exp_rest

cdef extern from *:
    """
    #include <stdint.h>
    #include <string.h>
    /* The bits of 2^(k/8) / 2^127, less k as it stands in the bits of what is looked up. */
    static const uint32_t fastdiv_powers[8] = {
        0, 0x3f8b95c2 - 0x3f900000, 0x3f9837f0 - 0x3fa00000, 0x3fa5fed7 - 0x3fb00000,
        0x3fb504f3 - 0x3fc00000, 0x3fc5672a - 0x3fd00000, 0x3fd744fd - 0x3fe00000,
        0x3feac0c7 - 0x3ff00000};
    /* What 2^(k/8) is over these, less 1, and the constant of the polynomial, which is not 1. */
    static const float fastdiv_missing[8] = {
        -1.8627329012588234e-08f, -3.0619485613669895e-08f, 1.3306851620598081e-08f,
        -4.961804833669703e-08f, -1.5130576791477779e-09f, -1.339399435806854e-08f,
        -3.334693587930815e-08f, -2.4755589578262516e-08f};
    /* b: n in their low bits. n is 16 or 32. The compilers make no permutation of a look-up. */
    #if defined(__AVX512F__)
    #include <immintrin.h>
    static inline void fastdiv_look_up(const float* b, float* power, float* missing, int n) {
        __m512i powers = _mm512_castps_si512(
            _mm512_broadcast_f32x8(_mm256_loadu_ps((const float*)fastdiv_powers)));
        __m512 rest = _mm512_broadcast_f32x8(_mm256_loadu_ps(fastdiv_missing));
        for (int i = 0; i < n; i += 16) {
            __m512i k = _mm512_castps_si512(_mm512_loadu_ps(b + i));
            _mm512_storeu_ps(power + i, _mm512_castsi512_ps(_mm512_add_epi32(
                _mm512_slli_epi32(k, 20), _mm512_permutexvar_epi32(k, powers))));
            _mm512_storeu_ps(missing + i, _mm512_permutexvar_ps(k, rest));
        }
    }
    #elif defined(__AVX2__)
    #include <immintrin.h>
    static inline void fastdiv_look_up(const float* b, float* power, float* missing, int n) {
        __m256i powers = _mm256_castps_si256(_mm256_loadu_ps((const float*)fastdiv_powers));
        __m256 rest = _mm256_loadu_ps(fastdiv_missing);
        for (int i = 0; i < n; i += 8) {
            __m256i k = _mm256_castps_si256(_mm256_loadu_ps(b + i));
            _mm256_storeu_ps(power + i, _mm256_castsi256_ps(_mm256_add_epi32(
                _mm256_slli_epi32(k, 20), _mm256_permutevar8x32_epi32(powers, k))));
            _mm256_storeu_ps(missing + i, _mm256_permutevar8x32_ps(rest, k));
        }
    }
    #elif defined(__aarch64__) && defined(__ARM_NEON)
    #include <arm_neon.h>
    static inline void fastdiv_look_up(const float* b, float* power, float* missing, int n) {
        uint8x16x2_t powers, rest;
        powers.val[0] = vreinterpretq_u8_u32(vld1q_u32(fastdiv_powers));
        powers.val[1] = vreinterpretq_u8_u32(vld1q_u32(fastdiv_powers + 4));
        rest.val[0] = vreinterpretq_u8_f32(vld1q_f32(fastdiv_missing));
        rest.val[1] = vreinterpretq_u8_f32(vld1q_f32(fastdiv_missing + 4));
        for (int i = 0; i < n; i += 4) {
            uint32x4_t k = vreinterpretq_u32_f32(vld1q_f32(b + i));
            /* The four bytes of entry k. */
            uint8x16_t at = vreinterpretq_u8_u32(vmlaq_n_u32(
                vdupq_n_u32(0x03020100), vandq_u32(k, vdupq_n_u32(7)), 0x04040404));
            vst1q_f32(power + i, vreinterpretq_f32_u32(vaddq_u32(
                vshlq_n_u32(k, 20), vreinterpretq_u32_u8(vqtbl2q_u8(powers, at)))));
            vst1q_f32(missing + i, vreinterpretq_f32_u8(vqtbl2q_u8(rest, at)));
        }
    }
    #else
    static inline void fastdiv_look_up(const float* b, float* power, float* missing, int n) {
        for (int i = 0; i < n; i++) {
            uint32_t k;
            memcpy(&k, b + i, 4);
            missing[i] = fastdiv_missing[k & 7];
            k = (k << 20) + fastdiv_powers[k & 7];
            memcpy(power + i, &k, 4);
        }
    }
    #endif
    """
    void look_up "fastdiv_look_up"(
        const float* b, float* power, float* missing, int n) noexcept nogil


cdef inline double steps_each(const real* like) noexcept nogil:
    """How many steps there are to an octave."""
    return 8 if real is float else 1


cdef inline real rounder_for(double bias, const real* like) noexcept nogil:
    """What rounds a number of steps to an integer n by being added to it, of which the low bits are
    then those of an exponent n + bias. |bias| < 2^19 (float), 2^51 (double)."""
    return <real>((ROUNDER_F if real is float else ROUNDER) + steps_each(like) * bias)


cdef inline real reduced(
    real z, real rate, real step, real step_low, real rounder, real* b
) noexcept nogil:
    """t in z = n step + t, of a step that is a sum of two and ``rate`` of them to 1; n in the low
    bits of b."""
    cdef real n
    b[0] = fma(z, rate, rounder)
    n = b[0] - rounder
    return fma(n, -step_low, fma(n, -step, z))


cdef inline real exp_reduced(
    real x, real shift, real low, real rounder, bint shifted, real* b
) noexcept nogil:
    """t, and n in the low bits of b, for exp_made. Not shifted: the shift is 0.

    x is reduced directly, x - shift = n step + t, and not x minus the row's maximum: that
    difference would be rounded, which at a gap of 60 is 30 u of the result. NaN in, NaN out.
    """
    cdef real z = x - shift if shifted else x
    z = low if z < low else z
    if real is float:
        return reduced(z, <real>8 * LOG2E_F, <real>0.125 * LN2_HI_F, <real>0.125 * LN2_LO_F,
                       rounder, b)
    else:
        return reduced(z, LOG2E, LN2_HI, LN2_LO, rounder, b)


cdef inline void exp_made(const real* t, const real* b, real* e, Py_ssize_t width) noexcept nogil:
    """2^EXP_SCALE exp(x - reference) of lanes, see ``reference`` in logits.pxd, from what
    exp_reduced made of them; next to nothing below the range, 0 at its end.

    Each step for all lanes: one register after the other is too long a chain for the processor to
    keep enough of them in flight (log-sum-exp of 1000 classes, AVX2, float32 2.07 > 2.25, float64
    0.79 > 0.91 Gel/s).
    """
    cdef real power[MAX_LANES]
    cdef real part[MAX_LANES]
    cdef Py_ssize_t lane
    if real is float:
        look_up(b, <float*>power, <float*>part, <int>width)
        for lane in range(width):
            e[lane] = fma(power[lane], exp_eighth(t[lane], part[lane]), power[lane])
    else:
        for lane in range(width):
            power[lane] = double_of(bits64(b[lane]) << 52)
        for lane in range(width):
            part[lane] = exp_head(t[lane])
        for lane in range(width):
            e[lane] = fma(t[lane] * power[lane], exp_rest(t[lane], part[lane]), power[lane])


cdef inline void exp_lanes(
    const real* x, real shift, real low, real rounder, bint shifted, real* e, Py_ssize_t width
) noexcept nogil:
    """The same of lanes of one row."""
    cdef real t[MAX_LANES]
    cdef real b[MAX_LANES]
    cdef Py_ssize_t lane
    for lane in range(width):
        t[lane] = exp_reduced(x[lane], shift, low, rounder, shifted, &b[lane])
    exp_made(<const real*>t, <const real*>b, e, width)


cdef inline void exp_column(
    const real* x, const real* low, const real* rounder, real* e, Py_ssize_t width
) noexcept nogil:
    """The same of a lane for each row, each with its own reference; none is shifted."""
    cdef real t[MAX_LANES]
    cdef real b[MAX_LANES]
    cdef Py_ssize_t lane
    for lane in range(width):
        t[lane] = exp_reduced(x[lane], <real>0, low[lane], rounder[lane], False, &b[lane])
    exp_made(<const real*>t, <const real*>b, e, width)


cdef inline double exp_double(double x, double low, double rounder) noexcept nogil:
    """The same of one double."""
    cdef double b
    cdef double t = exp_reduced(x, <double>0, low, rounder, False, &b)
    cdef double power = double_of(bits64(b) << 52)
    return fma(t * power, exp_rest(t, exp_head(t)), power)
