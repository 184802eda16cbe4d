"""Schema changes of a snapshot against those that Debezium 3.6.3 made of the same tables.

``data/mysql_schema_changes.json`` holds what MySQL 9.7 says of two databases (``server``, ``databases``, and ``tables``
with SHOW CREATE TABLE's text) and the events that Debezium's snapshot put on the topic ``srv``.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from headwater import __version__
from headwater.converters.json import create
from headwater.record import Header, Record
from headwater.source import SourceError
from headwater.sources.envelope import STRING
from headwater.sources.mysql.schema_change import SchemaChange, SchemaChanges, snapshot_changes
from headwater.sources.mysql.table import Column, Table

RECORDED = json.loads((Path(__file__).parent / "data" / "mysql_schema_changes.json").read_text())
EVENTS: list[dict[str, Any]] = RECORDED["events"]
HEADERS = tuple(Header(name, STRING, value) for name, value in EVENTS[0]["headers"])
STATEMENTS = {(table["database"], table["name"]): table["statement"] for table in RECORDED["tables"]}


def recorded_columns(table: dict[str, Any]) -> list[str]:
    place = (table["database"], table["name"])
    (event,) = (
        event["value"]
        for event in EVENTS
        if (event["value"]["databaseName"], event["value"]["source"]["table"]) == place
        and event["value"]["tableChanges"][0]["type"] == "CREATE"
    )
    return [column["name"] for column in event["tableChanges"][0]["table"]["columns"]]


def recorded_table(table: dict[str, Any]) -> Table:
    columns = tuple(Column(name, "int", nullable=True) for name in recorded_columns(table))
    return Table(table["database"], table["name"], columns, tuple(table["key"]), charset=table["charset"])


@pytest.fixture(scope="module")
def changes() -> list[SchemaChange]:
    databases = {name: tuple(locale) for name, locale in RECORDED["databases"].items()}
    tables = [recorded_table(table) for table in RECORDED["tables"]]
    return snapshot_changes(tuple(RECORDED["server"]), databases, tables, STATEMENTS)


def as_written(record: Record) -> tuple[Any, Any]:
    """Key and value as JsonConverter writes them."""
    converter = create({}, is_key=False)
    key = converter.convert(record.topic, record.key_schema, record.key)
    value = converter.convert(record.topic, record.value_schema, record.value)
    assert key is not None
    assert value is not None
    return json.loads(key), json.loads(value)


def test_statements_come_in_debeziums_order(changes):
    recorded = [(e["value"]["databaseName"], e["value"]["ddl"], e["value"]["source"]["table"]) for e in EVENTS]
    assert [(change.database, change.statement, change.table) for change in changes] == recorded


@pytest.mark.parametrize("number", range(len(EVENTS)), ids=lambda number: EVENTS[number]["value"]["ddl"].split("\n")[0])
def test_event_is_debeziums_field_for_field(changes, number):
    recorded = EVENTS[number]
    place = recorded["value"]["source"]

    record = SchemaChanges("srv", HEADERS).snapshot_record(changes[number], place["file"], place["pos"])
    key, value = as_written(record)

    source = value["payload"]["source"]
    of_this_run = {"version": __version__} | {name: source[name] for name in ("ts_ms", "ts_us", "ts_ns")}
    expected = recorded["value"] | {"source": place | of_this_run, "ts_ms": value["payload"]["ts_ms"]}
    assert json.dumps(key) == json.dumps({"schema": RECORDED["key_schema"], "payload": recorded["key"]})
    assert json.dumps(value) == json.dumps({"schema": RECORDED["value_schema"], "payload": expected})
    assert (record.topic, record.partition) == (recorded["topic"], recorded["partition"])
    assert [[header.name, header.value] for header in record.headers] == recorded["headers"]
    assert source["ts_ns"] // 1000 == source["ts_us"]
    assert source["ts_us"] // 1000 == source["ts_ms"]


def test_statement_that_does_not_show_the_tables_columns_is_refused():
    table = Table(
        "course", "outbox", (Column("id", "int", nullable=False), Column("payload", "json", nullable=False)), ()
    )
    statements = {("course", "outbox"): "CREATE TABLE `outbox` (\n  `id` int NOT NULL\n) DEFAULT CHARSET=utf8mb4"}
    locale = ("utf8mb4", "utf8mb4_bin")
    with pytest.raises(SourceError, match=r"course\.outbox .* start the connector again"):
        snapshot_changes(locale, {"course": locale}, [table], statements)
