"""The Protobuf schema of a Connect schema, as Confluent's ProtobufData decides it.

A struct becomes a message, and what is within it is defined within it. Fields are numbered in their order.

Source: ``io.confluent.connect.protobuf.ProtobufData.fromConnectSchema`` (7.0).
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote_plus

from headwater.converter import ConversionError
from headwater.converters.protobuf.schema import (
    SCALARS,
    ProtoField,
    ProtoFile,
    ProtoMessage,
    check_name,
    proto_file,
)
from headwater.converters.protobuf.well_known import LOGICAL, WRAPPERS, WRAPPERS_FILE, WRAPPERS_PACKAGE, wrappers
from headwater.record import DECIMAL, Schema, Type

_OWN_PARAMETERS = "io.confluent.connect.protobuf."
"""What begins so was made of a Protobuf schema by Confluent's converter when it read one."""
_DEFAULT_NAME = "ConnectDefault"
_PRECISION = "connect.decimal.precision"
_TYPES = {
    Type.INT8: "int32",
    Type.INT16: "int32",
    Type.INT32: "int32",
    Type.INT64: "int64",
    Type.FLOAT32: "float",
    Type.FLOAT64: "double",
    Type.BOOLEAN: "bool",
    Type.STRING: "string",
    Type.BYTES: "bytes",
}


@dataclass(frozen=True, slots=True)
class Mapping:
    """What a converter's options say of schemas; the names are Confluent's."""

    scrub_invalid_names: bool = False
    optional_for_nullables: bool = False
    wrapper_for_nullables: bool = False

    def schema(self, schema: Schema) -> ProtoFile:
        """The file that defines a key or value. Raises `ConversionError`."""
        return _Translation(self).file(schema)

    def name(self, name: str) -> str:
        """The name of a field or message, or a part of a package's."""
        return scrub(name) if self.scrub_invalid_names else name

    def is_wrapped(self, schema: Schema) -> bool:
        """Whether a scalar is in a message of its own, which may be absent."""
        return self.wrapper_for_nullables and schema.optional and schema.type in WRAPPERS and schema.name not in LOGICAL


def scrub(name: str) -> str:
    """A name made valid: written as in an address, with ``_`` in place of what still isn't allowed."""
    if not name or (name.isascii() and name.isidentifier() and name[0] != "_"):
        return name
    encoded = quote_plus(name, safe="*", errors="replace").replace("~", "%7E")
    if encoded[0].isdigit() or encoded[0] == "_":
        encoded = f"x{encoded}"
    return "".join(letter if letter.isalnum() else "_" for letter in encoded)


class _Translation:
    """Of one schema: its file has the imports that were met."""

    def __init__(self, mapping: Mapping) -> None:
        self._mapping = mapping
        self._imports: dict[str, None] = {}
        self._package: list[str] = []
        self._nameless = 0

    def file(self, schema: Schema) -> ProtoFile:
        _check_parameters(schema)
        if schema.type in (Type.ARRAY, Type.MAP) or schema.name in LOGICAL:
            raise ConversionError(
                f"a whole key or value can't be {schema.name or schema.type} in Protobuf, only as a field of a struct"
            )
        if schema.type is not Type.STRUCT:
            return wrappers(WRAPPERS[schema.type])
        if schema.name == "":
            raise ConversionError("a struct that is a whole key or value can't have an empty name in Protobuf")
        parts = [self._mapping.name(part) for part in self._name(schema).rstrip(".").split(".")]
        self._package = parts[:-1]
        message = self._message(parts[-1], schema)
        return proto_file(".".join(self._package), list(self._imports), message)

    def _name(self, schema: Schema) -> str:
        if schema.name:
            return schema.name
        self._nameless += 1
        return f"{_DEFAULT_NAME}{self._nameless}"

    def _unqualified(self, schema: Schema) -> str:
        return self._mapping.name(self._name(schema).rpartition(".")[2])

    def _message(self, name: str, schema: Schema) -> ProtoMessage:
        check_name(name, "name of a message")
        if name in SCALARS:
            raise ConversionError(f"a message can't have the name {name}, which is that of one of Protobuf's types")
        message = ProtoMessage(name)
        structs: dict[str, Schema] = {name: schema}
        for number, field in enumerate(schema.fields, 1):
            field_name = self._mapping.name(field.name)
            try:
                message.fields.append(self._field(message, structs, field_name, field.schema, number))
            except ConversionError as error:
                raise ConversionError(f"{field.name}: {error}") from None
        _check_unique(message)
        return message

    def _field(
        self, parent: ProtoMessage, structs: dict[str, Schema], name: str, schema: Schema, number: int
    ) -> ProtoField:
        """``structs`` are those whose names are taken in ``parent``, itself among them."""
        check_name(name, "name of a field")
        _check_parameters(schema)
        element = _part(schema.value_schema) if schema.type is Type.ARRAY else schema
        if element.type is Type.ARRAY:
            raise ConversionError("an array of arrays can't be written in Protobuf")
        type_, message = self._type(parent, structs, name, element)
        label = ""
        if schema.type in (Type.ARRAY, Type.MAP):
            label = "repeated"
            if element.default is not None and type_ in SCALARS:
                raise ConversionError("what is in an array or a map can't have a default in Protobuf")
        elif self._mapping.optional_for_nullables and schema.optional:
            label = "optional"
        return ProtoField(name, type_, number, label, _params(element), message)

    def _type(
        self, parent: ProtoMessage, structs: dict[str, Schema], name: str, schema: Schema
    ) -> tuple[str, ProtoMessage | None]:
        _check_parameters(schema)
        if schema.name in LOGICAL:
            known = LOGICAL[schema.name]
            return self._imported(known.type, known.file), None
        match schema.type:
            case Type.MAP:
                message = self._entry(_entry_name(self._unqualified(schema)), schema)
                parent.messages.append(message)
                return message.name, message
            case Type.STRUCT:
                message = self._struct(parent, structs, name, schema)
                return message.name, message
            case _ if self._mapping.is_wrapped(schema):
                return self._imported(f"{WRAPPERS_PACKAGE}.{WRAPPERS[schema.type]}", WRAPPERS_FILE), None
            case _:
                return _TYPES[schema.type], None

    def _struct(
        self, parent: ProtoMessage, structs: dict[str, Schema], field_name: str, schema: Schema
    ) -> ProtoMessage:
        """Within a message, a struct's name stands for the first one of that name."""
        name = self._unqualified(schema)
        if name == field_name:
            name += "Message"
        known = structs.setdefault(name, schema)
        if known.fields != schema.fields:
            raise ConversionError(f"in {parent.name}, the message {name} would stand for two different things")
        message = parent if name == parent.name else parent.find_message(name)
        if message is None:
            message = self._message(name, schema)
            parent.messages.append(message)
        return message

    def _entry(self, name: str, schema: Schema) -> ProtoMessage:
        """The message that holds one key of a map and its value."""
        check_name(name, "name of a message")
        message = ProtoMessage(name)
        structs = {name: schema}
        for number, (part, inner) in enumerate((("key", schema.key_schema), ("value", schema.value_schema)), 1):
            found = self._field(message, structs, part, _part(inner), number)
            label = "repeated" if found.label == "repeated" else ""
            message.fields.append(ProtoField(part, found.type, number, label, message=found.message))
        _check_unique(message)
        return message

    def _imported(self, type_: str, file: str) -> str:
        outermost = type_.partition(".")[0]
        if outermost in self._package[1:]:
            raise ConversionError(f"the package {'.'.join(self._package)} hides {type_} in Protobuf")
        self._imports[file] = None
        return type_


def _part(schema: Schema | None) -> Schema:
    if schema is None:
        raise ConversionError("an array or map without schemas of what is in it can't be written in Protobuf")
    return schema


def _params(schema: Schema) -> dict[str, str]:
    """What Protobuf has no place for."""
    if schema.name == DECIMAL:
        found = {"precision": schema.parameter(_PRECISION), "scale": schema.parameter("scale")}
        return {name: value for name, value in found.items() if value is not None}
    return {"connect.type": schema.type.value} if schema.type in (Type.INT8, Type.INT16) else {}


def _check_parameters(schema: Schema) -> None:
    names = (schema.name or "", *(name for name, _ in schema.parameters))
    if any(name.startswith(_OWN_PARAMETERS) for name in names):
        raise ConversionError(f"schemas with {_OWN_PARAMETERS}… can't be written: enums and unions of Protobuf's own")


def _check_unique(message: ProtoMessage) -> None:
    names = [*(field.name for field in message.fields), *(inner.name for inner in message.messages)]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ConversionError(f"the Protobuf message {message.name} would have {sorted(twice)} twice")


def _entry_name(name: str) -> str:
    """As protoc names the message of a map's entries."""
    if "_" not in name:
        return f"{name}Entry"
    return "".join(_capitalized(word) for word in name.split("_")) + "Entry"


def _capitalized(word: str) -> str:
    """The first letter large and the rest small, those of ASCII."""
    rest = "".join(letter.lower() if letter.isascii() else letter for letter in word[1:])
    return (word[:1].upper() if word[:1].isascii() else word[:1]) + rest
