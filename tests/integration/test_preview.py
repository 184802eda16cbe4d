"""``headwater preview``, run as a user runs it."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from pymongo.database import Database
from sqlalchemy import Engine, text

Run = Callable[..., "subprocess.CompletedProcess[str]"]

TRANSFORMS = {
    "transforms": "unwrap,route,no",
    "transforms.unwrap.type": "ExtractNewRecordState",
    "transforms.unwrap.add.headers": "op",
    "transforms.route.type": "ContentBasedRouter",
    "transforms.route.language": "cel",
    "transforms.route.topic.expression": "value.total > 100.0 ? 'large' : null",
    "transforms.no.type": "io.debezium.transforms.Filter",
    "transforms.no.language": "cel",
    "transforms.no.condition": "value.name != 'nobody'",
}


@pytest.fixture
def preview(tmp_path: Path) -> Run:
    """Runs the command on a configuration."""

    def run(config: dict[str, Any], *arguments: str) -> subprocess.CompletedProcess[str]:
        file = tmp_path / "connector.json"
        file.write_text(json.dumps({"name": "orders", "config": config}))
        command = [sys.executable, "-m", "headwater", "preview", str(file), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    return run


@pytest.fixture
def config(mysql_url: sqlalchemy.URL, mysql_engine: Engine) -> dict[str, Any]:
    """A connector that captures a database with three rows of one table, and an empty one."""
    with mysql_engine.begin() as connection:
        connection.execute(
            text("CREATE TABLE orders (id INT PRIMARY KEY, name TEXT, total DECIMAL(9, 2), at DATETIME)")
        )
        connection.execute(text("CREATE TABLE nothing (id INT PRIMARY KEY)"))
        rows = "(1, 'Ada', 12.5, '2024-05-06 07:08:09'), (2, 'Bob', 1200, NULL), (3, 'nobody', 0, NULL)"
        connection.execute(text(f"INSERT INTO orders VALUES {rows}"))
    return {
        "connector.class": "mysql",
        "topic.prefix": "shop",
        "database.hostname": mysql_url.host,
        "database.port": mysql_url.port,
        "database.user": mysql_url.username,
        "database.password": mysql_url.password,
        "database.server.id": 184055,
        "database.include.list": mysql_engine.url.database,
        **TRANSFORMS,
    }


def test_each_transform_shows_what_it_made_of_a_row(preview: Run, config: dict[str, Any]) -> None:
    shown = preview(config, "--table", "orders", "--rows", "3", "--json")
    assert shown.returncode == 0, shown.stderr
    first, second, third = (row["stages"] for row in json.loads(shown.stdout))
    assert [stage["transform"] for stage in first] == [None, "unwrap", "route", "no"]
    assert first[0]["value"]["op"] == "c"
    assert first[0]["value"]["after"]["total"] == 12.5
    assert first[1]["value"] == {"id": 1, "name": "Ada", "total": 12.5, "at": 1714979289000}
    assert first[1]["headers"][-1] == {"name": "__op", "value": "c"}
    assert [stage["topic"].rpartition(".")[2] for stage in second] == ["orders", "orders", "large", "large"]
    assert [stage["dropped"] for stage in third] == [False, False, False, True]
    sizes = first[1]["bytes"]
    assert sizes["JSON"]["value"] == len('{"id":1,"name":"Ada","total":"BOI=","at":1714979289000}')
    assert sizes["Avro"]["value"] < sizes["JSON"]["value"] < sizes["JSON with schemas"]["value"]
    assert sizes["as configured"] == sizes["JSON with schemas"]


def test_a_delete_comes_with_its_tombstone(preview: Run, config: dict[str, Any]) -> None:
    shown = preview(config, "--table", "orders", "--operation", "delete", "--json")
    delete, tombstone = (row["stages"] for row in json.loads(shown.stdout))
    assert (delete[0]["value"]["before"]["id"], delete[0]["value"]["after"]) == (1, None)
    assert delete[1]["value"] is None
    assert [stage["dropped"] for stage in tombstone] == [False, True]


def test_people_see_what_changed_and_a_table_of_sizes(preview: Run, config: dict[str, Any]) -> None:
    shown = preview(config, "--table", f"{config['database.include.list']}.orders").stdout
    assert "before the transforms" in shown
    assert '▸ unwrap\n  value      {"id": 1, "name": "Ada", "total": 12.5, "at": 1714979289000}\n' in shown
    assert '  headers    + __op: "c"' in shown
    assert "▸ route\n  as it was\n" in shown
    assert "bytes, key + value" in shown


def test_a_transform_that_fails_says_why(preview: Run, config: dict[str, Any]) -> None:
    shown = preview({**config, "transforms.no.condition": "value.nam != ''"}, "--table", "orders")
    assert shown.returncode == 0, shown.stderr
    assert (
        "▸ no\n  transform no: the expression \"value.nam != ''\" gives nothing here: there is no 'nam'" in shown.stdout
    )


def test_a_table_that_is_not_captured_is_refused_with_those_that_are(preview: Run, config: dict[str, Any]) -> None:
    shown = preview(config, "--table", "customers")
    assert shown.returncode == 1
    assert "captures no table customers" in shown.stderr
    assert f"{config['database.include.list']}.orders" in shown.stderr
    assert "has no rows now" in preview(config, "--table", "nothing").stdout


def test_secrets_do_not_show(preview: Run, config: dict[str, Any]) -> None:
    shown = preview({**config, "database.password": "wrong-and-secret"}, "--table", "orders")
    assert shown.returncode == 1
    assert "Access denied" in shown.stderr
    assert "wrong-and-secret" not in shown.stderr


def test_documents_of_a_collection(preview: Run, mongodb_url: str, mongodb_database: Database[dict[str, Any]]) -> None:
    mongodb_database.orders.insert_many([{"_id": 2, "dish": "tea"}, {"_id": 1, "dish": "soup"}])
    config = {
        "connector.class": "mongodb",
        "topic.prefix": "food",
        "mongodb.connection.string": mongodb_url,
        "database.include.list": mongodb_database.name,
        "transforms": "name",
        "transforms.name.type": "RegexRouter",
        "transforms.name.regex": ".*",
        "transforms.name.replacement": "dishes",
    }
    shown = preview(config, "--table", "orders", "--rows", "1", "--json")
    assert shown.returncode == 0, shown.stderr
    ((before, behind),) = (row["stages"] for row in json.loads(shown.stdout))
    assert json.loads(before["value"]["after"]) == {"_id": 1, "dish": "soup"}
    assert behind["topic"] == "dishes"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A SQLite file with a table that is captured."""
    file = tmp_path / "shop.db"
    with contextlib.closing(sqlite3.connect(file)) as database, database:
        database.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, name TEXT)")
        database.execute("INSERT INTO orders VALUES (1, 'Ada'), (2, 'Bob')")
    command = [sys.executable, "-m", "headwater", "sqlite", "install", str(file), "orders"]
    subprocess.run(command, check=True, timeout=60, capture_output=True)
    return file


def test_rows_of_a_sqlite_file(preview: Run, shop: Path) -> None:
    config = {"connector.class": "sqlite", "topic.prefix": "shop", "database.file": str(shop)}
    shown = preview(config, "--table", "orders", "--operation", "snapshot", "--json")
    assert shown.returncode == 0, shown.stderr
    ((stage,),) = (row["stages"] for row in json.loads(shown.stdout))
    assert (stage["value"]["op"], stage["value"]["after"]) == ("r", {"id": 1, "name": "Ada"})


def test_a_file_of_headwater_run_is_understood_with_its_worker_section(tmp_path: Path, shop: Path) -> None:
    (tmp_path / "worker.properties").write_text("key.converter=json\nvalue.converter=json\n")
    toml = f"""
[worker]
key.converter = "string"
"value.converter" = "json"
"value.converter.schemas.enable" = false
[config]
connector.class = "sqlite"
topic.prefix = "shop"
database.file = '{shop}'
"""
    (tmp_path / "connector.toml").write_text(toml)
    command = [sys.executable, "-m", "headwater"]
    file, worker = str(tmp_path / "connector.toml"), str(tmp_path / "worker.properties")
    arguments = ["preview", file, "--table", "orders", "--worker", worker, "--json"]
    shown = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert shown.returncode == 0, shown.stderr
    sizes = json.loads(shown.stdout)[0]["stages"][0]["bytes"]
    assert sizes["as configured"]["value"] == sizes["JSON"]["value"]
    assert sizes["as configured"]["key"] == len("Struct{id=1}")
    for arguments in (["explain", file], ["schema", file, "--table", "orders", "--as", "dataclass"]):
        shown = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=60, check=False)
        assert shown.returncode == 0, shown.stderr
