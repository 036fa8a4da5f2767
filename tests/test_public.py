"""The public surface: names, documentation, imports."""

import doctest
import importlib.metadata
import inspect
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cases import MAKERS, SETTINGS, SEVERAL, SIGNATURES

import fastdiv
from fastdiv import _logits, _probabilities, _reference, _rows, _scores, _workers
from fastdiv._dispatch import kernels

ROOT = Path(__file__).parent.parent
PUBLIC = fastdiv.__all__
CLASSES = [name for name in PUBLIC if inspect.isclass(getattr(fastdiv, name))]
FUNCTIONS = [name for name in PUBLIC if name not in (*SETTINGS, *CLASSES)]


def test_all_is_true_and_sorted():
    assert sorted(PUBLIC) == PUBLIC
    found = {n for n, f in vars(fastdiv).items() if inspect.isfunction(f) or inspect.isclass(f)}
    assert found == set(PUBLIC)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_defined_in_the_reference(name):
    assert inspect.isfunction(getattr(_reference, name))


def test_every_row_function_is_used():
    # A row function has its caller's name, with "_label" for integer labels; "mass" is internal.
    single = set(kernels.ROWS) - {"mass", *SEVERAL.values()}
    named = {row.replace("_label", "") for row in single}
    assert named == set(FUNCTIONS) - {"check_distributions", "js_distance", *SEVERAL}
    assert '_run("mass"' in inspect.getsource(_rows)
    for row in SEVERAL.values():
        assert f'"{row}"' in inspect.getsource(_scores)


def test_every_function_is_benchmarked():
    calls = pytest.importorskip("rivals").CALLS
    assert set(calls["fastdiv"]) == set(FUNCTIONS)
    for library in calls:
        assert set(calls[library]) <= set(FUNCTIONS)


@pytest.mark.parametrize("name", PUBLIC)
def test_docstring(name):
    text = inspect.getdoc(getattr(fastdiv, name))
    sections = re.findall(r"^(\w[\w ]*)\n-+$", text, re.MULTILINE)
    expected = ["Parameters", "Returns", "Raises", "See Also", "Notes", "References", "Examples"]
    if name == "check_distributions":
        expected = ["Parameters", "Raises", "See Also", "Examples"]
    elif name in CLASSES:
        expected = ["Attributes"]
    elif name == "get_workers":
        expected = ["Returns", "See Also", "Examples"]
    elif name == "set_workers":
        expected = ["Parameters", "Returns", "Raises", "See Also", "Notes", "Examples"]
    assert sections == expected
    for parameter in inspect.signature(getattr(fastdiv, name)).parameters:
        assert re.search(rf"^{parameter} : ", text, re.MULTILINE), parameter


@pytest.mark.thread_unsafe
@pytest.mark.parametrize(
    ("module", "least"),
    [(_logits, 11), (_probabilities, 11), (_scores, 6), (_workers, 4)],
    ids=lambda m: getattr(m, "__name__", ""),
)
def test_docstring_examples(module, least):
    failed, tried = doctest.testmod(module)
    assert failed == 0
    assert tried >= least


def test_readme_examples(capsys):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, "README.md", "exec"), {})
    assert "nats" in capsys.readouterr().out


def test_readme_tables_name_every_function():
    text = (ROOT / "README.md").read_text()
    for name in FUNCTIONS:
        assert f"{name}(" in text


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_readme_calls_parameters_by_their_names(name):
    called = re.findall(rf"`{name}\((.*?)\)`", (ROOT / "README.md").read_text())
    given = list(inspect.signature(getattr(fastdiv, name)).parameters)
    assert called
    for names in called:
        assert names.split(", ") == given[: names.count(",") + 1]


@pytest.mark.parametrize("name", SIGNATURES)
def test_the_readme_names_the_options_of_every_function(name):
    given = set(inspect.signature(getattr(fastdiv, name)).parameters)
    assert given >= {"axis", "out", "dtype", "workers"}
    assert ("keepdims" in given) == (name not in MAKERS)
    assert ("base" in given) == (name not in (*MAKERS, "logsumexp"))
    assert ("normalize" in given) == ("w" in SIGNATURES[name])
    of_cross_entropy = {
        "class_weight", "label_smoothing", "ignore_index", "temperature", "reduction",
    }  # fmt: skip
    assert given & of_cross_entropy == (of_cross_entropy if "cross" in name else set())
    text = " ".join((ROOT / "README.md").read_text().split())
    assert "`check_distributions` takes `tol` and `axis`, `score` and `compare` take `want`" in text


@pytest.mark.parametrize("name", PUBLIC)
def test_pickle(name):
    function = getattr(fastdiv, name)
    assert pickle.loads(pickle.dumps(function)) is function


def test_version():
    assert importlib.metadata.version("fastdiv") == fastdiv.__version__


def test_import_brings_in_numpy_alone():
    code = (
        "import sys, fastdiv\n"
        "extra = {'scipy', 'torch', 'typer', 'rich', 'pandas', 'ml_dtypes', 'concurrent.futures'}\n"
        "print(sorted(extra & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ,
    )
    assert done.stdout.strip() == "[]"


def test_import_leaves_the_floating_point_environment_alone():
    # A library linked with -ffast-math has the processor flush subnormal numbers to zero.
    code = (
        "import fastdiv, numpy; x = numpy.float64(5e-324); print(x * numpy.float64(1), x + 0 == x)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    assert done.stdout.split() == ["5e-324", "True"]
