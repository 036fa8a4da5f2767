"""Make the bytes example: a language model's logits, as many gigabytes as asked for.

Usage::

    python examples/bytes/make.py --rows 4000000 --out /tmp/bytes --small

The text is the Python source of the standard library. Four files in five train a model that
predicts each byte from the three before it; the rest is held out. Written in the folder `--out`:

- ``logits.npy``, float32, 256 a row: the model's natural-log probabilities of the next byte;
- ``labels.npy``, uint8, one a row: the byte that really followed;
- ``logits_small.npy``, with `--small`: the same from the two bytes before, to compare.

With ``--format parquet,zarr,arrow,safetensors`` the logits are written in these formats instead
(``npy`` is one of the list too); Parquet and Arrow carry the labels along, as the column ``label``.

Row ``i`` stands for the same place in the text in all of them. A row takes 1 KiB. Once the
held-out text has been used up (after two or three million rows), it starts again.
"""

from __future__ import annotations

import argparse
import itertools
import shutil
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from formats import WRITERS, Writer
from ngram import ORDER, Model, contexts, fit
from numpy.typing import NDArray

SKIPPED = {"test", "tests", "idle_test", "site-packages", "dist-packages"}
BLOCK = 4096  # rows, 4 MiB: small enough to be written while still in cache


def read_text() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the standard library's source as two texts: for training, and held out."""
    root = Path(sysconfig.get_paths()["stdlib"])
    files = sorted(
        path
        for path in root.rglob("*.py")
        if path.is_file() and SKIPPED.isdisjoint(path.relative_to(root).parts)
    )
    train = b"".join(path.read_bytes() for i, path in enumerate(files) if i % 5)
    held_out = b"".join(path.read_bytes() for path in files[::5])
    return np.frombuffer(train, np.uint8), np.frombuffer(held_out, np.uint8)


def write_logits(
    write: Writer, path: Path, model: Model, text: NDArray[np.uint8], order: int, rows: int
) -> None:
    """Write `rows` rows of logits for `text`, a block at a time, then give the file its name."""
    places = model.row_of[order][contexts(text, order)]
    label_of = text[ORDER:]
    block = np.empty((BLOCK, 256), np.float32)

    def blocks() -> Iterator[tuple[NDArray[np.float32], NDArray[np.uint8]]]:
        for start in range(0, rows, BLOCK):
            at = np.arange(start, min(start + BLOCK, rows))
            # mode="clip" only because the default copies `out` through a buffer.
            x = np.take(
                model.table, places[at % places.size], axis=0, out=block[: at.size], mode="clip"
            )
            yield x, label_of[at % label_of.size]

    partial = path.with_suffix(".partial")
    try:
        write(partial, blocks(), rows)
        if path.is_dir():
            shutil.rmtree(path)
        partial.replace(path)
    finally:
        if partial.is_dir():
            shutil.rmtree(partial)
        partial.unlink(missing_ok=True)


def write_labels(path: Path, text: NDArray[np.uint8], rows: int) -> None:
    """Write the `rows` bytes that really followed."""
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        np.save(file, np.resize(text[ORDER:], rows))
    partial.replace(path)


def bits_per_byte(logits: Path, labels: Path, rows: int = 100_000) -> float:
    """Return the mean cross-entropy of the first rows written, in bits, by plain numpy."""
    x = np.load(logits, mmap_mode="r")[:rows].astype(np.float64)
    y = np.load(labels, mmap_mode="r")[:rows]
    q = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    return float(-np.log2(q[np.arange(y.size), y]).mean())


def main() -> None:
    """Train the model and write what the command line asks for."""
    parser = argparse.ArgumentParser(description="Write a byte model's logits and labels.")
    parser.add_argument("--rows", type=int, default=1_000_000, help="default: %(default)s")
    parser.add_argument("--out", type=Path, required=True, help="the folder to write to")
    parser.add_argument("--small", action="store_true", help="also write logits_small.npy")
    parser.add_argument("--format", default="npy", help=f"of {','.join(WRITERS)}; default: npy")
    args = parser.parse_args()
    if args.rows < 1:
        parser.error("--rows must be at least 1")
    formats = args.format.split(",")
    if unknown := set(formats) - set(WRITERS):
        parser.error(f"--format {unknown.pop()}: there are {', '.join(WRITERS)}")

    start = time.perf_counter()
    train, held_out = read_text()
    model = fit(train)
    seconds = time.perf_counter() - start
    print(f"trained on {train.size} bytes, {held_out.size} held out, in {seconds:.1f} s")

    args.out.mkdir(parents=True, exist_ok=True)
    labels = args.out / "labels.npy"
    write_labels(labels, held_out, args.rows)
    outputs = {"logits": ORDER}
    if args.small:
        outputs["logits_small"] = ORDER - 1
    for (name, order), kind in itertools.product(outputs.items(), formats):
        path = args.out / f"{name}.{kind}"
        start = time.perf_counter()
        write_logits(WRITERS[kind], path, model, held_out, order, args.rows)
        seconds = time.perf_counter() - start
        size = args.rows * 1024
        found = f", {bits_per_byte(path, labels):.3f} bits per byte" if kind == "npy" else ""
        print(
            f"{path.name}: {args.rows} rows, {size} bytes in {seconds:.1f} s "
            f"({size / seconds / 1e9:.2f} GB/s){found}"
        )


if __name__ == "__main__":
    main()
