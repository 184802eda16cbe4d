"""The table that triggers record changes in, as a log: read on from a place, and pruned behind it."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headwater.source import SourceError
from headwater.sources.sqlite.database import connect, database_errors, transaction
from headwater.sources.sqlite.installation import is_installed
from headwater.sources.sqlite.position import Position
from headwater.sources.sqlite.triggers import CHANGES, LOG, READERS
from headwater.sources.stale import WAYS_ON, StaleStateError

BATCH_ROWS = 2048
PRUNE_SECONDS = 1.0
"""How often changes that every connector has delivered are deleted, at most."""
PRUNE_ROWS = 10_000
"""How many at a time: other writers wait meanwhile."""
PRUNE_BUSY_MS = 50
"""How long that waits for another writer; then it is left for the next time."""


@dataclass(frozen=True, slots=True)
class Changes:
    """Rows of ``headwater_changes``, and the schema's version when they were read."""

    rows: list[tuple[Any, ...]]
    schema_version: int


class ChangeLog:
    """One connector's way through the changes of a database; used by one thread."""

    def __init__(self, file: Path, reader: str, busy_seconds: float) -> None:
        """Open the database. Raises `headwater.source.SourceError`."""
        self.file = file
        self._reader = reader
        self._busy_ms = round(busy_seconds * 1000)
        self.database = connect(file, busy_seconds)
        self._seen_version: int | None = None
        self._pruned_at = 0.0
        if not is_installed(self.database):
            self.database.close()
            raise SourceError(f"no triggers record the changes of {file} yet: headwater sqlite install {file}")

    def begin(self, stored: Position | None) -> Position:
        """Where to read from, and from now on nothing behind it is pruned.

        That is ``stored``, else the end of the log. Raises `StaleStateError` where it can't be read from.
        """
        with database_errors(f"reading {self.file}"), transaction(self.database, "IMMEDIATE"):
            ((log_id, pruned),) = self.database.execute(f"SELECT id, pruned FROM {LOG}").fetchall()
            end = last_change(self.database)
            if stored is not None:
                _check(stored, log_id, pruned, end, self.file)
            position = Position(end if stored is None else stored.change_id, log_id, stored is None or stored.snapshot)
            self.database.execute(f"INSERT OR REPLACE INTO {READERS} VALUES (?, ?)", (self._reader, position.change_id))
        return position

    def has_news(self) -> bool:
        """Whether anything was committed since this was asked last; costs next to nothing."""
        with database_errors(f"reading {self.file}"):
            version = int(self.database.execute("PRAGMA data_version").fetchone()[0])
        is_new = version != self._seen_version
        self._seen_version = version
        return is_new

    def read(self, after: int) -> Changes:
        """The next changes, at most `BATCH_ROWS`."""
        with database_errors(f"reading {self.file}"), transaction(self.database, "DEFERRED"):
            ((schema_version,),) = self.database.execute("PRAGMA schema_version").fetchall()
            return Changes(self._rows(after), schema_version)

    def _rows(self, after: int) -> list[tuple[Any, ...]]:
        select = f"SELECT * FROM {CHANGES} WHERE id > ? ORDER BY id LIMIT ?"
        try:
            return self.database.execute(select, (after, BATCH_ROWS)).fetchall()
        except sqlite3.OperationalError as error:
            if "decode" not in str(error):
                raise
        # Text that is no UTF-8 can't be converted; which row has it is found out there.
        with text_as_it_is(self.database):
            return self.database.execute(select, (after, BATCH_ROWS)).fetchall()

    def delivered(self, change_id: int) -> None:
        """Changes up to this one are not needed any more by this connector: now and then they are deleted."""
        if time.monotonic() - self._pruned_at < PRUNE_SECONDS:
            return
        self._pruned_at = time.monotonic()
        with contextlib.suppress(sqlite3.OperationalError), self._little_patience():
            self.prune(change_id)

    def prune(self, change_id: int) -> None:
        """Delete what every connector has read; this one all up to ``change_id``."""
        with transaction(self.database, "IMMEDIATE"):
            self.database.execute(
                f"UPDATE {READERS} SET change_id = ? WHERE name = ?",
                (change_id, self._reader),
            )
            row = self.database.execute(
                f"SELECT max(id) FROM (SELECT id FROM {CHANGES}"
                f" WHERE id <= (SELECT min(change_id) FROM {READERS}) ORDER BY id LIMIT ?)",
                (PRUNE_ROWS,),
            ).fetchone()
            if row[0] is not None:
                self.database.execute(f"DELETE FROM {CHANGES} WHERE id <= ?", row)
                self.database.execute(f"UPDATE {LOG} SET pruned = ?", row)

    @contextlib.contextmanager
    def _little_patience(self) -> Iterator[None]:
        self.database.execute(f"PRAGMA busy_timeout = {PRUNE_BUSY_MS}")
        try:
            yield
        finally:
            self.database.execute(f"PRAGMA busy_timeout = {self._busy_ms}")

    def close(self) -> None:
        """Let go of the file."""
        self.database.close()


def last_change(database: sqlite3.Connection) -> int:
    """The number of the last change, pruned or not; 0 where there was none."""
    row = database.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (CHANGES,)).fetchone()
    return 0 if row is None else int(row[0])


@contextlib.contextmanager
def text_as_it_is(database: sqlite3.Connection) -> Iterator[None]:
    """Inside, bytes of text that are no UTF-8 come as surrogates, which nothing can write."""
    database.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
    try:
        yield
    finally:
        database.text_factory = str


def _check(stored: Position, log_id: str, pruned: int, end: int, file: Path) -> None:
    """Raises `StaleStateError`."""
    if stored.log_id not in (None, log_id):
        raise StaleStateError(
            f"the triggers of {file} were removed and installed again, or it is another database: {WAYS_ON}"
        )
    if stored.change_id < pruned:
        raise StaleStateError(
            f"changes {stored.change_id + 1} to {pruned} are deleted in {file}, because no connector of this name was"
            f" known there any more, or its offset is an old one: {WAYS_ON}"
        )
    if stored.change_id > end:
        raise StaleStateError(
            f"change {stored.change_id} was delivered, but the last one in {file} is {end}: an older state of the"
            f" database was restored. {WAYS_ON[0].upper()}{WAYS_ON[1:]}"
        )
