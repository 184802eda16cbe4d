"""The MySQL source: from the events of the binlog to rows, one batch for what each read of the socket brings."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import structlog
from pymysql.connections import Connection

from headwater.config import Config
from headwater.shape import EventShape
from headwater.source import EMPTY, Batch, Partition, Resume, RetriableSourceError, Rows, SourceError
from headwater.sources.filters import TableFilter
from headwater.sources.mysql import server
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
from headwater.sources.mysql.events import EventError, GtidEvent, QueryEvent, RowsHead, read_rotate
from headwater.sources.mysql.gtid import GtidSet
from headwater.sources.mysql.position import Position, StartPoint, describe
from headwater.sources.mysql.shapes import ShapeOptions, TableShapes, table_shapes
from headwater.sources.mysql.snapshot import Snapshot
from headwater.sources.mysql.structures import Structures, TableName
from headwater.sources.mysql.table import Table
from headwater.sources.mysql.table_map import TableMap, TableMapError

log = structlog.get_logger(__name__)

_OPERATIONS = {
    EventType.WRITE_ROWS: "c",
    EventType.UPDATE_ROWS: "u",
    EventType.DELETE_ROWS: "d",
    EventType.WRITE_ROWS_V1: "c",
    EventType.UPDATE_ROWS_V1: "u",
    EventType.DELETE_ROWS_V1: "d",
}
_UNREADABLE = {
    EventType.PARTIAL_UPDATE_ROWS: "SET GLOBAL binlog_row_value_options='' (partial JSON updates can't be read yet)",
    EventType.TRANSACTION_PAYLOAD: "SET GLOBAL binlog_transaction_compression=OFF (compressed ones can't be read yet)",
    EventType.GTID_TAGGED: "use GTIDs without tags (tagged ones can't be read yet)",
    EventType.INCIDENT: "the server lost events (INCIDENT): delete the connector's offsets, so that it starts anew",
}


class MySqlSource:
    """`headwater.source.Source` for one MySQL server."""

    def __init__(self, config: Config, shape_options: ShapeOptions, tables: TableFilter) -> None:
        self._config = config
        self._shape_options = shape_options
        self._filter = tables
        self.partition: Partition = {"server": shape_options.prefix}
        self._stream: BinlogStream | None = None
        self._snapshot: Snapshot | None = None
        self._position = Position("", 4, None)
        self._structures: Structures
        self._maps: dict[bytes, TableShapes | None] = {}
        self._by_number: dict[int, TableShapes | None] = {}
        self._skip_events = 0
        self._skip_rows = 0
        self._skipping = False
        self._in_xa = False
        self._failure: SourceError | None = None

    # starting

    def start(self, resume: Resume) -> Batch:
        point = StartPoint.from_offset(resume.offset) if resume.offset else None
        self._structures = Structures(
            resume.history, self._read_current, self._changed_later, lambda: self._with_cursor(server.writes_full)
        )
        self._with_cursor(server.check_settings)
        first = EMPTY
        if point is None or point.snapshot_unfinished:
            self._snapshot = Snapshot(self._config, self._shape_options, self._filter)
            view = self._snapshot.open()
            if point is None:
                point = view.point
                point.snapshot_unfinished = self._snapshot.reads_rows
            for table in view.tables:
                self._structures.remember(table)
            first = Batch(view.schema_changes, point.offset(), self._structures.take_news())
            if not self._snapshot.reads_rows:
                self._snapshot.close()
                self._snapshot = None
        self._begin_stream(point)
        return first

    def _begin_stream(self, point: StartPoint) -> None:
        self._position = Position(point.file, point.position, point.gtids)
        self._skip_events, self._skip_rows = point.events_done, point.rows_done
        self._point = point
        if self._snapshot is None:
            self._dump(point)

    def _dump(self, point: StartPoint) -> None:
        """Ask the server for its log from ``point`` on."""
        heartbeat = self._config["connect.keep.alive.interval.ms"] * 0.8 / 1000
        server_id = self._config["database.server.id"]
        use_gtids = self._with_cursor(lambda cursor: server.check_position(cursor, point))
        connection = connect(self._config)
        if use_gtids and point.gtids is not None:
            self._stream = dump_from_gtids(connection, server_id, point.gtids, heartbeat)
        else:
            self._stream = dump_from_position(connection, server_id, point.file, point.position, heartbeat)
        log.info("reading the binlog", start=str(point.gtids) if use_gtids else f"{point.file}:{point.position}")

    def _with_cursor(self, ask: Any) -> Any:
        """Ask the server something over a connection of its own."""
        connection = connect(self._config)
        try:
            with driver_errors("asking MySQL"), connection.cursor() as cursor:
                return ask(cursor)
        finally:
            connection.close()

    def _read_current(self, name: TableName) -> Table | None:
        table: Table | None = self._with_cursor(lambda cursor: server.read_table(cursor, *name))
        return table
