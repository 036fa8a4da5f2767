"""fastdiv on Spark: columns of numbers for every row, and summaries, through Arrow batches.

`score_rows` and `compare_rows` turn a DataFrame with a column of logits into one with a column for
each number; `score` and `compare` summarise it. Every batch is computed by one thread of the
executor's Python. Summaries have the bits of one machine, however rows are partitioned, and after
an executor was lost.

Spark comes with ``pip install 'fastdiv[spark]'``; without it the first call says so. Executors need
the same fastdiv.

Notes
-----
Spark makes batches of 10 000 rows, which at 128 000 classes are 5 GB. Where rows are wide, limit
them by ``spark.conf.set("spark.sql.execution.arrow.maxBytesPerBatch", "64m")``, or by fewer
``spark.sql.execution.arrow.maxRecordsPerBatch``, which older versions of Spark know as well.

Examples
--------
>>> import fastdiv.spark
>>> from pyspark.sql import SparkSession
>>> spark = SparkSession.builder.getOrCreate()
>>> df = spark.createDataFrame(
...     [(1, [2.0, 0.0], 0), (2, [0.0, 0.0], 1)], "id long, logits array<float>, label int"
... )
>>> fastdiv.spark.score_rows(df, ids="id", want="rank").sort("id").collect()
[Row(id=1, rank=1), Row(id=2, rank=2)]
>>> fastdiv.spark.score(df).result().accuracy.share
0.5
"""

from fastdiv.spark._rows import compare_rows, score_rows
from fastdiv.spark._summaries import compare, score

__all__ = ["compare", "compare_rows", "score", "score_rows"]
