"""The file that llama.cpp's ``llama-perplexity --kl-divergence-base`` writes.

"_logits_", then as 32-bit integers the length of a context, the classes, the contexts and all
their tokens; then for the second half of each context, but for its last token, a row a token:
scale and least log-probability as float32, and a 16-bit code a class, padded to 4 bytes:
log p = scale · code + least. The label of a row is the token that follows (llama.cpp,
tools/perplexity/perplexity.cpp). Code 0 stands for all that lies 16 nats or more below the largest.
"""

import struct
from pathlib import Path

import numpy as np

from fastdiv.scoring.sources.errors import InputError
from fastdiv.scoring.sources.memory import Buffers
from fastdiv.scoring.sources.part import Part
from fastdiv.scoring.sources.plain import PlainFile
from fastdiv.scoring.sources.stored import Array, InMemory, Stored
from fastdiv.scoring.sources.table import Entry, Table

MAGIC = b"_logits_"
HEAD = 20  # bytes before the tokens
CODES_BEFORE = 4  # 16-bit places that scale and least take


class LogProbabilities(Stored):
    """Rows of codes, decoded to float32 in blocks."""

    def __init__(self, file: PlainFile, at: int, rows: int, classes: int, width: int) -> None:
        super().__init__(file.path, "log_probs", (rows,), classes, np.float32)
        self._file, self._at, self._width = file, at, width
        self._codes, self._buffers = Buffers(), Buffers()

    def read(self, start: int, stop: int) -> Array:
        """Return rows ``start`` to ``stop``: natural logarithms of probabilities."""
        n, c = stop - start, self.classes
        assert c is not None
        raw = self._codes.take((n, self._width), np.dtype("<u2"))
        self._file.fill(raw, self._at + start * self._width * raw.itemsize)
        scale, least = np.ascontiguousarray(raw[:, :CODES_BEFORE]).view("<f4").T[:, :, None]
        x = self._buffers.take((n, c), self.dtype)
        np.multiply(raw[:, CODES_BEFORE : CODES_BEFORE + c], scale, out=x, dtype=np.float32)
        x += least
        return x


class LlamaBase(Table):
    """A file of a language model's log-probabilities, with the tokens as labels."""

    format = "llama.cpp KL base"

    def __init__(self, path: Path) -> None:
        self._file = file = PlainFile(path)
        head = file.bytes(0, HEAD)
        if len(head) < HEAD:
            raise InputError(f"{path}: is cut off: it has {len(head)} bytes, its head is {HEAD}")
        context, classes, contexts = struct.unpack("<Iii", head[8:])
        if context < 2 or classes < 1 or contexts < 0:
            raise InputError(
                f"{path}: is damaged: contexts of {context} tokens, {classes} classes, "
                f"{contexts} contexts"
            )
        first = context // 2
        self._each = context - 1 - first
        self._width = 2 * ((classes + 1) // 2) + CODES_BEFORE
        self._classes, self._rows = classes, contexts * self._each
        self._start = HEAD + 4 * context * contexts
        promised = self._start + 2 * self._rows * self._width
        if file.size != promised:
            raise InputError(
                f"{path}: has {file.size} bytes; {contexts} contexts of {context} tokens and "
                f"{classes} classes take {promised}: was llama-perplexity interrupted?"
            )
        tokens = np.empty((contexts, context), "<i4")
        if tokens.size:
            file.fill(tokens, HEAD)
        self._labels = np.ascontiguousarray(tokens[:, first + 1 :]).reshape(-1)
        rows = self._rows
        entries = {
            "log_probs": Entry((rows, classes), "float32"),
            "labels": Entry((rows,), "int32"),
        }
        super().__init__(path, file.size, entries)

    def part(self, rows: list[str], labels: str | None, ids: str | None) -> Part:
        """Return the rows; their labels are known without being asked for."""
        return super().part(rows, labels or "labels", ids)

    def column(self, name: str) -> Stored:
        """Return the tokens that followed."""
        return InMemory(self.path, name, self._labels, self._labels.shape)

    def matrix(self, name: str) -> Stored:
        """Return the log-probabilities."""
        return LogProbabilities(self._file, self._start, self._rows, self._classes, self._width)

    def check_unchanged(self) -> None:
        """Raise if the file is not what it was when it was opened."""
        self._file.check_unchanged()
