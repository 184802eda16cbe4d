"""Every library that has an inbox, with a handler that writes what it is given into a table ``handled``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from typing import Any

import pymysql
from pymongo.asynchronous.mongo_client import AsyncMongoClient
from pymongo.database import Database
from sqlalchemy import URL, Column, Integer, MetaData, String, Table, create_engine, insert
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import sessionmaker
from sqlalchemy.pool import NullPool

import headwater.inbox.dbapi
import headwater.inbox.pymongo
import headwater.inbox.sqlalchemy
from headwater.inbox import Message
from headwater.inbox.ddl import ddl

METADATA = MetaData()
INBOX = headwater.inbox.sqlalchemy.inbox_table(METADATA)
HANDLED = Table("handled", METADATA, Column("n", Integer, primary_key=True), Column("value", String(255)))


@dataclass(frozen=True)
class Library:
    """``write`` puts a value into ``handled``, ``handled`` reads what is committed there, in order."""

    inbox: Any
    write: Callable[[Any, str], Any]
    handled: Callable[[], list[str]]
    is_async: bool = False

    def handler(self, check: Callable[[Message], None] = lambda message: None) -> Any:
        """Writes a message's value, and then does what ``check`` does: raise, perhaps."""

        def handle(session: Any, message: Message) -> None:
            self.write(session, (message.value or b"").decode())
            check(message)

        async def handle_async(session: Any, message: Message) -> None:
            await self.write(session, (message.value or b"").decode())
            check(message)

        return handle_async if self.is_async else handle

    def record(self, consumer: str, message_id: str) -> bool:
        """Record an id in a transaction of its own."""

        async def record() -> bool:
            async with self.inbox.transaction() as session:
                return await self.inbox.record(session, consumer, message_id)

        if self.is_async:
            return asyncio.run(record())
        with self.inbox.transaction() as session:
            return self.inbox.record(session, consumer, message_id)

    def prune(self, older_than: Any) -> int:
        """What the inbox's own gives."""
        return asyncio.run(self.inbox.prune(older_than)) if self.is_async else self.inbox.prune(older_than)


@contextmanager
def sqlalchemy(database: URL) -> Iterator[Library]:
    engine = create_engine(database.set(drivername="mysql+pymysql"))
    METADATA.create_all(engine)
    yield Library(
        headwater.inbox.sqlalchemy.Inbox(INBOX, sessionmaker(engine)),
        lambda session, value: session.execute(insert(HANDLED).values(value=value)),
        lambda: _handled(database),
    )
    engine.dispose()


@contextmanager
def sqlalchemy_async(database: URL) -> Iterator[Library]:
    engine = create_async_engine(database.set(drivername="mysql+asyncmy"), poolclass=NullPool)
    with_sync = create_engine(database.set(drivername="mysql+pymysql"))
    METADATA.create_all(with_sync)
    with_sync.dispose()
    yield Library(
        headwater.inbox.sqlalchemy.AsyncInbox(INBOX, async_sessionmaker(engine)),
        lambda session, value: session.execute(insert(HANDLED).values(value=value)),
        lambda: _handled(database),
        is_async=True,
    )


@contextmanager
def dbapi(database: URL) -> Iterator[Library]:
    _make(database)

    def write(connection: Any, value: str) -> None:
        with closing(connection.cursor()) as cursor:
            cursor.execute("INSERT INTO handled (value) VALUES (%s)", (value,))

    with closing(headwater.inbox.dbapi.Inbox("mysql", lambda: connect(database))) as inbox:
        yield Library(inbox, write, lambda: _handled(database))


@contextmanager
def mongodb(database: Database[dict[str, Any]]) -> Iterator[Library]:
    database.create_collection("handled")
    database.create_collection("inbox")
    yield Library(
        headwater.inbox.pymongo.Inbox(database.inbox),
        lambda session, value: database.handled.insert_one({"value": value}, session=session),
        lambda: [document["value"] for document in database.handled.find().sort("_id")],
    )


@contextmanager
def mongodb_async(database: Database[dict[str, Any]], url: str) -> Iterator[Library]:
    database.create_collection("handled")
    database.create_collection("inbox")
    yield Library(
        InboxOfManyLoops(url, database.name),
        lambda session, value: session.client[database.name].handled.insert_one({"value": value}, session=session),
        lambda: [document["value"] for document in database.handled.find().sort("_id")],
        is_async=True,
    )


class InboxOfManyLoops:
    """An inbox with a client for each transaction: a client belongs to one event loop, of which a test has several."""

    def __init__(self, url: str, database: str) -> None:
        self._url = url
        self._database = database

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[headwater.inbox.pymongo.AsyncInbox]:
        async with AsyncMongoClient(self._url) as client:
            yield headwater.inbox.pymongo.AsyncInbox(client[self._database].inbox)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        async with self._opened() as inbox, inbox.transaction() as session:
            yield session

    async def record(self, session: Any, consumer: str, message_id: str) -> bool:
        inbox = headwater.inbox.pymongo.AsyncInbox(session.client[self._database].inbox)
        return await inbox.record(session, consumer, message_id)

    async def prune(self, older_than: Any) -> int:
        async with self._opened() as inbox:
            return await inbox.prune(older_than)

    def is_passing(self, error: BaseException) -> bool:
        return headwater.inbox.pymongo.is_passing(error)


def connect(database: URL) -> pymysql.Connection[Any]:
    return pymysql.connect(
        host=database.host,
        port=database.port or 3306,
        user=database.username,
        password=database.password or "",
        database=database.database,
    )


def _make(database: URL) -> None:
    with connect(database) as connection, connection.cursor() as cursor:
        for statement in ddl("mysql"):
            cursor.execute(statement)
        cursor.execute("CREATE TABLE handled (n INT AUTO_INCREMENT PRIMARY KEY, value VARCHAR(255))")


def _handled(database: URL) -> list[str]:
    with connect(database) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT value FROM handled ORDER BY n")
        return [value for (value,) in cursor.fetchall()]
