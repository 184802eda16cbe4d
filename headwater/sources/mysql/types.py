"""Debezium's schema of a column: which Connect type, logical name, parameters and default a MySQL type becomes.

Source: "Data type mappings" in Debezium's MySQL connector documentation, and what its 3.6.3 connector writes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from headwater.record import DECIMAL, Schema, Type, struct
from headwater.source import SourceError
from headwater.sources.mysql.defaults import default_value
from headwater.sources.mysql.table import BOOLEAN

if TYPE_CHECKING:
    from headwater.sources.mysql.table import Column, Table


JSON = "io.debezium.data.Json"
ENUM = "io.debezium.data.Enum"
ENUM_SET = "io.debezium.data.EnumSet"
BITS = "io.debezium.data.Bits"
FLOAT_VECTOR = "io.debezium.data.FloatVector"
POINT = "io.debezium.data.geometry.Point"
GEOMETRY = "io.debezium.data.geometry.Geometry"
YEAR = "io.debezium.time.Year"
DATE = "io.debezium.time.Date"
MICRO_TIME = "io.debezium.time.MicroTime"
TIMESTAMP = "io.debezium.time.Timestamp"
MICRO_TIMESTAMP = "io.debezium.time.MicroTimestamp"
ZONED_TIMESTAMP = "io.debezium.time.ZonedTimestamp"


class DecimalMode(StrEnum):
    """``decimal.handling.mode``."""

    PRECISE = "precise"
    DOUBLE = "double"
    STRING = "string"


@dataclass(frozen=True, slots=True)
class ValueOptions:
    """The options that decide how values are represented; each has Debezium's default."""

    decimal: DecimalMode = DecimalMode.PRECISE


def key_schema(table: Table, topic: str, options: ValueOptions) -> Schema:
    """The schema of a message's key; the table must have one."""
    fields = ((name, column_schema(table.column(name), options)) for name in table.key)
    return struct(f"{topic}.Key", *fields)


def row_schema(table: Table, topic: str, options: ValueOptions) -> Schema:
    """The schema of a row: one field for each of the table's columns, in their order."""
    fields = ((column.name, column_schema(column, options)) for column in table.columns)
    return struct(f"{topic}.Value", *fields)


def column_schema(column: Column, options: ValueOptions) -> Schema:
    """The schema of one column's values, with its default as a Connect value. Raises `SourceError`."""
    try:
        schema = _BY_TYPE[column.type](column, options)
    except KeyError:
        raise SourceError(
            f"column {column.name} has type {column.type_text or column.type}, which can't be captured: "
            f"name it in column.exclude.list"
        ) from None
    return replace(schema, optional=schema.optional or column.nullable, default=default_value(column, schema))


def allowed_values(column: Column) -> tuple[str, ...]:
    """The members of an enum or set as Debezium writes them: a comma within one has a backslash before it."""
    return tuple(value.replace(",", "\\,") for value in column.values)


_Builder = Callable[["Column", ValueOptions], Schema]


def _fixed(schema: Schema) -> _Builder:
    return lambda _column, _options: schema


def _logical(physical: Type, name: str) -> _Builder:
    return _fixed(Schema(physical, name=name, version=1))


def _integer(signed: Type, unsigned: Type) -> _Builder:
    return lambda column, _options: Schema(unsigned if column.unsigned else signed)


def _float(column: Column, _options: ValueOptions) -> Schema:
    """``float(M,D)`` becomes a double, as in Debezium, although the log has four bytes."""
    return Schema(Type.FLOAT32 if column.scale is None else Type.FLOAT64)


def _decimal(column: Column, options: ValueOptions) -> Schema:
    if options.decimal is DecimalMode.STRING:
        return Schema(Type.STRING)
    if options.decimal is DecimalMode.DOUBLE:
        return Schema(Type.FLOAT64)
    parameters = (("scale", str(column.scale)), ("connect.decimal.precision", str(column.length)))
    return Schema(Type.BYTES, name=DECIMAL, version=1, parameters=parameters)


def _bit(column: Column, _options: ValueOptions) -> Schema:
    if column.length == 1:
        return Schema(Type.BOOLEAN)
    return Schema(Type.BYTES, name=BITS, version=1, parameters=(("length", str(column.length)),))


def _members(name: str) -> _Builder:
    def build(column: Column, _options: ValueOptions) -> Schema:
        allowed = ",".join(allowed_values(column))
        return Schema(Type.STRING, name=name, version=1, parameters=(("allowed", allowed),))

    return build


def _datetime(column: Column, _options: ValueOptions) -> Schema:
    return Schema(Type.INT64, name=MICRO_TIMESTAMP if (column.length or 0) > 3 else TIMESTAMP, version=1)


_SRID = ("srid", Schema(Type.INT32, optional=True))
_POINT = replace(
    struct(
        POINT,
        ("x", Schema(Type.FLOAT64)),
        ("y", Schema(Type.FLOAT64)),
        ("wkb", Schema(Type.BYTES, optional=True)),
        _SRID,
        version=1,
    ),
    doc="Geometry (POINT)",
)
_GEOMETRY = replace(struct(GEOMETRY, ("wkb", Schema(Type.BYTES)), _SRID, version=1, optional=True), doc="Geometry")

_BY_TYPE: dict[str, _Builder] = {
    "tinyint": _integer(Type.INT16, Type.INT16),
    BOOLEAN: _fixed(Schema(Type.BOOLEAN)),
    "smallint": _integer(Type.INT16, Type.INT32),
    "mediumint": _integer(Type.INT32, Type.INT32),
    "int": _integer(Type.INT32, Type.INT64),
    "bigint": _integer(Type.INT64, Type.INT64),
    "float": _float,
    "double": _fixed(Schema(Type.FLOAT64)),
    "decimal": _decimal,
    "bit": _bit,
    "enum": _members(ENUM),
    "set": _members(ENUM_SET),
    "json": _logical(Type.STRING, JSON),
    "year": _logical(Type.INT32, YEAR),
    "date": _logical(Type.INT32, DATE),
    "time": _logical(Type.INT64, MICRO_TIME),
    "datetime": _datetime,
    "timestamp": _logical(Type.STRING, ZONED_TIMESTAMP),
    "vector": _fixed(Schema(Type.ARRAY, name=FLOAT_VECTOR, version=1, value_schema=Schema(Type.FLOAT32))),
    "point": _fixed(_POINT),
    **dict.fromkeys(("char", "varchar", "tinytext", "text", "mediumtext", "longtext"), _fixed(Schema(Type.STRING))),
    **dict.fromkeys(("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"), _fixed(Schema(Type.BYTES))),
    **dict.fromkeys(
        ("geometry", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon", "geomcollection"),
        _fixed(_GEOMETRY),
    ),
}
