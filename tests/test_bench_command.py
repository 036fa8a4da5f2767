"""`fastdiv bench` checks before it times, says what it left out, and draws what it tells."""

import io
import json
import subprocess
import sys

import numpy as np
import pytest

import fastdiv
from fastdiv.plot import _style

pytest.importorskip("rich")
from rich.console import Console

from fastdiv.scoring import bench_case, bench_rivals
from fastdiv.scoring.bench import bench, print_bench
from fastdiv.scoring.bench_rivals import Contestant, ours
from fastdiv.scoring.bench_rows import FUNCTIONS, TIMES, batch, shape_name
from fastdiv.scoring.sources import InputError

pytestmark = pytest.mark.thread_unsafe  # PyTorch's number of threads is the process's

SHAPES = [(40, 3), (6, 70)]


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    monkeypatch.setattr(bench_case, "LEAST", 2)
    monkeypatch.setattr(bench_case, "MOST", 2)
    monkeypatch.setattr(bench_case, "REST", 0)


def lines_of(case, library):
    return [line for line in case["contestants"] if line["library"] == library]


def test_measures_every_function_on_every_shape():
    told = []
    found = bench(30, shapes=SHAPES, on_case=told.append)
    assert [(c["rows"], c["classes"], c["function"]) for c in found["cases"]] == [
        (*shape, function) for shape in SHAPES for function in FUNCTIONS
    ]
    assert len(told) == len(found["cases"])
    here = set(found["machine"]["versions"])
    assert here | set(found["missing"]) == {"fastdiv", "numpy", "scipy", "torch"}
    for case in found["cases"]:
        assert {line["library"] for line in case["contestants"]} == here
        for line in case["contestants"]:
            assert line["fault"] is None
            assert line["error"] < 1e-5
            assert line["rows_per_second"] == pytest.approx(case["rows"] / line["seconds"])
            rows = line["rows_per_second"] * case["classes"]
            assert line["elements_per_second"] == pytest.approx(rows)
        threads = {line["threads"] for line in lines_of(case, "fastdiv")}
        assert threads == {1, found["threads"]}
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_compares_with_the_best_rival_of_as_many_threads():
    lines = [
        {"library": "fastdiv", "threads": 1, "seconds": 2.0},
        {"library": "fastdiv", "threads": 4, "seconds": 1.0},
        {"library": "numpy", "threads": 1, "seconds": 10.0},
        {"library": "scipy", "threads": 1, "fault": "wrong"},
        {"library": "torch", "threads": 4, "seconds": 3.0},
    ]
    assert bench_case.ratios(lines) == {"ratio_one": 5.0, "ratio_all": 3.0}
    assert bench_case.ratios(lines[:2]) == {"ratio_one": None, "ratio_all": None}


def last_row_wrong(result):
    changed = result.copy()
    changed[-1] += 0.01
    return changed


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (last_row_wrong, "wrong by 0.01"),
        (lambda result: result * np.float32(np.nan), "wrong by nan"),
        (lambda result: result[:, None], "wrong: has shape (16, 1), not (16,)"),
    ],
)
def test_what_is_wrong_is_marked_and_not_timed(change, says):
    def wrong(b):
        return change(fastdiv.kl_divergence(b.p, b.q))

    rival = Contestant("numpy", 1, {"kl_divergence": wrong})
    case = bench_case.measure("kl_divergence", batch(40, 5), [ours(1), rival], 30)
    own, other = case["contestants"]
    assert own["fault"] is None
    assert "seconds" in own
    assert other["fault"] == says
    assert "seconds" not in other
    assert case["ratio_one"] is None
    assert json.dumps(case, allow_nan=False)
    result = {
        "machine": {
            "processor": "P", "cpus": 1, "load": None, "instruction_set": "baseline",
            "python": "3", "versions": {"fastdiv": "1", "numpy": "2"},
        },
        "threads": 1, "missing": {"torch": "not installed"}, "seconds": 1.0, "cases": [case],
    }  # fmt: skip
    printed = table(result)
    assert f"NumPy, kl_divergence, 40 {TIMES} 5: {says}; not timed" in printed
    assert "PyTorch: not installed" in printed


def test_a_softmax_with_an_epsilon_is_wrong():
    rival = Contestant("numpy", 1, {"softmax": lambda b: fastdiv.softmax(b.x) + np.float32(1e-5)})
    case = bench_case.measure("softmax", batch(2, 1000), [rival], 30)
    assert case["contestants"][0]["fault"].startswith("wrong by 0.01")


def test_has_fewer_rows_where_time_is_short():
    case = bench_case.measure("softmax", batch(64, 5), [ours(1)], 1e-9)
    assert case["rows"] == 1


def test_calls_take_turns():
    order = []
    calls = {0: lambda: order.append(0), 1: lambda: order.append(1)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench_case, "TURN", 0)
        assert set(bench_case.medians(calls, 0)) == {0, 1}
    assert order == [1, 0, 0, 1]


def test_says_which_rival_is_not_there(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    monkeypatch.setattr(bench_rivals, "_torch", lambda threads: 1 / 0)
    monkeypatch.setattr(bench_rivals.importlib.util, "find_spec", lambda n: sys.modules.get(n, n))
    with bench_rivals.rivals(2) as (found, missing):
        assert [rival.library for rival in found] == ["numpy"]
    assert missing == {
        "scipy": "not installed",
        "torch": "does not work here: division by zero",
    }


def test_leaves_the_threads_of_torch_as_they_were():
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        bench(30, shapes=[(4, 3)])
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def table(result, width=80):
    text = io.StringIO()
    print_bench(result, Console(file=text, width=width))
    return text.getvalue()


def test_the_table_tells_every_case():
    result = bench(30, shapes=[(4000, 3), (6, 70)])
    printed = table(result).splitlines()
    for function in FUNCTIONS:
        assert printed.count(function) == 1
    assert sum(line.startswith(shape_name(4000, 3) + " ") for line in printed) == len(FUNCTIONS)
    assert sum(line.startswith(shape_name(6, 70) + " ") for line in printed) == len(FUNCTIONS)
    (heads,) = (i for i, line in enumerate(printed) if line.startswith("threads"))
    lines = [line for line in printed[heads - 1 :] if line.startswith((" ", "4", "6"))]
    assert {len(line) for line in lines} == {len(printed[heads])}
    assert len(printed[heads]) <= 100


@pytest.mark.parametrize(("name", "says"), [("a.txt", "name it .png"), ("b/a.png", "no folder")])
def test_a_picture_that_cannot_be_written_is_told_before_it_measures(tmp_path, name, says):
    pytest.importorskip("matplotlib")
    with pytest.raises(InputError, match=says):
        bench(plot=tmp_path / name, on_case=lambda _: pytest.fail("measures"))
    assert not list(tmp_path.iterdir())


def test_says_what_a_picture_needs(tmp_path):
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "from pathlib import Path; from fastdiv.scoring.bench import bench\n"
        "try: bench(plot=Path('a.png'))\nexcept ImportError as e: print(e)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "--plot needs matplotlib" in done.stdout


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
def test_the_time_is_a_positive_number(seconds):
    with pytest.raises(InputError, match="--seconds"):
        bench(seconds)


def test_the_picture_shows_what_was_found(tmp_path):
    pytest.importorskip("matplotlib")
    from matplotlib import colors, image

    from fastdiv.scoring import bench_picture

    found = bench(30, tmp_path / "bench.png", shapes=SHAPES)
    assert [path.name for path in tmp_path.iterdir()] == ["bench.png"]
    pixels = image.imread(tmp_path / "bench.png")[:, :, :3]
    for color in (_style.P, _style.MUTED):
        assert (np.abs(pixels - colors.to_rgb(color)).max(-1) < 0.01).sum() > 100
    figure = bench_picture.new_figure(tmp_path / "again.png")
    bench_picture.draw(found, figure)
    assert [ax.get_title(loc="left") for ax in figure.axes] == list(FUNCTIONS)
    speeds = {line["elements_per_second"] for c in found["cases"] for line in c["contestants"]}
    drawn = {x for ax in figure.axes for mark in ax.lines for x in mark.get_xdata()}
    assert drawn == speeds
