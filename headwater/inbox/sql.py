"""An inbox's statements for cursors of DB-API 2.0 (PEP 249)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from headwater.inbox.message_id import stored_id
from headwater.table_name import check_table_name

_AGES = {
    "mysql": "CURRENT_TIMESTAMP - INTERVAL {} MICROSECOND",
    "mariadb": "CURRENT_TIMESTAMP - INTERVAL {} MICROSECOND",
    "postgresql": "CURRENT_TIMESTAMP - {} * INTERVAL '1 microsecond'",
    "sqlite": "datetime('now', (-{} / 1000000.0) || ' seconds')",
}
"""A time so many microseconds ago, by the server's clock."""


class Statements:
    """Those of the inbox in ``table``; ``mark`` is what stands for a parameter (``%s`` or ``?``)."""

    def __init__(self, dialect: str, table: str, mark: str) -> None:
        if dialect not in _AGES:
            raise ValueError(f"dialect must be one of {', '.join(_AGES)}, not {dialect!r}")
        check_table_name(table)
        self._fails_alone = dialect in ("mysql", "mariadb")
        conflict = "" if self._fails_alone else " ON CONFLICT DO NOTHING"
        self._insert = f"INSERT INTO {table} (consumer, message_id) VALUES ({mark}, {mark}){conflict}"  # noqa: S608
        self._prune = f"DELETE FROM {table} WHERE handled_at < {_AGES[dialect].format(mark)}"  # noqa: S608

    def record(self, cursor: Any, consumer: str, message_id: str) -> bool:
        """As `headwater.inbox.Inbox.record`."""
        try:
            cursor.execute(self._insert, (stored_id(consumer), stored_id(message_id)))
        except Exception as error:
            # MySQL undoes the failed statement only; drivers have this class each of their own.
            if self._fails_alone and "IntegrityError" in {kind.__name__ for kind in type(error).__mro__}:
                return False
            raise
        return bool(cursor.rowcount == 1)

    def prune(self, cursor: Any, older_than: timedelta) -> int:
        """As `headwater.inbox.Inbox.prune`."""
        cursor.execute(self._prune, (older_than // timedelta(microseconds=1),))
        return int(cursor.rowcount)
