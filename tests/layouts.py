"""How an array may lie in memory: each takes one with rows along axis 0, and copies it."""

import numpy as np


def strided(a):
    return np.repeat(a, 3, axis=-1)[..., ::3]


def reversed_twice(a):
    return np.ascontiguousarray(a[:, ::-1])[:, ::-1]


def fortran(a):
    return np.asfortranarray(a)


def swapped(a):
    return a.astype(a.dtype.newbyteorder())


def misaligned(a):
    raw = np.frombuffer(b"\0" + a.tobytes(), np.uint8)[1:]
    return raw.view(a.dtype).reshape(a.shape)


def read_only(a):
    a = a.copy()
    a.flags.writeable = False
    return a


def every_other_row(a):
    return np.repeat(a, 2, axis=0)[::2]


LAYOUTS = [strided, reversed_twice, fortran, swapped, misaligned, read_only, every_other_row]
