"""The outbox for SQLAlchemy: its table, and publishing in the caller's own transaction, sync and async."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from headwater.outbox import notification
from headwater.outbox.errors import AutocommitError
from headwater.outbox.row import COLUMNS, DEFAULT_MAX_PAYLOAD_BYTES, REQUIRED_COLUMNS, Limits, row_of
from headwater.outbox.table import Delivery, Status
from headwater.outbox.trace_context import LONGEST

try:
    from sqlalchemy import (
        CHAR,
        DDL,
        JSON,
        TIMESTAMP,
        BigInteger,
        Column,
        Connection,
        Identity,
        Index,
        Integer,
        String,
        Table,
        Text,
        bindparam,
        delete,
        event,
        func,
        insert,
        text,
    )
    from sqlalchemy.dialects import mysql
    from sqlalchemy.types import TypeDecorator
except ImportError as error:
    message = "headwater.outbox.sqlalchemy needs SQLAlchemy: pip install 'headwater[sqlalchemy]'"
    raise ImportError(message) from error

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping

    from sqlalchemy import Dialect, MetaData
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
    from sqlalchemy.orm import Session, scoped_session
    from sqlalchemy.types import TypeEngine

    from headwater.outbox.event import Publishable

_JSON = JSON().with_variant(Text(), "sqlite")  # SQLite gives a column of type JSON the affinity of numbers


def outbox_table(
    metadata: MetaData, name: str = "outbox", *, delivery: Delivery | str = Delivery.LOG, schema: str | None = None
) -> Table:
    """The outbox table, added to `metadata`: `metadata.create_all` or Alembic creates it with the others.

    With ``delivery="relay"`` it also has the columns and indexes that `headwater relay` works with, and in
    PostgreSQL a trigger that tells it of new rows.
    """
    for_relay = Delivery(delivery) is Delivery.RELAY
    table = Table(
        name,
        metadata,
        *([_position()] if for_relay else []),
        Column("id", CHAR(36), primary_key=not for_relay, unique=for_relay or None, nullable=False),
        Column("aggregate_type", _exact() if for_relay else String(255), nullable=False),
        Column("aggregate_id", _exact() if for_relay else String(255), nullable=False),
        Column("type", String(255), nullable=False),
        Column("payload", _JSON, nullable=False),
        Column("headers", _JSON),
        *(Column(name, String(length)) for name, length in LONGEST.items()),
        Column("timestamp", TIMESTAMP(timezone=True), nullable=False, server_default=func.current_timestamp()),
        *(_state() if for_relay else []),
        schema=schema,
        sqlite_autoincrement=for_relay,
    )
    if for_relay:
        _add_indexes(table)
        for statement in notification.create_statements(name, schema):
            escaped = statement.replace("%", "%%")
            for_postgresql = DDL(escaped).execute_if(dialect="postgresql")  # type: ignore[no-untyped-call]
            event.listen(table, "after_create", for_postgresql)
    return table


def _position() -> Column[int]:
    # SQLite numbers rows by itself only in a column of exactly this type.
    kind = BigInteger().with_variant(Integer(), "sqlite")
    return Column("position", kind, Identity(), primary_key=True, autoincrement=True)


def _exact() -> String:
    """Text that the relay compares: two aggregates that differ only in case or accents are two."""
    return String(255).with_variant(mysql.VARCHAR(255, collation="utf8mb4_bin"), "mysql", "mariadb")


def _state() -> list[Column[Any]]:
    return [
        Column("status", String(9), nullable=False, server_default=Status.STARTED),
        Column("attempts", Integer, nullable=False, server_default=text("0")),
        Column("reason", Text),
        Column("lease_owner", CHAR(36)),
        Column("lease_until", BigInteger),
    ]


def _add_indexes(table: Table) -> None:
    """By position for those that are to be delivered; by aggregate for what stands before a row."""
    partial = text(f"status <> '{Status.COMPLETED}'")  # delivered rows leave the indexes, where a database can
    for name, columns in (("status", ("status", "position")), ("aggregate", ("aggregate_type", "aggregate_id"))):
        further = ("status", "position") if name == "aggregate" else ()
        Index(
            f"ix_{table.name}_{name}",
            *(table.c[column] for column in (*columns, *further)),
            postgresql_where=partial,
            sqlite_where=partial,
        )


class Outbox:
    """Publishes events through an outbox table: `outbox_table`, or one with the same column names.

    In a table with a column ``status``, rows stay for the relay. In any other, an event's INSERT is followed at
    once by its DELETE: when the transaction commits, both are in the database's log; when it rolls back, neither
    is. The table itself stays empty: the log is the queue.
    """

    def __init__(self, table: Table, *, max_payload_bytes: int = DEFAULT_MAX_PAYLOAD_BYTES) -> None:
        missing = [name for name in REQUIRED_COLUMNS if name not in table.c]
        if missing:
            raise ValueError(f"table {table.name!r} can't be an outbox, it has no column {', '.join(missing)}")
        self._limits = Limits(
            aggregate_type=_length(table.c.aggregate_type),
            aggregate_id=_length(table.c.aggregate_id),
            type=_length(table.c.type),
            payload_bytes=max_payload_bytes,
            headers="headers" in table.c,
        )
        self._columns = [name for name in COLUMNS if name in table.c]
        values = {name: bindparam(name, type_=_bind_type(table.c[name])) for name in self._columns}
        self._insert = insert(table).values(values)
        self._delete = None if "status" in table.c else delete(table).where(table.c.id == bindparam("id"))

    def publish(
        self,
        session: Session | scoped_session[Any] | Connection,
        event: Publishable,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> uuid.UUID:
        """Publish `event` in the transaction that `session` is in (or begins now). Returns the event's id.

        Raises an OutboxError before anything is written: InvalidFieldError, PayloadNotSerializableError,
        PayloadTooLargeError or AutocommitError.
        """
        row = row_of(event, self._limits, headers)
        connection = self._connection(session)
        if _autocommits(connection):
            raise AutocommitError
        values = dataclasses.asdict(row) | {"id": str(row.id)}
        connection.execute(self._insert, {name: values[name] for name in self._columns})
        if self._delete is not None:
            connection.execute(self._delete, {"id": str(row.id)})
        return row.id

    async def publish_async(
        self, session: AsyncSession | AsyncConnection, event: Publishable, *, headers: Mapping[str, str] | None = None
    ) -> uuid.UUID:
        """Like `publish`, for asyncio."""

        def publish(session: Session | Connection) -> uuid.UUID:
            return self.publish(session, event, headers=headers)

        return await session.run_sync(publish)

    def _connection(self, session: Session | scoped_session[Any] | Connection) -> Connection:
        if isinstance(session, Connection):
            return session
        return session.connection(bind_arguments={"clause": self._insert})  # a session may have several binds


class AsyncOutbox:
    """`Outbox` for SQLAlchemy's asyncio API, with the same methods as PyMongo's."""

    def __init__(self, table: Table, *, max_payload_bytes: int = DEFAULT_MAX_PAYLOAD_BYTES) -> None:
        self._outbox = Outbox(table, max_payload_bytes=max_payload_bytes)

    async def publish(
        self, session: AsyncSession | AsyncConnection, event: Publishable, *, headers: Mapping[str, str] | None = None
    ) -> uuid.UUID:
        """As `Outbox.publish`."""
        return await self._outbox.publish_async(session, event, headers=headers)


def _autocommits(connection: Connection) -> bool:
    dbapi_connection = connection.connection.dbapi_connection
    return dbapi_connection is not None and connection.dialect.detect_autocommit_setting(dbapi_connection)


def _length(column: Column[Any]) -> int | None:
    return column.type.length if isinstance(column.type, String) else None


def _bind_type(column: Column[Any]) -> TypeEngine[Any]:
    return _JSONText() if isinstance(column.type, JSON) else column.type


class _JSONText(TypeDecorator[str]):
    """The dialect's JSON, from text that is JSON already: what was measured is what is stored."""

    impl = JSON(none_as_null=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Text where that is what the column is."""
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else self.impl)

    def bind_processor(self, dialect: Dialect) -> None:
        """Do nothing to the text: the dialect would encode it a second time."""
