"""A MySQL source on a real server, run without a worker: what it reads becomes events that tests can look at."""

from __future__ import annotations

import itertools
import json
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pymysql
import pytest
import sqlalchemy

from headwater.converters.json import JsonConverter
from headwater.converters.json import create as json_converter
from headwater.converters.simple_header import create as header_converter
from headwater.plan import Converters, Plan, plan
from headwater.shape import EventShape
from headwater.source import Batch, Resume, RetriableSourceError, Rows, SourceError
from headwater.sources.mysql.connector import CONNECTOR
from headwater.sources.mysql.source import MySqlSource

DEADLINE_SECONDS = 20


@dataclass(frozen=True)
class Event:
    """One message, its key and value as Python values."""

    topic: str
    key: dict[str, Any] | None
    value: dict[str, Any] | None

    @property
    def operation(self) -> str:
        return "tombstone" if self.value is None else self.value.get("op", "schema change")

    @property
    def row(self) -> dict[str, Any]:
        """The row after the change, before it for a delete."""
        assert self.value is not None
        return self.value["before" if self.operation == "d" else "after"]

    @property
    def marker(self) -> str:
        assert self.value is not None
        return self.value["source"]["snapshot"]


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


@dataclass
class Capture:
    """A source that is being read, and what has come of it."""

    source: MySqlSource
    database: Database
    resume: Resume = field(default_factory=Resume)
    events: list[Event] = field(default_factory=list)
    rows: list[Rows] = field(default_factory=list)
    offset: Mapping[str, Any] | None = None
    history: list[Mapping[str, Any]] = field(default_factory=list)
    _plans: dict[EventShape, Plan] = field(default_factory=dict)
    _marks: Iterator[int] = field(default_factory=lambda: itertools.count(random.randrange(1 << 30)))

    def start(self) -> Capture:
        self.offset, self.history = self.resume.offset, list(self.resume.history)
        self._take(self.source.start(self.resume))
        return self

    def poll(self, timeout: float = 0.5) -> list[Event]:
        """What one poll brings."""
        return self._take(self.source.poll(timeout))

    def until(self, reached: Callable[[Event], bool]) -> list[Event]:
        """Poll until an event is what is waited for: every event from this call on, the last poll's whole."""
        found: list[Event] = []
        deadline = time.monotonic() + DEADLINE_SECONDS
        while not any(map(reached, found)):
            assert time.monotonic() < deadline, f"not reached; {len(found)} events came: {found[-3:]}"
            found += self.poll()
        return found

    def drain(self) -> list[Event]:
        """Everything that is committed by now and has not come yet."""
        mark = next(self._marks)
        self.database.run(f"INSERT INTO mark VALUES ({mark})")
        found = self.until(lambda event: event.key == {"id": mark} and _is_mark(event))
        return [event for event in found if not _is_mark(event)]

    def stopped(self) -> tuple[SourceError, list[Event]]:
        """Poll until the source fails: the error, and the events that came before it."""
        found: list[Event] = []
        deadline = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < deadline:
            try:
                found += self.poll()
            except SourceError as error:
                return error, found
        raise AssertionError(f"it did not stop; {len(found)} events came: {found[-3:]}")

    def snapshot(self) -> list[Event]:
        """Schema changes and rows of the whole snapshot, from the start on."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        while self.offset is None or "snapshot" in self.offset:
            assert time.monotonic() < deadline
            self.poll()
        return list(self.events)

    def again(self, offset: Mapping[str, Any] | None = None) -> Resume:
        """What the next source starts from: this one's last offset (or the one given) and its history."""
        return Resume(dict(offset or self.offset or {}), list(self.history))

    def _take(self, batch: Batch) -> list[Event]:
        taken = []
        for item in batch.items:
            if isinstance(item, Rows):
                self.rows.append(item)
                for row, topic, key, value, _ in self._plan(item.shape).function(*item.arguments):
                    if row >= item.skip:
                        taken.append(Event(topic, _decoded(key), _decoded(value)))
            else:
                value = json.loads(_JSON.convert(item.topic, item.value_schema, item.value) or b"")
                taken.append(Event(item.topic, item.key, value))
        if batch.offset is not None:
            self.offset = json.loads(json.dumps(batch.offset))
        self.history += json.loads(json.dumps(list(batch.history)))
        self.events += taken
        return taken

    def _plan(self, shape: EventShape) -> Plan:
        if shape not in self._plans:
            self._plans[shape] = plan(shape, Converters(_JSON, _JSON, header_converter({}, is_key=False)))
        return self._plans[shape]


_JSON: JsonConverter = json_converter({"schemas.enable": "false"}, is_key=False)


def _decoded(raw: bytes | None) -> Any:
    return None if raw is None else json.loads(raw)


def _is_mark(event: Event) -> bool:
    return event.topic.endswith(".mark")


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
            captures.append(Capture(CONNECTOR.open(config), database, resume or Resume()))
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
