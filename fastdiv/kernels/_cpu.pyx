"""Which level of the x86-64 instruction set this processor and its operating system can run."""

cdef extern from *:
    """
    #if (defined(__x86_64__) || defined(_M_X64)) && defined(_MSC_VER)
    #include <intrin.h>
    #include <immintrin.h>
    static int fastdiv_x86_64_level(void) {
        int r[4];
        unsigned long long saved;
        __cpuid(r, 1);
        if (!(r[2] & (1 << 27)) || !(r[2] & (1 << 12)) || !(r[2] & (1 << 29)))
            return 1;                                               /* OSXSAVE, FMA, F16C */
        saved = _xgetbv(0);                                         /* what the OS saves */
        __cpuidex(r, 7, 0);
        if ((saved & 0x06) != 0x06 || !(r[1] & (1 << 5)) || !(r[1] & (1 << 3))
            || !(r[1] & (1 << 8))) return 1;                        /* AVX2, BMI1, BMI2 */
        if ((saved & 0xe6) != 0xe6 || !(r[1] & (1 << 16)) || !(r[1] & (1 << 17))
            || !(r[1] & (1 << 28)) || !(r[1] & (1 << 30)) || !(r[1] & (1u << 31)))
            return 3;                                               /* AVX512 F DQ CD BW VL */
        return 4;
    }
    #elif defined(__x86_64__)
    static int fastdiv_x86_64_level(void) {
        __builtin_cpu_init();
        if (!(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")
              && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2")
              && __builtin_cpu_supports("f16c"))) return 1;
        if (!(__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
              && __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq")
              && __builtin_cpu_supports("avx512vl"))) return 3;
        return 4;
    }
    #else
    static int fastdiv_x86_64_level(void) { return 0; }
    #endif
    """
    int fastdiv_x86_64_level() noexcept


def x86_64_level():
    """Return 1, 3 or 4 (levels as in the System V ABI; 2 counts as 1), or 0 elsewhere."""
    return fastdiv_x86_64_level()
