"""Files of JSON lines as a sink: ``file://PATH``, with ``?max.bytes=`` and ``&files=`` for how they rotate.

The file that is written has the name itself; full ones are PATH.1, PATH.2 …, the latest first. A line that a crash left
unfinished is taken away when the file is opened again: its message is sent again. Whoever writes a file has a lock on
it: two would write over each other's lines.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from headwater.config import ConfigDef, Importance, Option, OptionType, at_least
from headwater.sink import Message, RetriableSinkError, SinkError
from headwater.sinks.lines import json_line
from headwater.sinks.place import parse_place

OPTIONS = ConfigDef(
    Option(
        "max.bytes",
        OptionType.LONG,
        100_000_000,
        "How large a file gets before the next one begins; 0 sets no limit.",
        Importance.LOW,
        at_least(0),
    ),
    Option("files", OptionType.INT, 10, "How many full files are kept.", Importance.LOW, at_least(1)),
)


def create(place: str, client_id: str, options: Mapping[str, str]) -> FileSink:  # noqa: ARG001 - a file asks nobody
    """The sink. Raises `headwater.config.ConfigError`."""
    parsed = parse_place(place, OPTIONS)
    return FileSink(Path(parsed.path), parsed.options | dict(options))


class FileSink:
    """`headwater.sink.Sink` of JSON lines; `flush` is the disk's word."""

    def __init__(self, path: Path, options: Mapping[str, str]) -> None:
        config = OPTIONS.parse(options)
        self._path = path
        self._max_bytes: int = config["max.bytes"]
        self._files: int = config["files"]
        self._descriptor: int | None = None
        self._size = 0
        self._unflushed = 0

    def open(self) -> None:
        """Open the file behind its last whole line.

        Raises `RetriableSinkError` while another sink writes the file: it may be that of a task that is just ending.
        """
        with self._errors():
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            self._lock(self._descriptor)
            self._size = _whole_lines(self._descriptor)
            os.ftruncate(self._descriptor, self._size)
            os.lseek(self._descriptor, self._size, os.SEEK_SET)

    def send(self, messages: Sequence[Message]) -> None:
        """See `headwater.sink.Sink.send`."""
        data = b"".join(map(json_line, messages))
        with self._errors():
            if self._max_bytes and self._size and self._size + len(data) > self._max_bytes:
                self._rotate()
            written = 0
            while written < len(data):
                written += os.write(self._opened, data[written:])
        self._size += len(data)
        self._unflushed += len(messages)

    def flush(self, timeout: float) -> bool:  # noqa: ARG002 - it takes no time
        """See `headwater.sink.Sink.flush`."""
        if self._unflushed:
            with self._errors():
                os.fsync(self._opened)
        self._unflushed = 0
        return True

    def unacknowledged(self) -> int:
        """See `headwater.sink.Sink.unacknowledged`."""
        return self._unflushed

    def close(self, timeout: float) -> None:  # noqa: ARG002
        """Let go of the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    @property
    def _opened(self) -> int:
        if self._descriptor is None:
            raise RuntimeError("the sink is not open")
        return self._descriptor

    def _lock(self, descriptor: int) -> None:
        """Keep others from the file until the descriptor is closed."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever had the lock may have made it one of the full ones since it was opened.
            is_ours = os.path.samestat(os.fstat(descriptor), self._path.stat())
        except BlockingIOError:
            is_ours = False
        if not is_ours:
            raise RetriableSinkError(
                f"the file {self._path} is written by another connector, or by a task that has not ended yet; give each"
                " connector a file of its own: producer.override.bootstrap.servers=file://PATH"
            )

    def _rotate(self) -> None:
        full, self._descriptor = self._opened, None
        try:
            os.fsync(full)
            self._begin_next()
        finally:
            os.close(full)  # not before the next one is locked, so that nobody takes the full one for the current one

    def _begin_next(self) -> None:
        for number in range(self._files - 1, 0, -1):
            if self._numbered(number).exists():
                self._numbered(number).replace(self._numbered(number + 1))
        self._path.replace(self._numbered(1))
        self.open()
        _sync_folder(self._path.parent)

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise SinkError(f"the file {self._path} can't be written: {error.strerror}") from error


def _whole_lines(descriptor: int) -> int:
    """The size of a file up to its last line end."""
    size = os.fstat(descriptor).st_size
    while size:
        start = max(0, size - 65_536)
        end = os.pread(descriptor, size - start, start).rfind(b"\n")
        if end >= 0:
            return start + end + 1
        size = start
    return 0


def _sync_folder(folder: Path) -> None:
    """Make new names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
