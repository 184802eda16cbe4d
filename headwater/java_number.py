"""Numbers as Java reads, narrows and shortens them.

Source: ``Integer.parseInt`` and its like, ``Float.parseFloat`` and ``Double.parseDouble``; the narrowing conversions of
The Java Language Specification, 5.1.3.
"""

from __future__ import annotations

import re
import struct
from decimal import Decimal

_INTEGER = re.compile(r"[+-]?\d+")
_FLOATING = re.compile(r"[+-]?(NaN|Infinity|(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[fFdD]?)")
_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,9})?")
_HEXADECIMAL = re.compile(r"([+-]?0[xX][0-9a-fA-F.]+[pP][+-]?\d+)[fFdD]?")
_FLOAT32 = struct.Struct("<f")
_SMALLEST_NORMAL = 2.0**-126  # below it a float32 has less than six digits


def parse_integer(text: str, bits: int) -> int:
    """A number of that many bits. Raises ValueError where the text is none."""
    if _INTEGER.fullmatch(text) is None or not -(1 << bits - 1) <= int(text) < 1 << bits - 1:
        raise ValueError(f"{text!r} is no integer of {bits} bits")
    return int(text)


def parse_floating(text: str, *, single: bool) -> float:
    """A float, ``single`` one of four bytes. Raises ValueError where the text is none."""
    text = text.strip()
    if _FLOATING.fullmatch(text):
        value = float(text.rstrip("fFdD") if text[-1:] in "fFdD" and "Infinity" not in text else text)
    elif found := _HEXADECIMAL.fullmatch(text):
        value = float.fromhex(found[1])
    else:
        raise ValueError(f"{text!r} is no number")
    return float32(value) if single else value


def parse_decimal(text: str) -> Decimal:
    """``new BigDecimal(text)``. Raises ValueError where the text is none."""
    if _DECIMAL.fullmatch(text) is None:
        raise ValueError(f"{text!r} is no number")
    return Decimal(text)


def float32(value: float) -> float:
    """The nearest float of four bytes; beyond the largest, infinity."""
    try:
        nearest: float = _FLOAT32.unpack(_FLOAT32.pack(value))[0]
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
    return nearest


def shortest_float32(value: float) -> float:
    """The double whose shortest decimal is the shortest one that names ``value``, a finite float32 held as a double."""
    for digits in range(1 if abs(value) < _SMALLEST_NORMAL else 6, 9):
        short = float(f"{value:.{digits}g}")
        if _FLOAT32.unpack(_FLOAT32.pack(short))[0] == value:
            return short
    return float(f"{value:.9g}")


def wrapped(value: int, bits: int) -> int:
    """The lowest bits of an integer, the highest of them its sign."""
    return (value + (1 << bits - 1)) % (1 << bits) - (1 << bits - 1)


def narrowed(value: float, bits: int) -> int:
    """A float as an integer of that many bits: NaN is 0, what is too large the largest there is.

    Below 32 bits it is first narrowed to 32, and then wrapped.
    """
    if value != value:
        return 0
    width = max(bits, 32)
    limit = 1 << width - 1
    whole = limit - 1 if value >= limit else -limit if value <= -limit else int(value)
    return wrapped(whole, bits)


def truncated(value: int, divisor: int) -> int:
    """A quotient rounded towards zero."""
    return value // divisor if value >= 0 else -(-value // divisor)
