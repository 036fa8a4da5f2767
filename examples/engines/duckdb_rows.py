"""Score the rows of a Parquet file in DuckDB: a function for SQL that is given Arrow columns.

Usage::

    python examples/engines/duckdb_rows.py
"""

import tempfile
from pathlib import Path

import digits
import duckdb
import numpy as np
import pyarrow as pa

import fastdiv


def cross_entropy(labels: pa.ChunkedArray, logits: pa.ChunkedArray) -> pa.Array:
    """Score a column of labels and one of FLOAT[10]."""
    # DuckDB itself answers NULL for rows with one, and lists that are longer or shorter are an
    # error: there are none here.
    values = logits.combine_chunks().flatten().to_numpy().reshape(-1, digits.CLASSES)
    return pa.array(fastdiv.cross_entropy_from_logits(labels.to_numpy(), values))


def add(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the function known."""
    connection.create_function(  # type: ignore[call-overload]  # knows no word for type
        "cross_entropy", cross_entropy, ["UTINYINT", f"FLOAT[{digits.CLASSES}]"], "FLOAT",
        type="arrow",
    )  # fmt: skip


def main() -> None:
    """Score the digits, and see that they are the bits of one call."""
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        add(connection)
        path = digits.parquet(Path(folder))
        connection.read_parquet(str(path)).create_view("digits")
        connection.execute(
            "CREATE TABLE scored AS SELECT label, cross_entropy(label, logits) AS nats FROM digits"
        )
        nats = connection.table("scored").fetchnumpy()["nats"]
        assert np.array_equal(nats, fastdiv.cross_entropy_from_logits(*digits.arrays()))
        print(connection.sql("SELECT label, avg(nats) FROM scored GROUP BY label ORDER BY label"))


if __name__ == "__main__":
    main()
