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
    with pytest.raises(InputError, match=r"row 0: p is no distribution: class \d is -"):
        shown(P, Q, 0, probs=True)
    np.save(tmp_path / "q.npy", np.zeros((899, 9)))
    with pytest.raises(InputError, match=r"q.npy: has shape \(899, 9\); .*\(899, 10\)"):
        shown(P, tmp_path / "q.npy", 0)
    with pytest.raises(InputError, match=r"pictures are not written as .xyz"):
        shown(P, Q, 0, plot=tmp_path / "row.xyz")
    assert [path.name for path in tmp_path.iterdir()] == ["q.npy"]
