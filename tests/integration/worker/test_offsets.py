"""A connector's offsets over the REST API."""

import pytest

from tests.worker_process import wait_until


def stored(worker, config):
    """The offsets of the connector's log; those of deleted connectors of its name stay beside them."""
    partition = {"server": config["topic.prefix"]}
    entries = worker.request("GET", "/connectors/items/offsets").json()["offsets"]
    return [entry for entry in entries if entry["partition"] == partition]


def test_offsets_show_what_is_stored(worker, config, items, names):
    assert worker.request("GET", "/connectors/items/offsets").json() == {
        "error_code": 404,
        "message": "Connector items not found",
    }
    body = {"name": "items", "config": config, "initial_state": "STOPPED"}
    worker.request("POST", "/connectors", body)
    assert stored(worker, config) == []
    worker.request("PUT", "/connectors/items/resume")
    worker.wait_running("items")
    (first,) = stored(worker, config)
    items("a row")
    wait_until("the row's event", lambda: names() == ["a row"])
    worker.request("PUT", "/connectors/items/stop")
    (last,) = stored(worker, config)
    places = [(offset["file"], offset["pos"]) for offset in (first["offset"], last["offset"])]
    assert places[0] < places[1]


def test_a_connector_reads_again_from_an_offset_that_it_is_given(worker, config, items, names):
    worker.create("items", config)
    before = stored(worker, config)
    items("a row")
    wait_until("the row's event", lambda: names() == ["a row"])
    worker.request("PUT", "/connectors/items/stop")
    answer = worker.request("PATCH", "/connectors/items/offsets", {"offsets": before})
    assert answer.status_code == 200
    assert answer.json() == {"message": "The offsets for this connector have been altered successfully"}
    assert stored(worker, config) == before
    worker.request("PUT", "/connectors/items/resume")
    wait_until("the row's event once more", lambda: names() == ["a row", "a row"])


def test_a_connector_without_offsets_begins_anew(worker, config, items, names):
    worker.create("items", config)
    items("before")
    wait_until("the row's event", lambda: names() == ["before"])
    worker.request("PUT", "/connectors/items/stop")
    (entry,) = stored(worker, config)
    answer = worker.request("DELETE", "/connectors/items/offsets")
    assert answer.status_code == 200
    assert answer.json() == {"message": "The offsets for this connector have been reset successfully"}
    assert stored(worker, config) == []
    assert worker.request("DELETE", "/connectors/items/offsets").status_code == 200
    items("in between")
    worker.request("PUT", "/connectors/items/resume")
    worker.wait_running("items")
    items("after")
    wait_until("the last row's event", lambda: names() == ["before", "after"])
    worker.request("PUT", "/connectors/items/stop")
    worker.request("PATCH", "/connectors/items/offsets", {"offsets": [{**entry, "offset": None}]})
    assert stored(worker, config) == []


@pytest.mark.parametrize("state", ["RUNNING", "PAUSED"])
def test_offsets_are_changed_of_stopped_connectors_only(worker, config, state):
    worker.request("POST", "/connectors", {"name": "items", "config": config, "initial_state": state})
    offset = {"partition": {"server": config["topic.prefix"]}, "offset": {"file": "binlog.000001", "pos": 4}}
    for method, body in (("PATCH", {"offsets": [offset]}), ("DELETE", None)):
        answer = worker.request(method, "/connectors/items/offsets", body)
        assert answer.status_code == 400
        assert answer.json()["message"] == (
            "Connectors must be in the STOPPED state before their offsets can be modified. This can be done for the"
            " specified connector by issuing a 'PUT' request to the '/connectors/items/stop' endpoint"
        )
        missing = worker.request(method, "/connectors/nobody/offsets", body)
        assert (missing.status_code, missing.json()["message"]) == (404, "Connector nobody not found")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "Partitions / offsets need to be provided for an alter offsets request"),
        ({"offsets": []}, "Partitions / offsets need to be provided for an alter offsets request"),
        ({"offsets": 5}, "must be a JSON array"),
        ({"offset": []}, 'Unrecognized field "offset"'),
        ({"offsets": [5]}, "must be a JSON object with partition and offset"),
        ({"offsets": [{"offset": {"file": "f", "pos": 4}}]}, "must be a JSON object of strings"),
        ({"offsets": [{"partition": {"server": 1}, "offset": None}]}, "must be a JSON object of strings"),
        ({"offsets": [{"partition": {"server": "x"}, "offset": 5}]}, "must be a JSON object, or null"),
        ({"offsets": [{"partition": {"server": "x"}, "offset": {"file": "f", "pos": 4}}]}, "topic.prefix: {"),
        ({"offsets": [{"partition": {}, "offset": {"file": "f", "pos": 4.5}}]}, "4.5 is not a whole number"),
        ({"file": "f"}, "The offset must have pos"),
        ({"file": "", "pos": 4}, "The offset must have file"),
        ({"file": "f", "pos": -1}, "pos in the offset must be a number that is not negative"),
        ({"file": "f", "pos": "4"}, "pos in the offset must be a number"),
        ({"file": "f", "pos": True}, "pos in the offset must be a number"),
        ({"file": "f", "pos": 2**63}, "pos in the offset must be a string, a whole number"),
        ({"file": 5, "pos": 4}, "file in the offset must be a string"),
        ({"file": "f", "pos": 4, "gtids": "nonsense"}, "gtids in the offset is no GTID set"),
        ({"file": "f", "pos": 4, "more": {}}, "more in the offset must be a string"),
    ],
)
def test_offsets_that_are_refused_change_nothing(worker, config, body, message):
    worker.request("POST", "/connectors", {"name": "items", "config": config, "initial_state": "STOPPED"})
    good = {"partition": {"server": config["topic.prefix"]}, "offset": {"file": "binlog.000001", "pos": 4}}
    assert worker.request("PATCH", "/connectors/items/offsets", {"offsets": [good]}).status_code == 200
    if "file" in body:
        body = {"offsets": [{**good, "offset": {"file": "other", "pos": 4}}, {**good, "offset": body}]}
    answer = worker.request("PATCH", "/connectors/items/offsets", body)
    assert answer.status_code == 400
    assert message in answer.json()["message"]
    assert stored(worker, config) == [good]
