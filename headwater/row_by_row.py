"""The way on after a log event's planned function has failed: one row at a time, and of that one value at a time.

It finds out what is wrong with a row, and makes what can be made of the rest. It is slow, and run for nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Any

from headwater.chain import Chain, StepError
from headwater.converter import RetriableConversionError
from headwater.plan import Converters, plan_slots, used_slots
from headwater.record import Header, Record, Schema
from headwater.shape import EventShape, MessageShape, Node, Slot, Struct
from headwater.sink import ANY_PARTITION, NOW, Message
from headwater.tree import evaluate


class FailedStage(StrEnum):
    """Where it failed, in the words of ``org.apache.kafka.connect.runtime.errors.Stage``."""

    TASK_POLL = "TASK_POLL"
    """when the source read the value"""
    TRANSFORMATION = "TRANSFORMATION"
    KEY_CONVERTER = "KEY_CONVERTER"
    VALUE_CONVERTER = "VALUE_CONVERTER"
    HEADER_CONVERTER = "HEADER_CONVERTER"


class RejectedError(Exception):
    """A message that can't be made; its cause is the error that was met first.

    ``component``   what failed: a transform, a converter, or what reads the source's rows
    ``record``      the message as far as it can be told, null in place of every value that can't be read
    ``unreadable``  which values those are: ``after.name``
    """

    def __init__(self, stage: FailedStage, component: object, record: Record, unreadable: Sequence[str]) -> None:
        super().__init__(stage)
        self.stage = stage
        self.component = component
        self.record = record
        self.unreadable = tuple(unreadable)


def transform_record(record: Record, chain: Chain) -> Record | None:
    """The record behind all transforms; None where one dropped it. Raises `RejectedError`."""
    try:
        return chain.record(record)
    except StepError as error:
        raise RejectedError(FailedStage.TRANSFORMATION, error.transform, record, ()) from error


def convert_record(record: Record, converters: Converters, row: int = 0) -> Message:
    """The message of a record. Raises `RejectedError` or `headwater.converter.RetriableConversionError`."""
    topic = record.topic

    def convert(stage: FailedStage, part: str, schema: Schema | None, value: Any) -> bytes | None:
        converter = getattr(converters, part)
        try:
            converted: bytes | None = converter.convert(topic, schema, value)
        except RetriableConversionError:
            raise
        except Exception as error:
            raise RejectedError(stage, converter, record, ()) from error
        return converted

    headers = [
        (header.name, convert(FailedStage.HEADER_CONVERTER, "header", header.schema, header.value))
        for header in record.headers
    ]
    key = convert(FailedStage.KEY_CONVERTER, "key", record.key_schema, record.key)
    value = convert(FailedStage.VALUE_CONVERTER, "value", record.value_schema, record.value)
    partition = ANY_PARTITION if record.partition is None else record.partition
    timestamp = NOW if record.timestamp is None else record.timestamp
    return (row, topic, key, value, headers or None, partition, timestamp)


class RowReader:
    """Reads rows value by value; keeps the functions that do so."""

    def __init__(self) -> None:
        self._functions: dict[tuple[EventShape, tuple[str, ...]], Callable[..., tuple[Any, ...]]] = {}

    def read(self, shape: EventShape, arguments: Sequence[Any], number: int) -> SlowRow:
        """The row that ``arguments`` are of, which is number ``number`` in its log event."""
        values: dict[str, Any] = {}
        errors: dict[str, Exception] = {}
        keys = {name for pair in shape.key_slots for name in pair}
        for slots in _of_one_variable(used_slots(_nodes(shape)) | keys):
            try:
                values |= zip(slots, self._function(shape, slots)(*arguments, row=number), strict=True)
            except Exception as error:
                values |= dict.fromkeys(slots)
                errors |= dict.fromkeys(slots, error)
        return SlowRow(shape, number, values, errors)

    def _function(self, shape: EventShape, slots: tuple[str, ...]) -> Callable[..., tuple[Any, ...]]:
        known = self._functions.get((shape, slots))
        if known is None:
            known = self._functions[shape, slots] = plan_slots(shape, slots)
        return known


def _of_one_variable(slots: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """Slots are read one by one, but for expressions over one variable: the clock must be read once for all of them."""
    return (tuple(group) for _, group in groupby(sorted(slots), key=lambda slot: slot.partition(" ")[0]))


@dataclass(frozen=True, slots=True)
class SlowRow:
    """A row, value by value. ``errors`` says why a slot can't be read; its value is None then."""

    shape: EventShape
    number: int
    values: Mapping[str, Any]
    errors: Mapping[str, Exception]

    def messages(self, chain: Chain, converters: Converters) -> list[Message]:
        """What the row becomes with null for what can't be read, where its schema allows that.

        Raises `RejectedError` for the first message that can't be made.
        """
        transformed = (transform_record(record, chain) for record in self.records())
        return [convert_record(record, converters, self.number) for record in transformed if record is not None]

    def records(self) -> list[Record]:
        """What the row is before any transform, with null for what can't be read."""
        return [self._record(message) for message in self._messages()]

    def rejected(self) -> list[RejectedError]:
        """What the row would become, as messages that can't be made; tombstones are not among them."""
        names = list(self.unreadable())
        rejected = []
        for message in self._messages():
            if message.value_schema is not None:
                error = RejectedError(FailedStage.TASK_POLL, self.shape.reader, self._record(message), names)
                error.__cause__ = next(iter(self.errors.values()))
                rejected.append(error)
        return rejected

    def unreadable(self) -> dict[str, Exception]:
        """Why, by the name of the value: ``after.name``; ``key.id`` for what only the key has."""
        found: dict[str, Exception] = {}
        for message in self._messages():
            found |= self._walk(message.value, message.value_schema, "")
        for message in self._messages():
            key = self._walk(message.key, message.key_schema, "key")
            found |= {name: error for name, error in key if error not in found.values()}
        return found

    def _messages(self) -> tuple[MessageShape, ...]:
        changed = any(self.values[before] != self.values[after] for before, after in self.shape.key_slots)
        return self.shape.rekeyed if changed and self.shape.rekeyed else self.shape.messages

    def _record(self, message: MessageShape) -> Record:
        return Record(
            message.topic,
            message.key_schema,
            evaluate(message.key_schema, message.key, self.values),
            message.value_schema,
            evaluate(message.value_schema, message.value, self.values),
            tuple(Header(h.name, h.schema, evaluate(h.schema, h.node, self.values)) for h in message.headers),
        )

    def _walk(self, node: Node, schema: Schema | None, path: str) -> Iterator[tuple[str, Exception]]:
        match node:
            case Slot(name) if name in self.errors:
                yield path, self.errors[name]
            case Struct(children) if schema is not None:
                for field, child in zip(schema.fields, children, strict=True):
                    yield from self._walk(child, field.schema, f"{path}.{field.name}" if path else field.name)
            case _:
                pass


def _nodes(shape: EventShape) -> Iterator[Node]:
    """The trees of all messages that a row of this shape may become."""
    return (node for message in (*shape.messages, *shape.rekeyed) for node in message.nodes)
