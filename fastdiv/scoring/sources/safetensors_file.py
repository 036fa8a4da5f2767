"""Safetensors: the library reads and checks the header, the numbers are read where they lie."""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np

from fastdiv.scoring.sources.dtypes import bfloat16
from fastdiv.scoring.sources.errors import InputError, explained, needed
from fastdiv.scoring.sources.plain import PlainFile
from fastdiv.scoring.sources.stored import Raw, Stored
from fastdiv.scoring.sources.table import Entry, Table

DTYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "i1",
    "U64": "<u8",
    "U32": "<u4",
    "U16": "<u2",
    "U8": "u1",
    "BOOL": "?",
}
NAMES = {"BF16": "bfloat16"} | {code: np.dtype(text).name for code, text in DTYPES.items()}


class Safetensors(Table):
    """A ``.safetensors`` file."""

    format = "safetensors"

    def __init__(self, path: Path) -> None:
        library = needed("safetensors", "safetensors", path)
        self._file = PlainFile(path)
        self._places: dict[str, tuple[int, str]] = {}
        entries = {}
        with explained(path, (library.SafetensorError,)), library.safe_open(path, "np") as file:
            names = list(file.keys())
        # The library has made sure of the header, but does not tell where a tensor lies.
        length = int(struct.unpack("<Q", self._file.bytes(0, 8))[0])
        header = json.loads(self._file.bytes(8, length))
        for name in names:
            tensor = header[name]
            code, (begin, _) = tensor["dtype"], tensor["data_offsets"]
            entries[name] = Entry(tuple(tensor["shape"]), NAMES.get(code, code))
            self._places[name] = (8 + length + begin, code)
        super().__init__(path, self._file.size, entries)

    def _stored(self, name: str, lead: tuple[int, ...], classes: int | None) -> Stored:
        at, code = self._places[name]
        if code not in NAMES:
            raise InputError(
                f"{self.path}: {name} has dtype {code}, which is not supported: save it as float32"
            )
        dtype: Any = bfloat16(self.path) if code == "BF16" else DTYPES[code]
        return Raw(self._file, name, at, lead, classes, dtype)

    def column(self, name: str) -> Stored:
        """Return labels or ids."""
        return self._stored(name, self.entries[name].shape, None)

    def matrix(self, name: str) -> Stored:
        """Return rows."""
        shape = self.entries[name].shape
        return self._stored(name, shape[:-1], shape[-1])

    def check_unchanged(self) -> None:
        """Raise if the file is not what it was when it was opened."""
        self._file.check_unchanged()
