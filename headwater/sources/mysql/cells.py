"""How one column stands in a row image, and which Connect value its bytes become.

`layout` says where the next column begins, which is all there is to know of a column that nobody uses; `value`
says how its bytes become the value of its schema, in words of generated code.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from headwater.record import DECIMAL, Schema, Type
from headwater.sources.mysql import charsets, decimals, jsonb, temporal
from headwater.sources.mysql.geometry import geometry, point
from headwater.sources.mysql.packed_datetime import PackedDatetime
from headwater.sources.mysql.table import BOOLEAN, Column
from headwater.sources.mysql.table_map import LogType
from headwater.sources.mysql.types import allowed_values

SIZES = {
    LogType.TINY: 1,
    LogType.SHORT: 2,
    LogType.INT24: 3,
    LogType.LONG: 4,
    LogType.LONGLONG: 8,
    LogType.FLOAT: 4,
    LogType.DOUBLE: 8,
    LogType.YEAR: 1,
    LogType.DATE: 3,
}
FRACTIONAL = {LogType.TIME2: 3, LogType.DATETIME2: 5, LogType.TIMESTAMP2: 4}
LONG_STRING = 256
"""From this many bytes on, the length before a char or varchar takes two bytes."""

LONGEST_PREFIX = 4

INTEGERS = {"tinyint": "bB", "smallint": "hH", "int": "iI", "bigint": "qQ"}
TEXT = frozenset({"char", "varchar", "tinytext", "text", "mediumtext", "longtext"})
BYTES = frozenset({"varbinary", "tinyblob", "blob", "mediumblob", "longblob"})
EPOCH_TIMESTAMP = "1970-01-01T00:00:00Z"
MICROS_A_UNIT = {"io.debezium.time.Timestamp": 1000, "io.debezium.time.MicroTimestamp": 1}


@dataclass(frozen=True, slots=True)
class Layout:
    """``size`` bytes; or, where it is 0, a length in ``prefix`` bytes, the lowest first, and then that many bytes."""

    size: int
    prefix: int = 0


@dataclass(frozen=True, slots=True)
class Value:
    """The ``struct`` items to unpack (none for a column behind a length), and an expression for the value.

    In ``expression``, ``{x}`` is the item or the bytes, ``{y}`` a second item, and ``{convert}`` is ``convert``.
    """

    items: str
    expression: str = "{x}"
    convert: object = None


UTF8_TEXT = Value("", "{x}.decode()")
"""A text whose bytes need no other character set."""


def layout(kind: int, meta: int) -> Layout:
    """How a column of TABLE_MAP's type and metadata stands in an image. Raises ValueError for what no server writes."""
    found = _layout(kind, meta)
    if not (found.size or 1 <= found.prefix <= LONGEST_PREFIX):
        raise ValueError(f"its type {kind} in the log, with the metadata {meta}, can't be read")
    return found


def _layout(kind: int, meta: int) -> Layout:
    if kind in SIZES:
        return Layout(SIZES[LogType(kind)])
    if kind in FRACTIONAL:
        return Layout(FRACTIONAL[LogType(kind)] + temporal.fraction_bytes(meta))
    if kind == LogType.NEWDECIMAL:
        return Layout(decimals.size(*divmod(meta, 256)))
    if kind == LogType.BIT:
        return Layout((meta + 7) // 8)
    if kind in (LogType.ENUM, LogType.SET):
        return Layout(meta)
    if kind in (LogType.STRING, LogType.VARCHAR):
        return Layout(0, 1 if meta < LONG_STRING else 2)
    return Layout(0, meta if kind in (LogType.BLOB, LogType.JSON, LogType.GEOMETRY, LogType.VECTOR) else 0)


def value(column: Column, schema: Schema, kind: int, meta: int) -> Value:
    """What the bytes of a column become. Raises ValueError where they can't become a value of the schema."""
    found = _value(column, schema, kind, meta)
    place = layout(kind, meta)
    if struct.calcsize(f"<{found.items}") != place.size:
        raise ValueError(f"the log holds it as type {kind} in {place.size} bytes, which is no {column.type}")
    return found


def _value(column: Column, schema: Schema, kind: int, meta: int) -> Value:
    width = layout(kind, meta).size
    match column.type:
        case _ if column.type == BOOLEAN:
            return Value("B" if column.unsigned else "b", "{x} > 0")
        case "tinyint" | "smallint" | "int" | "bigint":
            # A bigint unsigned beyond the schema's int64 wraps around, as Java's long does.
            signed = not column.unsigned or (column.type == "bigint" and schema.type is Type.INT64)
            return Value(INTEGERS[column.type][0 if signed else 1])
        case "mediumint":
            return Value("HB" if column.unsigned else "Hb", "{x} | {y} << 16")
        case "year":
            return Value("B", "{x} + 1900")
        case "float" | "double":
            return Value(column.type[0])
        case "decimal":
            return Value(f"{width}s", "{convert}({x})", _decimal(schema, *divmod(meta, 256)))
        case "bit":
            return Value("B", "{x} & 1 == 1") if schema.type is Type.BOOLEAN else Value(f"{width}s", "{x}[::-1]")
        case "enum":
            return Value("B" if width == 1 else "H", "{convert}[{x}]", _Enum(column))
        case "set":
            return Value(f"{width}s", "{convert}({x})", _set(allowed_values(column)))
        case "date":
            return Value("3s", "{convert}({x})", temporal.packed_date(missing(column, schema, 0)))
        case "time":
            return Value(f"{width}s", "{convert}({x})", temporal.packed_time(meta))
        case "datetime":
            unit = MICROS_A_UNIT[schema.name or ""]
            read_datetime = PackedDatetime(meta, unit, missing(column, schema, 0)).read
            return Value(f"{width}s", "{convert}({x})", read_datetime)
        case "timestamp":
            read = temporal.packed_timestamp(meta, missing(column, schema, EPOCH_TIMESTAMP))
            return Value(f"{width}s", "{convert}({x})", read)
        case "json":
            return Value("", f"{{convert}}({{x}}) or {_literal(missing(column, schema, '{}'))}", jsonb.text)
        case "binary":
            return Value("", f"{{x}}.ljust({column.length or 0}, b'\\0')")
        case "point":
            return Value("", "{convert}({x})", point)
        case "vector":
            return Value("", "{convert}({x})", vector)
    if column.type in TEXT:
        return _text(column)
    if column.type in BYTES:
        return Value("")
    if kind == LogType.GEOMETRY:
        return Value("", "{convert}({x})", geometry)
    raise ValueError(f"values of type {column.type} can't be read yet")


def missing(column: Column, schema: Schema, fallback: Any) -> Any:
    """What stands for a value that there is none of, such as a zero date: Debezium's choice."""
    if column.nullable:
        return None
    return fallback if schema.default is None else schema.default


def _text(column: Column) -> Value:
    if column.charset is None or column.charset in charsets.UTF8:
        return UTF8_TEXT
    try:
        return Value("", "{convert}({x})", charsets.decoder(column.charset))
    except LookupError:
        raise ValueError(f"its character set {column.charset} can't be read") from None


def _literal(value: str | None) -> str:
    """A value as code in a `Value.expression`, where braces would stand for names."""
    return repr(value).replace("{", r"\x7b").replace("}", r"\x7d")


def _decimal(schema: Schema, precision: int, scale: int) -> Callable[[bytes], Any]:
    """By ``decimal.handling.mode``: the unscaled int of a Decimal, plain digits, or a float."""
    unscaled = decimals.Unscaled(precision, scale).read
    if schema.name == DECIMAL:
        return unscaled
    if schema.type is Type.STRING:
        return lambda data: decimals.plain(unscaled(data), scale)
    return lambda data: unscaled(data) / 10**scale


class _Enum(dict[int, str]):
    """An enum's members by number, from 1; 0 is the empty string that stands for an invalid value."""

    def __init__(self, column: Column) -> None:
        super().__init__(enumerate(("", *allowed_values(column))))

    def __missing__(self, number: int) -> str:
        raise ValueError(f"an enum of {len(self) - 1} members with the number {number}")


def _set(members: tuple[str, ...]) -> Callable[[bytes], str]:
    """A bit a member, the first one lowest."""

    @lru_cache(maxsize=temporal.CACHED)
    def read(data: bytes) -> str:
        bits = int.from_bytes(data, "little")
        if bits >> len(members):
            raise ValueError(f"a set of {len(members)} members with the value {bits:#x}")
        return ",".join(member for index, member in enumerate(members) if bits >> index & 1)

    return read


def vector(data: bytes) -> list[float]:
    """A vector's floats of four bytes each."""
    return list(struct.unpack(f"<{len(data) // 4}f", data))
