"""`headwater run` and `headwater demo`, each as a process of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from headwater.sources.sqlite.installation import install
from tests.worker_process import wait_until

DEMO_SECONDS = 60
HEADWATER = [sys.executable, "-m", "headwater"]


@pytest.fixture
def database(tmp_path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(tmp_path / "shop.db", isolation_level=None)
    connection.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT)")
    connection.execute("INSERT INTO item VALUES (1, 'first')")
    install(connection)
    return connection


JSON: dict[str, Any] = {
    "name": "shop",
    "worker": {"bootstrap.servers": "OUT", "key.converter": "string", "offset.storage.file.filename": "STATE"},
    "config": {
        "connector.class": "sqlite",
        "topic.prefix": "s",
        "database.file": "FILE",
        "value.converter": "json",
        "value.converter.schemas.enable": False,
    },
}
TOML = """
name = "shop"
[worker]
bootstrap.servers = "OUT"
key.converter = "string"
offset.storage.file.filename = "STATE"
[config]
connector.class = "sqlite"
topic.prefix = "s"
database.file = "FILE"
"value.converter" = "json"
"value.converter.schemas.enable" = false
"""
DEBEZIUM_SERVER = """
debezium.sink.type=file
debezium.sink.file.path=PATH
debezium.source.connector.class=sqlite
debezium.source.offset.storage.file.filename=STATE
debezium.source.offset.flush.interval.ms=0
debezium.source.topic.prefix=s
debezium.source.database.file=FILE
debezium.format.key=simplestring
debezium.format.value=json
debezium.format.schemas.enable=false
debezium.api.enabled=true
quarkus.log.console.json=false
"""
PROPERTIES = """
name=shop
connector.class=sqlite
bootstrap.servers=OUT
offset.storage.file.filename=STATE
topic.prefix=s
database.file=FILE
key.converter=string
value.converter=json
value.converter.schemas.enable=false
"""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("c.json", json.dumps(JSON)),
        ("c.toml", TOML),
        ("application.properties", DEBEZIUM_SERVER),
        ("c.properties", PROPERTIES),
    ],
)
def test_run_delivers_until_it_is_told_to_stop_and_goes_on(
    database: sqlite3.Connection, tmp_path: Path, name: str, text: str
) -> None:
    out = tmp_path / "out.jsonl"
    for word, place in (
        ("OUT", f"file://{out}"),
        ("PATH", str(out)),
        ("STATE", str(tmp_path / "state.db")),
        ("FILE", str(tmp_path / "shop.db")),
    ):
        text = text.replace(word, place)
    (tmp_path / name).write_text(text)

    def events() -> list[tuple[str, int]]:
        lines = out.read_bytes().splitlines(keepends=True) if out.exists() else []
        found = [json.loads(line) for line in lines if line.endswith(b"\n")]
        assert {line["topic"] for line in found} <= {"s.shop.item"}
        return [(line["value"]["op"], line["value"]["after"]["id"]) for line in found]

    for number, expected in ((2, [("r", 1), ("c", 2)]), (3, [("r", 1), ("c", 2), ("c", 3)])):
        with subprocess.Popen([*HEADWATER, "run", tmp_path / name], stderr=subprocess.PIPE) as process:
            try:
                wait_until("what was there", lambda n=number: len(events()) >= n - 1 or process.poll() is not None)
                assert process.poll() is None, process.communicate()[1].decode()
                database.execute("INSERT INTO item VALUES (?, 'more')", (number,))
                wait_until("the new row", lambda n=number: len(events()) >= n)
            finally:
                process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
        assert events() == expected


def test_stdout_is_readable_by_the_next_program(database: sqlite3.Connection, tmp_path: Path) -> None:
    worker = {"bootstrap.servers": "stdout://json", "offset.storage.file.filename": str(tmp_path / "s.db")}
    connector = {**JSON["config"], "database.file": str(tmp_path / "shop.db"), "snapshot.mode": "initial_only"}
    (tmp_path / "c.json").write_text(json.dumps({"worker": worker, "config": connector}))
    assert first_line(tmp_path / "c.json")["value"]["after"] == {"id": 1, "name": "first"}


def first_line(file: Path) -> Any:
    """The first message that a connector prints."""
    with subprocess.Popen([*HEADWATER, "run", file], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        process.terminate()
        assert line, process.communicate()[1].decode()
    return json.loads(line)


def test_a_transform_in_a_file_is_found_by_the_worker_s_plugin_path(
    database: sqlite3.Connection, tmp_path: Path
) -> None:
    (tmp_path / "plugins").mkdir()
    plugin = """
from dataclasses import replace
def transform(record):
    return replace(record, topic="renamed")
"""
    (tmp_path / "plugins" / "rename.py").write_text(plugin)
    worker = {
        "bootstrap.servers": "stdout://json",
        "offset.storage.file.filename": str(tmp_path / "s.db"),
        "plugin.path": str(tmp_path / "plugins"),
    }
    transform = {"transforms": "own", "transforms.own.type": "rename"}
    connector = {**JSON["config"], **transform, "database.file": str(tmp_path / "shop.db")}
    (tmp_path / "c.json").write_text(json.dumps({"worker": worker, "config": connector}))
    assert first_line(tmp_path / "c.json")["topic"] == "renamed"


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("c.json", "[]", "must hold an object"),
        ("c.json", "{", "can't be read"),
        ("c.toml", "a = ", "can't be read"),
        ("c.ini", "", "must end in .json, .toml or .properties"),
        ("c.json", '{"config": {}, "wrong": 1}', "not wrong"),
        ("c.json", '{"config": "x"}', "config must hold an object"),
        (
            "c.json",
            '{"connector.class": "sqlite", "topic.prefix": "s", "database.file": "/s.db", "bootstrap.servers": "locl://t"}',
            "nothing is known by locl://",
        ),
        ("c.json", '{"connector.class": "sqlite"}', 'Missing required configuration "topic.prefix"'),
        ("c.properties", "debezium.source.x=y\ndebezium.sink.type=kinesis", "debezium.sink.type must be one of"),
        (
            "c.json",
            '{"connector.class": "sqlite", "topic.prefix": "s", "database.file": "/no.db", "bootstrap.servers": "stdout://"}',
            "there is no database file /no.db",
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_said_in_a_few_words(tmp_path: Path, name: str, text: str, words: str) -> None:
    (tmp_path / name).write_text(text)
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path)}
    command = [*HEADWATER, "run", tmp_path / name]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 1
    assert words in result.stderr
    assert "Traceback" not in result.stderr


def demo(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*HEADWATER, "demo", "--dir", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=DEMO_SECONDS, check=False)


def test_the_demo_prints_each_event_as_one_json_line_and_ends(tmp_path: Path) -> None:
    for start in (0, 6):
        result = demo(tmp_path / "state", "--once", "--json")
        assert result.returncode == 0, result.stderr
        lines = [json.loads(line) for line in result.stdout.splitlines()]
        assert [line["offset"] for line in lines] == list(range(start, start + 6))
        values = [line["value"] for line in lines]
        assert [value and value["op"] for value in values] == ["c", "d", None] * 2
        events = [value["after"]["type"] for value in values if value and value["op"] == "c"]
        assert events == ["CourseCreatedEvent", "CoursePostedEvent"]
        assert {value["source"]["connector"] for value in values if value} == {"sqlite"}


def test_a_demo_that_was_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    command = [*HEADWATER, "demo", "--json", "--dir", str(folder)]
    seen: list[int] = []
    for _ in range(3):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for shown, line in enumerate(process.stdout):
                if line.endswith("\n"):  # a kill may cut the last one
                    seen.append(json.loads(line)["offset"])
                if shown == 3:
                    process.kill()
    rest = demo(folder, "--once", "--json")
    assert rest.returncode == 0, rest.stderr
    seen += [json.loads(line)["offset"] for line in rest.stdout.splitlines()]
    assert set(seen) == set(range(max(seen) + 1)), "each one was shown"


def test_the_demo_for_people(tmp_path: Path) -> None:
    result = demo(tmp_path / "a folder?", "--once")
    assert result.returncode == 0, result.stderr
    assert len(re.findall(r"op +c \(create\)", result.stdout)) == 2
    assert "CoursePostedEvent" in result.stdout
