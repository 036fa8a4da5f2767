"""Rows of an Arrow file's batches, and whether they are compressed, from the file's metadata.

pyarrow tells neither before it has decompressed a batch, which for a large file takes as long as
to score it. The metadata are flatbuffers (Arrow's format/File.fbs and Message.fbs): a table begins
with the distance back to a list of 16-bit places of its fields, 0 for what is not there.
"""

import struct
from typing import NamedTuple

from fastdiv.scoring.sources.errors import InputError
from fastdiv.scoring.sources.plain import PlainFile

TAIL = 10  # bytes at the end: the length of the footer, "ARROW1"
FOOTER_BATCHES = 3  # the number of the field in its table, as are those below
MESSAGE_HEADER = 2
BATCH_ROWS, BATCH_COMPRESSION = 0, 3
BLOCK_BYTES = 24  # offset, length of the metadata, length of the body


class Batch(NamedTuple):
    """What a file says of a record batch."""

    rows: int
    compressed: bool


class _Table:
    """A table in a flatbuffer."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data, self._at = data, at
        self._fields = at - int(struct.unpack_from("<i", data, at)[0])

    def place(self, field: int) -> int:
        """Return where a field lies, or 0."""
        size = struct.unpack_from("<H", self._data, self._fields)[0]
        entry = 4 + 2 * field
        if entry >= size:
            return 0
        offset = int(struct.unpack_from("<H", self._data, self._fields + entry)[0])
        return offset and self._at + offset

    def target(self, field: int) -> int:
        """Return where what a field refers to lies, or 0."""
        place = self.place(field)
        return place and place + int(struct.unpack_from("<I", self._data, place)[0])


def _root(data: bytes) -> _Table:
    return _Table(data, int(struct.unpack_from("<I", data, 0)[0]))


def batches_of(file: PlainFile) -> list[Batch]:
    """Return the batches of a file, in its order."""
    try:
        length, magic = struct.unpack("<i6s", file.bytes(file.size - TAIL, TAIL))
        if magic != b"ARROW1":
            raise InputError(f"{file.path}: is cut off: an Arrow file ends as it begins, in ARROW1")
        footer = file.bytes(file.size - TAIL - length, length)
        place = _root(footer).target(FOOTER_BATCHES)
        count = int(struct.unpack_from("<I", footer, place)[0]) if place else 0
        blocks = (place + 4 + BLOCK_BYTES * i for i in range(count))
        return [_batch(file, *struct.unpack_from("<qi", footer, at)) for at in blocks]
    except struct.error as error:
        raise InputError(f"{file.path}: is damaged: {error}") from error


def _batch(file: PlainFile, at: int, length: int) -> Batch:
    data = file.bytes(at, length)
    # Since version 0.15 a mark comes before the length of the message.
    start = 8 if data[:4] == b"\xff\xff\xff\xff" else 4
    header = _Table(data[start:], _root(data[start:]).target(MESSAGE_HEADER))
    place = header.place(BATCH_ROWS)
    rows = int(struct.unpack_from("<q", data, start + place)[0]) if place else 0
    return Batch(rows, header.place(BATCH_COMPRESSION) != 0)
