"""Which messages a table's rows become behind the transforms: their topics, and what keys and values are.

It is found out on rows that the table has now, as if each had been created, updated, deleted and read by a snapshot.
Without rows it is planned, which is enough where no transform asks for a value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import click
import orjson

from headwater.chain import Chain, StepError
from headwater.cli.connector_file import Built
from headwater.cli.sampled import OPERATIONS, as_operation, sampled_records
from headwater.cli.schema.value_type import ValueType, merged, of_document, of_schema
from headwater.record import Record, Schema, Type
from headwater.shape import NULL, Choice, Const, EventShape, MessageShape, Struct
from headwater.transforms.envelope import is_envelope
from headwater.transforms.event_router import EventRouter
from headwater.transforms.mongo_event_router import MongoEventRouter

JSON = "io.debezium.data.Json"
"""The name of texts that are JSON."""
Router = EventRouter | MongoEventRouter


@dataclass(slots=True)
class Part:
    """Keys or values: the schemas that they were seen with, each once, and the values where rows were read."""

    schemas: list[Schema] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    def add(self, schema: Schema | None, values: Sequence[Any]) -> None:
        """Note what one message has."""
        if schema is not None and schema not in self.schemas:
            self.schemas.append(schema)
        self.values += values

    @property
    def type(self) -> ValueType:
        """That of all of them."""
        return merged(map(of_schema, self.schemas))

    def documents(self, type_: Type, read: Callable[[Any], Any] = orjson.loads) -> ValueType | None:
        """The type of what is in them where all are texts, or bytes, that hold JSON; None otherwise."""
        if any(schema.type is not type_ or schema.name not in (None, JSON) for schema in self.schemas):
            return None
        return of_texts(self.values, read)


def of_texts(texts: Sequence[Any], read: Callable[[Any], Any] = orjson.loads) -> ValueType | None:
    """The type of what texts hold; None where there are none, or one is no JSON."""
    try:
        return merged(of_document(read(text)) for text in texts) if texts else None
    except ValueError:
        return None


@dataclass(slots=True)
class MessageType:
    """The messages of a topic; of an outbox's, those of one type.

    ``router``      the transform that made them of an outbox's rows, where one did
    ``event_type``  what it says of the event's type
    ``headers``     names of headers
    ``tombstones``  whether values are null, too
    """

    topic: str
    router: Router | None = None
    event_type: str | None = None
    key: Part = field(default_factory=Part)
    value: Part = field(default_factory=Part)
    headers: list[str] = field(default_factory=list)
    tombstones: bool = False

    @property
    def is_change(self) -> bool:
        """Whether values are Debezium's envelopes."""
        return any(map(is_envelope, self.value.schemas))


@dataclass(slots=True)
class Messages:
    """What a table's rows become.

    ``table``  its whole name
    ``rows``   how many rows it was found out on
    ``error``  of a transform, for some of the messages
    """

    table: str
    types: list[MessageType] = field(default_factory=list)
    rows: int = 0
    error: StepError | None = None

    def of(self, topic: str, router: Router | None, event_type: str | None) -> MessageType:
        """The type of such messages: the one that is known, or a new one."""
        for each in self.types:
            if (each.topic, each.event_type) == (topic, event_type):
                return each
        self.types.append(MessageType(topic, router, event_type))
        return self.types[-1]


def find_messages(parts: Built, table: str, rows: int) -> Messages:
    """What at most ``rows`` of a table's rows become. Raises `click.ClickException`, `SourceError`."""
    sampled = parts.source.sample(table, rows)
    found = Messages(sampled.shape.table)
    for row in sampled_records(sampled):
        found.rows += 1
        for operation in OPERATIONS.values():
            for record in as_operation(row, operation, tombstones=parts.tombstones):
                _add_record(found, record, parts.chain)
    if not found.rows:
        _plan(found, sampled.shape, parts)
    if not found.types:
        raise click.ClickException(
            str(found.error) if found.error else f"the transforms drop every message of {found.table}"
        )
    return found


def _add_record(found: Messages, record: Record, chain: Chain) -> None:
    router = None
    is_change, transformed = is_envelope(record.value_schema), record
    try:
        for step, behind in chain.trace(record):
            if behind is None:
                return
            transformed = behind
            if isinstance(step.transform, Router) and is_change:
                router = step.transform
            is_change = is_envelope(transformed.value_schema)
    except StepError as error:
        found.error = found.error or error
        return
    message = found.of(transformed.topic, router, _event_type(transformed, router))
    message.headers += (each.name for each in transformed.headers if each.name not in message.headers)
    if transformed.key is not None:
        message.key.add(transformed.key_schema, [transformed.key])
    if transformed.value is None:
        message.tombstones = True
    else:
        message.value.add(transformed.value_schema, [transformed.value])


def _event_type(record: Record, router: Router | None) -> str | None:
    """What `OutboxEvents` takes for the type."""
    if router is None or router.type_name is None:
        return None
    found = next((each.value for each in record.headers if each.name == router.type_name), None)
    if found is None and isinstance(record.value, dict):
        found = record.value.get(router.type_name)
    return found if isinstance(found, str) else None


def _plan(found: Messages, shape: EventShape, parts: Built) -> None:
    """The same without rows. Raises `click.ClickException` where rows are needed."""
    for message in shape.messages:
        for operation in OPERATIONS.values():
            for planned in _with_operation(message, operation, tombstones=parts.tombstones):
                try:
                    outcome = parts.chain.plan(planned)
                except StepError as error:
                    found.error = found.error or error
                    continue
                if isinstance(outcome, Choice):
                    raise click.ClickException(
                        f"{found.table} has no rows now, and what its messages are depends on their values: it takes "
                        "one row at least"
                    )
                if outcome is not None:
                    _add_shape(found, outcome)


def _with_operation(message: MessageShape, operation: str, *, tombstones: bool) -> Iterator[MessageShape]:
    """As `as_operation`, of a message whose values are not known."""
    assert message.value_schema is not None  # noqa: S101 - it is a change
    assert isinstance(message.value, Struct)  # noqa: S101 - it is a change
    nodes = dict(zip((each.name for each in message.value_schema.fields), message.value.nodes, strict=True))
    row = nodes["after"]
    nodes |= {
        "op": Const(operation),
        "before": row if operation in "ud" else NULL,
        "after": NULL if operation == "d" else row,
    }
    yield replace(message, value=Struct(tuple(nodes.values())))
    if operation == "d" and tombstones:
        yield replace(message, value_schema=None, value=NULL)


def _add_shape(found: Messages, message: MessageShape) -> None:
    known = found.of(message.topic, None, None)
    known.headers += (each.name for each in message.headers if each.name not in known.headers)
    known.key.add(message.key_schema, ())
    if message.value == NULL:
        known.tombstones = True
    else:
        known.value.add(message.value_schema, ())
