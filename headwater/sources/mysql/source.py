"""The MySQL source: it starts from an offset or a snapshot, then gives a batch for what each read of the log brings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import structlog
from pymysql.cursors import Cursor

from headwater.config import Config
from headwater.shape import EventShape
from headwater.source import (
    EMPTY,
    Batch,
    Offset,
    Partition,
    Resume,
    Rows,
    SnapshotProgress,
    SourceError,
    SourceProgress,
)
from headwater.sources.filters import TableFilter
from headwater.sources.mysql import checks, server
from headwater.sources.mysql.binlog import HEADER_SIZE, BinlogStream, Event, dump_from_gtids, dump_from_position
from headwater.sources.mysql.connection import connect, driver_errors
from headwater.sources.mysql.ddl import read_ddl
from headwater.sources.mysql.event_types import QUERY
from headwater.sources.mysql.events import EventError, read_query
from headwater.sources.mysql.log_reader import LogReader, is_server_talk
from headwater.sources.mysql.match import physical
from headwater.sources.mysql.position import StartPoint, describe
from headwater.sources.mysql.schema_change import SchemaChanges
from headwater.sources.mysql.shapes import ShapeOptions, table_shapes
from headwater.sources.mysql.snapshot import Snapshot, table_names
from headwater.sources.mysql.structures import Structures, TableName
from headwater.sources.mysql.table import Table
from headwater.sources.mysql.table_map import TableMapError
from headwater.sources.stale import new_snapshot

log = structlog.get_logger(__name__)
T = TypeVar("T")
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
        self._mends = config["snapshot.mode"].lower() == "when_needed"
        self.partition: Partition = {"server": shape_options.prefix}
        self._stream: BinlogStream | None = None
        self._snapshot: Snapshot | None = None
        self._snapshot_taken: SnapshotProgress | None = None
        self._structures: Structures
        self._point: StartPoint
        self._reader: LogReader
        self._failure: SourceError | None = None

    # starting

    def start(self, resume: Resume) -> Batch:
        with new_snapshot(wanted=self._mends):
            return self._start(resume)

    def _start(self, resume: Resume) -> Batch:
        point = StartPoint.from_offset(resume.offset) if resume.offset else None
        self._with_cursor(checks.check_settings)
        if point is not None and point.snapshot_unfinished:  # else all rows were read first
            self._check_position(point)
        self._structures = Structures(
            resume.history if point is not None else (),
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
        self._reader = LogReader(point, self._structures, self._filter, self._shape_options)
        if self._snapshot is None:
            self._dump(point)
        return first

    def _check_position(self, point: StartPoint) -> bool:
        return self._with_cursor(lambda cursor: checks.check_position(cursor, point))

    def _dump(self, point: StartPoint) -> None:
        """Ask the server for its log from ``point`` on."""
        heartbeat = self._config["connect.keep.alive.interval.ms"] * 0.8 / 1000
        server_id = self._config["database.server.id"]
        use_gtids = self._check_position(point)
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
        file, position = self._reader.behind()
        log.info("looking ahead in the binlog", table=".".join(name), start=f"{file}:{position}")
        connection = connect(self._config)
        server_id = self._config["database.server.id"] ^ _LOOK_AHEAD
        stream = dump_from_position(connection, server_id, file, position, 30, until_end=True)
        try:
            while not stream.ended:
                for buffer, start, end in stream.read(1):
                    if buffer[start + 4] == QUERY:
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
        with new_snapshot(wanted=self._mends):
            return self._poll(timeout)

    def _poll(self, timeout: float) -> Batch:
        if self._failure is not None:
            raise self._failure
        if self._snapshot is not None:
            return self._poll_snapshot(self._snapshot)
        assert self._stream is not None  # noqa: S101 - start() made it
        items: list[Rows] = []
        events: list[Event] = []
        try:
            events = self._stream.read(timeout)
            self._reader.take(events, items)
        except (EventError, TableMapError) as error:
            self._failure = SourceError(f"{self._reader.here()}: {error}")
        except SourceError as error:
            self._failure = error  # what the events before it became is delivered first
        if self._failure is not None and not items:
            raise self._failure
        at_end = not items and (not events or is_server_talk(events[-1]))
        event_time = None if at_end else self._reader.event_time()
        return Batch(items, self._reader.offset(), self._structures.take_news(), event_time)

    def _poll_snapshot(self, snapshot: Snapshot) -> Batch:
        batch = snapshot.next_batch()
        if batch is not None:
            return batch
        snapshot.close()
        self._snapshot_taken, self._snapshot = snapshot.progress, None
        self._dump(self._point)
        self._point.snapshot_unfinished = False
        return Batch((), self._point.offset())

    # telling and ending

    def committed(self, offset: Offset) -> None:
        """The server keeps its log for nobody."""

    def progress(self) -> SourceProgress:
        snapshot, stream = self._snapshot, self._stream
        taken = snapshot.progress if snapshot is not None else self._snapshot_taken
        if stream is None:
            return SourceProgress(snapshot=taken)
        return SourceProgress(*self._reader.behind(), stream.bytes_read, taken)

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
