"""An unscaled decimal as converters write it: the bytes of Java's ``BigInteger.toByteArray``, and these in base64."""

from __future__ import annotations

from binascii import b2a_base64
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mypy_extensions import i64

_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_PAIRS: Final = [first + second for first in _ALPHABET for second in _ALPHABET]
"""The two letters that twelve bits become."""
_NATIVE: Final = 1 << 55
"""What is smaller than this, on both sides of zero, takes seven bytes at most: an integer of the machine holds it."""


def decimal_bytes(unscaled: int) -> bytes:
    """As few bytes as hold the value and its sign, the highest first."""
    return unscaled.to_bytes((unscaled + (unscaled < 0)).bit_length() // 8 + 1, "big", signed=True)


def decimal_base64(value: int) -> str:
    """Of as few bytes as hold the value and its sign, the highest first."""
    if -_NATIVE <= value < _NATIVE:
        return _of_native(value)
    return b2a_base64(decimal_bytes(value), newline=False).decode()


def _of_native(value: i64) -> str:
    """The same without bytes in between, for what most amounts of money are."""
    bits: i64 = 8
    bound: i64 = 0x80  # not 1 << bits - 1: compiled, a shifted literal has the 32 bits of C's int
    while not -bound <= value < bound:
        bound <<= 8
        bits += 8
    text = ""
    while bits >= 24:
        bits -= 24
        text += _PAIRS[value >> bits + 12 & 0xFFF] + _PAIRS[value >> bits & 0xFFF]
    if bits == 8:
        text += _PAIRS[(value & 0xFF) << 4] + "=="
    elif bits == 16:
        text += _PAIRS[value >> 4 & 0xFFF] + _ALPHABET[(value & 0xF) << 2] + "="
    return text
