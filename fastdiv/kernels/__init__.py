"""The compiled row kernels, one module per instruction set, all from ``_kernels.pyx``."""

from importlib.util import find_spec

if find_spec(f"{__name__}._cpu") is None:
    raise ImportError(
        f"{__path__[0]} holds sources without their compiled modules: Python found a checkout of "
        "fastdiv before the installed one. Start it in another folder, or compile the modules in "
        "this one with: pip install -e ."
    )
