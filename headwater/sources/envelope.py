"""Debezium's envelope around a row, the same for every database; and the headers that go with it.

Source: Debezium 3.6 (``io.debezium.data.Envelope``, ``AbstractSourceInfoStructMaker``, ``extended.headers.enabled``).
"""

from __future__ import annotations

from dataclasses import dataclass

from headwater.record import Header, Schema, Type, struct
from headwater.shape import NULL, Const, HeaderShape, MessageShape, Node, Slot, Stage, Struct

STRING = Schema(Type.STRING)
OPTIONAL_STRING = Schema(Type.STRING, optional=True)
INT32 = Schema(Type.INT32)
INT64 = Schema(Type.INT64)
OPTIONAL_INT64 = Schema(Type.INT64, optional=True)

SNAPSHOT_MARKER = Schema(
    Type.STRING,
    optional=True,
    name="io.debezium.data.Enum",
    version=1,
    parameters=(("allowed", "true,first,first_in_data_collection,last_in_data_collection,last,false,incremental"),),
    default="false",
)
TRANSACTION = struct(
    "event.block",
    ("id", STRING),
    ("total_order", INT64),
    ("data_collection_order", INT64),
    optional=True,
    version=1,
)
HEADER_PREFIX = "__debezium.context."
NEW_KEY = "__debezium.newkey"
OLD_KEY = "__debezium.oldkey"

NOW_CODE = ("now = time_ns()",)
"""Statement that the slots of `NOW` need; ``time_ns`` is a constant of the reader's code."""
NOW = tuple(Slot(f"now // {divisor}" if divisor > 1 else "now", Stage.EVENT) for divisor in (1_000_000, 1_000, 1))


def source_schema(connector: str, *fields: tuple[str, Schema]) -> Schema:
    """The source block's schema: what all connectors have, then the connector's own fields."""
    return struct(
        f"io.debezium.connector.{connector}.Source",
        ("version", STRING),
        ("connector", STRING),
        ("name", STRING),
        ("ts_ms", INT64),
        ("snapshot", SNAPSHOT_MARKER),
        ("db", STRING),
        ("sequence", OPTIONAL_STRING),
        ("ts_us", OPTIONAL_INT64),
        ("ts_ns", OPTIONAL_INT64),
        *fields,
        version=1,
    )


def envelope_schema(topic: str, row: Schema, source: Schema) -> Schema:
    """The schema of a change event's value; ``row`` is the schema of ``before`` and ``after``."""
    row = row.as_optional()
    return struct(
        f"{topic}.Envelope",
        ("before", row),
        ("after", row),
        ("source", source),
        ("transaction", TRANSACTION),
        ("op", STRING),
        ("ts_ms", OPTIONAL_INT64),
        ("ts_us", OPTIONAL_INT64),
        ("ts_ns", OPTIONAL_INT64),
        version=2,
    )


def context_headers(prefix: str, connector: str, task: int, run: str) -> tuple[Header, ...]:
    """The headers of every change event: which connector, task and run wrote it (``extended.headers.enabled``)."""
    values = (("connectorLogicalName", prefix), ("taskId", str(task)), ("connectorName", connector), ("runId", run))
    return tuple(Header(HEADER_PREFIX + name, STRING, value) for name, value in values)


@dataclass(frozen=True, slots=True)
class Topic:
    """What a table's or collection's messages have in common."""

    name: str
    key_schema: Schema | None
    envelope: Schema
    headers: tuple[Header, ...]
    tombstones: bool

    def event(self, key: Node, value: Struct) -> MessageShape:
        """A change event; ``value`` is its envelope."""
        return self._message(key, self.envelope, value)

    def tombstone(self, key: Node) -> MessageShape:
        """The null value that lets a compacted topic forget the key."""
        return self._message(key, None, NULL)

    def deleted(self, delete: MessageShape) -> tuple[MessageShape, ...]:
        """A delete and, where it is asked for, its tombstone (without a key too, as Debezium does)."""
        return (delete, self.tombstone(delete.key)) if self.tombstones else (delete,)

    def _message(self, key: Node, schema: Schema | None, value: Node) -> MessageShape:
        headers = tuple(HeaderShape(header.name, STRING, Const(header.value)) for header in self.headers)
        return MessageShape(self.name, self.key_schema, key, schema, value, headers)


@dataclass(frozen=True, slots=True)
class RowTopic(Topic):
    """The topic of a table, whose rows may change their keys."""

    def change(self, operation: str, before: Node, after: Node, key: Node, source: Node) -> MessageShape:
        """A change event; ``operation`` is the envelope's ``op``."""
        return self.event(key, Struct((before, after, source, NULL, Const(operation), *NOW)))

    def rekeyed(
        self, before: Node, after: Node, old_key: Node, new_key: Node, source: Node
    ) -> tuple[MessageShape, ...]:
        """An update that changed the key: a delete under the old one, then a create under the new one."""
        assert self.key_schema is not None  # noqa: S101 - a table without a key has no key slots
        to_new = HeaderShape(NEW_KEY, self.key_schema, new_key)
        to_old = HeaderShape(OLD_KEY, self.key_schema, old_key)
        delete = self.deleted(self.change("d", before, NULL, old_key, source))
        gone = [self._with(message, to_new) for message in delete]
        return (*gone, self._with(self.change("c", NULL, after, new_key, source), to_old))

    @staticmethod
    def _with(message: MessageShape, header: HeaderShape) -> MessageShape:
        return MessageShape(
            message.topic,
            message.key_schema,
            message.key,
            message.value_schema,
            message.value,
            (header, *message.headers),
        )
