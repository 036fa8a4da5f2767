"""The command line, as a person or a script meets it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import fastdiv
from fastdiv import _reference
from fastdiv.scoring import estimates
from fastdiv.scoring.whole_file import whole_file

pytest.importorskip("typer")


def command(*args, **keywords):
    return subprocess.run(
        [sys.executable, "-m", "fastdiv", *map(str, args)],
        **({} if "input" in keywords else {"stdin": subprocess.DEVNULL}),
        capture_output=True,
        text=True,
        check=False,
        **keywords,
    )


def answer(*args):
    done = command(*args, "--json")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout)


@pytest.fixture
def files(tmp_path):
    """Two models' logits, their probabilities, and labels, as files."""
    rng = np.random.default_rng(0)
    x = (3 * rng.normal(size=(500, 12))).astype(np.float32)
    arrays = {
        "x": x,
        "z": (x + 0.1 * rng.normal(size=x.shape)).astype(np.float32),
        "y": rng.integers(0, 12, 500).astype(np.uint8),
    }
    arrays |= {"p": fastdiv.softmax(arrays["x"]), "q": fastdiv.softmax(arrays["z"])}
    for name, array in arrays.items():
        np.save(tmp_path / f"{name}.npy", array)
    return tmp_path, arrays


def means(values):
    return pytest.approx(
        {
            "mean": np.mean(values, dtype=float),
            "standard_error": np.std(values, ddof=1, dtype=float) / np.sqrt(len(values)),
        },
        rel=1e-6,
    )


@pytest.mark.parametrize("kind", ["logits", "probs"])
def test_score(files, kind):
    folder, a = files
    name, extra = ("x", []) if kind == "logits" else ("p", ["--probs"])
    out = folder / "out.npy"
    got = answer(
        "score", folder / f"{name}.npy", "--labels", folder / "y.npy", "--out", out, *extra
    )
    x = a["x"].astype(float)
    loss = -_reference.log_softmax(x)[np.arange(500), a["y"]]
    assert (got["command"], got["rows"], got["classes"]) == ("score", 500, 12)
    assert got["cross_entropy"] == means(loss)
    assert got["perplexity"]["mean"] == pytest.approx(np.exp(loss.mean()), rel=1e-6)
    assert got["accuracy"]["share"] == np.mean(x.argmax(-1) == a["y"])
    assert got["entropy"] == means(_reference.entropy_from_logits(x))
    chances = np.exp(_reference.log_softmax(x))
    place = (chances > chances[np.arange(500), a["y"]][:, None]).sum(-1)
    assert got["top_k_accuracy"]["5"]["share"] == np.mean(place < 5)
    squares = np.square(chances - np.eye(12)[a["y"]]).sum(-1)
    assert got["brier_score"] == means(squares)
    function = fastdiv.cross_entropy if extra else fastdiv.cross_entropy_from_logits
    np.testing.assert_array_equal(np.load(out), function(a["y"], a[name]))


@pytest.mark.parametrize("kind", ["logits", "probs"])
def test_compare(files, kind):
    folder, a = files
    names, extra = (("x", "z"), []) if kind == "logits" else (("p", "q"), ["--probs"])
    paths = [folder / f"{n}.npy" for n in names]
    out = folder / "out.npy"
    got = answer("compare", *paths, "--labels", folder / "y.npy", "--out", out, *extra)
    xp, xq = a["x"].astype(float), a["z"].astype(float)
    kl = _reference.kl_divergence_from_logits(xp, xq)
    tolerance = 1e-3 if extra else 1e-5  # of probabilities rounded to float32
    assert got["kl_divergence"]["mean"] == pytest.approx(kl.mean(), rel=tolerance)
    for point in (0.5, 0.99, 1.0):
        quantile = np.quantile(kl, point)
        assert got["kl_quantiles"][str(point)] == pytest.approx(quantile, rel=tolerance)
    reverse = _reference.kl_divergence_from_logits(xq, xp).mean()
    assert got["reverse_kl_divergence"]["mean"] == pytest.approx(reverse, rel=tolerance)
    js = _reference.js_divergence_from_logits(xp, xq).mean()
    assert got["js_divergence"]["mean"] == pytest.approx(js, rel=tolerance)
    assert got["same_top_class"] == means(xp.argmax(-1) == xq.argmax(-1))
    p, q = (np.exp(_reference.log_softmax(x)) for x in (xp, xq))
    assert got["total_variation"]["mean"] == pytest.approx(
        np.abs(p - q).sum(-1).mean() / 2, rel=tolerance
    )
    change = (q - p)[np.arange(500), a["y"]]
    assert got["delta_p"]["mean"] == pytest.approx(change.mean(), rel=0.1 * tolerance, abs=1e-7)
    assert got["q_cross_entropy"]["mean"] == pytest.approx(
        -_reference.log_softmax(xq)[np.arange(500), a["y"]].mean(), rel=1e-5
    )
    p, q = (a[name] for name in names)
    expected = fastdiv.kl_divergence(p, q) if extra else fastdiv.compare(p, q).kl_divergence
    np.testing.assert_array_equal(np.load(out), expected)


def test_table(files):
    folder, _ = files
    done = command("score", folder / "x.npy", "--labels", folder / "y.npy")
    assert done.returncode == 0
    assert done.stderr == ""  # no progress where there is no terminal
    lines = dict(line.split("   ", 1) for line in done.stdout.splitlines())
    assert lines["rows"].strip() == "500"
    assert "±" in lines["cross-entropy"]
    assert "\x1b" not in done.stdout
    assert all(line == line.rstrip() for line in done.stdout.splitlines())


def test_shares_have_intervals(files):
    folder, a = files
    done = command("compare", folder / "x.npy", folder / "z.npy")
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("same top class")]
    same = int((a["x"].argmax(-1) == a["z"].argmax(-1)).sum())
    p, low, high = (100 * number for number in estimates.share(same, 500))
    assert line.split("   ")[-1] == f"{p:.2f} % ({low:.2f} to {high:.2f})"
    equal = command("compare", folder / "x.npy", folder / "x.npy").stdout
    assert "100.00 % (99.24 to 100.00)" in equal
    for name in ("score", "compare"):
        assert "95 % interval" in " ".join(command(name, "--help").stdout.split())


def test_blocks_do_not_change_a_bit(files):
    folder, _ = files
    args = ["compare", folder / "x.npy", folder / "z.npy"]
    expected = answer(*args)
    for size in ("1", "1k", "1G"):
        assert answer(*args, "--block-bytes", size) == expected
    for workers in ("1", "3"):
        assert answer(*args, "--workers", workers) == expected
    x = folder / "x.npy"
    args = ["score", x, "--labels", folder / "y.npy"]
    assert answer(*args, "--block-bytes", "100") == answer(*args)


def test_layouts_of_files(files):
    folder, a = files
    expected = answer("score", folder / "x.npy", "--labels", folder / "y.npy")
    np.save(folder / "f.npy", np.asfortranarray(a["x"]))
    np.save(folder / "s.npy", a["x"].astype(">f4"))
    np.save(folder / "n.npy", a["x"].reshape(20, 25, 12))
    np.save(folder / "ny.npy", a["y"].reshape(20, 25))
    for name, y in (("f", "y"), ("s", "y"), ("n", "ny")):
        got = answer("score", folder / f"{name}.npy", "--labels", folder / f"{y}.npy")
        assert got == expected


def test_infinite_rows_are_counted(files):
    folder, a = files
    x = a["x"].copy()
    x[7, 0] = -np.inf
    np.save(folder / "masked.npy", x)
    got = answer("compare", folder / "x.npy", folder / "masked.npy")
    assert got["infinite_rows"] == 1
    assert got["kl_quantiles"]["1.0"] == got["kl_divergence"]["mean"] == "inf"


def test_info():
    got = answer("info")
    assert got["version"] == fastdiv.__version__
    assert got["instruction_set_in_use"] in got["instruction_sets"]
    assert got["cpus"] >= 1
    assert "instruction set in use" in command("info").stdout


def test_version():
    assert command("--version").stdout == f"fastdiv {fastdiv.__version__}\n"


def test_files_of_float16(files, tmp_path):
    folder, a = files
    half = a["x"].astype(np.float16)
    np.save(tmp_path / "half.npy", half)
    np.save(tmp_path / "single.npy", half.astype(np.float32))
    results = []
    for name in ("half", "single"):
        x, out = tmp_path / f"{name}.npy", tmp_path / f"{name}_out.npy"
        score = answer("score", x, "--labels", folder / "y.npy", "--out", out)
        results.append((score, answer("compare", x, folder / "x.npy"), np.load(out).tobytes()))
    assert results[0] == results[1]


def bad_files(folder):
    """Write files with one thing wrong each."""
    x = np.zeros((4, 3), np.float32)
    np.save(folder / "x.npy", x)
    np.save(folder / "y.npy", np.array([0, 1, 2, 0]))
    np.save(folder / "y_out.npy", np.array([0, 1, 3, 0]))
    np.save(folder / "y_short.npy", np.array([0, 1, 2]))
    np.save(folder / "y_float.npy", np.zeros(4))
    np.save(folder / "wide.npy", np.zeros((4, 5), np.float32))
    np.save(folder / "flat.npy", np.zeros(4))
    np.save(folder / "empty.npy", np.zeros((0, 3)))
    np.save(folder / "complex.npy", np.zeros((4, 3), complex))
    np.save(folder / "long.npy", x.astype(np.longdouble))
    np.save(folder / "object.npy", np.array([[None]]), allow_pickle=True)
    np.savez(folder / "archive.npz", x=x)
    (folder / "text.npy").write_text("0 1 2")
    whole = (folder / "x.npy").read_bytes()
    (folder / "cut.npy").write_bytes(whole[:-5])
    (folder / "grown.npy").write_bytes(whole + bytes(12))
    (folder / "head.npy").write_bytes(whole[:7])
    (folder / "torn.npy").write_bytes(whole[:20])
    (folder / "third.npy").write_bytes(whole[:6] + b"\x03" + whole[7:])
    np.save(folder / "columns.npy", np.zeros((4, 2, 3), order="F"))
    (folder / "folder.npy").mkdir()
    (folder / "folder.npy" / "text").write_text("")
    p = np.full((4, 3), 1 / 3)
    p[2, 0] = 0.3
    np.save(folder / "p.npy", p)


LONG = "n" * 256

BAD = [
    (["score", "none.npy", "--labels", "y.npy"], "none.npy: No such file"),
    (["score", "folder.npy", "--labels", "y.npy"], "folder.npy: is a folder without"),
    (["score", "x.npy"], "x.npy: there are no labels: name a column of it, or a file, with --labe"),
    (["score", "-", "--labels", "y.npy"], "-: is empty: pipe a stream of Arrow batches there"),
    (["score", "text.npy", "--labels", "y.npy"], "text.npy: is not a .npy file"),
    (["score", "archive.npz", "--labels", "z"], "archive.npz: has no 'z': there are x"),
    (["score", "cut.npy", "--labels", "y.npy"], "cut.npy: is cut off: its header promises"),
    (["score", "object.npy", "--labels", "y.npy"], "object.npy has dtype object"),
    (["score", "grown.npy", "--labels", "y.npy"], "grown.npy: has 12 bytes more than its header"),
    (["score", "head.npy", "--labels", "y.npy"], "head.npy: cannot be read as .npy"),
    (["score", "torn.npy", "--labels", "y.npy"], "torn.npy: has a broken .npy header"),
    (["score", "third.npy", "--labels", "y.npy"], "third.npy: cannot be read as .npy"),
    (["score", "columns.npy", "--labels", "y.npy"], "columns.npy: has its first axis next to"),
    (["score", "x.npy", "--labels", "grown.npy"], "grown.npy: has 12 bytes more"),
    (["score", "x.npy", "--labels", "y.npy", "--out", "folder.npy"], "folder.npy: is a folder"),
    (["score", "flat.npy", "--labels", "y.npy"], "flat.npy: has shape (4,); rows of classes"),
    (["score", "empty.npy", "--labels", "y.npy"], "empty.npy: has shape (0, 3); there is nothing"),
    (["score", "complex.npy", "--labels", "y.npy"], "complex.npy has dtype complex128"),
    (["score", "long.npy", "--labels", "y.npy"], "long.npy has dtype float128"),
    (["score", "x.npy", "--labels", "y_out.npy"], "y_out.npy: label 3 at row 2 is out of range"),
    (["score", "x.npy", "--labels", "y_short.npy"], "y_short.npy: has shape (3,); x.npy needs"),
    (["score", "x.npy", "--labels", "y_float.npy"], "y_float.npy: labels must be integers"),
    (["score", "p.npy", "--labels", "y.npy", "--probs"], "p.npy: row 2 sums to 0.966667, not 1"),
    (["score", "x.npy", "--labels", "y.npy", "--probs"], "x.npy: row 0 sums to 0, not 1"),
    (["compare", "x.npy", "wide.npy"], "wide.npy: has 5 classes; x.npy has 3"),
    (["score", "x.npy", "--labels", "y.npy", "--block-bytes", "4Q"], "--block-bytes 4Q: write a"),
    (["score", "x.npy", "--labels", "y.npy", "--workers", "0"], "--workers: workers is 0; pass"),
    (["score", "x.npy", "--labels", "y.npy", "--out", "no/o.npy"], "no/o.npy: there is no folder"),
    (["score", "x.npy", "--labels", "y.npy", "--out", "o.csv"], "o.csv: is neither .npy (the main"),
    (["score", "x.npy", "--labels", "y.npy", "--top-k", "0"], "--top-k 0: give a number"),
    (["score", "x.npy", "--labels", "y.npy", "--top-k", "9"], "--top-k 9: there are 3 classes"),
    (
        ["score", "x.npy", "--labels", "y.npy", "--fail-above", "loss"],
        "--fail-above loss: write ME",
    ),
    (
        ["compare", "x.npy", "p.npy", "--fail-above", "rows=3", "--fail-above", "rows=9"],
        "--fail-above rows=9: rows has a limit already: name it once",
    ),
    (
        ["score", "x.npy", "--labels", "y.npy", "--fail-above", "l=1"],
        "--fail-above l: is no metric",
    ),
    (["score", "x.npy", "--labels", "y.npy", "--plot", "no/a.png"], "no/a.png: there is no folder"),
    (["score", "x.npy", "--labels", "y.npy", "--plot", "a.doc"], "a.doc: pictures are not written"),
    (
        ["score", "x.npy", "--labels", "y.npy", "--resume", "folder.npy"],
        "folder.npy: is a folder of",
    ),
    (["compare", "-", "-"], "-: standard input is one stream"),
    (["score", LONG, "--labels", "y.npy"], f"{LONG}: File name too long"),
    (["score", "x.npy", "--labels", LONG], f"{LONG}: File name too long"),
    (["compare", "x.npy", f"{LONG}/*.npy"], f"{LONG}/*.npy: File name too long"),
    (["show", "x.npy", "p.npy", "--names", LONG], f"{LONG}: File name too long"),
    (["info", LONG], f"{LONG}: File name too long"),
    (["compare", "x.npy", "x.npy", "--summary", LONG], f"{LONG}: cannot be written: File name too"),
    (
        ["score", "x.npy", "--labels", "y.npy", "--report", "r.pdf"],
        "r.pdf: the page is one of HTML",
    ),
    (["score", "x.npy", "--labels", "y.npy", "--out", "x.npy"], "x.npy: is read: name another --o"),
    (["score", "x.npy", "--labels", "y.npy", "--summary", "y.npy"], "y.npy: is read: name another"),
    (["score", "*.npz", "--labels", "y.npy", "--summary", "archive.npz"], "archive.npz: is read: "),
    (["compare", "x.npy", "p.npy", "--plot", "p.npy"], "p.npy: pictures are not written as .npy"),
    (
        ["compare", "x.npy", "p.npy", "--report", "./out.npy"],
        "out.npy: is named by --out and --rep",
    ),
    (
        ["compare", "x.npy", "p.npy", "--summary", "o.html", "--report", "folder.npy/../o.html"],
        "o.html: is named by --summary and --report: name two files",
    ),
]


@pytest.mark.parametrize(("args", "text"), BAD, ids=[b[1][:30] for b in BAD])
def test_bad_input_is_one_line(tmp_path, args, text):
    bad_files(tmp_path)
    before = sorted(p.name for p in tmp_path.iterdir())
    if "--out" not in args and args[0] in ("score", "compare"):
        args = [*args, "--out", "out.npy"]
    done = command(*args, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("fastdiv: ")
    assert text in done.stderr
    assert done.stderr.count("\n") == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == before


def sparse(path, rows, c):
    """A file of zeros that take no room on the disk."""
    header = np.lib.format.header_data_from_array_1_0(np.empty((1, c), np.float32))
    header["shape"] = (rows, c)
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        file.truncate(file.tell() + 4 * rows * c)


def disturbed(folder, act):
    """Compare 200 GB, let ``act`` happen in the middle, and return the exit status and errors."""
    sparse(folder / "x.npy", 50_000_000, 1000)
    args = [sys.executable, "-m", "fastdiv", "compare", "x.npy", "x.npy", "--out", "out.npy"]
    with subprocess.Popen(
        args,
        cwd=folder,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # A runner in the background may have left the signal ignored, which is inherited.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        deadline = time.monotonic() + 60
        while len(list(folder.iterdir())) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        act(process)
        try:
            output, errors = process.communicate(timeout=30)
        finally:
            process.kill()
    assert output == ""
    return process.returncode, errors


def test_interruption_as_the_file_is_made_leaves_nothing(tmp_path, monkeypatch):
    made = os.open

    def open_and_stop(*given, **more):
        os.close(made(*given, **more))
        sys.exit(143)

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", open_and_stop)
        with pytest.raises(SystemExit), whole_file(tmp_path / "out.npy"):
            pass
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interruption_leaves_nothing(tmp_path, number, status):
    code, errors = disturbed(tmp_path, lambda process: process.send_signal(number))
    assert (code, errors) == (status, "")
    assert [p.name for p in tmp_path.iterdir()] == ["x.npy"]


def test_a_file_that_gets_shorter(tmp_path):
    # A mapped file would end in a bus error here.
    code, errors = disturbed(tmp_path, lambda _: os.truncate(tmp_path / "x.npy", 1000))
    assert (code, errors) == (2, "fastdiv: x.npy: changed while it was read\n")
    assert [p.name for p in tmp_path.iterdir()] == ["x.npy"]


@pytest.mark.parametrize("which", ["x", "y"])
def test_a_file_that_is_written_to(files, monkeypatch, which):
    from fastdiv.scoring import job, measures, output, run
    from fastdiv.scoring.sources import InputError, open_rows

    folder, _ = files
    held = job.Job.do

    def do(self, plan, tally):
        if plan.start > 0:
            os.utime(folder / f"{which}.npy", (0, 0))
        return held(self, plan, tally)

    monkeypatch.setattr(job.Job, "do", do)
    source = open_rows(folder / "x.npy", labels=folder / "y.npy")
    work, out = job.Job(measures.score_measure(), (source,)), folder / "out.npy"
    with (
        pytest.raises(InputError, match=rf"{which}\.npy: changed while it was read"),
        output.written(out, work) as sink,
    ):
        run.run(work, block_bytes=1000, workers=2, sink=sink)
    assert not list(folder.glob("*out.npy*"))


def test_a_file_that_vanishes_is_read_to_its_end(files):
    folder, _ = files
    expected = answer("compare", folder / "x.npy", folder / "z.npy")
    code = f"""if True:
        import os, sys
        from fastdiv.__main__ import main
        from fastdiv.scoring import command
        first = command.open_rows
        def open_rows(place, **options):
            made = first(place, **options)
            os.unlink(place)
            return made
        command.open_rows = open_rows
        sys.argv[1:] = ["compare", "{folder}/x.npy", "{folder}/z.npy", "--json"]
        main()
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == expected
    assert not (folder / "x.npy").exists()


@pytest.mark.parametrize("rows", [2000, 500_000], ids=["at the end", "in the middle"])
def test_a_full_disk(tmp_path, rows):
    # A limit on a file's size, as of a full disk, ends in an error of write().
    import resource

    sparse(tmp_path / "x.npy", rows, 3)
    limit = 5000
    done = command(
        "compare",
        "x.npy",
        "x.npy",
        "--out",
        "out.npy",
        cwd=tmp_path,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "fastdiv: out.npy: cannot be written: File too large\n"
    assert [p.name for p in tmp_path.iterdir()] == ["x.npy"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
@pytest.mark.parametrize("json_or_not", [[], ["--json"]])
def test_a_result_that_cannot_be_printed(files, json_or_not):
    folder, _ = files
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run(
            [sys.executable, "-m", "fastdiv", "compare", "x.npy", "z.npy", *json_or_not],
            cwd=folder,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr == "fastdiv: the result cannot be printed: No space left on device\n"


def in_shell(folder, line):
    """Run a line of bash in which fastdiv is a command."""
    begin = f'fastdiv() {{ {sys.executable} -m fastdiv "$@"; }}; '
    args = ["bash", "-c", begin + line]
    return subprocess.run(args, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "args", ["score x.npy --labels y.npy", "compare x.npy z.npy --json", "info x.npy", "--version"]
)
def test_a_reader_that_leaves(files, args):
    done = in_shell(files[0], f"fastdiv {args} | true; exit ${{PIPESTATUS[0]}}")
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize("json_or_not", ["", "--json"])
def test_a_standard_output_that_is_closed(files, json_or_not):
    folder, _ = files
    args = f"compare x.npy z.npy --out out.npy {json_or_not}"
    done = in_shell(folder, f"fastdiv {args} >&-")
    expected = "fastdiv: the result cannot be printed: standard output is closed\n"
    assert (done.returncode, done.stderr) == (2, expected)
    assert in_shell(folder, f"fastdiv {args} >&- 2>&-").returncode == 2
    assert not (folder / "out.npy").exists()
    # An error is not written among the results.
    done = in_shell(folder, "fastdiv compare x.npy none.npy 2>&-")
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "ascii:strict", "utf-8"])
def test_an_encoding_that_lacks_characters(files, encoding):
    folder, _ = files
    given = {**os.environ, "PYTHONIOENCODING": encoding}
    for args in (["compare"], ["show", "--row", "3"]):
        done = subprocess.run(
            [sys.executable, "-m", "fastdiv", *args, "x.npy", "z.npy"],
            cwd=folder,
            env=given,
            capture_output=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, b"")
        text = done.stdout.decode(encoding.partition(":")[0])
        assert ("KL(p‖q)" if encoding == "utf-8" else "KL(p||q)") in text
        assert "?" not in text
    asked = subprocess.run(
        [sys.executable, "-m", "fastdiv", "compare", "x.npy", "z.npy"],
        cwd=folder,
        env={**given, "PYTHONIOENCODING": "ascii:backslashreplace"},
        capture_output=True,
        check=True,
    )
    assert rb"\u2016" in asked.stdout


def test_a_name_that_is_no_text(files):
    folder, _ = files
    name = os.fsencode(folder) + b"/\xff.npy"
    os.link(folder / "x.npy", name)
    done = subprocess.run(
        [sys.executable, "-m", "fastdiv", "info", name], capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert name in done.stdout


def test_without_the_extra(tmp_path):
    (tmp_path / "typer.py").write_text("raise ModuleNotFoundError('none', name='typer')")
    done = command("info", env={**os.environ, "PYTHONPATH": str(tmp_path)})
    assert done.returncode == 2
    assert done.stderr == "fastdiv: the command line needs typer: pip install 'fastdiv[cli]'\n"


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_memory_stays_within_the_budget(tmp_path):
    # 1 GB, of which a process that kept what it has read would hold all.
    header = np.lib.format.header_data_from_array_1_0(np.empty((1, 1000), np.float32))
    header["shape"] = (250_000, 1000)
    with (tmp_path / "x.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for _ in range(250):
            file.write(bytes(4_000_000))
    code = (
        "import sys\n"
        "from fastdiv.__main__ import main\n"
        "sys.argv[1:] = ['compare', 'x.npy', 'x.npy', '--json']\n"
        "try:\n"
        "    main()\n"
        "finally:\n"
        "    print([line for line in open('/proc/self/status') if 'VmHWM' in line][0])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    result, peak = done.stdout.split("\n", 1)
    assert json.loads(result)["rows"] == 250_000
    assert int(peak.split()[1]) < 300_000  # kB
