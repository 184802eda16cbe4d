"""The bodies of the log's events that are not rows.

Source: MySQL's ``libs/mysql/binlog/event/{control_events,statement_events,rows_event}.h``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from headwater.sources.little_endian import u16, u32, u48

if TYPE_CHECKING:
    from mypy_extensions import i64

_QUERY_SIZE: Final = 13
_BEGIN: Final = b"BEGIN"
_GTID_SIZE: Final = 25
_UUID_SIZE: Final = 16
_LOGICAL_CLOCK: Final = 2
_CLOCK_SIZE: Final = 17
_TIME_SIZE: Final = 7
_ORIGINAL_FOLLOWS: Final = 1 << 55
_TWO_BYTES_FOLLOW: Final = 252


class EventError(Exception):
    """An event's body is not what its type promises."""


class QueryEvent(NamedTuple):
    """A statement, or a transaction's BEGIN or COMMIT."""

    thread: int
    database: str
    sql: str


def read_query(buffer: bytes, start: i64, end: i64) -> QueryEvent:
    """QUERY_EVENT; text that is not UTF-8 is kept as far as it is."""
    sql = _statement(buffer, start, end)
    database = buffer[sql - 1 - buffer[start + 8] : sql - 1].decode("utf-8", "replace")
    return QueryEvent(u32(buffer, start), database, buffer[sql:end].decode("utf-8", "replace"))


def read_begin(buffer: bytes, start: i64, end: i64) -> i64:
    """The thread of a QUERY_EVENT that is a transaction's BEGIN, -1 for any other."""
    return u32(buffer, start) if buffer[_statement(buffer, start, end) : end] == _BEGIN else -1


def _statement(buffer: bytes, start: i64, end: i64) -> i64:
    """Where a QUERY_EVENT's statement begins: behind status variables, the database's name and a zero byte."""
    _require(_QUERY_SIZE, start, end, "QUERY")
    sql: i64 = start + _QUERY_SIZE + u16(buffer, start + 11) + buffer[start + 8] + 1
    if sql > end:
        raise EventError("QUERY: the statement lies behind the event's end")
    return sql


def read_gtid(buffer: bytes, start: i64, end: i64) -> tuple[bytes, i64, i64]:
    """GTID_LOG_EVENT and ANONYMOUS_GTID_LOG_EVENT, a transaction's start.

    What comes back is its source's UUID (16 bytes), its number, and when it was committed first (µs, 0: unknown).
    """
    _require(_GTID_SIZE, start, end, "GTID")
    if buffer[start + _GTID_SIZE - 1] & 0x80:
        raise EventError("GTID: the number is negative")
    uuid = buffer[start + 1 : start + 1 + _UUID_SIZE]
    number: i64 = u32(buffer, start + 17) | u32(buffer, start + 21) << 32
    at: i64 = start + _GTID_SIZE
    committed: i64 = 0
    if end - at >= _CLOCK_SIZE + _TIME_SIZE and buffer[at] == _LOGICAL_CLOCK:
        at += _CLOCK_SIZE
        committed = _time(buffer, at)
        if committed & _ORIGINAL_FOLLOWS:
            at += _TIME_SIZE
            _require(_TIME_SIZE, at, end, "GTID")
            committed = _time(buffer, at)
    return uuid, number, committed


def _time(buffer: bytes, at: i64) -> i64:
    return u48(buffer, at) | buffer[at + 6] << 48


def read_rotate(buffer: bytes, start: i64, end: i64) -> tuple[str, int]:
    """ROTATE_EVENT: the next file and the position in it."""
    _require(9, start, end, "ROTATE")
    try:
        file = buffer[start + 8 : end].decode()
    except UnicodeDecodeError as error:
        raise EventError(f"ROTATE: the file's name is not UTF-8: {error}") from error
    return file, int.from_bytes(buffer[start : start + 8], "little")


def read_rows_head(buffer: bytes, start: i64, end: i64, *, version: i64) -> tuple[i64, i64, i64]:
    """The fixed part of WRITE, UPDATE and DELETE_ROWS events, ``version`` 1 or 2.

    What comes back is the table's number, the number of columns, and where the bitmaps and rows begin.
    """
    _require(8, start, end, "rows")
    number = u48(buffer, start)
    at: i64 = start + 8
    if version == 2:  # has extra data, behind its size
        _require(2, at, end, "rows")
        at += u16(buffer, at)
    _require(1, at, end, "rows")
    columns: i64 = buffer[at]
    if columns < _TWO_BYTES_FOLLOW - 1:
        return number, columns, at + 1
    if columns != _TWO_BYTES_FOLLOW:
        raise EventError(f"rows: a table has no {columns} columns")
    _require(3, at, end, "rows")
    return number, u16(buffer, at + 1), at + 3


def _require(size: i64, at: i64, end: i64, what: str) -> None:
    if end - at < size:
        raise EventError(f"{what}: {size} bytes are needed, {max(0, end - at)} are left")
