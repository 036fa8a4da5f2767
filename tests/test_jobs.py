"""Jobs over files: every format, interrupted and resumed, merged, with all that is written."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import fastdiv

pytest.importorskip("typer")
from typer.testing import CliRunner

from fastdiv.scoring.command import app
from fastdiv.scoring.worst import Worst

ROWS, CLASSES = 3000, 20


def call(*args, status=0, stdin=None):
    """What a command prints."""
    done = CliRunner().invoke(app, [str(a) for a in args], input=stdin, catch_exceptions=False)
    assert done.exit_code == status, done.output
    return done.stdout


def answer(*args, **keywords):
    return json.loads(call(*args, "--json", **keywords))


@pytest.fixture(scope="module")
def arrays():
    rng = np.random.default_rng(0)
    x = (3 * rng.normal(size=(ROWS, CLASSES))).astype(np.float32)
    z = (x + 0.3 * rng.normal(size=x.shape)).astype(np.float32)
    return x, z, rng.integers(0, CLASSES, ROWS)


@pytest.fixture
def folder(arrays, tmp_path):
    for name, array in zip("xzy", arrays, strict=True):
        np.save(tmp_path / f"{name}.npy", array)
    return tmp_path


def table(x, y):
    pa = pytest.importorskip("pyarrow")
    rows = pa.FixedSizeListArray.from_arrays(pa.array(x.ravel()), CLASSES)
    ids = pa.array([f"row {i}" for i in range(len(x))])
    return pa.table({"id": ids, "logits": rows, "y": pa.array(y)})


def write(kind, path, x, y):
    """Write rows and labels in some format, and return what names the labels."""
    if kind == "parquet":
        pytest.importorskip("pyarrow.parquet").write_table(table(x, y), path, row_group_size=700)
        return "y"
    if kind == "arrow":
        feather = pytest.importorskip("pyarrow.feather")
        feather.write_feather(table(x, y), str(path), compression="uncompressed")
        return "y"
    if kind == "safetensors":
        save = pytest.importorskip("safetensors.numpy").save_file
        save({"logits": x, "y": y}, path)
        return "y"
    if kind == "zarr":
        zarr = pytest.importorskip("zarr")
        made = zarr.create_array(path, shape=x.shape, chunks=(512, CLASSES), dtype=x.dtype)
        made[:] = x
    elif kind == "hdf5":
        with pytest.importorskip("h5py").File(path, "w") as file:
            file["logits"], file["y"] = x, y
        return "y"
    else:
        np.savez(path, logits=x, y=y)
        return "y"
    np.save(path.with_suffix(".y.npy"), y)
    return path.with_suffix(".y.npy")


@pytest.mark.parametrize("kind", ["npz", "parquet", "arrow", "safetensors", "zarr", "hdf5"])
def test_the_same_summary_from_every_format(folder, arrays, kind):
    x, z, y = arrays
    expected = answer("score", folder / "x.npy", "--labels", folder / "y.npy")
    compared = answer("compare", folder / "x.npy", folder / "z.npy", "--labels", folder / "y.npy")
    path, other = folder / f"a.{kind}", folder / f"b.{kind}"
    labels = write(kind, path, x, y)
    write(kind, other, z, y)
    for size in ("3k", "4M"):
        got = answer("score", path, "--labels", labels, "--block-bytes", size)
        assert got == expected
    assert answer("compare", path, folder / "z.npy", "--labels", labels) == compared
    column = [] if kind == "zarr" else ["--column", "logits"]
    assert answer("compare", path, other, "--labels", labels, *column) == compared


def test_shards_in_every_way_of_naming_them(folder, arrays):
    x, _, _ = arrays
    expected = answer("score", folder / "x.npy", "--labels", folder / "y.npy")
    (folder / "shards").mkdir()
    for i, first in enumerate(range(0, ROWS, 1300)):
        np.save(folder / "shards" / f"{i}.npy", x[first : first + 1300])
    places = ["shards"], ["shards/*.npy"], [f"shards/{i}.npy" for i in range(3)]
    for place in places:
        paths = [folder / p for p in place]
        assert answer("score", *paths, "--labels", folder / "y.npy") == expected


def test_a_stream_on_standard_input(folder, arrays):
    pa = pytest.importorskip("pyarrow")
    x, _, y = arrays
    rows = table(x, y)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows, 700)
    expected = answer("score", folder / "x.npy", "--labels", folder / "y.npy")
    args = [sys.executable, "-m", "fastdiv", "score", "-", "--labels", "y", "--json"]
    given = {"input": sink.getvalue().to_pybytes(), "capture_output": True}
    done = subprocess.run(args, **given, check=True)
    assert json.loads(done.stdout) == expected
    done = subprocess.run([*args, "--resume", folder / "state"], **given, check=False)
    assert done.returncode == 2
    assert done.stderr == b"fastdiv: -: a stream cannot be resumed: save it as a file\n"


@pytest.mark.parametrize("probs", [False, True])
def test_all_numbers_in_parquet(folder, arrays, probs):
    pq = pytest.importorskip("pyarrow.parquet")
    x, z, y = arrays
    p, q = (fastdiv.softmax(a) if probs else a for a in (x, z))
    extra = ["--probs"] if probs else []
    write("parquet", folder / "x.parquet", p, y)
    write("parquet", folder / "z.parquet", q, y)
    out = folder / "out.parquet"
    call("score", folder / "x.parquet", "--labels", "y", "--ids", "id", "--out", out, *extra)
    made = pq.read_table(out).to_pydict()
    assert made["row"] == list(range(ROWS))
    assert made["id"] == [f"row {i}" for i in range(ROWS)]
    want = vars(fastdiv.score(y, x))
    assert made.keys() == {"row", "id", *want} - ({"logsumexp"} if probs else set())
    for name in set(want) & set(made):
        if probs and np.asarray(want[name]).dtype.kind == "f":
            np.testing.assert_allclose(made[name], want[name], rtol=2e-6, atol=1e-6)
        else:
            np.testing.assert_array_equal(made[name], want[name])
    args = folder / "x.parquet", folder / "z.parquet", "--labels", "y"
    call("compare", *args, "--out", out, *extra)
    made = pq.read_table(out).to_pydict()
    want = vars(fastdiv.compare(x, z, y))
    assert made.keys() == {"row", *want}
    for name in want:
        if probs and want[name].dtype.kind == "f":
            np.testing.assert_allclose(made[name], want[name], rtol=1e-4, atol=1e-6)
        else:
            np.testing.assert_array_equal(made[name], want[name])


def test_llama_lines(folder):
    args = "compare", folder / "x.npy", folder / "z.npy", "--labels", folder / "y.npy"
    text, got = call(*args, "--llama"), answer(*args)
    assert f"{got['kl_divergence']['mean']:10.6f}" in text
    assert f"{100 * got['delta_p_quantiles']['0.999']:6.3f}%" in text


def test_limits(folder):
    args = "score", folder / "x.npy", "--labels", folder / "y.npy"
    value = answer(*args)["cross_entropy_quantiles"]["0.99"]
    call(*args, "--fail-above", f"cross_entropy@0.99={value}", "--fail-above", "accuracy=1")
    call(*args, "--fail-above", f"cross_entropy@0.99={np.nextafter(value, 0)}", status=1)
    x = np.load(folder / "x.npy")
    x[5] = np.nan
    np.save(folder / "nan.npy", x)
    nan = ["score", folder / "nan.npy", *args[2:], "--fail-above"]
    done = CliRunner().invoke(app, [*map(str, nan), "perplexity=1e300"])
    assert done.exit_code == 1
    expected = "fastdiv: perplexity is nan, so that it cannot be said to be 1e+300 or less\n"
    assert done.stderr == expected


def test_every_metric_has_a_limit(folder):
    for args in (["score", "x.npy"], ["compare", "x.npy", "z.npy"]):
        args = [args[0], *(folder / name for name in args[1:]), "--labels", folder / "y.npy"]
        done = CliRunner().invoke(app, [*map(str, args), "--fail-above", "none=1"])
        names = done.stderr.strip().partition("there are ")[2].split(", ")
        assert {"rows", "infinite_rows"} < set(names)
        assert {"top_5_accuracy", "cross_entropy@0.99"} < set(names) or args[0] == "compare"
        call(*args, *(part for n in names for part in ("--fail-above", f"{n}=1e9")))


def test_merged_summaries_are_those_of_the_whole(folder, arrays):
    x, z, y = arrays
    for i, part in enumerate((slice(0, 7), slice(7, 2000), slice(2000, None))):
        for name, array in zip("xzy", (x, z, y), strict=True):
            np.save(folder / f"{name}{i}.npy", array[part])
        paths = [folder / f"{name}{i}.npy" for name in "xzy"]
        call("compare", *paths[:2], "--labels", paths[2], "--summary", folder / f"c{i}.json")
        call("score", paths[0], "--labels", paths[2], "--summary", folder / f"s{i}.json")
    paths = [folder / f"{name}.npy" for name in "xzy"]
    for letter, args in (
        ("c", ["compare", *paths[:2]]),
        ("s", ["score", paths[0]]),
    ):
        whole = answer(*args, "--labels", paths[2], "--summary", folder / "whole.json")
        parts = [folder / f"{letter}{i}.json" for i in (2, 0, 1)]
        assert answer("merge", *parts, "--out", folder / "merged.json") == whole
        assert (folder / "merged.json").read_text() == (folder / "whole.json").read_text()
    call("merge", folder / "c0.json", folder / "s0.json", status=2)
    call("merge", folder / "x.npy", status=2)


def rows_kept(state):
    path = state / "state.json"
    return json.loads(path.read_text())["rows"] if path.exists() else 0


@pytest.mark.parametrize("suffix", ["npy", "parquet"])
def test_killed_and_resumed(folder, suffix, monkeypatch):
    if suffix == "parquet":
        pytest.importorskip("pyarrow")
    out, whole, state = folder / f"out.{suffix}", folder / f"whole.{suffix}", folder / "state"
    args = ["compare", "x.npy", "z.npy", "--labels", "y.npy", "--block-bytes", "2k", "--json"]
    code = """if True:
        import sys, time
        from fastdiv.__main__ import main
        from fastdiv.scoring import job, run
        run.EVERY_SECONDS = 0.02
        held = job.Job.do
        def do(self, plan, tally):
            time.sleep(0.005)
            return held(self, plan, tally)
        job.Job.do = do
        main()
    """
    slow = [sys.executable, "-c", code, *args, "--out", out.name, "--resume", "state"]
    with subprocess.Popen(slow, cwd=folder, stdout=subprocess.PIPE) as process:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not rows_kept(state):
            time.sleep(0.01)
        time.sleep(0.2)
        process.send_signal(signal.SIGKILL)
        assert process.communicate()[0] == b""
    assert not out.exists()
    done = rows_kept(state)
    assert 0 < done < ROWS
    monkeypatch.chdir(folder)
    expected = answer(*args[:-1], "--out", whole)
    first = []

    def remembered(self, plan, tally, held=fastdiv.scoring.job.Job.do):
        first.append(plan.start)
        return held(self, plan, tally)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fastdiv.scoring.job.Job, "do", remembered)
        got = answer(*args[:-1], "--out", out.name, "--resume", "state")
    assert got == expected
    assert min(first) == done
    assert out.read_bytes() == whole.read_bytes() if suffix == "npy" else True
    if suffix == "parquet":
        pq = pytest.importorskip("pyarrow.parquet")
        assert pq.read_table(out).equals(pq.read_table(whole))
    assert not state.exists()


def test_the_state_of_another_job_is_refused(folder, monkeypatch):
    monkeypatch.chdir(folder)
    from fastdiv.scoring import resume

    def interrupted(self, rows, tally, held=resume.Resume.save):
        held(self, rows, tally)
        raise KeyboardInterrupt

    args = "score", "x.npy", "--labels", "y.npy", "--resume", "state"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resume.Resume, "save", interrupted)
        call(*args, status=130)
    call(*args, "--block-bytes", "1k", status=2)
    call("score", "z.npy", *args[2:], status=2)
    os.utime("x.npy", (1, 1))
    call(*args, status=2)
    (folder / "state" / "state.json").write_text("{")
    call(*args, status=2)


def test_pictures_and_page(folder, monkeypatch):
    pytest.importorskip("jinja2")
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(folder)
    args = "score", "x.npy", "--labels", "y.npy"
    call(*args, "--plot", "a.png", "--report", "a.html")
    assert (folder / "a.png").read_bytes()[:4] == b"\x89PNG"
    page = (folder / "a.html").read_text()
    assert page.count("<svg") == 5
    loss = fastdiv.score(np.load("y.npy"), np.load("x.npy")).cross_entropy
    assert str(np.argmax(loss)) in page
    call("compare", "x.npy", "z.npy", "--labels", "y.npy", "--report", "b.html")
    assert "Jensen-Shannon" in (folder / "b.html").read_text()


def test_show_and_info(folder, monkeypatch):
    monkeypatch.chdir(folder)
    (folder / "names.txt").write_text("\n".join(f"class {k}" for k in range(CLASSES)))
    text = call("show", "x.npy", "z.npy", "--row", "17", "--names", "names.txt")
    assert "KL(p‖q)" in text
    assert "class 3" in text
    told = answer("info", "x.npy", "z.npy")["files"]
    assert [t["rows"] for t in told] == [ROWS, ROWS]
    assert "float32" in call("info", "x.npy")
    call("show", "x.npy", "z.npy", "--row", str(ROWS), status=2)


def test_the_worst_rows_do_not_depend_on_the_split():
    rng = np.random.default_rng(0)
    values = rng.integers(0, 300, 5000) / 7
    values[[3, 4999]] = np.inf
    values[100:200] = np.nan
    order = np.argsort(-np.where(np.isnan(values), -1, values), kind="stable")[:20]
    for cuts in ([], [1], [19, 20, 21, 4000], list(range(0, 5000, 13))):
        parts = []
        for first, part in zip([0, *cuts], np.split(values, cuts), strict=True):
            worst = Worst()
            worst.update(part, first, None)
            parts.append(worst)
        total = Worst()
        for k in rng.permutation(len(parts)):
            total.merge(parts[k])
        kept = Worst()
        kept.restore(json.loads(json.dumps(total.state())))
        assert kept.result() == (values[order].tolist(), order.tolist())


def test_what_is_read_is_not_written_over(folder, monkeypatch):
    monkeypatch.chdir(folder)
    (folder / "shards").mkdir()
    (folder / "shards" / "0.npy").symlink_to(folder / "x.npy")
    call("score", "shards", "--labels", "y.npy", "--summary", "s.json")
    written = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    for args in (
        ("score", "shards", "--labels", "y.npy", "--out", "x.npy"),
        ("score", "shards", "--labels", "y.npy", "--out", "shards/0.npy"),
        ("compare", "x.npy", "z.npy", "--ids", "y.npy", "--out", "../" + folder.name + "/y.npy"),
        ("merge", "s.json", "--out", "s.json"),
        ("show", "x.npy", "z.npy", "--plot", "z.npy"),
    ):
        call(*args, status=2)
        assert {path: path.read_bytes() for path in written} == written
    np.save(folder / "o.npy", np.zeros(3))
    call("score", "shards", "--labels", "y.npy", "--out", "o.npy", "--summary", "s.json")
    assert len(np.load("o.npy")) == ROWS


def test_nothing_is_written_into_a_zarr_array(folder, arrays, monkeypatch):
    monkeypatch.chdir(folder)
    write("zarr", folder / "a.zarr", arrays[0], arrays[2])
    before = sorted((folder / "a.zarr").rglob("*"))
    call("score", "a.zarr", "--labels", "y.npy", "--out", "a.zarr/o.npy", status=2)
    assert sorted((folder / "a.zarr").rglob("*")) == before


def test_where_the_result_is_printed_nothing_else_is_written(folder):
    args = [sys.executable, "-m", "fastdiv", "score", "x.npy", "--labels", "y.npy", "--summary"]
    for name in ("o.json", "/dev/stdout"):
        with (folder / "o.json").open("wb") as printed:
            given = {"cwd": folder, "stdout": printed, "stderr": subprocess.PIPE}
            done = subprocess.run([*args, name], **given, check=False)
        assert done.returncode == 2
        expected = f"fastdiv: {name}: is where the result is printed: name another --summary\n"
        assert done.stderr.decode() == expected
        assert (folder / "o.json").read_bytes() == b""
