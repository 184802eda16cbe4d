"""``headwater worker`` with a sink that only counts, into the file that ``HEADWATER_BENCH_PROGRESS`` names.

Worker, fork server and task are what they always are; in the task's process the sink is another one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

from bench.progress import Progress
from headwater.cli import main
from headwater.sink import Message
from headwater.worker import assembly


class CountingSink:
    """See `headwater.sink.Sink`."""

    def __init__(self) -> None:
        self._cells = Progress(Path(os.environ["HEADWATER_BENCH_PROGRESS"])).cells
        self._events = self._bytes = 0
        self._arrivals = len(self._cells) - Progress.HEAD

    def open(self) -> None:
        """Nothing to connect to."""

    def send(self, messages: Sequence[Message]) -> None:
        """Count."""
        size = 0
        for _, _, key, value, _, _, _ in messages:
            size += len(key or b"") + len(value or b"")
        self._bytes += size
        if self._arrivals:
            self._note_arrivals(len(messages))
        self._events += len(messages)
        self._cells[1] = self._bytes
        self._cells[0] = self._events

    def _note_arrivals(self, count: int) -> None:
        now = time.monotonic_ns()
        for number in range(self._events, min(self._events + count, self._arrivals)):
            self._cells[Progress.HEAD + number] = now

    def flush(self, timeout: float) -> bool:  # noqa: ARG002
        """All is counted."""
        return True

    def unacknowledged(self) -> int:
        """None."""
        return 0

    def close(self, timeout: float) -> None:
        """Nothing to let go of."""


def run() -> None:
    """The ``headwater`` command with the counting sink, which its tasks have from the worker they are forked from."""
    assembly.build_sink = lambda *_: CountingSink()  # type: ignore[assignment]
    main()
