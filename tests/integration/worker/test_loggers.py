"""Changing what the worker and its tasks write to their logs, while they run."""

import time

import pytest

from tests.worker_process import wait_until

MYSQL = "io.debezium.connector.mysql"


def set_level(worker, name, level, query=""):
    return worker.request("PUT", f"/admin/loggers/{name}{query}", {"level": level})


def level(worker, name):
    return worker.request("GET", f"/admin/loggers/{name}").json()


def debug_lines(worker, since=0):
    """(event, logger) of each line below INFO."""
    return [(line["event"], line["logger"]) for line in worker.log_entries()[since:] if line["level"] == "debug"]


def test_a_level_counts_at_once_in_the_worker_and_in_tasks_that_run_or_come(own_worker, config, items):
    worker = own_worker
    worker.create("items", config)
    assert debug_lines(worker) == []
    started = int(time.time() * 1000)
    changed = set_level(worker, "headwater.pipeline", "debug")
    assert (changed.status_code, changed.json()) == (200, ["headwater.pipeline"])
    shown = level(worker, "headwater.pipeline")
    assert shown["level"] == "DEBUG"
    assert started <= shown["last_modified"] <= time.time() * 1000
    assert level(worker, "headwater.plan") == {"level": "INFO", "last_modified": None}
    items("first")
    wait_until("the task's line", lambda: ("offset stored", "headwater.pipeline") in debug_lines(worker))

    worker.request("POST", "/connectors/items/restart?includeTasks=true")
    worker.wait_running("items")
    logged = len(worker.log_entries())
    items("second")
    wait_until("the new task's line", lambda: ("offset stored", "headwater.pipeline") in debug_lines(worker, logged))

    assert "headwater.pipeline" in set_level(worker, "headwater", "INFO").json()
    logged = len(worker.log_entries())
    set_level(worker, "headwater.rest", "DEBUG")
    worker.request("GET", "/connectors")
    wait_until("the worker's line", lambda: ("request", "headwater.rest.app") in debug_lines(worker, logged))
    assert {logger for _, logger in debug_lines(worker, logged)} == {"headwater.rest.app"}


def test_loggers_are_listed_and_a_level_is_inherited(own_worker):
    worker = own_worker
    before = worker.request("GET", "/admin/loggers").json()
    assert list(before) == sorted(before)
    assert before["root"] == before["headwater.worker.worker"] == {"level": "INFO", "last_modified": None}
    assert set_level(worker, "ROOT", "ERROR").json() == sorted(before)
    assert {shown["level"] for shown in worker.request("GET", "/admin/loggers").json().values()} == {"ERROR"}
    assert set_level(worker, "root", "ERROR").json() == []
    assert set_level(worker, "some.library", "OFF").json() == ["some.library"]
    assert level(worker, "some.library")["level"] == "OFF"


def test_names_of_kafkas_and_debeziums_loggers_stand_for_modules_that_do_the_same(own_worker):
    worker = own_worker
    assert level(worker, MYSQL) == {"level": "INFO", "last_modified": None}
    changed = set_level(worker, MYSQL, "TRACE").json()
    assert {MYSQL, "headwater.sources.mysql", "headwater.sources.mysql.source"} <= set(changed)
    assert all(name.startswith((MYSQL, "headwater.sources.mysql")) for name in changed)
    assert level(worker, "headwater.sources.mysql.binlog")["level"] == "TRACE"
    assert level(worker, f"{MYSQL}.MySqlConnectorTask")["level"] == "TRACE"
    set_level(worker, "org.apache.kafka.connect", "WARN")
    assert level(worker, MYSQL)["level"] == level(worker, "headwater.rest.app")["level"] == "WARN"


@pytest.mark.parametrize(
    ("name", "body", "status", "message"),
    [
        ("headwater", {"level": "loud"}, 404, "invalid log level 'loud'."),
        ("headwater", {"level": None}, 400, "Desired 'level' parameter was not specified in request."),
        ("headwater", {}, 400, "Desired 'level' parameter was not specified in request."),
        ("headwater", {"level": ["INFO"]}, 400, "level: the value must be a string, a number or a boolean"),
    ],
)
def test_levels_that_are_refused(worker, name, body, status, message):
    before = worker.request("GET", "/admin/loggers").json()
    answer = worker.request("PUT", f"/admin/loggers/{name}", body)
    assert answer.status_code == status
    assert answer.json() == {"error_code": status, "message": message}
    assert worker.request("GET", "/admin/loggers").json() == before


def test_a_logger_that_there_is_not(worker):
    answer = worker.request("GET", "/admin/loggers/nope")
    assert answer.status_code == 404
    assert answer.json() == {"error_code": 404, "message": "Logger nope not found."}


def test_the_whole_cluster_is_this_worker(worker):
    assert set_level(worker, "headwater", "INFO", "?scope=worker").status_code == 200
    answer = set_level(worker, "headwater", "INFO", "?scope=CLUSTER")
    assert (answer.status_code, answer.content) == (204, b"")
