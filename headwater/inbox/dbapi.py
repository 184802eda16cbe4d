"""The inbox for connections of DB-API 2.0 (PEP 249): PyMySQL, mysqlclient, psycopg, sqlite3 …"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from typing import Any, Literal, Protocol

from headwater.inbox import passing
from headwater.inbox.errors import AutocommitError, InboxError
from headwater.inbox.sql import Statements

Dialect = Literal["mysql", "mariadb", "postgresql", "sqlite"]


class Connection(Protocol):
    """What is asked of a connection."""

    def cursor(self) -> Any:
        """A new cursor."""

    def commit(self) -> None:
        """Commit the transaction."""

    def rollback(self) -> None:
        """Roll it back."""

    def close(self) -> None:
        """Let go of the connection."""


class Inbox:
    """A `headwater.inbox.Inbox` in ``table``, which `headwater.inbox.ddl` makes.

    ``connect`` opens a connection that begins transactions by itself, as DB-API says; one is opened for a
    subscription and kept until it breaks. For `record` alone none is needed.
    """

    def __init__(self, dialect: Dialect, connect: Callable[[], Connection] | None = None, table: str = "inbox") -> None:
        self._statements = Statements(dialect, table, "?" if dialect == "sqlite" else "%s")
        self._connect = connect
        self._connection: Connection | None = None

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """As `headwater.inbox.Inbox.transaction`."""
        connection = self._opened()
        try:
            yield connection
            connection.commit()
        except BaseException:
            self._undo(connection)
            raise

    def record(self, session: Connection, consumer: str, message_id: str) -> bool:
        """As `headwater.inbox.Inbox.record`. Raises `AutocommitError`."""
        if _autocommits(session):
            raise AutocommitError
        with closing(session.cursor()) as cursor:
            return self._statements.record(cursor, consumer, message_id)

    def is_passing(self, error: BaseException) -> bool:
        """As `headwater.inbox.Inbox.is_passing`."""
        return passing.is_passing(error)

    def prune(self, older_than: timedelta) -> int:
        """As `headwater.inbox.Inbox.prune`."""
        with self.transaction() as connection, closing(connection.cursor()) as cursor:
            return self._statements.prune(cursor, older_than)

    def close(self) -> None:
        """Close the connection that `transaction` opened."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _opened(self) -> Connection:
        if self._connect is None:
            raise InboxError("this inbox was made without a way to connect, so it can begin no transaction")
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    def _undo(self, connection: Connection) -> None:
        """Roll back; a connection that can't is broken, and closed: the next transaction opens another."""
        try:
            connection.rollback()
        except Exception:
            self._connection = None
            with suppress(Exception):  # it is gone, which is what was wanted
                connection.close()


def _autocommits(connection: Any) -> bool:
    """Whether the driver says so, each in its own way."""
    if callable(get := getattr(connection, "get_autocommit", None)):  # PyMySQL, mysqlclient
        return bool(get())
    if hasattr(connection, "isolation_level") and hasattr(connection, "total_changes"):  # sqlite3
        return connection.isolation_level is None and not connection.in_transaction
    return getattr(connection, "autocommit", False) is True
