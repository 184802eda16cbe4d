"""MySQL under the fault tests' load."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import orjson
import pymysql
import sqlalchemy
from pymysql.constants import ER
from pymysql.cursors import Cursor

from tests.faults.database import BUSINESS, NOTE, OUTBOX, AbortedError, Change, Image

TABLES = (
    f"""
    CREATE TABLE {BUSINESS} (
        id BIGINT NOT NULL PRIMARY KEY,
        version INT NOT NULL,
        transaction INT NOT NULL,
        balance DECIMAL(12, 2) NOT NULL,
        note VARCHAR(200)
    )
    """,
    f"""
    CREATE TABLE {OUTBOX} (
        id VARCHAR(36) NOT NULL PRIMARY KEY,
        aggregate_type VARCHAR(255) NOT NULL,
        aggregate_id VARCHAR(255) NOT NULL,
        type VARCHAR(255) NOT NULL,
        payload JSON NOT NULL,
        timestamp TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
    )
    """,
)


class MySql:
    """`tests.faults.database.Database` of MySQL."""

    impatience: Mapping[str, str] = {"connect.keep.alive.interval.ms": "1000", "connect.timeout.ms": "1000"}

    def __init__(self, url: sqlalchemy.URL) -> None:
        self.name = str(url.database)
        self._url = url

    @property
    def address(self) -> tuple[str, int]:
        return str(self._url.host), self._url.port or 3306

    def create_tables(self) -> None:
        with self.connect() as connection, connection.cursor() as cursor:
            for table in TABLES:
                cursor.execute(table)

    @contextmanager
    def session(self) -> Iterator[MySqlSession]:
        with self.connect() as connection, connection.cursor() as cursor:
            yield MySqlSession(connection, cursor)

    def connector(self) -> dict[str, str]:
        return {
            "connector.class": "mysql",
            "database.user": str(self._url.username),
            "database.password": str(self._url.password or ""),
            "database.allowPublicKeyRetrieval": "true",
            "database.server.id": str(random.SystemRandom().randrange(2**16, 2**30)),
            "database.include.list": self.name,
            **self.reached_at(*self.address),
        }

    def reached_at(self, host: str, port: int) -> dict[str, str]:
        return {"database.hostname": host, "database.port": str(port)}

    def key(self, key: bytes) -> int | str:
        identity: int | str = orjson.loads(key)["id"]
        return identity

    def change(self, event: Mapping[str, Any]) -> Change:
        operation, source = event["op"], event["source"]
        row = event["before" if operation == "d" else "after"]
        return Change(operation, row, (source["file"], source["pos"], source["row"]))

    def connect(self) -> pymysql.Connection[Any]:
        """A connection without locks on gaps: they make writers wait for each other, and a snapshot's lock for all."""
        host, port = self.address
        return pymysql.connect(
            host=host,
            port=port,
            user=self._url.username,
            password=self._url.password or "",
            database=self.name,
            autocommit=True,
            init_command="SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
        )


class MySqlSession:
    """`tests.faults.database.Session` of MySQL."""

    has_savepoints = True

    def __init__(self, connection: pymysql.Connection[Any], cursor: Cursor) -> None:
        self._connection = connection
        self._cursor = cursor

    def begin(self) -> None:
        self._connection.begin()

    def commit(self) -> None:
        self._connection.commit()

    def rollback(self) -> None:
        self._connection.rollback()

    @contextmanager
    def undone(self) -> Iterator[None]:
        self._cursor.execute("SAVEPOINT here")
        yield
        self._cursor.execute("ROLLBACK TO SAVEPOINT here")

    def insert(self, images: Mapping[int, Image]) -> None:
        values = [(row, *image, Decimal(row) / 100, NOTE) for row, image in images.items()]
        with _aborts():
            self._cursor.executemany(f"INSERT INTO {BUSINESS} VALUES (%s, %s, %s, %s, %s)", values)

    def update(self, images: Mapping[int, Image]) -> None:
        (transaction,) = {image.transaction for image in images.values()}
        self._execute(
            f"UPDATE {BUSINESS} SET version = version + 1, transaction = %s WHERE id IN %s ORDER BY id",
            (transaction, list(images)),
        )

    def delete(self, rows: Sequence[int]) -> None:
        self._execute(f"DELETE FROM {BUSINESS} WHERE id IN %s", (rows,))

    def move(self, row: int, new_row: int, image: Image) -> None:
        self._execute(
            f"UPDATE {BUSINESS} SET id = %s, version = %s, transaction = %s WHERE id = %s", (new_row, *image, row)
        )

    def publish(self, event: str, aggregate: int) -> None:
        payload = json.dumps({"aggregate": aggregate, "note": NOTE})
        self._execute(
            f"INSERT INTO {OUTBOX} (id, aggregate_type, aggregate_id, type, payload)"
            " VALUES (%s, 'Account', %s, 'Changed', %s)",
            (event, aggregate, payload),
        )
        self._execute(f"DELETE FROM {OUTBOX} WHERE id = %s", (event,))

    def _execute(self, statement: str, values: tuple[object, ...]) -> None:
        with _aborts():
            self._cursor.execute(statement, values)


@contextmanager
def _aborts() -> Iterator[None]:
    """A deadlock ends the whole transaction."""
    try:
        yield
    except pymysql.OperationalError as error:
        if error.args[0] == ER.LOCK_DEADLOCK:
            raise AbortedError from error
        raise
