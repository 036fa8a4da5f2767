"""What executors do with Arrow batches."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from fastdiv import _extras
from fastdiv.scoring import partial
from fastdiv.scoring.measures import Measure
from fastdiv.scoring.merging import Summary
from fastdiv.scoring.sources import arrow
from fastdiv.scoring.sources.arrow import Place
from fastdiv.scoring.sources.arrow_batches import length_of_first
from fastdiv.scoring.sources.vector import check_labels


class Batch(NamedTuple):
    """Rows of a partition: one array of logits or two, labels or None, and the batch itself."""

    rows: list[Any]
    labels: Any
    arrow: Any


@dataclass(frozen=True)
class Columns:
    """The columns that hold the logits and the labels, and how many classes there must be."""

    logits: tuple[str, ...]
    label: str | None
    classes: int | None

    def read(self, batches: Iterator[Any]) -> Iterator[Batch]:
        """Give batches that have rows as arrays.

        Raises
        ------
        InputError
            For a null, or rows that are not all of one length, or a label that is no class, with
            the partition and the number of the row in it.
        """
        from pyspark import TaskContext

        context = TaskContext.get()
        where = f"partition {context.partitionId()}" if context else "the DataFrame"
        classes, start = self.classes, 0
        for batch in batches:
            if batch.num_rows == 0:
                continue
            places = [Place(where, name, start) for name in self.logits]
            columns = [batch.column(name) for name in self.logits]
            if classes is None:
                classes = length_of_first(columns[0], places[0])
            if classes == 0:
                raise places[0].error(0, "has no classes")
            rows = [arrow.matrix(c, classes, p) for c, p in zip(columns, places, strict=True)]
            labels = None
            if self.label is not None:
                labels = arrow.vector(batch.column(self.label), Place(where, self.label, start))
                check_labels(labels, classes, where, start)
            yield Batch(rows, labels, batch)
            start += batch.num_rows


@dataclass(frozen=True)
class RowTask:
    """Make columns of numbers: what is carried along, then what is wanted."""

    columns: Columns
    ids: tuple[str, ...]
    measure: Measure

    def __call__(self, batches: Iterator[Any]) -> Iterator[Any]:
        """Give a batch for every batch."""
        import pyarrow as pa

        for rows, labels, batch in self.columns.read(batches):
            made, names = self.measure.numbers(labels, *rows), self.measure.columns
            carried = [batch.column(name) for name in self.ids]
            numbers = [pa.array(getattr(made, name)) for name in names]
            yield pa.RecordBatch.from_arrays([*carried, *numbers], [*self.ids, *names])


@dataclass(frozen=True)
class SummaryTask:
    """Summarise a partition: one row with the packed summary, none of a partition without rows."""

    columns: Columns
    measure: Measure

    def __call__(self, batches: Iterator[Any]) -> Iterator[Any]:
        """Give one batch of one row."""
        summary = None
        for rows, labels, _ in self.columns.read(batches):
            if summary is None:
                summary = self.measure.empty(rows[0].shape[-1])
            summary.update(self.measure.numbers(labels, *rows))
        if summary is not None:
            yield summary_batch(partial.packed(summary))


@dataclass(frozen=True)
class MergeTask:
    """Merge packed summaries."""

    kind: type[Summary]

    def __call__(self, batches: Iterator[Any]) -> Iterator[Any]:
        """Give one batch of one row."""
        texts = [text for batch in batches for text in batch.column("summary").to_pylist()]
        if texts:
            yield summary_batch(partial.merged(self.kind, texts))


def summary_batch(text: bytes) -> Any:
    """Return a batch of one packed summary."""
    import pyarrow as pa

    return pa.RecordBatch.from_arrays([pa.array([text], pa.binary())], ["summary"])


def need_spark() -> None:
    """Raise ImportError if Spark cannot be had."""
    _extras.need("pyspark", "fastdiv.spark", "spark")
    _extras.need("pandas", "fastdiv.spark", "spark")  # of Spark's own Arrow functions
    _extras.need("pyarrow", "fastdiv.spark", "spark")
