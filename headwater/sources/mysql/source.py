"""The MySQL source: from the events of the binlog to rows, one batch for what each read of the socket brings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import structlog
from pymysql.cursors import Cursor

from headwater.config import Config
from headwater.shape import EventShape
from headwater.source import EMPTY, Batch, Partition, Resume, Rows, SourceError
from headwater.sources.filters import TableFilter
from headwater.sources.mysql import checks, server
from headwater.sources.mysql.binlog import (
    HEADER_SIZE,
    BinlogStream,
    Event,
    EventType,
    dump_from_gtids,
    dump_from_position,
    read_header,
)
from headwater.sources.mysql.connection import connect, driver_errors
from headwater.sources.mysql.ddl import read_ddl
from headwater.sources.mysql.events import EventError, read_gtid, read_query, read_rotate, read_rows_head
from headwater.sources.mysql.match import physical
from headwater.sources.mysql.position import START_ANEW, Position, StartPoint, describe
from headwater.sources.mysql.schema_change import SchemaChanges
from headwater.sources.mysql.shapes import ShapeOptions, TableShapes, table_shapes
from headwater.sources.mysql.snapshot import Snapshot, table_names
from headwater.sources.mysql.structures import Structures, TableName
from headwater.sources.mysql.table import Table
from headwater.sources.mysql.table_map import TableMap, TableMapError, identify

log = structlog.get_logger(__name__)
T = TypeVar("T")
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
_LOOK_AHEAD = 1 << 30
"""Flipped in the server id for a second dump: the server ends an older dump with the same id."""


class MySqlSource:
    """`headwater.source.Source` for one MySQL server."""

    def __init__(
        self, config: Config, shape_options: ShapeOptions, tables: TableFilter, schema_changes: SchemaChanges | None
    ) -> None:
        self._config = config
        self._schema_changes = schema_changes
        self._shape_options = shape_options
        self._filter = tables
        self.partition: Partition = {"server": shape_options.prefix}
        self._stream: BinlogStream | None = None
        self._snapshot: Snapshot | None = None
        self._position = Position("", 4, None)
        self._structures: Structures
        self._shapes: dict[tuple[Table, Physical], TableShapes] = {}
        self._maps: dict[bytes, TableShapes | None] = {}
        self._by_number: dict[int, TableShapes | None] = {}
        self._skip_events = 0
        self._skip_rows = 0
        self._skipping = False
        self._in_xa = False
        self._failure: SourceError | None = None
        self._event_start = self._event_end = 4

    # starting

    def start(self, resume: Resume) -> Batch:
        point = StartPoint.from_offset(resume.offset) if resume.offset else None
        self._with_cursor(checks.check_settings)
        self._structures = Structures(
            resume.history,
            self._with_cursor(server.read_charsets),
            self._read_current,
            self._changed_later,
            lambda: self._with_cursor(checks.writes_full),
        )
        if point is not None:
            self._structures.keep(self._filter.captures)
        first = EMPTY
        if point is None or point.snapshot_unfinished:
            self._snapshot = Snapshot(self._config, self._shape_options, self._filter, self._schema_changes)
            view = self._snapshot.open()
            if point is None:
                point = view.point
                point.snapshot_unfinished = True
                self._structures.begin_with(view.tables)
            first = Batch(view.schema_changes[:-1], point.offset(), self._structures.take_news())
        self._point = point
        self._position = Position(
            point.file, point.position, point.gtids, timestamp=point.timestamp, server_id=point.server_id
        )
        self._skip_events, self._skip_rows = point.events_done, point.rows_done
        if self._snapshot is None:
            self._dump(point)
        return first

    def _dump(self, point: StartPoint) -> None:
        """Ask the server for its log from ``point`` on."""
        heartbeat = self._config["connect.keep.alive.interval.ms"] * 0.8 / 1000
        server_id = self._config["database.server.id"]
        use_gtids = self._with_cursor(lambda cursor: checks.check_position(cursor, point))
        connection = connect(self._config)
        if use_gtids and point.gtids is not None:
            self._stream = dump_from_gtids(connection, server_id, point.gtids, heartbeat)
        else:
            self._stream = dump_from_position(connection, server_id, point.file, point.position, heartbeat)
        log.info("reading the binlog", start=str(point.gtids) if use_gtids else f"{point.file}:{point.position}")

    def _with_cursor(self, ask: Callable[[Cursor], T]) -> T:
        """Ask the server something over a connection of its own."""
        connection = connect(self._config)
        try:
            with driver_errors("asking MySQL"), connection.cursor() as cursor:
                return ask(cursor)
        finally:
            connection.close()

    def _changed_later(self, name: TableName) -> str | None:
        """Look ahead to the end of the log for a statement that changes a table; the first one, or None."""
        position = self._position
        connection = connect(self._config)
        server_id = self._config["database.server.id"] ^ _LOOK_AHEAD
        stream = dump_from_position(connection, server_id, position.file, self._event_end, 30, until_end=True)
        try:
            while not stream.ended:
                for buffer, start, end in stream.read(1):
                    if buffer[start + 4] == EventType.QUERY:
                        query = read_query(buffer, start + HEADER_SIZE, end)
                        if read_ddl(query.sql, query.database).changes(name):
                            return query.sql
        finally:
            stream.close()
        return None

    def _read_current(self, name: TableName) -> Table | None:
        return self._with_cursor(lambda cursor: server.read_table(cursor, *name))

    # reading

    def poll(self, timeout: float) -> Batch:
        if self._failure is not None:
            raise self._failure
        if self._snapshot is not None:
            return self._poll_snapshot(self._snapshot)
        assert self._stream is not None  # noqa: S101 - start() made it
        items: list[Rows] = []
        try:
            for event in self._stream.read(timeout):
                self._handle(event, items)
        except (EventError, TableMapError) as error:
            self._failure = SourceError(f"{self._here()}: {error}")
        except SourceError as error:
            self._failure = error  # what the events before it became is delivered first
        if self._failure is not None and not items:
            raise self._failure
        return Batch(items, None if self._resuming() else self._position.offset(), self._structures.take_news())

    def _poll_snapshot(self, snapshot: Snapshot) -> Batch:
        batch = snapshot.next_batch()
        if batch is not None:
            return batch
        snapshot.close()
        self._snapshot = None
        self._dump(self._point)
        self._point.snapshot_unfinished = False
        return Batch((), self._point.offset())

    def _resuming(self) -> bool:
        """Whether part of the transaction at the stored offset is still to be stepped over."""
        return self._skip_events > 0 or self._skip_rows > 0

    def _here(self) -> str:
        return describe(self._position.file, self._event_start, self._position.gtid)

    def _handle(self, event: Event, items: list[Rows]) -> None:
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
            self._structures.follow(ddl, sql, self._here())

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
            shapes = self._shapes_of(self._structures.resolve(table_map, self._here()), table_map.physical)
        self._maps[raw] = self._by_number[number] = shapes

    def _shapes_of(self, table: Table, stored: Physical) -> TableShapes:
        """The same for the same structure, although its number in the log changes: each shape is compiled once."""
        if (table, stored) not in self._shapes:
            self._shapes[table, stored] = table_shapes(table, stored, self._shape_options)
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
            None,
        )
        items.append(Rows(shape, arguments, self._skip_rows))
        self._skip_rows = 0

    # telling and ending

    def locate(self, rows: Rows) -> str:
        """Where a log event stands: file, position and GTID, and the table."""
        if rows.shape.operation == "r":
            return f"snapshot of table {rows.shape.table}"
        _, _, _, _, gtid, file, position, *_ = rows.arguments
        return f"table {rows.shape.table} at {describe(file, position, gtid)}"

    def shapes(self) -> Sequence[EventShape]:
        """The shapes of the tables that are on the server now; connects by itself and changes nothing there."""

        def ask(cursor: Cursor) -> Sequence[EventShape]:
            names = [name for name in table_names(cursor) if self._filter.captures(*name)]
            charsets = server.read_charsets(cursor)
            tables = server.read_tables(cursor, names)
            planned = (
                table_shapes(tables[name], physical(tables[name], charsets), self._shape_options) for name in names
            )
            return [shape for shapes in planned for shape in (shapes.read, shapes.create, shapes.update, shapes.delete)]

        return self._with_cursor(ask)

    def close(self) -> None:
        if self._snapshot is not None:
            self._snapshot.close()
        if self._stream is not None:
            self._stream.close()
