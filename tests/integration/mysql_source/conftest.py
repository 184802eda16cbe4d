"""A MySQL source on a real server, run without a worker, under both settings of ``binlog_row_metadata``."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import pymysql
import pytest
import sqlalchemy

from headwater.source import Resume, RetriableSourceError
from headwater.sources.mysql.connector import CONNECTOR
from tests.capture import DEADLINE_SECONDS, Capture


class Database:
    """A database of the test's own, with a connection to it."""

    def __init__(self, url: sqlalchemy.URL) -> None:
        self.url = url
        self.name = str(url.database)
        self.connection = self.connect()

    def connect(self, **arguments: Any) -> pymysql.Connection:
        return pymysql.connect(
            **{
                "host": self.url.host,
                "port": self.url.port or 3306,
                "user": self.url.username,
                "password": self.url.password or "",
                "database": self.name,
                "charset": "utf8mb4",
                "autocommit": True,
                "ssl_disabled": True,  # with TLS, PyMySQL reads the system's authorities every time: slow
                **arguments,
            }
        )

    def run(self, *statements: str) -> list[tuple[Any, ...]]:
        """Execute statements one after the other; the rows of the last."""
        with self.connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())

    def commit_mark(self, number: int) -> dict[str, Any]:
        """See `tests.capture.Capture`."""
        self.run(f"INSERT INTO mark VALUES ({number})")
        return {"id": number}

    def log_end(self) -> tuple[str, int, str]:
        """File, position and GTIDs at the end of the log."""
        file, position, _, _, gtids = self.run("SHOW BINARY LOG STATUS")[0]
        return file, position, gtids.replace("\n", "")

    def gtids_before(self, gtid: str) -> str:
        """Every transaction that the log has before this one."""
        last = 2**63 - 2
        return self.run(f"SELECT GTID_SUBTRACT(@@GLOBAL.gtid_executed, '{gtid}-{last}')")[0][0].replace("\n", "")

    def log_since(self, file: str, position: int) -> list[dict[str, Any]]:
        """The log's events behind a place in the same file, as SHOW BINLOG EVENTS tells them."""
        with self.connection.cursor(pymysql.cursors.DictCursor) as cursor:
            cursor.execute("SHOW BINLOG EVENTS IN %s FROM %s", (file, position))
            return list(cursor.fetchall())


@pytest.fixture(scope="session")
def _settings(mysql_url: sqlalchemy.URL) -> Iterator[pymysql.Connection]:
    """A connection for the server's settings; a lock by name keeps other runs of these tests off them."""
    connection = pymysql.connect(
        host=mysql_url.host,
        port=mysql_url.port or 3306,
        user=mysql_url.username,
        password=mysql_url.password or "",
        ssl_disabled=True,
        autocommit=True,
    )
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT GET_LOCK('headwater tests: settings', 300), @@GLOBAL.binlog_row_metadata")
        locked, row_metadata = cursor.fetchone()
        assert locked
        yield connection
        cursor.execute("SET GLOBAL binlog_row_metadata = %s", (row_metadata,))


@pytest.fixture(scope="module", autouse=True, params=["FULL", "MINIMAL"])
def row_metadata(request: pytest.FixtureRequest, _settings: pymysql.Connection) -> str:
    """``binlog_row_metadata``: every test runs under both settings."""
    with _settings.cursor() as cursor:
        cursor.execute("SET GLOBAL binlog_row_metadata = %s", (request.param,))
    return request.param


@pytest.fixture
def database(mysql_database: sqlalchemy.URL) -> Iterator[Database]:
    """The test's database, in which `Capture.drain` has its table."""
    database = Database(mysql_database)
    with database.connection:
        database.run("CREATE TABLE mark (id INT PRIMARY KEY)")
        yield database


@pytest.fixture
def options(database: Database) -> dict[str, str]:
    """A connector's configuration that captures the test's database."""
    return {
        "topic.prefix": "srv",
        "database.hostname": str(database.url.host),
        "database.port": str(database.url.port or 3306),
        "database.user": str(database.url.username),
        "database.password": str(database.url.password or ""),
        "database.server.id": str(random.randrange(1 << 20, 1 << 30)),
        "database.include.list": database.name,
        "include.schema.changes": "false",
    }


@pytest.fixture
def capture(database: Database, options: dict[str, str]) -> Iterator[Callable[..., Capture]]:
    """Starts sources: ``capture(resume, **options)``, with ``_`` for the dots of options."""
    captures = []

    def start(resume: Resume | None = None, **changed: str) -> Capture:
        config = CONNECTOR.options.parse(options | {name.replace("_", "."): text for name, text in changed.items()})
        deadline = time.monotonic() + DEADLINE_SECONDS
        while True:
            captures.append(Capture(CONNECTOR.open(config), database.commit_mark, resume or Resume()))
            try:
                return captures[-1].start()
            except RetriableSourceError:  # another test's lock keeps the snapshot from opening
                if time.monotonic() > deadline:
                    raise

    yield start
    for one in captures:
        one.source.close()


@pytest.fixture
def stream(capture: Callable[..., Capture]) -> Callable[..., Capture]:
    """Starts a source that is through with its snapshot."""

    def start(resume: Resume | None = None, **changed: str) -> Capture:
        streaming = capture(resume, **changed)
        streaming.snapshot()
        streaming.events.clear()
        streaming.rows.clear()
        return streaming

    return start
