"""Sagas in a table, for SQLAlchemy, sync and async."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from headwater.saga.errors import SagaConflictError, SagaExistsError
from headwater.saga.instance import Entry, Instance, Phase, Status

try:
    from sqlalchemy import (
        JSON,
        Column,
        Connection,
        DateTime,
        Index,
        Integer,
        PrimaryKeyConstraint,
        String,
        Table,
        insert,
        select,
        update,
    )
    from sqlalchemy.dialects import mysql, postgresql
    from sqlalchemy.exc import IntegrityError
    from sqlalchemy.types import TypeDecorator
except ImportError as error:
    message = "headwater.saga.sqlalchemy needs SQLAlchemy: pip install 'headwater[sqlalchemy]'"
    raise ImportError(message) from error

if TYPE_CHECKING:
    from sqlalchemy import Dialect, MetaData
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
    from sqlalchemy.orm import Session, scoped_session
    from sqlalchemy.types import TypeEngine

    AnySession = Session | scoped_session[Any] | Connection

T = TypeVar("T")
LONGEST = 255
"""Characters of a saga's id and of names."""


class _Utc(TypeDecorator[datetime]):
    """A time in UTC, to the millisecond, whatever the server's time zone."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name in ("mysql", "mariadb"):
            return dialect.type_descriptor(mysql.DATETIME(fsp=3))
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.TIMESTAMP(timezone=True, precision=3))
        return dialect.type_descriptor(DateTime())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None or dialect.name == "postgresql":
            return value
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return value if value is None or value.tzinfo is not None else value.replace(tzinfo=UTC)


def saga_table(metadata: MetaData, name: str = "saga", *, schema: str | None = None) -> Table:
    """The table for sagas, added to `metadata`: `metadata.create_all` or Alembic creates it with the others."""
    exact = mysql.VARCHAR(LONGEST, charset="utf8mb4", collation="utf8mb4_bin")
    text = String(LONGEST).with_variant(exact, "mysql", "mariadb")
    return Table(
        name,
        metadata,
        Column("saga", text),
        Column("id", text),
        Column("status", String(16), nullable=False),
        Column("step", text),
        Column("phase", String(16), nullable=False),
        Column("attempts", Integer, nullable=False),
        Column("retries", Integer, nullable=False),
        Column("deadline", _Utc),
        Column("reason", String(1000)),
        Column("data", JSON, nullable=False),
        Column("history", JSON, nullable=False),
        Column("started_at", _Utc, nullable=False),
        Column("updated_at", _Utc, nullable=False),
        Column("version", Integer, nullable=False),
        PrimaryKeyConstraint("id", "saga"),  # an id is asked for without a name too
        Index(f"{name}_deadline", "saga", "deadline"),
        Index(f"{name}_updated_at", "updated_at"),
        schema=schema,
    )


class SagaStore:
    """A `headwater.saga.store.SagaStore` in ``table``: `saga_table`, or one with the same column names."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def insert(self, session: AnySession, instance: Instance) -> None:
        """As `headwater.saga.store.SagaStore.insert`."""
        connection = _connection(session, self._table)
        try:
            with connection.begin_nested():
                connection.execute(insert(self._table), _row(instance) | {"saga": instance.saga, "id": instance.id})
        except IntegrityError as error:
            raise SagaExistsError(instance.saga, instance.id) from error

    def load(self, session: AnySession, saga: str, saga_id: str) -> Instance | None:
        """As `headwater.saga.store.SagaStore.load`."""
        connection = _connection(session, self._table)
        query = select(self._table).where(self._table.c.saga == saga, self._table.c.id == saga_id).with_for_update()
        row = connection.execute(query).mappings().one_or_none()
        return None if row is None else _instance(row)

    def save(self, session: AnySession, instance: Instance) -> None:
        """As `headwater.saga.store.SagaStore.save`."""
        table = self._table
        this = (table.c.saga == instance.saga) & (table.c.id == instance.id) & (table.c.version == instance.version)
        instance.version += 1
        changed = _connection(session, table).execute(update(table).where(this).values(_row(instance)))
        if changed.rowcount != 1:
            raise SagaConflictError(instance.saga, instance.id)

    def overdue(self, session: AnySession, saga: str, now: datetime, limit: int, skip: int = 0) -> Sequence[str]:
        """As `headwater.saga.store.SagaStore.overdue`."""
        table = self._table
        query = select(table.c.id).where(table.c.saga == saga, table.c.deadline <= now)
        query = query.order_by(table.c.deadline, table.c.id).limit(limit).offset(skip)
        return _connection(session, table).scalars(query).all()

    def find(
        self,
        session: AnySession,
        *,
        saga: str | None = None,
        saga_id: str | None = None,
        status: Status | None = None,
        limit: int = 100,
    ) -> Sequence[Instance]:
        """As `headwater.saga.store.SagaStore.find`."""
        table = self._table
        query = select(table).order_by(table.c.updated_at.desc()).limit(limit)
        wanted = {"saga": saga, "id": saga_id, "status": status and status.value}
        query = query.filter_by(**{name: value for name, value in wanted.items() if value is not None})
        return [_instance(row) for row in _connection(session, table).execute(query).mappings()]


class AsyncSagaStore:
    """A `headwater.saga.store.AsyncSagaStore`; as `SagaStore`, for asyncio."""

    def __init__(self, table: Table) -> None:
        self._store = SagaStore(table)

    async def insert(self, session: AsyncSession | AsyncConnection, instance: Instance) -> None:
        """As `headwater.saga.store.SagaStore.insert`."""
        await _in(session, lambda sync: self._store.insert(sync, instance))

    async def load(self, session: AsyncSession | AsyncConnection, saga: str, saga_id: str) -> Instance | None:
        """As `headwater.saga.store.SagaStore.load`."""
        return await _in(session, lambda sync: self._store.load(sync, saga, saga_id))

    async def save(self, session: AsyncSession | AsyncConnection, instance: Instance) -> None:
        """As `headwater.saga.store.SagaStore.save`."""
        await _in(session, lambda sync: self._store.save(sync, instance))

    async def overdue(
        self, session: AsyncSession | AsyncConnection, saga: str, now: datetime, limit: int, skip: int = 0
    ) -> Sequence[str]:
        """As `headwater.saga.store.SagaStore.overdue`."""
        return await _in(session, lambda sync: self._store.overdue(sync, saga, now, limit, skip))

    async def find(
        self,
        session: AsyncSession | AsyncConnection,
        *,
        saga: str | None = None,
        saga_id: str | None = None,
        status: Status | None = None,
        limit: int = 100,
    ) -> Sequence[Instance]:
        """As `headwater.saga.store.SagaStore.find`."""
        return await _in(
            session, lambda sync: self._store.find(sync, saga=saga, saga_id=saga_id, status=status, limit=limit)
        )


async def _in(session: AsyncSession | AsyncConnection, call: Callable[[Session | Connection], T]) -> T:
    return await session.run_sync(call)


def _connection(session: AnySession, table: Table) -> Connection:
    if isinstance(session, Connection):
        return session
    return session.connection(bind_arguments={"clause": table})  # a session may have several binds


def _row(instance: Instance) -> dict[str, Any]:
    return {
        "status": instance.status.value,
        "step": instance.step,
        "phase": instance.phase.value,
        "attempts": instance.attempts,
        "retries": instance.retries,
        "deadline": instance.deadline,
        "reason": None if instance.reason is None else instance.reason[:1000],
        "data": instance.data,
        "history": [entry.as_json() for entry in instance.history],
        "started_at": instance.started_at,
        "updated_at": instance.updated_at,
        "version": instance.version,
    }


def _instance(row: Mapping[Any, Any]) -> Instance:
    return Instance(
        saga=row["saga"],
        id=row["id"],
        status=Status(row["status"]),
        step=row["step"],
        phase=Phase(row["phase"]),
        attempts=row["attempts"],
        retries=row["retries"],
        deadline=row["deadline"],
        reason=row["reason"],
        data=row["data"],
        history=[Entry.from_json(entry) for entry in row["history"]],
        started_at=row["started_at"],
        updated_at=row["updated_at"],
        version=row["version"],
    )
