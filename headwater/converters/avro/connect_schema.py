"""The Avro schema of a Connect schema, as Confluent's AvroData decides it.

Structs become records; whatever Avro has no place for stands in properties that begin with ``connect.``. A value that
may be null is a union: of null and its type, or, where it has a default, of its type and null, because the default of
a union is one of its first branch.

Source: ``io.confluent.connect.avro.AvroData.fromConnectSchema`` (7.0).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote_plus

from headwater.converter import ConversionError
from headwater.converters.avro.schema import (
    NO_DEFAULT,
    AvroField,
    AvroSchema,
    Json,
    Kind,
    Number,
    check_name,
    is_valid_default,
    named,
    record_fields,
)
from headwater.converters.decimal_text import decimal_bytes
from headwater.converters.expected import field_value
from headwater.converters.java_text import decimal_scale, floating
from headwater.java_double import double_text
from headwater.record import DECIMAL, Field, Schema, Type

NAMESPACE = "io.confluent.connect.avro"
ENUM = f"{NAMESPACE}.Enum"
"""The parameter that holds the name of an Avro enum; those below it hold its symbols."""
UNION = f"{NAMESPACE}.Union"
FIXED_SIZE = "connect.fixed.size"
PRECISION = "connect.decimal.precision"
_DEFAULT_PRECISION = 64
_DEFAULT_FLAG = f"{NAMESPACE}.field.default"

_KINDS = {
    Type.INT8: Kind.INT,
    Type.INT16: Kind.INT,
    Type.INT32: Kind.INT,
    Type.INT64: Kind.LONG,
    Type.FLOAT32: Kind.FLOAT,
    Type.FLOAT64: Kind.DOUBLE,
    Type.BOOLEAN: Kind.BOOLEAN,
}
_LOGICAL_TYPES = {
    "org.apache.kafka.connect.data.Time": ("time-millis", Kind.INT),
    "org.apache.kafka.connect.data.Timestamp": ("timestamp-millis", Kind.LONG),
    "org.apache.kafka.connect.data.Date": ("date", Kind.INT),
}


@dataclass(frozen=True, slots=True)
class Mapping:
    """What a converter's options say of schemas; the names are Confluent's."""

    enhanced_avro_schema_support: bool = False
    connect_meta_data: bool = True
    scrub_invalid_names: bool = False
    discard_type_doc_default: bool = False
    allow_optional_map_keys: bool = False

    def schema(self, schema: Schema | None) -> AvroSchema:
        """The Avro schema of a key or value. Raises `ConversionError`."""
        return ANYTHING if schema is None else _Translation(self).schema(schema)

    def name(self, name: str) -> str:
        """The name of a field."""
        return scrub(name) if self.scrub_invalid_names else name

    def is_enum(self, schema: Schema) -> bool:
        """Whether a string is one of an enum's symbols."""
        return self.enhanced_avro_schema_support and schema.parameter(ENUM) is not None

    def has_string_keys(self, schema: Schema) -> bool:
        """Whether a map is one in Avro too; otherwise it is an array of entries."""
        key = schema.key_schema
        return key is not None and key.type is Type.STRING and (not key.optional or self.allow_optional_map_keys)


def is_fixed(schema: Schema) -> bool:
    """Whether bytes all have one length."""
    return schema.type is Type.BYTES and schema.name is not None and schema.parameter(FIXED_SIZE) is not None


def scrub(name: str) -> str:
    """A name made valid: written as in an address, with ``_`` in place of what still isn't allowed."""
    encoded = quote_plus(name, safe="*", errors="replace").replace("~", "%7E")
    if encoded[:1].isdigit():
        encoded = f"x{encoded}"
    return "".join(letter if letter.isalnum() else "_" for letter in encoded)


class _Translation:
    """Of one schema: structs that were met keep their Avro types."""

    def __init__(self, mapping: Mapping) -> None:
        self._mapping = mapping
        self._known: list[tuple[Schema, AvroSchema]] = []
        self._structs: dict[str, AvroSchema] = {}
        self._nameless = 0

    def schema(self, schema: Schema | None) -> AvroSchema:
        """``fromConnectSchema``."""
        if schema is None:
            return ANYTHING
        if schema.name == UNION:
            raise ConversionError(f"a struct of the name {UNION} can't be written")
        if schema.type is Type.STRUCT and schema.optional:
            return AvroSchema(Kind.UNION, branches=(_NULL, self._inner(replace(schema, optional=False))))
        composed = schema.type in (Type.STRUCT, Type.ARRAY, Type.MAP)
        if composed and not schema.optional:
            for known, avro in self._known:
                if known == schema:
                    return avro
        base = self._base(schema)
        self._describe(schema, base)
        _add_logical_type(schema, base)
        base.properties |= {name: value for name, value in schema.parameters if name.startswith("avro")}
        avro = _or_null(schema, base)
        if composed and not schema.optional:
            self._known.append((schema, avro))
        return avro

    def _inner(self, schema: Schema | None) -> AvroSchema:
        """``fromConnectSchemaWithCycle``: a struct's name stands for the first one of that name."""
        if schema is not None and schema.name in self._structs:
            return _or_null(schema, self._structs[schema.name])
        return self.schema(schema)

    def _base(self, schema: Schema) -> AvroSchema:
        """The type alone."""
        match schema.type:
            case Type.STRING:
                return self._enum(schema) if self._mapping.is_enum(schema) else AvroSchema(Kind.STRING)
            case Type.BYTES:
                return self._bytes(schema)
            case Type.ARRAY:
                return AvroSchema(Kind.ARRAY, items=self._inner(schema.value_schema))
            case Type.MAP if self._mapping.has_string_keys(schema):
                return AvroSchema(Kind.MAP, items=self._inner(schema.value_schema))
            case Type.MAP:
                return self._entries(schema)
            case Type.STRUCT:
                return self._record(schema)
            case _:
                return AvroSchema(_KINDS[schema.type])

    def _enum(self, schema: Schema) -> AvroSchema:
        parameters = dict(schema.parameters)
        symbols = tuple(value for name, value in schema.parameters if name.startswith(f"{ENUM}."))
        _, name = self._name(schema.name)
        for symbol in symbols:
            check_name(symbol, "symbol of an enum")
        discard = self._mapping.discard_type_doc_default
        default = None if discard else parameters.get(f"{NAMESPACE}.enum.default.{name}")
        if len(set(symbols)) < len(symbols) or (default is not None and default not in symbols):
            raise ConversionError(f"the Avro enum {parameters[ENUM]} names a symbol twice, or a default that is none")
        return named(
            Kind.ENUM,
            None,
            parameters[ENUM],
            doc=parameters.get("connect.enum.doc" if discard else f"{NAMESPACE}.enum.doc.{name}"),
            symbols=symbols,
            default_symbol=default,
        )

    def _bytes(self, schema: Schema) -> AvroSchema:
        if is_fixed(schema):
            size = _integer(schema, FIXED_SIZE)
            avro = named(Kind.FIXED, *self._name(schema.name), size=size)
        else:
            avro = AvroSchema(Kind.BYTES)
        if _is(schema, DECIMAL):
            avro.properties |= {"scale": decimal_scale(schema), "precision": _precision(schema)}
        return avro

    def _entries(self, schema: Schema) -> AvroSchema:
        """A map whose keys are no strings."""
        if schema.name is None:
            entry = named(Kind.RECORD, NAMESPACE, "MapEntry")
        else:
            entry = named(Kind.RECORD, *self._name(schema.name))
            entry.properties["connect.internal.type"] = "MapEntry"
        members = (Field("key", _present(schema.key_schema)), Field("value", _present(schema.value_schema)))
        entry.fields = tuple(self._field(member.name, member.schema, None) for member in members)
        return AvroSchema(Kind.ARRAY, items=entry)

    def _record(self, schema: Schema) -> AvroSchema:
        parameters = dict(schema.parameters)
        discard = self._mapping.discard_type_doc_default
        record = named(Kind.RECORD, *self._name(schema.name))
        record.doc = parameters.get("connect.record.doc" if discard else f"{NAMESPACE}.record.doc")
        if schema.name is not None:
            self._structs[schema.name] = record
        fields = []
        for field in schema.fields:
            doc = None if discard else parameters.get(f"{NAMESPACE}.field.doc.{field.name}")
            try:
                fields.append(self._field(self._mapping.name(field.name), field.schema, doc))
            except ConversionError as error:
                raise ConversionError(f"{field.name}: {error}") from None
        record.fields = record_fields(record.name, fields)
        return record

    def _field(self, name: str, schema: Schema, doc: str | None) -> AvroField:
        """``addAvroRecordField``: a default that doesn't fit the type in Avro is left out."""
        check_name(name, "name of a field")
        default: Json = NO_DEFAULT
        if schema.default is not None:
            default = self._default(schema, schema.default, as_double=True)
        elif schema.optional:
            default = None
        avro = self.schema(schema)
        if default is not NO_DEFAULT and not is_valid_default(avro, default):
            default = NO_DEFAULT
        return AvroField(name, avro, schema.doc if self._mapping.discard_type_doc_default else doc, default)

    def _name(self, name: str | None) -> tuple[str | None, str]:
        """Namespace and name of a type."""
        if name is None:
            self._nameless += 1
            return NAMESPACE, f"ConnectDefault{self._nameless if self._nameless > 1 else ''}"
        parts = [self._mapping.name(part) for part in name.rstrip(".").split(".")]
        return ".".join(parts[:-1]) or None, parts[-1]

    def _describe(self, schema: Schema, avro: AvroSchema) -> None:
        """What Avro has no place for."""
        if not self._mapping.connect_meta_data:
            return
        discard = self._mapping.discard_type_doc_default
        parameters = {name: value for name, value in schema.parameters if discard or name != _DEFAULT_FLAG}
        has_default = schema.default is not None and (discard or schema.parameter(_DEFAULT_FLAG) is None)
        described = {
            "connect.doc": schema.doc,
            "connect.version": schema.version,
            "connect.parameters": parameters or None,
            "connect.default": self._default(schema, schema.default, as_double=False) if has_default else None,
            "connect.name": schema.name,
            "connect.type": schema.type.value if schema.type in (Type.INT8, Type.INT16) else None,
        }
        avro.properties |= {name: value for name, value in described.items() if value is not None}

    def _default(self, schema: Schema | None, value: Any, *, as_double: bool) -> Json:
        """JSON of a default; ``as_double`` says that a float32 is written as the double it is, as in a field."""
        if value is None or schema is None:
            return None
        match schema.type:
            case _ if schema.name == DECIMAL:
                return decimal_bytes(value).decode("latin-1")
            case Type.FLOAT32 | Type.FLOAT64:
                text = double_text(value) if as_double else floating(value, schema)
                return Number(text if value - value == 0 else f'"{text}"')
            case Type.BYTES:
                return value.decode("latin-1")
            case Type.ARRAY:
                return [self._default(schema.value_schema, item, as_double=as_double) for item in value]
            case Type.MAP:
                members = [
                    [
                        self._default(schema.key_schema, key, as_double=as_double),
                        self._default(schema.value_schema, member, as_double=as_double),
                    ]
                    for key, member in value.items()
                ]
                if not self._mapping.has_string_keys(schema):
                    return members
                if None in value:
                    raise ConversionError("a map's default that has null for a key can't be written in Avro")
                return dict(members)
            case Type.STRUCT:
                return {
                    self._mapping.name(field.name): self._default(
                        field.schema, field_value(field, value), as_double=as_double
                    )
                    for field in schema.fields
                }
            case _:
                return value


def _or_null(schema: Schema, avro: AvroSchema) -> AvroSchema:
    if not schema.optional:
        return avro
    return AvroSchema(Kind.UNION, branches=(_NULL, avro) if schema.default is None else (avro, _NULL))


def _is(schema: Schema, name: str) -> bool:
    return schema.name is not None and schema.name.lower() == name.lower()


def _add_logical_type(schema: Schema, avro: AvroSchema) -> None:
    if _is(schema, DECIMAL):
        precision, scale = _precision(schema), decimal_scale(schema)
        if 0 <= scale <= precision and (precision == 0 or avro.kind not in (Kind.BYTES, Kind.FIXED)):
            raise ConversionError("a Decimal must be bytes and have a precision above 0")
        avro.properties["logicalType"] = "decimal"
        return
    for name, (logical, kind) in _LOGICAL_TYPES.items():
        if _is(schema, name):
            if avro.kind is not kind:
                raise ConversionError(f"{schema.name} must be {kind} in Avro, not {avro.kind}")
            avro.properties["logicalType"] = logical


def _precision(schema: Schema) -> int:
    return _DEFAULT_PRECISION if schema.parameter(PRECISION) is None else _integer(schema, PRECISION)


def _integer(schema: Schema, parameter: str) -> int:
    try:
        return int(schema.parameter(parameter) or "")
    except ValueError:
        raise ConversionError(f"a schema's parameter {parameter} must be an integer") from None


def _present(schema: Schema | None) -> Schema:
    if schema is None:
        raise ConversionError("a map whose keys or values have no schema can't be written")
    return schema


_NULL = AvroSchema(Kind.NULL)


def _anything() -> AvroSchema:
    """The record that holds a value without a schema: one of its fields is set."""

    def optional(name: str, schema: AvroSchema) -> AvroField:
        return AvroField(name, AvroSchema(Kind.UNION, branches=(_NULL, schema)), default=None)

    anything = AvroSchema(Kind.RECORD, f"{NAMESPACE}.Anything")
    kinds = (Kind.BOOLEAN, Kind.BYTES, Kind.DOUBLE, Kind.FLOAT, Kind.INT, Kind.LONG, Kind.STRING)
    entry = AvroSchema(Kind.RECORD, f"{NAMESPACE}.MapEntry")
    entry.fields = (AvroField("key", anything), AvroField("value", anything))
    anything.fields = (
        *(optional(kind.value, AvroSchema(kind)) for kind in kinds),
        optional("array", AvroSchema(Kind.ARRAY, items=anything)),
        optional("map", AvroSchema(Kind.ARRAY, items=entry)),
    )
    return anything


ANYTHING = _anything()
