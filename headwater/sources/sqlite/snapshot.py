"""The snapshot: rows of tables as they are, while the changes already have their place.

Where the database writes ahead (``journal_mode=WAL``) all of it is one view, at a change that no later one is in. With
a rollback journal a view would keep writers out for as long as it takes; there each piece of a table is read by itself,
and of a row that changes meanwhile a later state is read than that of the place: its changes come behind it all the
same, so what a consumer has last is right.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import structlog

from headwater.shape import EventShape
from headwater.source import Batch, Rows, SnapshotProgress
from headwater.sources.sqlite.change_log import BATCH_ROWS, last_change, text_as_it_is
from headwater.sources.sqlite.database import connect, database_errors
from headwater.sources.sqlite.table import Table
from headwater.sources.sqlite.triggers import quoted

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SnapshotTable:
    """A table to read, and the shape of its rows."""

    table: Table
    shape: EventShape


class Snapshot:
    """Reads tables one after the other; used by one thread. Made with the view, then told what to read by `take`."""

    def __init__(self, file: Path, busy_seconds: float) -> None:
        self._file = file
        self._position = 0
        self.database = connect(file, busy_seconds)
        self._batches: Iterator[Batch] = iter(())
        self.progress = SnapshotProgress(tables=0, tables_done=0, rows=0, started=time.time())
        with database_errors(f"reading {file}"):
            ((mode,),) = self.database.execute("PRAGMA journal_mode").fetchall()
            if mode == "wal":
                self.database.execute("BEGIN")
                self.database.execute("SELECT 1 FROM sqlite_schema").fetchone()  # begins the view

    def end(self) -> int:
        """The last change that the view has; without a view the last one there is."""
        with database_errors(f"reading {self._file}"):
            return last_change(self.database)

    def take(self, tables: Sequence[SnapshotTable], position: int) -> None:
        """Say what to read; ``position`` is the change that the rows are told to be behind."""
        self._position = position
        self.progress = replace(self.progress, tables=len(tables))
        self._batches = self._read(tables)

    def next_batch(self) -> Batch | None:
        """The next rows, None when all are read. Raises `headwater.source.SourceError`."""
        with database_errors(f"reading a snapshot of {self._file}"):
            batch = next(self._batches, None)
        if batch is None:
            self.progress = replace(self.progress, ended=time.time())
        return batch

    def sample(self, table: SnapshotTable, count: int) -> Rows:
        """The table's first rows. Raises `headwater.source.SourceError`."""
        with database_errors(f"reading some rows of {self._file}"):
            rows = next(self._pieces(table.table), [])[:count]
        return self._rows(table.shape, rows, "true")

    def _read(self, tables: Sequence[SnapshotTable]) -> Iterator[Batch]:
        """Every table's rows in turn; what may turn out to be the very last is held back until that is known."""
        held: list[Rows] = []
        for number, each in enumerate(tables):
            opening = "first" if number == 0 else "first_in_data_collection"
            ahead = self._pieces(each.table)
            rows = next(ahead, [])
            while rows:
                following = next(ahead, [])
                held, items = [], held
                body = rows if following else rows[:-1]
                items += [self._rows(each.shape, part, marker) for part, marker in _marked(body, opening)]
                if not following:
                    closing = opening if len(rows) == 1 and opening == "first" else "last_in_data_collection"
                    held = [self._rows(each.shape, rows[-1:], closing)]
                opening = "true"
                self.progress = replace(self.progress, rows=self.progress.rows + len(rows))
                yield Batch(items, None)
                rows = following
            self.progress = replace(self.progress, tables_done=number + 1)
            log.info("snapshot table read", table=each.table.name, number=f"{number + 1}/{len(tables)}")
        for last in held:
            rows, _, *rest = last.arguments
            yield Batch([last._replace(arguments=(rows, "last", *rest))], None)

    def _rows(self, shape: EventShape, rows: list[Any], marker: str) -> Rows:
        return Rows(shape, (rows, marker, self._position, time.time_ns() // 1_000_000))

    def _pieces(self, table: Table) -> Iterator[list[tuple[Any, ...]]]:
        """The rows in the order of what tells them apart, which stands behind each row's values."""
        identity = [quoted(name) for name in table.identity]
        columns = ", ".join([*map(quoted, table.names), *identity])
        select = f"SELECT {columns} FROM {quoted(table.name)}"
        behind = f"WHERE ({', '.join(identity)}) > ({', '.join('?' * len(identity))})"
        order = f"ORDER BY {', '.join(identity)} LIMIT {BATCH_ROWS}"
        rows = self._fetch(f"{select} {order}", ())
        while rows:
            yield rows
            if len(rows) < BATCH_ROWS:
                return
            rows = self._fetch(f"{select} {behind} {order}", rows[-1][-len(identity) :])

    def _fetch(self, select: str, place: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        try:
            return self.database.execute(select, place).fetchall()
        except sqlite3.OperationalError as error:
            if "decode" not in str(error):
                raise
        with text_as_it_is(self.database):
            return self.database.execute(select, place).fetchall()

    def close(self) -> None:
        """End the view."""
        self.database.close()


def _marked(rows: list[Any], marker: str) -> Iterator[tuple[list[Any], str]]:
    """The rows with their ``snapshot`` marker; only a table's first one has one of its own."""
    if rows and marker != "true":
        yield rows[:1], marker
        rows = rows[1:]
    if rows:
        yield rows, "true"
