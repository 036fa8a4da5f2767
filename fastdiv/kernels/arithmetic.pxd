"""The two types, the fused multiply-add, and constants."""

ctypedef fused real:
    float
    double

cdef extern from "math.h" nogil:
    # With FMA in the instruction set the compiler makes one instruction of these; without, libm's
    # call is exact too: the bits stay the same and only the baseline module is slow.
    float fmaf(float a, float b, float c) noexcept
    double _fma "fma"(double a, double b, double c) noexcept
    double ldexp(double x, int n) noexcept
    const double INFINITY
    const double NAN

cdef extern from *:
    """
    /* ln 2 = HI + LO to twice the working precision; X_LN2_HI has 32 bits, so that a
       binary exponent times it is exact. */
    #define FASTDIV_LN2_HI 0.69314718055994531
    #define FASTDIV_LN2_LO 2.3190468138462996e-17
    #define FASTDIV_X_LN2_HI 0.693147180369123816490
    #define FASTDIV_X_LN2_LO 1.90821492927058770002e-10
    #define FASTDIV_LN2_HI_F 0.693147182464599609375f
    #define FASTDIV_LN2_LO_F (-1.904654299957768e-09f)
    #define FASTDIV_LOG2E 1.4426950408889634
    #define FASTDIV_LOG2E_F 1.44269504f
    /* 1.5 * 2^(p-1): adding it rounds to an integer, which then stands in the low bits. */
    #define FASTDIV_ROUNDER 6755399441055744.0
    #define FASTDIV_ROUNDER_F 12582912.0f
    /* A logit that pads a tail: of probability 0, and with a finite difference. */
    #define FASTDIV_PADDING (-3e38)
    """
    const double LN2_HI "FASTDIV_LN2_HI"
    const double LN2_LO "FASTDIV_LN2_LO"
    const double X_LN2_HI "FASTDIV_X_LN2_HI"
    const double X_LN2_LO "FASTDIV_X_LN2_LO"
    const float LN2_HI_F "FASTDIV_LN2_HI_F"
    const float LN2_LO_F "FASTDIV_LN2_LO_F"
    const double LOG2E "FASTDIV_LOG2E"
    const float LOG2E_F "FASTDIV_LOG2E_F"
    const double ROUNDER "FASTDIV_ROUNDER"
    const float ROUNDER_F "FASTDIV_ROUNDER_F"
    const double PADDING "FASTDIV_PADDING"

cdef extern from *:
    """
    #if defined(_MSC_VER) && (defined(_M_X64) || defined(_M_IX86))
    #include <intrin.h>
    #define fastdiv_prefetch(at) _mm_prefetch((const char*)(at), _MM_HINT_T0)
    #define fastdiv_prefetch_second(at) _mm_prefetch((const char*)(at), _MM_HINT_T1)
    #elif defined(_MSC_VER)
    #include <intrin.h>
    #define fastdiv_prefetch(at) __prefetch(at)
    #define fastdiv_prefetch_second(at) __prefetch(at)
    #else
    #define fastdiv_prefetch(at) __builtin_prefetch(at)
    #define fastdiv_prefetch_second(at) __builtin_prefetch(at, 0, 2)
    #endif
    """
    # A hint: any address will do, in an array or past its end.
    void prefetch "fastdiv_prefetch"(const void* at) noexcept nogil
    # To the second cache: what is on its way to the first takes one of the few places (24 on Zen 4)
    # of what a processor waits for until it is there, which is as long as memory takes.
    void prefetch_second "fastdiv_prefetch_second"(const void* at) noexcept nogil

cdef extern from *:
    """
    /* Conversions go to the units that add, and in sums of floats leave those that multiply idle.
       gcc makes no addition of it, and the sum is the same. */
    static inline double fastdiv_added(double a, double b) {
    #if defined(__GNUC__) && defined(__FMA__)
        return __builtin_fma(a, 1.0, b);
    #else
        return a + b;
    #endif
    }
    """
    double added "fastdiv_added"(double a, double b) noexcept nogil

cdef enum:
    # Exponentials are kept multiplied by 2^EXP_SCALE, so that the smallest number of the type can
    # still be a sum of them, and nothing is subnormal on the way.
    EXP_SCALE_F32 = 32
    EXP_SCALE_F64 = 128


cdef inline bint finite(double x) noexcept nogil:
    return -INFINITY < x < INFINITY


cdef inline real fma(real a, real b, real c) noexcept nogil:
    if real is float:
        return fmaf(a, b, c)
    else:
        return _fma(a, b, c)
