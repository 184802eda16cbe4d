"""What MySQL writes into its log for a statement, as tests of the log's parts want it: the TABLE_MAP events."""

from __future__ import annotations

from typing import Any

import pymysql
from pymysql.connections import Connection
from pymysql.cursors import Cursor
from sqlalchemy import URL

from headwater.sources.mysql import event_types
from headwater.sources.mysql.binlog import HEADER_SIZE, dump_from_position

SERVER_ID = 3_999_000_001
HEARTBEAT_SECONDS = 20


def connect(url: URL) -> Connection[Any]:
    """A connection whose session takes every default that MySQL ever took, zero dates too."""
    return pymysql.connect(
        host=url.host or "",
        port=url.port or 3306,
        user=url.username,
        password=url.password or "",
        database=url.database,
        autocommit=True,
        init_command="SET time_zone = '+00:00', sql_mode = ''",
    )


def table_map(url: URL, cursor: Cursor, statement: str) -> bytes:
    """The body of the TABLE_MAP event of a statement that changes one table."""
    cursor.execute("SHOW BINARY LOG STATUS")
    row = cursor.fetchone()
    assert row is not None
    cursor.execute(statement)
    stream = dump_from_position(connect(url), SERVER_ID, row[0], row[1], HEARTBEAT_SECONDS, until_end=True)
    try:
        found = []
        while not stream.ended:
            for buffer, start, end in stream.read(HEARTBEAT_SECONDS):
                if buffer[start + 4] == event_types.TABLE_MAP:
                    found.append(buffer[start + HEADER_SIZE : end])
    finally:
        stream.close()
    mine = [body for body in found if f"{url.database}".encode() in body[:80]]
    assert len(mine) == 1, f"{statement!r} left {len(mine)} TABLE_MAP events"
    return mine[0]
