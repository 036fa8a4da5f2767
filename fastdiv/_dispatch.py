"""The compiled module for this processor.

``FASTDIV_ISA`` chooses another one: ``baseline``, ``x86-64-v3`` or ``x86-64-v4``. All give the same
bits; the baseline, which has no fused multiply-add, is many times slower.
"""

import importlib
import importlib.util
import os
from types import ModuleType

from fastdiv.kernels import _cpu

# Name -> (module, x86-64 level it needs), best first. An instruction set is one line here and one
# in setup.py.
MODULES = {
    "x86-64-v4": ("_kernels_x86_64_v4", 4),
    "x86-64-v3": ("_kernels_x86_64_v3", 3),
    "baseline": ("_kernels", 0),
}


def compiled() -> list[str]:
    """Return the names of the instruction sets there is a module for, best first."""
    return [
        name
        for name, (module, _) in MODULES.items()
        if importlib.util.find_spec(f"fastdiv.kernels.{module}")
    ]


def runnable() -> list[str]:
    """Return those of ``compiled()`` that this processor can run."""
    level = _cpu.x86_64_level()
    return [name for name in compiled() if level >= MODULES[name][1]]


def active() -> str:
    """Return the name of the instruction set in use."""
    return _ACTIVE


def load(name: str) -> ModuleType:
    """Import the module of an instruction set.

    Raises
    ------
    ImportError
        If there is no such set, no module for it, or the processor cannot run it.
    """
    if name not in MODULES:
        raise ImportError(f"FASTDIV_ISA={name!r}: no such instruction set; one of {list(MODULES)}")
    if name not in compiled():
        raise ImportError(
            f"FASTDIV_ISA={name!r}: fastdiv was built without it; it has {compiled()}"
        )
    if name not in runnable():
        raise ImportError(
            f"FASTDIV_ISA={name!r}: this processor cannot run it; it can run {runnable()}"
        )
    return importlib.import_module(f"fastdiv.kernels.{MODULES[name][0]}")


_ACTIVE = os.environ.get("FASTDIV_ISA") or runnable()[0]
kernels = load(_ACTIVE)
