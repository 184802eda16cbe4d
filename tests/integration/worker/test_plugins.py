"""What the REST API tells of plugins."""

import pytest

MYSQL = "io.debezium.connector.mysql.MySqlConnector"
MONGODB = "io.debezium.connector.mongodb.MongoDbConnector"
SQLITE = "headwater.sources.sqlite.SqliteConnector"
JSON = "org.apache.kafka.connect.json.JsonConverter"


def test_connectors_are_listed_and_other_plugins_where_they_are_asked_for(worker):
    connectors = worker.request("GET", "/connector-plugins").json()
    assert {(plugin["class"], plugin["type"]) for plugin in connectors} == {
        (MYSQL, "source"),
        (MONGODB, "source"),
        (SQLITE, "source"),
    }
    assert worker.request("GET", "/connector-plugins?connectorsOnly=TRUE").json() == connectors
    every = worker.request("GET", "/connector-plugins?connectorsOnly=false").json()
    assert {(plugin["class"], plugin["type"]) for plugin in every} >= {
        (MYSQL, "source"),
        (MONGODB, "source"),
        (JSON, "converter"),
        (JSON, "header_converter"),
    }


@pytest.mark.parametrize("name", [MYSQL, "MySqlConnector", "mysql"])
def test_options_of_a_connector(worker, name):
    options = {option["name"]: option for option in worker.request("GET", f"/connector-plugins/{name}/config").json()}
    prefix = options["topic.prefix"]
    assert prefix.pop("documentation")
    assert prefix == {
        "name": "topic.prefix",
        "type": "STRING",
        "required": True,
        "default_value": None,
        "importance": "HIGH",
        "group": "MySQL",
        "order_in_group": 1,
        "width": "MEDIUM",
        "display_name": "Topic prefix",
        "dependents": [],
    }
    assert options["include.schema.changes"]["default_value"] == "true"
    assert options["connect.timeout.ms"]["default_value"] == "30000"
    assert options["database.password"]["type"] == "PASSWORD"


def test_options_of_a_converter(worker):
    options = {option["name"] for option in worker.request("GET", f"/connector-plugins/{JSON}/config").json()}
    assert "schemas.enable" in options


def test_a_plugin_that_there_is_not(worker):
    answer = worker.request("GET", "/connector-plugins/Nope/config")
    assert answer.status_code == 404
    assert answer.json() == {"error_code": 404, "message": "Unknown plugin Nope."}
