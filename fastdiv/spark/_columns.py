"""The columns of a DataFrame, checked before any executor has work."""

from typing import TYPE_CHECKING, Any

from fastdiv.scoring.sources import InputError
from fastdiv.scoring.sources.errors import some_of
from fastdiv.spark._batches import Columns, need_spark

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

FLOATS = ("float", "double")
INTEGERS = ("tinyint", "smallint", "int", "bigint")


def checked(
    df: "DataFrame", logits: tuple[str, ...], label: str | None, classes: int | None
) -> Columns:
    """Return the columns of logits and labels, or raise for what is none."""
    need_spark()
    for name in logits:
        kind = type_of(df, name).simpleString()
        if kind == "vector":
            raise InputError(
                f"column {name} holds vectors of pyspark.ml: pass them as "
                f"pyspark.ml.functions.vector_to_array({name!r}, 'float32')"
            )
        if kind not in [f"array<{number}>" for number in (*FLOATS, *INTEGERS)]:
            raise InputError(
                f"column {name} holds {kind}; rows of logits are array<float> or array<double>"
            )
    if label is not None and type_of(df, label).simpleString() not in INTEGERS:
        raise InputError(
            f"column {label} holds {type_of(df, label).simpleString()}; labels are integers: pass "
            f"df.withColumn({label!r}, df[{label!r}].cast('int'))"
        )
    if classes is not None and classes < 1:
        raise ValueError(f"classes is {classes}: rows have 1 class or more")
    return Columns(logits, label, classes)


def type_of(df: "DataFrame", name: str) -> Any:
    """Return the type of a column, or raise with those there are."""
    if name not in df.columns:
        raise InputError(f"the DataFrame has no column {name!r}: it has {some_of(df.columns)}")
    return df.schema[name].dataType


def is_double(df: "DataFrame", logits: tuple[str, ...]) -> bool:
    """Whether results are float64: for any input but float32."""
    return any(type_of(df, name).simpleString() != "array<float>" for name in logits)


def carried(
    df: "DataFrame", ids: str | list[str] | None, logits: tuple[str, ...], made: tuple[str, ...]
) -> tuple[str, ...]:
    """Return the columns to carry along: by default all but the logits."""
    if ids is None:
        names = [name for name in df.columns if name not in logits]
    else:
        names = [ids] if isinstance(ids, str) else list(ids)
    for name in names:
        type_of(df, name)
        if name in made:
            raise InputError(
                f"column {name!r} of the DataFrame has the name of a result: rename it, or leave "
                "it out of ids"
            )
    return tuple(names)
