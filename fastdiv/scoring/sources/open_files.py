"""Descriptors of files, of which a process may have a thousand or so, for any number of shards."""

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path


class Slot:
    """The descriptor of a file, or None while it is closed, and how many use it now.

    ``opened_again`` tells that it may be another file's by now.
    """

    def __init__(self) -> None:
        self.descriptor: int | None = None
        self.users = 0
        self.opened_again = False


class OpenFiles:
    """Those used last stay open; the others are closed when there are more than ``most``."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.RLock()
        self._open: dict[Slot, None] = {}

    @contextlib.contextmanager
    def used(self, slot: Slot, path: Path) -> Iterator[int]:
        """Give the file's descriptor, which stays open in the meantime."""
        with self._lock:
            if slot.descriptor is None:
                slot.descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
            descriptor = slot.descriptor
            slot.users += 1
            self._open.pop(slot, None)
            self._open[slot] = None
            self._close_old()
        try:
            yield descriptor
        finally:
            with self._lock:
                slot.users -= 1

    def _close_old(self) -> None:
        for slot in list(self._open):
            if len(self._open) <= self._most:
                break
            if slot.users == 0:
                self.close(slot)

    def close(self, slot: Slot) -> None:
        """Close a file that nobody uses."""
        with self._lock:
            self._open.pop(slot, None)
            if slot.descriptor is not None:
                os.close(slot.descriptor)
                slot.descriptor, slot.opened_again = None, True
