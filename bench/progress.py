"""How far an engine has come: a memory-mapped file that a counting sink, in Python or in Java, writes."""

from __future__ import annotations

import mmap
from pathlib import Path
from typing import Self


class RunFailedError(Exception):
    """An engine ended before its work, or delivered something else than was asked for."""


class Progress:
    """The memory-mapped file: events, bytes of keys and values, then the arrival time of each event (ns, monotonic).

    Arrivals are there as far as the file has room: none for throughput. All are 64-bit integers of the machine's order.
    """

    HEAD = 2

    def __init__(self, file: Path) -> None:
        self.file = file
        with file.open("r+b") as opened:
            self._map = mmap.mmap(opened.fileno(), 0)
        self.cells = memoryview(self._map).cast("q")

    @classmethod
    def create(cls, file: Path, arrivals: int = 0) -> Self:
        """A file with all zeros."""
        with file.open("wb") as opened:
            opened.truncate((cls.HEAD + arrivals) * 8)
        return cls(file)

    @property
    def events(self) -> int:
        """How many were delivered."""
        return self.cells[0]

    @property
    def bytes(self) -> int:
        """Keys and values of all of them."""
        return self.cells[1]
