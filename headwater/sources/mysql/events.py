"""The bodies of the log's events that are not rows.

Source: MySQL's ``libs/mysql/binlog/event/{control_events,statement_events,rows_event}.h``.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

_QUERY = struct.Struct("<IIBHH")
_GTID = struct.Struct("<B16sq")
_LOGICAL_CLOCK = 2
_CLOCK_SIZE = 17
_TIME_SIZE = 7
_ORIGINAL_FOLLOWS = 1 << 55
_ROWS_V2_EXTRA = 2


class EventError(Exception):
    """An event's body is not what its type promises."""


class QueryEvent(NamedTuple):
    """A statement, or a transaction's BEGIN or COMMIT."""

    thread: int
    database: str
    sql: str


class GtidEvent(NamedTuple):
    """The start of a transaction: its source's UUID, its number, and when it was committed first (µs, 0: unknown)."""

    source: str
    number: int
    committed: int


class RowsHead(NamedTuple):
    """What stands before the rows: the table's number, the number of columns, and where bitmaps and rows begin."""

    table_number: int
    columns: int
    bitmaps: int


def read_query(buffer: bytes, start: int, end: int) -> QueryEvent:
    """QUERY_EVENT; text that is not UTF-8 is kept as far as it is."""
    _require(_QUERY.size, start, end, "QUERY")
    thread, _, name_size, _, variables_size = _QUERY.unpack_from(buffer, start)
    name = start + _QUERY.size + variables_size
    sql = name + name_size + 1
    if sql > end:
        raise EventError("QUERY: the statement lies behind the event's end")
    database = buffer[name : name + name_size].decode("utf-8", "replace")
    return QueryEvent(thread, database, buffer[sql:end].decode("utf-8", "replace"))


def read_gtid(buffer: bytes, start: int, end: int) -> GtidEvent:
    """GTID_LOG_EVENT and ANONYMOUS_GTID_LOG_EVENT."""
    _require(_GTID.size, start, end, "GTID")
    _, uuid, number = _GTID.unpack_from(buffer, start)
    at = start + _GTID.size
    committed = 0
    if end - at >= _CLOCK_SIZE + _TIME_SIZE and buffer[at] == _LOGICAL_CLOCK:
        at += _CLOCK_SIZE
        committed = int.from_bytes(buffer[at : at + _TIME_SIZE], "little")
        if committed & _ORIGINAL_FOLLOWS:
            at += _TIME_SIZE
            _require(_TIME_SIZE, at, end, "GTID")
            committed = int.from_bytes(buffer[at : at + _TIME_SIZE], "little")
    return GtidEvent(_source(uuid), number, committed)


@lru_cache(maxsize=64)
def _source(uuid: bytes) -> str:
    """A server's UUID as text: the same few in every log."""
    return str(UUID(bytes=uuid))


def read_rotate(buffer: bytes, start: int, end: int) -> tuple[str, int]:
    """ROTATE_EVENT: the next file and the position in it."""
    _require(9, start, end, "ROTATE")
    try:
        file = buffer[start + 8 : end].decode()
    except UnicodeDecodeError as error:
        raise EventError(f"ROTATE: the file's name is not UTF-8: {error}") from error
    return file, int.from_bytes(buffer[start : start + 8], "little")


def read_rows_head(buffer: bytes, start: int, end: int, *, version: int) -> RowsHead:
    """The fixed part of WRITE, UPDATE and DELETE_ROWS events, ``version`` 1 or 2."""
    _require(8, start, end, "rows")
    number = int.from_bytes(buffer[start : start + 6], "little")
    at = start + 8
    if version == _ROWS_V2_EXTRA:
        _require(2, at, end, "rows")
        at += int.from_bytes(buffer[at : at + 2], "little")
    _require(1, at, end, "rows")
    columns = buffer[at]
    if columns < 251:
        return RowsHead(number, columns, at + 1)
    if columns != 252:
        raise EventError(f"rows: a table has no {columns} columns")
    _require(3, at, end, "rows")
    return RowsHead(number, int.from_bytes(buffer[at + 1 : at + 3], "little"), at + 3)


def _require(size: int, at: int, end: int, what: str) -> None:
    if end - at < size:
        raise EventError(f"{what}: {size} bytes are needed, {max(0, end - at)} are left")
