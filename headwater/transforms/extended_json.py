"""MongoDB's extended JSON, as events hold documents: reading its wrappers, and writing the canonical form.

A document is a dict here, an array a list; null, text, truth values and doubles are themselves, a bare integer is of 32
bits if it fits. All other types of BSON are wrapped, as in ``{"$oid": "…"}``: in the old strict form, of ``before``,
``after`` and keys, or in that of version 2, of ``updatedFields``.

Source: ``org.bson.json.JsonReader`` and ``JsonWriter`` (Java driver 5.9).
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

import orjson

from headwater.bson_text import quote
from headwater.java_double import double_text

Document = dict[str, Any]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ExtendedJsonError(ValueError):
    """The text is no extended JSON: says why."""


class BsonType(StrEnum):
    """The types that are wrapped, or are if need be."""

    BINARY = "binary data"
    CODE = "code"
    DATE = "a date"
    DECIMAL = "a decimal"
    DOUBLE = "a double"
    INT32 = "a 32-bit integer"
    INT64 = "a 64-bit integer"
    MAX_KEY = "MaxKey"
    MIN_KEY = "MinKey"
    OBJECT_ID = "an ObjectId"
    REGEX = "a regular expression"
    SCOPED_CODE = "code with a scope"
    SYMBOL = "a symbol"
    TIMESTAMP = "a timestamp"
    UNDEFINED = "undefined"


class Binary(NamedTuple):
    """What a `BsonType.BINARY` holds."""

    data: bytes
    subtype: int


class Regex(NamedTuple):
    """What a `BsonType.REGEX` holds."""

    pattern: str
    options: str


class Timestamp(NamedTuple):
    """What a `BsonType.TIMESTAMP` holds."""

    seconds: int
    increment: int


class Wrapped(NamedTuple):
    """A value that was wrapped: int, float, str, a date in milliseconds, or one of the above."""

    type: BsonType
    value: Any


def parse(text: str) -> Any:
    """What ``text`` says, its wrappers as they stand there. Raises `ExtendedJsonError`."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(text)  # it reads lone surrogates, NaN and Infinity too
    except (ValueError, RecursionError) as error:
        raise ExtendedJsonError(f"it is not JSON: {error}") from None


def parse_document(text: str) -> Document:
    """The document that ``text`` says. Raises `ExtendedJsonError`."""
    document = parse(text)
    if not isinstance(document, dict):
        raise ExtendedJsonError("it is no document")
    return document


def unwrap(wrapper: Document) -> Wrapped | None:
    """The value that is wrapped; None for what is a document. Raises `ExtendedJsonError`."""
    name = next(iter(wrapper), "")
    read = _WRAPPERS.get(name)
    if read is None:
        return None
    try:
        return read(wrapper)
    except (AttributeError, Base64Error, KeyError, OverflowError, TypeError, ValueError) as error:
        raise ExtendedJsonError(f"{name} can't be read: {type(error).__name__}: {error}") from None


def integer_type(number: int) -> BsonType:
    """The type of a bare integer. Raises `ExtendedJsonError`."""
    if -(1 << 31) <= number < 1 << 31:
        return BsonType.INT32
    if -(1 << 63) <= number < 1 << 63:
        return BsonType.INT64
    raise ExtendedJsonError(f"{number} is no 64-bit integer")


def _text(kind: BsonType, name: str) -> Callable[[Document], Wrapped]:
    def read(wrapper: Document) -> Wrapped:
        if not isinstance(wrapper[name], str):
            raise TypeError("it holds no text")
        return Wrapped(kind, wrapper[name])

    return read


def _integer(kind: BsonType, name: str) -> Callable[[Document], Wrapped]:
    return lambda wrapper: Wrapped(kind, int(wrapper[name]))


def _bare(kind: BsonType) -> Callable[[Document], Wrapped]:
    return lambda _wrapper: Wrapped(kind, None)


def _date(wrapper: Document) -> Wrapped:
    date = wrapper["$date"]
    if isinstance(date, str):
        return Wrapped(BsonType.DATE, (datetime.fromisoformat(date) - _EPOCH) // timedelta(milliseconds=1))
    return Wrapped(BsonType.DATE, int(date["$numberLong"] if isinstance(date, dict) else date))


def _binary(wrapper: Document) -> Wrapped:
    binary = wrapper["$binary"]
    data, subtype = (
        (binary["base64"], binary["subType"]) if isinstance(binary, dict) else (binary, wrapper.get("$type", "00"))
    )
    return Wrapped(BsonType.BINARY, Binary(b64decode(data, validate=True), int(subtype, 16)))


def _regex(wrapper: Document) -> Wrapped:
    regex = wrapper.get("$regularExpression")
    pattern, options = (
        (wrapper["$regex"], wrapper.get("$options", "")) if regex is None else (regex["pattern"], regex["options"])
    )
    return Wrapped(BsonType.REGEX, Regex(str(pattern), "".join(sorted(options))))


def _timestamp(wrapper: Document) -> Wrapped:
    timestamp = wrapper["$timestamp"]
    return Wrapped(BsonType.TIMESTAMP, Timestamp(int(timestamp["t"]), int(timestamp["i"])))


def _code(wrapper: Document) -> Wrapped:
    if "$scope" in wrapper:
        return Wrapped(BsonType.SCOPED_CODE, wrapper)
    return _text(BsonType.CODE, "$code")(wrapper)


_WRAPPERS: Mapping[str, Callable[[Document], Wrapped]] = {
    "$binary": _binary,
    "$code": _code,
    "$date": _date,
    "$maxKey": _bare(BsonType.MAX_KEY),
    "$minKey": _bare(BsonType.MIN_KEY),
    "$numberDecimal": _text(BsonType.DECIMAL, "$numberDecimal"),
    "$numberDouble": lambda wrapper: Wrapped(BsonType.DOUBLE, float(wrapper["$numberDouble"])),
    "$numberInt": _integer(BsonType.INT32, "$numberInt"),
    "$numberLong": _integer(BsonType.INT64, "$numberLong"),
    "$oid": _text(BsonType.OBJECT_ID, "$oid"),
    "$regex": _regex,
    "$regularExpression": _regex,
    "$symbol": _text(BsonType.SYMBOL, "$symbol"),
    "$timestamp": _timestamp,
    "$undefined": _bare(BsonType.UNDEFINED),
}


def canonical_text(document: Document) -> str:
    """The document in version 2's canonical form, indented. Raises `ExtendedJsonError`."""
    return _indented(_canonical(document), "\n")


def _indented(value: Any, line: str) -> str:
    """JSON; ``line`` is what a line begins with."""
    within = f"{line}  "
    match value:
        case dict() if value:
            members = (f"{quote(name)}: {_indented(member, within)}" for name, member in value.items())
            return f"{{{within}{f',{within}'.join(members)}{line}}}"
        case list() if value:
            return f"[{within}{f',{within}'.join(_indented(item, within) for item in value)}{line}]"
        case str():
            return quote(value)
    return json.dumps(value)


def _canonical(value: Any) -> Any:
    match value:
        case None | bool() | str():
            return value
        case int():
            return _canonical_of(Wrapped(integer_type(value), value))
        case float():
            return _canonical_of(Wrapped(BsonType.DOUBLE, value))
        case list():
            return [_canonical(item) for item in value]
    wrapped = unwrap(value)
    if wrapped is None:
        return {name: _canonical(member) for name, member in value.items()}
    return _canonical_of(wrapped)


def _canonical_of(wrapped: Wrapped) -> Document:
    value = wrapped.value
    match wrapped.type:
        case BsonType.BINARY:
            return {"$binary": {"base64": b64encode(value.data).decode(), "subType": f"{value.subtype:02x}"}}
        case BsonType.CODE:
            return {"$code": value}
        case BsonType.DATE:
            return {"$date": {"$numberLong": str(value)}}
        case BsonType.DECIMAL:
            return {"$numberDecimal": value}
        case BsonType.DOUBLE:
            return {"$numberDouble": double_text(value)}
        case BsonType.INT32:
            return {"$numberInt": str(value)}
        case BsonType.INT64:
            return {"$numberLong": str(value)}
        case BsonType.MAX_KEY:
            return {"$maxKey": 1}
        case BsonType.MIN_KEY:
            return {"$minKey": 1}
        case BsonType.OBJECT_ID:
            return {"$oid": value}
        case BsonType.REGEX:
            return {"$regularExpression": value._asdict()}
        case BsonType.SCOPED_CODE:
            return {"$code": value["$code"], "$scope": _canonical(value["$scope"])}
        case BsonType.SYMBOL:
            return {"$symbol": value}
        case BsonType.TIMESTAMP:
            return {"$timestamp": {"t": value.seconds, "i": value.increment}}
        case BsonType.UNDEFINED:
            return {"$undefined": True}
