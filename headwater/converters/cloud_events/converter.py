"""Debezium's CloudEventsConverter: changes as CloudEvents, in JSON or Avro, their data in JSON or Avro.

An event is a struct made of the change's envelope, which another converter writes; what is no change becomes a null
message. Rows have their plan: the event's tree is made of the envelope's, and the other converter plans that.

Source: ``io.debezium.converters.CloudEventsConverter`` (Debezium 3.6).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from headwater.config import (
    REQUIRED,
    Config,
    ConfigDef,
    ConfigError,
    Importance,
    Option,
    OptionType,
    Problem,
    exactly_one_of,
    one_of,
)
from headwater.converter import ConversionError, Scope
from headwater.converters import json
from headwater.converters.avro import converter as avro
from headwater.converters.avro.converter import AvroConverter
from headwater.converters.cloud_events.event import (
    Attribute,
    CloudEvent,
    Origin,
    cloud_event,
    field_of,
    is_envelope,
    schema_at,
)
from headwater.converters.json import JsonConverter
from headwater.converters.plain_code import plan_call
from headwater.record import Schema, Type
from headwater.shape import Const, Node, Slot, Stage, Struct, stage_of

_JSON: Final = "json."
_AVRO: Final = "avro."
_EMPTY = Schema(Type.STRUCT)
_BYTES = Schema(Type.BYTES)
_DATA_SUFFIX = "-data"
"""Of the topic, for the subject of the data's schema where the event is Avro too."""
_join = b"".join


def _below(prefix: str, options: ConfigDef) -> list[Option]:
    """The options of another converter, which start with ``prefix`` here; none is required."""
    return [
        replace(option, name=prefix + option.name, default=None if option.default is REQUIRED else option.default)
        for option in options.options.values()
    ]


def _metadata(sources: list[str]) -> str | None:
    """Headers are not seen here; ``traceparent`` and ``dataSchemaName`` count only with options that are refused."""
    taken = [each.strip().lower() for each in sources]
    if taken[:1] == ["value"] and not {"id:header", "type:header"} & set(taken):
        return None
    return "must begin with value, with id:generate and type:generate: what is in headers can't be used yet"


OPTIONS = ConfigDef(
    Option(
        "serializer.type",
        OptionType.STRING,
        "json",
        "What events are written in: json, or avro, with its data in Avro too.",
        Importance.HIGH,
        one_of("json", "avro"),
        label="CloudEvents serializer type",
    ),
    Option(
        "data.serializer.type",
        OptionType.STRING,
        "json",
        "What the data of events is written in: json or avro.",
        Importance.HIGH,
        one_of("json", "avro"),
        label="CloudEvents data serializer type",
    ),
    Option(
        "extension.attributes.enable",
        OptionType.BOOLEAN,
        True,
        "Add what Debezium says of a change as attributes, such as iodebeziumop.",
        Importance.HIGH,
        label="Enable extension attributes",
    ),
    Option(
        "schema.name.adjustment.mode",
        OptionType.STRING,
        "avro",
        "avro: what a name in Avro may not hold becomes an underscore in the event's schema name; none: it stays.",
        Importance.LOW,
        exactly_one_of("avro", "none"),
        label="Schema name adjustment mode",
    ),
    Option(
        "schema.cloudevents.name",
        OptionType.STRING,
        None,
        "The name of the event's schema in a registry; without it, it is made of topic prefix and database.",
        Importance.LOW,
        label="CloudEvents schema name",
    ),
    Option(
        "metadata.source",
        OptionType.LIST,
        ["value", "id:generate", "type:generate", "traceparent:header", "dataSchemaName:generate"],
        "Where source and operation come from (value), id and type (generate).",
        Importance.HIGH,
        _metadata,
        label="Metadata source",
    ),
    *_below(_JSON, json.OPTIONS),
    *_below(_AVRO, avro.OPTIONS),
    refused={
        "opentelemetry.tracing.attributes.enable": "false",
        "schema.data.name.source.header.enable": "false",
        "avro.apicurio.registry.url": "",
        **{_AVRO + name: value for name, value in avro.OPTIONS.refused.items()},
    },
    ignored={_AVRO + name: why for name, why in avro.OPTIONS.ignored.items()},
)


def create(options: Mapping[str, str], *, is_key: bool) -> CloudEventsConverter:
    """The converter for ``options``, their ``value.converter.`` prefix or the like taken off. Raises `ConfigError`."""
    config = OPTIONS.parse(options)
    in_avro, data_in_avro = (config[name].lower() == "avro" for name in ("serializer.type", "data.serializer.type"))
    if in_avro and not data_in_avro:
        raise ConfigError([Problem("data.serializer.type", "data.serializer.type must be avro in events in Avro")])
    json_options = _taken(_JSON, options)
    event_json = json.create({**json_options, "schemas.enable": "false"}, is_key=is_key)
    data_json = json.create(json_options, is_key=is_key) if config["json.schemas.enable"] else None
    if not data_in_avro:
        return CloudEventsConverter(config, event_json, data_json)
    try:
        data_avro = avro.create(_taken(_AVRO, options), is_key=False)
    except ConfigError as error:
        raise ConfigError(Problem(_AVRO + each.option, f"avro: {each.message}") for each in error.problems) from error
    return CloudEventsConverter(config, data_avro if in_avro else event_json, data_avro)


def _taken(prefix: str, options: Mapping[str, str]) -> dict[str, str]:
    return {name.removeprefix(prefix): text for name, text in options.items() if name.startswith(prefix)}


class CloudEventsConverter:
    """`headwater.converter.Converter`, for values.

    ``event`` writes the whole; ``data`` its data, unless that is written with the whole.
    """

    def __init__(
        self, config: Config, event: JsonConverter | AvroConverter, data: JsonConverter | AvroConverter | None
    ) -> None:
        self._event = event
        self._data = data
        self._extensions: bool = config["extension.attributes.enable"]
        self._name: str | None = config["schema.cloudevents.name"]
        self._adjusts: bool = config["schema.name.adjustment.mode"] == "avro"
        self._registry = ",".join(config["avro.schema.registry.url"] or [])
        self._known: dict[tuple[int, Origin], tuple[CloudEvent, Schema]] = {}

    def convert(self, topic: str, schema: Schema | None, value: Any) -> bytes | None:
        """As `Converter.convert`; null for what is no change."""
        if schema is None or value is None or not is_envelope(schema):
            return None
        try:
            event, whole = self._kind(schema, _origin(schema, value))
            values = [each.compute(*(_at(schema, value, path) for path in each.paths)) for each in event.attributes]
        except ConversionError as error:
            raise ConversionError(f"topic {topic}: {error}") from None
        data = {field.name: value.get(field.name) for field in event.data.fields}
        named = {each.name: found for each, found in zip(event.attributes, values, strict=True)}
        match self._data:
            case None:
                return self._event.convert(topic, whole, {**named, "data": data})
            case JsonConverter():
                without = self._event.convert(topic, whole, {**named, "data": {}})
                with_schema = self._data.convert(topic, event.data, data)
                return _join((without[:-3], with_schema, b"}")) if without and with_schema else None
            case AvroConverter():
                named["dataschema"] = self._data_schema(topic, event)
                named["data"] = self._data.convert(self._data_topic(topic), event.data, data)
                return self._event.convert(topic, whole, named)

    def plan(self, topic: str, schema: Schema | None, node: Node, scope: Scope) -> str:
        """As `Converter.plan`."""
        planned = self._plan_event(topic, schema, node, scope) if schema is not None and is_envelope(schema) else None
        if planned is not None:
            return planned
        return plan_call(lambda value: self.convert(topic, schema, value), schema, node, scope)

    def _plan_event(self, topic: str, schema: Schema, node: Node, scope: Scope) -> str | None:
        """None where what must be known of a table is not: then each value is converted by itself."""
        known = [_node_at(schema, node, ("source", name)) for name in ("connector", "name", "db")]
        if not all(isinstance(each, Const) for each in known):
            return None
        try:
            origin = Origin(*(each.value for each in known if isinstance(each, Const)))
            event, whole = self._kind(schema, origin)
            attributes = [_attribute_node(each, schema, node, scope) for each in event.attributes]
        except ConversionError as error:
            raise ConversionError(f"topic {topic}: {error}") from None
        fields = [_node_at(schema, node, (field.name,)) for field in event.data.fields]
        nodes = [each for each in attributes if each is not None]
        data = Struct(tuple(each for each in fields if each is not None))
        if len(nodes) < len(attributes) or len(data.nodes) < len(fields):
            return None
        match self._data:
            case None:
                return self._event.plan(topic, whole, Struct((*nodes, data)), scope)
            case JsonConverter():
                without = self._event.plan(topic, whole, Struct((*nodes, Struct(()))), scope)
                with_schema = self._data.plan(topic, event.data, data, scope)
                return f"{scope.bind(_join)}(({without}[:-3], {with_schema}, b'}}'))"
            case AvroConverter():
                stage = max(Stage.EVENT, stage_of(data))
                written = scope.assign(stage, self._data.plan(self._data_topic(topic), event.data, data, scope))
                nodes.insert(6, Const(self._data_schema(topic, event)))
                return self._event.plan(topic, whole, Struct((*nodes, Slot(written, stage))), scope)

    def _kind(self, schema: Schema, origin: Origin) -> tuple[CloudEvent, Schema]:
        """The events of an envelope, and the schema of the whole as it is given to the other converter."""
        known = self._known.get((id(schema), origin))
        if known is None:
            in_avro = isinstance(self._data, AvroConverter)
            content_type = "application/avro" if in_avro else "application/json"
            event = cloud_event(schema, origin, content_type, self._name, extensions=self._extensions)
            if self._adjusts:
                event = replace(event, name=_adjusted(event.name))
            data = event.data if self._data is None else _BYTES if in_avro else _EMPTY
            known = self._known[id(schema), origin] = event, event.schema(data, has_data_schema=in_avro)
        return known

    def _data_topic(self, topic: str) -> str:
        return topic + _DATA_SUFFIX if self._event is self._data else topic

    def _data_schema(self, topic: str, event: CloudEvent) -> str:
        """Where a reader finds the schema of the data."""
        assert isinstance(self._data, AvroConverter)  # noqa: S101 - only Avro has one
        number = self._data.schema_id(self._data_topic(topic), event.data)
        if self._registry.startswith("file:"):
            return f"{self._registry.rstrip('/')}/ids/{number}.avsc"
        return f"{self._registry}/schemas/ids/{number}"


def _origin(schema: Schema, value: dict[str, Any]) -> Origin:
    return Origin(*(_at(schema, value, ("source", name)) for name in ("connector", "name", "db")))


def _at(schema: Schema, value: dict[str, Any], path: tuple[str, ...]) -> Any:
    """The value at a path in an envelope, or its default; null where what is around it is null or not there."""
    found: Any = value
    for name in path:
        found = None if found is None else found.get(name)
    return _default(schema, path) if found is None else found


def _default(schema: Schema, path: tuple[str, ...]) -> Any:
    found = schema_at(schema, path)
    return None if found is None else found.default


def _node_at(schema: Schema, node: Node, path: tuple[str, ...]) -> Node | None:
    """Where the value at a path comes from; None where only the whole around it is known."""
    for name in path:
        match node:
            case Struct(nodes):
                found = next((n for n, field in zip(nodes, schema.fields, strict=True) if field.name == name), None)
                if found is None:
                    return Const(None)
                node, schema = found, field_of(schema, name)
            case Const(None):
                return Const(None)
            case Const(value):
                node, schema = Const(value.get(name)), field_of(schema, name)
            case _:
                return None
    return Const(schema.default) if node == Const(None) else node


def _attribute_node(attribute: Attribute, schema: Schema, node: Node, scope: Scope) -> Node | None:
    """Where an attribute comes from: known now, or computed as soon as what it is made of is."""
    nodes = [_node_at(schema, node, path) for path in attribute.paths]
    found = [each for each in nodes if isinstance(each, Const | Slot)]
    if len(found) < len(nodes):
        return None
    if all(isinstance(each, Const) for each in found):
        return Const(attribute.compute(*(each.value for each in found if isinstance(each, Const))))
    arguments = [
        _argument(each, _default(schema, path), scope) for each, path in zip(found, attribute.paths, strict=True)
    ]
    stage = max(map(stage_of, found))
    return Slot(scope.assign(stage, f"{scope.bind(attribute.compute)}({', '.join(arguments)})"), stage)


def _argument(node: Const | Slot, default: Any, scope: Scope) -> str:
    if isinstance(node, Const):
        return scope.bind(node.value)
    return node.name if default is None else f"({scope.bind(default)} if {node.name} is None else {node.name})"


_INVALID = re.compile(r"[^A-Za-z0-9_.]")


def _adjusted(name: str) -> str:
    """A name that Avro allows; a digit at its front stays behind an underscore."""
    adjusted = _INVALID.sub("_", name)
    return adjusted if re.match(r"[A-Za-z_]", adjusted) else f"_{adjusted if adjusted[:1].isdigit() else adjusted[1:]}"
