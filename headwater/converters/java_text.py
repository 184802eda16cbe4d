"""Java's ``toString`` of numbers and dates, where Kafka Connect's converters write it."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from headwater.converter import ConversionError
from headwater.java_double import double_text
from headwater.java_number import shortest_float32
from headwater.record import Schema, Type

_DAY_MILLISECONDS = 86_400_000
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - every date here is in UTC
_MILLISECONDS_OF = {
    "org.apache.kafka.connect.data.Date": _DAY_MILLISECONDS,
    "org.apache.kafka.connect.data.Time": 1,
    "org.apache.kafka.connect.data.Timestamp": 1,
}


def floating(value: float, schema: Schema | None) -> str:
    """``Float.toString`` or ``Double.toString``, in the fewest digits: ``1.5``, ``1.0E7``, ``NaN``."""
    if schema is not None and schema.type is Type.FLOAT32 and value - value == 0:
        value = shortest_float32(value)
    return double_text(value)


def big_decimal(unscaled: int, schema: Schema) -> str:
    """``BigDecimal.toString`` of a Decimal: plain, or with an exponent for a negative scale or a tiny value."""
    return str(Decimal((unscaled < 0, tuple(map(int, str(abs(unscaled)))), -decimal_scale(schema))))


def decimal_scale(schema: Schema) -> int:
    """The scale that a Decimal's schema has to name. Raises `ConversionError`."""
    try:
        return int(schema.parameter("scale") or "")
    except ValueError:
        raise ConversionError("a Decimal schema without a scale: its parameter 'scale' must be an integer") from None


def utc(value: int, schema: Schema) -> datetime | None:
    """The moment that a value of Connect's Date, Time or Timestamp stands for; None for other schemas."""
    milliseconds = _MILLISECONDS_OF.get(schema.name or "")
    if milliseconds is None:
        return None
    try:
        return _EPOCH + timedelta(milliseconds=value * milliseconds)
    except OverflowError:
        raise ConversionError(f"{schema.name} {value} is outside the years 1 to 9999") from None


def iso_8601(moment: datetime) -> str:
    """As Connect's ``Values`` writes a date: alone where the time is midnight, and on the first day the time alone."""
    time = f"{moment:%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
    if moment - _EPOCH < timedelta(days=1):
        return time
    date = moment.date().isoformat()
    return date if moment.time() == _EPOCH.time() else f"{date}T{time}"
