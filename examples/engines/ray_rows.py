"""Score the rows of a Parquet file in Ray Data, in processes on one machine or many.

Usage::

    python examples/engines/ray_rows.py
"""

import tempfile
from pathlib import Path

import digits
import numpy as np
import pyarrow as pa
import ray

import fastdiv


def cross_entropy(rows: pa.Table) -> pa.Table:
    """Score a block of labels and lists of ten logits."""
    # The cast finds lists that are longer or shorter, to_numpy nulls; rows that are null are not in
    # what flatten returns, which then has fewer than there are labels.
    lists = rows["logits"].combine_chunks().cast(pa.list_(pa.float32(), digits.CLASSES))
    values = lists.flatten().to_numpy().reshape(-1, digits.CLASSES)
    nats = fastdiv.cross_entropy_from_logits(rows["label"].combine_chunks().to_numpy(), values)
    return rows.drop_columns("logits").append_column("nats", pa.array(nats))


def main() -> None:
    """Score the digits, and see that they are the bits of one call."""
    ray.init(num_cpus=2, include_dashboard=False)
    ray.data.DataContext.get_current().execution_options.preserve_order = True
    with tempfile.TemporaryDirectory() as folder:
        rows = ray.data.read_parquet(str(digits.parquet(Path(folder))))
        # A worker has one processor, so that one thread is what to use there, as it is by default.
        scored = rows.map_batches(cross_entropy, batch_format="pyarrow", batch_size=200)
        table = pa.concat_tables(ray.get(scored.to_arrow_refs()))
    alone = fastdiv.cross_entropy_from_logits(*digits.arrays())
    assert np.array_equal(table["nats"].to_numpy(), alone)
    print(table.group_by("label").aggregate([("nats", "mean")]).sort_by("label").to_pandas())


if __name__ == "__main__":
    main()
