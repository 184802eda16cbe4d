"""The snapshot: a consistent view of the captured tables at one position of the binlog.

The simplest consistent form: a global read lock for as long as it takes to open the view, note the position and read
the structures; the rows are read afterwards, from the view. Source: "initial snapshots" in Debezium's documentation.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import structlog
from pymysql.connections import Connection
from pymysql.cursors import Cursor, SSCursor

from headwater.config import Config
from headwater.record import Record
from headwater.shape import EventShape
from headwater.source import Batch, Rows, SnapshotProgress
from headwater.sources.filters import TableFilter
from headwater.sources.mysql.connection import connect, driver_errors, drop
from headwater.sources.mysql.gtid import GtidSet
from headwater.sources.mysql.position import StartPoint
from headwater.sources.mysql.schema_change import SchemaChanges
from headwater.sources.mysql.server import quoted, read_tables
from headwater.sources.mysql.shapes import ShapeOptions, snapshot_shape
from headwater.sources.mysql.table import Table
from headwater.sources.mysql.text import RAW_DECODERS, select_list

log = structlog.get_logger(__name__)

BUILTIN_DATABASES = frozenset({"mysql", "information_schema", "performance_schema", "sys"})
_BATCH_ROWS = 2048
_REPORT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class View:
    """What the lock held still: the position, the structures of the captured tables, and the schema's story."""

    point: StartPoint
    tables: Sequence[Table]
    schema_changes: Sequence[Record]


class Snapshot:
    """One snapshot; `open` it, then take its batches to the end."""

    def __init__(
        self, config: Config, options: ShapeOptions, tables: TableFilter, schema_changes: SchemaChanges | None
    ) -> None:
        self._config = config
        self._options = options
        self._filter = tables
        self._schema_changes = schema_changes
        self._connection: Connection[Any] | None = None
        self._batches: Iterator[Batch] = iter(())
        self.reads_rows = config["snapshot.mode"].lower() in ("initial", "when_needed")
        self.progress = SnapshotProgress(tables=0, tables_done=0, rows=0, started=time.time())

    def open(self) -> View:
        """Take the view. Raises `headwater.source.SourceError` where a privilege is missing."""
        connection = self._connection = connect(self._config)
        with driver_errors("opening the snapshot"), connection.cursor() as cursor:
            lock_seconds = self._config["snapshot.lock.timeout.ms"] // 1000
            # For ten minutes the server waits for a client that takes no rows (60 s unless set): Kafka may be away.
            settings = "sql_mode = '', lock_wait_timeout = %s, net_write_timeout = 600"
            cursor.execute(f"SET SESSION {settings}", (lock_seconds,))
            cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            cursor.execute("FLUSH TABLES WITH READ LOCK")
            try:
                cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT")
                view = self._view(cursor)
            finally:
                cursor.execute("UNLOCK TABLES")
            cursor.execute("SET SESSION time_zone = '+00:00'")  # for rows; structure is read in the server's own
        log.info("snapshot opened", file=view.point.file, position=view.point.position, tables=len(view.tables))
        tables = view.tables if self.reads_rows else ()
        self.progress = replace(self.progress, tables=len(tables))
        self._batches = self._read(connection, view, tables)
        return view

    def _view(self, cursor: Cursor) -> View:
        point = current_point(cursor)
        every = table_names(cursor)  # the schema changes tell of all tables, captured or not
        captured = self._filter.in_listed_order([name for name in every if self._filter.captures(*name)])
        known = read_tables(cursor, every)
        records: Sequence[Record] = ()
        if self._schema_changes is not None:
            tables = [known[name] for name in every if name in known]
            records = self._schema_changes.of_snapshot(cursor, tables, point.file, point.position)
        return View(point, [known[name] for name in captured if name in known], records)

    def next_batch(self) -> Batch | None:
        """The next rows, None when all are read."""
        with driver_errors("reading the snapshot"):
            batch = next(self._batches, None)
        if batch is None:
            self.progress = replace(self.progress, ended=time.time())
        return batch

    def _read(self, connection: Connection[Any], view: View, tables: Sequence[Table]) -> Iterator[Batch]:
        """Every table's rows in turn; what may turn out to be the very last is held back until that is known."""
        held: list[Rows | Record] = list(view.schema_changes[-1:])
        for number, table in enumerate(tables):
            shape = snapshot_shape(table, self._options)
            story = _Story(table.id, f"{number + 1}/{len(tables)}")
            opening = "first" if number == 0 else "first_in_data_collection"
            for rows, is_last in _chunks(connection, table):
                held, items = [], held
                body = rows[:-1] if is_last else rows
                items += [snapshot_rows(shape, part, marker, view.point) for part, marker in _marked(body, opening)]
                if is_last:
                    closing = opening if len(rows) == 1 and opening == "first" else "last_in_data_collection"
                    held = [snapshot_rows(shape, rows[-1:], closing, view.point)]
                opening = "true"
                story.add(len(rows))
                self.progress = replace(self.progress, rows=self.progress.rows + len(rows))
                yield Batch(items, None)
            story.finish()
            self.progress = replace(self.progress, tables_done=number + 1)
        if held:
            yield Batch([_as_last(held[0])], None)

    def close(self) -> None:
        """End the view."""
        if self._connection is not None:
            if (result := self._connection._result) is not None:  # type: ignore[attr-defined]  # noqa: SLF001
                result.unbuffered_active = False  # else the driver goes on to read the rows that nobody wants
            drop(self._connection)
            self._connection = None


def _marked(rows: list[Any], marker: str) -> Iterator[tuple[list[Any], str]]:
    """The rows with their ``snapshot`` marker; only a table's first one has one of its own."""
    if rows and marker != "true":
        yield rows[:1], marker
        rows = rows[1:]
    if rows:
        yield rows, "true"


def snapshot_rows(shape: EventShape, rows: list[Any], marker: str, point: StartPoint) -> Rows:
    """Rows that were read now, as an item of a batch; ``marker`` is their ``source.snapshot``."""
    seconds = time.time_ns() // 1_000_000_000
    return Rows(shape, (rows, marker, point.file, point.position, seconds * 1_000_000))


def _as_last(item: Rows | Record) -> Rows | Record:
    """The snapshot's last item, marked so: a row, or a schema change where no table has a row."""
    if isinstance(item, Rows):
        rows, _, *rest = item.arguments
        return item._replace(arguments=(rows, "last", *rest))
    source = {**item.value["source"], "snapshot": "last"}
    return replace(item, value={**item.value, "source": source})


def _chunks(connection: Connection[Any], table: Table) -> Iterator[tuple[list[Any], bool]]:
    """The table's rows in lists, each with whether it is the table's last list."""
    connection.decoders = RAW_DECODERS
    with contextlib.closing(_RowCursor(connection)) as cursor:
        cursor.execute(f"SELECT {select_list(table)} FROM {quoted(table.database)}.{quoted(table.name)}")  # noqa: S608
        ahead = list(cursor.fetchmany(_BATCH_ROWS))
        while ahead:
            rows, ahead = ahead, list(cursor.fetchmany(_BATCH_ROWS))
            yield rows, not ahead


class _RowCursor(SSCursor):
    """Rows as they come, none kept.

    The driver's own cursor reads the rest of the table when it is closed, and fails where the connection is lost;
    this one leaves the rest: only a connection that is closed too has any.
    """

    def close(self) -> None:
        """Let go of the connection."""
        if self._result is not None:  # type: ignore[attr-defined]
            self._result.unbuffered_active = False  # type: ignore[attr-defined]
        self.connection = None  # type: ignore[assignment]

    __del__ = close


def table_names(cursor: Cursor) -> list[tuple[str, str]]:
    """Every table there is, by database and name."""
    cursor.execute("SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES WHERE TABLE_TYPE = 'BASE TABLE'")
    names = [(str(database), str(name)) for database, name in cursor.fetchall()]
    return sorted(name for name in names if name[0].lower() not in BUILTIN_DATABASES)


def current_point(cursor: Cursor) -> StartPoint:
    """The end of the log now (SHOW BINARY LOG STATUS; SHOW MASTER STATUS before MySQL 8.2)."""
    cursor.execute("SELECT VERSION()")
    version = tuple(int(part) for part in str((cursor.fetchone() or ("0.0",))[0]).split("-")[0].split(".")[:2])
    cursor.execute("SHOW BINARY LOG STATUS" if version >= (8, 2) else "SHOW MASTER STATUS")
    row = cursor.fetchone()
    assert row is not None  # noqa: S101 - check_settings saw that the log is on
    gtids = str(row[4]).replace("\n", "")
    return StartPoint(str(row[0]), int(row[1]), GtidSet(gtids))


class _Story:
    """Tells the log how far a table is, at the end and every ten seconds."""

    def __init__(self, table: str, number: str) -> None:
        self._table, self._number = table, number
        self._rows = 0
        self._told = time.monotonic()

    def add(self, rows: int) -> None:
        self._rows += rows
        if time.monotonic() - self._told >= _REPORT_SECONDS:
            self._told = time.monotonic()
            log.info("snapshot reading", table=self._table, number=self._number, rows=self._rows)

    def finish(self) -> None:
        log.info("snapshot table read", table=self._table, number=self._number, rows=self._rows)
