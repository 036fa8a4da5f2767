"""What is wrong with a file is one line that names the file, the row and what to do."""

import io
import json
import os
import re
import struct
import sys

import numpy as np
import pytest
import writers

from fastdiv.scoring.job import Job
from fastdiv.scoring.measures import compare_measure
from fastdiv.scoring.run import run
from fastdiv.scoring.sources import InputError, iter_blocks, open_rows

N, C = 23, 5
RANDOM = [name for name in writers.TABLES if "stream" not in name]


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    return rng.normal(size=(N, C)).astype(np.float32), rng.integers(0, C, N), np.arange(N)


def write(folder, name, data):
    suffix, writer = writers.TABLES[name]
    path = folder / f"t{suffix}"
    writer(path, *data)
    return path


def error_of(*args, block_bytes=1 << 20, **keywords):
    with pytest.raises(InputError) as caught:
        list(iter_blocks(open_rows(*args, **keywords), block_bytes))
    text = str(caught.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize("block_bytes", [1, 1 << 20])
@pytest.mark.parametrize("name", writers.TABLES)
def test_labels_out_of_range(tmp_path, data, name, block_bytes):
    y = data[1].copy()
    y[17] = C
    path = write(tmp_path, name, (data[0], y, data[2]))
    text = error_of(path, labels="y", block_bytes=block_bytes)
    assert text == f"{path}: label 5 at row 17 is out of range for 5 classes (0 to 4)"


def test_labels_out_of_range_of_a_shard(tmp_path, data):
    y = data[1].copy()
    y[17] = -1
    for name, part in (("a", slice(0, 9)), ("b", slice(9, N))):
        writers.npz(tmp_path / f"{name}.npz", data[0][part], y[part], data[2][part])
        np.save(tmp_path / f"y_{name}.npy", y[part])
    expected = "label -1 at row 8 (17 of all files) is out of range for 5 classes (0 to 4)"
    assert error_of(f"{tmp_path}/*.npz", labels="y") == f"{tmp_path / 'b.npz'}: {expected}"
    # Of files of their own before a row is read.
    with pytest.raises(InputError, match=re.escape(f"y_b.npy: {expected}")):
        open_rows(f"{tmp_path}/*.npz", labels=f"{tmp_path}/y_*.npy")


@pytest.mark.parametrize("name", writers.TABLES)
def test_labels_that_are_floats(tmp_path, data, name):
    path = write(tmp_path, name, (data[0], data[1].astype(np.float64), data[2]))
    column = "class_*" if "a class" in name else "deep/x" if "hdf5" in name else "x"
    text = error_of(path, labels="y", column=column)
    assert text == f"{path}: labels must be integers, not float64"


@pytest.mark.parametrize("name", writers.TABLES)
def test_a_column_that_is_not_there(tmp_path, data, name):
    path = write(tmp_path, name, data)
    text = error_of(path, column="logits")
    assert text.startswith(f"{path}: has no 'logits': there are ")
    assert "y, ids" in text or "ids" in text.split("there are")[1]
    assert f"{path}: has no 'target': there are" in error_of(path, labels="target")


@pytest.mark.parametrize("name", [n for n in writers.TABLES if "zarr" not in n])
@pytest.mark.parametrize("left", [0, 5, 0.5, 0.98])
def test_files_that_are_cut_off(tmp_path, data, name, left):
    x = np.tile(data[0], (50, 1))
    path = write(tmp_path, name, (x, np.resize(data[1], len(x)), np.arange(len(x))))
    whole = path.read_bytes()
    path.write_bytes(whole[: left if isinstance(left, int) else int(left * len(whole))])
    text = error_of(path, labels="y")
    assert text.startswith(f"{path}: ")


def test_a_zarr_chunk_that_is_cut_off(tmp_path, data):
    path = write(tmp_path, "zarr, raw", data)
    chunk = path / "x" / "c" / "2" / "0"
    chunk.write_bytes(chunk.read_bytes()[:-3])
    assert error_of(path).startswith(f"{path}: cannot be read, perhaps damaged or cut off: ")


@pytest.mark.parametrize("suffix", [".npz", ".parquet", ".arrow", ".h5", ".safetensors", ".arrows"])
def test_files_of_something_else(tmp_path, suffix):
    path = tmp_path / f"t{suffix}"
    path.write_bytes(b"0 1 2 3 4 5 6 7 8 9")
    text = error_of(path)
    assert text.startswith((f"{path}: is ", f"{path}: cannot be read"))


def test_unknown_files(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("0,1,2\n" * 10)
    assert error_of(path).startswith(f"{path}: is in no format that is read here: .arrow, ")
    assert error_of(tmp_path / "none.npy") == f"{tmp_path}/none.npy: No such file or directory"
    assert error_of(f"{tmp_path}/*.npy") == f"{tmp_path}/*.npy: there is no such file"
    assert "name the files by a pattern" in error_of(tmp_path)
    np.save(tmp_path / "x.npy", np.zeros((2, 2)))
    np.savez(tmp_path / "x.npz", np.zeros((2, 2)))
    assert "holds files of several formats, npy, npz" in error_of(tmp_path)


@pytest.mark.parametrize("name", writers.TABLES)
def test_without_the_library(tmp_path, data, monkeypatch, name):
    path = write(tmp_path, name, data)
    library = {"parquet": "pyarrow", "arrow": "pyarrow", "feather": "pyarrow", "hdf5": "h5py"}
    needed = library.get(name.split(",")[0].split()[0], name.split(",")[0])
    if needed == "npz":
        return
    for module in list(sys.modules):
        if module.partition(".")[0] == needed:
            monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, needed, None)
    extra = {"pyarrow": "arrow", "h5py": "hdf5"}.get(needed, needed)
    extra = "parquet" if "parquet" in name else extra
    text = error_of(path)
    assert text == f"{path}: needs {needed} to be read: pip install 'fastdiv[{extra}]'"


@pytest.mark.parametrize("name", RANDOM)
def test_one_number_a_row(tmp_path, data, name):
    path = write(tmp_path, name, data)
    text = error_of(path, column="ids")
    assert "rows of classes are needed" in text or "lists" in text


@pytest.mark.parametrize("name", writers.TABLES)
def test_no_rows_at_all(tmp_path, data, name):
    path = write(tmp_path, name, tuple(a[:0] for a in data))
    text = error_of(path, labels="y")
    assert "there is nothing in it" in text or "there are no rows in it" in text


def test_shards_that_differ(tmp_path, data):
    np.save(tmp_path / "a.npy", data[0])
    np.save(tmp_path / "b.npy", data[0][:, 1:])
    a, b = tmp_path / "a.npy", tmp_path / "b.npy"
    assert error_of(tmp_path) == f"{b}: has 4 classes; {a} has 5"
    np.save(b, data[0].astype(float))
    assert error_of(tmp_path) == f"{b}: holds float64; {a} holds float32"


def test_several_arrays(tmp_path, data):
    path = tmp_path / "t.npz"
    np.savez(path, a=data[0], b=data[0], y=data[1], ids=data[2])
    assert error_of(path) == (f"{path}: has several arrays of rows, a, b: say which by its column")
    np.save(tmp_path / "x.npy", data[0])
    assert error_of(tmp_path / "x.npy", labels=f"{path}::c").startswith(f"{path}: has no 'c'")
    assert "say which holds the labels, as 't.npz::y'" in error_of(tmp_path / "x.npy", labels=path)
    assert "a has 23 rows" not in error_of(path, column="a", labels="b")


def save(path, table, **options):
    import pyarrow.parquet as pq

    if path.suffix == ".parquet":
        pq.write_table(table, path, row_group_size=4, **options)
        return
    import pyarrow as pa

    make = pa.ipc.new_stream if path.suffix == ".arrows" else pa.ipc.new_file
    with make(path, table.schema) as file:
        file.write_table(table, max_chunksize=4)


@pytest.fixture(params=[".parquet", ".arrow", ".arrows"])
def path(request, tmp_path):
    pytest.importorskip("pyarrow")
    return tmp_path / f"t{request.param}"


ROWS = [[float(i), 2.0, 3.0] for i in range(11)]


@pytest.mark.parametrize("kind", ["fixed", "list", "large"])
@pytest.mark.parametrize("block_bytes", [1, 1000])
def test_null_rows(path, kind, block_bytes):
    import pyarrow as pa

    of = {"fixed": pa.list_(pa.float32(), 3), "list": pa.list_(pa.float32())}
    rows = [*ROWS[:6], None, *ROWS[7:]]
    column = pa.array(rows, of.get(kind, pa.large_list(pa.float32())))
    save(path, pa.table({"x": column, "y": [0] * 11}))
    text = error_of(path, labels="y", block_bytes=block_bytes)
    assert text == f"{path}: row 6 of x is null: leave such rows out before they are scored"


@pytest.mark.parametrize("kind", ["fixed", "list"])
@pytest.mark.parametrize("block_bytes", [1, 1000])
def test_nulls_in_a_row(path, kind, block_bytes):
    import pyarrow as pa

    of = pa.list_(pa.float32(), 3) if kind == "fixed" else pa.list_(pa.float32())
    save(path, pa.table({"x": pa.array([*ROWS[:7], [1.0, None, 2.0]], of)}))
    text = error_of(path, block_bytes=block_bytes)
    assert text == f"{path}: row 7 of x is null at class 1: write NaN or a number there"


@pytest.mark.parametrize("block_bytes", [1, 1000])
def test_ragged_rows(path, block_bytes):
    import pyarrow as pa

    save(path, pa.table({"x": [*ROWS[:5], [1.0, 2.0], *ROWS[6:]]}))
    text = error_of(path, block_bytes=block_bytes)
    assert text == f"{path}: row 5 of x has 2 classes, others have 3"


def test_ragged_rows_of_the_same_sum(path):
    import pyarrow as pa

    # As many numbers as rows of three would have.
    save(path, pa.table({"x": [[1.0] * 3, [1.0] * 2, [1.0] * 4, [1.0] * 3]}))
    assert error_of(path) == f"{path}: row 1 of x has 2 classes, others have 3"


def test_null_labels_and_ids(path):
    import pyarrow as pa

    save(path, pa.table({"x": ROWS, "y": [*range(3)] * 3 + [None, 1], "i": [None] + ["a"] * 10}))
    fault = "is null: leave such rows out before they are scored"
    assert error_of(path, labels="y") == f"{path}: row 9 of y {fault}"
    assert error_of(path, ids="i") == f"{path}: row 0 of i {fault}"


def test_null_in_a_column_of_a_class(path):
    import pyarrow as pa

    save(path, pa.table({"a": [0.5] * 6, "b": [0.5] * 5 + [None]}))
    text = error_of(path, column=["a", "b"])
    assert text == f"{path}: row 5 of b is null: leave such rows out before they are scored"


def test_columns_of_several_types(path):
    import pyarrow as pa

    save(path, pa.table({"a": pa.array([0.5], pa.float32()), "b": pa.array([0.5])}))
    assert "must have one type" in error_of(path, column=["a", "b"])


def test_rows_are_counted_over_all_shards(path):
    import pyarrow as pa

    if path.suffix == ".arrows":
        pytest.skip("a stream is read alone")
    folder = path.parent
    for i, row in enumerate((ROWS[0], None, [1.0, 2.0])):
        table = pa.table({"x": pa.array([*ROWS, row], pa.list_(pa.float32())), "y": [0] * 11 + [9]})
        save(folder / f"{i}{path.suffix}", table)
    second = folder / f"1{path.suffix}"
    text = error_of(folder, block_bytes=1)
    there = "row 11 of x (23 of all files)"
    assert text == f"{second}: {there} is null: leave such rows out before they are scored"
    third = folder / f"2{path.suffix}"
    with pytest.raises(InputError) as caught:
        list(iter_blocks(open_rows(folder), 1, skip=[second]))
    assert str(caught.value) == (
        f"{third}: row 11 of x (35 of all files) has 2 classes, others have 3"
    )
    np.save(folder / "x.npy", np.zeros((36, 5), np.float32))
    with pytest.raises(InputError, match=r"label 9 at row 11 is out of range for 5"):
        open_rows(folder / "x.npy", labels=f"{folder}/*{path.suffix}::y")


def test_slices_and_chunks(path):
    import pyarrow as pa

    column = pa.array(ROWS, pa.list_(pa.float32(), 3)).slice(3, 7)
    lists = pa.array(ROWS, pa.list_(pa.float32())).slice(3, 7)
    chunks = pa.chunked_array([column.slice(0, 2), column.slice(2, 0), column.slice(2)])
    save(path, pa.table({"f": chunks, "l": lists, "y": pa.array(range(11)).slice(3, 7)}))
    for name in "fl":
        source = open_rows(path, column=name, ids="y")
        rows = np.concatenate([b.rows for b in iter_blocks(source, 30)])
        assert rows.tolist() == ROWS[3:10]
        ids = np.concatenate([b.ids for b in iter_blocks(open_rows(path, column=name, ids="y"))])
        assert ids.tolist() == list(range(3, 10))


def test_slices_in_memory():
    pa = pytest.importorskip("pyarrow")
    from fastdiv.scoring.sources import arrow

    place = arrow.Place("t", "x", 100)
    for kind in (pa.list_(pa.float32(), 3), pa.list_(pa.float32()), pa.large_list(pa.float32())):
        column = pa.array(ROWS, kind)
        assert arrow.matrix(column.slice(4, 3), 3, place).tolist() == ROWS[4:7]
        assert arrow.matrix(column.slice(4, 0), 3, place).shape == (0, 3)
        holes = pa.array([*ROWS, None], kind)
        assert arrow.matrix(holes.slice(4, 3), 3, place).tolist() == ROWS[4:7]
        with pytest.raises(InputError, match="row 107 of x is null"):
            arrow.matrix(holes.slice(4), 3, place)
    tensors = pa.FixedShapeTensorArray.from_numpy_ndarray(np.array(ROWS, np.float32))
    assert arrow.matrix(tensors.slice(4, 3), 3, place).tolist() == ROWS[4:7]
    index = pa.array([2, 0, 2], pa.int8())
    coded = pa.DictionaryArray.from_arrays(index, pa.array(ROWS, pa.list_(pa.float32(), 3)))
    assert arrow.matrix(coded.slice(1), 3, place).tolist() == [ROWS[0], ROWS[2]]


def test_labels_in_a_dictionary(path):
    import pyarrow as pa

    y = pa.array([0, 2, 2, 1, 0, 1, 2, 0, 1, 2, 0])
    save(path, pa.table({"x": ROWS, "y": y.dictionary_encode()}))
    blocks = iter_blocks(open_rows(path, labels="y"), 30)
    assert np.concatenate([b.labels for b in blocks]).tolist() == y.to_pylist()
    save(path, pa.table({"x": ROWS, "y": pa.array(["cat"] * 11).dictionary_encode()}))
    assert error_of(path, labels="y") == f"{path}: labels must be integers, not object"


@pytest.mark.parametrize("kind", ["decimal128(5, 2)", "bool", "string"])
def test_rows_of_no_numbers(path, kind):
    import decimal

    import pyarrow as pa

    of = {"bool": pa.bool_(), "string": pa.string()}.get(kind, pa.decimal128(5, 2))
    value = {"bool": True, "string": "a"}.get(kind, decimal.Decimal("1.5"))
    save(path, pa.table({"x": pa.array([[value]], pa.list_(of))}))
    text = error_of(path)
    assert text.startswith(f"{path}: x holds {kind}, which are no numbers of a row")


def test_tensors_of_several_axes(path):
    import pyarrow as pa

    tensors = pa.FixedShapeTensorArray.from_numpy_ndarray(np.zeros((4, 2, 3)))
    save(path, pa.table({"x": tensors}))
    assert f"{path}: x holds one" in error_of(path, column="x")


def test_types_of_safetensors(tmp_path):
    path = tmp_path / "t.safetensors"
    header = json.dumps({"x": {"dtype": "F8_E4M3", "shape": [2, 3], "data_offsets": [0, 6]}})
    path.write_bytes(struct.pack("<Q", len(header)) + header.encode() + bytes(6))
    pytest.importorskip("safetensors")
    assert "x has dtype F8_E4M3, which is not supported" in error_of(path)


@pytest.mark.parametrize("name", ["parquet, lists", "arrow, lz4", "arrow, lists"])
def test_a_file_that_gets_shorter(tmp_path, data, name):
    name = "arrow, lists, lz4" if name == "arrow, lz4" else name
    x = np.tile(data[0], (400, 1))
    path = write(tmp_path, name, (x, np.resize(data[1], len(x)), np.arange(len(x))))
    blocks = iter_blocks(open_rows(path), 1000)
    next(blocks)
    # A mapped file would end in a bus error.
    os.truncate(path, 1000)
    with pytest.raises(InputError, match="changed while it was read"):
        list(blocks)


def test_a_llama_base_that_was_interrupted(tmp_path):
    path = tmp_path / "base.kld"
    writers.llama(path, np.zeros((2, 3, 5)), np.zeros((2, 8), int))
    whole = path.read_bytes()
    for size in (8, 19, len(whole) - 2, len(whole) + 2):
        path.write_bytes(whole[:size] + bytes(max(0, size - len(whole))))
        assert str(path) in error_of(path)


def test_a_stream_is_read_once(tmp_path):
    pytest.importorskip("pyarrow")
    import pyarrow as pa

    path = tmp_path / "t.arrows"
    save(path, pa.table({"x": ROWS}))
    source = open_rows(path)
    assert sum(len(b.rows) for b in iter_blocks(source)) == 11
    with pytest.raises(InputError, match="can be read only once"):
        list(iter_blocks(source))


@pytest.mark.parametrize("block_bytes", [1, 100, 1 << 20])
@pytest.mark.parametrize("suffix", [".npy", ".parquet"])
@pytest.mark.parametrize("q_cut", [[], [12], [15]])
def test_the_file_of_a_row_that_is_no_distribution(tmp_path, block_bytes, suffix, q_cut):
    x = np.full((20, 4), 0.25, np.float32)
    bad = x.copy()
    bad[14, 0] = -0.25
    for name, rows, ends in (("p", x, [10]), ("q", bad, q_cut)):
        (tmp_path / name).mkdir()
        for i, part in enumerate(np.split(rows, ends)):
            path = tmp_path / name / f"{i}{suffix}"
            if suffix == ".npy":
                np.save(path, part)
            else:
                pa = pytest.importorskip("pyarrow")
                save(path, pa.table({"x": part.tolist()}))
    sources = open_rows(tmp_path / "p"), open_rows(tmp_path / "q")
    job = Job(compare_measure(None, False, probs=True), sources)
    with pytest.raises(InputError) as caught:
        run(job, block_bytes=block_bytes, workers=1)
    row = "row 2 (14 of all files)" if q_cut == [12] else "row 14"
    file = tmp_path / "q" / f"{int(q_cut == [12])}{suffix}"
    assert str(caught.value) == f"{file}: {row} holds -0.25 at class 0, which is no probability"


@pytest.mark.parametrize("name", ["npz", "parquet, lists", "arrow, lists", "hdf5", "safetensors"])
def test_standard_input_of_another_format(tmp_path, data, name):
    pytest.importorskip("pyarrow")
    content = write(tmp_path, name, data).read_bytes()
    for piped in (content, content[:3]):
        with pytest.raises(InputError) as caught:
            open_rows("-", stream=io.BytesIO(piped))
        assert str(caught.value) == (
            "-: is not a stream of Arrow batches: pipe one there, or name a file of another format"
        )


def test_standard_input_that_is_empty_cut_off_or_closed(tmp_path, data, monkeypatch):
    with pytest.raises(InputError, match="-: is empty: pipe a stream of Arrow batches there"):
        open_rows("-", stream=io.BytesIO(b""))
    content = write(tmp_path, "arrow stream", data).read_bytes()
    for size in (4, 5, 100, len(content) - 300):
        with pytest.raises(InputError, match="-: cannot be read, perhaps damaged"):
            list(iter_blocks(open_rows("-", stream=io.BytesIO(content[:size]))))
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(InputError, match="-: standard input is closed"):
        open_rows("-")
