"""KL of rows of logits whose blocks mislead: about the offset, the maximum, or what is masked."""

import exact
import numpy as np
import pytest
from cases import BOUNDS
from measure import Call, error
from mpmath import mp

import fastdiv

NAME = "kl_divergence_from_logits"
# Elements of a block, and those a short row has at most.
BLOCK = {np.float32: 1024, np.float64: 512}
SHORT = {np.float32: 200, np.float64: 100}


def check(xp, xq, dtype):
    xp, xq = np.asarray(xp, dtype), np.asarray(xq, dtype)
    want = exact.evaluate(NAME, xp, xq)
    got = fastdiv.kl_divergence_from_logits(xp, xq)
    found = error(Call(NAME), (xp, xq), got, want)
    assert found <= BOUNDS[NAME][dtype == np.float64], (got, mp.nstr(want, 18))
    return float(want)


@pytest.mark.parametrize("reach", [1, 30, 90, 200, 1000])
@pytest.mark.parametrize("apart", [1e-4, 0.1, 3])
def test_a_maximum_that_rises_in_every_block(reach, apart, dtype):
    rng = np.random.default_rng(reach)
    c = 5 * BLOCK[dtype] + 7
    x = np.linspace(-reach, 0, c)
    for way in (1, -1):
        check(x[::way], (x + apart * rng.normal(size=c) + 0.3)[::way], dtype)


@pytest.mark.parametrize("apart", [1e-5, 1e-2, 1.0])
@pytest.mark.parametrize("offset", [0.01, 0.7, -4, 30, -30, 300])
@pytest.mark.parametrize("block", [0, 1, 3])
def test_one_block_is_offset_otherwise(block, offset, apart, dtype):
    rng = np.random.default_rng([block, int(1 / apart)])
    size = BLOCK[dtype]
    x = 2 * rng.normal(size=3 * size + 100)
    y = x + apart * rng.normal(size=x.size)
    y[block * size : (block + 1) * size] += offset
    check(x, y, dtype)
    # And as one that counts for next to nothing.
    x[block * size : (block + 1) * size] -= 40
    y[block * size : (block + 1) * size] -= 40
    check(x, y, dtype)


@pytest.mark.parametrize("apart", [1e-5, 1e-2, 1.0])
@pytest.mark.parametrize("depth", [20, 60, 100, 1e4, 1e9])
@pytest.mark.parametrize("block", [0, 1, 3])
def test_all_the_mass_in_one_block(block, depth, apart, dtype):
    rng = np.random.default_rng([block, int(depth)])
    size = BLOCK[dtype]
    x = np.full(3 * size + 100, -float(depth))
    y = x.copy()
    if depth < 1000:
        x += rng.normal(size=x.size)
        y = x + rng.normal(size=x.size)
    held = slice(block * size, block * size + 90)
    x[held] = 3 * rng.normal(size=90)
    y[held] = x[held] + 0.37 + apart * rng.normal(size=90)
    check(x, y, dtype)


@pytest.mark.parametrize("apart", [1e-12, 1e-9, 1e-6, 1e-3, 0.1, 1, 10, 60, 250])
@pytest.mark.parametrize("width", [0.01, 1, 20])
def test_every_distance_about_the_borders_of_blocks(apart, width, dtype):
    rng = np.random.default_rng([int(1e12 * apart), int(100 * width)])
    block, short = BLOCK[dtype], SHORT[dtype]
    for c in (short, short + 1, short + 9, block - 1, block, block + 1, 2 * block, 2 * block + 33):
        x = (width * rng.normal(size=c)).astype(dtype)
        check(x, x + apart * rng.normal(size=c), dtype)
        check(x, x + apart * rng.normal(size=c) + 0.4, dtype)


@pytest.mark.parametrize("apart", [1e-5, 1e-2, 1.0, 20])
def test_one_class_that_decides(apart, dtype):
    rng = np.random.default_rng(int(1 / apart))
    block = BLOCK[dtype]
    for gap in (5, 15, 30, 60, 80):
        x = rng.normal(size=2 * block + 1)
        for place in (0, block, 2 * block):
            y = x.copy()
            y[place] = gap
            check(y, y + apart * rng.normal(size=y.size), dtype)
            # Two of them, and all the others alike.
            z = np.zeros(y.size)
            z[place], z[5] = gap, gap - 3
            check(z, z + apart * (np.arange(y.size) == place), dtype)


@pytest.mark.parametrize("masked", ["first", "middle", "last", "some"])
def test_masked_classes(masked, dtype):
    rng = np.random.default_rng(len(masked))
    size = BLOCK[dtype]
    x = 2 * rng.normal(size=3 * size + 100)
    y = x + 0.2 + 0.1 * rng.normal(size=x.size)
    place = {"first": slice(size), "middle": slice(size, 2 * size), "last": slice(2 * size, None)}
    hidden = np.zeros(x.size, bool)
    hidden[place.get(masked, slice(None))] = masked != "some" or rng.random(x.size) < 0.9
    for mask in (-np.inf, -1e30, -1e9, -1e4, float(np.finfo(dtype).min)):
        xp, xq = (np.where(hidden, mask, v) for v in (x, y))
        one = check(xp, xq, dtype)
        kept = fastdiv.kl_divergence_from_logits(x[~hidden], y[~hidden])
        assert one == pytest.approx(float(kept), rel=1e-5)
        # Masked in p alone: the mass of q there is lost, and counted.
        assert check(xp, y, dtype) > one
    assert fastdiv.kl_divergence_from_logits(x, np.where(hidden, -np.inf, y)) == np.inf


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_bad_logit(bad, place, dtype):
    size = BLOCK[dtype]
    rng = np.random.default_rng(place)
    x = rng.normal(size=(20, 2 * size + 40)).astype(dtype)
    y = x + rng.normal(size=x.shape).astype(dtype)
    alone = fastdiv.kl_divergence_from_logits(x, y)
    for of in (x, y):
        given = of.copy()
        given[7, place * size + 3] = bad
        args = (given, y) if of is x else (x, given)
        got = fastdiv.kl_divergence_from_logits(*args)
        assert np.isnan(got[7])
        np.testing.assert_array_equal(np.delete(got, 7), np.delete(alone, 7))


@pytest.mark.parametrize("width", [0, 1, 30, 500])
def test_a_row_and_itself(width, dtype):
    rng = np.random.default_rng(width)
    for c in (SHORT[dtype] + 1, BLOCK[dtype], 2 * BLOCK[dtype] + 5):
        x = (width * rng.normal(size=c)).astype(dtype)
        for mask in (False, True):
            if mask:
                x[: c // 2] = -np.inf
            assert fastdiv.kl_divergence_from_logits(x, x) == 0
            # What is added is exact, or next to it.
            shifted = fastdiv.kl_divergence_from_logits(x, x + dtype(64))
            assert 0 <= shifted < 1e-9


@pytest.mark.parametrize("c", [2, 3, 100, 101, 201, 513, 1025])
@pytest.mark.parametrize(
    ("p", "q"), [(-84, -90), (-90, -84), (-80, -80.5), (-79, -300), (-86, -85.9), (-60, -59)]
)
def test_nothing_but_classes_with_next_to_no_weight_tells_the_rows_apart(c, p, q, dtype):
    # Of doubles as near to the end of their range. To all digits, which ``check`` does not ask
    # where so little is left.
    scale = 1 if dtype == np.float32 else 8
    x, y = np.full(c, scale * p, dtype), np.full(c, scale * q, dtype)
    x[c // 2] = y[c // 2] = 0
    pairs = [(x, y)]
    # Beside a class that is masked, a largest one at the end, and an offset of all.
    if c > 2:
        x, y = x.copy(), y.copy()
        x[0] = y[0] = -np.inf
        pairs.append((x, y))
    pairs.append((np.append(x, dtype(2)), np.append(y + dtype(64), dtype(66))))
    for x, y in pairs:
        got = fastdiv.kl_divergence_from_logits(x, y)
        want = exact.evaluate(NAME, x, y)
        subnormal = 4 if want < np.finfo(dtype).smallest_normal else 1
        assert exact.ulps(got, want) <= subnormal * BOUNDS[NAME][dtype == np.float64]


@pytest.mark.parametrize("c", [2, 100, 201, 513, 1025, 3000])
def test_rows_that_are_equal_but_for_a_constant(c, dtype):
    x = np.random.default_rng(c).integers(-60, 60, c).astype(dtype)
    assert fastdiv.kl_divergence_from_logits(x, x) == 0
    assert fastdiv.kl_divergence_from_logits(x, x + dtype(64)) < 1e-30
