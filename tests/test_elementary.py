"""exp, log and the other polynomials: every float32 of their domain, and doubles that hurt."""

import importlib.util
import shutil
import sys
from pathlib import Path

import numpy as np
import polynomials
import pytest
from mpmath import mp, mpf

import fastdiv
from fastdiv import _dispatch

pytest.importorskip("Cython")
HERE = Path(__file__).parent
U32, U64 = mpf(2) ** -24, mpf(2) ** -53
FMA = _dispatch.active() != "baseline"

# Function, first and last float, and the largest error there is, in u and rounded up. exp: before
# its last rounding; log: of a mantissa; phi: of what S adds to phi, against phi's leading term;
# expm1: of exp(z) - 1 - z.
# Nearer to 0 each is its first coefficient, to less than a rounding.
TINY = np.float32(2.0**-26)
DOMAINS = [
    ("exp", TINY, np.float32(0.0435), 0.40),
    ("exp", -TINY, np.float32(-0.0435), 0.40),
    ("log", np.float32(0.5), np.float32(2), 1.32),
    ("phi", TINY, np.float32(0.0425), 0.08),
    ("psi", TINY, np.float32(2), 1.76),
    ("psi", -TINY, np.float32(-2), 2.04),
    ("expm1", TINY, np.float32(1), 2.18),
    ("expm1", -TINY, np.float32(-1), 2.58),
    ("tanh", TINY, np.float32(1), 1.59),
    ("chi", TINY, np.float32(1), 1.05),
    ("chi", np.float32(1), np.float32(1.5625), 2.29),
    ("half_log", TINY, np.float32(0.082085), 0.42),
]
# The same of doubles, over samples.
DOUBLES = [
    ("exp_tail", -0.348, 0.348, 0.45),
    ("log_tail", 1e-30, 0.02944, 0.33),
    ("phi_tail", 1e-30, 0.0425, 0.08),
    ("psi_tail", -2.0, 2.0, 1.79),
    ("expm1_tail", -1.0, 1.0, 1.85),
    ("tanh_tail", 1e-30, 1.0, 2.37),
    ("chi_tail", 1e-30, 1.0, 1.30),
    ("chi_tail", 1.0, 1.5625, 2.36),
    ("half_log_tail", 1e-30, 0.0820849986238988, 0.80),
]


@pytest.fixture(autouse=True)
def fifty_digits():
    with mp.workdps(50):
        yield


@pytest.fixture(scope="module")
def elementary(tmp_path_factory):
    """The module of elementary.pyx, built with the processor's fused multiply-add."""
    from Cython.Build import cythonize
    from setuptools import Distribution, Extension
    from setuptools.command.build_ext import build_ext

    folder = tmp_path_factory.mktemp("elementary")
    source = shutil.copy(HERE / "elementary.pyx", folder)
    flags = ["-O3", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off"]
    flags += ["-mavx2", "-mfma"] if _dispatch._cpu.x86_64_level() >= 3 else []
    modules = cythonize(
        [Extension("elementary", [source], extra_compile_args=flags)],
        include_path=[str(Path(fastdiv.__file__).parents[1])],
        compiler_directives={"language_level": 3, "cdivision": True},
        quiet=True,
    )
    command = build_ext(Distribution({"ext_modules": modules}))
    command.build_lib = command.build_temp = str(folder)
    command.ensure_finalized()
    command.run()
    spec = importlib.util.spec_from_file_location(
        "elementary", command.get_ext_fullpath("elementary")
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(sys.platform == "win32", reason="the flags are gcc's and clang's")
@pytest.mark.parametrize(("name", "low", "high", "most"), DOMAINS)
def test_every_float32(elementary, name, low, high, most):
    first, last = (int(np.float32(x).view(np.uint32)) for x in (low, high))
    if not FMA:
        last = first + 1_000_000
    worst, where = elementary.worst(name, first, last)
    assert worst <= most, where


def test_exponentials_of_every_float32(elementary):
    # Of all negative floats whose exponential is normal, by table, polynomial and power.
    worst, where = elementary.exponentials(-87.3, -(2.0**-24) if FMA else -86.0)
    assert worst <= 0.90, where


def samples(low, high):
    """Doubles evenly, at every power of two, and next to the ends."""
    rng = np.random.default_rng(0)
    powers = 2.0 ** np.arange(-40, 3)
    ends = [np.nextafter(low, high), np.nextafter(high, low)]
    made = np.concatenate(
        [np.linspace(low, high, 1500), rng.uniform(low, high, 1500), powers, -powers, ends]
    )
    return made[(made >= low) & (made <= high) & (made != 0)]


@pytest.mark.parametrize(("name", "low", "high", "most"), DOUBLES)
def test_doubles(elementary, name, low, high, most):
    fit = next(f for f in polynomials.FITS if f.name == name)
    worst, where = max(
        (abs(fit.weight(mpf(x)) * (elementary.value(name, x) - fit.function(mpf(x)))) / U64, x)
        for x in map(float, samples(low, high))
    )
    assert worst <= most, where


def test_log_of_doubles(elementary):
    worst, where = 0, None
    worst_lane, where_lane = 0, None
    for a in map(float, samples(0.5, 2.0)):
        made, exponent = elementary.log_of(a)
        want = mp.log(mpf(a) / mpf(2) ** exponent)
        if want:
            worst, where = max((worst, where), (abs(made / want - 1) / U64, a))
            error = abs(elementary.lane_log_of(a) / want - 1) / U64
            worst_lane, where_lane = max((worst_lane, where_lane), (error, a))
    assert worst <= 1.22, where
    assert worst_lane <= 1.09, where_lane


@pytest.mark.parametrize(("wide", "unit"), [(True, U64), (False, U32)])
def test_log_gap(elementary, wide, unit):
    # log(m / a) of m of any size, and of every power of two between it and a.
    rng = np.random.default_rng(0)
    real = float if wide else np.float32
    ends = (-1021, 1021) if wide else (-125, 125)
    made = elementary.gap if wide else elementary.gap_f32
    worst, where = 0, None
    for m_exponent in np.linspace(*ends, 40).astype(int):
        for apart in range(1, 60):
            m = float(real(rng.uniform(1, 2) * 2.0**m_exponent))
            a = float(real(m * rng.uniform(0.5, 1) * 2.0**-apart))
            assert made(m, m) == 0
            if a > 2.0 ** ends[0]:
                want = mp.log(mpf(m) / mpf(a))
                worst, where = max((worst, where), (abs(made(a, m) / want - 1) / unit, (a, m)))
            assert np.isfinite(made(0.0, m))
    assert worst <= 1.36, where


@pytest.mark.parametrize(("name", "most"), [("log1p_of", 2.5), ("log1p_of_sum_of", 1.72)])
def test_log1p(elementary, name, most):
    made = getattr(elementary, name)
    rng = np.random.default_rng(0)
    near = np.concatenate([samples(-0.3, 3.0), 2.0 ** np.arange(-1074, 1023.0)])
    worst, where = 0, None
    for r in map(float, np.concatenate([near, np.exp(rng.uniform(-30, 30, 3000))])):
        worst, where = max((worst, where), (abs(made(r) / mp.log1p(r) - 1) / U64, r))
    # Above 0.41 it is ln 2 and a negative logarithm.
    assert worst <= most, where
    assert made(0.0) == 0
    assert made(np.inf) == np.inf
    assert np.isnan(made(np.nan))


@pytest.mark.parametrize(("wide", "unit"), [(True, U64), (False, U32)])
def test_phi(elementary, wide, unit):
    # phi(p, q) = p log(p / q) - p + q, of pairs apart by every power of two, up and down, and of
    # many by a factor of up to eight, of which are the worst.
    rng = np.random.default_rng(0)
    real = float if wide else np.float32
    phi = elementary.phi if wide else elementary.phi_f32
    worst, where = 0, None
    for apart in range(-20, 40):
        for up in (-1, 1):
            for q in rng.uniform(1, 2, 60):
                p = float(
                    real(q * 2.0 ** (-apart * up) if apart < 0 else q * (1 + up * 2.0**-apart))
                )
                q = float(real(q))
                if p == q:
                    continue
                want = mpf(p) * mp.log(mpf(p) / mpf(q)) - mpf(p) + mpf(q)
                worst, where = max((worst, where), (abs(phi(p, q) / want - 1) / unit, (p, q)))
    assert worst <= 3.4, where
    for q, powers in zip(rng.uniform(1, 2, 20000), rng.uniform(-3, 3, 20000), strict=True):
        p, q = float(real(q * 2.0**powers)), float(real(q))
        want = mpf(p) * mp.log(mpf(p) / mpf(q)) - mpf(p) + mpf(q)
        worst, where = max((worst, where), (abs(phi(p, q) / want - 1) / unit, (p, q)))
    assert worst <= 4.4, where


@pytest.mark.parametrize(("wide", "unit"), [(True, U64), (False, U32)])
def test_phi_at_the_ends(elementary, wide, unit):
    # No weight, no difference, and all the range; q below 4 tiny is for careful passes.
    real = np.float64 if wide else np.float32
    phi = elementary.phi if wide else elementary.phi_f32
    ends = np.finfo(real)
    assert phi(0.0, 0.0) == 0
    for power in range(ends.minexp + 2, ends.maxexp - 1, 3):
        for mantissa in (1.0, 1.25, 1.5, float(2 - ends.eps)):
            q = float(real(mantissa * 2.0**power))
            assert phi(0.0, q) == q
            assert phi(q, q) == 0
    for p, q in [
        (ends.max / 4096, 4 * ends.tiny),
        (4 * ends.tiny, ends.max / 4096),
        (1, 4 * ends.tiny),
    ]:
        p, q = float(real(p)), float(real(q))
        want = mpf(p) * mp.log(mpf(p) / mpf(q)) - mpf(p) + mpf(q)
        assert abs(phi(p, q) / want - 1) / unit <= 4.4
