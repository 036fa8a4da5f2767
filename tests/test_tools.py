"""The commands that make the tables: that they run, on rows of three classes."""

import json
from pathlib import Path

import accuracy
import pytest
import rivals
import tables
from cases import SIGNATURES

KEPT = Path(tables.__file__).with_name("speed.json")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_error_of_every_function_is_measured(dtype: str) -> None:
    found = accuracy.measured("normal", 3, 1, dtype)
    assert {f["call"].split()[0].split("(")[0] for f in found} >= set(SIGNATURES)
    assert {f["way"] for f in found} >= {"to float32", "to float64", "scipy"}
    ours = [f for f in found if f["way"].startswith("to ")]
    assert max(f["ulp"] for f in ours) < 16
    assert min(len(f["where"]) for f in ours) > 0


@pytest.mark.parametrize("library", rivals.CALLS)
def test_every_library_computes_what_it_is_timed_at(library: str) -> None:
    for function in rivals.CALLS[library]:
        for dtype in ("float32", "float64"):
            rivals.check(library, function, dtype)


@pytest.mark.skipif(not KEPT.exists(), reason="bench/speed.py has left no figures yet")
def test_the_pages_are_those_of_the_figures() -> None:
    kept = json.loads(KEPT.read_text())
    readme = tables.ROOT / "README.md"
    assert tables.page(kept) == (tables.ROOT / "docs" / "speed.md").read_text()
    assert tables.summary(kept) in readme.read_text()
