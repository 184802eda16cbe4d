"""Settings of a MySQL server that a test changes for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pymysql.cursors import Cursor


@contextmanager
def row_metadata(cursor: Cursor, value: str) -> Iterator[None]:
    """The server's binlog_row_metadata, put back afterwards; sessions take it up at once."""
    cursor.execute("SELECT @@GLOBAL.binlog_row_metadata")
    row = cursor.fetchone()
    assert row is not None
    cursor.execute(f"SET GLOBAL binlog_row_metadata = {value}")
    try:
        yield
    finally:
        cursor.execute(f"SET GLOBAL binlog_row_metadata = {row[0]}")
