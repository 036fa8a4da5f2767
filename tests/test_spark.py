"""Spark: the bits of one machine for any partitions, on two executors, and after one was killed."""

import doctest
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import engines
import numpy as np
import pytest

import fastdiv.spark
from fastdiv.scoring.measures import score_measure
from fastdiv.scoring.sources import InputError
from fastdiv.spark._batches import Columns, RowTask, SummaryTask

pa = pytest.importorskip("pyarrow", reason="needs pip install 'fastdiv[spark]'")
pytest.importorskip("pyspark", reason="needs pip install 'fastdiv[spark]'")
pytest.importorskip("pandas", reason="needs pip install 'fastdiv[spark]'")
if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
    pytest.skip("Spark needs Java (Debian: apt-get install default-jre)", allow_module_level=True)


pytestmark = [
    pytest.mark.spark,
    pytest.mark.thread_unsafe,  # one cluster, and one process that is killed
    # Spark 4 says so at every call, and nothing of pandas is used here.
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning"),
]

P, Q, Y = engines.data()
IDS = np.arange(engines.N)
LOOPBACK = "127.0.0.1"
# A Java that starts soon and stays small, for a minute's work.
JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xmn48m"
SETTINGS = {
    "spark.driver.extraJavaOptions": JAVA,
    "spark.executor.extraJavaOptions": JAVA,
    "spark.driver.host": LOOPBACK,
    "spark.driver.bindAddress": LOOPBACK,
    "spark.driver.memory": "512m",
    "spark.executor.memory": "512m",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "300",
}


@pytest.fixture(scope="module")
def spark():
    with pytest.MonkeyPatch.context() as patch:
        # Executors are to find this interpreter, fastdiv, and the helpers of these tests.
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        patch.setenv("SPARK_LOCAL_IP", LOOPBACK)
        patch.setenv("PYTHONPATH", os.pathsep.join(p for p in sys.path if p))
        from pyspark.sql import SparkSession

        builder = SparkSession.builder.master("local-cluster[2,1,1024]").appName("fastdiv")
        for name, value in SETTINGS.items():
            builder = builder.config(name, value)
        session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


def table(p=P, q=Q, y=Y):
    """FixedSizeList is no type of Spark's: rows are lists."""
    return pa.table({"id": IDS, "p_logits": list(p), "q_logits": list(q), "label": y})


@pytest.fixture(scope="module")
def frame(spark):
    return spark.createDataFrame(table()).cache()


def check_columns(made, expected):
    made = made.toArrow().sort_by("id")
    assert made["id"].to_pylist() == IDS.tolist()
    assert made.num_columns > 1
    for name in made.column_names[1:]:
        column, numbers = made[name].to_numpy(), getattr(expected, name)
        assert column.dtype == numbers.dtype
        assert column.tobytes() == numbers.tobytes(), name


@pytest.mark.parametrize("partitions", [1, 7])
def test_rows(frame, partitions):
    made = fastdiv.spark.score_rows(frame.repartition(partitions), "p_logits", ids="id")
    assert made.columns[1:] == list(fastdiv.Scores.__dataclass_fields__)
    check_columns(made, fastdiv.score(Y, P))
    made = fastdiv.spark.compare_rows(frame.repartition(partitions), label="label", ids=["id"])
    assert made.columns[1:] == list(fastdiv.Comparison.__dataclass_fields__)
    check_columns(made, fastdiv.compare(P, Q, Y))


def test_doubles_and_what_is_wanted(frame):
    wide = frame.selectExpr("id", "cast(p_logits as array<double>) p_logits", "q_logits", "label")
    made = fastdiv.spark.score_rows(wide, "p_logits", want=["rank", "entropy"])
    assert made.columns == ["id", "q_logits", "label", "entropy", "rank"]
    expected = fastdiv.score(Y, P.astype(np.float64))
    check_columns(made.select("id", "entropy", "rank"), expected)
    made = fastdiv.spark.compare_rows(wide, want="js_divergence", ids="id")
    check_columns(made, fastdiv.compare(P.astype(np.float64), Q))


@pytest.mark.parametrize("partitions", [1, 2, 13])
def test_summaries(frame, partitions):
    df = frame.repartition(partitions)
    made = fastdiv.spark.score(df, "p_logits", top_k=(2,), bins=5, mergers=3)
    assert made.to_json() == engines.score_json(Y, P, top_k=(2,), bins=5)
    made = fastdiv.spark.compare(df, label="label" if partitions > 1 else None, mergers=2)
    assert made.to_json() == engines.compare_json(P, Q, Y if partitions > 1 else None)


def test_examples(spark):
    failed, tried = doctest.testmod(fastdiv.spark)
    assert tried >= 6
    assert not failed


@pytest.mark.parametrize(
    ("setting", "value", "rows"),
    [("maxBytesPerBatch", "4k", 120), ("maxRecordsPerBatch", "50", 50)],
)
def test_batches_can_be_limited(spark, frame, setting, value, rows):
    def sizes(batches):
        for batch in batches:
            yield pa.record_batch({"rows": pa.array([batch.num_rows])})

    name = f"spark.sql.execution.arrow.{setting}"
    before = spark.conf.get(name)
    spark.conf.set(name, value)
    try:
        made = frame.select("p_logits").mapInArrow(sizes, "rows long").collect()
    finally:
        spark.conf.set(name, before)
    assert sum(row.rows for row in made) == engines.N
    assert max(row.rows for row in made) <= rows


def test_partitions_without_rows(frame):
    some = frame.where("id < 5").repartition(9)
    made = fastdiv.spark.score(some, "p_logits")
    assert made.to_json() == engines.score_json(Y[:5], P[:5])
    with pytest.raises(InputError, match="has no rows"):
        fastdiv.spark.score(frame.where("id < 0"), "p_logits")


def parent(pid):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("PPid:"))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="finds processes in /proc")
@pytest.mark.parametrize("what", ["python", "executor"])
def test_a_worker_is_killed(frame, tmp_path, what):
    folder = str(tmp_path)

    def held_up(batches):
        from pyspark import TaskContext

        for batch in batches:
            if TaskContext.get().partitionId() == 3:
                engines.held_up(folder)
            yield batch

    df = frame.repartition(6).mapInArrow(held_up, frame.schema)
    with engines.killed_when_held_up(tmp_path, None if what == "python" else executor_of):
        if what == "python":
            made = fastdiv.spark.score(df, "p_logits")
            assert made.to_json() == engines.score_json(Y, P)
        else:
            made = fastdiv.spark.score_rows(df, "p_logits", ids="id")
            check_columns(made, fastdiv.score(Y, P))


def executor_of(pid):
    """The process of Java that has this one of Python's, of which a daemon is the parent."""
    found = parent(parent(pid))
    assert b"CoarseGrainedExecutorBackend" in Path(f"/proc/{found}/cmdline").read_bytes()
    return found


def test_what_is_wrong_with_columns(frame):
    from pyspark.sql.functions import lit

    score, rows = fastdiv.spark.score, fastdiv.spark.score_rows
    for call, match in (
        (lambda: score(frame), "no column 'logits': it has id, p_logits"),
        (lambda: score(frame, "label"), "column label holds bigint; rows of logits"),
        (lambda: score(frame, "p_logits", "q_logits"), r"column q_logits holds array<float>; lab"),
        (lambda: rows(frame, "p_logits", ids="nr"), "no column 'nr'"),
        (lambda: rows(frame.withColumn("rank", lit(1)), "p_logits"), "'rank' of the DataFrame"),
    ):
        with pytest.raises(InputError, match=match):
            call()
    for call, match in (
        (lambda: rows(frame, "p_logits", want="loss"), "want holds 'loss'"),
        (lambda: score(frame, "p_logits", mergers=0), "at least one task"),
        (lambda: fastdiv.spark.compare_rows(frame, want="delta_p"), "needs labels"),
        (lambda: fastdiv.spark.compare(frame, want=["kl_divergence", "delta_p"]), "needs labels"),
    ):
        with pytest.raises(ValueError, match=match):
            call()


def test_what_is_wrong_comes_from_the_executor(frame):
    from pyspark.errors import PythonException

    df = frame.coalesce(1).selectExpr("id", "p_logits", "if(id = 800, 99, label) label")
    with pytest.raises(PythonException, match=r"partition 0: label 99 at row 800 is out of range"):
        fastdiv.spark.score(df, "p_logits")


def batches(rows, labels):
    """Batches of two rows, the last of a slice."""
    kind = pa.list_(pa.float32())
    made = pa.record_batch({"x": pa.array(rows, kind), "y": pa.array(labels, pa.int32())})
    return iter([made.slice(i, 2) for i in range(0, len(rows), 2)])


@pytest.mark.parametrize(
    ("rows", "labels", "classes", "match"),
    [
        ([[1, 2], [3, 4], [5, 6], None], [0] * 4, None, "row 3 of x is null"),
        ([[1, 2], [3, 4], [5, None]], [0] * 3, None, "row 2 of x is null at class 1"),
        ([[1, 2], [3, 4], [5, 6], [7]], [0] * 4, None, "row 3 of x has 1 classes, others have 2"),
        ([[1, 2]], [0], 3, "row 0 of x has 2 classes, others have 3"),
        ([[], []], [0, 0], None, "row 0 of x has no classes"),
        ([[1, 2]] * 3, [0, 1, None], None, "row 2 of y is null"),
        ([[1, 2]] * 3, [0, 1, -1], None, "label -1 at row 2 is out of range"),
    ],
)
def test_what_is_wrong_with_rows(rows, labels, classes, match):
    columns = Columns(("x",), "y", classes)
    for task in (
        RowTask(columns, (), replace(score_measure(), columns=("rank",))),
        SummaryTask(columns, score_measure()),
    ):
        with pytest.raises(InputError, match=rf"{match}"):
            list(task(batches(rows, labels)))


def test_rows_of_several_lengths_in_partitions(frame):
    df = (
        frame.repartition(4, "id")
        .selectExpr("p_logits", "label", "spark_partition_id() part")
        .selectExpr("if(part = 0, slice(p_logits, 1, 5), p_logits) x", "label % 5 label")
    )
    with pytest.raises(Exception, match="some rows have 5 classes, others 11"):
        fastdiv.spark.score(df, "x")
