"""The same rows, labels and ids written in every format."""

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest


def npz(path, x, y, ids):
    np.savez(path, x=x, y=y, ids=ids)


def npz_packed(path, x, y, ids):
    np.savez_compressed(path, x=x, y=y, ids=ids)


def table(x, y, ids, kind="fixed"):
    pa = pytest.importorskip("pyarrow")
    values = pa.array(np.ascontiguousarray(x).reshape(-1))
    n, c = x.shape
    if kind == "fixed":
        columns = {"x": pa.FixedSizeListArray.from_arrays(values, c)}
    elif kind in ("list", "large"):
        of = pa.ListArray if kind == "list" else pa.LargeListArray
        offsets = pa.array(c * np.arange(n + 1), pa.int32() if kind == "list" else pa.int64())
        columns = {"x": of.from_arrays(offsets, values)}
    elif kind == "tensor":
        columns = {
            "x": pa.ExtensionArray.from_storage(
                pa.fixed_shape_tensor(values.type, [c]),
                pa.FixedSizeListArray.from_arrays(values, c),
            )
        }
    else:
        columns = {f"class_{k}": pa.array(x[:, k].copy()) for k in range(c)}
    return pa.table({**columns, "y": pa.array(y), "ids": pa.array(ids.tolist())})


def parquet(kind, **options):
    def write(path, x, y, ids):
        pq = pytest.importorskip("pyarrow.parquet")
        pq.write_table(table(x, y, ids, kind), path, row_group_size=7, **options)

    return write


def arrow(kind, **options):
    def write(path, x, y, ids):
        ipc = pytest.importorskip("pyarrow.ipc")
        made = table(x, y, ids, kind)
        with ipc.new_file(path, made.schema, options=ipc.IpcWriteOptions(**options)) as file:
            file.write_table(made, max_chunksize=6)

    return write


def feather(path, x, y, ids):
    module = pytest.importorskip("pyarrow.feather")
    module.write_feather(table(x, y, ids), str(path), chunksize=9, compression="lz4")


def stream(path, x, y, ids):
    ipc = pytest.importorskip("pyarrow.ipc")
    made = table(x, y, ids)
    with ipc.new_stream(path, made.schema) as file:
        file.write_table(made, max_chunksize=6)


def safetensors(path, x, y, ids):
    module = pytest.importorskip("safetensors.numpy")
    module.save_file({"x": x, "y": y, "ids": ids}, path)


def zarr_group(chunk, **options):
    def write(path, x, y, ids):
        zarr = pytest.importorskip("zarr")
        group = zarr.open_group(path, mode="w")
        for name, array in (("x", x), ("y", y), ("ids", ids)):
            chunks = (chunk, *array.shape[1:])
            made = group.create_array(
                name, shape=array.shape, chunks=chunks, dtype=array.dtype, **options
            )
            made[:] = array

    return write


def sharded(path, x, y, ids):
    zarr = pytest.importorskip("zarr")
    group = zarr.open_group(path, mode="w")
    for name, array in (("x", x), ("y", y), ("ids", ids)):
        tail = array.shape[1:]
        made = group.create_array(
            name, shape=array.shape, chunks=(4, *tail), shards=(8, *tail), dtype=array.dtype
        )
        made[:] = array


def hdf5(**options):
    def write(path, x, y, ids):
        h5py = pytest.importorskip("h5py")
        with h5py.File(path, "w") as file:
            file.create_dataset("deep/x", data=x, **(options if len(x) else {}))
            file["y"], file["ids"] = y, ids

    return write


Writer = Callable[[Path, Any, Any, Any], None]

# Suffix and writer.
TABLES: dict[str, tuple[str, Writer]] = {
    "npz": (".npz", npz),
    "npz, compressed": (".npz", npz_packed),
    "parquet, fixed-size lists": (".parquet", parquet("fixed")),
    "parquet, lists": (".parquet", parquet("list", compression="none")),
    "parquet, large lists": (".parquet", parquet("large")),
    "parquet, tensors": (".parquet", parquet("tensor", compression="zstd")),
    "parquet, a column a class": (".parquet", parquet("columns")),
    "arrow, fixed-size lists": (".arrow", arrow("fixed")),
    "arrow, lists": (".arrow", arrow("list")),
    "arrow, large lists": (".arrow", arrow("large")),
    "arrow, tensors": (".arrow", arrow("tensor")),
    "arrow, a column a class": (".arrow", arrow("columns")),
    "arrow, zstd": (".arrow", arrow("fixed", compression="zstd")),
    "arrow, lists, lz4": (".arrow", arrow("list", compression="lz4")),
    "feather": (".feather", feather),
    "arrow stream": (".arrows", stream),
    "safetensors": (".safetensors", safetensors),
    "zarr": (".zarr", zarr_group(8)),
    "zarr, raw": (".zarr", zarr_group(5, compressors=None)),
    "zarr, sharded": (".zarr", sharded),
    "hdf5": (".h5", hdf5()),
    "hdf5, chunks": (".h5", hdf5(chunks=(6, 2))),
    "hdf5, gzip": (".hdf5", hdf5(chunks=(6, 5), compression="gzip")),
}


def llama_codes(logits):
    """Scale, least log-probability and codes of rows, as llama.cpp computes them."""
    x = np.asarray(logits, np.float32)
    high = x.max(-1, keepdims=True)
    low = np.maximum(x.min(-1, keepdims=True), high - np.float32(16))
    total = np.log(np.exp(x.astype(float) - high).sum(-1, keepdims=True)).astype(np.float32)
    scale = (high - low) / np.float32(65535)
    flat = scale == 0
    steps = (np.maximum(x, low) - low) / np.where(flat, 1, scale)
    codes = np.rint(np.where(flat, 0, steps)).astype(np.uint16)
    return scale[..., 0], (low - high - total)[..., 0], codes


def llama(path, logits, tokens):
    """Write logits (contexts, rows of one, classes) and tokens (contexts, context)."""
    contexts, context = tokens.shape
    classes = logits.shape[-1]
    with Path(path).open("wb") as file:
        file.write(b"_logits_" + struct.pack("<Iii", context, classes, contexts))
        file.write(tokens.astype("<i4").tobytes())
        scale, least, codes = llama_codes(logits.reshape(-1, classes))
        rows = np.zeros((len(codes), 2 * ((classes + 1) // 2) + 4), "<u2")
        rows[:, :4] = np.column_stack([scale, least]).astype("<f4").view("<u2")
        rows[:, 4 : 4 + classes] = codes
        file.write(rows.tobytes())
