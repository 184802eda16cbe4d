"""A client that others wrote for Kafka Connect takes a connector through its whole life.

The client is kafka-connect-py from PyPI. It has nothing for offsets: those requests are made by hand, between its own.
"""

import pytest
from kafka_connect import KafkaConnect
from requests import HTTPError

from tests.worker_process import wait_until


@pytest.fixture
def client(worker):
    return KafkaConnect(worker.url)


def state(client):
    """(the connector's state, those of its tasks)."""
    status = client.get_connector_status("items")
    return status["connector"]["state"], [task["state"] for task in status["tasks"]]


def wait_running(client):
    wait_until("the task to run", lambda: state(client) == ("RUNNING", ["RUNNING"]))


def test_a_connectors_whole_life(client, worker, config, items, names, mysql_engine):
    assert client.get_cluster_info()["kafka_cluster_id"]
    (mysql,) = [plugin for plugin in client.list_connector_plugins() if "MySql" in plugin["class"]]
    config |= {"name": "items", "connector.class": mysql["class"]}
    assert client.validate_connector_config("MySqlConnector", config)["error_count"] == 0
    assert client.validate_connector_config("MySqlConnector", config | {"database.port": "x"})["error_count"] == 1

    created = client.create_connector({"name": "items", "config": config})
    assert (created["name"], created["type"]) == ("items", "source")
    with pytest.raises(HTTPError, match="409"):
        client.create_connector({"name": "items", "config": config})
    wait_running(client)
    items("one")
    wait_until("the row's event", lambda: names() == ["one"])
    topic = f"{config['topic.prefix']}.{mysql_engine.url.database}.items"
    wait_until("its topic", lambda: client.list_connector_topics("items") == {"items": {"topics": [topic]}})
    client.reset_connector_topics("items")
    assert client.list_connectors() == ["items"]
    assert list(client.list_connectors(expand="status", state="running")) == ["items"]

    client.pause_connector("items")
    assert state(client) == ("PAUSED", ["PAUSED"])
    items("two")
    client.resume_connector("items")
    wait_running(client)
    wait_until("the row's event", lambda: names() == ["one", "two"])

    updated = client.update_connector("items", config | {"tombstones.on.delete": "false"})
    assert updated["config"]["tombstones.on.delete"] == "false"
    assert client.get_connector_config("items") == client.get_connector("items")["config"] == updated["config"]
    wait_running(client)
    (task,) = client.list_connector_tasks("items")
    assert task["id"] == {"connector": "items", "task": 0}
    client.restart_connector_task("items", 0)
    wait_running(client)
    assert client.restart_connector("items", include_tasks=True)["tasks"][0]["state"] == "RESTARTING"
    wait_running(client)
    assert client.get_connector_task_status("items", 0)["state"] == "RUNNING"
    items("three")
    wait_until("the row's event", lambda: names() == ["one", "two", "three"])

    client.stop_connector("items")
    assert state(client) == ("STOPPED", [])
    (stored,) = worker.request("GET", "/connectors/items/offsets").json()["offsets"]
    assert stored["partition"] == {"server": config["topic.prefix"]}
    items("four")
    assert worker.request("PATCH", "/connectors/items/offsets", {"offsets": [stored]}).status_code == 200
    client.resume_connector("items")
    wait_running(client)
    wait_until("the row's event", lambda: names() == ["one", "two", "three", "four"])
    client.stop_connector("items")
    assert worker.request("DELETE", "/connectors/items/offsets").status_code == 200

    client.delete_connector("items")
    assert client.list_connectors() == []
    with pytest.raises(HTTPError, match="404"):
        client.get_connector("items")
