"""MySQL's binary JSON as JSON text, in the form Debezium gives it.

A document is a type byte and a value. An object or array begins with its count and size, then come key entries
(offset, length), value entries (type, and the value itself where it is short, else its offset), the keys and
the values; offsets count from the container's own start. "Small" containers use 16-bit words, "large" ones 32.
The values become Python objects, which orjson writes in one go: faster than joining text, compiled or not.

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
from typing import TYPE_CHECKING, Final, final

import orjson

from headwater.sources.little_endian import u16, u32
from headwater.sources.mysql import decimals

if TYPE_CHECKING:
    from mypy_extensions import i64

# Compiled, i64 is a native integer, and what is Final is not looked up; interpreted, both are mere annotations.
MAX_DEPTH: Final = 100
"""The deepest nesting the server accepts (JSON_DOCUMENT_MAX_DEPTH)."""

LARGE_OBJECT: Final = 0x01
LARGE_ARRAY: Final = 0x03
LITERAL: Final = 0x04
INT16: Final = 0x05
UINT16: Final = 0x06
INT32: Final = 0x07
UINT32: Final = 0x08
INT64: Final = 0x09
UINT64: Final = 0x0A
DOUBLE: Final = 0x0B
STRING: Final = 0x0C
OPAQUE: Final = 0x0F

NULL: Final = 0x00
TRUE: Final = 0x01
FALSE: Final = 0x02

INTEGERS: Final = {
    INT16: struct.Struct("<h"),
    UINT16: struct.Struct("<H"),
    INT32: struct.Struct("<i"),
    UINT32: struct.Struct("<I"),
    INT64: struct.Struct("<q"),
    UINT64: struct.Struct("<Q"),
}
read_int64: Final = INTEGERS[INT64].unpack_from
read_double: Final = struct.Struct("<d").unpack_from
dumps: Final = orjson.dumps
CONTINUED: Final = 0x80
"""A byte of a length with this bit is followed by another."""

KEY: Final = (struct.Struct("<HH"), struct.Struct("<IH"))
"""A key entry, in a small and in a large object: offset and length."""

KNOWN_KEYS: Final[dict[bytes, list[str]]] = {}
"""Keys of objects by the bytes that hold them: the same few objects come in every row."""
MAX_KNOWN_KEYS: Final = 4096
"""When there are so many, all are forgotten."""
LONGEST_KNOWN_KEYS: Final = 1024
"""Bytes of an object's keys that are worth remembering: longer ones are maps, whose keys change."""

# Opaque values that are shown as something else than base64, by the column type they are stored with.
DECIMALS: Final = frozenset({0, 246})
DATES: Final = frozenset({10})
TIMES: Final = frozenset({11, 19})
DATETIMES: Final = frozenset({7, 12, 17, 18})

ESCAPE: Final = re.compile(r"\\(u00[0-9a-f]{2}|.)", re.DOTALL)


class JsonError(ValueError):
    """The bytes are no binary JSON document."""


def text(data: bytes) -> str:
    """The JSON text of a binary document; none of no bytes, which a statement with IGNORE leaves for a NULL.

    Raises `JsonError`.
    """
    if not data:
        return ""
    try:
        document = _Document(data)
        result: str = dumps(document.value(data[0], 1, 0)).decode()
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise JsonError(f"binary JSON of {len(data)} bytes is cut short or damaged: {error}") from error
    return ESCAPE.sub(_upper, result) if "\\" in result and "\\u00" in result else result


def _upper(match: re.Match[str]) -> str:
    """Java writes the hexadecimal digits of an escape in capitals."""
    escape = match[1]
    return f"\\u{escape[1:].upper()}" if escape.startswith("u00") else match[0]


@final
class _Document:
    """One document. ``left`` is how many bytes it may still use: values never share bytes, so that a hostile
    document, whose offsets all point at one big value, can't grow beyond its own size."""

    __slots__ = ("data", "left", "size")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size: i64 = len(data)
        self.left: i64 = self.size

    def use(self, size: i64) -> None:
        """Count ``size`` bytes of values."""
        self.left -= size
        if self.left < 0:
            raise JsonError("binary JSON whose values overlap or run beyond its end")

    def value(self, kind: i64, at: i64, depth: i64) -> object:
        """The value of type ``kind`` that stands at ``at``, as orjson takes it."""
        if kind == STRING:
            return self.string(at)
        if kind <= LARGE_ARRAY:
            return self.container(kind, at, depth + 1)
        if kind == DOUBLE:
            return self.double(at)
        if kind == LITERAL:
            return _literal(self.data[at])
        if kind == OPAQUE:
            start, size = self.extent(at + 1)
            self.use(size)
            return _opaque(self.data[at], self.data[start : start + size])
        number = INTEGERS.get(kind)
        if number is None:
            raise JsonError(f"binary JSON has no type 0x{kind:02x}")
        self.use(number.size)
        return number.unpack_from(self.data, at)[0]

    def container(self, kind: i64, base: i64, depth: i64) -> object:
        """The object or array that stands at ``base``."""
        if depth > MAX_DEPTH:
            raise JsonError(f"binary JSON nested deeper than {MAX_DEPTH} levels")
        width: i64 = 4 if kind & 1 else 2
        count = u16(self.data, base) if width == 2 else u32(self.data, base)
        at = base + 2 * width
        entries = at if kind > LARGE_OBJECT else at + count * (width + 2)
        used = entries + count * (width + 1) - base
        if base + used > self.size:
            raise JsonError(f"binary JSON with a container of {count} members in {self.size} bytes")
        self.use(used)
        if kind > LARGE_OBJECT:
            return [self.member(entries + index * (width + 1), base, width, depth) for index in range(count)]
        members: dict[str, object] = {}
        if count:
            for key in self.keys(base, at, count, width):
                members[key] = self.member(entries, base, width, depth)
                entries += width + 1
        return members

    def member(self, at: i64, base: i64, width: i64, depth: i64) -> object:
        """The value whose entry stands at ``at``, in a container that begins at ``base``: here if it is short."""
        data = self.data
        kind: i64 = data[at]
        short = u16(data, at + 1)
        word = short if width == 2 else u32(data, at + 1)
        if kind == STRING:
            return self.string(base + word)
        if kind == INT16:
            return (short ^ 0x8000) - 0x8000
        if kind <= LARGE_ARRAY:
            return self.container(kind, base + word, depth + 1)
        if kind == DOUBLE:
            return self.double(base + word)
        if kind == LITERAL:
            return _literal(short & 0xFF)
        if kind == UINT16:
            return short
        if width == 4 and kind == INT32:
            return (word ^ 0x80000000) - 0x80000000
        if width == 4 and kind == UINT32:
            return word
        return self.value(kind, base + word, depth)

    def keys(self, base: i64, at: i64, count: i64, width: i64) -> list[str]:
        """The keys of the object at ``base``: their entries begin at ``at``, they themselves behind the values'."""
        data = self.data
        stop = at + count * (width + 2)
        first = stop + count * (width + 1)
        entry = stop - width - 2
        last = base + (u16(data, entry) if width == 2 else u32(data, entry)) + u16(data, stop - 2)
        if not first <= last <= self.size:
            raise JsonError("binary JSON with a key out of place")
        self.use(last - first)
        known = data[at:stop] + data[first:last]
        keys = KNOWN_KEYS.get(known)
        if keys is None or len(keys) != count:
            keys = _keys(data[at:stop], first - base, data[first:last], width == 4)
            if len(known) <= LONGEST_KNOWN_KEYS:
                if len(KNOWN_KEYS) >= MAX_KNOWN_KEYS:
                    KNOWN_KEYS.clear()
                KNOWN_KEYS[known] = keys
        return keys

    def string(self, at: i64) -> str:
        """The string whose length stands at ``at``."""
        data = self.data
        size: i64 = data[at]
        start = at + 1
        if size >= CONTINUED:
            start, size = self.extent(at)
        self.left -= size
        if self.left < 0 or start + size > self.size:
            raise JsonError("binary JSON with a string that overlaps another value or runs beyond its end")
        return data[start : start + size].decode()

    def double(self, at: i64) -> object:
        """The double that stands at ``at``."""
        self.use(8)
        number: float = read_double(self.data, at)[0]
        if 1e-3 <= number < 1e7 or -1e7 < number <= -1e-3 or number == 0:
            return number
        if number - number != 0:
            raise JsonError(f"binary JSON with the number {number}")
        return orjson.Fragment(format(Decimal(number), "f"))

    def extent(self, at: i64) -> tuple[i64, i64]:
        """Where the bytes behind the length at ``at`` begin, and the length: seven bits a byte, the lowest first."""
        size: i64 = 0
        for shift in (0, 7, 14, 21, 28):
            byte: i64 = self.data[at]
            at += 1
            size |= (byte & 0x7F) << shift
            if byte < CONTINUED:
                break
        else:
            raise JsonError("binary JSON with a length of more than five bytes")
        if at + size > self.size:
            raise JsonError(f"binary JSON with a value of {size} bytes beyond its end")
        return at, size


def _keys(entries: bytes, first: int, names: bytes, large: bool) -> list[str]:
    """The keys of an object, whose entries give their places from ``first`` on, where ``names`` begins."""
    keys: list[str] = []
    place = first
    for offset, size in KEY[large].iter_unpack(entries):
        if offset != place:
            raise JsonError(f"binary JSON with a key of {size} bytes out of place")
        place += size
        keys.append(names[offset - first : place - first].decode())
    if len(set(keys)) < len(keys):
        raise JsonError("binary JSON with two members of the same name")
    return keys


def _literal(code: i64) -> object:
    if code == NULL:
        return None
    if code > FALSE:
        raise JsonError(f"binary JSON has no literal 0x{code:02x}")
    return code == TRUE


def _opaque(column_type: int, data: bytes) -> object:
    """A value of an SQL type that JSON has no type for."""
    if column_type in DECIMALS:
        precision, scale = data[0], data[1]
        if scale > precision or decimals.size(precision, scale) != len(data) - 2:
            raise JsonError(f"binary JSON with a decimal({precision},{scale}) of {len(data) - 2} bytes")
        plain = decimals.plain(decimals.unscaled(data[2:], precision, scale), scale)
        return orjson.Fragment(plain)
    if column_type in DATES:
        return _date(read_int64(data)[0])
    if column_type in TIMES:
        return _time(read_int64(data)[0])
    if column_type in DATETIMES:
        packed = read_int64(data)[0]
        return f"{_date(packed)} {_clock(packed)}"
    return b64encode(data).decode()


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
