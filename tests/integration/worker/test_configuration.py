"""Changing a connector's configuration over the REST API."""

import pytest

from tests.worker_process import wait_until


def test_put_creates_a_connector_and_replaces_its_configuration(worker, config, items, names):
    created = worker.request("PUT", "/connectors/items/config", config)
    shown = {**config, "database.password": "[hidden]", "name": "items"}
    assert created.status_code == 201
    assert created.headers["location"] == f"{worker.url}/connectors/items"
    tasks = [{"connector": "items", "task": 0}]
    assert created.json() == {"name": "items", "config": shown, "tasks": tasks, "type": "source"}
    worker.wait_running("items")
    items("before")

    changed = worker.request("PUT", "/connectors/items/config", {**shown, "tombstones.on.delete": "false"})
    assert changed.status_code == 200
    shown["tombstones.on.delete"] = "false"
    task = {"connector": "items", "task": 0}
    assert changed.json() == {"name": "items", "config": shown, "tasks": [task], "type": "source"}
    assert worker.request("GET", "/connectors/items/config").json() == shown
    items("after")
    wait_until("both rows' events", lambda: names() == ["before", "after"])


def test_patch_merges_options_and_null_removes_one(worker, config, items, names):
    worker.create("items", {**config, "tombstones.on.delete": "false"})
    items("before")
    patch = {"tombstones.on.delete": None, "errors.max.retries": 3}
    patched = worker.request("PATCH", "/connectors/items/config", patch)
    shown = {**config, "database.password": "[hidden]", "name": "items", "errors.max.retries": "3"}
    assert patched.status_code == 200
    assert patched.json()["config"] == shown
    assert patched.json()["tasks"] == [{"connector": "items", "task": 0}]
    items("after")
    wait_until("both rows' events", lambda: names() == ["before", "after"])


def test_the_same_configuration_again_disturbs_nothing(worker, config):
    worker.create("items", config)
    processes = worker.task_processes()
    shown = worker.request("GET", "/connectors/items/config").json()
    assert worker.request("PUT", "/connectors/items/config", shown).status_code == 200
    assert worker.request("PATCH", "/connectors/items/config", {}).status_code == 200
    assert worker.task_processes() == processes


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_secret_is_not_sent_to_a_host_that_the_request_names(worker, config, method):
    worker.create("items", config)
    processes = worker.task_processes()
    shown = worker.request("GET", "/connectors/items/config").json()
    change = {"database.hostname": "elsewhere"}
    body = {**shown, **change} if method == "PUT" else change
    answer = worker.request(method, "/connectors/items/config", body)
    assert answer.status_code == 400
    assert "database.password must be given again, not as [hidden]" in answer.json()["message"]
    assert worker.request("GET", "/connectors/items/config").json() == shown
    assert worker.task_processes() == processes


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "message"),
    [
        ("PUT", "items", {"name": "other"}, 400, "(other) doesn't match connector name in the URL (items)"),
        ("PATCH", "items", {"name": "other"}, 400, "(other) doesn't match connector name in the URL (items)"),
        ("PATCH", "items", {"name": None}, 400, 'Missing required configuration "name"'),
        (
            "PATCH",
            "items",
            {"errors.max.retries": "many"},
            400,
            "Invalid value many for configuration errors.max.retries",
        ),
        ("PATCH", "items", {"topic.prefix": ["a"]}, 400, "topic.prefix: the value must be a string"),
        ("PUT", "items", {"topic.prefix": None}, 400, "Leave topic.prefix out"),
        ("PUT", "items", {}, 400, "contains no connector type"),
        ("PUT", "items", [], 400, "must be a JSON object"),
        ("PATCH", "nobody", {"a": "b"}, 404, "Connector nobody not found"),
    ],
)
def test_changes_that_are_refused(worker, config, method, path, body, status, message):
    worker.create("items", config)
    shown = worker.request("GET", "/connectors?expand=info").json()
    answer = worker.request(method, f"/connectors/{path}/config", body)
    assert (answer.status_code, answer.json()["error_code"]) == (status, status)
    assert message in answer.json()["message"]
    assert worker.request("GET", "/connectors?expand=info").json() == shown


def test_a_list_shows_what_it_is_asked_for(worker, config):
    assert worker.request("GET", "/connectors?expand=info").json() == {}
    worker.create("items", config)
    info = worker.request("GET", "/connectors/items").json()
    status = worker.request("GET", "/connectors/items/status").json()
    for query, shown in (
        ("expand=info", {"info": info}),
        ("expand=status", {"status": status}),
        ("expand=status&expand=info&expand=more", {"info": info, "status": status}),
        ("expand=more", {}),
        ("expand", {}),
    ):
        assert worker.request("GET", f"/connectors?{query}").json() == {"items": shown}
