"""The compiled modules: one per instruction set, all from one source."""

import os
import platform
import sys
from sysconfig import get_config_var

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup

MSVC = sys.platform == "win32" and "MSC" in sys.version
CLANG = sys.platform == "darwin" or "clang" in (os.getenv("CC") or get_config_var("CC") or "")
# On macOS, ARCHFLAGS names what is compiled for.
X86_64 = platform.machine().lower() in {"x86_64", "amd64"} and "arm64" not in os.getenv(
    "ARCHFLAGS", ""
)

# Strict IEEE arithmetic: nothing is reassociated or contracted behind the source's back.
# -fno-math-errno and -fno-trapping-math change no value; they let selects become vector code. gcc
# would unroll a loop over 8 or 16 lanes before it looks for vectors, and then find none; clang has
# no such parameter and need not warn of it. Nor is gcc to make calls of memset, or "rep stos", of
# loops that clear a few lanes: that is up to half the time of an AVX2 row of 100 classes. Loops
# begin where instructions are fetched from: for tiles of short rows 1.02 to 1.08.
FLAGS = (
    ["/O2", "/fp:precise"]
    if MSVC
    else [
        *("-O3", "-g0", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off"),
        *(() if CLANG else ("-fno-tree-loop-distribute-patterns", "-falign-loops=32")),
        *("--param", "max-completely-peel-times=7", "-Wno-unused-command-line-argument"),
    ]
)
# Lane functions take flags known where they are called ("symmetric", "at_max"); only inlined do
# these become constants and the loops vector code. The compilers' own judgement is too timid.
INLINE = "__forceinline" if MSVC else "inline __attribute__((always_inline))"
DIRECTIVES = {
    "language_level": 3,
    "boundscheck": False,
    "wraparound": False,
    "cdivision": True,
    "initializedcheck": False,
    "autotestdict": False,
    "embedsignature": True,
    "freethreading_compatible": True,
}
V3 = ["/arch:AVX2"] if MSVC else ["-mavx2", "-mfma", "-mbmi", "-mbmi2", "-mf16c"]
V4 = (
    ["/arch:AVX512"]
    if MSVC
    else [
        *V3,
        *(f"-mavx512{part}" for part in ("f", "bw", "cd", "dq", "vl")),
        "-mprefer-vector-width=512",
    ]
)
# Module name -> flags. An instruction set is one line here and one in fastdiv/_dispatch.py.
# FASTDIV_BASELINE_ONLY leaves out all but the first, which are the most of the time it takes.
MODULES: dict[str, list[str]] = {"_kernels": []}
if X86_64 and not os.getenv("FASTDIV_BASELINE_ONLY"):
    MODULES |= {"_kernels_x86_64_v3": V3, "_kernels_x86_64_v4": V4}


def extension(module: str, source: str, flags: list[str]) -> Extension:
    """One compiled module; those beyond the baseline may fail to compile on an old compiler."""
    return Extension(
        f"fastdiv.kernels.{module}",
        [f"fastdiv/kernels/{source}.pyx"],
        include_dirs=[numpy.get_include()],
        define_macros=[
            ("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION"),
            ("CYTHON_INLINE", INLINE),
        ],
        extra_compile_args=FLAGS + flags,
        optional=bool(flags),
    )


def compiled(module: str, source: str, flags: list[str]) -> list[Extension]:
    """Cython writes each module's C into a folder of its own, so that one source serves all."""
    found: list[Extension] = cythonize(  # type: ignore[no-untyped-call]
        [extension(module, source, flags)],
        build_dir=f"build/cython/{module}",
        compiler_directives=DIRECTIVES,
    )
    return found


setup(
    ext_modules=[
        *compiled("_cpu", "_cpu", []),
        *compiled("_vectors", "_vectors", []),
        *(e for module, flags in MODULES.items() for e in compiled(module, "_kernels", flags)),
    ],
    # As many modules at once as there are processors: each is minutes of compiling.
    options={"build_ext": {"parallel": True}},
)
