"""BSON's layout: where the elements of a document stand in its bytes.

A document (an array too) is its size in four bytes, elements, and a zero byte. An element is a type byte, a name that
ends with a zero byte, and a value whose size its type tells. Nothing here looks beyond the limit that it is given: the
bytes behind a document belong to its neighbours.

Source: https://bsonspec.org/spec.html.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headwater.sources.little_endian import u32

if TYPE_CHECKING:
    from mypy_extensions import i64

DOUBLE: Final = 0x01
STRING: Final = 0x02
DOCUMENT: Final = 0x03
ARRAY: Final = 0x04
BINARY: Final = 0x05
UNDEFINED: Final = 0x06
OBJECT_ID: Final = 0x07
BOOLEAN: Final = 0x08
DATE: Final = 0x09
NULL: Final = 0x0A
REGEX: Final = 0x0B
DB_POINTER: Final = 0x0C
CODE: Final = 0x0D
SYMBOL: Final = 0x0E
CODE_WITH_SCOPE: Final = 0x0F
INT32: Final = 0x10
TIMESTAMP: Final = 0x11
INT64: Final = 0x12
DECIMAL128: Final = 0x13
MIN_KEY: Final = 0xFF
MAX_KEY: Final = 0x7F

MAX_DEPTH: Final = 200
"""So many documents and arrays may be within each other, the outermost counted. The server's own limit
(BSONDepth::kDefaultMaxAllowableDepth); what it stores ends at 180, and 100 are documented."""

_SMALLEST: Final = 5
_ID_SIZE: Final = 12


class BsonError(ValueError):
    """The bytes are no BSON document."""


def document_end(data: bytes, start: i64, limit: i64) -> i64:
    """Where the document or array that begins at ``start`` ends: behind its zero byte, not beyond ``limit``.

    Raises `BsonError`.
    """
    require(start, 4, limit)
    size: i64 = u32(data, start)
    end: i64 = start + size
    if size < _SMALLEST or end > limit:
        raise BsonError(f"BSON: a document of {size} bytes in {limit - start}")
    if data[end - 1] != 0:
        raise BsonError("BSON: a document without the zero byte at its end")
    return end


def name_end(data: bytes, start: i64, limit: i64) -> i64:
    """Where the zero byte stands that ends a name; at the latest right before ``limit``. Raises `BsonError`."""
    at = start
    while at < limit:
        if data[at] == 0:
            return at
        at += 1
    raise BsonError("BSON: a name without the zero byte at its end")


def string_end(data: bytes, start: i64, limit: i64) -> i64:
    """Where the string that begins at ``start`` with its size ends: behind its zero byte. Raises `BsonError`.

    Its text stands from ``start + 4`` to one byte before the end.
    """
    require(start, 4, limit)
    size: i64 = u32(data, start)
    end: i64 = start + 4 + size
    if size == 0 or end > limit:
        raise BsonError(f"BSON: a string of {size} bytes in {limit - start - 4}")
    if data[end - 1] != 0:
        raise BsonError("BSON: a string without the zero byte at its end")
    return end


def value_end(data: bytes, kind: i64, start: i64, limit: i64) -> i64:
    """Where the value of type ``kind`` that begins at ``start`` ends. It is not looked into. Raises `BsonError`."""
    end: i64
    if kind == OBJECT_ID:
        end = start + _ID_SIZE
    elif kind in (STRING, CODE, SYMBOL):
        return string_end(data, start, limit)
    elif kind in (DOCUMENT, ARRAY):
        return document_end(data, start, limit)
    elif kind in (INT64, DATE, DOUBLE, TIMESTAMP):
        end = start + 8
    elif kind == INT32:
        end = start + 4
    elif kind == BOOLEAN:
        end = start + 1
    elif kind in (NULL, UNDEFINED, MIN_KEY, MAX_KEY):
        end = start
    elif kind == BINARY:
        require(start, 5, limit)
        end = start + 5 + u32(data, start)
    elif kind == DECIMAL128:
        end = start + 16
    elif kind == REGEX:
        return name_end(data, name_end(data, start, limit) + 1, limit) + 1
    elif kind == DB_POINTER:
        end = string_end(data, start, limit) + _ID_SIZE
    elif kind == CODE_WITH_SCOPE:
        require(start, 4, limit)
        end = start + u32(data, start)
        if end < start + 4:
            raise BsonError("BSON: code with scope that is smaller than its size")
    else:
        raise BsonError(f"BSON has no type 0x{kind:02x}")
    if end > limit:
        raise BsonError(f"BSON: a value of type 0x{kind:02x} and {end - start} bytes in {limit - start}")
    return end


def check_limits(data: bytes, start: i64, limit: i64) -> None:
    """Raise `BsonError` unless there are bytes from ``start`` to ``limit``; all else here relies on it."""
    if not 0 <= start <= limit <= len(data):
        raise BsonError(f"BSON: bytes from {start} to {limit} wanted of {len(data)}")


def require(start: i64, size: i64, limit: i64) -> None:
    """Raise `BsonError` unless ``size`` bytes fit in from ``start``."""
    if start + size > limit:
        raise BsonError(f"BSON: {size} bytes wanted where {limit - start} are left")
