"""MySQL's dates and times as Debezium's integers and strings.

Three rules of Debezium hold everywhere: a date with a zero year, month or day is no value (null, or what stands
in for null where the column is NOT NULL); years 1 to 99 are taken as 1970 to 2069 (``enable.time.adjuster``); the
calendar is Gregorian all the way back.

Sources: ``my_datetime_packed_to_binary`` and its siblings in MySQL's mysys/my_time.cc; Debezium 3.6's
``RowDeserializers`` and ``BinlogValueConverters.adjustTemporal``.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

EPOCH = date(1970, 1, 1).toordinal()
DAY = 86_400
MICROS = 1_000_000
CACHED = 1024
"""How many values a column's reader remembers: dates and the seconds of now come again and again."""


@lru_cache(maxsize=4096)
def epoch_day(year: int, month: int, day: int) -> int | None:
    """Days since 1970-01-01; None for a date with a zero part. Raises ValueError for one that does not exist."""
    if not (year and month and day):
        return None
    if year < 100:
        year += 2000 if year < 70 else 1900
    return date(year, month, day).toordinal() - EPOCH


def fraction_bytes(digits: int) -> int:
    """Bytes behind a packed value that hold ``digits`` fractional digits of a second."""
    return (digits + 1) // 2


def packed_date(missing: Any) -> Callable[[bytes], Any]:
    """Reader of DATE: 15 bits of year, 4 of month, 5 of day, the lowest byte first; gives days."""

    @lru_cache(maxsize=CACHED)
    def read(data: bytes) -> Any:
        packed = int.from_bytes(data, "little")
        day = epoch_day(packed >> 9, packed >> 5 & 0x0F, packed & 0x1F)
        return missing if day is None else day

    return read


def packed_timestamp(digits: int, missing: Any) -> Callable[[bytes], Any]:
    """Reader of TIMESTAMP(digits); gives ISO 8601 in UTC with just that many digits.

    Four bytes of seconds since the epoch, the highest first; then the fraction. All zero is "0000-00-00".
    """
    width = fraction_bytes(digits)
    shift, odd = 8 * width, digits % 2

    @lru_cache(maxsize=CACHED)
    def read(data: bytes) -> Any:
        packed = int.from_bytes(data, "big")
        if not packed:
            return missing
        text = utc(packed >> shift)
        if not digits:
            return f"{text}Z"
        fraction = packed & ((1 << shift) - 1)
        return f"{text}.{fraction // 10 if odd else fraction:0{digits}}Z"

    return read


def packed_time(digits: int) -> Callable[[bytes], int]:
    """Reader of TIME(digits); gives microseconds.

    Three bytes, the highest first: a sign, a spare bit, hours in 10 bits, minutes and seconds in 6 each; then the
    fraction. A negative time is the two's complement of the whole.
    """
    width = fraction_bytes(digits)
    shift, scale = 8 * width, 100 ** (3 - width)
    zero = 1 << (23 + shift)

    def read(data: bytes) -> int:
        packed = int.from_bytes(data, "big") - zero
        size = abs(packed)
        seconds = (size >> shift + 12) * 3600 + (size >> shift + 6 & 0x3F) * 60 + (size >> shift & 0x3F)
        micros: int = seconds * MICROS + (size & ((1 << shift) - 1)) * scale
        return -micros if packed < 0 else micros

    return read


@lru_cache(maxsize=CACHED)
def utc(seconds: int) -> str:
    """Seconds since the epoch as ``2024-02-29T12:34:56``."""
    day, second = divmod(seconds, DAY)
    return f"{_iso_day(day)}T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"


@lru_cache(maxsize=CACHED)
def _iso_day(day: int) -> str:
    return date.fromordinal(day + EPOCH).isoformat()
