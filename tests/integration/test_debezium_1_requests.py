"""A team's requests to debezium/connect 1.4, as they stand in its write-up, sent to Headwater.

Only host, port, user and password are replaced, and the names that must be this test's own on shared servers. The
table is the one that the team's JPA entity makes; the messages are compared with the ones it printed.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymysql
import pytest
import sqlalchemy

from headwater import __version__
from tests.topic import read_topic, topic_names
from tests.worker_process import WorkerProcess

ENTITY_TABLE = """
    CREATE TABLE outbox (
        id VARCHAR(36) NOT NULL,
        aggregate_type VARCHAR(255) NOT NULL,
        aggregate_id VARCHAR(255) NOT NULL,
        type VARCHAR(255) NOT NULL,
        payload JSON NOT NULL,
        timestamp TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL,
        PRIMARY KEY (id)
    )
"""
PAYLOAD = (
    '{"name":"MSA 파헤치기","posted":true,"courseId":"bc32dd3f-2334-43d9-9493-71b538510efe",'
    '"teacherId":"7ead2ed1-77fa-4d70-bdfd-77e67c513bbd","thumbnail":"msa_course.jpeg",'
    '"description":"MSA의 모든 것을 가르쳐 드립니다.","registeredAt":1676458941000,"lastUpdatedAt":1676598812000}'
)
ROW = {
    "id": "33319dbb-358c-4f06-8e60-c82b81eab769",
    "aggregate_type": "Course",
    "aggregate_id": "bc32dd3f-2334-43d9-9493-71b538510efe",
    "type": "CoursePostedEvent",
    "payload": PAYLOAD,
    "timestamp": "2023-02-17T01:53:42Z",
}
ROW_FIELDS = [
    {"type": "string", "optional": False, "field": "id"},
    {"type": "string", "optional": False, "field": "aggregate_type"},
    {"type": "string", "optional": False, "field": "aggregate_id"},
    {"type": "string", "optional": False, "field": "type"},
    {"type": "string", "optional": False, "name": "io.debezium.data.Json", "version": 1, "field": "payload"},
    {
        "type": "string",
        "optional": False,
        "name": "io.debezium.time.ZonedTimestamp",
        "version": 1,
        "default": "1970-01-01T00:00:00Z",
        "field": "timestamp",
    },
]
ADDED_SINCE = {"sequence", "ts_us", "ts_ns"}
"""Fields of the envelope and of the source block that Debezium has gained since 1.4."""


@pytest.fixture
def course(row_metadata: str, mysql_database: sqlalchemy.URL) -> Iterator[pymysql.Connection[Any]]:
    """A connection to the write-up's database with its outbox table."""
    connection = pymysql.connect(
        host=mysql_database.host,
        port=mysql_database.port or 3306,
        user=mysql_database.username,
        password=mysql_database.password or "",
        database=mysql_database.database,
        autocommit=True,
    )
    with connection, connection.cursor() as cursor:
        cursor.execute("SET SESSION time_zone = '+00:00'")
        cursor.execute(ENTITY_TABLE)
        yield connection


@pytest.fixture
def connector(mysql_database: sqlalchemy.URL, kafka_bootstrap: str) -> dict[str, Any]:
    """The body of the write-up's POST /connectors."""
    database = str(mysql_database.database)
    return {
        "name": "outbox-connector",
        "config": {
            "connector.class": "io.debezium.connector.mysql.MySqlConnector",
            "tasks.max": "1",
            "database.hostname": str(mysql_database.host),
            "database.port": str(mysql_database.port),
            "database.user": str(mysql_database.username),
            "database.password": str(mysql_database.password),
            "database.server.id": str(uuid.uuid4().int % 2**31 + 1),
            "database.server.name": f"dbserver1_{database}",
            "table.include.list": f"{database}.outbox",
            "database.history.kafka.bootstrap.servers": kafka_bootstrap,
            "database.history.kafka.topic": f"{database}.outbox",
            "database.allowPublicKeyRetrieval": "true",
        },
    }


def test_the_team_s_requests_and_messages(
    course: pymysql.Connection[Any],
    mysql_database: sqlalchemy.URL,
    connector: dict[str, Any],
    kafka_bootstrap: str,
    tmp_path: Path,
) -> None:
    server, database = connector["config"]["database.server.name"], str(mysql_database.database)
    topic = f"{server}.{database}.outbox"
    with WorkerProcess(tmp_path, kafka_bootstrap) as worker:
        root = worker.request("GET", "/").json()
        assert set(root) == {"version", "commit", "kafka_cluster_id"}

        created = worker.request("POST", "/connectors", connector)
        assert created.status_code == 201
        hidden = {**connector["config"], "name": "outbox-connector", "database.password": "[hidden]"}
        tasks = [{"connector": "outbox-connector", "task": 0}]
        assert created.json() == {"name": "outbox-connector", "config": hidden, "tasks": tasks, "type": "source"}

        worker.wait_running("outbox-connector")
        assert worker.request("GET", "/connectors/", Accept="application/json").json() == ["outbox-connector"]
        info = worker.request("GET", "/connectors/outbox-connector", Accept="application/json")
        assert info.headers["Content-Type"].startswith("application/json")
        assert info.json() == {
            "name": "outbox-connector",
            "config": hidden,
            "tasks": [{"connector": "outbox-connector", "task": 0}],
            "type": "source",
        }

        with course.cursor() as cursor:
            course.begin()
            names, values = ", ".join(ROW), ", ".join(["%s"] * len(ROW))
            row = {**ROW, "timestamp": "2023-02-17 01:53:42"}
            cursor.execute(f"INSERT INTO outbox ({names}) VALUES ({values})", tuple(row.values()))
            cursor.execute("DELETE FROM outbox WHERE id = %s", (ROW["id"],))
            course.commit()
        create, delete, tombstone = read_topic(kafka_bootstrap, topic, lambda messages: len(messages) == 3)

        assert {server, topic} <= topic_names(kafka_bootstrap)
        assert "no history topic is written" in worker.log_text()
        assert worker.request("DELETE", "/connectors/outbox-connector").status_code == 204
        assert worker.request("GET", "/connectors/").json() == []

    expected_key = {
        "schema": {
            "type": "struct",
            "fields": [{"type": "string", "optional": False, "field": "id"}],
            "optional": False,
            "name": f"{topic}.Key",
        },
        "payload": {"id": ROW["id"]},
    }
    for message in (create, delete, tombstone):
        assert json.loads(message.key() or b"") == expected_key
    check_event(json.loads(create.value() or b""), server, database, op="c", before=None, after=ROW)
    check_event(json.loads(delete.value() or b""), server, database, op="d", before=ROW, after=None)
    assert tombstone.value() is None


def check_event(event: dict[str, Any], server: str, database: str, **expected: Any) -> None:
    """An event as the write-up prints it, field for field, but for what Debezium has added since."""
    check_schema(event["schema"], f"{server}.{database}.outbox")
    payload = event["payload"]
    assert list(payload) == ["before", "after", "source", "transaction", "op", "ts_ms", "ts_us", "ts_ns"]
    # MySQL keeps a JSON document's members in an order of its own, so the text is compared as a document
    for image in ("before", "after"):
        row, wanted = payload[image], expected[image]
        assert (row and {**row, "payload": json.loads(row["payload"])}) == (
            wanted and {**wanted, "payload": json.loads(PAYLOAD)}
        )
    assert payload["op"] == expected["op"]
    assert payload["transaction"] is None
    source = {name: value for name, value in payload["source"].items() if name not in ADDED_SINCE}
    assert list(source) == [
        *("version", "connector", "name", "ts_ms", "snapshot", "db", "table", "server_id"),
        *("gtid", "file", "pos", "row", "thread", "query"),
    ]
    known = {name: source[name] for name in ("version", "connector", "name", "snapshot", "db", "table", "row", "query")}
    assert known == {
        "version": __version__,
        "connector": "mysql",
        "name": server,
        "snapshot": "false",
        "db": database,
        "table": "outbox",
        "row": 0,
        "query": None,
    }
    assert source["file"].startswith("binlog.")
    assert source["pos"] > 0
    assert source["thread"] > 0


def check_schema(schema: dict[str, Any], topic: str) -> None:
    """The envelope's schema as the write-up prints it, with what Debezium has added since."""
    assert schema["name"] == f"{topic}.Envelope"
    fields = {field["field"]: field for field in schema["fields"]}
    for image in ("before", "after"):
        assert fields[image] == {
            "type": "struct",
            "fields": ROW_FIELDS,
            "optional": True,
            "name": f"{topic}.Value",
            "field": image,
        }
    assert fields["source"]["name"] == "io.debezium.connector.mysql.Source"
    assert fields["op"] == {"type": "string", "optional": False, "field": "op"}
    assert fields["ts_ms"] == {"type": "int64", "optional": True, "field": "ts_ms"}
