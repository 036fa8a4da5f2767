"""The recipes of examples/engines run in the engines, and each finds the bits of one call."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import fastdiv

pytest.importorskip("pyarrow")
DIGITS = Path("examples/digits")
RECIPES = sorted(Path("examples/engines").glob("*_rows.py"))


def test_there_are_recipes():
    assert {path.name for path in RECIPES} >= {"duckdb_rows.py", "polars_rows.py", "ray_rows.py"}


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_recipe(recipe, tmp_path):
    engine = recipe.stem.removesuffix("_rows")
    if importlib.util.find_spec(engine) is None:
        pytest.skip(f"{engine} is not installed")
    # Ray leaves a folder in the home folder, and warns of itself.
    warnings = [] if engine == "ray" else ["-W", "error"]
    done = subprocess.run(
        [sys.executable, *warnings, recipe.resolve()],
        cwd=tmp_path,
        env=os.environ | {"HOME": str(tmp_path), "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    labels, logits = (np.load(DIGITS / f"{name}.npy") for name in ("labels", "logits"))
    nats = fastdiv.cross_entropy_from_logits(labels, logits)
    printed = [float(number) for number in re.findall(r"\b0\.\d+", done.stdout)]
    means = [nats[labels == label].mean(dtype=float) for label in range(10)]
    assert printed == pytest.approx(means, abs=1e-6)
