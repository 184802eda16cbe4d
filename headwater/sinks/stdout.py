"""Standard output as a sink: ``stdout://`` for people, ``stdout://json`` for programs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import BinaryIO

from headwater.config import ConfigError, Problem
from headwater.sink import Message, SinkError
from headwater.sinks.lines import json_line, readable

_FORMATS: dict[str, Callable[[Message], bytes]] = {"": readable, "readable": readable, "json": json_line}


def create(place: str, client_id: str, options: Mapping[str, str]) -> StdoutSink:  # noqa: ARG001 - it has neither
    """The sink; ``place`` is the format. Raises `headwater.config.ConfigError`."""
    if place not in _FORMATS:
        text = f"stdout://{place} is none of the formats: stdout://readable, stdout://json"
        raise ConfigError([Problem("bootstrap.servers", text)])
    return StdoutSink(_FORMATS[place], sys.stdout.buffer)


class StdoutSink:
    """`headwater.sink.Sink` of lines; what is written is acknowledged, wherever it goes."""

    def __init__(self, line: Callable[[Message], bytes], out: BinaryIO) -> None:
        self._line = line
        self._out = out

    def open(self) -> None:
        """Nothing is to be opened."""

    def send(self, messages: Sequence[Message]) -> None:
        """See `headwater.sink.Sink.send`: people see it at once."""
        try:
            for message in messages:
                self._out.write(self._line(message))
            self._out.flush()
        except OSError as error:
            raise SinkError(f"standard output takes no more: {error.strerror}") from error

    def flush(self, timeout: float) -> bool:  # noqa: ARG002 - it takes no time
        """See `headwater.sink.Sink.flush`."""
        return True

    def unacknowledged(self) -> int:
        """See `headwater.sink.Sink.unacknowledged`."""
        return 0

    def close(self, timeout: float) -> None:
        """Standard output stays open."""
