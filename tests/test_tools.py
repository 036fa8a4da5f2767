"""The commands that make the tables. In processes of their own: the other libraries, where they
are installed, start threads that a forked child would miss."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def run(code: str) -> None:
    """Run code that can import the tests' modules and the benches'."""
    paths = f"import sys; sys.path[:0] = [{str(ROOT / 'tests')!r}, {str(ROOT / 'bench')!r}]\n"
    ended = subprocess.run(
        [sys.executable, "-c", paths + code], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", ["normal", "searched", "bred"])
def test_the_error_of_every_function_is_measured(kind: str, dtype: str) -> None:
    run(f"""
import accuracy
from cases import SEVERAL, SIGNATURES
found = accuracy.measured({kind!r}, 3, 1, {dtype!r})
assert {{f["call"].split(",")[0] for f in found}} == {{*SIGNATURES, *SEVERAL}}
assert {{f["way"] for f in found}} >= {{"to float32", "to float64", "scipy"}}
assert all(f["ulp"] < 16 and f["where"] for f in found if f["way"].startswith("to "))
""")


def test_errors_above_their_promise_are_bold() -> None:
    run("""
from accuracy_tables import cell
one = {"call": "logsumexp", "in": "float32", "where": "", "c": 3}
ways = {"to float32": 2.1, "to float64": 4.0, "scipy": 9.0}
found = [one | {"way": way, "ulp": ulp} for way, ulp in ways.items()]
assert [cell(found, "logsumexp", "float32", way) for way in ways] == ["**2.1**", "4", "9"]
""")


def test_every_library_computes_what_it_is_timed_at() -> None:
    run("""
import rivals
for library, functions in rivals.CALLS.items():
    for function in functions:
        for dtype in ("float32", "float64"):
            rivals.check(library, function, dtype)
""")


def test_the_pages_are_those_of_the_figures() -> None:
    run("""
import json, tables
for page in tables.PAGES:
    kept = json.loads(tables.kept_of(page).read_text())
    assert tables.page(kept) == (tables.ROOT / "docs" / f"{page}.md").read_text()
    assert page != "speed" or tables.summary(kept) in (tables.ROOT / "README.md").read_text()
""")


def test_the_page_of_errors_is_that_of_the_figures() -> None:
    run("""
import json
from accuracy_tables import KEPT, PAGE, document
assert document(json.loads(KEPT.read_text())) == PAGE.read_text()
""")
