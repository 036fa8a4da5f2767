"""The folder that a job is resumed from: nobody's files but the job's own are touched."""

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

pytest.importorskip("typer")
from typer.testing import CliRunner

from fastdiv.scoring import resume
from fastdiv.scoring.command import app

SCORE = ("--labels", "y.npy", "--resume")


def call(*args):
    done = CliRunner().invoke(app, ["score", *map(str, args)], catch_exceptions=False)
    return done.exit_code, done.stderr


@pytest.fixture
def folder(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(100, 5)).astype(np.float32)
    (tmp_path / "shards").mkdir()
    for i in range(2):
        np.save(tmp_path / "shards" / f"part-{i:05}.npy", x[50 * i : 50 * i + 50])
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", rng.integers(0, 5, 100))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def content(folder):
    return {
        path.relative_to(folder): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def interrupted(monkeypatch, *args, after=resume.Resume.save):
    """Call, and be interrupted after the state was kept."""

    def stop(self, rows, tally):
        after(self, rows, tally)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(resume.Resume, "save", stop)
        assert call(*args) == (130, "")


@pytest.mark.parametrize("place", ["x.npy", "shards"])
@pytest.mark.parametrize("out", [(), ("--out", "out.npy")])
def test_a_folder_of_files_that_are_named_as_parts(folder, place, out):
    before = content(folder)
    status, text = call(place, *SCORE, "shards", *out)
    assert status == 2
    assert text.startswith("fastdiv: shards: ")
    assert content(folder) == before


def test_a_folder_with_a_folder_of_that_name(folder):
    (folder / "state" / "part-dir").mkdir(parents=True)
    before = content(folder)
    assert call("x.npy", *SCORE, "state") == (
        2,
        "fastdiv: state: is a folder of something else, with part-dir: name a new one for this "
        "job\n",
    )
    assert content(folder) == before


def test_a_folder_that_is_read_from(folder, monkeypatch):
    interrupted(monkeypatch, "x.npy", *SCORE, "state")
    (folder / "state" / "state.json").rename("shards/state.json")
    for place, labels in (("shards", "y.npy"), ("x.npy", "shards/y.npy")):
        if labels != "y.npy":
            (folder / "y.npy").rename(labels)
        before = content(folder)
        status, text = call(place, "--labels", labels, "--resume", "shards")
        first = labels if place == "x.npy" else "shards/part-00000.npy"
        assert status == 2
        assert text == f"fastdiv: shards: has {first}, which is read: name a new one for this job\n"
        assert content(folder) == before


def test_files_that_came_later_stay(folder, monkeypatch):
    args = ("x.npy", *SCORE, "state", "--out", "out.npy")
    interrupted(monkeypatch, *args)
    np.save(folder / "state" / "part-99999.npy", np.zeros(3))
    (folder / "state" / "notes").write_text("mine")
    assert call(*args) == (0, "")
    assert sorted(p.name for p in (folder / "state").iterdir()) == ["notes", "part-99999.npy"]
    assert call("x.npy", *SCORE, "no", "--out", "whole.npy") == (0, "")
    assert (folder / "out.npy").read_bytes() == (folder / "whole.npy").read_bytes()


def test_labels_that_have_changed_are_another_job(folder, monkeypatch):
    interrupted(monkeypatch, "x.npy", *SCORE, "state")
    np.save(folder / "y.npy", np.zeros(100, int))
    status, text = call("x.npy", *SCORE, "state")
    assert status == 2
    assert "is of another job, with other files" in text


def test_an_error_before_any_row_leaves_no_folder(folder):
    np.save(folder / "x.npy", np.full((100, 5), 0.3))
    status, text = call("x.npy", *SCORE, "state", "--probs", "--out", "out.npy")
    assert status == 2
    assert text.startswith("fastdiv: x.npy: row 0 sums to 1.5, not 1 to within")
    assert not (folder / "state").exists()


def test_killed_before_a_row_is_kept(folder):
    code = """if True:
        import sys, time
        from fastdiv.__main__ import main
        from fastdiv.scoring import resume
        held = resume.Resume.write
        def write(self, start, columns):
            held(self, start, columns)
            time.sleep(60)
        resume.Resume.write = write
        main()
    """
    args = ["score", "x.npy", *SCORE, "state", "--out", "out.npy"]
    with subprocess.Popen([sys.executable, "-c", code, *args], stdout=subprocess.PIPE) as process:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not (folder / "state" / "part-0.npy").exists():
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        assert process.communicate()[0] == b""
    assert json.loads((folder / "state" / "state.json").read_text())["rows"] == 0
    assert call(*args[1:]) == (0, "")
    assert np.load("out.npy").shape == (100,)
    assert not (folder / "state").exists()
