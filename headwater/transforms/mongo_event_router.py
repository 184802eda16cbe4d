"""``MongoEventRouter``: a document of an outbox collection becomes the event that it holds, on the topic that it names.

It is `EventRouter` for MongoDB. A payload that is a document is sent as indented extended JSON, or as a struct with a
schema made for it; other fields are text, numbers and times by their type.

Source: ``io.debezium.connector.mongodb.transforms.outbox.MongoEventRouter`` (Debezium 3.6).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from headwater.config import Config, ConfigDef, Importance, Option, OptionType, Width
from headwater.record import Schema, Type
from headwater.shape import MessageShape, Node
from headwater.transform import Ask, Part, TransformError
from headwater.transforms import bson_document, event_router
from headwater.transforms.bson_document import Typed, type_of, value_of
from headwater.transforms.event_router import EventRouter
from headwater.transforms.extended_json import ExtendedJsonError, canonical_text, parse_document, unwrap
from headwater.tree import Member, call, members, struct_of, whole

_TABLE, _COLLECTION = "table.", "collection."
_OWN = ("expand.json.payload", "json.payload.null.behavior")
"""What of `EventRouter` the collection's options have another meaning for, or nothing like it."""


def _name(option: str) -> str:
    """The option that stands for one of `EventRouter`."""
    name = option.removeprefix(_TABLE)
    return option if name == option or name.startswith("op.") else _COLLECTION + name


def _shared() -> Iterator[Option]:
    """`EventRouter`'s options, of a collection's fields."""
    for option in event_router.OPTIONS.options.values():
        if option.name.removeprefix(_TABLE) not in _OWN:
            doc = option.doc.replace("column", "field").replace("a row", "a document").replace("table.", "collection.")
            default = "_id" if option.name == "table.field.event.id" else option.default
            group = "Collection" if option.group == "Table" else option.group
            yield replace(option, name=_name(option.name), doc=doc, default=default, group=group)


OPTIONS = ConfigDef(
    *_shared(),
    Option(
        "collection.expand.json.payload",
        OptionType.BOOLEAN,
        False,
        "Whether a payload that is a document becomes a struct, with a schema made for it; otherwise it is text.",
        Importance.MEDIUM,
        label="Expand Payload escaped string as real JSON",
        width=Width.MEDIUM,
        group="Collection",
    ),
    ignored=event_router.OPTIONS.ignored,
)


def create(options: Mapping[str, str], part: Part | None) -> MongoEventRouter:  # noqa: ARG001 - there is one form
    """The transform. Raises `headwater.config.ConfigError`."""
    expands = OPTIONS.parse(options)["collection.expand.json.payload"]
    names = {_name(name): name for name in event_router.OPTIONS.options if name.removeprefix(_TABLE) not in _OWN}
    given = {names[name]: value for name, value in options.items() if name in names}
    return MongoEventRouter(event_router.OPTIONS.parse({"table.field.event.id": "_id", **given}), expands=expands)


class MongoEventRouter:
    """`headwater.transform.Transform`."""

    def __init__(self, config: Config, *, expands: bool) -> None:
        self._payload: str = config["table.field.event.payload"]
        self._timestamp: str | None = config["table.field.event.timestamp"]
        self._headers: str | None = config["table.field.event.headers"]
        self._expands = expands
        self._router = EventRouter(config, self._unfold)

    @property
    def type_name(self) -> str | None:
        """As `EventRouter.type_name`."""
        return self._router.type_name

    def plan(self, message: MessageShape, ask: Ask) -> MessageShape | None:
        """As `Transform.plan`."""
        return self._router.plan(message, ask)

    def _unfold(self, after: Member, kept: Sequence[Node], ask: Ask) -> Member:
        """The document as a struct: `headwater.transforms.event_router.Unfold`."""
        if after.schema.type is not Type.STRING:
            raise TransformError("the field 'after' is no document as text: tables take EventRouter")
        document = call(self._read, whole(after.schema, after.node))
        kind: bson_document.Type = ask(call(type_of, document), [*kept, document])
        fields = members(bson_document.schema(kind, after.schema.name), call(value_of, document))
        return Member(after.name, *struct_of(after.schema, [self._field(field) for field in fields]))

    def _read(self, text: str) -> Typed:
        """What the event is made of: the other fields may be of any type. Raises `TransformError`."""
        try:
            document = parse_document(text)
            fields = {name: value for name, value in document.items() if name in self._router.fields}
            if not self._expands and _is_document(fields.get(self._payload)):
                fields[self._payload] = canonical_text(fields[self._payload])
            if self._headers is not None:
                headers = fields.get(self._headers)
                fields[self._headers] = json.dumps(headers) if isinstance(headers, dict) else headers
            return bson_document.read(fields)
        except ExtendedJsonError as error:
            raise TransformError(f"the document can't be routed: {error}") from None

    def _field(self, field: Member) -> Member:
        """The field; the event's time as Debezium has times."""
        if field.name == self._timestamp and field.schema.type is Type.INT64:
            return replace(field, schema=_MILLISECONDS)
        return field


_MILLISECONDS = Schema(Type.INT64, name="io.debezium.time.Timestamp", version=1)


def _is_document(value: Any) -> bool:
    return isinstance(value, dict) and unwrap(value) is None
