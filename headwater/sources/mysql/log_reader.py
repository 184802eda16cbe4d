"""From the binlog's events to captured rows: transactions, structures, and the place that reading has reached."""

from __future__ import annotations

from typing import NamedTuple

import structlog

from headwater.shape import EventShape
from headwater.source import Offset, Rows
from headwater.sources.filters import TableFilter
from headwater.sources.mysql.binlog import HEADER_SIZE, Event, EventType, read_header
from headwater.sources.mysql.ddl import read_ddl
from headwater.sources.mysql.events import EventError, read_gtid, read_query, read_rotate, read_rows_head
from headwater.sources.mysql.position import START_ANEW, Position, StartPoint, describe
from headwater.sources.mysql.shapes import ShapeOptions, TableShapes, table_shapes
from headwater.sources.mysql.structures import Structures
from headwater.sources.mysql.table import Table
from headwater.sources.mysql.table_map import TableMap, identify

log = structlog.get_logger(__name__)
Physical = tuple[tuple[int, int], ...]
"""`TableMap.physical`."""


class _RowsKind(NamedTuple):
    """A kind of rows event: its version, how many images a row has, and which of `TableShapes` it is."""

    version: int
    images: int
    shape: str


_ROWS_KINDS: dict[int, _RowsKind] = {
    EventType.WRITE_ROWS: _RowsKind(2, 1, "create"),
    EventType.UPDATE_ROWS: _RowsKind(2, 2, "update"),
    EventType.DELETE_ROWS: _RowsKind(2, 1, "delete"),
    EventType.WRITE_ROWS_V1: _RowsKind(1, 1, "create"),
    EventType.UPDATE_ROWS_V1: _RowsKind(1, 2, "update"),
    EventType.DELETE_ROWS_V1: _RowsKind(1, 1, "delete"),
}
# Before Python 3.12 finding a member of an enum costs more than comparing with it.
_TABLE_MAP, _QUERY, _GTID, _ROTATE = EventType.TABLE_MAP, EventType.QUERY, EventType.GTID, EventType.ROTATE
_TRANSACTION_STARTS = frozenset((EventType.GTID, EventType.ANONYMOUS_GTID))
_TRANSACTION_ENDS = frozenset((EventType.XID, EventType.XA_PREPARE))
_GET_PAST = f"to get past what is in the log already, {START_ANEW}"
_ROW_FORMAT = f"SET GLOBAL binlog_format=ROW, and so in every session that is open; {_GET_PAST}"
_UNREADABLE = {
    EventType.EXECUTE_LOAD_QUERY: _ROW_FORMAT,
    EventType.PARTIAL_UPDATE_ROWS: (
        f"partial JSON updates can't be read yet: SET GLOBAL binlog_row_value_options=''; {_GET_PAST}"
    ),
    EventType.TRANSACTION_PAYLOAD: (
        "a compressed transaction can't be read yet, and may hold captured tables: "
        f"SET GLOBAL binlog_transaction_compression=OFF; {_GET_PAST}"
    ),
    EventType.GTID_TAGGED: f"GTIDs with tags can't be read yet: use gtid_next without one; {_GET_PAST}",
    EventType.INCIDENT: f"the server lost events: {START_ANEW}",
}
_SERVER_TALK = frozenset((EventType.HEARTBEAT, EventType.HEARTBEAT_V2, EventType.ROTATE, EventType.PREVIOUS_GTIDS))
_INSIDE = ("SAVEPOINT", "ROLLBACK T", "RELEASE", "XA END")
_ENDS = ("COMMIT", "ROLLBACK")
_CHANGES = ("INSERT", "UPDATE", "DELETE")


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

    def take(self, event: Event, items: list[Rows]) -> None:
        """Take the next event; its rows, if they are captured, are added to ``items``.

        Raises `EventError`, `headwater.sources.mysql.table_map.TableMapError` or `headwater.source.SourceError`.
        """
        buffer, start, end = event
        timestamp, kind, server_id, size, log_position, _ = read_header(buffer, start)
        position = self._position
        body = start + HEADER_SIZE
        if log_position:
            self._event_start, self._event_end = log_position - size, log_position
        if timestamp and kind not in _SERVER_TALK:
            position.timestamp, position.server_id = timestamp, server_id
        rows_kind = _ROWS_KINDS.get(kind)
        if rows_kind is not None:
            self._rows(buffer, body, end, rows_kind, items)
        elif kind == _TABLE_MAP:
            self._table_map(buffer, body, end)
        elif kind == _QUERY:
            self._query(buffer, body, end)
        elif kind in _TRANSACTION_ENDS:
            self._finish()
        elif kind in _TRANSACTION_STARTS:
            self._gtid(buffer, body, end, anonymous=kind != _GTID)
        elif kind == _ROTATE:
            self._rotate(buffer, body, end, real=timestamp != 0)
        elif kind in _UNREADABLE:
            self._unreadable(EventType(kind), buffer, body, end)
        if position.in_transaction:
            position.events_done += 1
            if self._skipping:
                self._skip_events -= 1
                self._skipping = self._skip_events > 0

    def _unreadable(self, kind: EventType, buffer: bytes, body: int, end: int) -> None:
        if kind == EventType.PARTIAL_UPDATE_ROWS:
            head = read_rows_head(buffer, body, end, version=2)
            if self._by_number.get(head.table_number) is None:
                return
        raise EventError(f"{kind.name}: {_UNREADABLE[kind]}")

    def _rotate(self, buffer: bytes, body: int, end: int, *, real: bool) -> None:
        file, start = read_rotate(buffer, body, end)
        if real:
            self._by_number.clear()  # table numbers start anew with the server
            self._maps.clear()
        if real or file != self._position.file:  # else a dump by GTIDs begins, which tells only the file's beginning
            self._position.rotate(file, start)
        self._event_start = self._event_end = start

    def _gtid(self, buffer: bytes, body: int, end: int, *, anonymous: bool) -> None:
        source, number, committed = read_gtid(buffer, body, end)
        self._position.commit_micros = 0 if anonymous else committed
        if not anonymous:
            self._position.next_gtid(source, number)

    def _query(self, buffer: bytes, body: int, end: int) -> None:
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

    def _table_map(self, buffer: bytes, body: int, end: int) -> None:
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

    def _rows(self, buffer: bytes, body: int, end: int, kind: _RowsKind, items: list[Rows]) -> None:
        version, images, shape_name = kind
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
        shape: EventShape = getattr(shapes, shape_name)
        bitmap_size = (columns + 7) // 8
        first_row = bitmaps + images * bitmap_size
        expected = (1 << columns) - 1
        for image in range(images):
            at = bitmaps + image * bitmap_size
            if int.from_bytes(buffer[at : at + bitmap_size], "little") & expected != expected:
                raise EventError(
                    f"rows of {shape.table} lack columns: SET GLOBAL binlog_row_image=FULL, and so in every session "
                    f"that is open; {_GET_PAST}"
                )
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
