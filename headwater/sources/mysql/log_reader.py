"""From the binlog's events to captured rows: transactions, structures, and the place that reading has reached."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final
from uuid import UUID

import structlog

from headwater.source import Offset, Rows
from headwater.sources.filters import TableFilter
from headwater.sources.little_endian import u32
from headwater.sources.mysql import event_types as types
from headwater.sources.mysql.binlog import HEADER_SIZE, Event
from headwater.sources.mysql.ddl import read_ddl
from headwater.sources.mysql.events import (
    EventError,
    read_begin,
    read_gtid,
    read_query,
    read_rotate,
    read_rows_head,
)
from headwater.sources.mysql.position import Position, StartPoint, describe
from headwater.sources.mysql.shapes import ShapeOptions, TableShapes, table_shapes
from headwater.sources.mysql.structures import Structures
from headwater.sources.mysql.table import Table
from headwater.sources.mysql.table_map import TableMap, identify
from headwater.sources.stale import START_ANEW, WAYS_ON, StaleStateError

if TYPE_CHECKING:
    from mypy_extensions import i64

log = structlog.get_logger(__name__)
Physical = tuple[tuple[int, int], ...]
"""`TableMap.physical`."""

_CREATE: Final = 0
_UPDATE: Final = 1
"""What a rows event does: the order of its types, in both versions of them."""
_SERVER_TALK: Final = frozenset((types.HEARTBEAT, types.HEARTBEAT_V2, types.ROTATE, types.PREVIOUS_GTIDS))
_GET_PAST = f"to get past what is in the log already, {START_ANEW}"
_ROW_FORMAT = f"SET GLOBAL binlog_format=ROW, and so in every session that is open; {_GET_PAST}"
_UNREADABLE = {
    types.EXECUTE_LOAD_QUERY: _ROW_FORMAT,
    types.PARTIAL_UPDATE_ROWS: (
        f"partial JSON updates can't be read yet: SET GLOBAL binlog_row_value_options=''; {_GET_PAST}"
    ),
    types.TRANSACTION_PAYLOAD: (
        "a compressed transaction can't be read yet, and may hold captured tables: "
        f"SET GLOBAL binlog_transaction_compression=OFF; {_GET_PAST}"
    ),
    types.GTID_TAGGED: f"GTIDs with tags can't be read yet: use gtid_next without one; {_GET_PAST}",
}
_INSIDE = ("SAVEPOINT", "ROLLBACK T", "RELEASE", "XA END")
_ENDS = ("COMMIT", "ROLLBACK")
_CHANGES = ("INSERT", "UPDATE", "DELETE")


def is_server_talk(event: Event) -> bool:
    """Whether an event is none of the log's own: the server tells that it is there, or where its log goes on."""
    buffer, start, _ = event
    return buffer[start + 4] in _SERVER_TALK


class LogReader:
    """Takes the events of one dump in their order. It starts at ``point``, inside a transaction where that says so."""

    def __init__(self, point: StartPoint, structures: Structures, tables: TableFilter, options: ShapeOptions) -> None:
        self._structures = structures
        self._filter = tables
        self._options = options
        self._position = Position(
            point.file, point.position, point.gtids, timestamp=point.timestamp, server_id=point.server_id
        )
        self._skip_events, self._skip_rows = point.events_done, point.rows_done
        self._skipping = False
        self._in_xa = False
        self._gtid_uuid, self._gtid_source = b"", ""
        self._event_start = self._event_end = point.position
        self._shapes: dict[tuple[Table, Physical], TableShapes] = {}
        self._maps: dict[bytes, TableShapes | None] = {}
        self._by_number: dict[int, TableShapes | None] = {}

    def offset(self) -> Offset | None:
        """The place reached; None while part of the transaction at the start is still to be stepped over."""
        return None if self._skip_events > 0 or self._skip_rows > 0 else self._position.offset()

    def here(self) -> str:
        """Where the event at hand stands, for people."""
        return describe(self._position.file, self._event_start, self._position.gtid)

    def behind(self) -> tuple[str, int]:
        """File and position behind the event at hand."""
        return self._position.file, self._event_end

    def event_time(self) -> float | None:
        """When the transaction at hand was committed, in Unix seconds; in whole ones where the log has no GTIDs."""
        position = self._position
        return position.commit_micros / 1_000_000 or position.timestamp or None

    def take(self, events: Sequence[Event], items: list[Rows]) -> None:
        """Take the next events; their rows, if they are captured, are added to ``items``.

        Raises `EventError`, `headwater.sources.mysql.table_map.TableMapError` or `headwater.source.SourceError`.
        """
        for buffer, start, end in events:
            self._take(buffer, start, end, items)

    def _take(self, buffer: bytes, start: i64, end: i64, items: list[Rows]) -> None:
        kind: i64 = buffer[start + 4]
        body: i64 = start + HEADER_SIZE
        timestamp = u32(buffer, start)
        log_position = u32(buffer, start + 13)
        position = self._position
        if log_position:
            self._event_start, self._event_end = log_position - u32(buffer, start + 9), log_position
        if timestamp and kind not in _SERVER_TALK:
            position.timestamp, position.server_id = timestamp, u32(buffer, start + 5)
        if types.WRITE_ROWS <= kind <= types.DELETE_ROWS:
            self._rows(buffer, body, end, 2, kind - types.WRITE_ROWS, items)
        elif kind == types.TABLE_MAP:
            self._table_map(buffer, body, end)
        elif kind == types.QUERY:
            self._query(buffer, body, end)
        elif kind == types.XID or kind == types.XA_PREPARE:
            self._finish()
        elif kind == types.GTID or kind == types.ANONYMOUS_GTID:
            self._gtid(buffer, body, end, anonymous=kind != types.GTID)
        elif kind == types.ROTATE:
            self._rotate(buffer, body, end, real=timestamp != 0)
        elif types.WRITE_ROWS_V1 <= kind <= types.DELETE_ROWS_V1:
            self._rows(buffer, body, end, 1, kind - types.WRITE_ROWS_V1, items)
        elif kind == types.INCIDENT:
            raise StaleStateError(f"{self.here()}: INCIDENT: the server lost events: {WAYS_ON}")
        elif kind in _UNREADABLE:
            self._unreadable(kind, buffer, body, end)
        if position.in_transaction:
            position.events_done += 1
            if self._skipping:
                self._skip_events -= 1
                self._skipping = self._skip_events > 0

    def _unreadable(self, kind: int, buffer: bytes, body: i64, end: i64) -> None:
        if kind == types.PARTIAL_UPDATE_ROWS:
            number, _, _ = read_rows_head(buffer, body, end, version=2)
            if self._by_number.get(number) is None:
                return
        raise EventError(f"{types.NAMES[kind]}: {_UNREADABLE[kind]}")

    def _rotate(self, buffer: bytes, body: i64, end: i64, *, real: bool) -> None:
        file, start = read_rotate(buffer, body, end)
        if real:
            self._by_number.clear()  # table numbers start anew with the server
            self._maps.clear()
        if real or file != self._position.file:  # else a dump by GTIDs begins, which tells only the file's beginning
            self._position.rotate(file, start)
        self._event_start = self._event_end = start

    def _gtid(self, buffer: bytes, body: i64, end: i64, *, anonymous: bool) -> None:
        uuid, number, committed = read_gtid(buffer, body, end)
        self._position.commit_micros = 0 if anonymous else committed
        if not anonymous:
            if uuid != self._gtid_uuid:  # seldom: most transactions come from the same server
                self._gtid_uuid, self._gtid_source = uuid, str(UUID(bytes=uuid))
            self._position.next_gtid(self._gtid_source, number)

    def _query(self, buffer: bytes, body: i64, end: i64) -> None:
        begun_by = read_begin(buffer, body, end)
        if begun_by >= 0:
            self._begin(begun_by)
            return
        thread, database, sql = read_query(buffer, body, end)
        position = self._position
        word = sql.lstrip()[:10].upper()
        if word == "BEGIN" or word.startswith("XA START"):
            self._in_xa = word != "BEGIN"
            self._begin(thread)
        elif word.startswith(_INSIDE) or (position.in_transaction and not word.startswith(_ENDS)):
            if word.startswith(_CHANGES) and not self._skipping:
                raise EventError(f"{sql[:200]!r} is in the log in place of its rows: {_ROW_FORMAT}")
            if word.startswith("REPLACE"):  # what pt-table-checksum writes into its own table, on purpose
                log.warning("a statement in the log replaces rows and can't be captured", statement=sql[:200])
        elif sql.rstrip().upper().endswith("START TRANSACTION"):  # CREATE TABLE … SELECT: the rows follow
            if not self._skip_events:  # else it was followed before the restart
                self._ddl(sql, database)
            self._begin(thread)
        else:
            self._ddl(sql, database)
            self._finish()

    def _begin(self, thread: int) -> None:
        self._position.begin(self._event_start, thread)
        self._skipping = self._skip_events > 0

    def _finish(self) -> None:
        self._position.finish(self._event_end)
        self._skip_events = self._skip_rows = 0
        self._skipping = self._in_xa = False

    def _ddl(self, sql: str, database: str) -> None:
        ddl = read_ddl(sql, database)
        if ddl.tables or ddl.database is not None:
            self._maps.clear()
            self._by_number.clear()
            self._structures.follow(ddl, sql, self.here())

    def _table_map(self, buffer: bytes, body: i64, end: i64) -> None:
        raw = buffer[body:end]
        number = int.from_bytes(raw[:6], "little")
        if raw in self._maps:
            self._by_number[number] = self._maps[raw]
            return
        _, database, name = identify(raw)
        shapes = None
        if self._filter.captures(database, name):
            table_map = TableMap.parse(raw)
            shapes = self._shapes_of(self._structures.resolve(table_map, self.here()), table_map.physical)
        self._maps[raw] = self._by_number[number] = shapes

    def _shapes_of(self, table: Table, stored: Physical) -> TableShapes:
        """The same for the same structure, although its number in the log changes: each shape is compiled once."""
        if (table, stored) not in self._shapes:
            self._shapes[table, stored] = table_shapes(table, stored, self._options)
        return self._shapes[table, stored]

    def _rows(self, buffer: bytes, body: i64, end: i64, version: i64, does: i64, items: list[Rows]) -> None:
        number, columns, bitmaps = read_rows_head(buffer, body, end, version=version)
        try:
            shapes = self._by_number[number]
        except KeyError:
            raise EventError(f"rows of table number {number}, which no TABLE_MAP named") from None
        if shapes is None or self._skipping:
            return
        if self._in_xa:
            raise EventError(
                f"an XA transaction changed {shapes.create.table}, and XA transactions can't be captured yet: "
                f"use transactions without XA for captured tables; {_GET_PAST}"
            )
        shape = shapes.create if does == _CREATE else shapes.update if does == _UPDATE else shapes.delete
        first_row: i64 = bitmaps
        for _ in range(2 if does == _UPDATE else 1):
            if not _has_all(buffer, first_row, end, columns):
                raise EventError(
                    f"rows of {shape.table} lack columns: SET GLOBAL binlog_row_image=FULL, and so in every session "
                    f"that is open; {_GET_PAST}"
                )
            first_row += (columns + 7) // 8
        position = self._position
        arguments = (
            buffer,
            first_row,
            end,
            position.server_id,
            position.gtid,
            position.file,
            self._event_start,
            position.thread,
            position.commit_micros or position.timestamp * 1_000_000,
        )
        items.append(Rows(shape, arguments, self._skip_rows))
        self._skip_rows = 0


def _has_all(buffer: bytes, at: i64, end: i64, columns: i64) -> bool:
    """Whether the bitmap at ``at`` has a bit for every column; one that the event cuts short has not."""
    whole: i64 = at + columns // 8
    if whole >= end:
        return False
    while at < whole:
        if buffer[at] != 0xFF:
            return False
        at += 1
    rest: i64 = (1 << columns % 8) - 1
    return rest == 0 or buffer[at] & rest == rest
