"""Debezium's and Kafka Connect's semantic types: what the name of a schema says of the number or text in it.

Each is also a mark for annotations, where messages have no schemas: ``Annotated[datetime, MicroTimestamp]``.

A date and time without zone is a datetime without zone, a time of day a timedelta since midnight (MySQL's go beyond a
day, and below zero).

Source: Debezium's documentation, "Data type mappings" of the connectors, and ``io.debezium.time``.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from headwater.record import DECIMAL, Schema, Type
from headwater.typed.errors import MisfitError

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - columns without a zone have none here
_FIRST_DAY = _EPOCH.date()


@dataclass(frozen=True, slots=True)
class Semantic:
    """How the physical value of a schema named ``name`` is read."""

    name: str
    decode: Callable[[Any], Any]

    def __call__(self, value: Any) -> Any:
        """The Python value. Raises `MisfitError`."""
        try:
            return self.decode(value)
        except (TypeError, ValueError, OverflowError, ArithmeticError) as error:
            simple = self.name.rpartition(".")[2]
            raise MisfitError(f"a {type(value).__name__} can't be a {simple}: {_reason(error)}") from error


def scale(digits: int) -> Semantic:
    """A mark for decimals as bytes, which only their schema tells the scale of: ``Annotated[Decimal, scale(2)]``."""

    def decode(value: str | bytes | int) -> Decimal:
        from base64 import b64decode

        if isinstance(value, str):
            value = b64decode(value, validate=True)
        unscaled = int.from_bytes(value, "big", signed=True) if isinstance(value, bytes) else value
        return _decimal(unscaled, digits)

    return Semantic(DECIMAL, decode)


def _decimal(unscaled: int, digits: int) -> Decimal:
    """Exactly, whatever the current context's precision."""
    return Decimal((int(unscaled < 0), tuple(map(int, str(abs(unscaled)))), -digits))


def _units(a_second: int) -> Callable[[int], timedelta]:
    def decode(value: int) -> timedelta:
        if value * 1_000_000 % a_second:
            raise ValueError("it has parts of a microsecond, which Python's times have no room for")
        return timedelta(microseconds=value * 1_000_000 // a_second)

    return decode


def _since_1970(a_second: int) -> Callable[[int], datetime]:
    units = _units(a_second)
    return lambda value: _EPOCH + units(value)


def _days(value: int) -> date:
    return _FIRST_DAY + timedelta(days=value)


def _variable_scale(value: dict[str, Any]) -> Decimal:
    return _decimal(int.from_bytes(value["value"], "big", signed=True), value["scale"])


def _iso_date(value: str) -> date:
    return date.fromisoformat(value.removesuffix("Z"))


Date = Semantic("io.debezium.time.Date", _days)
Timestamp = Semantic("io.debezium.time.Timestamp", _since_1970(10**3))
MicroTimestamp = Semantic("io.debezium.time.MicroTimestamp", _since_1970(10**6))
NanoTimestamp = Semantic("io.debezium.time.NanoTimestamp", _since_1970(10**9))
Time = Semantic("io.debezium.time.Time", _units(10**3))
MicroTime = Semantic("io.debezium.time.MicroTime", _units(10**6))
NanoTime = Semantic("io.debezium.time.NanoTime", _units(10**9))
MicroDuration = Semantic("io.debezium.time.MicroDuration", _units(10**6))
NanoDuration = Semantic("io.debezium.time.NanoDuration", _units(10**9))
ZonedTimestamp = Semantic("io.debezium.time.ZonedTimestamp", datetime.fromisoformat)

_BY_NAME = {
    semantic.name: semantic
    for semantic in (
        Date,
        Timestamp,
        MicroTimestamp,
        NanoTimestamp,
        Time,
        MicroTime,
        NanoTime,
        MicroDuration,
        NanoDuration,
        ZonedTimestamp,
        Semantic("io.debezium.time.IsoDate", _iso_date),
        Semantic("io.debezium.data.Uuid", uuid.UUID),
        Semantic("io.debezium.data.VariableScaleDecimal", _variable_scale),
        Semantic("org.apache.kafka.connect.data.Date", _days),
        Semantic("org.apache.kafka.connect.data.Time", _units(10**3)),
        Semantic("org.apache.kafka.connect.data.Timestamp", _since_1970(10**3)),
    )
}
"""The other types' values are what they seem: numbers, text (JSON, too), bytes."""


def converted(schema: Schema | None, value: Any) -> Any:
    """The Python value of a Connect value, all through. Raises `MisfitError`."""
    if schema is None or value is None:
        return value
    if schema.name == DECIMAL:
        return _connect_decimal(schema, value)
    if (semantic := _BY_NAME.get(schema.name or "")) is not None:
        return semantic(value)
    match schema.type:
        case Type.STRUCT:
            return {field.name: _member(field.name, field.schema, value.get(field.name)) for field in schema.fields}
        case Type.ARRAY:
            return [converted(schema.value_schema, each) for each in value]
        case Type.MAP:
            return {
                converted(schema.key_schema, key): converted(schema.value_schema, each) for key, each in value.items()
            }
        case _:
            return value


def _member(name: str, schema: Schema, value: Any) -> Any:
    try:
        return converted(schema, value)
    except MisfitError as error:
        raise error.within(name) from error


def _connect_decimal(schema: Schema, unscaled: int) -> Decimal:
    digits = schema.parameter("scale") or ""
    if not digits.lstrip("-").isdecimal():
        raise MisfitError("the schema of a Decimal has no scale")
    return _decimal(unscaled, int(digits))


def _reason(error: Exception) -> str:
    """An error's own words, unless they may show the value."""
    if isinstance(error, ValueError) and "'" not in str(error):
        return str(error)
    return "it is not in the form or range of one"
