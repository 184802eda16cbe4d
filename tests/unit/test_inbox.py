"""The inbox without a server: SQLite, its statements, ids, addresses, and what a subscription refuses."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import MetaData, create_engine
from sqlalchemy.orm import sessionmaker
from sqlalchemy.pool import StaticPool

from headwater.addresses import AddressError
from headwater.cli import main
from headwater.consumer import ConsumerError, Message
from headwater.consumers import open_consumer
from headwater.inbox import AutocommitError, InboxError, Retry, Subscription, from_header, from_place
from headwater.inbox.dbapi import Inbox
from headwater.inbox.ddl import ddl
from headwater.inbox.message_id import stored_id
from headwater.inbox.sqlalchemy import Inbox as AlchemyInbox
from headwater.inbox.sqlalchemy import inbox_table


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as connection:
        for statement in ddl("sqlite"):
            connection.execute(statement)
        yield connection


def test_sqlite_by_its_own_statements(database: sqlite3.Connection) -> None:
    inbox = Inbox("sqlite", lambda: database)
    with inbox.transaction() as session:
        assert inbox.record(session, "g", "1")
    with contextlib.suppress(KeyError), inbox.transaction() as session:
        assert inbox.record(session, "g", "2")
        raise KeyError
    with inbox.transaction() as session:
        assert not inbox.record(session, "g", "1")
        assert inbox.record(session, "g", "2")
    assert inbox.prune(timedelta(days=1)) == 0
    assert inbox.prune(timedelta(seconds=-2)) == 2


def test_autocommit_is_refused(database: sqlite3.Connection) -> None:
    database.isolation_level = None
    with pytest.raises(AutocommitError):
        Inbox("sqlite").record(database, "g", "1")
    engine = create_engine("sqlite://", poolclass=StaticPool, isolation_level="AUTOCOMMIT")
    table = inbox_table(metadata := MetaData())
    metadata.create_all(engine)
    inbox = AlchemyInbox(table, sessionmaker(engine))
    with pytest.raises(AutocommitError), inbox.transaction() as session:
        inbox.record(session, "g", "1")
    engine.dispose()


def test_the_command_prints_what_makes_the_table() -> None:
    printed = CliRunner().invoke(main, ["inbox", "ddl", "--dialect", "sqlite", "--table", "billing"])
    assert printed.exit_code == 0
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(printed.output)
        columns = [row[1] for row in connection.execute("PRAGMA table_info(billing)")]
    assert columns == ["consumer", "message_id", "handled_at"]
    assert "ascii_bin" in CliRunner().invoke(main, ["inbox", "ddl", "--dialect", "mysql"]).output
    assert "createIndex" in CliRunner().invoke(main, ["inbox", "ddl", "--dialect", "mongodb"]).output
    refused = CliRunner().invoke(main, ["inbox", "ddl", "--dialect", "mysql", "--table", "a; DROP TABLE b"])
    assert refused.exit_code == 2


def test_what_a_message_is_known_by() -> None:
    message = Message("t", 1, 2, None, b"", (("id", b"old"), ("x-id", b"\xff"), ("id", b"new")))
    assert from_header("id")(message) == "new"
    assert from_header("x-id")(message) == r"\xff"
    assert from_header("none")(message) == from_place(message) == "t-1@2"
    assert stored_id("e-1") == "e-1"
    assert len({stored_id(each) for each in ("a b", "ab", "á", "", "x" * 256)}) == 5


@pytest.mark.parametrize("address", ["localhost:9092", "amqp://localhost", "kafka://"])
def test_an_address_that_is_none(address: str) -> None:
    with pytest.raises(AddressError, match="kafka://localhost:9092"):
        open_consumer(address, "g")


def test_options_that_kafkas_client_refuses() -> None:
    with pytest.raises(ConsumerError, match=r"no\.such\.option"):
        open_consumer("kafka://localhost:1", "g", {"no.such.option": "1"})
    with pytest.raises(ConsumerError, match=r"enable\.auto\.commit is set here"):
        open_consumer("kafka://localhost:1", "g", {"enable.auto.commit": "true"})


def test_a_subscription_that_can_not_work_is_refused() -> None:
    async def handler(_session: object, _message: Message) -> None: ...

    inbox = Inbox("sqlite")
    with pytest.raises(InboxError, match="coroutine function"):
        Subscription(broker="kafka://b", topics=["t"], group="g", inbox=inbox, handler=handler)
    with pytest.raises(InboxError, match="topics"):
        Subscription(broker="kafka://b", topics="t", group="g", inbox=inbox, handler=print)


def test_waits_double_up_to_the_longest() -> None:
    retry = Retry(attempts=5, first_wait=0.5, longest_wait=3)
    assert [retry.wait(attempts) for attempts in (1, 2, 3, 4, 10_000)] == [0.5, 1, 2, 3, 3]
