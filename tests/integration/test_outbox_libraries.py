"""Every library on every database: what a service publishes is what a relay finds, or nothing after a rollback."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import django
import psycopg
import pymongo
import pymysql
import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from bson import ObjectId
from django.conf import settings
from django.core.management import call_command
from django.db import connections, transaction
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.client_session import ClientSession
from pymongo.database import Database
from sqlalchemy import URL, MetaData, create_engine, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

import headwater.outbox.alembic  # noqa: F401 - registers the operations
from headwater.outbox import AutocommitError, Event, dbapi, mongodb
from headwater.outbox import sqlalchemy as with_sqlalchemy
from headwater.outbox.ddl import statements
from headwater.outbox.table import Delivery, Status
from headwater.relay.queue import Aggregate
from headwater.relay.queues import open_queue
from tests.sql_databases import KINDS, new_database, plain

EVENTS = [
    Event("Order", "1", "OrderPlaced", {"total": 12, "name": "가나 🎓", "none": None}),
    Event("Order", "2", "OrderPlaced", {"total": 1.5}),
]
HEADERS = {"tenant": "a", "traceparent": "00-1-2-01"}
ASYNC_DRIVERS = {
    "mysql": "mysql+asyncmy",
    "mariadb": "mariadb+asyncmy",
    "postgresql": "postgresql+psycopg_async",
    "sqlite": "sqlite+aiosqlite",
}

# Each publishes in one transaction, which it then commits or rolls back.
Publish = Callable[[URL, Delivery, bool], list[str]]


class UndoneError(Exception):
    """What a transaction is rolled back with."""


def by_session(url: URL, delivery: Delivery, commit: bool) -> list[str]:
    outbox = with_sqlalchemy.Outbox(with_sqlalchemy.outbox_table(MetaData(), delivery=delivery))
    engine = create_engine(url)
    with Session(engine) as session:
        ids = [str(outbox.publish(session, event, headers=HEADERS)) for event in EVENTS]
        session.commit() if commit else session.rollback()
    engine.dispose()
    return ids


def by_async_session(url: URL, delivery: Delivery, commit: bool) -> list[str]:
    outbox = with_sqlalchemy.Outbox(with_sqlalchemy.outbox_table(MetaData(), delivery=delivery))

    async def publish() -> list[str]:
        engine = create_async_engine(url.set(drivername=ASYNC_DRIVERS[url.get_backend_name()]))
        async with AsyncSession(engine) as session:
            ids = [str(await outbox.publish_async(session, event, headers=HEADERS)) for event in EVENTS]
            await (session.commit() if commit else session.rollback())
        await engine.dispose()
        return ids

    return asyncio.run(publish())


def by_cursor(url: URL, delivery: Delivery, commit: bool) -> list[str]:
    module, connection = connect(url)
    outbox = dbapi.Outbox(module, delivery=delivery)
    cursor = connection.cursor()
    ids = [str(outbox.publish(cursor, event, headers=HEADERS)) for event in EVENTS]
    connection.commit() if commit else connection.rollback()
    connection.close()
    return ids


def connect(url: URL) -> tuple[Any, Any]:
    """(module, connection) of the database's driver."""
    match url.get_backend_name():
        case "sqlite":
            return sqlite3, sqlite3.connect(str(url.database))
        case "postgresql":
            return psycopg, psycopg.connect(plain(url))
    address = {"host": url.host, "port": url.port, "user": url.username, "password": url.password}
    return pymysql, pymysql.connect(**address, database=url.database)


def by_django(url: URL, delivery: Delivery, commit: bool) -> list[str]:
    from headwater.outbox.django.publishing import Outbox

    alias = use_django(url)
    outbox = Outbox(delivery=delivery, using=alias)
    try:
        with transaction.atomic(using=alias):
            ids = [str(outbox.publish(event, headers=HEADERS)) for event in EVENTS]
            if not commit:
                raise UndoneError
    except UndoneError:
        pass
    finally:
        connections[alias].close()
    return ids


def use_django(url: URL) -> str:
    """Django on the database; the name that it has there."""
    if not settings.configured:
        pymysql.install_as_MySQLdb()
        settings.configure(INSTALLED_APPS=["headwater.outbox.django"], DATABASES={"default": {}}, USE_TZ=True)
        django.setup()
    backend = {"sqlite": "sqlite3", "mariadb": "mysql"}.get(url.get_backend_name(), url.get_backend_name())
    alias = str(url.database)
    connections.databases[alias] = connections.databases["default"] | {
        "ENGINE": f"django.db.backends.{backend}",
        "NAME": url.database,
        "USER": url.username,
        "PASSWORD": url.password,
        "HOST": url.host,
        "PORT": str(url.port or ""),
    }
    return alias


# Each makes the table for a relay.
Make = Callable[[URL], None]


def made_by_sqlalchemy(url: URL) -> None:
    engine = create_engine(url)
    with_sqlalchemy.outbox_table(metadata := MetaData(), delivery="relay")
    metadata.create_all(engine)
    engine.dispose()


def made_by_command(url: URL) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in statements(url.get_backend_name(), "outbox", Delivery.RELAY):
            connection.exec_driver_sql(statement)
    engine.dispose()


def made_by_alembic(url: URL) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        operations: Any = Operations(MigrationContext.configure(connection))
        operations.create_outbox(delivery="relay")
        operations.drop_outbox()
        operations.create_outbox(delivery="relay")
    engine.dispose()


def made_by_django(url: URL) -> None:
    alias = use_django(url)
    call_command("migrate", "headwater_outbox", database=alias, verbosity=0)
    call_command("migrate", "headwater_outbox", "zero", database=alias, verbosity=0)
    call_command("migrate", "headwater_outbox", database=alias, verbosity=0)
    connections[alias].close()


LIBRARIES = [
    pytest.param(made_by_sqlalchemy, by_session, id="SQLAlchemy"),
    pytest.param(made_by_alembic, by_async_session, id="SQLAlchemy in asyncio, Alembic"),
    pytest.param(made_by_command, by_cursor, id="DB-API"),
    pytest.param(made_by_django, by_django, id="Django"),
]


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[URL]:
    with new_database(request.param, tmp_path) as made:
        yield made


@pytest.mark.parametrize(("make", "publish"), LIBRARIES)
def test_a_relay_finds_what_was_published(url: URL, make: Make, publish: Publish) -> None:
    make(url)
    publish(url, Delivery.RELAY, False)
    ids = publish(url, Delivery.RELAY, True)
    with closing(open_queue(plain(url), "outbox")) as queue:
        queue.check()
        claim = queue.claim(10, 30.0, hold=True)
        assert claim is not None
        assert [event.id for event in claim.events] == ids
        first, second = claim.events
        assert (first.aggregate, first.type, first.headers) == (Aggregate("Order", "1"), "OrderPlaced", HEADERS)
        assert json.loads(first.payload) == EVENTS[0].payload
        assert (second.aggregate, second.attempts) == (Aggregate("Order", "2"), 0)
        assert queue.claim(10, 30.0, hold=True) is None
        queue.settle(claim, claim.events, [])
        assert queue.prune(Status.COMPLETED, -5.0, 10) == 2


@pytest.mark.parametrize(("make", "publish"), LIBRARIES)
def test_for_the_log_no_row_stays(url: URL, make: Make, publish: Publish) -> None:
    make(url)
    publish(url, Delivery.LOG, True)
    engine = create_engine(url)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM outbox")) == 0
    engine.dispose()


def test_without_a_transaction_a_cursor_is_refused(url: URL) -> None:
    made_by_command(url)
    module, connection = connect(url)
    match url.get_backend_name():
        case "sqlite":
            connection.isolation_level = None
        case "postgresql":
            connection.autocommit = True
        case _:
            connection.autocommit(True)
    outbox = dbapi.Outbox(module, delivery="relay")
    cursor = connection.cursor()
    with pytest.raises(AutocommitError, match="publish in a transaction"):
        outbox.publish(cursor, EVENTS[0])
    cursor.execute("BEGIN")
    outbox.publish(cursor, EVENTS[0])
    connection.rollback()
    cursor.execute("SELECT count(*) FROM outbox")
    assert cursor.fetchone()[0] == 0
    connection.close()


def test_psycopg_publishes_in_asyncio(tmp_path: Path) -> None:
    async def publish(url: URL) -> None:
        outbox = dbapi.Outbox(psycopg, delivery="relay")
        async with await psycopg.AsyncConnection.connect(plain(url)) as connection, connection.cursor() as cursor:
            await outbox.publish_async(cursor, EVENTS[0])

    with new_database("postgresql", tmp_path) as url:
        made_by_command(url)
        asyncio.run(publish(url))
        with closing(open_queue(plain(url), "outbox")) as queue:
            claim = queue.claim(10, 30.0, hold=True)
        assert claim is not None
        assert len(claim.events) == 1


def test_outside_of_atomic_django_is_refused(tmp_path: Path) -> None:
    with new_database("sqlite", tmp_path) as url:
        made_by_django(url)
        from headwater.outbox.django.publishing import Outbox

        alias = use_django(url)
        with pytest.raises(AutocommitError, match="outside of transaction"):
            Outbox(delivery="relay", using=alias).publish(EVENTS[0])
        connections[alias].close()


@pytest.mark.parametrize("name", ["outbox; DROP TABLE orders", "a.b.c", ""])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="can't be a table's name"):
        dbapi.Outbox(sqlite3, name)


# MongoDB: (database, delivery, commit) -> ids
MongoPublish = Callable[[Database[dict[str, Any]], Delivery, bool], list[ObjectId]]


def by_pymongo(database: Database[dict[str, Any]], delivery: Delivery, commit: bool) -> list[ObjectId]:
    outbox = mongodb.Outbox(database["outbox"], delivery=delivery)

    def publish(session: ClientSession) -> list[ObjectId]:
        ids = [outbox.publish(session, event, headers=HEADERS) for event in EVENTS]
        if not commit:
            raise UndoneError
        return ids

    with database.client.start_session() as session:
        try:
            return session.with_transaction(publish)
        except UndoneError:
            return []


def by_async_pymongo(database: Database[dict[str, Any]], delivery: Delivery, commit: bool) -> list[ObjectId]:
    async def transact() -> list[ObjectId]:
        async with pymongo.AsyncMongoClient(os.environ["MONGODB_URL"]) as client:
            outbox = mongodb.AsyncOutbox(client[database.name]["outbox"], delivery=delivery)

            async def publish(session: AsyncClientSession) -> list[ObjectId]:
                ids = [await outbox.publish(session, event, headers=HEADERS) for event in EVENTS]
                if not commit:
                    raise UndoneError
                return ids

            async with client.start_session() as session:
                try:
                    return await session.with_transaction(publish)
                except UndoneError:
                    return []

    return asyncio.run(transact())


mongo_libraries = pytest.mark.parametrize("publish", [by_pymongo, by_async_pymongo])


@mongo_libraries
def test_a_relay_finds_what_was_published_in_mongodb(
    mongodb_url: str, mongodb_database: Database[dict[str, Any]], publish: MongoPublish
) -> None:
    mongodb.create_outbox(mongodb_database["outbox"], delivery="relay")
    publish(mongodb_database, Delivery.RELAY, False)
    ids = publish(mongodb_database, Delivery.RELAY, True)
    url = mongodb_url.replace("/?", f"/{mongodb_database.name}?authSource=admin&")
    with closing(open_queue(url, "outbox")) as queue:
        queue.check()
        claim = queue.claim(10, 30.0, hold=True)
        assert claim is not None
        assert [event.id for event in claim.events] == [str(each) for each in ids]
        assert claim.events[0].payload == '{"total": 12, "name": "가나 🎓", "none": null}'
        assert claim.events[0].headers == HEADERS
        assert queue.claim(10, 30.0, hold=True) is None
        queue.settle(claim, claim.events, [])
        assert queue.prune(Status.COMPLETED, -5.0, 10) == 2


@mongo_libraries
def test_for_the_change_stream_each_event_is_inserted_and_deleted(
    mongodb_database: Database[dict[str, Any]], publish: MongoPublish
) -> None:
    collection = mongodb_database["outbox"]
    mongodb.create_outbox(collection)
    with collection.watch() as stream:
        publish(mongodb_database, Delivery.LOG, False)
        ids = publish(mongodb_database, Delivery.LOG, True)
        changes = [stream.next() for _ in range(4)]
    assert [(each["operationType"], each["documentKey"]["_id"]) for each in changes] == [
        (operation, event_id) for event_id in ids for operation in ("insert", "delete")
    ]
    document = changes[0]["fullDocument"]
    assert list(document) == [
        "_id",
        "aggregatetype",
        "aggregateid",
        "type",
        "payload",
        "timestamp",
        *("traceparent", "headers"),
    ]
    assert document["payload"] == EVENTS[0].payload
    assert collection.count_documents({}) == 0


def test_fields_of_a_document_may_have_other_names(mongodb_database: Database[dict[str, Any]]) -> None:
    fields = mongodb.Fields(aggregate_id="customerId", timestamp="createdAt")
    outbox = mongodb.Outbox(mongodb_database["outbox"], fields=fields)
    mongodb_database.create_collection("outbox")
    with mongodb_database["outbox"].watch() as stream:
        with mongodb_database.client.start_session() as session:
            session.with_transaction(lambda session: outbox.publish(session, EVENTS[0]))
        document = stream.next()["fullDocument"]
    assert list(document) == ["_id", "aggregatetype", "customerId", "type", "payload", "createdAt"]
    with pytest.raises(ValueError, match="leave fields out"):
        mongodb.Outbox(mongodb_database["outbox"], delivery="relay", fields=fields)


def test_a_session_without_a_transaction_is_refused(mongodb_database: Database[dict[str, Any]]) -> None:
    outbox = mongodb.Outbox(mongodb_database["outbox"])
    with mongodb_database.client.start_session() as session, pytest.raises(AutocommitError, match="no transaction"):
        outbox.publish(session, EVENTS[0])
