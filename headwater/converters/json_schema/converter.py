"""Confluent's JsonSchemaConverter: JSON behind the number of its JSON Schema in a registry.

The JSON is that of Kafka Connect's JsonConverter without its envelope, but for maps whose keys are no strings.

Source: ``io.confluent.connect.json.JsonSchemaConverter`` and ``AbstractKafkaJsonSchemaSerializer`` (7.0).
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from headwater.config import Config, ConfigDef, Importance, Option, OptionType, at_least, grouped, one_of
from headwater.converter import ConversionError, Scope
from headwater.converters.json_code import JsonCode
from headwater.converters.json_schema.compatibility import differences, obstacles
from headwater.converters.json_schema.connect_schema import Document, Translation, has_string_keys
from headwater.converters.json_values import JsonValues, dumps
from headwater.converters.schema_registry.converter import OwnSchema, Prepared, RegistryConverter, header
from headwater.converters.schema_registry.options import (
    REGISTRY_IGNORED,
    REGISTRY_OPTIONS,
    REGISTRY_REFUSED,
    make_registry,
)
from headwater.converters.schema_registry.registration import Language, Registration
from headwater.converters.schema_registry.registry import SchemaRegistry, SchemaType
from headwater.converters.schema_registry.subjects import make_subject
from headwater.record import Schema
from headwater.shape import Node, Slot


def _text(document: Document) -> str:
    return dumps(document).decode()


def _parse(text: str) -> Document:
    """Raises `ConversionError`."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConversionError(f"the registry's schema is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise ConversionError("the registry's schema is no JSON Schema that describes anything")
    return document


LANGUAGE = Language(_text, _parse, obstacles, differences)

OPTIONS = ConfigDef(
    *REGISTRY_OPTIONS,
    *grouped(
        "Schemas",
        Option(
            "object.additional.properties",
            OptionType.BOOLEAN,
            True,
            "Whether schemas of structs allow properties beside the fields.",
            Importance.MEDIUM,
        ),
        Option(
            "decimal.format",
            OptionType.STRING,
            "BASE64",
            "How a Decimal is written: BASE64 (the bytes of its unscaled value) or NUMERIC (a JSON number).",
            Importance.LOW,
            one_of("BASE64", "NUMERIC"),
        ),
        Option(
            "schemas.cache.size",
            OptionType.INT,
            1000,
            "How many schemas a converter keeps prepared.",
            Importance.LOW,
            at_least(0),
        ),
    ),
    refused=REGISTRY_REFUSED,
    ignored={
        **REGISTRY_IGNORED,
        "use.optional.for.nonrequired": "it is for reading",
        "json.fail.invalid.schema": "what is written is what the schema was made of",
        "json.fail.unknown.properties": "it is for reading",
        "json.write.dates.iso8601": "it belongs to Java's classes",
        "json.oneof.for.nullables": "it belongs to Java's classes",
        "json.schema.spec.version": "it belongs to Java's classes",
    },
)


def create(options: Mapping[str, str], *, is_key: bool) -> JsonSchemaConverter:
    """The converter for ``options``, their ``key.converter.`` prefix or the like taken off. Raises `ConfigError`."""
    config = OPTIONS.parse(options)
    return JsonSchemaConverter(config, make_registry(config, SchemaType.JSON), is_key=is_key)


class JsonSchemaConverter(RegistryConverter):
    """`headwater.converter.Converter`, for keys or for values."""

    def __init__(self, config: Config, registry: SchemaRegistry, *, is_key: bool) -> None:
        super().__init__(config["schemas.cache.size"])
        self._values = JsonValues(
            numeric_decimals=config["decimal.format"].upper() == "NUMERIC",
            null_is_default=True,
            is_object=has_string_keys,
        )
        self._translation = Translation(self._values, config["object.additional.properties"])
        self._subject = make_subject(config[f"{'key' if is_key else 'value'}.subject.name.strategy"], is_key=is_key)
        self._registration = Registration(config, registry, LANGUAGE)

    def _own(self, topic: str, schema: Schema | None) -> tuple[str, Document]:
        own = self._translation.document(schema)
        return self._subject(topic, own.get("title", "")), own

    def own_schema(self, topic: str, schema: Schema | None) -> OwnSchema:
        """As `RegistryConverter.own_schema`."""
        subject, own = self._own(topic, schema)
        return OwnSchema(subject, _text(own))

    def prepare(self, topic: str, schema: Schema | None) -> Prepared:
        """As `RegistryConverter.prepare`. Where the registry's schema is to be used, its number alone is."""
        subject, own = self._own(topic, schema)
        assert schema is not None  # noqa: S101 - the translation refuses it
        write = self._values.writer(schema)
        number, _ = self._registration.registered(subject, own)
        begin = header(number)

        def plan(node: Node, scope: Scope) -> str:
            written = JsonCode(self._values, scope).expression(schema, node, begin, b"")
            return (
                f"(None if {node.name} is None else {written})"
                if schema.optional and isinstance(node, Slot)
                else written
            )

        return Prepared(schema, number, lambda value: begin + dumps(write(value)), plan)
