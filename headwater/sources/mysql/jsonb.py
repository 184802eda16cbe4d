"""MySQL's binary JSON as JSON text, in the form Debezium gives it.

A document is a type byte and a value. An object or array begins with its count and size, then come key entries
(offset, length), value entries (type, and the value itself where it is short, else its offset), the keys and
the values; offsets count from the container's own start. "Small" containers use 16-bit words, "large" ones 32.

The text is compact, in the server's order of keys, and has these marks of Debezium's JsonStringFormatter:
a double from 0.001 up to 10,000,000 as Java's Double.toString, any other as its exact decimal expansion;
fractional seconds without trailing zeros; opaque values in base64; control characters as ``\\u001F``.

Sources: https://dev.mysql.com/doc/dev/mysql-server/latest/json__binary_8h.html; com.github.shyiko.mysql.binlog
JsonBinary and JsonStringFormatter in Debezium 3.6.
"""

from __future__ import annotations

import re
import struct
from base64 import b64encode
from decimal import Decimal
from functools import lru_cache
from itertools import repeat
from json.encoder import encode_basestring as quote
from typing import TYPE_CHECKING

from headwater.sources.mysql import decimals

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_DEPTH = 100
"""The deepest nesting the server accepts (JSON_DOCUMENT_MAX_DEPTH)."""

SMALL_OBJECT, LARGE_OBJECT, SMALL_ARRAY, LARGE_ARRAY = 0x00, 0x01, 0x02, 0x03
LITERAL, INT16, UINT16, INT32, UINT32, INT64, UINT64 = 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0A
DOUBLE, STRING, OPAQUE = 0x0B, 0x0C, 0x0F

LITERALS = {0x00: "null", 0x01: "true", 0x02: "false"}
NUMBERS = {
    INT16: struct.Struct("<h"),
    UINT16: struct.Struct("<H"),
    INT32: struct.Struct("<i"),
    UINT32: struct.Struct("<I"),
    INT64: struct.Struct("<q"),
    UINT64: struct.Struct("<Q"),
}
FLOAT64 = struct.Struct("<d")
INT64_LE = NUMBERS[INT64]

# By large: count and size, a key entry, a value entry.
HEAD = (struct.Struct("<HH"), struct.Struct("<II"))
KEY = (struct.Struct("<HH"), struct.Struct("<IH"))
VALUE = (struct.Struct("<BH"), struct.Struct("<BI"))

# Opaque values that are shown as something else than base64, by the column type they are stored with.
DECIMALS = frozenset({0, 246})
DATES = frozenset({10})
TIMES = frozenset({11, 19})
DATETIMES = frozenset({7, 12, 17, 18})

ESCAPE = re.compile(r"\\(u00[0-9a-f]{2}|.)", re.DOTALL)


class JsonError(ValueError):
    """The bytes are no binary JSON document."""


def text(data: bytes) -> str:
    """The JSON text of a binary document (never empty). Raises `JsonError`."""
    try:
        result = _Document(data).value(data[0], 1, 0)
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise JsonError(f"binary JSON of {len(data)} bytes is cut short or damaged: {error}") from error
    return ESCAPE.sub(_upper, result) if "\\u00" in result else result


def _upper(match: re.Match[str]) -> str:
    """Java writes the hexadecimal digits of an escape in capitals."""
    escape = match[1]
    return f"\\u{escape[1:].upper()}" if escape.startswith("u00") else match[0]


@lru_cache(maxsize=8192)
def _key(data: bytes) -> str:
    """A quoted key with its colon; the same few come in every row."""
    return f"{quote(data.decode())}:"


class _Document:
    """One document. ``left`` is how many bytes it may still use: values never share bytes, so that a hostile
    document, whose offsets all point at one big value, can't grow beyond its own size."""

    __slots__ = ("data", "left")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.left = len(data)

    def use(self, size: int) -> None:
        """Count ``size`` bytes of values."""
        self.left -= size
        if self.left < 0:
            raise JsonError("binary JSON whose values overlap")

    def value(self, kind: int, at: int, depth: int) -> str:
        """The value of type ``kind`` that stands at ``at``."""
        if kind <= LARGE_ARRAY:
            return self.container(kind, at, depth + 1)
        if kind == STRING:
            start, stop = self.extent(at)
            return quote(self.data[start:stop].decode())
        if kind == DOUBLE:
            self.use(8)
            number: float = FLOAT64.unpack_from(self.data, at)[0]
            return _double(number)
        if kind == LITERAL:
            return _literal(self.data[at])
        if kind == OPAQUE:
            start, stop = self.extent(at + 1)
            return _opaque(self.data[at], self.data[start:stop])
        if kind not in NUMBERS:
            raise JsonError(f"binary JSON has no type 0x{kind:02x}")
        self.use(NUMBERS[kind].size)
        return str(NUMBERS[kind].unpack_from(self.data, at)[0])

    def container(self, kind: int, base: int, depth: int) -> str:
        """The object or array that stands at ``base``."""
        if depth > MAX_DEPTH:
            raise JsonError(f"binary JSON nested deeper than {MAX_DEPTH} levels")
        data = self.data
        large = kind & 1
        count, _ = HEAD[large].unpack_from(data, base)
        at = base + HEAD[large].size
        keys: Iterable[str] = repeat("")
        if kind <= LARGE_OBJECT:
            keys = self.keys(KEY[large].iter_unpack(data[at : at + count * KEY[large].size]), base)
            at += count * KEY[large].size
        entries = data[at : at + count * VALUE[large].size]
        at += count * VALUE[large].size
        if at > len(data):
            raise JsonError(f"binary JSON with a container of {count} members in {len(data)} bytes")
        self.use(at - base)
        parts: list[str] = []
        for key, (inner, word) in zip(keys, VALUE[large].iter_unpack(entries), strict=False):
            if inner == STRING:
                start, stop = self.extent(base + word)
                parts.append(key + quote(data[start:stop].decode()))
            elif inner == INT16:
                parts.append(f"{key}{((word & 0xFFFF) ^ 0x8000) - 0x8000}")
            elif inner == LITERAL:
                parts.append(key + _literal(word & 0xFF))
            elif inner == UINT16:
                parts.append(f"{key}{word & 0xFFFF}")
            elif large and inner == INT32:
                parts.append(f"{key}{(word ^ 0x80000000) - 0x80000000}")
            elif large and inner == UINT32:
                parts.append(f"{key}{word}")
            else:
                parts.append(key + self.value(inner, base + word, depth))
        members = ",".join(parts)
        return f"{{{members}}}" if kind <= LARGE_OBJECT else f"[{members}]"

    def keys(self, entries: Iterable[tuple[int, int]], base: int) -> list[str]:
        """The keys of the object that stands at ``base``, quoted and with their colons."""
        data = self.data
        names = []
        for offset, size in entries:
            start = base + offset
            if start + size > len(data):
                raise JsonError(f"binary JSON with a key of {size} bytes beyond its end")
            self.left -= size
            names.append(_key(data[start : start + size]))
        return names

    def extent(self, at: int) -> tuple[int, int]:
        """Start and stop of the bytes behind a length of seven bits a byte, the low ones first."""
        data = self.data
        size = data[at]
        at += 1
        if size > 0x7F:
            size &= 0x7F
            for shift in (7, 14, 21, 28):
                byte = data[at]
                at += 1
                size |= (byte & 0x7F) << shift
                if byte < 0x80:
                    break
            else:
                raise JsonError("binary JSON with a length of more than five bytes")
        self.use(size)
        if at + size > len(data):
            raise JsonError(f"binary JSON with a value of {size} bytes beyond its end")
        return at, at + size


def _literal(code: int) -> str:
    if code not in LITERALS:
        raise JsonError(f"binary JSON has no literal 0x{code:02x}")
    return LITERALS[code]


def _double(number: float) -> str:
    if number == 0 or 1e-3 <= abs(number) < 1e7:
        return repr(number)
    if number - number != 0:
        raise JsonError(f"binary JSON with the number {number}")
    return format(Decimal(number), "f")


def _opaque(column_type: int, data: bytes) -> str:
    """A value of an SQL type that JSON has no type for."""
    if column_type in DECIMALS:
        parts = decimals.groups(data[0], data[1])
        return decimals.plain(decimals.unscaled(data[2:], parts), data[1])
    if column_type in DATES:
        return f'"{_date(INT64_LE.unpack(data)[0])}"'
    if column_type in TIMES:
        return f'"{_time(INT64_LE.unpack(data)[0])}"'
    if column_type in DATETIMES:
        packed = INT64_LE.unpack(data)[0]
        return f'"{_date(packed)} {_clock(packed)}"'
    return f'"{b64encode(data).decode()}"'


def _date(packed: int) -> str:
    """A packed DATE or DATETIME: year * 13 + month in 17 bits, day in 5, a time of day in 17 and 24."""
    month = packed >> 46 & 0x1FFFF
    return f"{month // 13:04}-{month % 13:02}-{packed >> 41 & 0x1F:02}"


def _clock(packed: int) -> str:
    """A packed time of day: 5 bits of hours, 6 of minutes, 6 of seconds, 24 of microseconds."""
    return _hours(packed >> 36 & 0x1F, packed)


def _time(packed: int) -> str:
    """A packed TIME: ten bits of hours, and the sign is that of the whole."""
    return f"{'-' if packed < 0 else ''}{_hours(abs(packed) >> 36 & 0x3FF, abs(packed))}"


def _hours(hours: int, packed: int) -> str:
    micros = packed & 0xFFFFFF
    fraction = f".{micros:06}".rstrip("0") if micros else ""
    return f"{hours:02}:{packed >> 30 & 0x3F:02}:{packed >> 24 & 0x3F:02}{fraction}"
