"""Confluent's ProtobufConverter: Protobuf behind the schema's number in a registry and the message's place in it.

See `headwater.converters.protobuf.code` for how rows are written.

Source: ``io.confluent.connect.protobuf.ProtobufConverter`` and ``AbstractKafkaProtobufSerializer`` (7.0).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from headwater.config import Config, ConfigDef, Importance, Option, OptionType, grouped
from headwater.converter import ConversionError, Scope
from headwater.converters.protobuf import connect_schema
from headwater.converters.protobuf.code import ProtoCode
from headwater.converters.protobuf.compatibility import differences, obstacles
from headwater.converters.protobuf.parser import parse
from headwater.converters.protobuf.schema import ProtoFile
from headwater.converters.protobuf.values import ProtoValues
from headwater.converters.protobuf.wire import varint
from headwater.converters.schema_registry.converter import OwnSchema, Prepared, RegistryConverter, header
from headwater.converters.schema_registry.options import (
    REGISTRY_IGNORED,
    REGISTRY_OPTIONS,
    REGISTRY_REFUSED,
    SCHEMA_CACHE,
    make_registry,
)
from headwater.converters.schema_registry.registration import Language, Registration
from headwater.converters.schema_registry.registry import SchemaRegistry, SchemaType
from headwater.converters.schema_registry.subjects import make_subject
from headwater.record import Schema
from headwater.shape import Node


def _text(file: ProtoFile) -> str:
    return file.text


LANGUAGE = Language(_text, parse, obstacles, differences)


def _switch(name: str, default: bool, doc: str) -> Option:
    return Option(name, OptionType.BOOLEAN, default, doc, Importance.MEDIUM)


OPTIONS = ConfigDef(
    *REGISTRY_OPTIONS,
    *grouped(
        "Schemas",
        _switch(
            "scrub.invalid.names", False, "Replace what names in Protobuf may not hold, by underscores and digits."
        ),
        _switch("optional.for.nullables", False, "Label fields that may be null as optional: null is not zero then."),
        _switch("wrapper.for.nullables", False, "Write values that may be null in messages such as Int32Value."),
        SCHEMA_CACHE,
    ),
    refused={**REGISTRY_REFUSED, "skip.known.types": "true"},
    ignored={
        **REGISTRY_IGNORED,
        "enhanced.protobuf.schema.support": "it is for reading: names of messages are written the same with it",
        "optional.for.proto2": "it is for reading",
        "wrapper.for.raw.primitives": "it is for reading",
        "reference.lookup.only": "schemas refer to no other subjects",
        "reference.subject.name.strategy": "schemas refer to no other subjects",
    },
)


def create(options: Mapping[str, str], *, is_key: bool) -> ProtobufConverter:
    """The converter for ``options``, their ``key.converter.`` prefix or the like taken off. Raises `ConfigError`."""
    config = OPTIONS.parse(options)
    return ProtobufConverter(config, make_registry(config, SchemaType.PROTOBUF), is_key=is_key)


def _place(indexes: Sequence[int]) -> bytes:
    """Which of a file's messages is meant, in zigzag numbers; the first one of all in short."""
    if list(indexes) == [0]:
        return b"\x00"
    return b"".join(varint(number << 1) for number in (len(indexes), *indexes))


class ProtobufConverter(RegistryConverter):
    """`headwater.converter.Converter`, for keys or for values."""

    def __init__(self, config: Config, registry: SchemaRegistry, *, is_key: bool) -> None:
        super().__init__(config["schemas.cache.config"])
        self._mapping = connect_schema.Mapping(
            scrub_invalid_names=config["scrub.invalid.names"],
            optional_for_nullables=config["optional.for.nullables"],
            wrapper_for_nullables=config["wrapper.for.nullables"],
        )
        self._values = ProtoValues(self._mapping)
        self._subject = make_subject(config[f"{'key' if is_key else 'value'}.subject.name.strategy"], is_key=is_key)
        self._registration = Registration(config, registry, LANGUAGE)

    def _own(self, topic: str, schema: Schema | None) -> tuple[str, ProtoFile]:
        if schema is None:
            raise ConversionError("a value without a schema can't be written in Protobuf")
        own = self._mapping.schema(schema)
        return self._subject(topic, own.root), own

    def own_schema(self, topic: str, schema: Schema | None) -> OwnSchema:
        """As `RegistryConverter.own_schema`."""
        subject, own = self._own(topic, schema)
        return OwnSchema(subject, own.text)

    def prepare(self, topic: str, schema: Schema | None) -> Prepared:
        """As `RegistryConverter.prepare`. The registry's schema, where that is used, says only where the message is."""
        subject, own = self._own(topic, schema)
        assert schema is not None  # noqa: S101 - it has a schema of its own
        message = own.find(own.root)
        assert message is not None  # noqa: S101 - it is its own
        write = self._values.message(schema, message)
        number, theirs = self._registration.registered(subject, own)
        begin = header(number) + _place(theirs.indexes(own.root))

        def plan(node: Node, scope: Scope) -> str:
            return ProtoCode(self._mapping, self._values, scope).expression(schema, message, node, begin)

        return Prepared(schema, number, lambda value: begin + write(value), plan)
