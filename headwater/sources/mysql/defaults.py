"""A column's default as the Connect value that Debezium puts into the column's schema.

The server writes a default as text in a fixed form: numbers with all digits of their scale, binary strings in
hexadecimal, bits as ``b'101'``. Expressions have no value before a row is written and so give no default; the
current time is the one exception: Debezium writes the epoch for it.

A default here is the value that a row gets. Debezium's is not where it leaves SQL's escapes in text, or rounds a
bigint to the digits of a double.

Source: Debezium's MySQL connector documentation, "Default values"; MySQL's reference manual, ``COLUMN_DEFAULT``.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from headwater.record import Schema, Type
from headwater.source import SourceError
from headwater.sources.mysql.table import BOOLEAN

if TYPE_CHECKING:
    from headwater.sources.mysql.table import Column


def default_value(column: Column, schema: Schema) -> Any:
    """The Connect value, as ``schema`` has it; None where there is no default. Raises `SourceError`."""
    if column.default is None:
        return None
    text = column.default
    if column.expression:
        if not _CURRENT_TIME.fullmatch(text):
            return None
        text = _EPOCH
    try:
        return _BY_TYPE.get(column.type, _text)(column, text, schema)
    except (ValueError, OverflowError) as error:
        raise SourceError(
            f"the default {text!r} of column {column.name} can't be read as {column.type}: {error}; "
            f"name the column in column.exclude.list"
        ) from None


_EPOCH = "1970-01-01 00:00:00"
_EPOCH_DATE = date(1970, 1, 1)
_CURRENT_TIME = re.compile(r"CURRENT_TIMESTAMP(\(\d?\))?", re.IGNORECASE)
_ZERO = re.compile(r"\d{4}-\d{2}-00.*|\d{4}-00-.*|0000-.*")
"""Dates that MySQL holds and calendars do not have."""


def _text(_column: Column, text: str, _schema: Schema) -> str:
    return text


def _integer(_column: Column, text: str, _schema: Schema) -> int:
    return int(text)


def _boolean(_column: Column, text: str, _schema: Schema) -> bool:
    return int(text) > 0


def _bigint(_column: Column, text: str, _schema: Schema) -> int:
    """Unsigned values over 2**63 - 1 wrap, as those of rows do under ``bigint.unsigned.handling.mode=long``."""
    value = int(text)
    return value - (1 << 64) if value >> 63 > 0 else value


def _decimal(column: Column, text: str, schema: Schema) -> int | float | str:
    if schema.type is Type.STRING:
        return text
    if schema.type is Type.FLOAT64:
        return float(text)
    whole, _, fraction = text.partition(".")
    return int(whole + fraction.ljust(column.scale or 0, "0"))


def _float(column: Column, text: str, _schema: Schema) -> float:
    value = float(text)
    if column.scale is None:
        (value,) = struct.unpack("<f", struct.pack("<f", value))
    return value


def _double(_column: Column, text: str, _schema: Schema) -> float:
    return float(text)


def _binary(column: Column, text: str, _schema: Schema) -> bytes:
    """Fixed-length values are shown without their trailing zero bytes."""
    if not text.startswith("0x"):
        raise ValueError("it is not hexadecimal")
    value = bytes.fromhex(text[2:])
    return value.ljust(column.length or 0, b"\0") if column.type == "binary" else value


def _bit(column: Column, text: str, _schema: Schema) -> bool | bytes:
    value = int(text.removeprefix("b").strip("'"), 2)
    length = column.length or 1
    return bool(value) if length == 1 else value.to_bytes((length + 7) // 8, "little")


def _year(_column: Column, text: str, _schema: Schema) -> int:
    """Years 0 to 99 are meant as 1970 to 2069, as Debezium's adjuster does."""
    year = int(text)
    if year < 70:
        return year + 2000
    return year + 1900 if year < 100 else year


def _date(column: Column, text: str, _schema: Schema) -> int | None:
    if _ZERO.fullmatch(text):
        return None if column.nullable else 0
    return (date.fromisoformat(text) - _EPOCH_DATE).days


def _time(_column: Column, text: str, _schema: Schema) -> int:
    hours, minutes, seconds = text.removeprefix("-").split(":")
    whole, _, fraction = seconds.partition(".")
    value = ((int(hours) * 60 + int(minutes)) * 60 + int(whole)) * 1_000_000 + int(fraction.ljust(6, "0"))
    return -value if text.startswith("-") else value


def _datetime(column: Column, text: str, _schema: Schema) -> int | None:
    if _ZERO.fullmatch(text):
        return None if column.nullable else 0
    value = (datetime.fromisoformat(text) - datetime.fromisoformat(_EPOCH)) // timedelta(microseconds=1)
    return value if (column.length or 0) > 3 else value // 1000


def _timestamp(column: Column, text: str, _schema: Schema) -> str | None:
    if text == _EPOCH or _ZERO.fullmatch(text):
        return None if column.nullable else "1970-01-01T00:00:00Z"
    return text.replace(" ", "T") + "Z"


_BY_TYPE: dict[str, Callable[[Column, str, Schema], Any]] = {
    **dict.fromkeys(("tinyint", "smallint", "mediumint", "int"), _integer),
    BOOLEAN: _boolean,
    "bigint": _bigint,
    "decimal": _decimal,
    "float": _float,
    "double": _double,
    "binary": _binary,
    "varbinary": _binary,
    "bit": _bit,
    "year": _year,
    "date": _date,
    "time": _time,
    "datetime": _datetime,
    "timestamp": _timestamp,
}
