"""What must hold on the server before its log can be read; each failure says which command mends it."""

from __future__ import annotations

from typing import Any

from pymysql.cursors import Cursor

from headwater.source import SourceError
from headwater.sources.mysql.position import StartPoint
from headwater.sources.stale import WAYS_ON, StaleStateError


def _one(cursor: Cursor, query: str, *arguments: object) -> tuple[Any, ...] | None:
    cursor.execute(query, arguments or None)
    row: tuple[Any, ...] | None = cursor.fetchone()
    return row


def _variable(cursor: Cursor, name: str) -> str:
    row = _one(cursor, "SHOW GLOBAL VARIABLES LIKE %s", name)
    return str(row[1]).upper() if row else ""


def writes_full(cursor: Cursor) -> bool:
    """Whether the server writes tables' structures into its log (``binlog_row_metadata=FULL``)."""
    return _variable(cursor, "binlog_row_metadata") == "FULL"


def check_settings(cursor: Cursor) -> None:
    """The server's log must be on and hold whole rows. Raises `SourceError`."""
    if _variable(cursor, "log_bin") != "ON":
        raise SourceError("the MySQL server writes no binlog: start it with log_bin=ON (and a server_id)")
    for name, needed in (("binlog_format", "ROW"), ("binlog_row_image", "FULL")):
        value = _variable(cursor, name)
        if value != needed:
            raise SourceError(
                f"the MySQL server has {name}={value}, but rows can be captured only with {needed}: "
                f"SET GLOBAL {name}={needed} (and in its configuration file; sessions that are open keep the old value)"
            )


def check_position(cursor: Cursor, point: StartPoint) -> bool:
    """Whether the log is to be read by GTIDs; the stored position must still be on the server.

    Raises `StaleStateError` for a position that was purged or never was on this server.
    """
    if point.gtids and _variable(cursor, "gtid_mode") == "ON":
        _check_gtids(cursor, str(point.gtids))
        return True
    _check_file(cursor, point)
    return False


def _check_gtids(cursor: Cursor, seen: str) -> None:
    row = _one(
        cursor,
        "SELECT GTID_SUBSET(@@GLOBAL.gtid_purged, %s), GTID_SUBSET(%s, @@GLOBAL.gtid_executed), @@GLOBAL.gtid_purged",
        seen,
        seen,
    )
    assert row is not None  # noqa: S101 - a SELECT without a table has one row
    if not row[0]:
        raise StaleStateError(
            f"the MySQL server has purged transactions that were not read yet: the offset has seen {seen}, "
            f"gtid_purged is {row[2]}. The changes in between are lost to the log: {WAYS_ON} "
            "(and raise binlog_expire_logs_seconds)"
        )
    if not row[1]:
        raise StaleStateError(
            f"the offset has seen transactions that this MySQL server never had: {seen}. "
            f"It is another server or was restored from a backup: {WAYS_ON}"
        )


def _check_file(cursor: Cursor, point: StartPoint) -> None:
    cursor.execute("SHOW BINARY LOGS")
    sizes = {str(row[0]): int(row[1]) for row in cursor.fetchall()}
    if point.file not in sizes:
        raise StaleStateError(
            f"the MySQL server no longer has the binlog file {point.file} that the offset is in "
            f"(it has {', '.join(sizes) or 'none'}). The changes in between are lost to the log: {WAYS_ON} "
            "(and raise binlog_expire_logs_seconds)"
        )
    if point.position > sizes[point.file]:
        raise StaleStateError(
            f"the offset is at {point.file}:{point.position}, but that file ends at {sizes[point.file]}: "
            f"it is another server or the log was reset: {WAYS_ON}"
        )
