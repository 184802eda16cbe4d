"""Pausing, stopping and restarting connectors and tasks over the REST API."""

import threading

import pytest

from tests.worker_process import wait_until


def states(worker, name="items"):
    """The connector's state, and its tasks'."""
    status = worker.request("GET", f"/connectors/{name}/status").json()
    return status["connector"]["state"], [task["state"] for task in status["tasks"]]


def test_a_paused_connector_delivers_later(worker, config, items, names):
    worker.create("items", config)
    items("before")
    paused = worker.request("PUT", "/connectors/items/pause")
    assert (paused.status_code, paused.content) == (202, b"")
    assert states(worker) == ("PAUSED", ["PAUSED"])
    assert worker.task_processes() == []
    assert worker.request("GET", "/connectors/items").json()["tasks"] == [{"connector": "items", "task": 0}]
    items("meanwhile")
    assert worker.request("PUT", "/connectors/items/pause").status_code == 202
    resumed = worker.request("PUT", "/connectors/items/resume")
    assert (resumed.status_code, resumed.content) == (202, b"")
    wait_until("both rows' events", lambda: names() == ["before", "meanwhile"])
    worker.wait_running("items")
    processes = worker.task_processes()
    assert worker.request("PUT", "/connectors/items/resume").status_code == 202
    assert (states(worker), worker.task_processes()) == (("RUNNING", ["RUNNING"]), processes)


def test_a_stopped_connector_has_no_tasks(worker, config, items, names):
    worker.create("items", config)
    stopped = worker.request("PUT", "/connectors/items/stop")
    assert (stopped.status_code, stopped.content) == (204, b"")
    assert states(worker) == ("STOPPED", [])
    assert worker.task_processes() == []
    assert worker.request("GET", "/connectors/items").json()["tasks"] == []
    assert worker.request("GET", "/connectors/items/tasks").json() == []
    assert worker.request("GET", "/connectors/items/tasks/0/status").status_code == 404
    assert worker.request("POST", "/connectors/items/tasks/0/restart").json()["message"] == "Task items-0 not found"
    items("meanwhile")
    worker.request("PUT", "/connectors/items/pause")
    assert states(worker) == ("PAUSED", [])
    worker.request("PUT", "/connectors/items/resume")
    wait_until("the row's event", lambda: names() == ["meanwhile"])


def test_changes_of_state_leave_no_gap_and_repeat_nothing(worker, config, items, names):
    worker.create("items", config)
    added, done = [], threading.Event()

    def add():
        while not done.is_set():
            items(str(len(added)))
            added.append(str(len(added)))

    adding = threading.Thread(target=add)
    adding.start()
    try:
        for method, path in (
            ("PUT", "pause"),
            ("PUT", "resume"),
            ("POST", "restart?includeTasks=true"),
            ("PUT", "stop"),
            ("PUT", "resume"),
            ("POST", "tasks/0/restart"),
        ):
            target = len(added) + 20
            wait_until("more rows", lambda target=target: len(added) >= target)
            assert worker.request(method, f"/connectors/items/{path}").status_code in (202, 204)
            if states(worker)[0] == "RUNNING":
                worker.wait_running("items")
    finally:
        done.set()
        adding.join()
    wait_until("all rows' events", lambda: len(names()) >= len(added))
    assert names() == added


@pytest.mark.parametrize(("action", "state"), [("pause", "PAUSED"), ("stop", "STOPPED")])
def test_a_state_survives_the_worker_and_a_new_configuration(own_worker, config, items, names, action, state):
    own_worker.create("items", config)
    own_worker.request("PUT", f"/connectors/items/{action}")
    left = states(own_worker)
    assert left[0] == state
    own_worker.kill()
    items("while down")
    own_worker.start()
    assert states(own_worker) == left
    own_worker.request("PATCH", "/connectors/items/config", {"errors.max.retries": "3"})
    assert states(own_worker) == left
    assert own_worker.task_processes() == []
    own_worker.request("PUT", "/connectors/items/resume")
    wait_until("the row's event", lambda: names() == ["while down"])


@pytest.mark.parametrize(
    ("initial_state", "state"), [("RUNNING", "RUNNING"), ("PAUSED", "PAUSED"), ("stopped", "STOPPED")]
)
def test_a_connector_begins_in_the_state_it_is_given(worker, config, items, names, initial_state, state):
    body = {"name": "items", "config": config, "initial_state": initial_state}
    created = worker.request("POST", "/connectors", body)
    tasks = [{"connector": "items", "task": 0}] if state == "RUNNING" else []
    assert (created.status_code, created.json()["tasks"]) == (201, tasks)
    if state == "RUNNING":
        worker.wait_running("items")
        return
    assert states(worker) == (state, [])
    assert worker.task_processes() == []
    worker.request("PUT", "/connectors/items/resume")
    worker.wait_running("items")
    items("resumed")
    wait_until("the row's event", lambda: names() == ["resumed"])


@pytest.mark.parametrize("initial_state", ["", "FOO", 5, ["PAUSED"]])
def test_no_other_state_can_be_the_first(worker, config, initial_state):
    body = {"name": "items", "config": config, "initial_state": initial_state}
    answer = worker.request("POST", "/connectors", body)
    assert answer.status_code == 400
    assert "initial_state: " in answer.json()["message"]
    assert worker.request("GET", "/connectors").json() == []


def test_tasks_show_their_configuration_and_status(worker, config):
    worker.create("items", config)
    (task,) = worker.request("GET", "/connectors/items/tasks").json()
    assert task == {
        "id": {"connector": "items", "task": 0},
        "config": {
            **config,
            "database.password": "[hidden]",
            "name": "items",
            "task.class": "io.debezium.connector.mysql.MySqlConnectorTask",
        },
    }
    assert worker.request("GET", "/connectors/items/tasks/0/status").json() == worker.task("items")


def test_a_restart_starts_the_tasks_it_is_asked_for(worker, config):
    worker.create("items", config)
    processes = worker.task_processes()
    status = worker.request("GET", "/connectors/items/status").json()

    only_connector = worker.request("POST", "/connectors/items/restart")
    assert (only_connector.status_code, only_connector.content) == (204, b"")
    for query in ("onlyFailed=true", "includeTasks=true&onlyFailed=true"):
        answer = worker.request("POST", f"/connectors/items/restart?{query}")
        assert (answer.status_code, answer.json()) == (202, status)
    assert worker.task_processes() == processes

    answer = worker.request("POST", "/connectors/items/restart?includeTasks=true")
    assert answer.status_code == 202
    for part in (status["connector"], *status["tasks"]):
        part["state"] = "RESTARTING"
    assert answer.json() == status
    worker.wait_running("items")
    restarted = worker.task_processes()
    assert restarted != processes

    answer = worker.request("POST", "/connectors/items/tasks/0/restart")
    assert (answer.status_code, answer.content) == (204, b"")
    worker.wait_running("items")
    assert worker.task_processes() != restarted


def test_only_a_restart_starts_a_failed_task_again(worker, config):
    body = {"name": "items", "config": {**config, "database.password": "wrong"}}
    worker.request("POST", "/connectors", body)
    worker.wait_for_state("items", "FAILED")
    worker.request("PUT", "/connectors/items/pause")
    assert states(worker) == ("PAUSED", ["FAILED"])
    worker.request("PUT", "/connectors/items/resume")
    assert states(worker) == ("RUNNING", ["FAILED"])
    answer = worker.request("POST", "/connectors/items/restart?includeTasks=true&onlyFailed=true").json()
    assert (answer["connector"]["state"], answer["tasks"][0]["state"]) == ("RUNNING", "RESTARTING")
    worker.wait_for_state("items", "FAILED")
    worker.request("PATCH", "/connectors/items/config", {"database.password": config["database.password"]})
    worker.wait_running("items")


def test_a_paused_task_that_is_restarted_stays_paused(worker, config):
    worker.create("items", config)
    worker.request("PUT", "/connectors/items/pause")
    worker.request("POST", "/connectors/items/restart?includeTasks=true")
    assert states(worker) == ("PAUSED", ["PAUSED"])
    worker.request("POST", "/connectors/items/tasks/0/restart")
    assert states(worker) == ("PAUSED", ["PAUSED"])
    assert worker.task_processes() == []


@pytest.mark.parametrize(
    ("method", "path", "message"),
    [
        ("PUT", "nobody/pause", "Unknown connector nobody"),
        ("PUT", "nobody/resume", "Unknown connector nobody"),
        ("PUT", "nobody/stop", "Unknown connector nobody"),
        ("POST", "nobody/restart?includeTasks=true", "Unknown connector: nobody"),
        ("GET", "nobody/tasks", "Connector nobody not found"),
        ("GET", "nobody/tasks/0/status", "No status found for task nobody-0"),
        ("POST", "nobody/tasks/0/restart", "Connector nobody not found"),
        ("GET", "items/tasks/1/status", "No status found for task items-1"),
        ("POST", "items/tasks/1/restart", "Task items-1 not found"),
        ("GET", "items/tasks/x/status", "HTTP 404 Not Found"),
        ("POST", "items/tasks/99999999999/restart", "HTTP 404 Not Found"),
    ],
)
def test_what_is_not_there_gets_404(worker, config, method, path, message):
    worker.request("POST", "/connectors", {"name": "items", "config": config, "initial_state": "STOPPED"})
    answer = worker.request(method, f"/connectors/{path}")
    assert answer.status_code == 404
    assert answer.json() == {"error_code": 404, "message": message}
