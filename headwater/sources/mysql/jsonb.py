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
from json.encoder import encode_basestring as quote

from headwater.sources.mysql import decimals

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
read_int64 = NUMBERS[INT64].unpack_from
NO_KEYS: list[str] = []
CONTINUED = 0x80
"""A byte of a length with this bit is followed by another."""

KEY = (struct.Struct("<HH"), struct.Struct("<IH"))
"""A key entry, in a small and in a large object: offset and length."""

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


@lru_cache(maxsize=4096)
def _keys(entries: bytes, names: bytes, large: bool) -> list[str]:
    """The keys of an object, quoted and with their colons; the same few objects come in every row.

    ``entries`` are its key entries, ``names`` the bytes from the first key's offset to behind the last key.
    """
    keys = []
    first = KEY[large].unpack_from(entries)[0]
    for offset, size in KEY[large].iter_unpack(entries):
        start = offset - first
        if not 0 <= start <= start + size <= len(names):
            raise JsonError(f"binary JSON with a key of {size} bytes out of place")
        keys.append(f"{quote(names[start : start + size].decode())}:")
    return keys


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
            raise JsonError("binary JSON whose values overlap or run beyond its end")

    def value(self, kind: int, at: int, depth: int) -> str:
        """The value of type ``kind`` that stands at ``at``."""
        if kind <= LARGE_ARRAY:
            return self.container(kind, at, depth + 1)
        if kind == STRING:
            start, stop = self.extent(at)
            self.use(stop - start)
            return quote(self.data[start:stop].decode())
        if kind == DOUBLE:
            self.use(8)
            number: float = FLOAT64.unpack_from(self.data, at)[0]
            return _double(number)
        if kind == LITERAL:
            return _literal(self.data[at])
        if kind == OPAQUE:
            start, stop = self.extent(at + 1)
            self.use(stop - start)
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
        end = len(data)
        large = kind & 1
        width = 4 if large else 2
        count = self.word(base, width)
        at = base + 2 * width
        keys = NO_KEYS
        if kind <= LARGE_OBJECT and count:
            keys = self.keys(base, at, count, width)
            at += count * (width + 2)
        used = at + count * (width + 1) - base
        if base + used > end:
            raise JsonError(f"binary JSON with a container of {count} members in {end} bytes")
        parts: list[str] = []
        for index in range(count):
            inner = data[at]
            word = data[at + 1] | data[at + 2] << 8
            if inner == INT16:
                part = str((word ^ 0x8000) - 0x8000)
            elif inner == LITERAL:
                part = _literal(word & 0xFF)
            elif inner == UINT16:
                part = str(word)
            else:
                if large:
                    word |= data[at + 3] << 16 | data[at + 4] << 24
                if inner == STRING:
                    start = base + word + 1
                    stop = start + data[start - 1]
                    if stop - start >= CONTINUED:
                        start, stop = self.extent(start - 1)
                    elif stop > end:
                        raise JsonError("binary JSON with a string beyond its end")
                    used += stop - start
                    part = quote(data[start:stop].decode())
                elif large and inner == INT32:
                    part = str((word ^ 0x80000000) - 0x80000000)
                elif large and inner == UINT32:
                    part = str(word)
                else:
                    part = self.value(inner, base + word, depth)
            parts.append(keys[index] + part if keys else part)
            at += width + 1
        self.use(used)
        members = ",".join(parts)
        return f"{{{members}}}" if kind <= LARGE_OBJECT else f"[{members}]"

    def word(self, at: int, width: int) -> int:
        """An unsigned integer of two or four bytes, the lowest first."""
        data = self.data
        low = data[at] | data[at + 1] << 8
        return low if width == 2 else low | data[at + 2] << 16 | data[at + 3] << 24

    def keys(self, base: int, at: int, count: int, width: int) -> list[str]:
        """The keys of the object at ``base``, whose key entries begin at ``at``."""
        data = self.data
        stop = at + count * (width + 2)
        first = self.word(at, width)
        last = self.word(stop - width - 2, width) + self.word(stop - 2, 2)
        names = data[base + first : base + last]
        self.use(len(names))
        return _keys(data[at:stop], names, width == 4)

    def extent(self, at: int) -> tuple[int, int]:
        """Where the bytes behind the length at ``at`` begin and end; a length has seven bits a byte, lowest first."""
        data = self.data
        size = 0
        for shift in (0, 7, 14, 21, 28):
            byte = data[at]
            at += 1
            size |= (byte & 0x7F) << shift
            if byte < CONTINUED:
                break
        else:
            raise JsonError("binary JSON with a length of more than five bytes")
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
        precision, scale = data[0], data[1]
        if scale > precision or decimals.size(precision, scale) != len(data) - 2:
            raise JsonError(f"binary JSON with a decimal({precision},{scale}) of {len(data) - 2} bytes")
        return decimals.plain(decimals.unscaled(data[2:], decimals.groups(precision, scale)), scale)
    if column_type in DATES:
        return f'"{_date(read_int64(data)[0])}"'
    if column_type in TIMES:
        return f'"{_time(read_int64(data)[0])}"'
    if column_type in DATETIMES:
        packed = read_int64(data)[0]
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
