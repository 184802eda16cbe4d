"""Which Connect type a column becomes by its declared type, and how the values that SQLite keeps there are read.

A column of SQLite takes values of any kind, so a schema is what the declaration promises, and a value that breaks the
promise can't be read. Declared types are told by SQLite's own rules of affinity; before those come the names that
libraries for Python give types which SQLite keeps in text or numbers (BOOLEAN, DATE, DATETIME, DECIMAL(p,s), JSON).

Source: "Datatypes In SQLite"; Debezium's mapping of MySQL's types for what they become.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from headwater.record import DECIMAL, Schema, Type, struct
from headwater.sources.sqlite import values
from headwater.sources.sqlite.table import Column, Table

JSON = "io.debezium.data.Json"
DATE = "io.debezium.time.Date"
MICRO_TIME = "io.debezium.time.MicroTime"
MICRO_TIMESTAMP = "io.debezium.time.MicroTimestamp"


class DecimalMode(StrEnum):
    """``decimal.handling.mode``."""

    PRECISE = "precise"
    DOUBLE = "double"
    STRING = "string"


@dataclass(frozen=True, slots=True)
class ValueOptions:
    """The options that decide how values are represented; each has Debezium's default."""

    decimal: DecimalMode = DecimalMode.PRECISE


@dataclass(frozen=True, slots=True)
class ColumnType:
    """What a column becomes: values of the class ``plain`` are it already, others are what ``convert`` makes of them.

    ``convert`` raises ValueError.
    """

    schema: Schema
    plain: type | None
    convert: Callable[[Any], Any]


_DECLARATION = re.compile(r"\s*([^(]*?)\s*(?:\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\))?\s*", re.DOTALL)


def column_type(column: Column, options: ValueOptions) -> ColumnType:
    """What a column's values become, null and default included."""
    found = _by_declaration(column.type, options)
    schema = replace(found.schema, optional=column.nullable)
    return replace(found, schema=replace(schema, default=_default(column, found)))


def key_schema(table: Table, topic: str, options: ValueOptions) -> Schema:
    """The schema of a message's key; the table must have one."""
    return _struct(
        f"{topic}.Key", [column for name in table.key for column in table.columns if column.name == name], options
    )


def row_schema(columns: list[Column], topic: str, options: ValueOptions) -> Schema:
    """The schema of a row: one field for each of the columns, in their order."""
    return _struct(f"{topic}.Value", columns, options)


def _struct(name: str, columns: list[Column], options: ValueOptions) -> Schema:
    return struct(name, *((column.name, column_type(column, options).schema) for column in columns))


def _by_declaration(text: str, options: ValueOptions) -> ColumnType:
    declared = _DECLARATION.fullmatch(text)
    name, precision, scale = declared.groups() if declared else (text, None, None)
    name = name.upper()
    if name in ("DECIMAL", "NUMERIC", "DEC") and precision is not None:
        return _decimal(int(precision), int(scale or 0), options.decimal)
    if name in _BY_NAME:
        return _BY_NAME[name]
    return next((found for part, found in _BY_PART if part in name), _ANY if name else _UNDECLARED)


def _decimal(precision: int, scale: int, mode: DecimalMode) -> ColumnType:
    if mode is DecimalMode.DOUBLE:
        return _NUMBER
    if mode is DecimalMode.STRING:
        return ColumnType(Schema(Type.STRING), None, values.decimal_text(scale))
    parameters = (("scale", str(scale)), ("connect.decimal.precision", str(precision)))
    schema = Schema(Type.BYTES, name=DECIMAL, version=1, parameters=parameters)
    return ColumnType(schema, None, values.unscaled_decimal(scale))


def _logical(physical: Type, name: str, convert: Callable[[Any], Any]) -> ColumnType:
    return ColumnType(Schema(physical, name=name, version=1), None, convert)


_INTEGER = ColumnType(Schema(Type.INT64), int, values.refuse("an integer"))
_TEXT = ColumnType(Schema(Type.STRING), str, values.text)
_BLOB = ColumnType(Schema(Type.BYTES), bytes, values.refuse("a blob"))
_REAL = _NUMBER = ColumnType(Schema(Type.FLOAT64), float, values.number)
_ANY = _UNDECLARED = ColumnType(Schema(Type.STRING), str, values.text)
_DATETIME = _logical(Type.INT64, MICRO_TIMESTAMP, values.datetime_micros)

_BY_NAME = {
    "BOOLEAN": ColumnType(Schema(Type.BOOLEAN), None, values.boolean),
    "BOOL": ColumnType(Schema(Type.BOOLEAN), None, values.boolean),
    "DATE": _logical(Type.INT32, DATE, values.date_days),
    "TIME": _logical(Type.INT64, MICRO_TIME, values.time_micros),
    "DATETIME": _DATETIME,
    "TIMESTAMP": _DATETIME,
    "JSON": _logical(Type.STRING, JSON, values.text),
    **dict.fromkeys(("DECIMAL", "NUMERIC", "DEC", "NUMBER"), _NUMBER),
}
_BY_PART = (
    ("INT", _INTEGER),
    *((part, _TEXT) for part in ("CHAR", "CLOB", "TEXT")),
    ("BLOB", _BLOB),
    *((part, _REAL) for part in ("REAL", "FLOA", "DOUB")),
)
"""SQLite's rules, in their order: what a declared type contains."""

_NUMBER_LITERAL = re.compile(r"[+-]?(?:\d+(\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")


def _default(column: Column, found: ColumnType) -> Any:
    """The default as a Connect value; None where there is none, or an expression."""
    literal = _literal(column.default)
    if literal is None or isinstance(literal, found.plain or ()):
        return literal
    try:
        return found.convert(literal)
    except ValueError:
        return None  # it is no value of this type, so the column can't have it


def _literal(text: str | None) -> Any:
    if text is None:
        return None
    if text.upper() in ("TRUE", "FALSE"):
        return int(text.upper() == "TRUE")
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    if _NUMBER_LITERAL.fullmatch(text):
        return float(text) if re.search("[.eE]", text) else int(text)
    return None
