"""Sums in double of what may be floats: as many doubles as a register holds, at once.

Of a loop over lanes that adds floats as doubles gcc loads whole registers of floats and moves their
upper halves before it converts them. Where every float is converted that is most of the work: sums
of the products of two blocks took 0.185 ns for each, and take 0.106 (AVX2). Each lane computes what
it would alone: no bit depends on how many there are. Here vectors of C are a number to Cython.
"""

from fastdiv.kernels.arithmetic cimport real
from fastdiv.kernels.lanes cimport MAX_LANES, lanes
from fastdiv.kernels.sum_trees cimport FINEST, tree_of

cdef extern from *:
    """
    #include <float.h>
    #if defined(__GNUC__) && defined(__AVX512F__)
    #include <immintrin.h>
    #define FASTDIV_WIDE 8
    typedef __m512d fastdiv_wide;
    #define fastdiv_wide_zero _mm512_setzero_pd
    #define fastdiv_widened(x) _mm512_cvtps_pd(_mm256_loadu_ps(x))
    #define fastdiv_two_widened(x, y) \
        _mm512_cvtps_pd(_mm256_add_ps(_mm256_loadu_ps(x), _mm256_loadu_ps(y)))
    #define fastdiv_wide_at _mm512_loadu_pd
    #define fastdiv_put_wide _mm512_storeu_pd
    #define fastdiv_add_product _mm512_fmadd_pd
    #define fastdiv_or_least(a) _mm512_max_pd(a, _mm512_set1_pd(-DBL_MAX))
    #elif defined(__GNUC__) && defined(__AVX__) && defined(__FMA__)
    #include <immintrin.h>
    #define FASTDIV_WIDE 4
    typedef __m256d fastdiv_wide;
    #define fastdiv_wide_zero _mm256_setzero_pd
    #define fastdiv_widened(x) _mm256_cvtps_pd(_mm_loadu_ps(x))
    #define fastdiv_two_widened(x, y) \
        _mm256_cvtps_pd(_mm_add_ps(_mm_loadu_ps(x), _mm_loadu_ps(y)))
    #define fastdiv_wide_at _mm256_loadu_pd
    #define fastdiv_put_wide _mm256_storeu_pd
    #define fastdiv_add_product _mm256_fmadd_pd
    #define fastdiv_or_least(a) _mm256_max_pd(a, _mm256_set1_pd(-DBL_MAX))
    #else
    #define FASTDIV_WIDE 1
    typedef double fastdiv_wide;
    #define fastdiv_wide_zero() 0.0
    #define fastdiv_widened(x) ((double)*(x))
    #define fastdiv_two_widened(x, y) ((double)(float)(*(x) + *(y)))
    #define fastdiv_wide_at(x) (*(x))
    #define fastdiv_put_wide(to, a) (*(to) = (a))
    #define fastdiv_or_least(a) ((a) > -DBL_MAX ? (a) : -DBL_MAX)
    #ifdef __aarch64__
    #define fastdiv_add_product fma
    #else
    #define fastdiv_add_product(a, b, c) ((a) * (b) + (c))
    #endif
    #endif
    """
    ctypedef double wide "fastdiv_wide"
    const Py_ssize_t WIDE "FASTDIV_WIDE"
    wide wide_zero "fastdiv_wide_zero"() noexcept nogil
    wide widened "fastdiv_widened"(const float* x) noexcept nogil
    # The sum of two floats, rounded as one.
    wide two_widened "fastdiv_two_widened"(const float* x, const float* y) noexcept nogil
    wide wide_at "fastdiv_wide_at"(const double* x) noexcept nogil
    void put_wide "fastdiv_put_wide"(double* to, wide a) noexcept nogil
    # a, or the least number there is where a is NaN.
    wide or_least "fastdiv_or_least"(wide a) noexcept nogil
    # a * b + c, where a * b is exact, as of floats: without FMA two steps, and the same bits.
    wide add_product "fastdiv_add_product"(wide a, wide b, wide c) noexcept nogil


cdef inline wide wide_of(const real* x) noexcept nogil:
    """WIDE numbers at x."""
    if real is float:
        return widened(x)
    else:
        return wide_at(x)


cdef inline wide two_of(const real* x, const real* y, int in_float) noexcept nogil:
    """WIDE sums of two numbers; of floats rounded to floats unless FINEST."""
    if real is float:
        return two_widened(x, y) if in_float != FINEST else widened(x) + widened(y)
    else:
        return wide_at(x) + wide_at(y)


cdef inline double tree_of_wide(const wide* s, const float* like) noexcept nogil:
    """``tree_of`` numbers in registers."""
    cdef double numbers[MAX_LANES]
    cdef Py_ssize_t i
    for i in range(lanes(like) // 2 // WIDE):
        put_wide(numbers + i * WIDE, s[i])
    return tree_of(<double*>numbers, like)
