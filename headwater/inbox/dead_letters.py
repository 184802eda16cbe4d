"""The dead letter topic: messages that could not be handled, as they came, with the reason in their headers."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog

from headwater.consumer import Message
from headwater.sink import ANY_PARTITION, NOW, Headers, RetriableSinkError, Sink
from headwater.sinks import open_sink

log = structlog.get_logger(__name__)

FLUSH_SECONDS = 30.0
"""How long the broker may take to acknowledge a dead letter."""
CLOSE_SECONDS = 5.0
_PREFIX = "__connect.errors."
_ATTEMPTS = "headwater.errors.attempts"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a message could not be handled: by whom, after how many attempts."""

    consumer: str
    attempts: int
    error: BaseException


class DeadLetters:
    """Delivers to ``topic``, through sinks that ``new_sink`` makes: one at a time, a new one after an error."""

    def __init__(self, topic: str, new_sink: Callable[[], Sink]) -> None:
        self._topic = topic
        self._new_sink = new_sink
        self._sink: Sink | None = None

    @classmethod
    def at(cls, broker: str, topic: str, options: Mapping[str, str] | None = None) -> DeadLetters:
        """Those of the broker at the address ``broker``; see `headwater.sinks.open_sink`."""
        return cls(topic, lambda: open_sink(broker, "headwater-dead-letters", options))

    def deliver(self, message: Message, failure: Failure) -> None:
        """Comes back when the letter is safe. Raises `RetriableSinkError`, or `SinkError` where someone has to act."""
        headers = _headers(message, failure)
        letter = 0, self._topic, message.key, message.value, headers, ANY_PARTITION, NOW
        try:
            sink = self._opened()
            sink.send([letter])
            acknowledged = sink.flush(FLUSH_SECONDS)
        except Exception:
            self.close()
            raise
        if not acknowledged:
            self.close()
            raise RetriableSinkError(f"topic {self._topic!r} took no message for {FLUSH_SECONDS:.0f} seconds")
        log.error(
            "a message could not be handled and is a dead letter",
            message=str(message),
            topic=self._topic,
            attempts=failure.attempts,
            error=_text(failure.error),
        )

    def close(self) -> None:
        """Let go of the connection."""
        if self._sink is not None:
            self._sink.close(CLOSE_SECONDS)
            self._sink = None

    def _opened(self) -> Sink:
        if self._sink is None:
            self._sink = self._new_sink()
            self._sink.open()
        return self._sink


def _headers(message: Message, failure: Failure) -> Headers:
    """The message's own, and ``org.apache.kafka.connect.runtime.errors.DeadLetterQueueReporter``'s.

    What an earlier round through a dead letter topic added is replaced.
    """
    error = failure.error
    context = {
        "topic": message.topic,
        "partition": str(message.partition),
        "offset": str(message.offset),
        "connector.name": failure.consumer,
        "exception.class.name": f"{type(error).__module__}.{type(error).__qualname__}",
        "exception.message": str(error),
        "exception.stacktrace": "".join(traceback.format_exception(error)),
    }
    return [
        *((name, value) for name, value in message.headers if name != _ATTEMPTS and not name.startswith(_PREFIX)),
        *((_PREFIX + name, text.encode(errors="replace")) for name, text in context.items()),
        (_ATTEMPTS, str(failure.attempts).encode()),
    ]


def _text(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
