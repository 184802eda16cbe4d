"""What JSON a Connect value and a Connect schema become, as Kafka Connect's JsonConverter decides it.

Values are made of what orjson writes; what orjson would write differently is prepared here:

    float32        the shortest decimal that names the float32, not the double Python holds it in
    NaN, ±infinity the strings "NaN", "Infinity", "-Infinity"
    bytes          base64; a Decimal the same of its unscaled int's bytes, or with ``decimal.format=NUMERIC`` a number
    map            an object if its keys are strings, else an array of [key, value]
    null           the schema's default if it has one and ``replace.null.with.default`` is on

Source: ``org.apache.kafka.connect.json.JsonConverter`` (Kafka 4.3), ``convertToJson`` and ``asJsonSchema``.
"""

from __future__ import annotations

import json
from binascii import b2a_base64
from collections.abc import Callable
from typing import Any

import orjson

from headwater.converter import ConversionError
from headwater.converters.decimal_text import decimal_base64
from headwater.converters.expected import INTEGER_BITS, expect, integer_check
from headwater.converters.java_text import big_decimal, decimal_scale
from headwater.java_double import non_finite
from headwater.java_number import shortest_float32
from headwater.record import DECIMAL, Schema, Type

ToJson = Callable[[Any], Any]
"""Takes a Connect value, gives what `dumps` writes. Raises `ConversionError`."""


def dumps(value: object) -> bytes:
    """JSON text of ``value`` in UTF-8; a lone surrogate, which UTF-8 can't hold, is escaped as Jackson does."""
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        return _dumps_surrogates(value)


def _dumps_surrogates(value: object) -> bytes:
    match value:
        case dict():
            members = (b"%b:%b" % (dumps(name), dumps(member)) for name, member in value.items())
            return b"{%b}" % b",".join(members)
        case list():
            return b"[%b]" % b",".join(map(dumps, value))
        case _:
            return json.dumps(value).encode()


def _base64(value: bytes) -> str:
    return b2a_base64(value, newline=False).decode()


def _float32(value: float) -> float | str:
    return shortest_float32(value) if value - value == 0 else non_finite(value)


def _float64(value: float) -> float | str:
    return value if value - value == 0 else non_finite(value)


class JsonValues:
    """Makes the functions that turn Connect values into JSON, under one converter's options.

    ``is_object`` says which maps are objects, the others being arrays of objects with ``key`` and ``value``; without
    it those with strings for keys are, the others arrays of pairs.
    """

    def __init__(
        self, *, numeric_decimals: bool, null_is_default: bool, is_object: Callable[[Schema], bool] | None = None
    ) -> None:
        self.numeric_decimals = numeric_decimals
        self._null_is_default = null_is_default
        self._is_object = is_object

    def writer(self, schema: Schema | None) -> ToJson:
        """The function for values of ``schema``, null among them; without a schema, for any value."""
        if schema is None:
            return _schemaless
        present = self.present(schema)
        absent = self.absent(schema)
        if absent is None and not schema.optional:
            return lambda value: _missing() if value is None else present(value)
        return lambda value: absent if value is None else present(value)

    def absent(self, schema: Schema) -> Any:
        """The JSON of null: the default's, or None."""
        if schema.default is None or not self._null_is_default:
            return None
        return self.present(schema)(schema.default)

    def present(self, schema: Schema) -> ToJson:
        """The function for values of ``schema`` other than null."""
        if schema.name == DECIMAL:
            return self._decimal(schema)
        if schema.type in INTEGER_BITS:
            return _integer(schema)
        match schema.type:
            case Type.FLOAT32:
                return _checked(float, _float32, schema)
            case Type.FLOAT64:
                return _checked(float, _float64, schema)
            case Type.BYTES:
                return _checked(bytes, _base64, schema)
            case Type.ARRAY:
                return self._array(schema)
            case Type.MAP:
                return self._map(schema)
            case Type.STRUCT:
                return self._struct(schema)
            case _:
                return _checked(bool if schema.type is Type.BOOLEAN else str, lambda value: value, schema)

    def _decimal(self, schema: Schema) -> ToJson:
        decimal_scale(schema)
        if self.numeric_decimals:
            return _checked(int, lambda value: orjson.Fragment(big_decimal(value, schema)), schema)
        return _checked(int, decimal_base64, schema)

    def _array(self, schema: Schema) -> ToJson:
        write = self.writer(schema.value_schema)
        return _checked(list, lambda value: [write(item) for item in value], schema)

    def _map(self, schema: Schema) -> ToJson:
        write_key, write_value = self.writer(schema.key_schema), self.writer(schema.value_schema)
        if self._is_object is not None and not self._is_object(schema):

            def entries(value: dict[Any, Any]) -> list[dict[str, Any]]:
                return [{"key": write_key(k), "value": write_value(v)} for k, v in value.items()]

            return _checked(dict, entries, schema)
        if schema.key_schema is None or schema.key_schema.type is not Type.STRING:
            return _checked(dict, lambda value: [[write_key(k), write_value(v)] for k, v in value.items()], schema)

        def name(key: str | None) -> str:
            written = write_key(key)
            return "null" if written is None else str(written)

        return _checked(dict, lambda value: {name(k): write_value(v) for k, v in value.items()}, schema)

    def _struct(self, schema: Schema) -> ToJson:
        members = [(field.name, self.writer(field.schema)) for field in schema.fields]
        names = {name for name, _ in members}

        def write(value: dict[str, Any]) -> dict[str, Any]:
            expect(dict, value, schema)
            if not value.keys() <= names:
                raise ConversionError(f"{sorted(value.keys() - names)} are no fields of the struct's schema")
            written = {}
            for name, write_member in members:
                try:
                    written[name] = write_member(value.get(name))
                except ConversionError as error:
                    raise ConversionError(f"{name}: {error}") from None
            return written

        return write

    def schema(self, schema: Schema | None) -> dict[str, Any] | None:
        """The document that describes ``schema`` in an envelope."""
        if schema is None:
            return None
        document: dict[str, Any] = {"type": schema.type.value}
        match schema.type:
            case Type.ARRAY:
                document["items"] = self.schema(schema.value_schema)
            case Type.MAP:
                document |= {"keys": self.schema(schema.key_schema), "values": self.schema(schema.value_schema)}
            case Type.STRUCT:
                document["fields"] = [{**(self.schema(f.schema) or {}), "field": f.name} for f in schema.fields]
        document["optional"] = schema.optional
        described = {"name": schema.name, "version": schema.version, "doc": schema.doc}
        document |= {name: value for name, value in described.items() if value is not None}
        if schema.parameters:
            document["parameters"] = dict(schema.parameters)
        if schema.default is not None:
            document["default"] = self.present(schema)(schema.default)
        return document


def _missing() -> Any:
    raise ConversionError("null in a field that is required and has no default")


def _checked(expected: type, write: ToJson, schema: Schema) -> ToJson:
    def written(value: Any) -> Any:
        expect(expected, value, schema)
        return write(value)

    return written


def _integer(schema: Schema) -> ToJson:
    check = integer_check(schema)

    def write(value: int) -> int:
        check(value)
        return value

    return write


_INT64 = _integer(Schema(Type.INT64))


def _schemaless(value: Any) -> Any:
    """JSON of a value whose schema is its Python type."""
    match value:
        case None | bool() | str():
            return value
        case int():
            return _INT64(value)
        case float():
            return _float64(value)
        case bytes():
            return _base64(value)
        case list():
            return [_schemaless(item) for item in value]
        case dict() if all(isinstance(key, str) for key in value):
            return {key: _schemaless(member) for key, member in value.items()}
        case dict():
            return [[_schemaless(key), _schemaless(member)] for key, member in value.items()]
        case _:
            raise ConversionError(f"{type(value).__name__} is not a type of Connect values")
