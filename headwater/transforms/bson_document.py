"""MongoDB's documents as Connect values with a schema made for each: what Debezium's transforms make of them.

As in `headwater.json_payload`, what is known of a schema before it is built is its *type*, a tuple:

    ("string",), ("boolean",), ("int32",), ("int64",), ("double",), ("bytes",), ("time",)
    ("regex",)                       a regular expression
    ("array", type of the elements)
    ("struct", (name, type), …)      a document
    ("items", type, …)               an array as a struct of its elements (``array.encoding=document``)

Source: ``io.debezium.connector.mongodb.transforms.MongoDataConverter`` (Debezium 3.6).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from headwater.record import Field, Schema
from headwater.record import Type as ConnectType
from headwater.transforms.extended_json import BsonType, Document, ExtendedJsonError, Wrapped, integer_type, unwrap

Type = tuple[Any, ...]

_TEXT = Schema(ConnectType.STRING, optional=True)
_SCHEMAS = {
    "string": _TEXT,
    "boolean": Schema(ConnectType.BOOLEAN, optional=True),
    "int32": Schema(ConnectType.INT32, optional=True),
    "int64": Schema(ConnectType.INT64, optional=True),
    "double": Schema(ConnectType.FLOAT64, optional=True),
    "bytes": Schema(ConnectType.BYTES, optional=True),
    "time": Schema(ConnectType.INT64, optional=True, name="org.apache.kafka.connect.data.Timestamp", version=1),
    "regex": Schema(
        ConnectType.STRUCT,
        optional=True,
        name="io.debezium.mongodb.regex",
        fields=(Field("regex", _TEXT), Field("options", _TEXT)),
    ),
}
_STRING, _BOOLEAN, _INT32, _INT64, _DOUBLE, _BYTES, _TIME, _REGEX = ((name,) for name in _SCHEMAS)
_WRAPPED = {
    BsonType.BINARY: _BYTES,
    BsonType.CODE: _STRING,
    BsonType.DATE: _TIME,
    BsonType.DECIMAL: _STRING,
    BsonType.DOUBLE: _DOUBLE,
    BsonType.INT32: _INT32,
    BsonType.INT64: _INT64,
    BsonType.OBJECT_ID: _STRING,
    BsonType.REGEX: _REGEX,
    BsonType.TIMESTAMP: _TIME,
}


class Arrays(StrEnum):
    """``array.encoding``: an array whose elements are of one type, or a struct of them that are of any."""

    ARRAY = "array"
    DOCUMENT = "document"


class Typed(NamedTuple):
    """A Connect value and its type."""

    type: Type
    value: Any


def read(document: Document, arrays: Arrays = Arrays.ARRAY) -> Typed:
    """A document as a struct. Raises `ExtendedJsonError`."""
    try:
        kind = _struct(document, arrays)
        return Typed(kind, _value(document, kind))
    except RecursionError:
        raise ExtendedJsonError("it is nested too deeply") from None


def type_of(document: Typed | None) -> Type | None:
    """For `headwater.shape.Call`: its type; None where there is no document."""
    return None if document is None else document.type


def value_of(document: Typed) -> Any:
    """For `headwater.shape.Call`: its value."""
    return document.value


def _type(value: Any, arrays: Arrays) -> Type:
    match value:
        case None | str():
            return _STRING
        case list():
            return _array(value) if arrays is Arrays.ARRAY else ("items", *(_type(item, arrays) for item in value))
        case dict():
            wrapped = unwrap(value)
            return _struct(value, arrays) if wrapped is None else _wrapped_type(wrapped)
        case _:
            return _scalar(value).type


def _struct(document: Document, arrays: Arrays) -> Type:
    return ("struct", *((name, _type(member, arrays)) for name, member in document.items() if _is_defined(member)))


def _is_defined(value: Any) -> bool:
    return not (isinstance(value, dict) and "$undefined" in value)


def _wrapped_type(wrapped: Wrapped) -> Type:
    kind = _WRAPPED.get(wrapped.type)
    if kind is None:
        raise ExtendedJsonError(f"{wrapped.type} has no schema")
    return kind


def _array(items: Sequence[Any]) -> Type:
    """An array, whose elements must be of one type; empty arrays and nulls in it may be of any."""
    if not items:
        return ("array", _STRING)
    for item in items:
        inner = _elements(item) if isinstance(item, list) else None
        if inner is not None:
            return ("array", ("array", inner))
    found = _elements([item for item in items if not isinstance(item, list)])
    if found is None:
        raise ExtendedJsonError("an array holds nothing that has a type")
    return ("array", found)


def _elements(items: Sequence[Any]) -> Type | None:
    """The type of elements of which none is an array; None where there are none."""
    documents = [item for item in items if isinstance(item, dict) and unwrap(item) is None]
    merged = _merged(documents)
    if merged is not None:
        return merged
    scalars = [_element(_type(item, Arrays.ARRAY)) for item in items if not isinstance(item, list)]
    if len(scalars) < len(items):
        raise ExtendedJsonError("arrays are nested more than twice")
    if len(set(scalars)) > 1:
        raise ExtendedJsonError("an array holds values of more than one type; array.encoding=document takes them")
    return scalars[0] if scalars else None


def _merged(documents: Iterable[Document]) -> Type | None:
    """One type for the documents of an array: every field that one of them has, in the type that is met last."""
    fields: dict[str, Type] = {}
    for document in documents:
        for name, member in document.items():
            if not _is_defined(member):
                raise ExtendedJsonError("a document in an array has a field that is undefined")
            kind = _element(_type(member, Arrays.ARRAY))
            known = fields.get(name, kind)
            if known[0] != kind[0] and (kind[0] != "struct" or len(kind) == 1):
                raise ExtendedJsonError(f"the field {name!r} of an array's documents is of more than one type")
            fields[name] = kind
    return ("struct", *fields.items()) if fields else None


def _element(kind: Type) -> Type:
    if kind == _REGEX:
        raise ExtendedJsonError("a regular expression in an array has no schema")
    return kind


def _value(value: Any, kind: Type) -> Any:
    """The Connect value of a type that was found for it, or for what stands beside it. Raises `ExtendedJsonError`."""
    if value is None:
        return None
    label, *inner = kind
    if isinstance(value, list) and label == "items":
        return {f"_{number}": _value(item, each) for number, (item, each) in enumerate(zip(value, inner, strict=True))}
    if isinstance(value, list) and label == "array":
        return [_value(item, inner[0]) for item in value if item != []]
    if isinstance(value, dict) and label == "struct" and unwrap(value) is None:
        kinds = dict(inner)
        defined = {name: member for name, member in value.items() if _is_defined(member)}
        if defined.keys() <= kinds.keys():
            return {name: _value(member, kinds[name]) for name, member in defined.items()}
    elif not isinstance(value, list):
        found = _scalar(value)
        if found.type == kind:
            return found.value
    raise ExtendedJsonError("the elements of an array do not fit together")


def _scalar(value: Any) -> Typed:
    """A value that is neither an array nor null, of a type; of a document none."""
    match value:
        case str():
            return Typed(_STRING, value)
        case bool():
            return Typed(_BOOLEAN, value)
        case int():
            return Typed(_WRAPPED[integer_type(value)], value)
        case float():
            return Typed(_DOUBLE, value)
    wrapped = unwrap(value)
    if wrapped is None:
        return Typed(("struct",), value)
    return Typed(_wrapped_type(wrapped), _connect_value(wrapped))


def _connect_value(wrapped: Wrapped) -> Any:
    match wrapped.type:
        case BsonType.BINARY:
            return wrapped.value.data
        case BsonType.REGEX:
            return {"regex": wrapped.value.pattern, "options": wrapped.value.options}
        case BsonType.TIMESTAMP:
            return ((wrapped.value.seconds + 2**31) % 2**32 - 2**31) * 1000  # signed, as the original takes it
        case _:
            return wrapped.value


def schema(kind: Type, name: str | None) -> Schema:
    """The Connect schema of a document's type, which is required; structs within are called by where they are."""
    return Schema(ConnectType.STRUCT, name=name, fields=_fields(kind, name))


def _fields(kind: Type, name: str | None, *, names_empty: bool = False) -> tuple[Field, ...]:
    _, *inner = kind
    # Java joins a name that is null to text as it joins any.
    return tuple(
        Field(field, _schema(member, f"{'null' if name is None else name}.{field}", names_empty=names_empty))
        for field, member in inner
    )


def _schema(kind: Type, name: str | None, *, names_empty: bool = False) -> Schema:
    """``names_empty`` says whether a document without fields has a name, as in those that `Arrays.DOCUMENT` makes."""
    label, *inner = kind
    match label:
        case "array":
            within_array = inner[0][0] == "array"
            element = _array_schema(inner[0][1], None) if within_array else _schema(inner[0], name)
            return Schema(ConnectType.ARRAY, optional=True, value_schema=element)
        case "items":
            items = (Field(f"_{number}", _item_schema(item, f"{name}._{number}")) for number, item in enumerate(inner))
            return Schema(ConnectType.STRUCT, optional=True, name=name, fields=tuple(items))
        case "struct":
            named = name if inner or names_empty else None
            return Schema(ConnectType.STRUCT, optional=True, name=named, fields=_fields(kind, name))
        case _:
            return _SCHEMAS[label]


def _array_schema(element: Type, name: str | None) -> Schema:
    return Schema(ConnectType.ARRAY, optional=True, value_schema=_schema(element, name))


def _item_schema(kind: Type, name: str) -> Schema:
    if kind[0] != "struct":
        return _schema(kind, name)
    return Schema(ConnectType.STRUCT, optional=True, name=name, fields=_fields(kind, name, names_empty=True))
