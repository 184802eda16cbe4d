"""The life of connectors that run: their states, their tasks, and what is shown of them."""

import pytest

from tests.conformance.rest.differences import OFFSETS_MESSAGE
from tests.conformance.rest.exchange import delete, get, patch, post, put

CONNECTOR = "/connectors/items"
SHOWN = ("", "/config", "/status", "/tasks", "/tasks/0/status", "/tasks/1/status")


@pytest.fixture
def running(pair, config):
    """A running connector; gives its configuration."""
    pair.same(post("/connectors", {"name": "items", "config": config}))
    pair.wait("items", "RUNNING", ["RUNNING"])
    return config


def shown(pair):
    """All that is to be seen of the connector."""
    pair.same(*(get(CONNECTOR + below) for below in SHOWN))
    pair.same(
        *(get(f"/connectors{query}") for query in ("", "?expand=info", "?expand=status", "?expand=info&expand=status"))
    )
    pair.same(*(get(f"/connectors?expand={value}") for value in ("", "nonsense", "info&expand=info&expand=nonsense")))


def test_from_creation_to_deletion(pair, config):
    pair.same(post("/connectors", {"name": "items", "config": config}))
    pair.wait("items", "RUNNING", ["RUNNING"])
    shown(pair)
    pair.same(post("/connectors", {"name": "items", "config": config}), put(f"{CONNECTOR}/resume"))
    pair.same(put(f"{CONNECTOR}/pause"))
    pair.wait("items", "PAUSED", ["PAUSED"])
    shown(pair)
    pair.same(put(f"{CONNECTOR}/pause"), put(f"{CONNECTOR}/resume"))
    pair.wait("items", "RUNNING", ["RUNNING"])
    shown(pair)
    pair.same(put(f"{CONNECTOR}/stop"))
    pair.wait("items", "STOPPED", [])
    shown(pair)
    pair.same(put(f"{CONNECTOR}/stop"), put(f"{CONNECTOR}/pause"))
    pair.wait("items", "PAUSED", [])
    shown(pair)
    pair.same(put(f"{CONNECTOR}/stop"))
    pair.wait("items", "STOPPED", [])
    pair.same(delete(CONNECTOR), delete(CONNECTOR), *(get(CONNECTOR + below) for below in SHOWN), get("/connectors"))


def test_restarts(pair, running):
    pair.same(post(f"{CONNECTOR}/restart"))
    pair.wait("items", "RUNNING", ["RUNNING"])
    pair.same(
        *(post(f"{CONNECTOR}/restart?{query}") for query in ("onlyFailed=true", "includeTasks=true&onlyFailed=true"))
    )
    pair.same(post(f"{CONNECTOR}/restart?includeTasks=TRUE&onlyFailed=false"))
    pair.wait("items", "RUNNING", ["RUNNING"])
    pair.same(post(f"{CONNECTOR}/tasks/0/restart"))
    pair.wait("items", "RUNNING", ["RUNNING"])
    shown(pair)


def test_a_new_configuration_restarts(pair, running):
    pair.same(put(f"{CONNECTOR}/config", {**running, "tombstones.on.delete": "false"}))
    pair.wait("items", "RUNNING", ["RUNNING"])
    pair.same(patch(f"{CONNECTOR}/config", {"tombstones.on.delete": None}))
    pair.wait("items", "RUNNING", ["RUNNING"])
    shown(pair)
    pair.same(delete(CONNECTOR), get(CONNECTOR))


def test_flags_of_a_restart(pair, config):
    pair.same(post("/connectors", {"name": "items", "config": config, "initial_state": "STOPPED"}))
    queries = (
        "includeTasks",
        "includeTasks=",
        "includeTasks=maybe",
        "onlyFailed=1",
        "onlyFailed=yes",
        "includetasks=true",
    )
    pair.same(*(post(f"{CONNECTOR}/restart?{query}") for query in queries))
    pair.same(
        *(
            post(f"{CONNECTOR}/restart?{query}")
            for query in ("includeTasks=true", "onlyFailed=True", "onlyFailed=TRUE&includeTasks=true")
        )
    )
    pair.wait("items", "STOPPED", [])
    shown(pair)


def test_tasks_that_do_not_exist(pair, config):
    pair.same(post("/connectors", {"name": "items", "config": config, "initial_state": "STOPPED"}))
    for number in ("0", "1", "-1", "x", "1.5", "99999999999"):
        pair.same(get(f"{CONNECTOR}/tasks/{number}/status"), post(f"{CONNECTOR}/tasks/{number}/restart"))


def test_a_task_that_failed(pair, config):
    """The log that the connector is to go on from is not there."""
    place = {"partition": {"server": config["topic.prefix"]}, "offset": {"file": "binlog.999999", "pos": 4}}
    pair.same(post("/connectors", {"name": "items", "config": config, "initial_state": "STOPPED"}))
    pair.differ(OFFSETS_MESSAGE, patch(f"{CONNECTOR}/offsets", {"offsets": [place]}))
    pair.same(put(f"{CONNECTOR}/resume"))
    pair.wait("items", "RUNNING", ["FAILED"])
    shown(pair)
    pair.same(put(f"{CONNECTOR}/pause"))
    pair.wait("items", "PAUSED", ["FAILED"])
    shown(pair)
    pair.same(put(f"{CONNECTOR}/resume"))
    pair.wait("items", "RUNNING", ["FAILED"])
    pair.same(
        post(f"{CONNECTOR}/restart?onlyFailed=true"), post(f"{CONNECTOR}/restart?onlyFailed=true&includeTasks=true")
    )
    pair.wait("items", "RUNNING", ["FAILED"])
    shown(pair)
    pair.same(put(f"{CONNECTOR}/stop"))
    pair.wait("items", "STOPPED", [])
    shown(pair)
