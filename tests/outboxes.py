"""Outboxes for the relay in databases of a test's own, and relays as the command runs them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy
from pymongo.client_session import ClientSession
from pymongo.database import Database
from sqlalchemy import Connection, Engine, MetaData, create_engine

from headwater.outbox import Event
from headwater.outbox.mongodb import Outbox as MongoOutboxOfEvents
from headwater.outbox.mongodb import create_outbox
from headwater.outbox.sqlalchemy import Outbox, outbox_table
from tests.sql_databases import new_database, plain


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

    def publish_in(self, connection: Connection, event: Event) -> None:
        """Publish in a transaction of the caller's."""
        self._outbox.publish(connection, event)

    def delivered(self) -> int:
        """How many events are COMPLETED."""
        return self._count(self.table.c.status == "COMPLETED")

    def unfinished(self) -> int:
        """How many are not."""
        return self._count(self.table.c.status != "COMPLETED")

    def _count(self, condition: sqlalchemy.ColumnElement[bool]) -> int:
        query = sqlalchemy.select(sqlalchemy.func.count()).select_from(self.table).where(condition)
        with self.engine.connect() as connection:
            return connection.scalars(query).one()

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

    def publish_in(self, session: ClientSession, event: Event) -> None:
        """Publish in a transaction of the caller's."""
        self._outbox.publish(session, event)

    def delivered(self) -> int:
        """How many events are COMPLETED."""
        return self.collection.count_documents({"status": "COMPLETED"})

    def unfinished(self) -> int:
        """How many are not."""
        return self.collection.count_documents({"status": {"$ne": "COMPLETED"}})

    def rows(self) -> list[tuple[str, int, str | None]]:
        """(status, attempts, reason) of every event."""
        return [(each["status"], each["attempts"], each.get("reason")) for each in self.collection.find().sort("_id")]

    def lease(self, owner: str, until: int) -> None:
        """Give every event a lease, in milliseconds since 1970."""
        self.collection.update_many({}, {"$set": {"lease_owner": owner, "lease_until": until}})


AnyOutbox = SqlOutbox | MongoOutbox


@contextmanager
def new_sql_outbox(kind: str, folder: Path) -> Iterator[SqlOutbox]:
    """An outbox in a new database, which is dropped afterwards."""
    with new_database(kind, folder) as url:
        outbox = SqlOutbox(url)
        yield outbox
        outbox.engine.dispose()


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
