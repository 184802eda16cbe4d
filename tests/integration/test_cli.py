"""The `headwater` command, run as a user runs it."""

import json
import os
import pty
import subprocess
import sys

import pytest
from sqlalchemy import text

from headwater import __version__, compiled


def headwater(*arguments):
    command = [sys.executable, "-m", "headwater", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_version():
    assert headwater("version").stdout == f"headwater {__version__}\n{compiled.describe()}\n"


def test_help_lists_the_commands_and_shows_examples():
    shown = headwater("--help").stdout
    for part in ("worker", "explain", "version", "headwater worker connect-standalone.properties"):
        assert part in shown


@pytest.fixture
def connector_config(mysql_url, mysql_engine):
    with mysql_engine.begin() as connection:
        connection.execute(text("CREATE TABLE a (id INT PRIMARY KEY, name TEXT)"))
        connection.execute(text("CREATE TABLE b (id INT PRIMARY KEY)"))
        connection.execute(text("CREATE TABLE c (id INT PRIMARY KEY)"))
    database = mysql_engine.url.database
    return {
        "connector.class": "mysql",
        "topic.prefix": "shop",
        "database.hostname": mysql_url.host,
        "database.port": mysql_url.port,
        "database.user": mysql_url.username,
        "database.password": mysql_url.password,
        "database.server.id": 184054,
        "table.include.list": f"{database}.a,{database}.b",
    }


def test_explain_shows_references_in_place_of_what_they_stand_for(tmp_path, monkeypatch, connector_config):
    monkeypatch.setenv("EXPLAIN_PREFIX", "prefix-from-elsewhere")
    worker = tmp_path / "worker.properties"
    worker.write_text("config.providers=env\nconfig.providers.env.class=EnvVarConfigProvider\n")
    file = tmp_path / "connector.json"
    file.write_text(json.dumps({**connector_config, "topic.prefix": "${env:EXPLAIN_PREFIX}"}))
    shown = headwater("explain", file, "--worker", worker)
    assert shown.returncode == 0, shown.stderr
    assert "'${env:EXPLAIN_PREFIX}." in shown.stdout
    assert "prefix-from-elsewhere" not in shown.stdout


@pytest.mark.parametrize("bare", [True, False])
def test_explain_shows_the_functions_of_each_captured_table(tmp_path, mysql_engine, connector_config, bare):
    file = tmp_path / "connector.json"
    file.write_text(json.dumps(connector_config if bare else {"name": "shop", "config": connector_config}))
    shown = headwater("explain", file)
    assert shown.returncode == 0, shown.stderr
    titles = [line for line in shown.stdout.splitlines() if line.startswith("# ")]
    database = mysql_engine.url.database
    assert {title.split(":")[0] for title in titles} == {f"# {database}.a", f"# {database}.b"}
    assert shown.stdout.count("def rows(") == len(titles)
    assert f"'shop.{database}.a'" in shown.stdout
    compile(shown.stdout, "explained", "exec")


def test_explain_takes_converters_from_the_worker(tmp_path, connector_config):
    file, properties = tmp_path / "connector.json", tmp_path / "worker.properties"
    file.write_text(json.dumps(connector_config))
    properties.write_text("key.converter=StringConverter\nvalue.converter=json\n")
    assert headwater("explain", file).stdout != headwater("explain", file, "--worker", properties).stdout


def test_explain_registers_no_schemas(tmp_path, connector_config):
    nobody = "http://127.0.0.1:1"
    file, properties = tmp_path / "connector.json", tmp_path / "worker.properties"
    file.write_text(json.dumps(connector_config))
    properties.write_text(
        "".join(f"{part}.converter=avro\n{part}.converter.schema.registry.url={nobody}\n" for part in ("key", "value"))
    )
    shown = headwater("explain", file, "--worker", properties)
    assert shown.returncode == 0, shown.stderr
    assert "some_string" in shown.stdout


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "can't be read: Expecting property name"),
        ("[]", "must hold an object"),
        ('{"connector.class": "oracle"}', "which name matches oracle"),
        ('{"connector.class": "mysql"}', 'Missing required configuration "topic.prefix"'),
    ],
)
def test_explain_says_what_is_wrong_with_the_file(tmp_path, content, message):
    file = tmp_path / "connector.json"
    file.write_text(content)
    shown = headwater("explain", file)
    assert shown.returncode == 1
    assert message in shown.stderr


def test_explain_says_why_the_database_cannot_be_read(tmp_path, connector_config):
    file = tmp_path / "connector.json"
    file.write_text(json.dumps({**connector_config, "database.password": "wrong-and-secret"}))
    shown = headwater("explain", file)
    assert shown.returncode == 1
    assert "Access denied" in shown.stderr
    assert "Traceback" not in shown.stderr
    assert "wrong-and-secret" not in shown.stderr


def test_logs_are_readable_on_a_terminal(tmp_path):
    properties = tmp_path / "worker.properties"
    properties.write_text(f"listeners=http://127.0.0.1:0\noffset.storage.file.filename={tmp_path}/state.db\n")
    controller, terminal = pty.openpty()
    with subprocess.Popen([sys.executable, "-m", "headwater", "worker", properties], stderr=terminal) as worker:
        os.close(terminal)
        with os.fdopen(controller, "rb") as output:
            line = output.readline().decode()
            worker.terminate()
    assert "worker is starting" in line
    assert "\x1b[" in line
    assert not line.startswith("{")
    assert worker.returncode == 0


def test_an_environment_that_cannot_be_meant_is_refused(tmp_path, monkeypatch):
    file = tmp_path / "worker.properties"
    file.write_text("listeners=http://127.0.0.1:0\n")
    monkeypatch.setenv("CONNECT_LISTENERS", "https://127.0.0.1:0")
    monkeypatch.setenv("LOG_LEVEL", "LOUD")
    ended = headwater("worker", "--environment", file)
    assert ended.returncode == 1
    assert (
        "Invalid value LOUD for configuration log.level: String must be one of (case insensitive): ALL, TRACE"
        in ended.stderr
    )
    monkeypatch.setenv("LOG_LEVEL", "WARN")
    ended = headwater("worker", "--environment", file)
    assert ended.returncode == 1
    assert "Invalid value https://127.0.0.1:0 for configuration listeners" in ended.stderr
