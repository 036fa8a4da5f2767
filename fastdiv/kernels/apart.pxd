"""What is compiled once, and not into every kernel that calls it.

Everything is inlined (setup.py). Of what is large and called once for a block or a tile that is
most of a module's code and of the time it takes to compile. The compiler cannot see what this
pointer points to, and so leaves the call a call.
"""

cdef extern from *:
    """
    #if defined(_MSC_VER)
    #define fastdiv_apart(function) ((void*)(function))
    #else
    static inline void* fastdiv_apart(void* function) {
        __asm__("" : "+r"(function));
        return function;
    }
    #endif
    """
    void* apart "fastdiv_apart"(void* function) noexcept nogil
