"""librdkafka's log lines, in this process's log, without a flood."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)

QUIET_SECONDS = 60.0
"""How long a line that says the same again is held back."""

_THREAD = re.compile(r"^\[thrd:[^\]]*\]: ")
_COUNTS = re.compile(r"\(after .*\)|(?<![\w.:/])\d+(?![\w.:/])")
"""What changes from one attempt to the next; the digits of a broker's address stay."""
_MOST_LINES = 256


class ClientLog:
    """Takes the place of a `logging.Logger` for Confluent's client, which calls `log` from ``poll`` and ``flush``.

    A broker that is away gives a line for every attempt to reach it; of lines that differ only in counts and times
    one is written each minute, with how many were held back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lines: dict[str, tuple[float, int]] = {}

    def log(self, level: int, _format: str, facility: str, client: str, text: str) -> None:
        """Confluent's call: the format is always ``%s [%s] %s`` with these three."""
        text = _THREAD.sub("", text)
        line = f"{facility} {_COUNTS.sub('', text)}"
        now = self._clock()
        written, held_back = self._lines.get(line, (-QUIET_SECONDS, 0))
        if now - written < QUIET_SECONDS:
            self._lines[line] = (written, held_back + 1)
            return
        if len(self._lines) >= _MOST_LINES:
            self._lines.clear()
        self._lines[line] = (now, 0)
        # A connection that breaks is a warning here: librdkafka mends it by itself.
        shown = min(level, logging.WARNING)
        log.log(shown, "kafka client", facility=facility, client=client, text=text, held_back=held_back)
