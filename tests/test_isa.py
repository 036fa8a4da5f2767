"""Every instruction set there is: the same bits from each, and the right ones."""

import os
import subprocess
import sys

import numpy as np
import pytest
from cases import MAKERS, SEVERAL, SIGNATURES, rows_for
from sweeps import KINDS, sweep

import fastdiv
from fastdiv import _dispatch, _fields, _reference
from fastdiv._rows import FUNCTION

KERNELS = {name: _dispatch.load(name) for name in _dispatch.runnable()}
CLASSES = [1, 2, 10, 31, 64, 100, 1025]


def run(kernels, function, arrays, labels=None):
    """One call of the kernel itself, as fastdiv's functions make it."""
    last = arrays[-1]
    makes = function in MAKERS
    shape = last.shape if makes else last.shape[:-1]
    if function in SEVERAL.values():
        kinds = _fields.SCORES if function == "score_from_logits" else _fields.COMPARISON
        types = _fields.types_of(kinds, last.dtype)
        columns = tuple(np.empty(shape, own) for own in types.values())
        wide = last.dtype == np.float64
        p = arrays[0] if len(arrays) == 2 else None
        kernels.several(FUNCTION[function], wide, p, last, labels, columns)
        return np.array(columns, np.float64)
    out = np.empty(shape, last.dtype)
    p, q = (None, last) if labels is not None else (*arrays, None)[:2]
    kernels.run(FUNCTION[function], last.dtype == np.float64, p, q, labels, out)
    return out


def awkward(arrays, kind):
    """Zeros, masks, ties and rows apart by little, beside the ordinary rows."""
    made = [a.copy() for a in arrays]
    c = made[0].shape[-1]
    for a, k in zip(made, kind, strict=True):
        if c > 1:
            a[1, 0] = 0 if k == "w" else -np.inf
            a[2] = a[2].round(1) + (k == "w")
    made[-1][3] = made[0][3] * (1 + 2.0**-20) if kind[0] == kind[-1] else made[-1][3]
    made[-1][4] *= 1000
    return tuple(made)


@pytest.mark.parametrize("isa", [name for name in KERNELS if name != _dispatch.active()])
@pytest.mark.parametrize("c", CLASSES)
def test_same_bits(name, isa, c, dtype):
    if name == "js_distance":
        name = "js_divergence"
    arrays = awkward(rows_for(name, 6, c, dtype), SIGNATURES[name])
    expected = run(_dispatch.kernels, name, arrays)
    np.testing.assert_array_equal(run(KERNELS[isa], name, arrays), expected)


@pytest.mark.parametrize("isa", [name for name in KERNELS if name != _dispatch.active()])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", [n for n in SIGNATURES if n != "js_distance"])
def test_same_bits_of_rows_that_hurt(name, isa, kind, dtype):
    for c in (1, 2, 17, 65):
        for rows in sweep(kind, c, dtype, 5):
            given = {"w": [rows.p, rows.q], "x": [rows.xp, rows.xq]}
            arrays = tuple(given[k].pop(0)[None] for k in SIGNATURES[name])
            expected = run(_dispatch.kernels, name, arrays)
            np.testing.assert_array_equal(run(KERNELS[isa], name, arrays), expected, rows.how)


@pytest.mark.parametrize("isa", [name for name in KERNELS if name != _dispatch.active()])
@pytest.mark.parametrize("logits", [True, False], ids=["logits", "weights"])
@pytest.mark.parametrize("letter", "fdBq")
def test_same_bits_with_options(monkeypatch, isa, logits, letter):
    rng = np.random.default_rng(0)
    q = rng.integers(0, 20, (5, 3, 40)).astype(letter).swapaxes(0, 1)[..., ::-1]
    p = rng.integers(0, 9, (3, 5, 40)).astype(letter)
    function = fastdiv.cross_entropy_from_logits if logits else fastdiv.cross_entropy
    results = []
    for kernels in (_dispatch.kernels, KERNELS[isa]):
        monkeypatch.setattr(fastdiv._rows, "kernels", kernels)
        results.append(
            [
                function(target, q, **options)
                for target in (p, np.arange(15).reshape(3, 5))
                for options in (
                    {"normalize": False, "base": 2},
                    {"label_smoothing": 0.1, "temperature": 3.0},
                    {"class_weight": np.arange(40) / 7, "temperature": 0.5},
                    {"class_weight": np.arange(40) / 7, "reduction": "mean"},
                )
            ]
        )
    for expected, got in zip(*results, strict=True):
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("isa", [name for name in KERNELS if name != _dispatch.active()])
@pytest.mark.parametrize("c", CLASSES)
@pytest.mark.parametrize(
    "function",
    ["cross_entropy_label", "cross_entropy_label_from_logits", "score_from_logits", "mass"],
)
def test_same_bits_of_the_other_rows(function, isa, c, dtype):
    kind = "x" if "logits" in function else "w"
    arrays = awkward(rows_for("logsumexp" if kind == "x" else "entropy", 6, c, dtype), kind)
    labels = None if function == "mass" else np.arange(6) % c
    expected = run(_dispatch.kernels, function, arrays, labels)
    np.testing.assert_array_equal(run(KERNELS[isa], function, arrays, labels), expected)


@pytest.mark.parametrize("isa", [name for name in KERNELS if name != _dispatch.active()])
@pytest.mark.parametrize("c", CLASSES)
def test_same_bits_of_comparisons(isa, c, dtype):
    pairs = awkward(rows_for("kl_divergence_from_logits", 6, c, dtype), "xx")
    for kind in KINDS:
        rows = sweep(kind, c, dtype, 3)
        for arrays in (pairs, *((r.xp[None], r.xq[None]) for r in rows)):
            labels = np.arange(len(arrays[0])) % c
            expected = run(_dispatch.kernels, "compare_from_logits", arrays, labels)
            got = run(KERNELS[isa], "compare_from_logits", arrays, labels)
            np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("isa", KERNELS)
@pytest.mark.parametrize("name", [n for n in SIGNATURES if n != "js_distance"])
def test_agrees_with_the_definition(name, isa, dtype):
    arrays = rows_for(name, 6, 100, dtype)
    expected = getattr(_reference, name)(*[a.astype(np.float64) for a in arrays])
    got = run(KERNELS[isa], name, arrays)
    np.testing.assert_allclose(got, expected, rtol=8 * float(np.finfo(dtype).eps), atol=1e-14)


def test_every_row_function_is_tried():
    mine = {"cross_entropy_label", "cross_entropy_label_from_logits", "mass", *SEVERAL.values()}
    for kernels in KERNELS.values():
        assert set(kernels.ROWS) == (set(SIGNATURES) - {"js_distance"}) | mine


def python(code, **environment):
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("isa", KERNELS)
def test_environment_chooses(isa):
    done = python("import fastdiv; print(fastdiv._dispatch.active())", FASTDIV_ISA=isa)
    assert done.stdout.strip() == isa, done.stderr


def test_environment_that_cannot_be():
    done = python("import fastdiv", FASTDIV_ISA="vax")
    assert done.returncode == 1
    assert "ImportError: FASTDIV_ISA='vax': no such instruction set; one of" in done.stderr


def test_what_this_processor_cannot_run(monkeypatch):
    monkeypatch.setattr(_dispatch._cpu, "x86_64_level", lambda: 0)
    assert _dispatch.runnable() == ["baseline"]
    missing = [n for n in _dispatch.compiled() if n != "baseline"]
    for isa in missing:
        with pytest.raises(ImportError, match="this processor cannot run it; it can run"):
            _dispatch.load(isa)


def test_what_was_not_built(monkeypatch):
    monkeypatch.setattr(_dispatch, "compiled", lambda: ["baseline"])
    with pytest.raises(ImportError, match="was built without it; it has"):
        _dispatch.load("x86-64-v4")


def test_level_agrees_with_numpy():
    features = pytest.importorskip("numpy._core._multiarray_umath").__cpu_features__
    level = _dispatch._cpu.x86_64_level()
    if level == 0:
        assert not features.get("AVX2", False)
    else:
        assert (level >= 3) == (features["AVX2"] and features["FMA3"])
        assert (level >= 4) == bool(features.get("AVX512_SKX") or features.get("X86_V4"))


def test_fastdiv_uses_the_active_one():
    assert fastdiv._rows.kernels is KERNELS[_dispatch.active()]
