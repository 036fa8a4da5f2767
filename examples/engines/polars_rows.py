"""Score the rows of a Parquet file in Polars: ``map_batches`` hands over whole columns.

Usage::

    python examples/engines/polars_rows.py
"""

import tempfile
from pathlib import Path

import digits
import numpy as np
import polars as pl

import fastdiv


def cross_entropy(rows: pl.Series) -> pl.Series:
    """Score a column of structs of a label and logits."""
    # A column of type Array, as a FixedSizeList is read, is an array of (rows, classes). A null
    # would have it copied, labels to floats: without leave to copy it is an error.
    labels, logits = (
        rows.struct.field(name).rechunk().to_numpy(allow_copy=False) for name in ("label", "logits")
    )
    return pl.Series(fastdiv.cross_entropy_from_logits(labels, logits))


def main() -> None:
    """Score the digits, and see that they are the bits of one call."""
    row = pl.struct("label", "logits")
    # Elementwise: so the streaming engine may do it batch by batch.
    scored = row.map_batches(cross_entropy, return_dtype=pl.Float32, is_elementwise=True)
    with tempfile.TemporaryDirectory() as folder:
        path = digits.parquet(Path(folder))
        table = pl.scan_parquet(path).select("label", cross_entropy=scored).collect()
    alone = fastdiv.cross_entropy_from_logits(*digits.arrays())
    assert np.array_equal(table["cross_entropy"].to_numpy(), alone)
    print(table.group_by("label").mean().sort("label"))


if __name__ == "__main__":
    main()
