"""Avro's binary encoding of single values.

Integers are variable-length zigzag numbers, the lowest seven bits first; strings and bytes stand behind their length.
A function that begins with ``some`` writes the second branch of a union, the first of which is null.

Source: Avro's specification (1.11.3), Binary Encoding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headwater.converters.decimal_text import decimal_bytes

if TYPE_CHECKING:
    from mypy_extensions import i64

_BITS14: Final = 0x3FFF
_BITS50: Final = 0x3FFFFFFFFFFFF
_ENDS: Final = [bytes([n]) if n < 0x80 else bytes([n & 0x7F | 0x80, n >> 7]) for n in range(1 << 14)]
"""The last one or two bytes of a number, by its highest bits."""
_CONTINUED: Final = [bytes([n & 0x7F | 0x80, n >> 7 | 0x80]) for n in range(1 << 14)]
"""Two bytes behind which others follow, by fourteen bits."""
_SHORT: Final = 1 << 13
"""Lengths below this, and numbers on both sides of zero, take two bytes at most."""


def long(value: i64) -> bytes:
    """An int or a long."""
    zigzag: i64 = (value << 1) ^ (value >> 63)
    if 0 <= zigzag <= _BITS14:
        return _ENDS[zigzag]
    result = _CONTINUED[zigzag & _BITS14]
    zigzag = zigzag >> 14 & _BITS50  # a native integer has wrapped around to a negative one
    while zigzag > _BITS14:
        result += _CONTINUED[zigzag & _BITS14]
        zigzag >>= 14
    return result + _ENDS[zigzag]


def some_long(value: i64) -> bytes:
    """An int or a long behind the number of its branch."""
    return b"\x02" + long(value)


def octets(value: bytes) -> bytes:
    """Bytes."""
    size = len(value)
    return (_ENDS[size << 1] if size < _SHORT else long(size)) + value


def some_octets(value: bytes) -> bytes:
    """Bytes behind the number of their branch."""
    return b"\x02" + octets(value)


def string(value: str) -> bytes:
    """A string; half of a surrogate pair, which UTF-8 can't hold, becomes a question mark as in Java."""
    return octets(value.encode("utf-8", "replace"))


def some_string(value: str) -> bytes:
    """A string behind the number of its branch."""
    return b"\x02" + octets(value.encode("utf-8", "replace"))


def decimal(unscaled: int) -> bytes:
    """A decimal, which is bytes."""
    return octets(decimal_bytes(unscaled))


def some_decimal(unscaled: int) -> bytes:
    """A decimal behind the number of its branch."""
    return b"\x02" + octets(decimal_bytes(unscaled))
