"""What a CloudEvent is made of, given the envelope of a change: its attributes, and where each comes from.

Source: ``io.debezium.converters.CloudEventsConverter`` and the ``CloudEventsMaker`` of each connector (Debezium 3.6);
CloudEvents 1.0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from headwater.converter import ConversionError
from headwater.record import Field, Schema, Type

Path = tuple[str, ...]
"""Names of fields, from the envelope inwards."""

STRING = Schema(Type.STRING)
_TRANSACTION = (
    ("id", Schema(Type.STRING)),
    ("total_order", Schema(Type.INT64)),
    ("data_collection_order", Schema(Type.INT64)),
)
_SUFFIX = "CloudEvents.Envelope"
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - every time here is in UTC


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute; its value is what ``compute`` gives for the values at ``paths``, null included."""

    name: str
    schema: Schema
    paths: tuple[Path, ...]
    compute: Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an event is from, which decides on its schema: the kind of connector, the topic prefix, the database."""

    connector: str
    server: str
    database: str | None


@dataclass(frozen=True, slots=True)
class _Maker:
    """What a connector decides on."""

    id_paths: tuple[Path, ...]
    id: Callable[..., str]
    data: tuple[str, ...]


def _binlog_id(name: str, file: str, position: int) -> str:
    return f"name:{name};file:{file};pos:{position}"


def _mongodb_id(name: str, time: int, order: int) -> str:
    return f"name:{name};ts:{time};ord:{order}"


_BINLOG = _Maker((("source", "name"), ("source", "file"), ("source", "pos")), _binlog_id, ("before", "after"))
_MAKERS = {
    "mariadb": replace(_BINLOG, data=()),
    "mysql": _BINLOG,
    "mongodb": _Maker(
        (("source", "name"), ("source", "ts_ms"), ("source", "ord")),
        _mongodb_id,
        ("before", "after", "updateDescription"),
    ),
}


@dataclass(frozen=True, slots=True)
class CloudEvent:
    """The events of one kind.

    ``attributes``  all but the data, and but ``dataschema``, which stands behind the first six
    ``data``        the schema of the data: fields of the envelope
    """

    envelope: Schema  # kept, so that its id stays its own
    name: str
    attributes: tuple[Attribute, ...]
    data: Schema

    def schema(self, data: Schema, *, has_data_schema: bool) -> Schema:
        """The schema of the whole, its data as it is written."""
        fields = [Field(each.name, each.schema) for each in self.attributes]
        if has_data_schema:
            fields.insert(6, Field("dataschema", STRING))
        return Schema(Type.STRUCT, name=self.name, fields=(*fields, Field("data", data)))


def is_envelope(schema: Schema | None) -> bool:
    """Whether values are changes: nothing else becomes a CloudEvent."""
    return schema is not None and schema.type is Type.STRUCT and (schema.name or "").endswith(".Envelope")


def cloud_event(
    envelope: Schema, origin: Origin, content_type: str, name: str | None, *, extensions: bool
) -> CloudEvent:
    """The events of an envelope's schema. Raises `ConversionError`.

    ``name`` is that of the schema, None for one made of topic prefix and database; ``extensions`` adds what Debezium
    says of an event as attributes of its own.
    """
    maker = _MAKERS.get(origin.connector)
    if maker is None:
        raise ConversionError(f"CloudEvents of {origin.connector} can't be made, only of {', '.join(sorted(_MAKERS))}")
    source = field_of(envelope, "source")
    prefix = f"/debezium/{origin.connector}/"
    attributes = [
        Attribute("id", STRING, maker.id_paths, maker.id),
        Attribute("source", STRING, (("source", "name"),), lambda server: f"{prefix}{server}"),
        _constant("specversion", "1.0"),
        _constant("type", f"io.debezium.connector.{origin.connector}.DataChangeEvent"),
        Attribute("time", STRING, (("source", "ts_ms"),), _time),
        _constant("datacontenttype", content_type),
    ]
    if extensions:
        attributes.append(_extension("", ("op",), STRING, optional=False))
        attributes += (
            _extension("", ("source", field.name), field.schema, optional=field.schema.optional)
            for field in source.fields
        )
        attributes += (_extension("tx", ("transaction", each), schema, optional=True) for each, schema in _TRANSACTION)
    names = maker.data or tuple(field.name for field in envelope.fields)
    data = Schema(
        Type.STRUCT,
        name=f"io.debezium.connector.{origin.connector}.Data",
        fields=tuple(Field(each, field_of(envelope, each)) for each in names),
    )
    if name is None:
        name = f"{origin.server}.{'null' if origin.database is None else origin.database}.{_SUFFIX}"
    return CloudEvent(envelope, name, (*attributes,), data)


def field_of(schema: Schema, name: str) -> Schema:
    """The schema of a struct's field. Raises `ConversionError` where it has none of that name."""
    for field in schema.fields:
        if field.name == name:
            return field.schema
    raise ConversionError(f"{schema.name} has no field {name}, which a CloudEvent needs")


def schema_at(envelope: Schema, path: Sequence[str]) -> Schema | None:
    """The schema of what is at a path; None where the envelope has no such field."""
    found: Schema | None = envelope
    for name in path:
        found = next((field.schema for field in found.fields if field.name == name), None) if found else None
    return found


def _constant(name: str, value: str) -> Attribute:
    return Attribute(name, STRING, (), lambda: value)


def _extension(prefix: str, path: Path, schema: Schema, *, optional: bool) -> Attribute:
    """What Debezium says of an event: under a name that CloudEvents allows, as a type that it knows."""
    name = "".join(letter for letter in prefix + path[-1] if letter.isascii() and letter.isalnum())
    match schema.type:
        case Type.BOOLEAN:
            type_, compute = Type.BOOLEAN, _same
        case Type.INT8 | Type.INT16 | Type.INT32:
            type_, compute = Type.INT32, _same
        case Type.STRING:
            type_, compute = Type.STRING, _same
        case Type.INT64:
            type_, compute = Type.STRING, _as_text
        case _:
            raise ConversionError(f"{'.'.join(path)}: {schema.type} can't be an attribute of a CloudEvent")
    return Attribute(f"iodebezium{name}", Schema(type_, optional=optional), (path,), compute)


def _same(value: Any) -> Any:
    return value


def _as_text(value: int | None) -> str | None:
    return None if value is None else str(value)


def _time(milliseconds: int) -> str:
    """As RFC 3339 writes it, in UTC."""
    try:
        return (_EPOCH + timedelta(milliseconds=milliseconds)).isoformat(timespec="milliseconds") + "Z"
    except OverflowError:
        raise ConversionError(f"source.ts_ms {milliseconds} is outside the years 1 to 9999") from None
