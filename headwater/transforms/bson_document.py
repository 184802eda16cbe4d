"""MongoDB's documents as Connect values with a schema made for each: what ``ExtractNewDocumentState`` makes of them.

They come as extended JSON, in the old strict form or in the relaxed one. As in `headwater.transforms.json_payload`,
what is known of a schema before it is built is its type, a tuple:

    ("string",), ("boolean",), ("int32",), ("int64",), ("double",), ("bytes",), ("time",)
    ("regex",)                       a regular expression
    ("array", type of the elements)
    ("struct", (name, type), …)      a document

Source: ``io.debezium.connector.mongodb.transforms.MongoDataConverter`` (Debezium 3.6), arrays as arrays.
"""

from __future__ import annotations

import json
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from headwater.record import Field, Schema
from headwater.record import Type as ConnectType

Type = tuple[Any, ...]
Document = dict[str, Any]
"""A document as JSON has it: extended JSON's wrappers are dicts."""

TIME = Schema(ConnectType.INT64, optional=True, name="org.apache.kafka.connect.data.Timestamp", version=1)
_STRING = Schema(ConnectType.STRING, optional=True)
_SCHEMAS = {
    "string": _STRING,
    "boolean": Schema(ConnectType.BOOLEAN, optional=True),
    "int32": Schema(ConnectType.INT32, optional=True),
    "int64": Schema(ConnectType.INT64, optional=True),
    "double": Schema(ConnectType.FLOAT64, optional=True),
    "bytes": Schema(ConnectType.BYTES, optional=True),
    "time": TIME,
    "regex": Schema(
        ConnectType.STRUCT,
        optional=True,
        name="io.debezium.mongodb.regex",
        fields=(Field("regex", _STRING), Field("options", _STRING)),
    ),
}
_KINDS: dict[str, Type] = {name: (name,) for name in _SCHEMAS}
_EMPTY_STRUCT: Type = ("struct",)


class DocumentError(ValueError):
    """A document has no schema: says why."""


class Typed(NamedTuple):
    """A Connect value and its type."""

    type: Type
    value: Any


def parse(text: str) -> Any:
    """The extended JSON in ``text``. Raises `DocumentError`."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(text)  # it reads lone surrogates, and the strict form's NaN and Infinity
    except ValueError as error:
        raise DocumentError(f"it is not JSON: {error}") from None


def read(document: Document) -> Typed:
    """A document as a struct. Raises `DocumentError`."""
    try:
        return _struct(document)
    except RecursionError:
        raise DocumentError("it is nested too deeply") from None


def _typed(value: Any) -> Typed:
    match value:
        case None:
            return Typed(_KINDS["string"], None)
        case str():
            return Typed(_KINDS["string"], value)
        case bool():
            return Typed(_KINDS["boolean"], value)
        case int():
            return Typed(_KINDS["int32" if -(1 << 31) <= value < 1 << 31 else "int64"], value)
        case float():
            return Typed(_KINDS["double"], value)
        case list():
            return _array(value)
        case _:
            return _extended(value) or _struct(value)


def _struct(document: Document) -> Typed:
    kinds, values = [], {}
    for name, member in document.items():
        if isinstance(member, dict) and "$undefined" in member:
            continue
        kind, values[name] = _typed(member)
        kinds.append((name, kind))
    return Typed(("struct", *kinds), values)


def _array(items: list[Any]) -> Typed:
    """An array, whose elements must be of one type; of documents, every field that one of them has."""
    typed = [_typed(item) for item in items]
    values = [each.value for each in typed]
    kinds = list(dict.fromkeys(each.type for each in typed))
    labels = {kind[0] for kind in kinds}
    if not kinds:
        return Typed(("array", _KINDS["string"]), [])
    if labels == {"struct"}:
        return Typed(("array", _merged(kinds)), values)
    if labels == {"array"}:
        return Typed(("array", kinds[0]), [value for value in values if value])
    if len(kinds) > 1:
        raise DocumentError("an array holds values of more than one type")
    return Typed(("array", kinds[0]), values)


def _merged(kinds: Iterable[Type]) -> Type:
    """One type for the documents of an array; a document within them is of the type that is met last."""
    fields: dict[str, Type] = {}
    for _, *members in kinds:
        for name, kind in members:
            known = fields.get(name)
            if known is not None and known[0] != kind[0]:
                raise DocumentError(f"the field {name!r} of an array's documents is of more than one type")
            fields[name] = kind
    return ("struct", *fields.items())


def _extended(wrapper: Document) -> Typed | None:
    """The value that extended JSON wraps; None for what is a document."""
    name = next(iter(wrapper), "")
    read_wrapped = _WRAPPERS.get(name)
    if read_wrapped is None:
        return None
    try:
        kind, value = read_wrapped(wrapper)
    except (Base64Error, KeyError, TypeError, ValueError) as error:
        raise DocumentError(f"{name} can't be read: {error}") from None
    return Typed(_KINDS[kind], value)


def _date(wrapper: Mapping[str, Any]) -> tuple[str, int]:
    date = wrapper["$date"]
    if isinstance(date, str):
        return "time", round(datetime.fromisoformat(date).timestamp() * 1000)
    return "time", int(date["$numberLong"]) if isinstance(date, dict) else int(date)


def _binary(wrapper: Mapping[str, Any]) -> tuple[str, bytes]:
    binary = wrapper["$binary"]
    return "bytes", b64decode(binary["base64"] if isinstance(binary, dict) else binary, validate=True)


def _regex(wrapper: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    regex = wrapper.get("$regularExpression")
    if regex is not None:
        return "regex", {"regex": str(regex["pattern"]), "options": str(regex["options"])}
    return "regex", {"regex": str(wrapper["$regex"]), "options": str(wrapper.get("$options", ""))}


def _code(wrapper: Mapping[str, Any]) -> tuple[str, str]:
    if "$scope" in wrapper:
        raise ValueError("code with a scope has no schema")
    return "string", str(wrapper["$code"])


_WRAPPERS: dict[str, Callable[[Mapping[str, Any]], tuple[str, Any]]] = {
    "$oid": lambda wrapper: ("string", str(wrapper["$oid"])),
    "$numberLong": lambda wrapper: ("int64", int(wrapper["$numberLong"])),
    "$numberInt": lambda wrapper: ("int32", int(wrapper["$numberInt"])),
    "$numberDouble": lambda wrapper: ("double", float(wrapper["$numberDouble"])),
    "$numberDecimal": lambda wrapper: ("string", str(wrapper["$numberDecimal"])),
    "$date": _date,
    "$timestamp": lambda wrapper: ("time", int(wrapper["$timestamp"]["t"]) * 1000),
    "$binary": _binary,
    "$regex": _regex,
    "$regularExpression": _regex,
    "$code": _code,
}


def schema(kind: Type, name: str | None) -> Schema:
    """The Connect schema of a type; a document within is called after where it is."""
    label, *inner = kind
    if label == "array":
        return Schema(ConnectType.ARRAY, optional=True, value_schema=_element_schema(inner[0], name))
    if label != "struct":
        return _SCHEMAS[label]
    if not inner:
        return Schema(ConnectType.STRUCT, optional=True)
    fields = tuple(Field(field, schema(member, f"{_text(name)}.{field}")) for field, member in inner)
    return Schema(ConnectType.STRUCT, optional=True, name=name, fields=fields)


def _element_schema(kind: Type, name: str | None) -> Schema:
    """The schema of an array's elements; documents in an array of arrays have no name of their own."""
    if kind[0] != "array":
        return schema(kind, name)
    element = kind[1]
    if element[0] == "array":
        raise DocumentError("arrays are nested more than twice")
    return Schema(ConnectType.ARRAY, optional=True, value_schema=schema(element, None))


def _text(name: str | None) -> str:
    """The name as Java joins it to text."""
    return "null" if name is None else name


def document_schema(kind: Type, name: str | None) -> Schema:
    """The schema of a whole document, which is required."""
    _, *inner = kind
    fields = tuple(Field(field, schema(member, f"{_text(name)}.{field}")) for field, member in inner)
    return Schema(ConnectType.STRUCT, name=name, fields=fields)
