"""A connector's offsets over the REST API."""

from tests.worker_process import wait_until


def test_offsets_show_what_is_stored(worker, config, items, names):
    assert worker.request("GET", "/connectors/items/offsets").json() == {
        "error_code": 404,
        "message": "Connector items not found",
    }
    body = {"name": "items", "config": config, "initial_state": "STOPPED"}
    worker.request("POST", "/connectors", body)
    assert worker.request("GET", "/connectors/items/offsets").json() == {"offsets": []}
    worker.request("PUT", "/connectors/items/resume")
    worker.wait_running("items")
    (first,) = worker.request("GET", "/connectors/items/offsets").json()["offsets"]
    assert first["partition"] == {"server": config["topic.prefix"]}
    items("a row")
    wait_until("the row's event", lambda: names() == ["a row"])
    worker.request("PUT", "/connectors/items/stop")
    (last,) = worker.request("GET", "/connectors/items/offsets").json()["offsets"]
    assert last["partition"] == first["partition"]
    places = [(offset["file"], offset["pos"]) for offset in (first["offset"], last["offset"])]
    assert places[0] < places[1]
