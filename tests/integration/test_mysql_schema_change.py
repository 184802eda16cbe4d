"""The schema changes of tables on a real MySQL: what the server says of them is enough to tell what Debezium tells."""

import json
from pathlib import Path
from typing import Any

import pymysql
import pytest
from sqlalchemy import URL

from headwater.sources.mysql.schema_change import SchemaChanges
from headwater.sources.mysql.server import read_tables

DATA = Path(__file__).parent.parent / "unit" / "data" / "mysql_schema_changes.json"
RECORDED_DATABASE = "schema_changes"


@pytest.fixture
def recorded(mysql_database: URL) -> dict[str, Any]:
    """The recording of Debezium's events, moved into the test's database."""
    return json.loads(DATA.read_text().replace(RECORDED_DATABASE, str(mysql_database.database)))


def test_server_tells_what_the_events_need(mysql_database, recorded):
    database = mysql_database.database
    charset, collation = recorded["databases"][database]
    connection = pymysql.connect(
        host=mysql_database.host,
        port=mysql_database.port or 3306,
        user=mysql_database.username,
        password=mysql_database.password or "",
        database=database,
        sql_mode="",  # some of the defaults are zero dates
    )
    with connection, connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {database} CHARSET {charset} COLLATE {collation}")
        names = [(table["database"], table["name"]) for table in recorded["tables"] if table["database"] == database]
        for table in recorded["tables"]:
            if table["database"] == database:
                cursor.execute(table["statement"])
        tables = read_tables(cursor, names)
        records = SchemaChanges("srv", ()).of_snapshot(cursor, [tables[name] for name in names], "binlog.000001", 4)

    parts = ("databaseName", "ddl", "tableChanges")
    told = [{part: record.value[part] for part in parts} for record in records[1:]]
    expected = [event["value"] for event in recorded["events"] if event["value"]["databaseName"] == database]
    assert told == [{part: value[part] for part in parts} for value in expected]
    assert records[0].value["ddl"].startswith("SET character_set_server=utf8mb4, collation_server=utf8mb4_")
