"""Debezium and Headwater on the same MySQL and tables: every event must be equal.

What can't be equal is left out by `tests.conformance.compare`: versions, each side's clock, and in a snapshot the
moment and the position it was taken at. In the stream positions, GTIDs and the source's time must agree.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import pymysql
import pytest
import sqlalchemy
from pymysql.cursors import Cursor

from tests.conformance.compare import Comparison, payload
from tests.conformance.event import Event
from tests.conformance.side_by_side import CONVERTERS, IsLast, side_by_side

SQL = Path(__file__).parent / "sql"
FENCE = "fence"
"""A table whose rows tell each side that it has read everything before."""


@dataclass(frozen=True)
class Settings:
    """Global variables of the server during a test."""

    binlog_row_metadata: str
    time_zone: str


Report = Callable[[str], None]
FULL = Settings("FULL", "SYSTEM")
MINIMAL = Settings("MINIMAL", "+09:00")


@pytest.fixture(params=[FULL, MINIMAL], ids=lambda settings: settings.binlog_row_metadata)
def settings(request: pytest.FixtureRequest, mysql_url: sqlalchemy.URL) -> Iterator[Settings]:
    """The server's settings, put back afterwards."""
    wanted: Settings = request.param
    with _connect(mysql_url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT @@GLOBAL.binlog_row_metadata, @@GLOBAL.time_zone")
        before = Settings(*cursor.fetchone() or ())
        _set(cursor, wanted)
        yield wanted
        _set(cursor, before)


def _set(cursor: Cursor, settings: Settings) -> None:
    for name, value in asdict(settings).items():
        cursor.execute(f"SET GLOBAL {name} = %s", (value,))


@pytest.fixture
def cursor(settings: Settings, mysql_database: sqlalchemy.URL) -> Iterator[Cursor]:
    """Signed in after the setting changed, in a database with tables and rows."""
    with _connect(mysql_database) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {FENCE} (id INT PRIMARY KEY)")
        _run(cursor, "tables.sql")
        _run(cursor, "rows.sql")
        yield cursor


def test_snapshot_and_stream(cursor: Cursor, mysql_database: sqlalchemy.URL, tmp_path: Path, report: Report) -> None:
    steps = [_statements("rows.sql"), _statements("changes.sql")]
    comparison = _compare(cursor, _config(mysql_database), tmp_path, steps)
    comparison.assert_equal()
    report(f"{comparison.events} events, {comparison.fields} fields compared, all equal")


def test_stream_with_options(cursor: Cursor, mysql_database: sqlalchemy.URL, tmp_path: Path, report: Report) -> None:
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
    steps = [_statements("rows.sql"), _statements("changes.sql")]
    comparison = _compare(cursor, _config(mysql_database, options), tmp_path, steps)
    comparison.assert_equal()
    report(f"{comparison.events} events, {comparison.fields} fields compared, all equal")


def test_tinyint_as_boolean(cursor: Cursor, mysql_database: sqlalchemy.URL, tmp_path: Path, report: Report) -> None:
    cursor.execute(
        "CREATE TABLE flags (id TINYINT(1) PRIMARY KEY, flag TINYINT(1), less TINYINT(1) DEFAULT -1,"
        " wide TINYINT, other TINYINT(1) NOT NULL DEFAULT 2, plain TINYINT UNSIGNED NOT NULL DEFAULT 7)"
    )
    rows = (
        "INSERT INTO flags VALUES (-1, NULL, 1, 1, 0, 0), (1, 1, DEFAULT, 0, DEFAULT, DEFAULT), (0, -5, NULL, 5, 9, 1)"
    )
    cursor.execute(rows)
    database = mysql_database.database
    options = {
        "table.include.list": rf"{database}\.(flags|{FENCE})",
        "converters": "width, named",
        "width.type": "io.debezium.connector.binlog.converters.TinyIntOneToBooleanConverter",
        "width.selector": rf"{database}\.flags\.(id|flag|less|wide)",
        "named.type": "io.debezium.connector.mysql.converters.TinyIntOneToBooleanConverter",
        "named.selector": ".*PLAIN",
        "named.length.checker": "false",
    }
    steps = [["DELETE FROM flags", rows, "UPDATE flags SET flag = 0, less = -3, plain = 100"]]
    comparison = _compare(cursor, _config(mysql_database, options), tmp_path, steps)
    comparison.assert_equal()
    report(f"{comparison.events} events, {comparison.fields} fields compared, all equal")


@pytest.mark.parametrize("settings", [FULL], indirect=True)
@pytest.mark.parametrize("tables", ["never_filled,course,no_key", "outbox,two_keys,never_filled", "never_filled"])
def test_snapshot_markers(
    cursor: Cursor, tables: str, mysql_database: sqlalchemy.URL, tmp_path: Path, report: Report
) -> None:
    """Empty tables and such with one row, at the beginning and at the end."""
    names = ",".join(f"{mysql_database.database}.{table}" for table in tables.split(","))
    comparison = _compare(cursor, _config(mysql_database, {"table.include.list": names}), tmp_path, [])
    comparison.assert_equal()
    report(f"{comparison.events} events, {comparison.fields} fields compared, all equal")


@pytest.mark.parametrize("settings", [FULL], indirect=True)
def test_changes_of_structure(cursor: Cursor, mysql_database: sqlalchemy.URL, tmp_path: Path, report: Report) -> None:
    config = _config(mysql_database, {"include.schema.changes": "false"})  # only the snapshot's are sent so far
    comparison = _compare(cursor, config, tmp_path, _paragraphs("ddl.sql"))
    comparison.assert_equal()
    report(f"{comparison.events} events, {comparison.fields} fields compared, all equal")


ROUTER = {
    "transforms": "outbox",
    "transforms.outbox.type": "io.debezium.transforms.outbox.EventRouter",
    "transforms.outbox.predicate": "is_outbox",
    "predicates": "is_outbox",
    "predicates.is_outbox.type": "org.apache.kafka.connect.transforms.predicates.TopicNameMatches",
    "predicates.is_outbox.pattern": r".*\.events",
}


@pytest.mark.parametrize("settings", [FULL], indirect=True)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"table.expand.json.payload": "true", "route.topic.replacement": "${routedByValue}.events"},
        {
            "table.fields.additional.placement": "type:header:eventType,version:envelope,type:envelope:kind",
            "table.field.event.schema.version": "version",
            "table.field.event.timestamp": "written",
            "route.by.field": "kind",  # Debezium names schemas after the first topic that it meets
        },
        {"route.tombstone.on.empty.payload": "true", "table.json.payload.null.behavior": "optional_bytes"},
    ],
    ids=["defaults", "expanded", "envelope", "tombstones"],
)
def test_outbox_is_routed(
    cursor: Cursor, options: dict[str, str], mysql_database: sqlalchemy.URL, tmp_path: Path, report: Report
) -> None:
    """One outbox, three topics; rows are deleted as soon as they are written, and one is updated."""
    cursor.execute(
        "CREATE TABLE events (id CHAR(36) PRIMARY KEY, aggregatetype VARCHAR(255) NOT NULL,"
        " aggregateid VARCHAR(255) NOT NULL, type VARCHAR(255) NOT NULL, payload JSON,"
        " version INT NOT NULL DEFAULT 1, written DATETIME(6), kind VARCHAR(9) NOT NULL DEFAULT 'Event')"
    )
    config = _config(
        mysql_database,
        {
            "snapshot.mode": "no_data",
            "include.schema.changes": "false",
            "table.include.list": rf"{mysql_database.database}\.(events|{FENCE})",
            **ROUTER,
            **{f"transforms.outbox.{name}": value for name, value in options.items()},
        },
    )
    comparison = _compare(cursor, config, tmp_path, [_statements("outbox.sql")])
    comparison.assert_equal()
    report(f"{comparison.events} events, {comparison.fields} fields compared, all equal")


@pytest.mark.parametrize("settings", [FULL], indirect=True)
@pytest.mark.parametrize("mode", ["tombstone", "rewrite-with-tombstone", "delete-to-tombstone"])
def test_rows_without_their_envelope(
    cursor: Cursor, mode: str, mysql_database: sqlalchemy.URL, tmp_path: Path, report: Report
) -> None:
    options = {
        "snapshot.mode": "no_data",
        "include.schema.changes": "false",
        "transforms": "unwrap,from,drop",
        "transforms.unwrap.type": "io.debezium.transforms.ExtractNewRecordState",
        "transforms.unwrap.delete.tombstone.handling.mode": mode,
        "transforms.unwrap.add.fields": "op,table,source.pos,source.gtid:gtid",
        # Debezium's delete and tombstone share one list of headers: what is added to the one is in the other too.
        **({} if mode == "rewrite-with-tombstone" else {"transforms.unwrap.add.headers": "op,source.row"}),
        "transforms.unwrap.predicate": "is_fence",
        "transforms.unwrap.negate": "true",
        "transforms.from.type": "org.apache.kafka.connect.transforms.InsertField$Value",
        "transforms.from.static.field": "_from",
        "transforms.from.static.value": "shop",
        "transforms.from.predicate": "is_fence",
        "transforms.from.negate": "true",
        "transforms.drop.type": "org.apache.kafka.connect.transforms.DropHeaders",
        "transforms.drop.headers": "__debezium.context.taskId",
        "predicates": "is_fence",
        "predicates.is_fence.type": "org.apache.kafka.connect.transforms.predicates.TopicNameMatches",
        "predicates.is_fence.pattern": rf".*\.{FENCE}|__reference.*",  # the end of the snapshot, in Debezium
    }
    steps = [_statements("rows.sql"), _statements("changes.sql")]
    comparison = _compare(cursor, _config(mysql_database, options), tmp_path, steps)
    comparison.assert_equal()
    report(f"{comparison.events} events, {comparison.fields} fields compared, all equal")


def _config(database: sqlalchemy.URL, options: dict[str, str] | None = None) -> dict[str, str]:
    return {
        "name": "conformance",
        "connector.class": "io.debezium.connector.mysql.MySqlConnector",
        "topic.prefix": "conformance",
        "database.hostname": str(database.host),
        "database.port": str(database.port or 3306),
        "database.user": str(database.username),
        "database.password": str(database.password),
        "database.include.list": str(database.database),
        **CONVERTERS,
        **(options or {}),
    }


def _compare(cursor: Cursor, config: dict[str, str], state: Path, steps: Iterable[Sequence[str]]) -> Comparison:
    """Run both on the same tables: the snapshot, then what each step's statements put into the log."""
    server_id, other_server_id = random.sample(range(10_000, 2**31), 2)  # no other run on this server may have them
    theirs = {
        **config,
        "database.server.id": str(server_id),
        "driver.allowPublicKeyRetrieval": "true",
        "snapshot.lock.timeout.ms": "60000",  # without the global lock Debezium tells of tables in another order
    }
    ours = {**config, "database.server.id": str(other_server_id), "database.allowPublicKeyRetrieval": "true"}

    def step(statements: Sequence[str]) -> IsLast:
        for statement in statements:
            cursor.execute(statement)
        return _fence(cursor)

    def is_of_database(event: Event) -> bool:
        """Schema changes of databases that others made on this server are not."""
        return payload(event).get("databaseName", "") in ("", config["database.include.list"])

    return side_by_side(theirs, ours, state, [partial(step, statements) for statements in steps], is_of_database)


_fences = itertools.count(1)


def _fence(cursor: Cursor) -> IsLast:
    """Commit a row after everything before; tells its event."""
    number = next(_fences)
    cursor.execute(f"INSERT INTO {FENCE} VALUES ({number})")

    def is_fence(event: Event) -> bool:
        return event.topic.endswith(f".{FENCE}") and payload(event).get("after") == {"id": number}

    return is_fence


def _paragraphs(file: str) -> list[list[str]]:
    """The statements of a file, those of each paragraph together."""
    return [
        [statement for statement in paragraph.split(";\n") if statement.strip()]
        for paragraph in (SQL / file).read_text().split("\n\n")
    ]


def _statements(file: str) -> list[str]:
    return [statement for paragraph in _paragraphs(file) for statement in paragraph]


def _run(cursor: Cursor, file: str) -> None:
    for statement in _statements(file):
        cursor.execute(statement)


def _connect(url: sqlalchemy.URL) -> pymysql.Connection[Cursor]:
    return pymysql.connect(
        host=url.host,
        port=url.port or 3306,
        user=url.username,
        password=url.password or "",
        database=url.database,
        autocommit=True,
        charset="utf8mb4",
    )
