"""``ExtractNewDocumentState``: MongoDB's document after the change takes the envelope's place.

A schema is made for each document; those of documents alike are equal. Arrays become arrays.

Source: ``io.debezium.connector.mongodb.transforms.ExtractNewDocumentState`` (Debezium 3.6).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from headwater.config import Config, ConfigDef, Importance, Option, OptionType, Width
from headwater.record import Schema, Type
from headwater.shape import NULL, Const, HeaderShape, MessageShape, Node
from headwater.transform import Ask, Part, TransformError
from headwater.transforms import bson_document, extract_new_record_state
from headwater.transforms.bson_document import Typed
from headwater.transforms.envelope import is_envelope
from headwater.transforms.extract_new_record_state import DELETED, Deletes, Reference
from headwater.transforms.flatten import Flatten
from headwater.transforms.operand import operand
from headwater.tree import Member, Scalar, call, is_absent, member, members, struct_of, whole

_SHARED = ("delete.tombstone.handling.mode", "add.fields.prefix", "add.fields", "add.headers.prefix", "add.headers")


def _flag(name: str, label: str, doc: str) -> Option:
    return Option(name, OptionType.BOOLEAN, False, doc, Importance.LOW, label=label, width=Width.SHORT)


OPTIONS = ConfigDef(
    *(extract_new_record_state.OPTIONS.options[name] for name in _SHARED),
    _flag("flatten.struct", "Flatten struct", "Whether the fields of documents within become the value's own."),
    Option(
        "flatten.struct.delimiter",
        OptionType.STRING,
        "_",
        "What stands between their names then.",
        Importance.LOW,
        label="Delimiter for flattened struct",
        width=Width.SHORT,
    ),
    _flag(
        "delete.tombstone.handling.mode.rewrite-with-id",
        "Rewrite delete records with id field",
        "Whether a delete that is rewritten has the id of its key as _id.",
    ),
    refused={"array.encoding": "array", "field.name.adjustment.mode": "none", "route.by.field": ""},
)


def create(
    options: Mapping[str, str],
    part: Part | None,  # noqa: ARG001 - there is one form
) -> ExtractNewDocumentState:
    """The transform. Raises `headwater.config.ConfigError`."""
    return ExtractNewDocumentState(OPTIONS.parse(options))


class ExtractNewDocumentState:
    """`headwater.transform.Transform`."""

    def __init__(self, config: Config) -> None:
        self._deletes = Deletes(config["delete.tombstone.handling.mode"].lower())
        self._rewrites = self._deletes in (Deletes.REWRITE, Deletes.REWRITE_WITH_TOMBSTONE)
        self._fields = [Reference.parse(text, config["add.fields.prefix"]) for text in config["add.fields"]]
        self._headers = [Reference.parse(text, config["add.headers.prefix"]) for text in config["add.headers"]]
        self._flattens: bool = config["flatten.struct"]
        self._delimiter: str = config["flatten.struct.delimiter"]
        self._with_id: bool = config["delete.tombstone.handling.mode.rewrite-with-id"]

    def plan(self, message: MessageShape, ask: Ask) -> MessageShape | None:
        """As `Transform.plan`."""
        key = message.key_schema
        if key is None or key.name is None or not key.name.endswith(".Key"):
            return message
        value = operand(message, Part.VALUE)
        if value.is_absent(ask):
            if self._deletes is not Deletes.REWRITE_WITH_TOMBSTONE:
                return None
            headers = (*message.headers, *self._tombstone_headers())
            return self._keyed(replace(message, headers=headers), key, ask)
        schema = value.struct("taking the document")
        added = [HeaderShape(f.name, f.schema, f.node) for f in _found(self._headers, schema, value.node)]
        message = replace(message, headers=(*message.headers, *added))
        if not is_envelope(schema):
            return message
        return self._unwrapped(message, key, schema, ask)

    def _unwrapped(self, message: MessageShape, key: Schema, envelope: Schema, ask: Ask) -> MessageShape | None:
        before, after, update = (_text_of(envelope, message.value, name) for name in ("before", "after", "update"))
        has_after = not is_absent(None, after, ask)
        is_delete = not has_after and is_absent(None, update, ask)
        if is_delete and self._deletes is Deletes.DROP:
            return None
        given = after if has_after else before if is_delete and self._rewrites else NULL
        changes = update if not has_after and not is_delete else NULL
        identifier = _text_of(key, message.key, "id")
        document = call(_Document(self, is_delete=is_delete), given, changes, identifier)
        kept = [identifier, document, *(header.node for header in message.headers)]
        kept += [field.node for field in _found(self._fields, envelope, message.value)]
        kept += [message.partition, message.timestamp]
        kind: bson_document.Type | None = ask(call(_type_of, document), kept)
        if kind is None:
            return self._keyed(replace(message, value_schema=None, value=NULL), key, ask)
        name = (envelope.name or "").removesuffix(".Envelope")
        fields = members(bson_document.document_schema(kind, name), call(_value_of, document))
        fields += _found(self._fields, envelope, message.value)
        made, node = struct_of(Schema(Type.STRUCT, name=name), fields)
        keyed = self._keyed(replace(message, value_schema=made, value=node), key, ask)
        return Flatten(self._delimiter, Part.VALUE).plan(keyed, ask) if self._flattens else keyed

    @staticmethod
    def _keyed(message: MessageShape, key: Schema, ask: Ask) -> MessageShape:
        """The message with the document's id as its key."""
        identifier = call(_read_key, _text_of(key, message.key, "id"))
        kept = [identifier, message.value, *(header.node for header in message.headers)]
        kind: bson_document.Type = ask(call(_type_of, identifier), [*kept, message.partition, message.timestamp])
        return replace(message, key_schema=bson_document.document_schema(kind, None), key=call(_value_of, identifier))

    def document(self, given: str | None, update: Any, identifier: str, *, is_delete: bool) -> Typed | None:
        """The document to send; None where there is nothing in it. Raises `TransformError`."""
        document: dict[str, Any] = {}
        if given is not None:
            document = bson_document.parse(given)
        elif update is not None:
            document = self._updated(update, identifier)
        if self._rewrites:
            document[DELETED] = is_delete
            if self._with_id and "_id" not in document:
                document["_id"] = bson_document.parse(identifier)
        return bson_document.read(document) if document else None

    def _updated(self, update: Mapping[str, Any], identifier: str) -> dict[str, Any]:
        """The fields that an update set, and the document's id."""
        fields = update.get("updatedFields")
        document: dict[str, Any] = {} if fields is None else bson_document.parse(fields)
        for name in update.get("removedFields") or ():
            document.pop(name, None)
        document.setdefault("_id", bson_document.parse(identifier))
        if self._flattens:
            return {name.replace(".", self._delimiter): value for name, value in document.items()}
        return document

    def _tombstone_headers(self) -> Iterator[HeaderShape]:
        """Of a tombstone only the operation is known."""
        for reference in self._headers:
            if reference.name == "op":
                yield HeaderShape(reference.new_name, Schema(Type.STRING), Const("d"))


class _Document:
    """Makes the document to send of the one after (or before) the change, or of an update's description."""

    def __init__(self, transform: ExtractNewDocumentState, *, is_delete: bool) -> None:
        self._transform = transform
        self._is_delete = is_delete

    def __call__(self, given: str | None, update: Any, identifier: str) -> Typed | None:
        try:
            return self._transform.document(given, update, identifier, is_delete=self._is_delete)
        except bson_document.DocumentError as error:
            raise TransformError(f"the document can't be taken apart: {error}") from None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Document) and (self._transform, self._is_delete) == (
            other._transform,
            other._is_delete,
        )

    def __hash__(self) -> int:
        return hash((id(self._transform), self._is_delete))


def _read_key(identifier: str) -> Typed:
    try:
        return bson_document.read({"id": bson_document.parse(identifier)})
    except bson_document.DocumentError as error:
        raise TransformError(f"the document's id can't be read: {error}") from None


def _text_of(schema: Schema, node: Node, name: str) -> Scalar:
    """A field of the envelope or the key, null where there is none; ``update`` is the update's description."""
    found = member(schema, node, "updateDescription" if name == "update" else name)
    return NULL if found is None else whole(found.schema, found.node)


def _found(references: Sequence[Reference], schema: Schema, envelope: Node) -> list[Member]:
    fields = (reference.find(schema, envelope) for reference in references)
    return [field for field in fields if field is not None]


def _type_of(document: Typed | None) -> bson_document.Type | None:
    return None if document is None else document.type


def _value_of(document: Typed) -> Any:
    return document.value
