"""References to secrets in connectors' configurations, on a worker with config providers."""

import contextlib
import sqlite3

import pytest
from sqlalchemy import text

from tests.worker_process import WorkerProcess, wait_until

USER = "cdc_reader"


@pytest.fixture
def secrets(tmp_path, mysql_url):
    """A directory of secrets: a properties file for who signs in and where, and a file for each password."""
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "db.properties").write_text(
        f"host={mysql_url.host}\nport={mysql_url.port}\nuser={USER}\nword=no-number-1\nshort=the\n"
    )
    (folder / "password").write_text("first-Passw0rd")
    return folder


@pytest.fixture
def reader(mysql_engine, secrets):
    """The user in the secrets; gives a function that changes its password in the server."""

    def change(password):
        with mysql_engine.begin() as connection:
            connection.execute(text(f"ALTER USER {USER} IDENTIFIED BY :password"), {"password": password})

    with mysql_engine.begin() as connection:
        password = (secrets / "password").read_text()
        connection.execute(text(f"CREATE USER {USER} IDENTIFIED BY :password"), {"password": password})
        connection.execute(
            text(f"GRANT SELECT, RELOAD, REPLICATION SLAVE, REPLICATION CLIENT, SHOW DATABASES ON *.* TO {USER}")
        )
    yield change
    with mysql_engine.begin() as connection:
        connection.execute(text(f"DROP USER {USER}"))


@pytest.fixture
def referring(config, secrets, reader):
    """The connector's configuration, whose user and password are elsewhere."""
    file = secrets / "db.properties"
    return {
        **config,
        "database.hostname": f"${{file:{file}:host}}",
        "database.port": f"${{file:{file}:port}}",
        "database.user": f"${{file:{file}:user}}",
        "database.password": f"${{dir:{secrets}:password}}",
        "value.converter": "${env:HEADWATER_TEST_CONVERTER}",
    }


@pytest.fixture
def worker(tmp_path, kafka_bootstrap, secrets, monkeypatch):
    monkeypatch.setenv("HEADWATER_TEST_CONVERTER", "org.apache.kafka.connect.json.JsonConverter")
    monkeypatch.setenv("HEADWATER_TEST_BROKERS", kafka_bootstrap)
    package = "org.apache.kafka.common.config.provider"
    providers = {
        "config.providers": "env,file,dir",
        "config.providers.env.class": f"{package}.EnvVarConfigProvider",
        "config.providers.env.param.allowlist.pattern": "HEADWATER_TEST_.*",
        "config.providers.file.class": f"{package}.FileConfigProvider",
        "config.providers.file.param.allowed.paths": str(secrets),
        "config.providers.dir.class": "DirectoryConfigProvider",
        "config.providers.dir.param.allowed.paths": str(secrets),
    }
    with WorkerProcess(tmp_path, "${env:HEADWATER_TEST_BROKERS}", **providers) as worker:
        yield worker


def everything_written(worker):
    """All that the worker keeps and tells."""
    worker_log = worker.log.read_text()
    with contextlib.closing(sqlite3.connect(f"file:{worker.state_file}?mode=ro", uri=True)) as database:
        return worker_log + "\n".join(database.iterdump())


def test_what_references_stand_for_is_used_and_not_written(
    worker, referring, items, names, secrets, reader, kafka_bootstrap
):
    worker.create("items", referring)
    items("before")
    wait_until("the first row's event", lambda: names() == ["before"])
    shown = worker.request("GET", "/connectors/items/config").json()
    assert shown == {**referring, "name": "items"}
    assert worker.request("GET", "/connectors/items/tasks").json()[0]["config"].items() >= referring.items()

    # what was shown can be sent back, and changes nothing
    assert worker.request("PUT", "/connectors/items/config", shown).status_code == 200

    # a password that was exchanged counts when the task starts again
    reader("second-Passw0rd")
    worker.request("POST", "/connectors/items/tasks/0/restart")
    failed = worker.wait_for_state("items", "FAILED")
    assert "Access denied" in failed["trace"]
    assert f"${{file:{secrets / 'db.properties'}:user}}" in failed["trace"]
    (secrets / "password").write_text("second-Passw0rd")
    items("after")
    worker.request("POST", "/connectors/items/tasks/0/restart")
    worker.wait_running("items")
    wait_until("the second row's event", lambda: names() == ["before", "after"])

    written = everything_written(worker) + failed["trace"]
    for secret in ("first-Passw0rd", "second-Passw0rd", USER, kafka_bootstrap):
        assert secret not in written
    assert 'bootstrap_servers": "${env:HEADWATER_TEST_BROKERS}' in written


@pytest.mark.parametrize(
    ("option", "reference", "reason"),
    [
        ("database.port", "${{file:{0}/db.properties:word}}", "Not a number of type INT"),
        ("database.user", "${{file:{0}/db.properties:nobody}}", "has no entry 'nobody'"),
        ("database.user", "${{file:{0}/../worker.properties:listeners}}", "is not within the provider's allowed.paths"),
        ("database.user", "${{file:/proc/self/environ:PATH}}", "is not within the provider's allowed.paths"),
        ("database.password", "${{dir:{0}/..:worker.properties}}", "is not within the provider's allowed.paths"),
        ("database.password", "${{dir:{0}:../worker.properties}}", "is not the name of a file"),
        ("database.password", "${{env:PATH}}", "the provider's allowlist.pattern does not match"),
        ("value.converter", "${{env:HEADWATER_TEST_BROKERS}}", "could not be found. There are: org.apache"),
        ("producer.override.acks", "${{env:HEADWATER_TEST_BROKERS}}", "producer.override.acks"),
    ],
)
def test_a_reference_that_cannot_be_meant_is_refused(
    worker, referring, secrets, option, reference, reason, kafka_bootstrap
):
    reference = reference.format(secrets)
    answer = worker.request("POST", "/connectors", {"name": "items", "config": {**referring, option: reference}})
    assert answer.status_code == 400
    message = answer.json()["message"]
    assert option in message
    assert reference in message
    assert reason in message
    for secret in ("no-number-1", "first-Passw0rd", kafka_bootstrap):
        assert secret not in message + everything_written(worker)
    assert worker.request("GET", "/connectors").json() == []


@pytest.mark.parametrize(("text", "user"), [("{}", "the"), ("my{}", "mythe")])
def test_what_is_short_does_not_show_in_what_the_server_answers(worker, referring, secrets, text, user):
    reference = f"${{file:{secrets / 'db.properties'}:short}}"
    referring |= {"database.user": text.format(reference), "database.password": reference}
    worker.request("PUT", "/connectors/items/config", referring)
    failed = worker.wait_for_state("items", "FAILED")
    assert f"Access denied for user '{text.format(reference)}'@" in failed["trace"]
    assert f"'{user}'" not in everything_written(worker) + failed["trace"]
    assert "the task failed" in [entry["event"] for entry in worker.log_entries()]


def test_a_worker_without_providers_takes_references_as_text(own_worker, config):
    text_password = "${env:HOME}"
    answer = own_worker.request("PUT", "/connectors/items/config", {**config, "database.password": text_password})
    assert answer.json()["config"]["database.password"] == "[hidden]"
    failed = own_worker.wait_for_state("items", "FAILED")
    assert "Access denied" in failed["trace"]
    assert [entry["option"] for entry in own_worker.log_entries() if "stays text" in entry["event"]] == [
        "database.password"
    ]
