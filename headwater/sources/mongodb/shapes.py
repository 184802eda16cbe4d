"""From a collection's name to the shapes of its messages: Debezium's envelope around documents as text.

Nothing of a document is known before it is read, so all collections have the same schemas but for their names.

Source: ``MongoDbSchemaFactory``, ``MongoDbSchema`` and ``MongoDbCollectionSchema`` of Debezium 3.6.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from time import time_ns
from typing import Any

from headwater import __version__
from headwater.record import Field, Header, Schema, Type, struct
from headwater.shape import NULL, Const, EventShape, MessageShape, Node, ReaderCode, Slot, Stage, Struct
from headwater.sources.envelope import (
    INT32,
    NOW,
    NOW_CODE,
    OPTIONAL_INT64,
    OPTIONAL_STRING,
    STRING,
    TRANSACTION,
    Topic,
)
from headwater.sources.mongodb.documents import Documents
from headwater.sources.mongodb.source_info import SOURCE
from headwater.sources.naming import topic_name

JSON = Schema(Type.STRING, optional=True, name="io.debezium.data.Json", version=1)
TRUNCATED_ARRAY = struct(
    "io.debezium.connector.mongodb.changestream.truncatedarray", ("field", STRING), ("size", INT32), version=1
)
UPDATE_DESCRIPTION = struct(
    "io.debezium.connector.mongodb.changestream.updatedescription",
    ("removedFields", Schema(Type.ARRAY, optional=True, value_schema=STRING)),
    ("updatedFields", JSON),
    ("truncatedArrays", Schema(Type.ARRAY, optional=True, value_schema=TRUNCATED_ARRAY)),
    optional=True,
    version=1,
)

_CHANGE_SLOTS = {
    "before": "document(data, event.before_start, event.before_end) if event.before_start else None",
    "after": "document(data, event.document_start, event.document_end) if event.document_start else None",
    "id": "key_value(data, event.id_kind, event.id_start, event.id_end)",
    "updated": "changed(data, event.updated_start, event.updated_end) if event.updated_start else None",
    "removed": "removed_fields(data, event.removed_start, event.removed_end)",
    "truncated": "truncated_arrays(data, event.truncated_start, event.truncated_end)",
    "wall_time": "event.wall_time or None",
    "millis": "event.millis",
    "order": "event.cluster_increment",
    "session": "session_document(data, event.session_start, event.session_end)",
    "transaction_number": "event.transaction_number",
}


@dataclass(frozen=True, slots=True)
class _Layout:
    """What the source passes with each log event, the head of the loop over it, and what each slot is there."""

    parameters: tuple[str, ...]
    loop: str
    slots: Mapping[str, str]


_CHANGES = _Layout(("data", "events"), "for event in events:", _CHANGE_SLOTS)
"""A run of change events: a reply's bytes, and its `ChangeEvent`s."""
_COUNTED_CHANGES = _Layout(
    (*_CHANGES.parameters, "transaction", "before_in_all", "before_in_collection"), _CHANGES.loop, _CHANGE_SLOTS
)
"""The same in one transaction, with its id and how many events of it came before, in all and of the collection."""
_DOCUMENTS = _Layout(
    ("data", "documents", "marker"),
    "for start, end in documents:",
    {"after": "document(data, start, end)", "id": "document_id(data, start, end)"},
)
"""Documents of the snapshot: the bytes, where each stands in them, and ``snapshot``."""
_TRANSACTION = Struct(
    (
        Slot("transaction", Stage.EVENT),
        Slot("before_in_all + row + 1", Stage.ROW),
        Slot("before_in_collection + row + 1", Stage.ROW),
    )
)


@dataclass(frozen=True, slots=True)
class ShapeOptions:
    """What of a connector's configuration decides its messages' shape."""

    prefix: str
    tombstones: bool
    headers: tuple[Header, ...]
    pre_images: bool
    transactions: bool
    """Whether the events of a transaction tell their place in it."""
    documents: Documents


class DocumentsReader:
    """`headwater.shape.Reader` of documents, as a log event of the given layout brings them."""

    def __init__(self, collection: str, documents: Documents, layout: _Layout) -> None:
        self._layout = layout
        self._functions = documents.functions(collection)

    def code(self, used: frozenset[str]) -> ReaderCode:
        """`headwater.shape.Reader.code`."""
        names = {name.partition(" ")[0] for name in used}  # of a slot that is an expression, the one it begins with
        return ReaderCode(
            self._layout.parameters,
            NOW_CODE,
            self._layout.loop,
            [f"{slot} = {value}" for slot, value in self._layout.slots.items() if slot in names],
            {"time_ns": time_ns, **self._functions},
        )

    def split(self, arguments: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
        """`headwater.shape.Reader.split`."""
        data, documents, *rest = arguments
        for document in documents:
            yield (data, [document], *rest)


class CollectionShapes:
    """The shapes of one collection's events."""

    def __init__(self, database: str, name: str, options: ShapeOptions) -> None:
        self.database, self.name = database, name
        self._options = options
        self.id = f"{database}.{name}"
        topic = topic_name(options.prefix, database, name)
        self._topic = Topic(
            name=topic,
            key_schema=struct(f"{topic}.Key", ("id", STRING)),
            envelope=_envelope(topic),
            headers=options.headers,
            tombstones=options.tombstones,
        )
        self.read = self._read()
        self._changes = {
            (operation, in_transaction): self._change(operation, in_transaction=in_transaction)
            for operation in ("insert", "update", "replace", "delete")
            for in_transaction in (False, True)
        }

    def change(self, operation: str, *, in_transaction: bool) -> EventShape | None:
        """The shape of a change; None for what is no change of a document."""
        return self._changes.get((operation, in_transaction))

    def all(self) -> Sequence[EventShape]:
        """Every shape that there is without a transaction, for people."""
        return [self.read, *(shape for (_, in_transaction), shape in self._changes.items() if not in_transaction)]

    def _change(self, operation: str, *, in_transaction: bool) -> EventShape:
        before: Node = Slot("before", Stage.ROW) if self._options.pre_images else NULL
        after = Slot("after", Stage.ROW)
        source = self._log_source(in_transaction=in_transaction)
        is_counted = in_transaction and self._options.transactions
        transaction = _TRANSACTION if is_counted else NULL
        match operation:
            case "insert":
                code, message = "c", self._message("c", NULL, after, NULL, source, transaction)
            case "update":
                description = Struct(tuple(Slot(name, Stage.ROW) for name in ("removed", "updated", "truncated")))
                code, message = "u", self._message("u", before, after, description, source, transaction)
            case "replace":
                code, message = "u", self._message("u", before, after, NULL, source, transaction)
            case _:
                code, message = "d", self._message("d", before, NULL, NULL, source, transaction)
        messages = self._topic.deleted(message) if code == "d" else (message,)
        return EventShape(self.id, code, self._reader(_COUNTED_CHANGES if is_counted else _CHANGES), messages)

    def _read(self) -> EventShape:
        message = self._message("r", NULL, Slot("after", Stage.ROW), NULL, self._snapshot_source())
        return EventShape(self.id, "r", self._reader(_DOCUMENTS), (message,))

    def _reader(self, layout: _Layout) -> DocumentsReader:
        return DocumentsReader(self.id, self._options.documents, layout)

    def _message(
        self,
        operation: str,
        before: Node,
        after: Node,
        description: Node,
        source: Node,
        transaction: Node = NULL,
    ) -> MessageShape:
        key = Struct((Slot("id", Stage.ROW),))
        millis_now, _, _ = NOW
        value = Struct((before, after, description, source, Const(operation), millis_now, transaction))
        return self._topic.event(key, value)

    def _source(self, times: tuple[Node, Node, Node], marker: Node, *place: Node) -> Struct:
        millis, micros, nanos = times
        return Struct(
            (
                *(Const(__version__), Const("mongodb"), Const(self._options.prefix)),
                *(millis, marker, Const(self.database), NULL, micros, nanos),
                *(Const(self.name), *place),
            )
        )

    def _log_source(self, *, in_transaction: bool) -> Struct:
        millis, micros, nanos = (Slot(name, Stage.ROW) for name in ("millis", "millis * 1000", "millis * 1000000"))
        session: Node = Slot("session", Stage.ROW) if in_transaction else NULL
        number: Node = Slot("transaction_number", Stage.ROW) if in_transaction else NULL
        place = (Slot("order", Stage.ROW), session, number, Slot("wall_time", Stage.ROW))
        return self._source((millis, micros, nanos), NULL, *place)  # the marker's default in the schema says "false"

    def _snapshot_source(self) -> Struct:
        millis, micros, nanos = NOW
        return self._source((millis, micros, nanos), Slot("marker", Stage.EVENT), Const(-1), NULL, NULL, NULL)


def _envelope(topic: str) -> Schema:
    return Schema(
        Type.STRUCT,
        name=f"{topic}.Envelope",
        fields=tuple(
            Field(name, schema)
            for name, schema in (
                ("before", JSON),
                ("after", JSON),
                ("updateDescription", UPDATE_DESCRIPTION),
                ("source", SOURCE),
                ("op", OPTIONAL_STRING),
                ("ts_ms", OPTIONAL_INT64),
                ("transaction", TRANSACTION),
            )
        ),
    )
