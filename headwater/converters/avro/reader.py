"""Reads what Confluent's AvroConverter writes: the way back of `headwater.converters.avro.converter`.

Source: Avro's specification (1.11.3), Binary Encoding, and ``io.confluent.connect.avro.AvroData.toConnectData`` (7.0).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from headwater.converter import ConversionError
from headwater.converters.avro.connect_schema import NAMESPACE
from headwater.converters.avro.converter import registry_at
from headwater.converters.avro.parser import parse
from headwater.converters.avro.schema import AvroSchema, Kind
from headwater.converters.schema_registry.converter import MAGIC
from headwater.converters.schema_registry.registry import (
    NotRegisteredError,
    RegistryError,
    SchemaRegistry,
)
from headwater.deserializer import DeserializationError, RetriableDeserializationError, SchemaAndValue
from headwater.record import DECIMAL, Field, Schema, Type

_HEADER = struct.Struct(">cI")
_FLOAT, _DOUBLE = struct.Struct("<f"), struct.Struct("<d")
_LONGEST_VARINT = 10
_MOST_SCHEMAS = 1000

Read = Callable[[bytes, int], tuple[Any, int]]
"""Reads a value that begins at an index; gives it and the index behind it. Raises `DeserializationError`."""


class _Reader(NamedTuple):
    schema: Schema
    read: Read


class AvroDeserializer:
    """`headwater.deserializer.Deserializer`, for messages in Confluent's wire format."""

    def __init__(self, registry: SchemaRegistry) -> None:
        self._registry = registry
        self._readers: dict[int, _Reader] = {}

    @classmethod
    def at(cls, url: str, options: Mapping[str, str] | None = None) -> AvroDeserializer:
        """With the registry at ``url``; ``options`` are those of the converter. Raises ValueError."""
        return cls(registry_at(url, options))

    def read(self, topic: str, data: bytes) -> SchemaAndValue:
        """As `Deserializer.read`."""
        if len(data) < _HEADER.size or data[:1] != MAGIC:
            raise DeserializationError(
                f"topic {topic}: not Avro with a schema registry: it doesn't begin with a zero byte"
            )
        _, number = _HEADER.unpack_from(data)
        reader = self._reader(number)
        try:
            value, end = reader.read(data, _HEADER.size)
        except (IndexError, struct.error, UnicodeDecodeError, RecursionError) as error:
            raise DeserializationError(f"topic {topic}: the message is not of its schema, {number}") from error
        if end != len(data):
            raise DeserializationError(
                f"topic {topic}: the message is not of its schema, {number}: bytes are left over"
            )
        return SchemaAndValue(reader.schema, value)

    def _reader(self, number: int) -> _Reader:
        known = self._readers.get(number)
        if known is None:
            try:
                known = _reader(parse(self._registry.by_id(number).text), ())
            except (ConversionError, NotRegisteredError) as error:
                raise DeserializationError(f"schema {number}: {error}") from error
            except RegistryError as error:
                raise RetriableDeserializationError(f"schema {number}: {error}") from error
            if len(self._readers) >= _MOST_SCHEMAS:
                self._readers.clear()
            self._readers[number] = known
        return known


def _reader(avro: AvroSchema, around: tuple[str, ...]) -> _Reader:
    """``around`` are the names of the records that it stands in."""
    if avro.kind is Kind.UNION:
        return _union(avro, around)
    schema, read = _KINDS[avro.kind](avro, around) if avro.kind in _KINDS else _simple(avro)
    return _Reader(_described(avro, schema), read)


def _described(avro: AvroSchema, schema: Schema) -> Schema:
    """With what Connect knows of it."""
    properties = avro.properties
    logical = _LOGICAL_TYPES.get((avro.kind, str(properties.get("logicalType"))))
    name = properties.get("connect.name") or logical or schema.name
    parameters = {**(properties.get("connect.parameters") or {})}
    if name == DECIMAL:
        parameters["scale"] = str(properties.get("scale", 0))
    type_ = Type(properties["connect.type"]) if properties.get("connect.type") in ("int8", "int16") else schema.type
    pairs = tuple((key, str(each)) for key, each in parameters.items())
    return replace(schema, type=type_, name=name, parameters=pairs)


def _simple(avro: AvroSchema) -> tuple[Schema, Read]:
    if avro.kind is Kind.BYTES and avro.properties.get("logicalType") == "decimal":
        return Schema(Type.BYTES, name=DECIMAL), _decimal
    type_, read = _SIMPLE[avro.kind]
    return Schema(type_), read


def _union(avro: AvroSchema, around: tuple[str, ...]) -> _Reader:
    branches = [None if branch.kind is Kind.NULL else _reader(branch, around) for branch in avro.branches]
    present = [branch for branch in branches if branch is not None]
    if len(present) != 1:
        raise DeserializationError("a union of several types can't be read")

    def read(data: bytes, at: int) -> tuple[Any, int]:
        number, at = _long(data, at)
        if not 0 <= number < len(branches):
            raise DeserializationError("there is no such branch of a union")
        branch = branches[number]
        return (None, at) if branch is None else branch.read(data, at)

    return _Reader(present[0].schema.as_optional() if None in branches else present[0].schema, read)


def _record(avro: AvroSchema, around: tuple[str, ...]) -> tuple[Schema, Read]:
    if avro.name in around:
        raise DeserializationError(f"a record that contains itself ({avro.name}) can't be read")
    members = [(each.name, _reader(each.schema, (*around, avro.name))) for each in avro.fields]

    def read(data: bytes, at: int) -> tuple[Any, int]:
        value = {}
        for name, member in members:
            value[name], at = member.read(data, at)
        return value, at

    fields = tuple(Field(name, member.schema) for name, member in members)
    return Schema(Type.STRUCT, name=avro.name, fields=fields), read


def _array(avro: AvroSchema, around: tuple[str, ...]) -> tuple[Schema, Read]:
    inner = _items(avro)
    items = _reader(inner, around)
    if inner.name == f"{NAMESPACE}.MapEntry" or inner.properties.get("connect.internal.type") == "MapEntry":
        return _entries(items)
    return Schema(Type.ARRAY, value_schema=items.schema), lambda data, at: _repeated(data, at, items.read)


def _entries(items: _Reader) -> tuple[Schema, Read]:
    """A map whose keys are no strings."""

    def read(data: bytes, at: int) -> tuple[dict[Any, Any], int]:
        entries, at = _repeated(data, at, items.read)
        return {entry["key"]: entry["value"] for entry in entries}, at

    key, value = (field.schema for field in items.schema.fields)
    return Schema(Type.MAP, key_schema=key, value_schema=value), read


def _map(avro: AvroSchema, around: tuple[str, ...]) -> tuple[Schema, Read]:
    values = _reader(_items(avro), around)

    def read_pair(data: bytes, at: int) -> tuple[tuple[str, Any], int]:
        key, at = _string(data, at)
        value, at = values.read(data, at)
        return (key, value), at

    def read(data: bytes, at: int) -> tuple[dict[str, Any], int]:
        pairs, at = _repeated(data, at, read_pair)
        return dict(pairs), at

    return Schema(Type.MAP, key_schema=Schema(Type.STRING), value_schema=values.schema), read


def _enum(avro: AvroSchema, _around: tuple[str, ...]) -> tuple[Schema, Read]:
    def read(data: bytes, at: int) -> tuple[str, int]:
        number, at = _long(data, at)
        if not 0 <= number < len(avro.symbols):
            raise DeserializationError("there is no such symbol of an enum")
        return avro.symbols[number], at

    return Schema(Type.STRING), read


def _fixed(avro: AvroSchema, _around: tuple[str, ...]) -> tuple[Schema, Read]:
    def read(data: bytes, at: int) -> tuple[Any, int]:
        value, end = _slice(data, at, avro.size)
        return (int.from_bytes(value, "big", signed=True) if is_decimal else value), end

    is_decimal = avro.properties.get("logicalType") == "decimal"
    return Schema(Type.BYTES, name=DECIMAL if is_decimal else avro.name), read


def _repeated(data: bytes, at: int, read: Read) -> tuple[list[Any], int]:
    """The items of all blocks, up to the empty one."""
    items: list[Any] = []
    while True:
        count, at = _long(data, at)
        if count == 0:
            return items, at
        if count < 0:  # the block's size in bytes follows
            count = -count
            _, at = _long(data, at)
        if count > len(data):  # what takes no bytes could be repeated without end
            raise DeserializationError("a block has more items than the message has bytes")
        for _ in range(count):
            item, at = read(data, at)
            items.append(item)


def _items(avro: AvroSchema) -> AvroSchema:
    if avro.items is None:
        raise DeserializationError("an array or map has no type of its items")
    return avro.items


def _long(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(_LONGEST_VARINT):
        byte = data[at + place]
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), at + place + 1
    raise DeserializationError("a number is too long")


def _octets(data: bytes, at: int) -> tuple[bytes, int]:
    size, at = _long(data, at)
    return _slice(data, at, size)


def _slice(data: bytes, at: int, size: int) -> tuple[bytes, int]:
    if not 0 <= size <= len(data) - at:
        raise DeserializationError("bytes or text are longer than the message")
    return data[at : at + size], at + size


def _string(data: bytes, at: int) -> tuple[str, int]:
    octets, at = _octets(data, at)
    return octets.decode(), at


def _decimal(data: bytes, at: int) -> tuple[int, int]:
    octets, at = _octets(data, at)
    return int.from_bytes(octets, "big", signed=True), at


def _boolean(data: bytes, at: int) -> tuple[bool, int]:
    return data[at] != 0, at + 1


def _float(data: bytes, at: int) -> tuple[float, int]:
    return _FLOAT.unpack_from(data, at)[0], at + _FLOAT.size


def _double(data: bytes, at: int) -> tuple[float, int]:
    return _DOUBLE.unpack_from(data, at)[0], at + _DOUBLE.size


_SIMPLE: dict[Kind, tuple[Type, Read]] = {
    Kind.BOOLEAN: (Type.BOOLEAN, _boolean),
    Kind.INT: (Type.INT32, _long),
    Kind.LONG: (Type.INT64, _long),
    Kind.FLOAT: (Type.FLOAT32, _float),
    Kind.DOUBLE: (Type.FLOAT64, _double),
    Kind.BYTES: (Type.BYTES, _octets),
    Kind.STRING: (Type.STRING, _string),
}
_KINDS: dict[Kind, Callable[[AvroSchema, tuple[str, ...]], tuple[Schema, Read]]] = {
    Kind.RECORD: _record,
    Kind.ARRAY: _array,
    Kind.MAP: _map,
    Kind.ENUM: _enum,
    Kind.FIXED: _fixed,
}
_LOGICAL_TYPES = {
    (Kind.INT, "date"): "org.apache.kafka.connect.data.Date",
    (Kind.INT, "time-millis"): "org.apache.kafka.connect.data.Time",
    (Kind.LONG, "timestamp-millis"): "org.apache.kafka.connect.data.Timestamp",
}
