"""JSON as Kafka Connect's JsonConverter writes it, with schemas or without, told apart by themselves.

Source: ``org.apache.kafka.connect.json.JsonConverter`` (Kafka 4.3), ``toConnectData`` and ``asConnectSchema``.
"""

from __future__ import annotations

import binascii
import json
import math
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import orjson

from headwater.deserializer import DeserializationError, SchemaAndValue
from headwater.record import DECIMAL, Field, Schema, Type

_TYPES = {type_.value: type_ for type_ in Type}
_INTEGERS = {Type.INT8: 7, Type.INT16: 15, Type.INT32: 31, Type.INT64: 63}
_NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_MOST_SCHEMAS = 256


class JsonDeserializer:
    """`headwater.deserializer.Deserializer`."""

    def __init__(self) -> None:
        self._schemas: dict[bytes, Schema | None] = {}

    def read(self, topic: str, data: bytes) -> SchemaAndValue:
        """As `Deserializer.read`."""
        try:
            document = orjson.loads(data)
            if not _has_schema(document):
                return SchemaAndValue(None, document)
            schema = self._schema(document["schema"])
            if schema is None:
                return SchemaAndValue(None, document["payload"])
            try:
                return SchemaAndValue(schema, _value(schema, document["payload"]))
            except _RoundedError:
                exact = json.loads(data, parse_float=Decimal)
                return SchemaAndValue(schema, _value(schema, exact["payload"]))
        except (ValueError, RecursionError) as error:
            raise DeserializationError(f"topic {topic}: {error}") from error

    def _schema(self, document: Any) -> Schema | None:
        text = orjson.dumps(document)
        if text not in self._schemas:
            if len(self._schemas) >= _MOST_SCHEMAS:
                self._schemas.clear()
            self._schemas[text] = _schema(document)
        return self._schemas[text]


class _RoundedError(Exception):
    """A decimal was read as a float."""


def _has_schema(document: Any) -> bool:
    """Whether it is an envelope of JsonConverter, and no value of its own with such members."""
    if not isinstance(document, dict) or document.keys() != {"schema", "payload"}:
        return False
    schema = document["schema"]
    return schema is None or (isinstance(schema, dict) and isinstance(schema.get("type"), str))


def _schema(document: Any) -> Schema | None:
    """A schema from JSON; null is none. Raises ValueError."""
    return None if document is None else _present(document)


def _present(document: Any) -> Schema:
    if not isinstance(document, dict) or document.get("type") not in _TYPES:
        raise ValueError("a schema in the message has no type that Kafka Connect knows")
    type_ = _TYPES[document["type"]]
    parts: dict[str, Any] = {}
    match type_:
        case Type.STRUCT:
            parts["fields"] = tuple(_field(each) for each in document.get("fields") or ())
        case Type.ARRAY:
            parts["value_schema"] = _schema(document.get("items"))
        case Type.MAP:
            parts["key_schema"], parts["value_schema"] = _schema(document.get("keys")), _schema(document.get("values"))
    parameters = document.get("parameters") or {}
    schema = Schema(
        type_,
        optional=document.get("optional") is True,
        name=_text(document.get("name")),
        version=document.get("version"),
        doc=_text(document.get("doc")),
        parameters=tuple((str(name), str(value)) for name, value in parameters.items()),
        **parts,
    )
    default = document.get("default")
    if default is None:
        return schema
    return replace(schema, default=_value(schema, default))


def _field(document: Any) -> Field:
    match document:
        case {"field": str(name)}:
            return Field(name, _present(document))
    raise ValueError("a struct's schema in the message has a field without a name")


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _value(schema: Schema | None, value: Any) -> Any:
    """A Connect value. Raises ValueError with what is wrong, and where."""
    if schema is None:
        return value
    if value is None:
        if schema.default is None and not schema.optional:
            raise ValueError("null where the schema allows none")
        return schema.default
    if schema.name == DECIMAL:
        return _decimal(schema, value)
    if schema.type in _INTEGERS:
        limit = 1 << _INTEGERS[schema.type]
        return _checked(type(value) is int and -limit <= value < limit, schema, value)
    match schema.type:
        case Type.FLOAT32 | Type.FLOAT64:
            if isinstance(value, str) and value in _NOT_FINITE:
                return _NOT_FINITE[value]
            return float(_checked(type(value) in (int, float, Decimal), schema, value))
        case Type.BOOLEAN:
            return _checked(isinstance(value, bool), schema, value)
        case Type.STRING:
            return _checked(isinstance(value, str), schema, value)
        case Type.BYTES:
            return _bytes(_checked(isinstance(value, str), schema, value))
        case Type.ARRAY:
            return [_value(schema.value_schema, each) for each in _checked(isinstance(value, list), schema, value)]
        case Type.MAP:
            return _map(schema, value)
        case _:
            return _struct(schema, _checked(isinstance(value, dict), schema, value))


def _struct(schema: Schema, value: Mapping[str, Any]) -> dict[str, Any]:
    struct = {}
    for field in schema.fields:
        try:
            struct[field.name] = _value(field.schema, value.get(field.name))
        except ValueError as error:
            separator = "" if str(error).startswith(".") else ": "
            raise ValueError(f".{field.name}{separator}{error}") from None
    return struct


def _map(schema: Schema, value: Any) -> dict[Any, Any]:
    """An object, or an array of pairs where the keys are no strings."""
    pairs = value.items() if isinstance(value, dict) else _checked(isinstance(value, list), schema, value)
    try:
        return {_value(schema.key_schema, key): _value(schema.value_schema, member) for key, member in pairs}
    except TypeError as error:
        raise ValueError("a map's members must be pairs of a key and a value") from error


def _decimal(schema: Schema, value: Any) -> int:
    """The unscaled int, from base64 or from a number (``decimal.format``)."""
    if isinstance(value, str):
        return int.from_bytes(_bytes(value), "big", signed=True)
    if isinstance(value, float):
        raise _RoundedError
    _checked(type(value) in (int, Decimal), schema, value)
    scale = schema.parameter("scale") or "0"
    if not scale.lstrip("-").isdecimal() or len(scale) > 9:
        raise ValueError("the schema of a Decimal has no scale")
    sign, digits, exponent = Decimal(value).as_tuple()
    if not isinstance(exponent, int) or exponent < -int(scale):
        raise ValueError(f"a number has more digits than the scale of {scale}")
    unscaled: int = int("".join(map(str, digits))) * 10 ** (exponent + int(scale))
    return -unscaled if sign else unscaled


def _bytes(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(f"bytes must be base64: {error}") from error


def _checked(fits: bool, schema: Schema, value: Any) -> Any:
    if not fits:
        raise ValueError(f"a value of type {schema.type} can't be {type(value).__name__}")
    return value
