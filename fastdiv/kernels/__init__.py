"""The compiled row kernels, one module per instruction set, all from ``_kernels.pyx``."""
