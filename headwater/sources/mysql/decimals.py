"""MySQL's binary DECIMAL, as it stands in row images and inside binary JSON.

Digits go in groups of nine, each group a big-endian integer of four bytes; what is left over on the outer side
of the integer part and of the fraction takes just the bytes it needs. The first bit is flipped, so that values
compare as bytes, and a negative value has all its bits inverted.

Source: ``decimal2bin`` in https://dev.mysql.com/doc/dev/mysql-server/latest/ (strings/decimal.cc).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

if TYPE_CHECKING:
    from mypy_extensions import i64

_NATIVE: Final = 8
"""So many bytes of a stored decimal hold no value that overflows 64 bits, whatever is in them."""
GROUP: Final = 9
"""Decimal digits in a full group of four bytes."""
BYTES: Final = (0, 1, 1, 2, 2, 3, 3, 4, 4)
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


def unscaled(data: bytes, precision: int, scale: int) -> int:
    """The unscaled value of a stored decimal: 123.45 as decimal(10,2) is 12345."""
    return Unscaled(precision, scale).read(data)


@final
class Unscaled:
    """Reads the unscaled values of stored decimals of one precision and scale."""

    def __init__(self, precision: int, scale: int) -> None:
        self._groups = [(width, 10**digits) for digits, width in groups(precision, scale)]
        self._size = size(precision, scale)

    def read(self, data: bytes) -> int:
        """The value of `size` bytes, of which there may not be fewer."""
        if self._size > _NATIVE:
            return self._read_long(data)
        flip: i64 = 0 if data[0] & 0x80 else 0xFF
        value: i64 = 0
        at: i64 = 0
        group: i64
        for width, power in self._groups:
            stop: i64 = at + width
            group = 0
            while at < stop:
                group = group << 8 | data[at] ^ flip ^ (0 if at else 0x80)
                at += 1
            value = value * power + group
        return -value if flip else value

    def _read_long(self, data: bytes) -> int:
        """The same for what may not fit into an integer of the machine."""
        negative = data[0] < 0x80
        stored = int.from_bytes(data, "big") ^ (0x80 << 8 * (len(data) - 1))
        if negative:
            stored ^= (1 << 8 * len(data)) - 1
        value, shift = 0, 8 * len(data)
        for width, power in self._groups:
            shift -= 8 * width
            value = value * power + ((stored >> shift) & ((1 << 8 * width) - 1))
        return -value if negative else value


def plain(value: int, scale: int) -> str:
    """An unscaled value as digits with ``scale`` of them behind the point, as Java's BigDecimal.toPlainString."""
    if not scale:
        return str(value)
    digits = str(abs(value)).rjust(scale + 1, "0")
    return f"{'-' if value < 0 else ''}{digits[:-scale]}.{digits[-scale:]}"
