"""The inbox for SQLAlchemy, sync and async: its table, and recording in the transaction of a session."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from headwater.inbox import passing
from headwater.inbox.errors import AutocommitError, InboxError
from headwater.inbox.message_id import LONGEST, stored_id

try:
    from sqlalchemy import Column, Connection, DateTime, Index, String, Table, delete, func, insert, select
    from sqlalchemy.dialects import mysql, postgresql, sqlite
    from sqlalchemy.exc import IntegrityError
    from sqlalchemy.exc import TimeoutError as PoolTimeoutError
except ImportError as error:
    message = "headwater.inbox.sqlalchemy needs SQLAlchemy: pip install 'headwater[sqlalchemy]'"
    raise ImportError(message) from error

if TYPE_CHECKING:
    from sqlalchemy import MetaData
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, async_sessionmaker
    from sqlalchemy.orm import Session, scoped_session, sessionmaker

_COLUMNS = ("consumer", "message_id", "handled_at")


def inbox_table(metadata: MetaData, name: str = "inbox") -> Table:
    """The inbox table, added to `metadata`: `metadata.create_all` or Alembic creates it with the others."""
    ascii_text = mysql.VARCHAR(LONGEST, charset="ascii", collation="ascii_bin")
    text = String(LONGEST).with_variant(ascii_text, "mysql", "mariadb")
    time = DateTime().with_variant(postgresql.TIMESTAMP(timezone=True), "postgresql")
    time = time.with_variant(mysql.TIMESTAMP(), "mysql", "mariadb")
    return Table(
        name,
        metadata,
        Column("consumer", text, primary_key=True),
        Column("message_id", text, primary_key=True),
        Column("handled_at", time, nullable=False, server_default=func.current_timestamp()),
        Index(f"{name}_handled_at", "handled_at"),
    )


class _Statements:
    """What an inbox's table is asked, whatever the session."""

    def __init__(self, table: Table) -> None:
        if missing := [name for name in _COLUMNS if name not in table.c]:
            raise ValueError(f"table {table.name!r} can't be an inbox, it has no column {', '.join(missing)}")
        self.table = table
        self._insert = insert(table)
        self._insert_new = {
            "postgresql": postgresql.insert(table).on_conflict_do_nothing(),
            "sqlite": sqlite.insert(table).on_conflict_do_nothing(),
        }

    def record(self, connection: Connection, consumer: str, message_id: str) -> bool:
        if _autocommits(connection):
            raise AutocommitError
        row = {"consumer": stored_id(consumer), "message_id": stored_id(message_id)}
        if (insert_new := self._insert_new.get(connection.dialect.name)) is not None:
            return connection.execute(insert_new, row).rowcount == 1
        try:
            if connection.dialect.name in ("mysql", "mariadb"):  # a statement that fails undoes itself only
                connection.execute(self._insert, row)
            else:
                with connection.begin_nested():
                    connection.execute(self._insert, row)
        except IntegrityError:
            return False
        return True

    def prune(self, connection: Connection, older_than: timedelta) -> int:
        """By the server's clock, which is the one that wrote the times."""
        now = connection.scalar(select(func.current_timestamp()))
        if now is None:
            raise InboxError("the database doesn't say what time it is")
        if isinstance(now, str):  # SQLite
            now = datetime.fromisoformat(now)
        if connection.dialect.name != "postgresql" and now.tzinfo is not None:
            now = now.astimezone(UTC).replace(tzinfo=None)
        return connection.execute(delete(self.table).where(self.table.c.handled_at < now - older_than)).rowcount


class Inbox:
    """A `headwater.inbox.Inbox` in ``table``: `inbox_table`, or one with the same column names.

    ``sessions`` makes the sessions that a subscription's handler gets; for `record` alone none is needed.
    """

    def __init__(self, table: Table, sessions: sessionmaker[Session] | None = None) -> None:
        self._statements = _Statements(table)
        self._sessions = sessions

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """As `headwater.inbox.Inbox.transaction`."""
        if self._sessions is None:
            raise InboxError("this inbox was made without a sessionmaker, so it can begin no transaction")
        with self._sessions.begin() as session:
            yield session

    def record(self, session: Session | scoped_session[Any] | Connection, consumer: str, message_id: str) -> bool:
        """As `headwater.inbox.Inbox.record`, in the transaction that `session` is in (or begins now)."""
        return self._statements.record(_connection(session, self._statements), consumer, message_id)

    def is_passing(self, error: BaseException) -> bool:
        """As `headwater.inbox.Inbox.is_passing`."""
        return isinstance(error, PoolTimeoutError) or passing.is_passing(error)

    def prune(self, older_than: timedelta) -> int:
        """As `headwater.inbox.Inbox.prune`."""
        with self.transaction() as session:
            return self._statements.prune(_connection(session, self._statements), older_than)


class AsyncInbox:
    """A `headwater.inbox.AsyncInbox` in ``table``; as `Inbox`, for asyncio."""

    def __init__(self, table: Table, sessions: async_sessionmaker[AsyncSession] | None = None) -> None:
        self._statements = _Statements(table)
        self._sessions = sessions

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """As `headwater.inbox.Inbox.transaction`."""
        if self._sessions is None:
            raise InboxError("this inbox was made without an async_sessionmaker, so it can begin no transaction")
        async with self._sessions.begin() as session:
            yield session

    async def record(self, session: AsyncSession | AsyncConnection, consumer: str, message_id: str) -> bool:
        """As `headwater.inbox.Inbox.record`, in the transaction that `session` is in (or begins now)."""

        def record(session: Session | Connection) -> bool:
            return self._statements.record(_connection(session, self._statements), consumer, message_id)

        return await session.run_sync(record)

    def is_passing(self, error: BaseException) -> bool:
        """As `headwater.inbox.Inbox.is_passing`."""
        return isinstance(error, PoolTimeoutError) or passing.is_passing(error)

    async def prune(self, older_than: timedelta) -> int:
        """As `headwater.inbox.Inbox.prune`."""
        async with self.transaction() as session:
            return await session.run_sync(
                lambda sync: self._statements.prune(_connection(sync, self._statements), older_than)
            )


def _connection(session: Session | scoped_session[Any] | Connection, statements: _Statements) -> Connection:
    if isinstance(session, Connection):
        return session
    return session.connection(bind_arguments={"clause": statements.table})  # a session may have several binds


def _autocommits(connection: Connection) -> bool:
    dbapi_connection = connection.connection.dbapi_connection
    return dbapi_connection is not None and connection.dialect.detect_autocommit_setting(dbapi_connection)
