"""Time the summary of a folder of shards in one process, on Dask and on Spark.

python bench/engines.py FOLDER [--rows N] [--classes C] [--times T] [--spark]

The rows are float32, in eight shards, as .npy for Dask and Parquet for Spark; the files are in the
system's cache. With --times, each .npy file stands there under several names. A process computes
with one thread. Runs alternate, and the best of three counts, without the start of the cluster. All
summaries must be the same bits.
"""

import argparse
import importlib.metadata
import os
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import fastdiv.dask
import fastdiv.spark

SHARDS, REPEATS = 8, 3


def make(folder: Path, rows: int, classes: int, spark: bool) -> None:
    """Write the shards that are not there yet."""
    step = -(-rows // SHARDS)
    for shard in range(SHARDS):
        rng = np.random.default_rng(shard)
        paths = [folder / "x" / f"{shard}.npy", folder / "y" / f"{shard}.npy"]
        if not paths[1].exists():
            for path in paths:
                path.parent.mkdir(parents=True, exist_ok=True)
            np.save(paths[0], 3 * rng.standard_normal((step, classes), np.float32))
            np.save(paths[1], rng.integers(0, classes, step))
        parquet = folder / "parquet" / f"{shard}.parquet"
        if spark and not parquet.exists():
            write_parquet(parquet, *map(np.load, paths))


def link(folder: Path, times: int) -> Path:
    """Return a folder where every .npy file stands under several names."""
    linked = folder / f"times{times}"
    for path in folder.glob("[xy]/*.npy"):
        for k in range(times):
            name = linked / path.parent.name / f"{path.stem}-{k}.npy"
            name.parent.mkdir(parents=True, exist_ok=True)
            if not name.exists():
                name.hardlink_to(path)
    return linked


def write_parquet(path: Path, x: Any, y: Any) -> None:
    """Write rows as lists of equal lengths, 16 MB a row group."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path.parent.mkdir(exist_ok=True)
    lists = pa.FixedSizeListArray.from_arrays(pa.array(x.reshape(-1)), x.shape[1])
    rows = max(1, (16 << 20) // x[0].nbytes)
    pq.write_table(
        pa.table({"logits": lists, "label": y}), path, rows, use_dictionary=False,
        compression="NONE",
    )  # fmt: skip


def best(runs: dict[str, Callable[[], Any]], rows: int, classes: int) -> None:
    """Time runs in turns and print the best of each."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    texts = set()
    for _ in range(REPEATS):
        for name, run in runs.items():
            start = time.perf_counter()
            texts.add(run().to_json())
            seconds[name].append(time.perf_counter() - start)
    for name, times in seconds.items():
        rate = rows / min(times)
        shown = ", ".join(f"{t:.2f}" for t in times)
        print(f"{name:32} {rate:12,.0f} rows/s {rate * classes * 4 / 1e9:6.2f} GB/s ({shown} s)")
    print("equal bits" if len(texts) == 1 else "DIFFERENT BITS", flush=True)


def on_dask(folder: Path, rows: int, classes: int) -> None:
    """Time one process, and clusters of one and two."""
    from distributed import Client, LocalCluster

    def files(scheduler: Any = None) -> Any:
        options: dict[str, Any] = {"labels": folder / "y"}
        if scheduler is None:
            lazy = fastdiv.dask.score_files(folder / "x", **options)
            return lazy.compute(scheduler="synchronous")
        return fastdiv.dask.run_on_dask(scheduler, folder / "x", **options)

    def cluster(processes: int) -> Any:
        return LocalCluster(n_workers=processes, threads_per_worker=1, dashboard_address=":0")

    with cluster(1) as one, cluster(2) as two, Client(one) as client, Client(two) as other:
        runs = {
            "one process, no engine, .npy": files,
            "Dask, 1 process, .npy": lambda: files(client),
            "Dask, 2 processes, .npy": lambda: files(other),
        }
        best(runs, rows, classes)


def on_spark(folder: Path, rows: int, classes: int, executors: int) -> None:
    """Time a cluster of executors of one core."""
    from pyspark.sql import SparkSession

    os.environ |= {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    builder = SparkSession.builder.master(f"local-cluster[{executors},1,2048]")
    for name, value in {
        "spark.driver.host": "127.0.0.1",
        "spark.executor.memory": "1g",
        "spark.sql.files.maxPartitionBytes": "64m",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
    }.items():
        builder = builder.config(name, value)
    with builder.getOrCreate() as spark:
        spark.sparkContext.setLogLevel("ERROR")
        df = spark.read.parquet(str(folder / "parquet"))
        name = f"Spark, {executors} executor{'s' * (executors > 1)}, Parquet"
        best({name: lambda: fastdiv.spark.score(df)}, rows, classes)


def main() -> None:
    """Make the files and time the runs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=1 << 20)
    parser.add_argument("--classes", type=int, default=256)
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--spark", action="store_true")
    asked = parser.parse_args()
    packages = ("numpy", "dask", "distributed", "pyspark", "pyarrow")
    print(", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages))
    rows = -(-asked.rows // SHARDS) * SHARDS
    make(asked.folder, rows, asked.classes, asked.spark)
    on_dask(link(asked.folder, asked.times), rows * asked.times, asked.classes)
    if asked.spark:
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas")
        for executors in (1, 2):
            on_spark(asked.folder, rows, asked.classes, executors)


if __name__ == "__main__":
    main()
