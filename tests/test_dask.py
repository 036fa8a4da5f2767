"""Dask: the bits of one machine for any chunks, in one process, in two, with one of them killed."""

import doctest
import importlib
import itertools
import os
import re
import time

import engines
import numpy as np
import pytest
import writers
from cases import rows_for

import fastdiv

pytest.importorskip("dask.array", reason="needs pip install 'fastdiv[dask]'")
pytest.importorskip("distributed", reason="needs pip install 'fastdiv[dask]'")
import dask
import dask.array as da
from distributed import Client, LocalCluster

import fastdiv.dask
from fastdiv.scoring import opened
from fastdiv.scoring.sources import InputError
from fastdiv.scoring.sources.vector import Vector

pytestmark = pytest.mark.thread_unsafe  # a cluster and Dask's settings are one for all threads

P, Q, Y = engines.data()
CHUNKS = (1500, 999, (1, 0, 999, 2000), 3000)


@pytest.fixture(autouse=True)
def synchronous():
    with dask.config.set(scheduler="synchronous"):
        yield


def lazy(x, chunks):
    return da.from_array(x, chunks=(chunks, *(-1,) * (x.ndim - 1)))


@pytest.mark.parametrize("chunks", [1, 4, 13, (5, 0, 8)])
def test_rows_are_those_of_arrays_in_memory(name, dtype, chunks):
    arrays = rows_for(name, 13, 7, dtype)
    made = getattr(fastdiv.dask, name)(*(lazy(a, chunks) for a in arrays))
    expected = getattr(fastdiv, name)(*arrays)
    assert (made.dtype, made.shape) == (expected.dtype, expected.shape)
    assert made.chunks[0] == lazy(arrays[0], chunks).chunks[0]
    assert type(made._meta) is np.ndarray
    computed = made.compute()
    assert computed.dtype == expected.dtype
    assert computed.tobytes() == expected.tobytes()


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", [2, -2])
@pytest.mark.parametrize("labels", ["numpy", "dask", "one", "broadcast"])
def test_axes_and_labels(axis, keepdims, labels):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(4, 6, 9, 5)), rng.integers(0, 9, (4, 6, 5))
    given = {"numpy": y, "dask": da.from_array(y, chunks=2), "one": 3, "broadcast": y[:1]}[labels]
    options = {"axis": axis, "keepdims": keepdims, "temperature": 0.5, "ignore_index": 2}
    made = fastdiv.dask.cross_entropy_from_logits(
        given, da.from_array(x, chunks=(3, 4, 9, 2)), **options
    )
    expected = fastdiv.cross_entropy_from_logits(
        given.compute() if labels == "dask" else given, x, **options
    )
    assert made.shape == expected.shape
    np.testing.assert_array_equal(made.compute(), expected)


def test_halves_and_rows_that_broadcast():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    for dtype in (np.float16, ml_dtypes.bfloat16):
        x = P[:20].astype(dtype)
        made = fastdiv.dask.kl_divergence_from_logits(lazy(x, 6), x[3])
        assert made.dtype == np.float32
        np.testing.assert_array_equal(made.compute(), fastdiv.kl_divergence_from_logits(x, x[3]))


def test_nothing_is_computed_before_it_is_asked_for():
    def never(block):
        raise AssertionError("computed")

    x = da.map_blocks(never, lazy(P, 1000), dtype=P.dtype, meta=P[:0])
    fastdiv.dask.softmax(x)
    fastdiv.dask.cross_entropy_from_logits(Y, x)
    fastdiv.dask.score(Y, x)
    fastdiv.dask.compare(x, Q)


def test_unknown_numbers_of_rows():
    x = lazy(P, 1000)
    some = x[x[:, 0] > 0]
    np.testing.assert_array_equal(
        fastdiv.dask.logsumexp(some).compute(), fastdiv.logsumexp(P[P[:, 0] > 0])
    )
    with pytest.raises(ValueError, match=r"call x\.compute_chunk_sizes\(\)"):
        fastdiv.dask.cross_entropy_from_logits(Y, some)


X = lazy(P, 1000)
CE = fastdiv.dask.cross_entropy_from_logits
TABLE = [
    (lambda: CE(Y, P), TypeError, r"p and x: no Dask array.*fastdiv\.cross_entropy_from_logits"),
    (lambda: CE(Y, X.rechunk((1000, 3))), ValueError, r"4 chunks.*x\.rechunk\(\{-1: -1\}\)"),
    (lambda: CE(Y[:5], X), ValueError, r"labels of shape \(5,\) do not broadcast"),
    (
        lambda: CE(Y[:5], X.T, axis=0),
        ValueError,
        rf"rows of shape \({engines.C}, {len(Y)}\) \(classes along axis 0\): pass labels of shape",
    ),
    (
        lambda: fastdiv.dask.kl_divergence(X.T, P.T[:3], axis=0),
        ValueError,
        r"\) and \(3, \d+\) \(classes along axis 0\) do not broadcast",
    ),
    (lambda: CE(Y + 0.5, X), TypeError, r"labels must be integers, not float64"),
    (lambda: CE(Y, X, base=-1), ValueError, r"base must be a positive number"),
    (lambda: CE(Y, X, class_weight=[1, 2]), ValueError, r"class_weight has shape \(2,\)"),
    (lambda: CE(Y, X, reduction="mean"), TypeError, r"takes no reduction.*fastdiv\.dask\.score"),
    (lambda: CE(Y, X, bass=2), TypeError, r"unexpected keyword argument 'bass'"),
    (lambda: CE(Y, X + 1j), TypeError, r"x has dtype complex64"),
    (lambda: CE(Y, da.ma.masked_invalid(X)), TypeError, r"x is a masked array"),
    (
        lambda: CE(Y + engines.C, X).compute(),
        IndexError,
        r"block \(\d,\): label \d+ at row 0 is out of",
    ),
    (lambda: fastdiv.logsumexp(X), TypeError, r"lazy Dask array.*fastdiv\.dask"),
    (lambda: fastdiv.dask.score(Y, P), TypeError, r"no Dask array.*fastdiv\.score"),
    (lambda: fastdiv.dask.score(Y[:5], X), ValueError, r"not one for each row"),
    (lambda: fastdiv.dask.score(Y * 1.0, X), TypeError, r"labels must be integers"),
    (lambda: fastdiv.dask.score(Y, X, want=["rank"]), ValueError, r"no 'cross_entropy'"),
    (lambda: fastdiv.dask.score(Y, X, split_every=1), ValueError, r"merges at least 2"),
    (lambda: fastdiv.dask.score(Y + engines.C, X).compute(), IndexError, r"block \(\d,\): label"),
    (lambda: fastdiv.dask.compare(X, X[:5]), ValueError, r"they are no pairs"),
    (lambda: fastdiv.dask.compare(X, X, want=["kl_divergence", "delta_p"]), ValueError, "labels"),
]


@pytest.mark.parametrize("case", range(len(TABLE)))
def test_what_is_wrong_is_said(case):
    call, error, match = TABLE[case]
    with pytest.raises(error, match=match):
        call()


@pytest.mark.parametrize("chunks", CHUNKS)
def test_summaries_of_arrays(chunks):
    x, z = lazy(P, chunks), lazy(Q, 800)
    made = fastdiv.dask.score(Y, x, top_k=(1, 3), bins=9, split_every=2).compute()
    assert made.to_json() == engines.score_json(Y, P, top_k=(1, 3), bins=9)
    assert fastdiv.dask.compare(x, z).compute().to_json() == engines.compare_json(P, Q)
    made = fastdiv.dask.compare(x, z, lazy(Y, 700)).compute()
    assert made.to_json() == engines.compare_json(P, Q, Y)


def test_summaries_of_cubes_and_of_cut_rows():
    x, y = P.reshape(30, 100, 11), Y.reshape(30, 100)
    lazy_x = da.from_array(x, chunks=(7, 60, 4))
    with pytest.raises(ValueError, match=r"logits is cut into 3 chunks"):
        fastdiv.dask.score(y, lazy_x)
    made = fastdiv.dask.score(y, lazy_x, allow_rechunk=True).compute()
    assert made.to_json() == engines.score_json(Y, P)


def write_shards(folder, format, x):
    folder.mkdir()
    for k, start in enumerate(range(0, engines.N, 1100)):
        rows = slice(start, start + 1100)
        path = folder / f"{k}.{format}"
        if format == "npz":
            writers.npz(path, x[rows], Y[rows], np.arange(engines.N)[rows])
        elif format == "zarr":
            zarr = pytest.importorskip("zarr")
            group = zarr.create_group(path)
            group.create_array("x", data=x[rows], chunks=(64, 11))
            group.create_array("y", data=Y[rows], chunks=(50,))
        else:
            pytest.importorskip("pyarrow")
            writers.parquet("list")(path, x[rows], Y[rows], np.arange(engines.N)[rows])
    return folder


@pytest.mark.parametrize("format", ["npz", "zarr", "parquet"])
def test_summaries_of_files(tmp_path, format):
    p = write_shards(tmp_path / "p", format, P)
    np.save(tmp_path / "q.npy", Q)
    for task_bytes, block_bytes in ((3000, 1000), (20000, 7777), (1 << 30, 1 << 30)):
        sizes = {"task_bytes": task_bytes, "block_bytes": block_bytes}
        made = fastdiv.dask.score_files(p, column="x", labels="y", **sizes).compute()
        assert made.to_json() == engines.score_json(Y, P)
        made = fastdiv.dask.compare_files(
            p, tmp_path / "q.npy", column="x", q_column="", labels="y", **sizes
        )
        assert made.compute().to_json() == engines.compare_json(P, Q, Y)


def test_files_of_row_groups_that_do_not_match(tmp_path):
    pytest.importorskip("pyarrow")
    p = write_shards(tmp_path / "p", "parquet", P)
    writers.parquet("fixed")(tmp_path / "q.parquet", Q, Y, np.arange(engines.N))
    made = fastdiv.dask.compare_files(
        p, tmp_path / "q.parquet", column="x", task_bytes=5000, block_bytes=999
    )
    assert made.compute().to_json() == engines.compare_json(P, Q)


def test_files_that_are_not_the_same_everywhere(tmp_path):
    np.save(tmp_path / "x.npy", P)
    np.save(tmp_path / "y.npy", Y)
    lazy_score = fastdiv.dask.score_files(tmp_path / "x.npy", labels=tmp_path / "y.npy")
    np.save(tmp_path / "x.npy", P[:50])
    np.save(tmp_path / "y.npy", Y[:50])
    with pytest.raises(InputError, match=r"x\.npy"):
        lazy_score.compute()


@pytest.mark.parametrize("format", ["npy", "parquet"])
def test_workers_read_the_labels_of_their_rows_alone(tmp_path, monkeypatch, format):
    path = tmp_path / f"y.{format}"
    np.save(tmp_path / "x.npy", P)
    if format == "npy":
        np.save(path, Y)
    else:
        pytest.importorskip("pyarrow")
        writers.parquet("fixed")(path, Q, Y, np.arange(engines.N))
        path = f"{path}::y"
    made = fastdiv.dask.score_files(tmp_path / "x.npy", labels=path, task_bytes=9000)
    monkeypatch.setattr(opened, "_opened", {})  # as it is on a worker
    read = []

    def noted(self, start, stop, held=Vector.read):
        read.append((start, stop))
        return held(self, start, stop)

    monkeypatch.setattr(Vector, "read", noted)
    assert made.compute().to_json() == engines.score_json(Y, P)
    assert len(read) > 5
    ends = [0, *(stop for _, stop in sorted(read))]
    assert sorted(read) == list(itertools.pairwise(ends))
    assert ends[-1] == engines.N


def test_a_label_that_only_a_worker_finds_to_be_wrong(tmp_path, monkeypatch):
    np.save(tmp_path / "x.npy", P)
    np.save(tmp_path / "y.npy", Y)
    made = fastdiv.dask.score_files(tmp_path / "x.npy", labels=tmp_path / "y.npy", task_bytes=9000)
    np.save(tmp_path / "y.npy", np.where(np.arange(engines.N) == 1234, 99, Y))
    monkeypatch.setattr(opened, "_opened", {})
    with pytest.raises(InputError, match=r"y\.npy: label 99 at row 1234 is out of range"):
        made.compute()


def test_examples():
    for module in ("", "._files", "._run", "._summaries"):
        failed, tried = doctest.testmod(importlib.import_module(f"fastdiv.dask{module}"))
        assert tried
        assert not failed


@pytest.fixture(scope="module")
def client():
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster, set_as_default=False) as made,
    ):
        yield made


@pytest.mark.dask
def test_two_processes(client, tmp_path):
    assert len(set(client.run(os.getpid).values()) - {os.getpid()}) == 2
    x = lazy(P, 250)
    made = client.compute(CE(Y, x)).result(timeout=60)
    assert made.tobytes() == fastdiv.cross_entropy_from_logits(Y, P).tobytes()
    made = client.compute(fastdiv.dask.score(Y, x, split_every=3)).result(timeout=60)
    assert made.to_json() == engines.score_json(Y, P)
    p = write_shards(tmp_path / "p", "npz", P)
    np.save(tmp_path / "q.npy", Q)
    told = []
    made = fastdiv.dask.run_on_dask(client, p, "y", column="x", task_bytes=9000, done=told.append)
    assert made.to_json() == engines.score_json(Y, P)
    assert len(told) > 10
    assert sum(told) == engines.N
    assert nothing_is_kept(client)
    address = client.scheduler.address
    made = fastdiv.dask.compare_on_dask(
        address, p, tmp_path / "q.npy", "y", column="x", q_column="", task_bytes=9000
    )
    assert made.to_json() == engines.compare_json(P, Q, Y)


def nothing_is_kept(client):
    """Whether the scheduler forgets all tasks, which it does as soon as nobody asks for them."""

    def tasks(dask_scheduler):
        return len(dask_scheduler.tasks)

    for _ in range(100):
        if not client.run_on_scheduler(tasks):
            return True
        time.sleep(0.05)
    return False


@pytest.mark.dask
@pytest.mark.parametrize("where", ["here", "on workers"])
def test_rows_done_are_shown_on_a_terminal(client, tmp_path, monkeypatch, where):
    runner = pytest.importorskip("typer.testing").CliRunner()
    from fastdiv.scoring.command import app

    monkeypatch.chdir(tmp_path)
    np.save("x.npy", P)
    np.save("y.npy", Y)
    args = ["score", "x.npy", "--labels", "y.npy", "--json"]
    if where == "on workers":
        args += ["--dask", client.scheduler.address]
    quiet = runner.invoke(app, args)
    shown = runner.invoke(app, args, env={"FORCE_COLOR": "1"})  # a terminal, to Rich
    assert quiet.stderr == ""
    assert "100%" in shown.stderr
    assert "3k rows" in shown.stderr
    assert quiet.stdout == shown.stdout


@pytest.mark.dask
def test_the_command_line(client, tmp_path, monkeypatch):
    runner = pytest.importorskip("typer.testing").CliRunner()
    from fastdiv.scoring.command import app

    monkeypatch.chdir(tmp_path)
    # Rows that are all distributions, so that the numbers can be compared.
    good = np.isfinite(P).all(-1) & np.isfinite(Q).all(-1)
    for name, array in (("p", P[good]), ("q", Q[good]), ("y", Y[good])):
        np.save(f"{name}.npy", array)
    for name, array in (("p", P[good]), ("q", Q[good])):
        np.save(f"{name}_probs.npy", fastdiv.softmax(array))
    np.save("few.npy", P[good, :4])
    np.save("few_y.npy", Y[good] % 4)
    # Whose labels nobody has to name.
    writers.llama("base.kld", P[:12].reshape(3, 4, 11), np.arange(27).reshape(3, 9) % 11)
    np.save("other.npy", Q[:12])
    scheduler = ["--dask", client.scheduler.address]
    for args in (
        ["score", "p.npy", "--labels", "y.npy"],
        ["compare", "p.npy", "q.npy", "--labels", "y.npy"],
        ["score", "p_probs.npy", "--labels", "y.npy", "--probs"],
        ["compare", "p_probs.npy", "q_probs.npy", "--probs"],
        ["score", "few.npy", "--labels", "few_y.npy"],
        ["compare", "base.kld", "other.npy"],
    ):
        args = [*args, "--json"]
        alone, shared = runner.invoke(app, args), runner.invoke(app, [*args, *scheduler])
        assert (alone.exit_code, shared.exit_code) == (0, 0)
        assert alone.stdout == shared.stdout
    wrong = ["score", "p.npy", "--labels", "y.npy", "--probs"]
    alone, shared = runner.invoke(app, wrong), runner.invoke(app, [*wrong, *scheduler])
    assert (alone.exit_code, shared.exit_code) == (2, 2)
    fault = r"p\.npy: row 0 holds -2\.4\S+ at class 0, which is no probability$"
    assert re.search(fault, alone.stderr, re.M)
    assert re.search(fault, shared.stderr, re.M)
    refused = runner.invoke(
        app, ["score", "p.npy", "--labels", "y.npy", "--out", "o.npy", *scheduler]
    )
    assert refused.exit_code == 2
    refused = runner.invoke(app, ["score", "p.npy", "q.npy", "--labels", "y.npy", *scheduler])
    assert refused.exit_code == 2


@pytest.mark.dask
def test_errors_come_back_as_they_are(client, tmp_path):
    x = write_shards(tmp_path / "x", "npz", P)
    with np.load(x / "1.npz") as saved:
        arrays = {**saved, "y": saved["y"].copy()}
    arrays["y"][100] = 99
    np.savez(x / "1.npz", **arrays)
    with pytest.raises(
        InputError, match=r"1\.npz: label 99 at row 100 \(1200 of all files\) is out of range"
    ):
        fastdiv.dask.run_on_dask(client, x, "y", column="x", task_bytes=9000)
    assert nothing_is_kept(client)


@pytest.mark.dask
@pytest.mark.parametrize("what", ["summary", "rows"])
def test_a_worker_is_killed(client, tmp_path, what):
    x = da.map_blocks(
        engines.block_held_up, lazy(P, 250), folder=str(tmp_path), dtype=P.dtype, meta=P[:0]
    )
    made = CE(Y, x) if what == "rows" else fastdiv.dask.score(Y, x, split_every=3)
    workers = client.run(os.getpid).values()

    def whom(pid):
        assert pid in workers
        return pid

    with engines.killed_when_held_up(tmp_path, whom):
        result = client.compute(made).result(timeout=60)
    if what == "rows":
        assert result.tobytes() == fastdiv.cross_entropy_from_logits(Y, P).tobytes()
    else:
        assert result.to_json() == engines.score_json(Y, P)
