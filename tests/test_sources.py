"""Files of every format, read in blocks: the same rows, labels and ids, to the bit."""

import io
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import writers

from fastdiv.scoring.sources import InputError, iter_blocks, iter_pairs, open_rows
from fastdiv.scoring.sources.memory import Buffers

N, C = 23, 5


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(N, C)).astype(np.float32)
    # Bits that a conversion would lose.
    x[3, 1], x[4, 2], x[5, 0], x[6, 4] = np.nan, -np.inf, -0.0, 1e-45
    return x, rng.integers(0, C, N), 100 + np.arange(N)


def gathered(source, block_bytes=1 << 20, readers=1):
    """Return the rows of all blocks, in their order, with labels and ids."""
    blocks = sorted(iter_blocks(source, block_bytes, readers=readers), key=lambda b: b.start)
    assert [b.start for b in blocks] == [0, *(b.stop for b in blocks[:-1])]
    columns = zip(*((b.rows, b.labels, b.ids) for b in blocks), strict=True)
    return [None if c[0] is None else np.concatenate(c) for c in columns]


def same_bits(a, b):
    assert a.dtype == b.dtype
    assert a.shape == b.shape
    assert a.tobytes() == b.tobytes()


def write(folder, name, data):
    suffix, writer = writers.TABLES[name]
    path = folder / f"t{suffix}"
    writer(path, *data)
    return path


@pytest.mark.parametrize("block_bytes", [1, 80, 1 << 20])
@pytest.mark.parametrize("name", writers.TABLES)
def test_rows_labels_and_ids(tmp_path, data, name, block_bytes):
    path = write(tmp_path, name, data)
    source = open_rows(path, labels="y", ids="ids")
    assert (source.classes, source.dtype, source.row_bytes) == (C, np.float32, 4 * C)
    assert source.rows == (None if name == "arrow stream" else N)
    assert (source.has_labels, source.has_ids) == (True, True)
    x, y, ids = gathered(source, block_bytes)
    same_bits(x, data[0])
    np.testing.assert_array_equal(y, data[1])
    np.testing.assert_array_equal(ids, data[2])


@pytest.mark.parametrize("name", writers.TABLES)
@pytest.mark.parametrize("dtype", [np.float16, np.float64, np.int16])
def test_dtypes(tmp_path, data, name, dtype):
    x = np.nan_to_num(data[0], neginf=0).astype(dtype)
    path = write(tmp_path, name, (x, *data[1:]))
    column = next((c for c in ("x", "deep/x") if c in dict.fromkeys(_names(path))), "class_*")
    got, _, _ = gathered(open_rows(path, column=column))
    same_bits(got, x)


def _names(path):
    from fastdiv.scoring.sources.formats import open_table

    return open_table(path).entries


def test_bfloat16(tmp_path, data):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    x = data[0].astype(ml_dtypes.bfloat16)
    np.save(tmp_path / "x.npy", x)
    assert np.load(tmp_path / "x.npy").dtype == "V2"
    same_bits(gathered(open_rows(tmp_path / "x.npy"))[0], x)
    writers.safetensors(tmp_path / "x.safetensors", x, *data[1:])
    same_bits(gathered(open_rows(tmp_path / "x.safetensors"))[0], x)


def test_bfloat16_without_its_package(tmp_path, monkeypatch):
    np.save(tmp_path / "x.npy", np.zeros((2, 3), "V2"))
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)
    with pytest.raises(InputError, match=r"x\.npy: holds bfloat16, .*pip install ml_dtypes"):
        open_rows(tmp_path / "x.npy")


@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("dtype", [">f4", "<f8", "u1"])
def test_layouts_of_npy(tmp_path, data, order, dtype):
    x = np.asarray(np.abs(np.nan_to_num(data[0], neginf=0)), dtype, order=order)
    np.save(tmp_path / "x.npy", x)
    for size in (1, 100, 1 << 20):
        for block in iter_blocks(open_rows(tmp_path / "x.npy"), size):
            same_bits(block.rows, x[block.start : block.stop])


@pytest.mark.parametrize("kind", ["npy", "zarr", "hdf5"])
def test_rows_along_several_axes(tmp_path, kind):
    x, y = np.arange(4 * 3 * 2, dtype=float).reshape(4, 3, 2), np.arange(12).reshape(4, 3) % 2
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", y)
    path = tmp_path / f"x.{kind}"
    if kind == "zarr":
        array = pytest.importorskip("zarr").create_array(
            path, shape=x.shape, chunks=(3, 2, 2), dtype=float
        )
        array[:] = x
    elif kind == "hdf5":
        with pytest.importorskip("h5py").File(path, "w") as file:
            file.create_dataset("x", data=x, chunks=(3, 1, 2))
    for size in (1, 70, 1000):
        source = open_rows(path, labels=tmp_path / "y.npy")
        assert (source.lead, source.rows, source.classes) == ((4, 3), 12, 2)
        got = gathered(source, size)
        same_bits(got[0], x.reshape(12, 2))
        same_bits(got[1], y.reshape(12))


def test_llama_base(tmp_path):
    rng = np.random.default_rng(1)
    for context, classes in ((8, 7), (9, 4), (2, 3)):
        rows = context - 1 - context // 2
        logits = 5 * rng.normal(size=(3, rows, classes))
        if rows:
            logits[0, 0] = 2.0  # a scale of 0
        tokens = rng.integers(0, classes, (3, context))
        path = tmp_path / "base.kld"
        writers.llama(path, logits, tokens)
        if not rows:
            with pytest.raises(InputError, match="there is nothing in it"):
                open_rows(path)
            continue
        source = open_rows(path)
        assert (source.rows, source.classes, source.dtype) == (3 * rows, classes, np.float32)
        x, y, _ = gathered(source, 30)
        first = context // 2
        expected = [tokens[i, first + j + 1] for i in range(3) for j in range(rows)]
        np.testing.assert_array_equal(y, expected)
        scale, least, codes = writers.llama_codes(logits.reshape(-1, classes))
        same_bits(x, codes.astype(np.float32) * scale[:, None] + least[:, None])
        # A code is at most half a step of 16 nats / 65535 off.
        true = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
        kept = true > true.max(-1, keepdims=True) - 16
        worst = np.abs(x.reshape(true.shape) - true)[kept].max()
        assert worst < 16 / 65535 / 2 + 1e-5


def test_shards(tmp_path, data):
    x, y, ids = data
    for name, part in (("b", slice(5, 5)), ("a", slice(0, 5)), ("c", slice(5, N))):
        np.save(tmp_path / f"{name}.npy", x[part])
    np.savez(tmp_path.parent / "labels.npz", labels=y, ids=ids)
    apart = str(tmp_path.parent / "labels.npz")
    for place in (tmp_path, f"{tmp_path}/*.npy"):
        source = open_rows(place, labels=apart, ids=f"{apart}::ids")
        assert [(s.path.name, s.start, s.rows) for s in source.shards] == [
            ("a.npy", 0, 5),
            ("b.npy", 5, 0),
            ("c.npy", 5, N - 5),
        ]
        assert (source.rows, source.describe()["shards"]) == (N, 3)
        got = gathered(source, 60)
        for one, other in zip(got, data, strict=True):
            same_bits(one, other)
        across = source.read(3, 9)
        same_bits(across.rows, x[3:9])
        same_bits(across.labels, y[3:9])


@pytest.mark.parametrize("kind", ["npy", "arrow", "parquet"])
def test_more_shards_than_a_process_may_open_files(tmp_path, kind):
    # The limit is one of the process, so that it is one of its own.
    code = f"""if True:
        import resource, sys
        import numpy as np
        from fastdiv.scoring.sources import iter_blocks, open_rows
        source = open_rows({str(tmp_path)!r})  # imports what it needs
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (300, hard))
        source = open_rows({str(tmp_path)!r})
        print([int(b.rows[0, 0]) for b in iter_blocks(source)] == list(range(320)))
    """
    for i in range(320):
        x = np.full((2, 3), i, np.float32)
        path = tmp_path / f"{i:03}.{kind}"
        if kind == "npy":
            np.save(path, x)
        else:
            getattr(writers, kind)("list")(path, x, np.zeros(2, int), np.zeros(2, int))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "True\n", done.stderr


def test_a_shard_that_is_another_file_when_it_is_opened_again(tmp_path, monkeypatch):
    from fastdiv.scoring.sources import open_files, plain

    monkeypatch.setattr(plain, "OPEN", open_files.OpenFiles(1))
    for name in "ab":
        np.save(tmp_path / f"{name}.npy", np.zeros((4, 3), np.float32))
    source = open_rows(tmp_path)
    np.save(tmp_path / "new.npy", np.ones((4, 3), np.float32))
    (tmp_path / "new.npy").replace(tmp_path / "a.npy")
    with pytest.raises(InputError, match=r"a\.npy: changed while it was read"):
        source.read(0, 8)
    (tmp_path / "a.npy").unlink()
    with pytest.raises(InputError, match=r"a\.npy: changed while it was read"):
        source.check_unchanged()


def test_shards_of_tables(tmp_path, data):
    pytest.importorskip("pyarrow")
    for name, part in (("0", slice(0, 9)), ("1", slice(9, 9)), ("2", slice(9, N))):
        writers.parquet("list")(tmp_path / f"{name}.parquet", *(a[part] for a in data))
    (tmp_path / "_SUCCESS").touch()
    source = open_rows(tmp_path, labels="y", ids="ids")
    got = gathered(source, 60, readers=3)
    same_bits(got[0], data[0])
    np.testing.assert_array_equal(got[1], data[1])
    np.testing.assert_array_equal(got[2], data[2])


def test_labels_of_any_format_for_rows_of_any_format(tmp_path, data):
    pytest.importorskip("pyarrow")
    np.save(tmp_path / "x.npy", data[0])
    for name in writers.TABLES:
        if name == "arrow stream":
            continue
        folder = tmp_path / name
        folder.mkdir()
        path = write(folder, name, data)
        source = open_rows(tmp_path / "x.npy", labels=f"{path}::y", ids=f"{path}::ids")
        _, y, ids = gathered(source, 60)
        np.testing.assert_array_equal(y, data[1])
        np.testing.assert_array_equal(ids, data[2])


def test_ids_that_are_texts(tmp_path, data):
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    texts = [f"row {i}" for i in range(N)]
    made = writers.table(*data).set_column(2, "ids", pa.array(texts).dictionary_encode())
    pq.write_table(made, tmp_path / "t.parquet")
    with pa.ipc.new_file(tmp_path / "t.arrow", made.schema) as file:
        file.write_table(made)
    for path in ("t.parquet", "t.arrow"):
        assert gathered(open_rows(tmp_path / path, ids="ids"), 60)[2].tolist() == texts
    np.savez(tmp_path / "t.npz", x=data[0], ids=np.array(texts))
    assert gathered(open_rows(tmp_path / "t.npz", ids="ids"))[2].tolist() == texts


def test_standard_input(tmp_path, data):
    pytest.importorskip("pyarrow")
    writers.stream(tmp_path / "s", *data)
    code = (
        "from fastdiv.scoring.sources import iter_blocks, open_rows\n"
        "source = open_rows('-', labels='y')\n"
        "print(source.rows, sum(len(b.rows) for b in iter_blocks(source, 40)))"
    )
    with (tmp_path / "s").open("rb") as pipe:
        done = subprocess.run(
            [sys.executable, "-c", code], stdin=pipe, capture_output=True, text=True, check=True
        )
    assert done.stdout == f"None {N}\n"


def test_a_stream_with_labels_in_a_file(tmp_path, data):
    pytest.importorskip("pyarrow")
    writers.stream(tmp_path / "s", *data)
    for rows, fault in (
        (N, None),
        (N - 1, "there are more rows"),
        (N + 1, "needs labels of shape"),
    ):
        np.save(tmp_path / "y.npy", np.resize(data[1], rows))
        stream = io.BytesIO((tmp_path / "s").read_bytes())
        source = open_rows("-", labels=tmp_path / "y.npy", stream=stream)
        if fault is None:
            same_bits(gathered(source, 60)[1], data[1])
            continue
        with pytest.raises(InputError, match=fault):
            gathered(source, 60)


PAIRS = ["npz", "parquet, lists", "arrow, zstd", "arrow stream", "zarr", "hdf5, chunks"]


@pytest.mark.parametrize("p_name", PAIRS)
@pytest.mark.parametrize("q_name", PAIRS)
def test_pairs(tmp_path, data, p_name, q_name):
    (tmp_path / "q").mkdir()
    p_path, q_path = write(tmp_path, p_name, data), write(tmp_path / "q", q_name, data)
    p, q = open_rows(p_path, labels="y"), open_rows(q_path, ids="ids")
    at = 0
    for a, b in iter_pairs(p, q, 90):
        assert a.start == b.start == at
        at = a.stop
        same_bits(a.rows, b.rows)
        same_bits(np.ascontiguousarray(a.rows), data[0][a.start : a.stop])
        assert a.labels is not None
        assert b.ids is not None
    assert at == N


@pytest.mark.parametrize("name", [n for n in writers.TABLES if "stream" not in n])
def test_pairs_of_other_lengths(tmp_path, data, name):
    path = write(tmp_path, name, data)
    np.save(tmp_path / "q.npy", data[0][:-1])
    with pytest.raises(InputError, match=rf"q\.npy: has {N - 1} rows; .* has {N}"):
        iter_pairs(open_rows(path), open_rows(tmp_path / "q.npy")).send(None)


def test_pairs_of_a_stream_that_is_short(tmp_path, data):
    pytest.importorskip("pyarrow")
    writers.stream(tmp_path / "s.arrows", *(a[:-1] for a in data))
    np.save(tmp_path / "x.npy", data[0])
    writers.parquet("list")(tmp_path / "x.parquet", *data)
    for other in ("x.npy", "x.parquet"):
        for turn in (1, -1):
            pair = [open_rows(tmp_path / "s.arrows"), open_rows(tmp_path / other)][::turn]
            with pytest.raises(InputError, match="has another number of rows"):
                list(iter_pairs(*pair, 60))


@pytest.mark.parametrize("name", [n for n in writers.TABLES if "stream" not in n])
def test_many_threads_read_one_source(tmp_path, data, name):
    x = np.tile(data[0], (20, 1))
    path = write(tmp_path, name, (x, np.resize(data[1], len(x)), np.arange(len(x))))
    source = open_rows(path, labels="y", ids="ids")
    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(p.load) for p in source.blocks(100, readers=2)]
        blocks = [f.result() for f in futures]
    for block in blocks:
        same_bits(np.ascontiguousarray(block.rows), x[block.start : block.stop])
        np.testing.assert_array_equal(block.ids, np.arange(block.start, block.stop))
    assert sum(len(b.rows) for b in blocks) == len(x)


def test_a_reader_that_leaves_ends_the_threads(tmp_path, data):
    pytest.importorskip("pyarrow")
    writers.parquet("list")(tmp_path / "t.parquet", *data)
    before = threading.active_count()
    blocks = iter_blocks(open_rows(tmp_path / "t.parquet"), 1, readers=3)
    next(blocks)
    blocks.close()
    assert threading.active_count() == before


def test_memory_is_taken_again_when_nobody_holds_it():
    buffers = Buffers()
    first = buffers.take((4, 3), np.dtype("f4"))
    at, view = first.ctypes.data, first[1:].T
    assert at % 64 == 0
    del first
    second = buffers.take((4, 3), np.dtype("f4"))
    assert second.ctypes.data != at  # a view holds the first
    del view
    assert buffers.take((6,), np.dtype("f8")).ctypes.data == at
    second[:] = 1


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize("suffix", [".parquet", ".arrow"])
def test_memory_of_one_large_row_group(tmp_path, suffix):
    # 400 MB of rows in one row group or batch, of which whoever read it whole would hold all.
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    rows = pa.FixedSizeListArray.from_arrays(pa.array(np.zeros(100_000_000, np.float32)), 1000)
    path = tmp_path / f"t{suffix}"
    if suffix == ".parquet":
        pq.write_table(pa.table({"x": rows}), path)
        assert pq.ParquetFile(path).num_row_groups == 1
    else:
        with pa.ipc.new_file(path, pa.schema({"x": rows.type})) as file:
            file.write_table(pa.table({"x": rows}))
    code = (
        "from fastdiv.scoring.sources import iter_blocks, open_rows\n"
        f"print(sum(len(b.rows) for b in iter_blocks(open_rows({str(path)!r}))))\n"
        "print([line for line in open('/proc/self/status') if 'VmHWM' in line][0])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    result, peak = done.stdout.split("\n", 1)
    assert result == "100000"
    assert int(peak.split()[1]) < 300_000  # kB


@pytest.mark.parametrize("name", ["npz", "arrow, lists", "safetensors", "hdf5", "parquet, lists"])
def test_a_file_that_changes_while_it_is_read(tmp_path, data, name):
    path = write(tmp_path, name, data)
    blocks = iter_blocks(open_rows(path), 1)
    next(blocks)
    os.utime(path, (0, 0))
    with pytest.raises(InputError, match=rf"{path.name}: changed while it was read"):
        list(blocks)


def test_description(tmp_path, data):
    path = write(tmp_path, "npz", data)
    assert open_rows(path, labels="y").describe() == {
        "path": str(path),
        "format": "npz",
        "shards": 1,
        "rows": N,
        "classes": C,
        "shape": [N, C],
        "dtype": "float32",
        "file_bytes": path.stat().st_size,
        "row_bytes": 4 * C,
        "labels": True,
        "ids": False,
    }


@pytest.mark.parametrize("name", [n for n in writers.TABLES if n != "arrow stream"])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_rows_are_found_by_their_type(tmp_path, data, name, dtype):
    x = data[0].astype(dtype)
    path = write(tmp_path, name, (x, *data[1:]))
    same_bits(gathered(open_rows(path, labels="y"))[0], x)


def save(path, table):
    if path.suffix == ".parquet":
        pytest.importorskip("pyarrow.parquet").write_table(table, path)
    elif path.suffix == ".feather":
        pytest.importorskip("pyarrow.feather").write_feather(table, str(path))
    else:
        ipc = pytest.importorskip("pyarrow.ipc")
        make = ipc.new_stream if path.suffix == ".arrows" else ipc.new_file
        with make(path, table.schema) as file:
            file.write_table(table)


@pytest.mark.parametrize("suffix", [".parquet", ".arrow", ".feather", ".arrows"])
def test_no_rows_are_taken_for_others_of_another_type(tmp_path, data, suffix):
    pa = pytest.importorskip("pyarrow")
    path, x = tmp_path / f"t{suffix}", data[0]
    lists = {"logits": pa.array(x.astype(float).tolist()), "y": pa.array(data[1])}
    other = pa.array([[0.5] * 7] * N, pa.list_(pa.float32()))
    save(path, pa.table({**lists, "embedding": other}))
    with pytest.raises(InputError, match="has several arrays of rows, logits, embedding: say"):
        open_rows(path, labels="y")
    columns = {f"c{k}": pa.array(x[:, k].copy()) for k in range(C)}
    save(path, pa.table({**columns, "y": data[1], "weight": np.ones(N)}))
    with pytest.raises(InputError, match=r"c0 is float.* and weight is (double|float64): the"):
        open_rows(path, labels="y")
    same_bits(gathered(open_rows(path, column="c*"))[0], x)
    # A type whose name begins as that of floats.
    key = pa.array([b"1234"] * N, pa.binary(4))
    save(path, pa.table({**columns, "key": key}))
    same_bits(gathered(open_rows(path))[0], x)


@pytest.mark.parametrize("dtype", [">i8", "<u2", ">u4", "i1"])
def test_labels_are_found_by_their_type(tmp_path, data, dtype):
    np.save(tmp_path / "x.npy", data[0])
    y = data[1].astype(dtype)
    np.savez(tmp_path / "y.npz", y=y, weight=np.ones(N))
    got = gathered(open_rows(tmp_path / "x.npy", labels=tmp_path / "y.npz"))[1]
    np.testing.assert_array_equal(got, y)
