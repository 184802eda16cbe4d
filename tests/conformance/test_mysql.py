"""Debezium and Headwater on the same MySQL and tables: every event must be equal.

What can't be equal is left out by `tests.conformance.compare`: versions, each side's clock, and in a snapshot the
moment and the position it was taken at. In the stream positions, GTIDs and the source's time must agree.
"""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pymysql
import pytest
import sqlalchemy
from pymysql.cursors import Cursor

from tests.conformance.compare import Comparison, payload, snapshot_marker
from tests.conformance.event import Event
from tests.conformance.headwater_engine import HeadwaterEngine
from tests.conformance.reference import Engine

SQL = Path(__file__).parent / "sql"
FENCE = "fence"
"""A table whose rows end each side's reading."""


@pytest.fixture(params=["FULL", "MINIMAL"])
def row_metadata(request: pytest.FixtureRequest, mysql_url: sqlalchemy.URL) -> Iterator[str]:
    """The server's ``binlog_row_metadata`` during the test."""
    with _connect(mysql_url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT @@GLOBAL.binlog_row_metadata")
        (before,) = cursor.fetchone() or ()
        cursor.execute(f"SET GLOBAL binlog_row_metadata = {request.param}")
        yield request.param
        cursor.execute(f"SET GLOBAL binlog_row_metadata = {before}")


@pytest.fixture
def cursor(row_metadata: str, mysql_database: sqlalchemy.URL) -> Iterator[Cursor]:
    """Signed in after the setting changed, in the test's database."""
    with _connect(mysql_database) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {FENCE} (id INT PRIMARY KEY)")
        yield cursor


def test_every_event_is_debezium_s(
    cursor: Cursor, row_metadata: str, mysql_database: sqlalchemy.URL, tmp_path: Path
) -> None:
    _execute(cursor, "tables.sql")
    _execute(cursor, "rows.sql")
    comparison = _compare(
        cursor,
        _config(mysql_database),
        tmp_path,
        lambda: _execute(cursor, "rows.sql", "changes.sql"),
    )
    print(f"\n{row_metadata}: {comparison.events} events, {comparison.fields} fields compared")
    assert not comparison.differences, comparison.report()


def test_options_change_events_as_they_do_in_debezium(
    cursor: Cursor, mysql_database: sqlalchemy.URL, tmp_path: Path
) -> None:
    _execute(cursor, "tables.sql")
    _execute(cursor, "rows.sql")
    database = mysql_database.database
    options = {
        "snapshot.mode": "no_data",
        "include.schema.changes": "false",
        "tombstones.on.delete": "false",
        "extended.headers.enabled": "false",
        "table.include.list": rf"{database}\.(course|OUTBOX|business), {database}.{FENCE}",
        "column.exclude.list": r".*\.description,.*\.payload",
        "key.converter.schemas.enable": "false",
        "value.converter.schemas.enable": "false",
        "value.converter.decimal.format": "NUMERIC",
        "value.converter.replace.null.with.default": "false",
    }
    comparison = _compare(
        cursor,
        _config(mysql_database, **options),
        tmp_path,
        lambda: _execute(cursor, "rows.sql", "changes.sql"),
    )
    assert comparison.events
    assert not comparison.differences, comparison.report()


def _config(database: sqlalchemy.URL, **options: str) -> dict[str, str]:
    json_converter = "org.apache.kafka.connect.json.JsonConverter"
    return {
        "name": "conformance",
        "connector.class": "io.debezium.connector.mysql.MySqlConnector",
        "topic.prefix": "conformance",
        "database.hostname": str(database.host),
        "database.port": str(database.port or 3306),
        "database.user": str(database.username),
        "database.password": str(database.password),
        "database.include.list": str(database.database),
        "key.converter": json_converter,
        "value.converter": json_converter,
        **options,
    }


def _compare(cursor: Cursor, config: dict[str, str], state: Path, change: Callable[[], None]) -> Comparison:
    """Run both on the same tables: the snapshot, then the stream of what ``change`` does."""
    reads_rows = config.get("snapshot.mode") != "no_data"
    theirs_config = {**config, "database.server.id": "5401", "driver.allowPublicKeyRetrieval": "true"}
    ours_config = {**config, "database.server.id": "5402", "database.allowPublicKeyRetrieval": "true"}
    comparison = Comparison()
    with Engine(theirs_config) as debezium, HeadwaterEngine(ours_config, state) as headwater:
        snapshot = debezium.until_streaming()
        headwater.wait_until_running()
        if snapshot:
            ours = headwater.until(lambda event: snapshot_marker(event) == "last")
            comparison.compare(_of_database(snapshot, config), _of_database(ours, config))
            assert reads_rows or all("ddl" in payload(event) for event in ours)
        change()
        fence = _fence(cursor)
        comparison.compare(_of_database(debezium.until(fence), config), _of_database(headwater.until(fence), config))
    return comparison


def _of_database(events: list[Event] | list, config: dict[str, str]) -> list[Event]:
    """Without the schema changes of databases that other tests or people made on this server."""
    own = ("", config["database.include.list"])
    return [event for event in events if payload(event).get("databaseName", "") in own]


_fences = itertools.count(1)


def _fence(cursor: Cursor) -> Callable[[Event], bool]:
    """Commit a row after everything before; tells its event."""
    number = next(_fences)
    cursor.execute(f"INSERT INTO {FENCE} VALUES ({number})")

    def is_fence(event: Event) -> bool:
        return event.topic.endswith(f".{FENCE}") and (payload(event).get("after") or {}).get("id") == number

    return is_fence


def _execute(cursor: Cursor, *files: str) -> None:
    for file in files:
        for statement in (SQL / file).read_text().split(";\n"):
            if statement.strip():
                cursor.execute(statement)


def _connect(url: sqlalchemy.URL) -> pymysql.Connection:
    return pymysql.connect(
        host=url.host,
        port=url.port or 3306,
        user=url.username,
        password=url.password or "",
        database=url.database,
        autocommit=True,
        charset="utf8mb4",
    )
