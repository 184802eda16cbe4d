"""Integers in a buffer, the lowest byte first. Byte by byte, which compiled is the quickest way to read one.

Each raises IndexError where the buffer ends before the integer does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_extensions import i64


def u16(buffer: bytes, at: i64) -> i64:
    """Two bytes, unsigned."""
    return buffer[at] | buffer[at + 1] << 8


def u32(buffer: bytes, at: i64) -> i64:
    """Four bytes, unsigned."""
    return buffer[at] | buffer[at + 1] << 8 | buffer[at + 2] << 16 | buffer[at + 3] << 24


def u48(buffer: bytes, at: i64) -> i64:
    """Six bytes, unsigned: the number of a table."""
    return u32(buffer, at) | u16(buffer, at + 4) << 32


def s32(buffer: bytes, at: i64) -> i64:
    """Four bytes, signed."""
    return (u32(buffer, at) ^ 0x80000000) - 0x80000000


def s64(buffer: bytes, at: i64) -> i64:
    """Eight bytes, signed."""
    return s32(buffer, at + 4) << 32 | u32(buffer, at)
