"""Writers of logits and labels, a block at a time, in the formats that people keep them in."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Blocks = Iterator[tuple[NDArray[np.float32], NDArray[np.uint8]]]
Writer = Callable[[Path, Blocks, int], None]

CLASSES = 256
GROUP = 1 << 16  # rows of a Parquet row group, 64 MiB


def npy(path: Path, blocks: Blocks, rows: int) -> None:
    """NumPy's own."""
    with path.open("wb") as file:
        descr = np.lib.format.dtype_to_descr(np.dtype(np.float32))
        header = {"descr": descr, "fortran_order": False, "shape": (rows, CLASSES)}
        np.lib.format.write_array_header_1_0(file, header)
        for x, _ in blocks:
            file.write(x.data)


def safetensors(path: Path, blocks: Blocks, rows: int) -> None:
    """Write the header by hand: the library takes only whole tensors."""
    size = 4 * rows * CLASSES
    tensor = {"dtype": "F32", "shape": [rows, CLASSES], "data_offsets": [0, size]}
    header = json.dumps({"logits": tensor}).encode()
    header += b" " * (-len(header) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        for x, _ in blocks:
            file.write(x.data)


def batches(blocks: Blocks) -> Iterator[Any]:
    """Blocks as Arrow's record batches."""
    import pyarrow as pa

    for x, y in blocks:
        # A copy, as an Arrow array is a view of x, whose memory the next block takes.
        rows = pa.FixedSizeListArray.from_arrays(pa.array(x.reshape(-1).copy()), CLASSES)
        yield pa.record_batch({"logits": rows, "label": pa.array(y)})


def schema() -> Any:
    """Return the columns of the tables."""
    import pyarrow as pa

    return pa.schema({"logits": pa.list_(pa.float32(), CLASSES), "label": pa.uint8()})


def arrow(path: Path, blocks: Blocks, rows: int) -> None:
    """Arrow's IPC file, not compressed."""
    import pyarrow.ipc

    with pyarrow.ipc.new_file(path, schema()) as file:
        for batch in batches(blocks):
            file.write_batch(batch)


def parquet(path: Path, blocks: Blocks, rows: int) -> None:
    """Parquet, not compressed, as logits hardly are the smaller for it."""
    import pyarrow as pa
    import pyarrow.parquet

    options = {"compression": "none", "use_dictionary": False}
    with pyarrow.parquet.ParquetWriter(path, schema(), **options) as file:
        gathered: list[Any] = []
        for batch in batches(blocks):
            gathered.append(batch)
            if len(gathered) * batch.num_rows >= GROUP:
                file.write_table(pa.Table.from_batches(gathered))
                gathered = []
        if gathered:
            file.write_table(pa.Table.from_batches(gathered))


def zarr(path: Path, blocks: Blocks, rows: int) -> None:
    """Zarr, version 3, not compressed."""
    import zarr

    chunk: int | None = None
    start = 0
    for x, _ in blocks:
        if chunk is None:
            chunk = len(x)
            array = zarr.create_array(
                path,
                shape=(rows, CLASSES),
                chunks=(chunk, CLASSES),
                dtype="float32",
                compressors=None,
            )
        array[start : start + len(x)] = x
        start += len(x)


WRITERS: dict[str, Writer] = {
    "npy": npy,
    "parquet": parquet,
    "zarr": zarr,
    "arrow": arrow,
    "safetensors": safetensors,
}
