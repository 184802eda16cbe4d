"""A transform of your own: a function that takes a record and gives the record to send, or None to drop it.

Only this step works on records. What comes before and after it is planned, once for each topic and schemas that the
function's records have.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, NamedTuple

from headwater.record import Header, Record, Schema
from headwater.shape import HeaderShape, MessageShape
from headwater.transform import Ask, TransformError
from headwater.tree import Scalar, call, whole

Function = Callable[[Record], Record | None]


class RecordFunction:
    """`headwater.transform.Transform` of a function, which must give the same for the same record."""

    def __init__(self, function: Function) -> None:
        self._function = function

    def plan(self, message: MessageShape, ask: Ask) -> MessageShape | None:
        """As `Transform.plan`."""
        run = _Run(
            self._function,
            message.topic,
            message.key_schema,
            message.value_schema,
            tuple((header.name, header.schema) for header in message.headers),
        )
        record = call(
            run,
            whole(message.key_schema, message.key),
            whole(message.value_schema, message.value),
            whole(None, message.partition),
            whole(None, message.timestamp),
            *(whole(header.schema, header.node) for header in message.headers),
        )
        kind: _Kind | None = ask(call(_kind, record), [record])
        return None if kind is None else _shape(kind, record)


@dataclass(frozen=True, slots=True)
class _Run:
    """Puts a record together and runs the function on it."""

    function: Function
    topic: str
    key_schema: Schema | None
    value_schema: Schema | None
    headers: tuple[tuple[str, Schema | None], ...]

    def __call__(self, key: Any, value: Any, partition: int | None, timestamp: int | None, *headers: Any) -> Any:
        found = self.function(
            Record(
                self.topic,
                self.key_schema,
                key,
                self.value_schema,
                value,
                tuple(Header(*known, content) for known, content in zip(self.headers, headers, strict=True)),
                partition,
                timestamp,
            )
        )
        if found is not None and not isinstance(found, Record):
            raise TransformError(f"it gave {type(found).__name__}, where a Record or None is wanted")
        return found


class _Kind(NamedTuple):
    """All of a record but its values."""

    topic: str
    key_schema: Schema | None
    value_schema: Schema | None
    headers: tuple[tuple[str, Schema | None], ...]


def _kind(record: Record | None) -> _Kind | None:
    if record is None:
        return None
    headers = tuple((header.name, header.schema) for header in record.headers)
    return _Kind(record.topic, record.key_schema, record.value_schema, headers)


def _shape(kind: _Kind, record: Scalar) -> MessageShape:
    def part(name: str) -> Scalar:
        return call(attrgetter(name), record)

    headers = [
        HeaderShape(name, schema, call(_HeaderValue(number), record))
        for number, (name, schema) in enumerate(kind.headers)
    ]
    return MessageShape(
        kind.topic,
        kind.key_schema,
        part("key"),
        kind.value_schema,
        part("value"),
        tuple(headers),
        part("partition"),
        part("timestamp"),
    )


@dataclass(frozen=True, slots=True)
class _HeaderValue:
    number: int

    def __call__(self, record: Record) -> Any:
        headers: Sequence[Header] = record.headers
        return headers[self.number].value
