"""What bytes a Connect value becomes under an Avro schema: the one that its own schema translates to, or another.

Where the registry decides on the schema (``use.latest.version``), fields are found by their names, those that the
value hasn't are written as their defaults, and numbers are widened as Avro's schema resolution allows.

Source: ``io.confluent.connect.avro.AvroData.fromConnectData`` (7.0) and Avro's ``GenericDatumWriter``.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import Any

from headwater.converter import ConversionError
from headwater.converters.avro import binary
from headwater.converters.avro.connect_schema import ANYTHING, Mapping
from headwater.converters.avro.schema import NO_DEFAULT, AvroField, AvroSchema, Json, Kind
from headwater.converters.decimal_text import decimal_bytes
from headwater.converters.expected import INTEGER_BITS, expect, field_value, integer_check
from headwater.record import DECIMAL, Field, Schema, Type

Write = Callable[[Any], bytes]
"""Takes a Connect value, gives its bytes. Raises `ConversionError`."""

pack_float = Struct("<f").pack
pack_double = Struct("<d").pack

_FLOATS = (Kind.FLOAT, Kind.DOUBLE)
_KINDS: dict[Type, tuple[Kind, ...]] = {
    Type.INT8: (Kind.INT, Kind.LONG, *_FLOATS),
    Type.INT16: (Kind.INT, Kind.LONG, *_FLOATS),
    Type.INT32: (Kind.INT, Kind.LONG, *_FLOATS),
    Type.INT64: (Kind.LONG, *_FLOATS),
    Type.FLOAT32: _FLOATS,
    Type.FLOAT64: (Kind.DOUBLE,),
    Type.BOOLEAN: (Kind.BOOLEAN,),
    Type.STRING: (Kind.STRING, Kind.ENUM, Kind.BYTES),
    Type.BYTES: (Kind.BYTES, Kind.FIXED),
    Type.ARRAY: (Kind.ARRAY,),
    Type.MAP: (Kind.MAP, Kind.ARRAY),
    Type.STRUCT: (Kind.RECORD,),
}
"""What a type may be written as, the likest first."""
_PYTHON = {Type.BOOLEAN: bool, Type.STRING: str, Type.BYTES: bytes, Type.ARRAY: list, Type.MAP: dict, Type.STRUCT: dict}


class AvroValues:
    """Makes the functions that turn Connect values into Avro's bytes, under one converter's options."""

    def __init__(self, mapping: Mapping) -> None:
        self._mapping = mapping

    def writer(self, schema: Schema | None, avro: AvroSchema) -> Write:
        """The function for values of ``schema``, null among them. Raises `ConversionError` where they don't fit."""
        if schema is None:
            if avro is not ANYTHING:
                raise ConversionError("a value without a schema can't be written under a schema of the registry's")
            return _anything
        prefix, branch = self.branch(schema, avro)
        present = self.present(schema, branch)
        absent = null(avro) if schema.optional else None
        if absent is None:
            return lambda value: _missing() if value is None else prefix + present(value)
        return lambda value: absent if value is None else prefix + present(value)

    def message(self, schema: Schema | None, avro: AvroSchema) -> Write:
        """The function for whole keys or values other than null: bytes stand there as they are."""
        if schema is None or avro.kind is not Kind.BYTES:
            return self.writer(schema, avro)
        if schema.name == DECIMAL:
            return _checked(int, schema, decimal_bytes)
        return _checked(bytes, schema, lambda value: value)

    def branch(self, schema: Schema, avro: AvroSchema) -> tuple[bytes, AvroSchema]:
        """What values other than null are written as, and the number of that in a union, as bytes."""
        branches = avro.branches if avro.kind is Kind.UNION else (avro,)
        for kind in _KINDS[schema.type]:
            fitting = [each for each in branches if each.kind is kind]
            if fitting:
                alike = (each for each in fitting if _simple_name(each.name) == _simple_name(schema.name or ""))
                chosen = next(alike, fitting[0])
                return binary.long(branches.index(chosen)) if avro.kind is Kind.UNION else b"", chosen
        shown = avro.text() if len(avro.text()) < 200 else avro.kind
        raise ConversionError(f"{schema.type} can't be written as {shown}, which the schema in the registry has")

    def present(self, schema: Schema, avro: AvroSchema) -> Write:
        """The function for values of ``schema`` other than null; ``avro`` is no union."""
        if schema.name == DECIMAL:
            return self._decimal(schema, avro)
        if schema.type in INTEGER_BITS:
            return _checked_integer(schema, _number(avro))
        match schema.type:
            case Type.FLOAT32 | Type.FLOAT64:
                return _checked(float, schema, _number(avro))
            case Type.BOOLEAN:
                return _checked(bool, schema, lambda value: b"\x01" if value else b"\x00")
            case Type.STRING:
                return _checked(str, schema, _symbol(avro) if avro.kind is Kind.ENUM else binary.string)
            case Type.BYTES:
                return _checked(bytes, schema, _fixed(avro) if avro.kind is Kind.FIXED else binary.octets)
            case Type.ARRAY:
                return _checked(list, schema, self._array(schema.value_schema, _items(avro)))
            case Type.MAP:
                return _checked(dict, schema, self._map(schema, avro))
            case _:
                return self._struct(schema, avro)

    def members(self, schema: Schema, avro: AvroSchema) -> list[tuple[AvroField, Field | None]]:
        """The fields of a record with those of the struct that they are made of; None where a default is written."""
        fields = {self._mapping.name(field.name): field for field in schema.fields}
        return [(each, fields.get(each.name)) for each in avro.fields]

    def _decimal(self, schema: Schema, avro: AvroSchema) -> Write:
        if avro.kind is Kind.FIXED:
            fixed = _fixed(avro)
            return _checked(int, schema, lambda value: fixed(decimal_bytes(value)))
        return _checked(int, schema, binary.decimal)

    def _array(self, schema: Schema | None, avro: AvroSchema) -> Write:
        write = self.writer(schema, avro)
        return lambda value: _block([write(item) for item in value])

    def _map(self, schema: Schema, avro: AvroSchema) -> Write:
        if avro.kind is Kind.MAP:
            write_value = self.writer(schema.value_schema, _items(avro))
            return lambda value: _block([_name(key) + write_value(member) for key, member in value.items()])
        entry = _items(avro)
        if len(entry.fields) != 2:
            raise ConversionError("a map can't be written as an array that is not one of entries")
        write_key = self.writer(schema.key_schema, entry.fields[0].schema)
        write_member = self.writer(schema.value_schema, entry.fields[1].schema)
        return lambda value: _block([write_key(key) + write_member(member) for key, member in value.items()])

    def _struct(self, schema: Schema, avro: AvroSchema) -> Write:
        names = {field.name for field in schema.fields}
        members = [
            (field, default_of(member) if field is None else self._member(field, member))
            for member, field in self.members(schema, avro)
        ]

        def write(value: dict[str, Any]) -> bytes:
            expect(dict, value, schema)
            if not value.keys() <= names:
                raise ConversionError(f"{sorted(value.keys() - names)} are no fields of the struct's schema")
            written = []
            for field, content in members:
                if isinstance(content, bytes):
                    written.append(content)
                    continue
                assert field is not None  # noqa: S101 - only a default has none
                try:
                    written.append(content(field_value(field, value)))
                except ConversionError as error:
                    raise ConversionError(f"{field.name}: {error}") from None
            return b"".join(written)

        return write

    def _member(self, field: Field, member: AvroField) -> Write:
        try:
            return self.writer(field.schema, member.schema)
        except ConversionError as error:
            raise ConversionError(f"{field.name}: {error}") from None


def null(avro: AvroSchema) -> bytes | None:
    """The bytes of null; None where the schema has no place for it."""
    for index, branch in enumerate(avro.branches):
        if branch.kind is Kind.NULL:
            return binary.long(index)
    return None


def default_of(member: AvroField) -> bytes:
    """The bytes of a field's default. Raises `ConversionError` where it has none."""
    if member.default is NO_DEFAULT:
        raise ConversionError(f"the schema in the registry has a field {member.name} without a default, the value none")
    return _from_json(member.schema, member.default)


def _from_json(avro: AvroSchema, value: Json) -> bytes:
    """A value as Avro writes it in JSON, where that is a default."""
    match avro.kind:
        case Kind.UNION:
            return b"\x00" + _from_json(avro.branches[0], value)
        case Kind.NULL:
            return b""
        case Kind.BOOLEAN:
            return b"\x01" if value else b"\x00"
        case Kind.INT | Kind.LONG | Kind.FLOAT | Kind.DOUBLE:
            return _number(avro)(float(value) if isinstance(value, str) else value)
        case Kind.STRING:
            return binary.string(value)
        case Kind.BYTES:
            return binary.octets(value.encode("latin-1"))
        case Kind.FIXED:
            return _fixed(avro)(value.encode("latin-1"))
        case Kind.ENUM:
            return _symbol(avro)(value)
        case Kind.ARRAY:
            return _block([_from_json(_items(avro), item) for item in value])
        case Kind.MAP:
            return _block([binary.string(key) + _from_json(_items(avro), item) for key, item in value.items()])
        case Kind.RECORD:
            return b"".join(
                _from_json(each.schema, value[each.name]) if each.name in value else default_of(each)
                for each in avro.fields
            )


def _number(avro: AvroSchema) -> Write:
    if avro.kind is Kind.FLOAT:
        return pack_float
    return pack_double if avro.kind is Kind.DOUBLE else binary.long


def _symbol(avro: AvroSchema) -> Write:
    numbers = {symbol: binary.long(number) for number, symbol in enumerate(avro.symbols)}

    def write(value: str) -> bytes:
        if value not in numbers:
            raise ConversionError(f"{value!r} is no symbol of the enum {avro.name}")
        return numbers[value]

    return write


def _fixed(avro: AvroSchema) -> Write:
    def write(value: bytes) -> bytes:
        if len(value) != avro.size:
            raise ConversionError(f"{len(value)} bytes don't fit {avro.name}, which has {avro.size}")
        return value

    return write


def _items(avro: AvroSchema) -> AvroSchema:
    assert avro.items is not None  # noqa: S101 - an array and a map have them
    return avro.items


def _block(items: list[bytes]) -> bytes:
    """Items of an array or a map: one block with all of them, and the empty one that ends it."""
    return b"".join([binary.long(len(items)), *items, b"\x00"]) if items else b"\x00"


def _name(key: object) -> bytes:
    if type(key) is not str:
        raise ConversionError("a key of a map in Avro must be a string")
    return binary.string(key)


def _checked(expected: type, schema: Schema, write: Write) -> Write:
    def written(value: Any) -> bytes:
        expect(expected, value, schema)
        return write(value)

    return written


def _checked_integer(schema: Schema, write: Write) -> Write:
    check = integer_check(schema)

    def written(value: int) -> bytes:
        check(value)
        return write(value)

    return written


def _missing() -> bytes:
    raise ConversionError("null in a field that is required and has no default")


def _simple_name(name: str) -> str:
    return name.rpartition(".")[2]


_INT64 = integer_check(Schema(Type.INT64))


def _anything(value: Any) -> bytes:
    """A value whose schema is its Python type: the record `ANYTHING`, all fields null but one at most."""
    match value:
        case None:
            return _one_of_anything(-1, b"")
        case bool():
            return _one_of_anything(0, b"\x01" if value else b"\x00")
        case float():
            return _one_of_anything(2, pack_double(value))
        case int():
            _INT64(value)
            return _one_of_anything(5, binary.long(value))
        case str():
            return _one_of_anything(6, binary.string(value))
        case list():
            return _one_of_anything(7, _block([_anything(item) for item in value]))
        case dict():
            return _one_of_anything(8, _block([_anything(key) + _anything(item) for key, item in value.items()]))
        case _:
            raise ConversionError(f"{type(value).__name__} can't be written without a schema")


def _one_of_anything(field: int, content: bytes) -> bytes:
    return b"".join(b"\x02" + content if number == field else b"\x00" for number in range(len(ANYTHING.fields)))
