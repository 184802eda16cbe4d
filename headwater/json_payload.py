"""JSON text as a Connect value with a schema made for it: what expanding a payload does, in EventRouter and the relay.

What is known of a schema before it is built is its *type*, a tuple that says what is in the document:

    ("string",), ("boolean",), ("int32",), ("int64",), ("double",), ("bytes",)
    ("array", type of the elements)
    ("struct", (name, type), …)      an object
    ("merged", (name, type), …)      several objects of an array that are not alike, as one

Types are hashable and quickly compared, so that the documents of one type share what is planned for them.

Source: ``io.debezium.transforms.outbox.JsonSchemaData`` (Debezium 3.6).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NamedTuple, NoReturn

import orjson

from headwater.record import Field, Schema
from headwater.record import Type as ConnectType

Type = tuple[Any, ...]

_SCALARS = {
    "string": Schema(ConnectType.STRING, optional=True),
    "boolean": Schema(ConnectType.BOOLEAN, optional=True),
    "int32": Schema(ConnectType.INT32, optional=True),
    "int64": Schema(ConnectType.INT64, optional=True),
    "double": Schema(ConnectType.FLOAT64, optional=True),
    "bytes": Schema(ConnectType.BYTES, optional=True),
}
_STRING, _BOOLEAN, _INT32, _INT64, _DOUBLE, _BYTES = ((name,) for name in _SCALARS)


class JsonPayloadError(ValueError):
    """The text is no JSON, or its JSON has no schema: says why."""


class Payload(NamedTuple):
    """A document as a Connect value, and its type."""

    type: Type
    value: Any


def read(text: str, *, nulls: bool) -> Payload:
    """The document in ``text``, an object or an array; with ``nulls``, fields that are null stay, as bytes.

    Raises `JsonPayloadError`.
    """
    if not text.startswith(("{", "[")):
        raise JsonPayloadError("it is neither an object nor an array")
    try:
        document = _parse(text)
        found = _type(document, nulls=nulls)
    except RecursionError:
        raise JsonPayloadError("it is nested too deeply") from None
    if found is None:
        raise JsonPayloadError("an empty array has no schema")
    return Payload(found, _value(document, found))


def _parse(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(text, parse_constant=_no_number)  # it reads lone surrogates too
    except ValueError as error:
        raise JsonPayloadError(f"it is not JSON: {error}") from None


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _type(node: Any, *, nulls: bool) -> Type | None:
    """The type of a document; None where nothing says what it is."""
    match node:
        case str():
            return _STRING
        case bool():
            return _BOOLEAN
        case int():
            return _integer(node)
        case float():
            return _DOUBLE
        case None:
            return _BYTES if nulls else None
        case list():
            return ("array", _element(node, nulls=nulls)) if node else None
        case _:
            found = ((name, _type(member, nulls=nulls)) for name, member in node.items())
            return ("struct", *((name, kind) for name, kind in found if kind is not None))


def _integer(number: int) -> Type:
    if -(1 << 31) <= number < 1 << 31:
        return _INT32
    if -(1 << 63) <= number < 1 << 63:
        return _INT64
    raise JsonPayloadError(f"{number} is no 64-bit integer")


def _element(items: list[Any], *, nulls: bool) -> Type:
    """The type of all elements of an array: those that are not null must be alike; objects are merged."""
    present = [item for item in items if item is not None]
    kinds = {bool if isinstance(item, bool) else float if isinstance(item, int) else type(item) for item in present}
    if len(kinds) > 1:
        raise JsonPayloadError("an array holds values of more than one type")
    if present and isinstance(present[0], dict):
        return _merged(_type(item, nulls=nulls) for item in present)
    types = {_type(item, nulls=nulls) for item in present} if float in kinds else ()
    if len(types) > 1:
        raise JsonPayloadError("an array holds numbers of more than one type")
    found = _type(present[0] if present else None, nulls=nulls)
    if found is None:
        raise JsonPayloadError("an array holds nothing that has a type")
    return found


def _merged(types: Iterable[Type | None]) -> Type:
    """One type for objects: every field that one of them has, in the type that was met first."""
    distinct = [kind for kind in dict.fromkeys(types) if kind is not None]
    if len(distinct) == 1:
        return distinct[0]
    fields: dict[str, Type] = {}
    for _, *members in distinct:
        for name, kind in members:
            if name not in fields or (fields[name] == _BYTES and kind != _BYTES):
                fields[name] = kind
    return ("merged", *fields.items())


def _value(node: Any, kind: Type) -> Any:
    """The value of the type that was found for it, with no field that the type lacks."""
    if node is None:
        return None
    name, *inner = kind
    if name in ("struct", "merged"):
        if not isinstance(node, dict):
            raise JsonPayloadError("an array's objects have a field of more than one type")
        return {field: _value(node[field], member) for field, member in inner if field in node}
    if name == "array":
        if not isinstance(node, list):
            raise JsonPayloadError("an array's objects have a field of more than one type")
        return [_value(item, inner[0]) for item in node]
    if _type(node, nulls=False) != kind:
        raise JsonPayloadError("an array's objects have a field of more than one type")
    return node


def schema(kind: Type, name: str | None) -> Schema:
    """The Connect schema of a type; structs are called by ``name`` and the path to them."""
    label, *inner = kind
    if label == "array":
        element = inner[0]
        is_struct = element[0] in ("struct", "merged")
        return Schema(ConnectType.ARRAY, optional=True, value_schema=schema(element, name if is_struct else None))
    if label not in ("struct", "merged"):
        return _SCALARS[label]
    prefix = f"{name}." if name and name.strip() else ""
    return Schema(
        ConnectType.STRUCT,
        optional=label == "struct",
        name=name,
        fields=tuple(Field(field, schema(member, prefix + field)) for field, member in inner),
    )
