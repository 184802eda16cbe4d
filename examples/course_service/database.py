"""The service's tables, and sessions on them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import URL
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from headwater.outbox.sqlalchemy import outbox_table


class Base(DeclarativeBase):
    """What the service stores is declared on this."""


OUTBOX_TABLE = outbox_table(Base.metadata)


@asynccontextmanager
async def open_database(url: URL) -> AsyncIterator[async_sessionmaker[AsyncSession]]:
    """Create what tables are missing and yield a maker of sessions, until the service ends."""
    engine = create_async_engine(url.set(drivername="mysql+asyncmy"))
    try:
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        yield async_sessionmaker(engine, expire_on_commit=False)
    finally:
        await engine.dispose()
