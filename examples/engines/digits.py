"""The digits example as a Parquet file: a column of logits, ten to a row, and one of labels."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

FOLDER = Path(__file__).resolve().parent.parent / "digits"
CLASSES = 10


def arrays() -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return labels and logits."""
    return np.load(FOLDER / "labels.npy"), np.load(FOLDER / "logits.npy")


def parquet(folder: Path) -> Path:
    """Write labels and logits to a Parquet file, and return its path."""
    y, x = arrays()
    rows = pa.FixedSizeListArray.from_arrays(pa.array(x.ravel()), CLASSES)
    path = folder / "digits.parquet"
    pq.write_table(pa.table({"label": y, "logits": rows}), path, row_group_size=200)
    return path
