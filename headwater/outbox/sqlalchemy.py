"""The outbox for SQLAlchemy: its table, and publishing in the caller's own transaction, sync and async."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from headwater.outbox.errors import AutocommitError
from headwater.outbox.row import DEFAULT_MAX_PAYLOAD_BYTES, Limits, OutboxRow, row_of

try:
    from sqlalchemy import (
        CHAR,
        JSON,
        TIMESTAMP,
        Column,
        Connection,
        String,
        Table,
        bindparam,
        delete,
        func,
        insert,
    )
    from sqlalchemy.types import TypeDecorator
except ImportError as error:
    message = "headwater.outbox.sqlalchemy needs SQLAlchemy: pip install 'headwater[sqlalchemy]'"
    raise ImportError(message) from error

if TYPE_CHECKING:
    import uuid

    from sqlalchemy import Dialect, MetaData
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
    from sqlalchemy.orm import Session, scoped_session
    from sqlalchemy.types import TypeEngine

    from headwater.outbox.event import Outboxable


def outbox_table(metadata: MetaData, name: str = "outbox") -> Table:
    """The outbox table, added to `metadata`: `metadata.create_all` or Alembic creates it with the others."""
    return Table(
        name,
        metadata,
        Column("id", CHAR(36), primary_key=True),
        Column("aggregate_type", String(255), nullable=False),
        Column("aggregate_id", String(255), nullable=False),
        Column("type", String(255), nullable=False),
        Column("payload", JSON, nullable=False),
        Column("timestamp", TIMESTAMP, nullable=False, server_default=func.current_timestamp()),
    )


class Outbox:
    """Publishes events through an outbox table: `outbox_table`, or one with the same column names.

    An event's INSERT is followed at once by its DELETE. When the transaction commits, both are in the
    database's log; when it rolls back, neither is. The table itself stays empty: the log is the queue.
    """

    def __init__(self, table: Table, *, max_payload_bytes: int = DEFAULT_MAX_PAYLOAD_BYTES) -> None:
        columns = [field.name for field in dataclasses.fields(OutboxRow)]
        missing = [name for name in columns if name not in table.c]
        if missing:
            raise ValueError(f"table {table.name!r} can't be an outbox, it has no column {', '.join(missing)}")
        self._limits = Limits(
            aggregate_type=_length(table.c.aggregate_type),
            aggregate_id=_length(table.c.aggregate_id),
            type=_length(table.c.type),
            payload_bytes=max_payload_bytes,
        )
        values = {name: bindparam(name, type_=_bind_type(table.c[name])) for name in columns}
        self._insert = insert(table).values(values)
        self._delete = delete(table).where(table.c.id == bindparam("id"))

    def publish(self, session: Session | scoped_session[Any] | Connection, event: Outboxable) -> uuid.UUID:
        """Publish `event` in the transaction that `session` is in (or begins now). Returns the event's id.

        Raises an OutboxError before anything is written: InvalidFieldError, PayloadNotSerializableError,
        PayloadTooLargeError or AutocommitError.
        """
        row = row_of(event, self._limits)
        connection = self._connection(session)
        if _autocommits(connection):
            raise AutocommitError
        connection.execute(self._insert, dataclasses.asdict(row) | {"id": str(row.id)})
        connection.execute(self._delete, {"id": str(row.id)})
        return row.id

    async def publish_async(self, session: AsyncSession | AsyncConnection, event: Outboxable) -> uuid.UUID:
        """Like `publish`, for asyncio."""
        return await session.run_sync(self.publish, event)

    def _connection(self, session: Session | scoped_session[Any] | Connection) -> Connection:
        if isinstance(session, Connection):
            return session
        return session.connection(bind_arguments={"clause": self._insert})  # a session may have several binds


def _autocommits(connection: Connection) -> bool:
    dbapi_connection = connection.connection.dbapi_connection
    return dbapi_connection is not None and connection.dialect.detect_autocommit_setting(dbapi_connection)


def _length(column: Column[Any]) -> int | None:
    return column.type.length if isinstance(column.type, String) else None


def _bind_type(column: Column[Any]) -> TypeEngine[Any]:
    return _JSONText() if isinstance(column.type, JSON) else column.type


class _JSONText(TypeDecorator[str]):
    """The dialect's JSON, from text that is JSON already: what was measured is what is stored."""

    impl = JSON
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> None:
        """Do nothing to the text: the dialect would encode it a second time."""
