"""One row of two files, on the terminal and as a picture."""

import io
from pathlib import Path

import numpy as np
import pytest

from fastdiv import _reference

pytest.importorskip("rich")
pytest.importorskip("matplotlib")
from rich.console import Console

from fastdiv.plot import _style
from fastdiv.scoring.show import show
from fastdiv.scoring.sources import InputError, open_rows

P, Q = (Path("examples/digits") / name for name in ("logits.npy", "logits_8bit.npy"))


def shown(p, q, *args, **keywords):
    console = Console(file=io.StringIO(), width=100, highlight=False)
    show(open_rows(p), open_rows(q), *args, console=console, **keywords)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("row", [17, 17 - 899])
def test_numbers(row):
    lines = shown(P, Q, row)
    p, q = (_reference.softmax(np.load(path)[17].astype(float)) for path in (P, Q))
    share = p * np.log(p / q)
    assert f"KL(p‖q)   {_style.number(_reference.kl_divergence(p, q), 6)} nats" in lines
    assert "row 17: class" in lines[4]
    told = {line.split()[0]: line.split()[1:] for line in lines[5:-1]}
    assert list(told) == [str(k) for k in np.argsort(-share)]
    for k, numbers in told.items():
        expected = (f(v) for f, v in zip([_style.number] * 2, (p[int(k)], q[int(k)]), strict=True))
        assert numbers[:2] == list(expected)
        value = share[int(k)]
        assert numbers[2] == ("+" if value > 0 else "") + _style.number(value)
    assert lines[-1].split() == ["sum", "=", "KL", _style.number(share.sum())]


def test_many_classes_names_and_infinity(tmp_path):
    rng = np.random.default_rng(0)
    p = rng.random((2, 1000))
    q = p.copy()
    q[1, [3, 700]] = 0
    p, q = (rows / rows.sum(-1, keepdims=True) for rows in (p, q))
    np.save(tmp_path / "p.npy", p)
    np.save(tmp_path / "q.npy", q)
    names = [f"word {k}" for k in range(1000)]
    names[3] = "a\x1b[31mb"
    lines = shown(tmp_path / "p.npy", tmp_path / "q.npy", 1, probs=True, names=names, top=4)
    assert len(lines) == 4 + 1 + 4 + 1 + 1
    assert sum("+∞" in line for line in lines) == 2
    assert any(line.startswith(r"a\x1b[31mb") for line in lines)
    assert lines[-2].startswith("996 others")
    assert lines[-1].endswith("∞")


@pytest.mark.thread_unsafe
@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_picture(tmp_path, suffix):
    path = tmp_path / f"row.{suffix}"
    shown(P, Q, 0, plot=path)
    assert path.stat().st_size > 5000
    assert list(tmp_path.iterdir()) == [path]


def test_errors(tmp_path):
    with pytest.raises(InputError, match=r"logits.npy: has no row 899; its rows are 0 to 898"):
        shown(P, Q, 899)
    with pytest.raises(InputError, match="has no row -900"):
        shown(P, Q, -900)
    with pytest.raises(InputError, match="2 names of classes for 10 classes"):
        shown(P, Q, 0, names=["a", "b"])
    with pytest.raises(InputError, match="--top 0"):
        shown(P, Q, 0, top=0)
    with pytest.raises(InputError, match=r"logits.npy: row 0 holds -\S+ at class \d, which is no"):
        shown(P, Q, 0, probs=True)
    np.save(tmp_path / "q.npy", np.zeros((899, 9)))
    with pytest.raises(InputError, match=r"q.npy: has shape \(899, 9\); .*\(899, 10\)"):
        shown(P, tmp_path / "q.npy", 0)
    with pytest.raises(InputError, match=r"pictures are not written as .xyz"):
        shown(P, Q, 0, plot=tmp_path / "row.xyz")
    assert [path.name for path in tmp_path.iterdir()] == ["q.npy"]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_probabilities_are_those_that_compare_takes(tmp_path, dtype):
    rows = np.full((4, 3), 1 / 3, dtype)
    np.save(tmp_path / "p.npy", rows)
    rows[2] = 1
    np.save(tmp_path / "w.npy", rows)
    assert shown(tmp_path / "p.npy", tmp_path / "w.npy", 1, probs=True)
    for paths in (("w", "p"), ("p", "w")):
        with pytest.raises(InputError, match=r"w.npy: row 2 sums to 3, not 1"):
            shown(*(tmp_path / f"{name}.npy" for name in paths), -2, probs=True)


def test_streams_have_no_rows_to_find(tmp_path):
    pa = pytest.importorskip("pyarrow")
    table = pa.table({"x": [[0.5, 1.5]] * 3})
    with pa.ipc.new_stream(tmp_path / "s.arrows", table.schema) as file:
        file.write_table(table)
    np.save(tmp_path / "x.npy", np.zeros((3, 2)))
    for names in (("s.arrows", "x.npy"), ("x.npy", "s.arrows")):
        with pytest.raises(InputError, match=r"s.arrows: is a stream: save it as a file"):
            shown(*(tmp_path / name for name in names), 0)


def test_the_files_of_a_row_that_is_no_distribution(tmp_path):
    x = np.zeros((5, 3))
    x[4] = -np.inf
    for name, part in (("0", x[:3]), ("1", x[3:])):
        np.save(tmp_path / f"{name}.npy", part)
    with pytest.raises(InputError, match=r"/1.npy, .*/1.npy: row 4 of all files: p is no distrib"):
        shown(tmp_path, tmp_path, 4)
