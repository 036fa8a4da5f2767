"""The recipes of examples/engines run in the engines, and each finds the bits of one call."""

import importlib
import importlib.util
import os
import re
import subprocess
import sys
import warnings
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
    strict = [] if engine == "ray" else ["-W", "error"]
    done = subprocess.run(
        [sys.executable, *strict, recipe.resolve()],
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


def recipe_of(engine, monkeypatch):
    """A recipe as a module."""
    pytest.importorskip(engine, reason=f"{engine} is not installed")
    monkeypatch.syspath_prepend("examples/engines")
    monkeypatch.delitem(sys.modules, "digits", raising=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(f"{engine}_rows")


ROWS = [[float(i + j) for j in range(10)] for i in range(10)]


@pytest.mark.parametrize("place", ["label", "logits", "one logit"])
def test_polars_says_that_there_are_nulls(place, monkeypatch):
    recipe = recipe_of("polars", monkeypatch)
    pl = recipe.pl

    def columns(labels, rows):
        return pl.DataFrame(
            {"label": labels, "logits": rows},
            schema={"label": pl.UInt8, "logits": pl.Array(pl.Float32, 10)},
        ).to_struct("row")

    labels, rows = list(range(10)), [list(row) for row in ROWS]
    whole = columns(labels, rows)
    alone = fastdiv.cross_entropy_from_logits(np.arange(10), np.array(ROWS, np.float32))
    assert np.array_equal(recipe.cross_entropy(whole).to_numpy(), alone)
    parts = whole[:4].append(whole[4:])
    assert np.array_equal(recipe.cross_entropy(parts).to_numpy(), alone)
    match place:
        case "label":
            labels[3] = None
        case "logits":
            rows[3] = None
        case _:
            rows[3][2] = None
    with pytest.raises(RuntimeError, match="copy not allowed"):
        recipe.cross_entropy(columns(labels, rows))


@pytest.fixture
def duck(monkeypatch):
    recipe = recipe_of("duckdb", monkeypatch)
    with recipe.duckdb.connect() as connection:
        recipe.add(connection)
        yield lambda rows: connection.execute(
            f"SELECT cross_entropy(l::UTINYINT, x::FLOAT[]) FROM (VALUES {rows}) AS t(l, x)"
        ).fetchall()


TEN = "[0,1,2,3,4,5,6,7,8,9]"


def test_duckdb_answers_null_for_null(duck):
    (alone,) = duck(f"(1, {TEN})")
    assert alone == (float(fastdiv.cross_entropy_from_logits(1, np.arange(10, dtype="f4"))),)
    assert duck(f"(1, {TEN}), (NULL, {TEN}), (1, NULL)") == [alone, (None,), (None,)]


@pytest.mark.parametrize("row", ["[1,2]", "[0,1,2,3,4,5,6,7,8,NULL]"])
def test_duckdb_says_that_a_row_is_not_of_ten(duck, row):
    import duckdb

    with pytest.raises(duckdb.Error):
        duck(f"(1, {TEN}), (2, {row})")
    eleven, nine = "[0,1,2,3,4,5,6,7,8,9,10]", "[0,1,2,3,4,5,6,7,8]"
    with pytest.raises(duckdb.Error):
        duck(f"(1, {eleven}), (2, {nine})")


@pytest.mark.parametrize(
    ("place", "says"),
    [
        ("label", "1 nulls"),
        ("logits", r"labels of shape \(10,\) .* rows of shape \(9, 10\)"),
        ("one logit", "1 nulls"),
        ("ragged", "if the lists are all the expected size"),
    ],
)
def test_ray_says_what_is_wrong(place, says, monkeypatch):
    import pyarrow as pa

    recipe = recipe_of("ray", monkeypatch)
    labels, rows = list(range(10)), [list(row) for row in ROWS]

    def block():
        kinds = {"label": pa.uint8(), "logits": pa.list_(pa.float32())}
        return pa.table({"label": labels, "logits": rows}, pa.schema(kinds.items()))

    alone = fastdiv.cross_entropy_from_logits(np.arange(10), np.array(ROWS, np.float32))
    got = recipe.cross_entropy(pa.concat_tables([block(), block()]).slice(5, 10))
    assert np.array_equal(got["nats"].to_numpy(), np.concatenate([alone[5:], alone[:5]]))
    match place:
        case "label":
            labels[3] = None
        case "logits":
            rows[3] = None
        case "one logit":
            rows[3][2] = None
        case _:
            rows[3].append(rows[4].pop())
    with pytest.raises(ValueError, match=says):
        recipe.cross_entropy(block())
