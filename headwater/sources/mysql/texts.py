"""Neighbouring columns of text in a row image, read in one call: compiled, half of what each by itself would cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from headwater.sources.little_endian import u16

if TYPE_CHECKING:
    from mypy_extensions import i64


LONGEST_TEXT_PREFIX: Final = 2
"""Bytes of the length before a char or varchar, and before texts up to 64 KB."""


def texts(buffer: bytes, at: i64, prefixes: bytes) -> list[Any]:
    """The texts that stand at ``at``, and then the place behind them.

    ``prefixes`` has for each column how many bytes its length takes, 1 or 2. Raises IndexError where the buffer ends
    before a length does, ValueError for what is no UTF-8.
    """
    found: list[Any] = []
    for prefix in prefixes:
        length: i64 = buffer[at] if prefix == 1 else u16(buffer, at)
        start: i64 = at + prefix
        at = start + length
        found.append(buffer[start:at].decode())
    found.append(at)
    return found
