"""Confluent's AvroConverter: Avro's binary encoding behind the schema's number in a registry.

A message begins with a zero byte and the number in four bytes, the highest first; the schema stands in the registry
alone. See `headwater.converters.avro.code` for how rows are written.

Source: ``io.confluent.connect.avro.AvroConverter`` and ``AbstractKafkaAvroSerializer`` (7.0).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from headwater.config import Config, ConfigDef, Importance, Option, OptionType, at_least, grouped
from headwater.converter import ConversionError, RetriableConversionError, Scope
from headwater.converters.avro import connect_schema
from headwater.converters.avro.code import AvroCode
from headwater.converters.avro.compatibility import differences, obstacles
from headwater.converters.avro.parser import parse
from headwater.converters.avro.schema import AvroSchema, Kind
from headwater.converters.avro.values import AvroValues, Write
from headwater.converters.schema_registry.options import (
    REGISTRY_IGNORED,
    REGISTRY_OPTIONS,
    REGISTRY_REFUSED,
    make_registry,
)
from headwater.converters.schema_registry.registry import (
    IncompatibleSchemaError,
    NotRegisteredError,
    Registered,
    RegistryError,
    SchemaRegistry,
)
from headwater.converters.schema_registry.subjects import make_subject
from headwater.record import Schema
from headwater.shape import Const, Node

MAGIC = b"\x00"
"""The first byte of a message in Confluent's wire format."""


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
        Option(
            "schemas.cache.config",
            OptionType.INT,
            1000,
            "How many schemas a converter keeps prepared.",
            Importance.LOW,
            at_least(0),
        ),
    ),
    refused=REGISTRY_REFUSED,
    ignored=REGISTRY_IGNORED,
)


def create(options: Mapping[str, str], *, is_key: bool) -> AvroConverter:
    """The converter for ``options``, their ``key.converter.`` prefix or the like taken off. Raises `ConfigError`."""
    config = OPTIONS.parse(options)
    return AvroConverter(config, make_registry(config), is_key=is_key)


class _Prepared(NamedTuple):
    """How values of a schema are written to a topic."""

    schema: Schema | None  # kept, so that its id stays its own
    avro: AvroSchema
    write: Write
    header: bytes


class AvroConverter:
    """`headwater.converter.Converter`, for keys or for values."""

    def __init__(self, config: Config, registry: SchemaRegistry, *, is_key: bool) -> None:
        self._config = config
        self._registry = registry
        self._mapping = connect_schema.Mapping(
            enhanced_avro_schema_support=config["enhanced.avro.schema.support"],
            connect_meta_data=config["connect.meta.data"],
            scrub_invalid_names=config["scrub.invalid.names"],
            discard_type_doc_default=config["discard.type.doc.default"],
            allow_optional_map_keys=config["allow.optional.map.keys"],
        )
        self._values = AvroValues(self._mapping)
        self._subject = make_subject(config[f"{'key' if is_key else 'value'}.subject.name.strategy"], is_key=is_key)
        self._cache_size: int = max(1, config["schemas.cache.config"])
        self._prepared: dict[tuple[str, int], _Prepared] = {}

    def convert(self, topic: str, schema: Schema | None, value: Any) -> bytes | None:
        """As `Converter.convert`; null is a null message where the schema allows it, whatever its default."""
        if value is None and (schema is None or schema.optional):
            return None
        try:
            prepared = self._prepare(topic, schema)
            return prepared.header + prepared.write(value)
        except RetriableConversionError:
            raise
        except ConversionError as error:
            raise ConversionError(f"topic {topic}: {error}") from None

    def plan(self, topic: str, schema: Schema | None, node: Node, scope: Scope) -> str:
        """As `Converter.plan`. A slot whose schema is required is trusted to hold no null."""
        if isinstance(node, Const):
            converted = self.convert(topic, schema, node.value)
            return "None" if converted is None else scope.bind(converted)
        if schema is None:
            raise ConversionError(f"topic {topic}: only a constant can be planned without a schema")
        try:
            prepared = self._prepare(topic, schema)
            return AvroCode(self._values, scope).expression(schema, prepared.avro, node, prepared.header)
        except RetriableConversionError:
            raise
        except ConversionError as error:
            raise ConversionError(f"topic {topic}: {error}") from None

    def _prepare(self, topic: str, schema: Schema | None) -> _Prepared:
        known = self._prepared.get((topic, id(schema)))
        if known is not None:
            return known
        own = self._mapping.schema(schema)
        subject = self._subject(topic, own.name if own.kind is Kind.RECORD else "")
        number, avro = self._registered(subject, own)
        prepared = _Prepared(schema, avro, self._values.message(schema, avro), MAGIC + number.to_bytes(4, "big"))
        if len(self._prepared) >= self._cache_size:
            del self._prepared[next(iter(self._prepared))]
        self._prepared[topic, id(schema)] = prepared
        return prepared

    def _registered(self, subject: str, own: AvroSchema) -> tuple[int, AvroSchema]:
        """The number to write, and the schema that it stands for: the value's own, or the registry's."""
        text = own.text()
        try:
            if self._config["auto.register.schemas"]:
                return self._registry.register(subject, text), own
            if self._config["use.schema.id"] >= 0:
                theirs = self._registry.by_id(self._config["use.schema.id"])
                return theirs.id, self._parsed(theirs, own, strict=self._config["id.compatibility.strict"])
            if self._config["use.latest.version"]:
                theirs = self._registry.latest(subject)
                return theirs.id, self._parsed(theirs, own, strict=self._config["latest.compatibility.strict"])
            return self._registry.look_up(subject, text), own
        except RegistryError as error:
            message = self._explain(error, subject, own)
            raise RetriableConversionError(message, lambda: self._registered(subject, own)) from error

    def _parsed(self, theirs: Registered, own: AvroSchema, *, strict: bool) -> AvroSchema:
        """Raises `IncompatibleSchemaError` where a reader of ``theirs`` could not read ``own``."""
        avro = parse(theirs.text)
        found = obstacles(avro, own) if strict else []
        if found:
            raise IncompatibleSchemaError(f"the schema {theirs.id} can't stand for the messages': {'; '.join(found)}")
        return avro

    def _explain(self, error: RegistryError, subject: str, own: AvroSchema) -> str:
        """What went wrong and what mends it; where a schema is refused, how it differs from the last one."""
        message = f"subject {subject}: {error}"
        match error:
            case IncompatibleSchemaError():
                return (
                    f"{message}. {self._difference(subject, own)}The task goes on by itself once the schema is "
                    "compatible with those before it, or the subject's compatibility level lets it pass"
                )
            case NotRegisteredError():
                return (
                    f"{message}. The task goes on by itself once the schema is registered there; "
                    f"auto.register.schemas=true registers it: {own.text()}"
                )
            case _:
                return f"{message}. The task goes on by itself once the registry takes the schema"

    def _difference(self, subject: str, own: AvroSchema) -> str:
        try:
            latest = self._registry.latest(subject)
            changed = differences(parse(latest.text), own)
        except (RegistryError, ConversionError) as error:
            return f"How it differs from the subject's latest schema can't be told: {error}. "
        return f"Since the subject's latest schema (id {latest.id}): {'; '.join(changed) or 'nothing'}. "
