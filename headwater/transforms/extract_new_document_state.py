"""``ExtractNewDocumentState``: MongoDB's document after the change takes the place of Debezium's envelope.

It becomes a struct with a schema made for it, and the key its `_id`. An update that comes without the whole document
becomes what it set.

Source: ``io.debezium.connector.mongodb.transforms.ExtractNewDocumentState`` (Debezium 3.6).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from headwater.config import Config, ConfigDef, Importance, Option, OptionType, Width, one_of
from headwater.record import Schema, Type
from headwater.shape import NULL, HeaderShape, MessageShape, Node
from headwater.transform import Ask, Part, TransformError
from headwater.transforms import bson_document, extract_new_record_state
from headwater.transforms.bson_document import Arrays, Typed, type_of, value_of
from headwater.transforms.envelope import is_envelope
from headwater.transforms.extended_json import Document, ExtendedJsonError, parse, parse_document
from headwater.transforms.extract_new_record_state import DELETED, Deletes, Reference, found_fields, tombstone_headers
from headwater.transforms.flatten import Flatten
from headwater.transforms.operand import operand
from headwater.tree import Scalar, call, is_absent, member, members, struct_of, whole

_SHARED = ("delete.tombstone.handling.mode", "add.fields.prefix", "add.fields", "add.headers.prefix", "add.headers")


def _flag(name: str, label: str, doc: str) -> Option:
    return Option(name, OptionType.BOOLEAN, False, doc, Importance.LOW, label=label, width=Width.SHORT)


OPTIONS = ConfigDef(
    *(extract_new_record_state.OPTIONS.options[name] for name in _SHARED),
    Option(
        "array.encoding",
        OptionType.STRING,
        Arrays.ARRAY.value,
        "What becomes of arrays: arrays, whose elements must be of one type (array), or structs with a field for each"
        " element, _0, _1 and so on (document).",
        Importance.MEDIUM,
        one_of(*Arrays),
        label="Array encoding",
        width=Width.SHORT,
    ),
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
    refused={"field.name.adjustment.mode": "none"},
    ignored={**extract_new_record_state.REMOVED, "route.by.field": "the topic stays"},
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
        self._arrays = Arrays(config["array.encoding"].strip().lower())
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
            headers = (*message.headers, *tombstone_headers(self._headers))
            return self._keyed(replace(message, value_schema=None, value=NULL, headers=headers), key, ask)
        schema = value.struct("taking the document")
        added = (HeaderShape(f.name, f.schema, f.node) for f in found_fields(self._headers, schema, value.node))
        message = replace(message, headers=(*message.headers, *added))
        return self._unwrapped(message, key, schema, ask) if is_envelope(schema) else message

    def _unwrapped(self, message: MessageShape, key: Schema, envelope: Schema, ask: Ask) -> MessageShape | None:
        before, after, update = (
            _of_envelope(envelope, message.value, name) for name in ("before", "after", "updateDescription")
        )
        has_after = not is_absent(None, after, ask)
        is_delete = not has_after and is_absent(None, update, ask)
        if is_delete and self._deletes is Deletes.DROP:
            return None
        identifier = _of_envelope(key, message.key, "id")
        if has_after:
            document = call(self._full, after, identifier)
        elif is_delete:
            document = call(self._deleted, before if self._rewrites else NULL, identifier)
        else:
            document = call(self._updated, update, identifier)
        added = list(found_fields(self._fields, envelope, message.value))
        kept = [identifier, document, *(field.node for field in added), *_beside(message)]
        kind: bson_document.Type | None = ask(call(type_of, document), kept)
        if kind is None:
            return self._keyed(replace(message, value_schema=None, value=NULL), key, ask)
        if len(added) < len(self._fields):
            raise TransformError(f"the envelope {envelope.name} does not have all fields that add.fields names")
        name = (envelope.name or "").removesuffix(".Envelope")
        fields = members(bson_document.schema(kind, name), call(value_of, document))
        made, node = struct_of(Schema(Type.STRUCT, name=name), [*fields, *added])
        keyed = self._keyed(replace(message, value_schema=made, value=node), key, ask)
        return Flatten(self._delimiter, Part.VALUE).plan(keyed, ask) if self._flattens else keyed

    def _keyed(self, message: MessageShape, key: Schema, ask: Ask) -> MessageShape:
        """The message with the document's id as its key."""
        identifier = call(self._key, _of_envelope(key, message.key, "id"))
        kind: bson_document.Type = ask(call(type_of, identifier), [identifier, message.value, *_beside(message)])
        return replace(message, key_schema=bson_document.schema(kind, None), key=call(value_of, identifier))

    def _full(self, text: str, identifier: str) -> Typed | None:
        """The whole document after the change. Raises `TransformError`, as the three below do."""
        return self._typed(_parsed(text), identifier, is_delete=False)

    def _deleted(self, before: str | None, identifier: str) -> Typed | None:
        """The document before its delete, where it is known and wanted."""
        return self._typed({} if before is None else _parsed(before), identifier, is_delete=True)

    def _updated(self, update: Mapping[str, Any], identifier: str) -> Typed | None:
        """The fields that an update set, and the document's id."""
        fields = update.get("updatedFields")
        document: Document = {} if fields is None else _parsed(fields)
        for name in update.get("removedFields") or ():
            document.pop(name, None)
        document.setdefault("_id", _parsed_id(identifier))
        if self._flattens:
            document = {name.replace(".", self._delimiter): value for name, value in document.items()}
        return self._typed(document, identifier, is_delete=False)

    def _key(self, identifier: str) -> Typed:
        return _read({"id": _parsed_id(identifier)}, self._arrays)

    def _typed(self, document: Document, identifier: str, *, is_delete: bool) -> Typed | None:
        """The document as it is sent; None where there is nothing in it."""
        if self._rewrites:
            document[DELETED] = is_delete
            if self._with_id and "_id" not in document:
                document["_id"] = _parsed_id(identifier)
        return _read(document, self._arrays) if document else None


def _read(document: Document, arrays: Arrays) -> Typed:
    try:
        return bson_document.read(document, arrays)
    except ExtendedJsonError as error:
        raise TransformError(f"the document can't be taken apart: {error}") from None


def _parsed(text: str) -> Document:
    try:
        return parse_document(text)
    except ExtendedJsonError as error:
        raise TransformError(f"the document can't be read: {error}") from None


def _parsed_id(text: str) -> Any:
    try:
        return parse(text)
    except ExtendedJsonError as error:
        raise TransformError(f"the document's id can't be read: {error}") from None


def _of_envelope(schema: Schema, node: Node, name: str) -> Scalar:
    """A field of the envelope or the key, null where there is none."""
    found = member(schema, node, name)
    return NULL if found is None else whole(found.schema, found.node)


def _beside(message: MessageShape) -> Sequence[Node]:
    """What the message is made of beside key and value."""
    return [*(header.node for header in message.headers), message.partition, message.timestamp]
