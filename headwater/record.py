"""Kafka Connect's data model: schemas, and records as they leave a source.

A *Connect value* is plain Python, in the physical form that its schema's type names:

    int8 … int64    int                       string    str
    float32/64      float                     bytes     bytes
    boolean         bool                      array     list of Connect values
    struct          dict, field name → value  map       dict

A logical type (a schema with a name, such as ``io.debezium.time.Date``) keeps its physical form, with one
exception: ``org.apache.kafka.connect.data.Decimal`` is held as its *unscaled* int (the scale is a schema
parameter), because the bytes that Connect stores there are that int and every converter starts from it.

Source: ``org.apache.kafka.connect.data`` in Kafka's Connect API.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

DECIMAL = "org.apache.kafka.connect.data.Decimal"


class Type(StrEnum):
    """The physical types of ``org.apache.kafka.connect.data.Schema.Type``, as JsonConverter writes them."""

    INT8 = "int8"
    INT16 = "int16"
    INT32 = "int32"
    INT64 = "int64"
    FLOAT32 = "float"
    FLOAT64 = "double"
    BOOLEAN = "boolean"
    STRING = "string"
    BYTES = "bytes"
    ARRAY = "array"
    MAP = "map"
    STRUCT = "struct"


@dataclass(frozen=True, slots=True)
class Field:
    """A named member of a struct; its position in ``Schema.fields`` is its index."""

    name: str
    schema: Schema


@dataclass(frozen=True, slots=True)
class Schema:
    """A Connect schema. ``default`` None means that there is none, as in Connect."""

    type: Type
    optional: bool = False
    name: str | None = None
    version: int | None = None
    doc: str | None = None
    parameters: tuple[tuple[str, str], ...] = ()
    default: Any = None
    fields: tuple[Field, ...] = ()
    key_schema: Schema | None = None
    value_schema: Schema | None = None

    def as_optional(self) -> Schema:
        """The same schema, its value allowed to be null."""
        return replace(self, optional=True)

    def parameter(self, name: str) -> str | None:
        """The value of a schema parameter, None where it is not set."""
        return dict(self.parameters).get(name)


def struct(name: str | None, *fields: tuple[str, Schema], optional: bool = False, version: int | None = None) -> Schema:
    """A struct schema with the given ``(name, schema)`` fields."""
    return Schema(
        Type.STRUCT,
        optional=optional,
        name=name,
        version=version,
        fields=tuple(Field(field, schema) for field, schema in fields),
    )


@dataclass(frozen=True, slots=True)
class Header:
    """One header of a record: a name (not unique) and a Connect value with its schema."""

    name: str
    schema: Schema | None
    value: Any


@dataclass(frozen=True, slots=True)
class Record:
    """A message that is not a table's row (a schema change, a heartbeat), or a row after a user's transform."""

    topic: str
    key_schema: Schema | None
    key: Any
    value_schema: Schema | None
    value: Any
    headers: tuple[Header, ...] = ()
    partition: int | None = None
    timestamp: int | None = None
    """Milliseconds since 1970; None leaves it to the sink, as a ``partition`` of None does."""
