"""Pairs of rows of logits that are apart by a constant, and beside it by next to nothing."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from measure import CALLS, check
from sweeps import Rows

OF_PAIRS = [
    call
    for call in CALLS
    if call.name in ("kl_divergence_from_logits", "js_divergence_from_logits", "compare")
]
# Short rows, rows of one block, and of several.
CLASSES = (2, 3, 7, 40, 130, 230, 1025)


def shifted(c: int, dtype: Any) -> Iterator[Rows]:
    """Rows and what a shift makes of them: mostly the roundings alone are the divergence."""
    rng = np.random.default_rng(c)
    for shift in (0.3, -1, 20, -400, 8e3, -6e4):
        for spread in (0.5, 2, 6) if c < 1000 else (2,):
            for _ in range(60 if c < 5 else 8 if c < 10 else 2 if c < 200 else 1):
                x = (spread * rng.normal(size=c)).astype(dtype)
                # No number of the type, so that the offset has a rest.
                z = (x + shift * rng.uniform(0.5, 1)).astype(dtype)
                how = f"{c} classes, shift {shift}: {x[:3]}, {z[:3]}"
                yield Rows(x, z, x, z, how, int(rng.integers(c)))


@pytest.mark.parametrize("c", CLASSES)
@pytest.mark.parametrize("call", OF_PAIRS, ids=str)
def test_error_in_ulp(call, c, dtype):
    if dtype == np.float64 and call.field in ("total_variation", "delta_p"):
        pytest.skip("of doubles these keep fewer digits: docs/accuracy.md says so")
    check(call, shifted(c, dtype), dtype)


# What two floats of the offset lost: up to 163, 62, 129, 42 and 126 ulp.
LOST = (
    ([-386.59564208984375, -387.4090576171875], [-0.0318756103515625, -0.8452913165092468]),
    ([-0.3026888072490692, -0.25196805596351624], [-41117.91015625, -41117.859375]),
    ([-0.024246692657470703, -0.003346055280417204], [0.33299553394317627, 0.3538961708545685]),
    ([-0.1574798822402954, -0.702390730381012], [-7893.23095703125, -7893.77587890625]),
    ([-1.0119611024856567, -5.909772872924805], [-4953.853515625, -4958.7509765625]),
)


@pytest.mark.parametrize("pair", LOST, ids=str)
@pytest.mark.parametrize("call", OF_PAIRS, ids=str)
def test_rows_whose_digits_were_lost(call, pair):
    x, z = map(np.float32, pair)
    check(call, [Rows(x, z, x, z, "", 0), Rows(z, x, z, x, "the other way", 0)], np.float32)


DELTA_P = next(call for call in OF_PAIRS if call.field == "delta_p")


@pytest.mark.parametrize("gap", [15, 25, 30, 35, 50])
@pytest.mark.parametrize("offset", [0, 1, 100, 1e6])
@pytest.mark.parametrize("c", [2, 7, 130, 1025])
def test_delta_p_of_confident_rows(c, offset, gap, dtype):
    # With the gap in the offset's second number it was up to 7e15 ulp off in float64.
    rng = np.random.default_rng([c, gap])

    def confident(offset):
        x = rng.normal(size=c) - gap
        x[1] += gap
        return (x + offset * rng.normal()).astype(dtype)

    rows = []
    for _ in range(12 if c < 10 else 2):
        x, z = confident(0), confident(offset)
        rows.append(Rows(x, z, x, z, f"{x[:2]}, {z[:2]}", 1))
    check(DELTA_P, rows, dtype)


@pytest.mark.parametrize(
    "pair",
    [
        ([0.3, -69.9], [3.1, -67.2]),
        ([-0.7, -45.2], [2.45, -41.949999999999996]),
        (
            [-0.2802374046577716, -9.436148271347506],
            [-442.6571801765067, -451.81309104319644],
        ),
        (
            [-1656568.6159475718, -1656625.3329813774],
            [-5017804.613693666, -5017861.327779659],
        ),
    ],
    ids=str,
)
def test_delta_p_of_a_pair_whose_digits_were_lost(pair):
    x, z = map(np.float64, pair)
    check(DELTA_P, [Rows(x, z, x, z, "", 0), Rows(x, z, x, z, "", 1)], np.float64)
