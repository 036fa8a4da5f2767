"""What the fuzzer passes for an array."""

from typing import Any

import ml_dtypes
import numpy as np
from atheris import FuzzedDataProvider

TYPES = [
    np.dtype(name)
    for name in "f4 f8 >f4 >f8 i1 u1 i4 >i8 u8 ? f2 >f2 c8 O U1".split()  # noqa: SIM905
] + [np.dtype(ml_dtypes.bfloat16)]
NOISE = np.random.default_rng(0).bytes((1 << 16) + 8 * 5**3 * 350)
SPECIAL = (0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 5e-324, 1e-310, 1e-45, 3e38, 1.7e308)


def array(data: FuzzedDataProvider) -> Any:
    """Make an array of any type, shape and layout, or something that is none."""
    dtype = TYPES[data.ConsumeIntInRange(0, len(TYPES) - 1)]
    shape = tuple(data.ConsumeIntInRange(0, 5) for _ in range(data.ConsumeIntInRange(0, 3)))
    if data.ConsumeBool():
        # Beyond 60 to 200 classes rows leave the tiles.
        shape = (*shape, data.ConsumeIntInRange(0, 70) * (1, 1, 1, 5)[data.ConsumeIntInRange(0, 3)])
    size = int(np.prod(shape))
    if dtype.kind in "OU":
        return np.zeros(shape, dtype)
    # The fuzzer keeps its inputs short: of their bytes alone most arrays would be mostly zeros.
    length = size * dtype.itemsize
    raw = data.ConsumeBytes(min(length, 16)) + NOISE[data.ConsumeIntInRange(0, 1 << 16) :]
    made = np.frombuffer(raw[:length], dtype).reshape(shape).copy()
    if dtype == "?":
        made = made.view("u1") % 2 == 1
    kind = data.ConsumeIntInRange(0, 9)
    if kind < 5 and dtype.kind == "f" and size:
        made = (np.abs(made.astype("f4") % 8)).astype(dtype) if kind < 3 else made
        for _ in range(data.ConsumeIntInRange(0, 3)):
            made.flat[data.ConsumeIntInRange(0, size - 1)] = SPECIAL[
                data.ConsumeIntInRange(0, len(SPECIAL) - 1)
            ]
    if made.ndim and kind == 5:
        made = np.repeat(made, 2, -1)[..., ::2]
    elif made.ndim and kind == 6:
        made = made[..., ::-1]
    elif kind == 7:
        made = np.asfortranarray(made)
    elif made.ndim and kind == 8:
        made = np.broadcast_to(made[..., :1], made.shape)
    elif kind == 9:
        return made.tolist()
    return made


def plain(value: Any) -> Any:
    """Copy an array to native byte order and C order."""
    if not isinstance(value, np.ndarray) or value.dtype.kind in "OU":
        return value
    return np.array(value, value.dtype.newbyteorder("="), order="C")
