"""The bits of every function on fixed inputs: what a release must not change unsaid.

python tests/bits.py > tests/bits.json

keeps those of today. Inputs are made by integer arithmetic alone, so that they are the same
on every machine and with every NumPy.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from cases import SIGNATURES

import fastdiv

STORED = Path(__file__).with_name("bits.json")
CLASSES = (1, 2, 3, 7, 10, 16, 17, 31, 32, 33, 64, 65, 100, 129, 512, 513, 1000, 1024, 1025, 3000)
ROWS = 12
OPTIONS: dict[str, dict[str, Any]] = {
    "": {},
    "base 2": {"base": 2.0},
    "not normalized": {"normalize": False},
    "temperature": {"temperature": 0.75},
    "smoothing": {"label_smoothing": 0.125},
    # The first so many numbers, one for each class.
    "class weights": {"class_weight": np.arange(3000) % 5 / 4},
    "smoothing and class weights": {
        "label_smoothing": 0.125,
        "class_weight": np.arange(3000) % 5 / 4,
    },
}


def numbers(c: int, seed: int) -> Any:
    """ROWS rows of c integers from 0 to 2^20 - 1, of a linear congruence."""
    k = np.arange(ROWS * c, dtype=np.uint64) + np.uint64(seed * 1_000_003)
    mixed = (k * np.uint64(2862933555777941757) + np.uint64(3037000493)) >> np.uint64(20)
    mixed = (mixed * (mixed >> np.uint64(7)) * np.uint64(3935559000370003845)) >> np.uint64(44)
    return mixed.reshape(ROWS, c)


def row_set(kind: str, c: int, dtype: Any, seed: int) -> Any:
    """Weights or logits, exact in either type, a row in four with weights 0 or logits -inf."""
    made = numbers(c, seed).astype(np.float64)
    # Rows 2^k and 2^-k wide: what is far apart, and what is near.
    width = 2.0 ** np.array([-4, -4, -4, -4, -8, -8, -8, -12, -12, -16, -19, -24])[:, None]
    x = made * width
    if kind == "x":
        x[::4, ::3] = -np.inf
        x[:, 0] = made[:, 0] * 2.0**-10
    else:
        x = x + (np.arange(ROWS) % 2)[:, None]
        x[::4, ::3] = 0
        x[:, 0] += 1
    return x.astype(dtype)


def results() -> Iterator[tuple[str, bytes]]:
    """Name every call, and give the bytes it makes."""
    for name, signature in SIGNATURES.items():
        for option, keywords in OPTIONS.items():
            cross = name.startswith("cross_entropy")
            taken = ("base",) if signature != "x" or name.startswith("entropy") else ()
            taken += ("normalize",) if signature in ("w", "ww") and name != "js_distance" else ()
            taken += ("temperature", "label_smoothing", "class_weight") if cross else ()
            if not set(keywords) <= set(taken):
                continue
            for dtype in (np.float32, np.float64):
                for label in (False, True) if cross else (False,):
                    made = []
                    for c in CLASSES:
                        args = [row_set(k, c, dtype, i) for i, k in enumerate(signature)]
                        if label:
                            args[0] = np.arange(ROWS) % c
                        given = dict(keywords)
                        if "class_weight" in given:
                            given["class_weight"] = given["class_weight"][:c]
                        made.append(np.asarray(getattr(fastdiv, name)(*args, **given)))
                    words = (name, "label" * label, option, dtype.__name__)
                    little = [m.astype(m.dtype.newbyteorder("<")).tobytes() for m in made]
                    yield ", ".join(filter(None, words)), b"".join(little)
    for dtype in (np.float32, np.float64):
        for field, made in scores(dtype).items():
            yield f"score, {field}, {dtype.__name__}", made
        for field, made in comparisons(dtype).items():
            yield f"compare, {field}, {dtype.__name__}", made


def scores(dtype: Any) -> dict[str, bytes]:
    """Give the bytes of every field of the scores."""
    found: dict[str, list[bytes]] = {}
    for c in CLASSES:
        made = fastdiv.score(np.arange(ROWS) * 5 % c, row_set("x", c, dtype, 0))
        for field, values in vars(made).items():
            little = values.astype(values.dtype.newbyteorder("<")).tobytes()
            found.setdefault(field, []).append(little)
    return {field: b"".join(parts) for field, parts in found.items()}


def comparisons(dtype: Any) -> dict[str, bytes]:
    """Give the bytes of every field of the comparisons, of rows far apart and near."""
    found: dict[str, list[bytes]] = {}
    for c in CLASSES:
        p, other = (row_set("x", c, dtype, seed) for seed in (0, 1))
        with np.errstate(invalid="ignore"):
            near = p + (other * 2.0**-12).astype(dtype)
        for q in (other, np.where(np.isnan(near), p, near)):
            made = fastdiv.compare(p, q, np.arange(ROWS) * 5 % c)
            for field, values in vars(made).items():
                little = values.astype(values.dtype.newbyteorder("<")).tobytes()
                found.setdefault(field, []).append(little)
    return {field: b"".join(parts) for field, parts in found.items()}


def digests() -> dict[str, str]:
    """Hash the results of every call."""
    return {name: hashlib.sha256(made).hexdigest()[:16] for name, made in results()}


if __name__ == "__main__":
    print(json.dumps(digests(), indent=0))
