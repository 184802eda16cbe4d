"""Confluent's AvroConverter: Avro's binary encoding behind the schema's number in a registry.

See `headwater.converters.avro.code` for how rows are written.

Source: ``io.confluent.connect.avro.AvroConverter`` and ``AbstractKafkaAvroSerializer`` (7.0).
"""

from __future__ import annotations

from collections.abc import Mapping

from headwater.config import Config, ConfigDef, ConfigError, Importance, Option, OptionType, grouped
from headwater.converter import Scope
from headwater.converters.avro import connect_schema
from headwater.converters.avro.code import AvroCode
from headwater.converters.avro.compatibility import differences, obstacles
from headwater.converters.avro.parser import parse
from headwater.converters.avro.schema import AvroSchema, Kind
from headwater.converters.avro.values import AvroValues
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

LANGUAGE = Language(AvroSchema.text, parse, obstacles, differences)


def _switch(name: str, default: bool, doc: str, importance: Importance = Importance.MEDIUM) -> Option:
    return Option(name, OptionType.BOOLEAN, default, doc, importance)


OPTIONS = ConfigDef(
    *REGISTRY_OPTIONS,
    *grouped(
        "Schemas",
        _switch("enhanced.avro.schema.support", False, "Write a string that names an Avro enum as that enum."),
        _switch("scrub.invalid.names", False, "Replace what names in Avro may not hold, by underscores and digits."),
        _switch(
            "connect.meta.data",
            True,
            "Keep what Avro has no place for, such as names and versions of types, in properties.",
            Importance.LOW,
        ),
        _switch("discard.type.doc.default", False, "Take docs of fields from their own schemas only.", Importance.LOW),
        _switch("allow.optional.map.keys", False, "Take optional strings for keys of a map in Avro.", Importance.LOW),
        SCHEMA_CACHE,
    ),
    refused=REGISTRY_REFUSED,
    ignored={
        **REGISTRY_IGNORED,
        "avro.reflection.allow.null": "it belongs to Java's classes",
        "avro.use.logical.type.converters": "it belongs to Java's classes",
        "avro.remove.java.properties": "no property of Java's is written",
    },
)


def create(options: Mapping[str, str], *, is_key: bool) -> AvroConverter:
    """The converter for ``options``, their ``key.converter.`` prefix or the like taken off. Raises `ConfigError`."""
    config = OPTIONS.parse(options)
    return AvroConverter(config, make_registry(config, SchemaType.AVRO), is_key=is_key)


def registry_at(url: str, options: Mapping[str, str] | None = None) -> SchemaRegistry:
    """The registry of Avro schemas at ``url``; ``options`` are those of the converter. Raises ValueError."""
    try:
        return make_registry(OPTIONS.parse({**(options or {}), "schema.registry.url": url}), SchemaType.AVRO)
    except ConfigError as error:
        raise ValueError("; ".join(problem.message for problem in error.problems)) from error


class AvroConverter(RegistryConverter):
    """`headwater.converter.Converter`, for keys or for values."""

    def __init__(self, config: Config, registry: SchemaRegistry, *, is_key: bool) -> None:
        super().__init__(config["schemas.cache.config"])
        self._mapping = connect_schema.Mapping(
            enhanced_avro_schema_support=config["enhanced.avro.schema.support"],
            connect_meta_data=config["connect.meta.data"],
            scrub_invalid_names=config["scrub.invalid.names"],
            discard_type_doc_default=config["discard.type.doc.default"],
            allow_optional_map_keys=config["allow.optional.map.keys"],
        )
        self._values = AvroValues(self._mapping)
        self._subject = make_subject(config[f"{'key' if is_key else 'value'}.subject.name.strategy"], is_key=is_key)
        self._registration = Registration(config, registry, LANGUAGE)

    def _own(self, topic: str, schema: Schema | None) -> tuple[str, AvroSchema]:
        own = self._mapping.schema(schema)
        return self._subject(topic, own.name if own.kind is Kind.RECORD else ""), own

    def own_schema(self, topic: str, schema: Schema | None) -> OwnSchema:
        """As `RegistryConverter.own_schema`."""
        subject, own = self._own(topic, schema)
        return OwnSchema(subject, own.text())

    def prepare(self, topic: str, schema: Schema | None) -> Prepared:
        """As `RegistryConverter.prepare`."""
        number, avro = self._registration.registered(*self._own(topic, schema))
        begin = header(number)
        write = self._values.message(schema, avro)

        def plan(node: Node, scope: Scope) -> str:
            assert schema is not None  # noqa: S101 - `RegistryConverter.plan` refuses it
            return AvroCode(self._values, scope).expression(schema, avro, node, begin)

        return Prepared(schema, number, lambda value: begin + write(value), plan)
