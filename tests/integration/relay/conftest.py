"""An outbox for the relay on each of the databases, and relays as the command runs them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from pymongo.client_session import ClientSession
from pymongo.database import Database
from sqlalchemy import Engine, MetaData, create_engine

from headwater.outbox import Event
from headwater.outbox.mongodb import Outbox as MongoOutboxOfEvents
from headwater.outbox.mongodb import create_outbox
from headwater.outbox.sqlalchemy import Outbox, outbox_table
from tests.sql_databases import KINDS, new_database, plain


class SqlOutbox:
    """An outbox table in a database of its own."""

    def __init__(self, url: sqlalchemy.URL) -> None:
        self.url = plain(url)
        self.engine: Engine = create_engine(url)
        self.table = outbox_table(MetaData(), delivery="relay")
        self.table.create(self.engine)
        self._outbox = Outbox(self.table)

    def publish(self, *events: Event, headers: dict[str, str] | None = None) -> list[str]:
        """Publish the events in one transaction; their ids."""
        with self.engine.begin() as connection:
            return [str(self._outbox.publish(connection, event, headers=headers)) for event in events]

    def rows(self) -> list[tuple[str, int, str | None]]:
        """(status, attempts, reason) of every event, by position."""
        columns = (self.table.c.status, self.table.c.attempts, self.table.c.reason)
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sqlalchemy.select(*columns).order_by("position"))]

    def lease(self, owner: str, until: int) -> None:
        """Give every event a lease, in milliseconds since 1970."""
        with self.engine.begin() as connection:
            connection.execute(self.table.update().values(lease_owner=owner, lease_until=until))


class MongoOutbox:
    """An outbox collection in a database of its own."""

    def __init__(self, url: str, database: Database[dict[str, Any]]) -> None:
        self.url = url.replace("/?", f"/{database.name}?authSource=admin&")
        self._client = database.client
        self.collection = database["outbox"]
        create_outbox(self.collection, delivery="relay")
        self._outbox = MongoOutboxOfEvents(self.collection, delivery="relay")

    def publish(self, *events: Event, headers: dict[str, str] | None = None) -> list[str]:
        """Publish the events in one transaction; their ids."""

        def write(session: ClientSession) -> list[str]:
            return [str(self._outbox.publish(session, event, headers=headers)) for event in events]

        with self._client.start_session() as session:
            return session.with_transaction(write)

    def rows(self) -> list[tuple[str, int, str | None]]:
        """(status, attempts, reason) of every event."""
        return [(each["status"], each["attempts"], each.get("reason")) for each in self.collection.find().sort("_id")]

    def lease(self, owner: str, until: int) -> None:
        """Give every event a lease, in milliseconds since 1970."""
        self.collection.update_many({}, {"$set": {"lease_owner": owner, "lease_until": until}})


AnyOutbox = SqlOutbox | MongoOutbox


@pytest.fixture(params=[*KINDS, "mongodb"])
def outbox(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AnyOutbox]:
    """An empty outbox for the relay, in each of the databases."""
    if request.param == "mongodb":
        yield MongoOutbox(request.getfixturevalue("mongodb_url"), request.getfixturevalue("mongodb_database"))
    else:
        with new_database(request.param, tmp_path) as url:
            made = SqlOutbox(url)
            yield made
            made.engine.dispose()


class RelayProcess:
    """``headwater relay`` in a process of its own."""

    def __init__(self, url: str, topic: str, bootstrap: str, *options: str) -> None:
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "headwater", "relay", "--bootstrap-servers", bootstrap),
                *("--topic", topic, *options),
            ],
            env=os.environ | {"OUTBOX_URL": url},
            stderr=subprocess.PIPE,
            text=True,
        )

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def kill(self) -> None:
        """SIGKILL: leases stay behind."""
        self._process.kill()
        self._process.communicate()

    def stop(self) -> str:
        """SIGTERM, and wait for the end; what it wrote to its log."""
        self._process.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self) -> str:
        """Wait for the end; what it wrote to its log."""
        _, log = self._process.communicate(timeout=60)
        return log

    @property
    def status(self) -> int | None:
        """Of the ended process."""
        return self._process.returncode


@pytest.fixture
def topic() -> str:
    """A prefix of topics that only this test uses."""
    return f"relay_{uuid.uuid4().hex[:12]}"


@pytest.fixture
def start_relay(topic: str, kafka_bootstrap: str) -> Iterator[Callable[..., RelayProcess]]:
    """Starts relays on an outbox's URL, to topics that begin with ``topic``; they are killed at the end."""
    started: list[RelayProcess] = []

    def start(url: str, *options: str) -> RelayProcess:
        started.append(RelayProcess(url, f"{topic}.${{routedByValue}}", kafka_bootstrap, *options))
        return started[-1]

    yield start
    for relay in started:
        if relay.status is None:
            relay.kill()
