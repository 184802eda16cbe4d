"""What becomes of a message that can't be made: it stops the task, or is dropped, or goes to the dead letter topic.

Kafka Connect has a dead letter queue for sinks only. Ours takes what a source read: the message as far as it can be
told, as JSON.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import structlog

from headwater.converter import Converter
from headwater.record import Schema
from headwater.row_by_row import RejectedError
from headwater.sink import ANY_PARTITION, NOW, Message

log = structlog.get_logger(__name__)

TELL_SECONDS = 10.0
"""How often the log tells of rejected messages where ``errors.log.enable`` doesn't have it tell of each."""


class TaskError(Exception):
    """A log event can't become messages: says which, where it stands in the log, and why."""


class Unreadable(StrEnum):
    """What becomes of a column's value that can't be read: ``event.converting.failure.handling.mode``."""

    FAIL = "fail"
    """the row can't be converted"""
    WARN = "warn"
    """null takes its place, with a warning in the log"""
    SKIP = "skip"
    """null takes its place"""


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """The dead letter topic of one task; ``converter`` writes keys and values there."""

    topic: str
    converter: Converter
    connector: str
    task: int
    context_headers: bool = False

    def message(self, rejected: RejectedError, place: str) -> Message:
        """What takes the place of a message that can't be made."""
        record = rejected.record
        key = self._json(record.key_schema, record.key)
        value = self._json(record.value_schema, record.value)
        headers = self._headers(rejected, place) if self.context_headers else None
        if headers is None and value is None:  # else nothing would say which message it is
            headers = [("headwater.errors.place", _utf8(place))]
        return (0, self.topic, key, value, headers, ANY_PARTITION, NOW)

    def _json(self, schema: Schema | None, value: object) -> bytes | None:
        """The value in JSON; None where it is not even fit for that."""
        try:
            return self.converter.convert(self.topic, schema and all_optional(schema), value)
        except Exception:
            return None

    def _headers(self, rejected: RejectedError, place: str) -> list[tuple[str, bytes | None]]:
        """``org.apache.kafka.connect.runtime.errors.DeadLetterQueueReporter``'s, and two of ours."""
        error = _cause(rejected)
        context = {
            "topic": rejected.record.topic,
            "connector.name": self.connector,
            "task.id": str(self.task),
            "stage": rejected.stage,
            "class.name": _class_name(rejected.component),
            "exception.class.name": _class_name(error),
            "exception.message": str(error),
            "exception.stacktrace": "".join(traceback.format_exception(error)),
        }
        ours = {"place": place, "unreadable": ",".join(rejected.unreadable)}
        return [
            *((f"__connect.errors.{name}", _utf8(text)) for name, text in context.items()),
            *((f"headwater.errors.{name}", _utf8(text)) for name, text in ours.items()),
        ]


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How much may go wrong.

    ``unreadable``    see `Unreadable`
    ``messages``      whether a message that can't be made is let go, into ``dead_letters`` if there are any
    ``log_each``      whether the log tells of each of them, with what is in it where ``log_contents`` says so
    """

    unreadable: Unreadable = Unreadable.FAIL
    messages: bool = False
    dead_letters: DeadLetters | None = None
    log_each: bool = False
    log_contents: bool = False

    @property
    def is_none(self) -> bool:
        """Whether every error stops the task."""
        return self.unreadable is Unreadable.FAIL and not self.messages


class Rejections:
    """What was let go in one session; ``on_error`` is told of every error.

    ``nulled``        values that null took the place of
    ``dropped``       messages that went nowhere
    ``dead_letters``  messages that went to the dead letter topic
    """

    def __init__(self, tolerance: Tolerance, on_error: Callable[[BaseException], None]) -> None:
        self.nulled = 0
        self.dropped = 0
        self.dead_letters = 0
        self._tolerance = tolerance
        self._on_error = on_error
        self._untold = 0
        self._told = float("-inf")

    def null(self, unreadable: Mapping[str, Exception], place: str) -> None:
        """Null takes the place of values."""
        level = log.warning if self._tolerance.unreadable is Unreadable.WARN else log.debug
        for name, error in unreadable.items():
            self.nulled += 1
            self._on_error(error)
            level("a value can't be read and is null in its event", place=place, value=name, error=_text(error))

    def reject(self, rejected: RejectedError, place: str) -> list[Message]:
        """What takes the place of a message, at most one. Raises `TaskError` where nothing may."""
        error = _cause(rejected)
        if not self._tolerance.messages:
            raise TaskError(f"{place}: {_text(error)}") from error
        self._on_error(error)
        letters = self._tolerance.dead_letters
        if letters is None:
            self.dropped += 1
        else:
            self.dead_letters += 1
        self._tell(rejected, error, place)
        return [] if letters is None else [letters.message(rejected, place)]

    def _tell(self, rejected: RejectedError, error: BaseException, place: str) -> None:
        if self._tolerance.log_each:
            record = rejected.record
            contents = {"key": record.key, "value": record.value} if self._tolerance.log_contents else {}
            log.error(
                "a message can't be made",
                instead=self._fate,
                place=place,
                topic=record.topic,
                stage=rejected.stage,
                unreadable=rejected.unreadable,
                error=_text(error),
                **contents,
            )
            return
        self._untold += 1
        if time.monotonic() - self._told >= TELL_SECONDS:
            self._tell_together(place=place, error=_text(error))

    def end(self) -> None:
        """Tell of those that were not told of."""
        if self._untold:
            self._tell_together()

    def _tell_together(self, **last: str) -> None:
        log.warning("messages can't be made", instead=self._fate, messages=self._untold, **last)
        self._untold, self._told = 0, time.monotonic()

    @property
    def _fate(self) -> str:
        letters = self._tolerance.dead_letters
        return "dropped" if letters is None else f"sent to {letters.topic}"


def all_optional(schema: Schema) -> Schema:
    """The same schema without anything that a null or a missing value would break."""
    return replace(
        schema,
        optional=True,
        default=None,
        fields=tuple(replace(field, schema=all_optional(field.schema)) for field in schema.fields),
    )


def _cause(rejected: RejectedError) -> BaseException:
    return rejected.__cause__ or rejected


def _text(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _class_name(thing: object) -> str:
    return f"{type(thing).__module__}.{type(thing).__qualname__}"


def _utf8(text: str) -> bytes:
    return text.encode(errors="replace")
