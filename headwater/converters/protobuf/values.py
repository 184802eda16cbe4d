"""What bytes a Connect value becomes in Protobuf.

Proto3 leaves out what is zero, false or empty, and null; a field with the label ``optional``, and a message, are left
out only where they are null.

Source: ``io.confluent.connect.protobuf.ProtobufData.fromConnectData`` (7.0), and Protobuf's documentation, Encoding.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import Any, NamedTuple

from headwater.converter import ConversionError
from headwater.converters.expected import INTEGER_BITS, expect, field_value, integer_check
from headwater.converters.protobuf import wire
from headwater.converters.protobuf.connect_schema import Mapping
from headwater.converters.protobuf.schema import ProtoField, ProtoMessage
from headwater.converters.protobuf.well_known import LOGICAL
from headwater.record import Field, Schema, Type

Write = Callable[[Any], bytes]
"""Takes a Connect value, gives its bytes. Raises `ConversionError`."""


class Scalar(NamedTuple):
    """How a scalar is encoded; ``zero`` is the content that is left out."""

    encoding: int
    content: Write
    zero: bytes


pack_float = Struct("<f").pack
pack_double = Struct("<d").pack


def _flag(value: bool) -> bytes:
    return b"\x01" if value else b"\x00"


_INTEGER = Scalar(wire.VARINT, wire.varint, b"\x00")
SCALARS = {
    **dict.fromkeys(INTEGER_BITS, _INTEGER),
    Type.BOOLEAN: Scalar(wire.VARINT, _flag, b"\x00"),
    Type.FLOAT32: Scalar(wire.I32, pack_float, bytes(4)),
    Type.FLOAT64: Scalar(wire.I64, pack_double, bytes(8)),
    Type.STRING: Scalar(wire.LEN, wire.string, b"\x00"),
    Type.BYTES: Scalar(wire.LEN, wire.octets, b"\x00"),
}
_PYTHON = {Type.BOOLEAN: bool, Type.FLOAT32: float, Type.FLOAT64: float, Type.STRING: str, Type.BYTES: bytes}


class ProtoValues:
    """Makes the functions that turn Connect values into Protobuf's bytes, under one converter's options."""

    def __init__(self, mapping: Mapping) -> None:
        self._mapping = mapping

    def message(self, schema: Schema, message: ProtoMessage) -> Write:
        """The function for whole keys or values other than null."""
        if schema.type is Type.STRUCT:
            return self.struct(schema, message)
        return _omitting(schema, 1)

    def struct(self, schema: Schema, message: ProtoMessage) -> Write:
        """The function for structs: the content of their message."""
        names = {field.name for field in schema.fields}
        members = [
            (field, self.field(field.schema, proto)) for field, proto in zip(schema.fields, message.fields, strict=True)
        ]

        def write(value: dict[str, Any]) -> bytes:
            expect(dict, value, schema)
            if not value.keys() <= names:
                raise ConversionError(f"{sorted(value.keys() - names)} are no fields of the struct's schema")
            return b"".join([_member(field, content, value) for field, content in members])

        return write

    def field(self, schema: Schema, proto: ProtoField) -> Write:
        """The function for a field's values, null among them: its tag and content, or nothing."""
        match schema.type:
            case Type.ARRAY:
                present = self._array(schema, proto)
            case Type.MAP:
                present = self._map(schema, proto)
            case _:
                present = self._single(schema, proto)
        if schema.optional:
            return lambda value: b"" if value is None else present(value)
        return lambda value: _missing() if value is None else present(value)

    def _single(self, schema: Schema, proto: ProtoField) -> Write:
        if not self._is_message(schema):
            if proto.label != "optional":
                return _omitting(schema, proto.number)
            begin = wire.tag(proto.number, SCALARS[schema.type].encoding)
            content = _checked_scalar(schema)
            return lambda value: begin + content(value)
        begin = wire.tag(proto.number, wire.LEN)
        content = self._content(schema, proto)
        return lambda value: wire.delimited(begin, content(value))

    def _is_message(self, schema: Schema) -> bool:
        return schema.type is Type.STRUCT or schema.name in LOGICAL or self._mapping.is_wrapped(schema)

    def _content(self, schema: Schema, proto: ProtoField) -> Write:
        """Of a message."""
        if schema.name in LOGICAL:
            return _checked(int, schema, LOGICAL[schema.name].content(schema))
        if schema.type is Type.STRUCT:
            assert proto.message is not None  # noqa: S101 - the translation defines it
            return self.struct(schema, proto.message)
        return _omitting(schema, 1)

    def _array(self, schema: Schema, proto: ProtoField) -> Write:
        element = _part(schema.value_schema)
        if element.type is Type.MAP:
            return _checked(list, schema, lambda value: _refuse_maps() if value else b"")
        if not self._is_message(element) and SCALARS[element.type].encoding != wire.LEN:
            return self._packed(schema, element, proto)
        begin = wire.tag(proto.number, wire.LEN)
        content = self._content(element, proto) if self._is_message(element) else None
        octets = _checked_scalar(element) if content is None else lambda value: wire.octets(content(value))
        return _checked(list, schema, lambda value: b"".join([begin + octets(_not_null(item)) for item in value]))

    def _packed(self, schema: Schema, element: Schema, proto: ProtoField) -> Write:
        """Numbers stand in one field, one behind the other."""
        begin = wire.tag(proto.number, wire.LEN)
        content = _checked_scalar(element)

        def write(value: list[Any]) -> bytes:
            items = [content(_not_null(item)) for item in value]
            return wire.delimited(begin, b"".join(items)) if items else b""

        return _checked(list, schema, write)

    def _map(self, schema: Schema, proto: ProtoField) -> Write:
        assert proto.message is not None  # noqa: S101 - the translation defines it
        begin = wire.tag(proto.number, wire.LEN)
        key_field, value_field = proto.message.fields
        key = self.field(_part(schema.key_schema), key_field)
        member = self.field(_part(schema.value_schema), value_field)
        return _checked(
            dict, schema, lambda value: b"".join([wire.delimited(begin, key(k) + member(v)) for k, v in value.items()])
        )


def _member(field: Field, content: Write, struct: dict[str, Any]) -> bytes:
    try:
        return content(field_value(field, struct))
    except ConversionError as error:
        raise ConversionError(f"{field.name}: {error}") from None


def _omitting(schema: Schema, number: int) -> Write:
    """A scalar's field, which is left out where it is zero, false or empty."""
    encoding, _, zero = SCALARS[schema.type]
    begin = wire.tag(number, encoding)
    content = _checked_scalar(schema)

    def write(value: Any) -> bytes:
        written = content(value)
        return b"" if written == zero else begin + written

    return write


def _checked_scalar(schema: Schema) -> Write:
    content = SCALARS[schema.type].content
    if schema.type not in INTEGER_BITS:
        return _checked(_PYTHON[schema.type], schema, content)
    check = integer_check(schema)

    def written(value: int) -> bytes:
        check(value)
        return content(value)

    return written


def _checked(expected: type, schema: Schema, write: Write) -> Write:
    def written(value: Any) -> bytes:
        expect(expected, value, schema)
        return write(value)

    return written


def _part(schema: Schema | None) -> Schema:
    assert schema is not None  # noqa: S101 - the translation refuses such schemas
    return schema


def _not_null(item: Any) -> Any:
    if item is None:
        raise ConversionError("null in an array can't be written in Protobuf")
    return item


def _missing() -> bytes:
    raise ConversionError("null in a field that is required and has no default")


def _refuse_maps() -> bytes:
    raise ConversionError("an array of maps can't be written in Protobuf unless it is empty")
