"""Opening a SQLite file, and its errors with what mends them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headwater.source import RetriableSourceError, SourceError

OLDEST = (3, 37, 0)
"""The first version of SQLite with ``pragma_table_list``."""
_PASSING = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL)


def connect(file: Path, busy_seconds: float) -> sqlite3.Connection:
    """A connection in autocommit mode to a database that is there. Raises `SourceError`."""
    if sqlite3.sqlite_version_info < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise SourceError(f"this Python has SQLite {sqlite3.sqlite_version}, the connector needs {oldest} or later")
    with database_errors(f"opening {file}"):
        if not file.is_file():
            raise SourceError(f"there is no database file {file}: name it with database.file")
        database = sqlite3.connect(
            f"{file.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=busy_seconds,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            database.execute("SELECT 1 FROM sqlite_schema").fetchone()
        except BaseException:
            database.close()
            raise
    return database


@contextmanager
def transaction(database: sqlite3.Connection, kind: str) -> Iterator[None]:
    """All or nothing; ``kind`` is DEFERRED for a view that stands still, IMMEDIATE for writing."""
    database.execute(f"BEGIN {kind}")
    try:
        yield
        database.execute("COMMIT")
    finally:
        if database.in_transaction:
            database.execute("ROLLBACK")


@contextmanager
def database_errors(doing: str) -> Iterator[None]:
    """SQLite's errors as `SourceError`: retriable where another process has the file locked."""
    try:
        yield
    except sqlite3.OperationalError as error:
        kind = RetriableSourceError if getattr(error, "sqlite_errorcode", 0) & 0xFF in _PASSING else SourceError
        raise kind(f"{doing}: {error}") from error
    except sqlite3.DatabaseError as error:
        raise SourceError(f"{doing}: {error}") from error
