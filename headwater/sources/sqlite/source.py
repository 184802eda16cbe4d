"""The SQLite source: it starts from an offset or a snapshot, then gives a batch for what was recorded since."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import structlog

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
from headwater.sources.heartbeat import Heartbeats
from headwater.sources.sample import find_table
from headwater.sources.skipped_operations import skipped_operations
from headwater.sources.snapshot_mode import SNAPSHOT_MODES
from headwater.sources.sqlite.change_log import BATCH_ROWS, ChangeLog
from headwater.sources.sqlite.database import connect, database_errors
from headwater.sources.sqlite.installation import captured_tables, structures
from headwater.sources.sqlite.position import Position
from headwater.sources.sqlite.shapes import ShapeOptions, TableShapes, table_shapes
from headwater.sources.sqlite.snapshot import Snapshot, SnapshotTable
from headwater.sources.sqlite.table import Table, table_names
from headwater.sources.sqlite.triggers import SNAPSHOT_DUE
from headwater.sources.stale import new_snapshot

log = structlog.get_logger(__name__)
_KIND = itemgetter(2, 3)
"""A change's structure and operation."""


class SqliteSource:
    """`headwater.source.Source` for one SQLite file."""

    def __init__(self, config: Config, shape_options: ShapeOptions, tables: TableFilter, *, lists_tables: bool) -> None:
        """``lists_tables`` says that an include list names the tables: then each of them must have triggers."""
        self._file = Path(config["database.file"])
        self._busy_seconds = config["database.busy.timeout.ms"] / 1000
        self._pause = config["poll.interval.ms"] / 1000
        self._shape_options = shape_options
        self._filter = tables
        self._lists_tables = lists_tables
        self._mode = SNAPSHOT_MODES[config["snapshot.mode"].lower()]
        self._skipped = skipped_operations(config["skipped.operations"])
        self._heartbeats = Heartbeats(config)
        self.partition: Partition = {"server": shape_options.prefix}
        self._log: ChangeLog | None = None
        self._snapshot: Snapshot | None = None
        self._snapshot_taken: SnapshotProgress | None = None
        self._position = Position(0, None)
        self._structures: Mapping[int, Table] = {}
        self._schema_version: int | None = None
        self._shapes: dict[int, TableShapes | None] = {}
        self._may_have_more = True
        self._read_rows = 0

    # starting

    def start(self, resume: Resume) -> Batch:
        with new_snapshot(wanted=self._mode.mends):
            return self._start(resume)

    def _start(self, resume: Resume) -> Batch:
        stored = Position.from_offset(resume.offset) if resume.offset else None
        self._log = ChangeLog(self._file, self._shape_options.prefix, self._busy_seconds)
        position = self._log.begin(stored)
        reads_rows = self._mode.data and (position.snapshot or self._mode.always)
        self._position = replace(position, snapshot=reads_rows)
        self._check_tables(self._position.change_id)
        if reads_rows:
            self._begin_snapshot(anew=stored is None or not position.snapshot)
        log.info("reading recorded changes", file=str(self._file), behind=self._position.change_id)
        return EMPTY if self._position == stored else Batch((), self._position.offset())

    def _begin_snapshot(self, *, anew: bool) -> None:
        """Open the view; where no earlier snapshot was begun, the changes are read from it on."""
        self._snapshot = Snapshot(self._file, self._busy_seconds)
        if anew:
            self._position = replace(self._position, change_id=self._snapshot.end())
        self._snapshot.take(self._existing(), self._position.change_id)

    @property
    def _opened(self) -> ChangeLog:
        assert self._log is not None  # noqa: S101 - start() made it
        return self._log

    def _existing(self) -> list[SnapshotTable]:
        """The captured tables that there are now."""
        captured = [
            each
            for each in captured_tables(self._opened.database)
            if not each.dropped and self._captures(each.table.name)
        ]
        order = self._filter.in_listed_order([(self._shape_options.database, each.table.name) for each in captured])
        captured.sort(key=lambda each: order.index((self._shape_options.database, each.table.name)))
        return [SnapshotTable(each.table, self._made_shapes(each.structure, each.table).read) for each in captured]

    def _captures(self, table: str) -> bool:
        return self._filter.captures(self._shape_options.database, table)

    def _made_shapes(self, structure: int, table: Table) -> TableShapes:
        shapes = self._shapes.get(structure)
        if shapes is None:
            shapes = self._shapes[structure] = table_shapes(table, self._shape_options)
        return shapes

    # the triggers

    def _check_tables(self, behind: int) -> None:
        """See to it that changes are recorded; ``behind`` is the last one that surely is all there was.

        Raises `SourceError`.
        """
        database = self._opened.database
        with database_errors(f"reading {self._file}"):
            ((self._schema_version,),) = database.execute("PRAGMA schema_version").fetchall()
            self._structures = structures(database)
            captured = [each for each in captured_tables(database) if self._captures(each.table.name)]
            names = {name for name in table_names(database) if self._captures(name)}
        for each in captured:
            if each.problem:
                raise SourceError(
                    f"table {self._shape_options.database}.{each.table.name}: {each.problem}, so that rows may be"
                    f" missing from change {behind + 1} on. {self._install(each.name)} makes its triggers anew and has"
                    " its rows read again; then restart the task"
                )
            if each.dropped:
                remedy = f"headwater sqlite remove {self._file} {each.table.name}"
                log.warning("a captured table is gone", table=each.table.name, remedy=remedy)
        for name in sorted(names - {each.table.name for each in captured}):
            self._tell_uncaptured(name)

    def _tell_uncaptured(self, name: str) -> None:
        """A table without triggers is an error where it was asked for."""
        if self._lists_tables:
            raise SourceError(
                f"{self._untriggered(name)}: {self._install(name)}, or leave it out of table.include.list"
            )
        log.warning("a table is not captured: it has no triggers", table=name, remedy=self._install(name))

    def _untriggered(self, name: str) -> str:
        return f"no triggers record the changes of table {self._shape_options.database}.{name}"

    def _install(self, name: str) -> str:
        return f"headwater sqlite install {self._file} {name}"

    # reading

    def poll(self, timeout: float) -> Batch:
        with new_snapshot(wanted=self._mode.mends):
            return self._poll(timeout)

    def _poll(self, timeout: float) -> Batch:
        if self._snapshot is not None:
            return self._poll_snapshot(self._snapshot)
        if not self._mode.streams:
            time.sleep(timeout)
            return EMPTY
        rows = self._wait_for_rows(timeout)
        if rows and rows[0][3] == SNAPSHOT_DUE:
            change_id, _, structure, *_ = rows[0]
            return self._captured_anew(change_id, structure)
        due = next((number for number, row in enumerate(rows) if row[3] == SNAPSHOT_DUE), len(rows))
        self._may_have_more = due < len(rows) or len(rows) == BATCH_ROWS
        rows = rows[:due]
        if not rows:
            return self._heartbeats.behind(Batch((), self._position.offset()))
        self._position = replace(self._position, change_id=rows[-1][0])
        self._read_rows += len(rows)
        batch = Batch(list(self._items(rows)), self._position.offset(), event_time=rows[-1][1] / 1000)
        return self._heartbeats.behind(batch)

    def _wait_for_rows(self, timeout: float) -> list[tuple[Any, ...]]:
        """The next changes, waiting for the first."""
        log, deadline = self._opened, time.monotonic() + timeout
        while not log.has_news() and not self._may_have_more:
            if time.monotonic() >= deadline:
                return []
            time.sleep(self._pause)
        changes = log.read(self._position.change_id)
        if changes.schema_version != self._schema_version:
            self._check_tables(self._position.change_id)
        return changes.rows

    def _items(self, rows: list[tuple[Any, ...]]) -> Iterator[Rows]:
        """Changes that follow each other and are of one table and kind are one log event."""
        for (structure, operation), group in groupby(rows, _KIND):
            if operation in self._skipped:
                continue
            shapes = self._shapes_of(structure)
            if shapes is not None:
                yield Rows(_SHAPE[operation](shapes), (list(group),))

    def _shapes_of(self, structure: int) -> TableShapes | None:
        """None for a table that is not captured."""
        if structure not in self._shapes:
            table = self._structures.get(structure)
            if table is None:
                raise SourceError(f"{self._file} has changes of a structure that is not known there: {structure}")
            self._shapes[structure] = table_shapes(table, self._shape_options) if self._captures(table.name) else None
        return self._shapes[structure]

    def _captured_anew(self, change_id: int, structure: int) -> Batch:
        """Behind this place a table has new triggers: what was not recorded before is read from the table."""
        shapes, table = self._shapes_of(structure), self._structures[structure]
        is_current = any(
            each.structure == structure and not each.dropped for each in captured_tables(self._opened.database)
        )
        self._position = replace(self._position, change_id=change_id)
        self._may_have_more = True
        if shapes is None or not is_current or not self._mode.data:
            return Batch((), self._position.offset())
        log.info("reading the rows of a table that was captured anew", table=table.name, change_id=change_id)
        self._snapshot = Snapshot(self._file, self._busy_seconds)
        self._snapshot.take([SnapshotTable(table, shapes.read)], change_id)
        return Batch((), None)

    def _poll_snapshot(self, snapshot: Snapshot) -> Batch:
        batch = snapshot.next_batch()
        if batch is not None:
            return batch
        snapshot.close()
        self._snapshot_taken, self._snapshot = snapshot.progress, None
        self._position = replace(self._position, snapshot=False)
        return Batch((), self._position.offset())

    def committed(self, offset: Offset) -> None:
        """See `headwater.source.Source.committed`: changes that every connector has delivered are deleted."""
        if self._log is not None and not offset.get("snapshot"):
            self._log.delivered(offset["change_id"])

    # telling and ending

    def progress(self) -> SourceProgress:
        snapshot = self._snapshot
        taken = snapshot.progress if snapshot is not None else self._snapshot_taken
        return SourceProgress("headwater_changes", self._position.change_id, 0, taken)

    def locate(self, rows: Rows) -> str:
        """Where a log event stands: the table, and the numbers of the first and the last change at hand."""
        if rows.shape.operation == "r":
            return f"snapshot of table {rows.shape.table}"
        changes = rows.arguments[0]
        first, last = changes[0][0], changes[-1][0]
        return f"table {rows.shape.table} at change {first}" + (f" to {last}" if last != first else "")

    def shapes(self) -> Sequence[EventShape]:
        """The shapes of the captured tables; changes nothing in the file."""
        database = connect(self._file, self._busy_seconds)
        try:
            captured = [
                each for each in captured_tables(database) if not each.dropped and self._captures(each.table.name)
            ]
            made = [table_shapes(each.table, self._shape_options) for each in captured]
        finally:
            database.close()
        return [shape for shapes in made for shape in (shapes.read, shapes.create, shapes.update, shapes.delete)]

    def sample(self, table: str, count: int) -> Rows:
        """See `headwater.source.Source.sample`."""
        name = self._shape_options.database
        snapshot = Snapshot(self._file, self._busy_seconds)
        try:
            captured = {each.table.name: each for each in captured_tables(snapshot.database) if not each.dropped}
            known = {*captured, *table_names(snapshot.database)}
            _, found = find_table(table, [(name, each) for each in sorted(known) if self._captures(each)])
            if found not in captured:
                raise SourceError(f"{self._untriggered(found)}: {self._install(found)}")
            sampled = captured[found].table
            return snapshot.sample(SnapshotTable(sampled, table_shapes(sampled, self._shape_options).read), count)
        finally:
            snapshot.close()

    def close(self) -> None:
        if self._snapshot is not None:
            self._snapshot.close()
        if self._log is not None:
            self._log.close()


_SHAPE: dict[str, Callable[[TableShapes], EventShape]] = {
    "c": lambda shapes: shapes.create,
    "u": lambda shapes: shapes.update,
    "d": lambda shapes: shapes.delete,
}
