"""``ExtractNewRecordState``: the row after the change takes the place of Debezium's envelope.

Source: ``io.debezium.transforms.ExtractNewRecordState``, ``AbstractExtractNewRecordState`` and
``extractnewstate.DefaultDeleteHandlingStrategy`` (Debezium 3.6).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from headwater.config import Config, ConfigDef, Importance, Option, OptionType, Width, one_of
from headwater.record import Schema, Type
from headwater.shape import NULL, Const, HeaderShape, MessageShape, Node
from headwater.transform import Ask, Part, TransformError
from headwater.transforms.envelope import is_envelope
from headwater.transforms.operand import operand, with_operand
from headwater.tree import Member, call, is_absent, member, members, or_default, struct_of, whole

DELETED = "__deleted"
_OPTIONAL_STRING = Schema(Type.STRING, optional=True)


class Deletes(StrEnum):
    """``delete.tombstone.handling.mode``: what becomes of a delete and of the tombstone behind it."""

    DROP = "drop"
    TOMBSTONE = "tombstone"
    REWRITE = "rewrite"
    REWRITE_WITH_TOMBSTONE = "rewrite-with-tombstone"
    DELETE_TO_TOMBSTONE = "delete-to-tombstone"


def _text(name: str, kind: OptionType, default: Any, label: str, doc: str) -> Option:
    return Option(name, kind, default, doc, Importance.LOW, label=label, width=Width.LONG)


def _flag(name: str, label: str, doc: str, *, default: bool) -> Option:
    return Option(name, OptionType.BOOLEAN, default, doc, Importance.LOW, label=label, width=Width.SHORT)


REMOVED = dict.fromkeys(
    ("delete.handling.mode", "drop.tombstones"),
    "Debezium has it no longer; delete.tombstone.handling.mode says what becomes of deletes",
)

OPTIONS = ConfigDef(
    Option(
        "delete.tombstone.handling.mode",
        OptionType.STRING,
        Deletes.TOMBSTONE.value,
        "What becomes of a delete, and of the tombstone behind it: both are dropped (drop); the delete becomes a null"
        " with the row's schema, the tombstone is dropped (tombstone), or one without a schema (delete-to-tombstone);"
        f" the delete becomes the row before it with a field {DELETED}, the tombstone is dropped (rewrite) or stays"
        " (rewrite-with-tombstone).",
        Importance.MEDIUM,
        one_of(*Deletes),
        label="Handle delete and tombstone records",
        width=Width.MEDIUM,
    ),
    _text(
        "route.by.field",
        OptionType.STRING,
        "",
        "Route by field name",
        "The column whose value becomes the topic.",
    ),
    _text(
        "add.fields.prefix",
        OptionType.STRING,
        "__",
        "Field prefix to be added to each field.",
        "What the names of added fields begin with.",
    ),
    _text(
        "add.fields",
        OptionType.LIST,
        [],
        "Adds the specified field(s) to the message if they exist.",
        "What of the envelope becomes fields: op, ts_ms, table or source.table, each with :name for another name.",
    ),
    _text(
        "add.headers.prefix",
        OptionType.STRING,
        "__",
        "Header prefix to be added to each header.",
        "What the names of added headers begin with.",
    ),
    _text(
        "add.headers",
        OptionType.LIST,
        [],
        "Adds the specified fields to the header if they exist.",
        "What of the envelope becomes headers, named as for add.fields.",
    ),
    _flag(
        "replace.null.with.default",
        "replace null field value with default",
        f"Whether fields that are null and have a default get it where {DELETED} is added.",
        default=True,
    ),
    _text(
        "drop.fields.header.name",
        OptionType.STRING,
        None,
        "Specifies a header that contains a list of field names to be removed",
        "The header that lists fields to leave out of the value.",
    ),
    _flag(
        "drop.fields.from.key",
        "Specifies whether the fields to be dropped should also be omitted from the key",
        "Whether they are left out of the key too.",
        default=False,
    ),
    _flag(
        "drop.fields.keep.schema.compatible",
        "Specifies if fields are dropped, will the event's schemas be compatible",
        "Whether only optional fields are left out.",
        default=True,
    ),
    ignored=REMOVED,
)


def create(options: Mapping[str, str], part: Part | None) -> ExtractNewRecordState:  # noqa: ARG001 - there is one form
    """The transform. Raises `headwater.config.ConfigError`."""
    return ExtractNewRecordState(OPTIONS.parse(options))


_IN_TRANSACTION = ("id", "data_collection_order", "total_order")
_IN_ENVELOPE = ("op", "ts_ms", "ts_us", "ts_ns")


@dataclass(frozen=True, slots=True)
class Reference:
    """A field of the envelope, of ``parent`` within it where that is not None, and the name it gets."""

    parent: str | None
    name: str
    new_name: str

    @classmethod
    def parse(cls, text: str, prefix: str) -> Reference:
        """``op``, ``source.table`` or ``source.table:name``."""
        path, _, alias = text.strip().partition(":")
        parent, dot, name = path.partition(".")
        if not dot:
            name = parent
            parent_of = "transaction" if name in _IN_TRANSACTION else None if name in _IN_ENVELOPE else "source"
            if name == "updateDescription":
                parent_of = name
            return cls(parent_of, name, prefix + (alias or name))
        return cls(parent, name, prefix + (alias or f"{parent}_{name}"))

    def find(self, schema: Schema, node: Node) -> Member | None:
        """The field, optional and without a default; None where there is none. Raises `TransformError`."""
        found = self._inner(schema, node) or member(schema, node, self.name)
        if found is None:
            return None
        return Member(self.new_name, replace(found.schema, optional=True, default=None), found.node)

    def _inner(self, schema: Schema, node: Node) -> Member | None:
        if self.parent is None:
            return None
        parent = member(schema, node, self.parent)
        if parent is None:
            raise TransformError(f"there is no field {self.parent!r} in {schema.name}")
        return member(parent.schema, parent.node, self.name)


class ExtractNewRecordState:
    """`headwater.transform.Transform`."""

    def __init__(self, config: Config) -> None:
        self._deletes = Deletes(config["delete.tombstone.handling.mode"].lower())
        self._rewrites = self._deletes in (Deletes.REWRITE, Deletes.REWRITE_WITH_TOMBSTONE)
        self._route: str | None = config["route.by.field"] or None
        self._fields = [Reference.parse(text, config["add.fields.prefix"]) for text in config["add.fields"]]
        self._headers = [Reference.parse(text, config["add.headers.prefix"]) for text in config["add.headers"]]
        self._defaults: bool = config["replace.null.with.default"]
        self._drop_header: str = config["drop.fields.header.name"] or ""
        self._drops_from_key: bool = config["drop.fields.from.key"]
        self._keeps_required: bool = config["drop.fields.keep.schema.compatible"]

    def plan(self, message: MessageShape, ask: Ask) -> MessageShape | None:
        """As `Transform.plan`."""
        value = operand(message, Part.VALUE)
        if value.is_absent(ask):
            kept = replace(message, headers=(*message.headers, *tombstone_headers(self._headers)))
            return kept if self._deletes is Deletes.REWRITE_WITH_TOMBSTONE else None
        if not is_envelope(value.schema):
            return message
        schema = value.struct("taking the row")
        message = replace(message, headers=(*message.headers, *self._added_headers(schema, value.node)))
        after, before = self._row(schema, value.node, "after"), self._row(schema, value.node, "before")
        if not is_absent(after.schema, after.node, ask):
            return self._changed(message, schema, value.node, after, ask)
        if is_absent(before.schema, before.node, ask):
            return None  # a table was truncated
        return self._deleted(message, schema, value.node, after, before, ask)

    def _changed(self, message: MessageShape, schema: Schema, envelope: Node, after: Member, ask: Ask) -> MessageShape:
        """What becomes of a create, an update, or a row of a snapshot."""
        row = self._rewritten(after, "false") if self._rewrites else after
        message = self._routed(message, row, ask)
        return self._without_dropped(self._with_added(message, row, schema, envelope), ask)

    def _deleted(
        self, message: MessageShape, schema: Schema, envelope: Node, after: Member, before: Member, ask: Ask
    ) -> MessageShape | None:
        """What becomes of a delete."""
        if self._deletes is Deletes.DROP:
            return None
        message = self._routed(message, before, ask)
        if not self._rewrites:
            schema_of_null = after.schema if self._deletes is Deletes.TOMBSTONE else None
            return self._without_dropped(with_operand(message, Part.VALUE, schema_of_null, NULL), ask)
        row = self._rewritten(before, "true")
        message = self._without_dropped(with_operand(message, Part.VALUE, row.schema, row.node), ask)
        dropped = Member("before", _struct_schema(message.value_schema), message.value)
        return self._with_added(message, dropped, schema, envelope)

    @staticmethod
    def _row(schema: Schema, envelope: Node, name: str) -> Member:
        found = member(schema, envelope, name)
        if found is None:
            raise TransformError(f"there is no field {name!r} in {schema.name}")
        return found

    def _rewritten(self, row: Member, deleted: str) -> Member:
        """The row with the field that tells of deletes."""
        fields = members(_struct_schema(row.schema), row.node)
        if self._defaults:
            fields = [replace(field, node=or_default(field)) for field in fields]
        return Member(row.name, *struct_of(row.schema, [*fields, Member(DELETED, _OPTIONAL_STRING, Const(deleted))]))

    def _routed(self, message: MessageShape, row: Member, ask: Ask) -> MessageShape:
        if self._route is None:
            return message
        found = member(_struct_schema(row.schema), row.node, self._route)
        if found is None or found.schema.type is not Type.STRING:
            raise TransformError(f"there is no field {self._route!r} with text to route by in {row.schema.name}")
        topic: str | None = ask(whole(None, found.node))
        return replace(message, topic=topic) if topic and topic.strip() else message

    def _with_added(self, message: MessageShape, row: Member, schema: Schema, envelope: Node) -> MessageShape:
        """The message with the row as its value, and what is added to it."""
        fields = [*members(_struct_schema(row.schema), row.node), *found_fields(self._fields, schema, envelope)]
        return with_operand(message, Part.VALUE, *struct_of(row.schema, fields))

    def _added_headers(self, schema: Schema, envelope: Node) -> Iterator[HeaderShape]:
        for field in found_fields(self._headers, schema, envelope):
            yield HeaderShape(field.name, field.schema, field.node)

    def _without_dropped(self, message: MessageShape, ask: Ask) -> MessageShape:
        """Without the fields that a header lists, in the value and maybe in the key."""
        if not self._drop_header.strip():
            return message
        header = next((each for each in message.headers if each.name == self._drop_header), None)
        if header is None:
            return message
        names: tuple[str, ...] = ask(call(_names, whole(header.schema, header.node)))
        for part in (Part.KEY, Part.VALUE) if self._drops_from_key else (Part.VALUE,):
            message = self._without(message, part, names, ask)
        return message

    def _without(self, message: MessageShape, part: Part, names: Sequence[str], ask: Ask) -> MessageShape:
        found = operand(message, part)
        if not names or found.is_absent(ask):
            return message
        fields = found.members("leaving out fields", defaults=True)
        kept = [field for field in fields if field.name not in names or self._is_required(field)]
        if self._keeps_required and len(kept) == len(fields):
            return message
        return with_operand(message, part, *struct_of(found.struct("leaving out fields"), kept))

    def _is_required(self, field: Member) -> bool:
        return self._keeps_required and not field.schema.optional


def tombstone_headers(references: Sequence[Reference]) -> Iterator[HeaderShape]:
    """The headers that are added to a tombstone, of which only the operation is known."""
    for reference in references:
        if reference.name == "op":
            yield HeaderShape(reference.new_name, Schema(Type.STRING), Const("d"))


def found_fields(references: Sequence[Reference], schema: Schema, envelope: Node) -> Iterator[Member]:
    """The fields of the envelope that there are."""
    for reference in references:
        field = reference.find(schema, envelope)
        if field is not None:
            yield field


def _struct_schema(schema: Schema | None) -> Schema:
    if schema is None or schema.type is not Type.STRUCT:
        raise TransformError("the row is no struct: documents of MongoDB take ExtractNewDocumentState")
    return schema


def _names(listed: Sequence[str] | None) -> tuple[str, ...]:
    return tuple(listed or ())
