"""``.npy`` files, and ``.npz`` archives of them."""

import io
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy

from fastdiv.scoring.sources.dtypes import numbers
from fastdiv.scoring.sources.errors import InputError, explained
from fastdiv.scoring.sources.plain import PlainFile
from fastdiv.scoring.sources.stored import InMemory, Raw, RawColumns, Stored
from fastdiv.scoring.sources.table import Entry, Table

READERS = {1: npy.read_array_header_1_0, 2: npy.read_array_header_2_0}
MOST_HEADER = 1 << 16  # bytes: NumPy's own bound on a header is 10 000


class Header:
    """Where an array lies in a file, and what it is."""

    def __init__(self, file: PlainFile, at: int, size: int) -> None:
        """Read the header at ``at``, and compare what it promises with the ``size`` there is."""
        self.file, path = file, file.path
        text = io.BytesIO(file.bytes(at, min(size, MOST_HEADER)))
        magic = text.read(8)
        if magic[:6] != npy.MAGIC_PREFIX:
            raise InputError(f"{path}: is not a .npy file: save the array with numpy.save")
        if len(magic) < 8 or magic[6] not in READERS:
            raise InputError(f"{path}: cannot be read as .npy of version 1 or 2")
        try:
            self.shape, self.by_column, self.dtype = READERS[magic[6]](text)
        except ValueError as error:
            raise InputError(f"{path}: has a broken .npy header: {error}") from None
        self.start = at + text.tell()
        length = int(np.prod(self.shape, dtype=object)) * self.dtype.itemsize
        promised = text.tell() + length
        if promised > size and not self.dtype.hasobject:
            raise InputError(
                f"{path}: is cut off: its header promises {promised} bytes, it has {size}"
            )
        if promised < size and not self.dtype.hasobject:
            raise InputError(
                f"{path}: has {size - promised} bytes more than its header says: is it still being "
                "written?"
            )

    def column(self, name: str) -> Stored:
        """Return labels or ids."""
        if self.by_column and len(self.shape) > 1:
            raise InputError(f"{self.file.path}: save numpy.ascontiguousarray of the labels")
        if self.dtype.hasobject:
            numbers(self.dtype, self.file.path, name)
        return Raw(self.file, name, self.start, self.shape, None, self.dtype)

    def matrix(self, name: str) -> Stored:
        """Return rows."""
        dtype = numbers(self.dtype, self.file.path, name)
        if self.by_column and len(self.shape) > 2:
            raise InputError(
                f"{self.file.path}: has its first axis next to each other in the file, and more "
                "than two: save numpy.ascontiguousarray of it"
            )
        kind = RawColumns if self.by_column else Raw
        return kind(self.file, name, self.start, self.shape[:-1], self.shape[-1], dtype)


class Npy(Table):
    """A ``.npy`` file."""

    format = "npy"

    def __init__(self, path: Path) -> None:
        self._file = PlainFile(path)
        self._header = Header(self._file, 0, self._file.size)
        entry = Entry(self._header.shape, str(self._header.dtype))
        super().__init__(path, self._file.size, {"": entry})

    def column(self, name: str) -> Stored:
        """Return labels or ids."""
        return self._header.column(name)

    def matrix(self, name: str) -> Stored:
        """Return rows."""
        return self._header.matrix(name)

    def check_unchanged(self) -> None:
        """Raise if the file is not what it was when it was opened."""
        self._file.check_unchanged()


class Npz(Table):
    """A ``.npz`` archive: its arrays are read where they lie, those of ``savez_compressed`` whole.

    What is read where it lies is not held against the archive's checksums.
    """

    format = "npz"
    DAMAGE = (zipfile.BadZipFile, zlib.error, ValueError, EOFError, struct.error)

    def __init__(self, path: Path) -> None:
        self._file = PlainFile(path)
        self._headers: dict[str, Header] = {}
        self._packed: dict[str, Any] = {}
        entries = {}
        with explained(path, self.DAMAGE), zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                name = info.filename.removesuffix(".npy")
                if info.compress_type == zipfile.ZIP_STORED:
                    header = Header(self._file, self._place(info), info.file_size)
                    self._headers[name] = header
                    entries[name] = Entry(header.shape, str(header.dtype))
                else:
                    self._packed[name] = info
                    with archive.open(info) as member:
                        entries[name] = self._entry(member)
        super().__init__(path, self._file.size, entries)

    def _place(self, info: zipfile.ZipInfo) -> int:
        """Return where a member's bytes begin: after its own header, which ends in two texts."""
        local = self._file.bytes(info.header_offset, 30)
        name, extra = struct.unpack("<HH", local[26:30])
        return info.header_offset + 30 + int(name) + int(extra)

    def _entry(self, member: Any) -> Entry:
        version = npy.read_magic(member)[0]
        if version not in READERS:
            raise InputError(f"{self._file.path}: cannot be read as .npy of version 1 or 2")
        shape, _, dtype = READERS[version](member)
        return Entry(shape, str(dtype))

    def _unpacked(self, name: str, classes: bool) -> Stored:
        path = self._file.path
        with explained(path, self.DAMAGE), np.load(path) as archive:
            array = np.ascontiguousarray(archive[name])
        lead = array.shape[:-1] if classes else array.shape
        return InMemory(path, name, array.view(numbers(array.dtype, path, name)), lead)

    def column(self, name: str) -> Stored:
        """Return labels or ids."""
        header = self._headers.get(name)
        return header.column(name) if header else self._unpacked(name, False)

    def matrix(self, name: str) -> Stored:
        """Return rows."""
        header = self._headers.get(name)
        return header.matrix(name) if header else self._unpacked(name, True)

    def check_unchanged(self) -> None:
        """Raise if the file is not what it was when it was opened."""
        self._file.check_unchanged()
