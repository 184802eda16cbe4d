"""The service's tables, and sessions on them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import URL, Connection, event
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from headwater.outbox.sqlalchemy import outbox_table

DRIVERS = {"mysql": "mysql+asyncmy", "sqlite": "sqlite+aiosqlite"}
"""The databases that the service runs on, by the beginning of their URLs."""


class Base(DeclarativeBase):
    """What the service stores is declared on this."""


OUTBOX_TABLE = outbox_table(Base.metadata)


@asynccontextmanager
async def open_database(url: URL) -> AsyncIterator[async_sessionmaker[AsyncSession]]:
    """Create what tables are missing and yield a maker of sessions, until the service ends."""
    backend = url.get_backend_name()
    engine = create_async_engine(url.set(drivername=DRIVERS[backend]))
    if backend == "sqlite":
        _lock_at_the_beginning(engine)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        yield async_sessionmaker(engine, expire_on_commit=False)
    finally:
        await engine.dispose()


def _lock_at_the_beginning(engine: AsyncEngine) -> None:
    """SQLite has no SELECT FOR UPDATE: a transaction takes the one lock there is when it begins."""

    @event.listens_for(engine.sync_engine, "connect")
    def write_ahead(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA journal_mode = WAL")  # readers, the connector among them, wait for no writer
        connection.execute("PRAGMA busy_timeout = 30000")

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
