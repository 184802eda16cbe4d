"""Protobuf's encoding of single values.

A field is its tag (its number and how it is encoded, in one integer) and its content. Integers are variable-length,
the lowest seven bits first, negative ones in all of their 64 bits; what has no fixed length stands behind its length.

Source: Protobuf's documentation, Encoding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mypy_extensions import i64

VARINT: Final = 0
I64: Final = 1
LEN: Final = 2
I32: Final = 5

_BITS14: Final = 0x3FFF
_BITS50: Final = 0x3FFFFFFFFFFFF
_ENDS: Final = [bytes([n]) if n < 0x80 else bytes([n & 0x7F | 0x80, n >> 7]) for n in range(1 << 14)]
"""The last one or two bytes of an integer, by its highest bits."""
_CONTINUED: Final = [bytes([n & 0x7F | 0x80, n >> 7 | 0x80]) for n in range(1 << 14)]
"""Two bytes behind which others follow, by fourteen bits."""


def varint(value: i64) -> bytes:
    """An integer of up to 64 bits, or a truth value."""
    if 0 <= value <= _BITS14:
        return _ENDS[value]
    result = _CONTINUED[value & _BITS14]
    value = value >> 14 & _BITS50
    while value > _BITS14:
        result += _CONTINUED[value & _BITS14]
        value >>= 14
    return result + _ENDS[value]


def tag(number: int, encoding: int) -> bytes:
    """What a field begins with."""
    return varint(number << 3 | encoding)


def octets(value: bytes) -> bytes:
    """Bytes behind their length."""
    return varint(len(value)) + value


def string(value: str) -> bytes:
    """A string behind its length; half of a surrogate pair, which UTF-8 can't hold, is a question mark as in Java."""
    return octets(value.encode("utf-8", "replace"))


def delimited(field: bytes, content: bytes) -> bytes:
    """A field that is a message: tag, length and content."""
    return field + varint(len(content)) + content


def nonzero(field: bytes, packed: bytes) -> bytes:
    """A field that is a floating-point number, left out where that is zero; zero with a sign is not."""
    return field + packed if any(packed) else b""
