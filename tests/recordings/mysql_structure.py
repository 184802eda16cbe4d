"""What MySQL and Debezium say of the tables in mysql_structure.sql; unit tests read it from mysql_structure.jsonl.

    MYSQL_URL=… python -m tests.recordings.mysql_structure

records it anew, by hand, when a table is added.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pymysql.cursors import Cursor
from sqlalchemy import URL, make_url

from headwater.sources.mysql.server import Charsets, read_charsets, read_tables
from headwater.sources.mysql.table import Column, Table
from tests.conformance.reference import Engine, ReferenceRecord
from tests.integration.mysql_log import connect, table_map
from tests.mysql_settings import row_metadata

STATEMENTS = Path(__file__).with_suffix(".sql").read_text().split(";\n")
RECORDING = Path(__file__).with_suffix(".jsonl")
DATABASE = "recorded"
MODES = ("precise", "string", "double")


@dataclass(frozen=True)
class Recorded:
    """One table.

    ``structure``  what `read_tables` read from the server
    ``full``       TABLE_MAP's body with binlog_row_metadata=FULL
    ``minimal``    and with MINIMAL
    ``debezium``   by decimal.handling.mode the schemas, as JsonConverter writes them, of ``key`` and ``row``
    """

    structure: Table
    full: bytes
    minimal: bytes
    debezium: dict[str, dict[str, Any]]


@cache
def charsets() -> Charsets:
    """The recorded server's character sets."""
    document = json.loads(RECORDING.read_text().splitlines()[0])
    by_collation = {int(number): charset for number, charset in document["by_collation"].items()}
    return Charsets(by_collation, document["widths"])


@cache
def recorded() -> dict[str, Recorded]:
    """Every recorded table by its name."""
    documents = [json.loads(line) for line in RECORDING.read_text().splitlines()[1:]]
    return {document["structure"]["name"]: _recorded(document) for document in documents}


def _recorded(document: dict[str, Any]) -> Recorded:
    stored = document["structure"]
    columns = tuple(Column(**{**column, "values": tuple(column["values"])}) for column in stored["columns"])
    key, primary_key = tuple(stored["key"]), tuple(stored["primary_key"])
    structure = Table(**{**stored, "columns": columns, "key": key, "primary_key": primary_key})
    bodies = document["table_map"]
    full, minimal = (bytes.fromhex(bodies[metadata]) for metadata in ("FULL", "MINIMAL"))
    return Recorded(structure, full, minimal, document["debezium"])


def record(url: URL) -> list[dict[str, Any]]:
    """The recording's lines: the character sets, then every table."""
    with connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {DATABASE}")
        cursor.execute(f"CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4")
        connection.select_db(DATABASE)
        for statement in STATEMENTS:
            cursor.execute(statement)
        tables = dict(from_mysql(url.set(database=DATABASE), cursor))
        for mode in MODES:
            for record in from_debezium(url, mode):
                value, key = json.loads(record.value or b""), json.loads(record.key or b"{}")
                after = next(field for field in value["schema"]["fields"] if field["field"] == "after")
                tables[record.topic.rpartition(".")[2]]["debezium"][mode] = {"key": key.get("schema"), "row": after}
        cursor.execute(f"DROP DATABASE {DATABASE}")
        return [asdict(read_charsets(cursor)), *tables.values()]


def from_mysql(url: URL, cursor: Cursor) -> Iterator[tuple[str, dict[str, Any]]]:
    cursor.execute("SHOW TABLES")
    names = [row[0] for row in cursor.fetchall()]
    structures = read_tables(cursor, [(DATABASE, name) for name in names])
    for name in names:
        bodies = {}
        for metadata in ("FULL", "MINIMAL"):
            with row_metadata(cursor, metadata):
                bodies[metadata] = table_map(url, cursor, f"INSERT INTO {name} () VALUES ()").hex()
            cursor.execute(f"DELETE FROM {name}")
        cursor.execute(f"INSERT INTO {name} () VALUES ()")
        yield name, {"table_map": bodies, "structure": asdict(structures[DATABASE, name]), "debezium": {}}


def from_debezium(url: URL, mode: str) -> list[ReferenceRecord]:
    config = {
        "connector.class": "io.debezium.connector.mysql.MySqlConnector",
        "topic.prefix": "x",
        "database.hostname": url.host or "",
        "database.port": str(url.port),
        "database.user": url.username or "",
        "database.password": url.password or "",
        "database.server.id": "4711",
        "database.include.list": DATABASE,
        "driver.allowPublicKeyRetrieval": "true",
        "include.schema.changes": "false",
        "decimal.handling.mode": mode,
    }
    with Engine(config) as engine:
        return engine.until_streaming()


if __name__ == "__main__":
    lines = record(make_url(os.environ["MYSQL_URL"]))
    RECORDING.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
