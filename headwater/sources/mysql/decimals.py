"""MySQL's binary DECIMAL, as it stands in row images and inside binary JSON.

Digits go in groups of nine, each group a big-endian integer of four bytes; what is left over on the outer side
of the integer part and of the fraction takes just the bytes it needs. The first bit is flipped, so that values
compare as bytes, and a negative value has all its bits inverted.

Source: ``decimal2bin`` in https://dev.mysql.com/doc/dev/mysql-server/latest/ (strings/decimal.cc).
"""

from __future__ import annotations

GROUP = 9
"""Decimal digits in a full group of four bytes."""
BYTES = (0, 1, 1, 2, 2, 3, 3, 4, 4)
"""Bytes that hold 0 to 8 left-over digits."""


def groups(precision: int, scale: int) -> tuple[tuple[int, int], ...]:
    """(digits, bytes) of each group of ``decimal(precision, scale)``, in the order they are stored."""
    whole, over = divmod(precision - scale, GROUP)
    parts, left = divmod(scale, GROUP)
    every = [(over, BYTES[over]), *[(GROUP, 4)] * (whole + parts), (left, BYTES[left])]
    return tuple(group for group in every if group[0])


def size(precision: int, scale: int) -> int:
    """How many bytes a stored ``decimal(precision, scale)`` takes."""
    return sum(width for _, width in groups(precision, scale))


def unscaled(data: bytes, parts: tuple[tuple[int, int], ...]) -> int:
    """The unscaled value of a stored decimal, given its `groups`: 123.45 as decimal(10,2) is 12345."""
    negative = data[0] < 0x80
    stored = int.from_bytes(data, "big") ^ (0x80 << 8 * (len(data) - 1))
    if negative:
        stored ^= (1 << 8 * len(data)) - 1
    value, shift = 0, 8 * len(data)
    for digits, width in parts:
        shift -= 8 * width
        value = value * 10**digits + ((stored >> shift) & ((1 << 8 * width) - 1))
    return -value if negative else value


def plain(value: int, scale: int) -> str:
    """An unscaled value as digits with ``scale`` of them behind the point, as Java's BigDecimal.toPlainString."""
    if not scale:
        return str(value)
    digits = str(abs(value)).rjust(scale + 1, "0")
    return f"{'-' if value < 0 else ''}{digits[:-scale]}.{digits[-scale:]}"
