"""What a database server is to the benchmark: everyone reads its log."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

NAME = "bench"
"""Of the database, of the connector and of its ``topic.prefix``."""


class Server(ABC):
    """A connection to one; a context manager."""

    name: ClassVar[str]
    port: int

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @abstractmethod
    def close(self) -> None:
        """Let go of the connection."""

    @property
    def pid(self) -> int:
        """The server's process; 0 where it runs on another machine."""
        return process_listening_on(self.port)

    @abstractmethod
    def version(self) -> str:
        """The server's."""

    @abstractmethod
    def settings(self) -> dict[str, str]:
        """Those that say how the log is written."""

    @abstractmethod
    def connector(self) -> dict[str, str]:
        """A connector's configuration but for what it captures: the same for all engines, otherwise the defaults."""

    @abstractmethod
    def position(self) -> Sequence[str]:
        """The log's end, as the bare reader of `bench.engines.limits` takes it."""

    @abstractmethod
    def clean_up(self) -> None:
        """Give the disk back that a workload took."""


def process_listening_on(port: int) -> int:
    """The process that listens on a TCP port of this machine; 0 if it can't be told."""
    listening = "0A"
    inodes = {
        f"socket:[{fields[9]}]"
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        if Path(table).exists()
        for fields in (line.split() for line in Path(table).read_text().splitlines()[1:])
        if fields[3] == listening and int(fields[1].rpartition(":")[2], 16) == port
    }
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(str(file.readlink()) in inodes for file in (process / "fd").iterdir()):
                return int(process.name)
        except OSError:  # gone, or another user's
            continue
    return 0
