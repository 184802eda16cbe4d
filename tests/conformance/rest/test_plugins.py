"""Plugins, and what can be configured of them."""

import pytest

from tests.conformance.rest.differences import JAVA_CLASSES, PLUGINS, SEMICOLON
from tests.conformance.rest.exchange import get

COMPARED = ("name", "type", "required", "default_value", "importance")
"""Members of an option that decide what it does, not how it is told of."""

KNOWN = {
    # Debezium declares them as optional and refuses a configuration without them all the same.
    ("topic.prefix", "database.hostname", "database.user", "database.server.id"): {"required"},
    # A regular expression may have a comma, so that these are no lists to be cut at commas.
    tuple(f"{what}.{kind}.list" for what in ("database", "table", "column") for kind in ("include", "exclude")): {
        "type"
    },
}
"""Options of the connector, and in what they are not as Debezium's."""


def test_plugins(pair):
    pair.same(get("/connector-plugins"))
    pair.same(*(get(f"/connector-plugins?connectorsOnly={value}") for value in ("true", "TRUE")))
    queries = ("?connectorsOnly=false", "?connectorsOnly=", "?connectorsOnly", "?connectorsOnly=maybe")
    pair.differ(PLUGINS, *(get(f"/connector-plugins{query}") for query in queries))
    connect, headwater = pair.ask(get("/connector-plugins?connectorsOnly=false"))
    assert len(headwater.body) > 3
    assert [plugin for plugin in headwater.body if plugin not in connect.body] == []


def test_plugins_that_do_not_exist(pair):
    pair.same(*(get(f"/connector-plugins/{name}/config") for name in ("nothing", "MYSQLCONNECTOR", "%20", "%C3%BC")))
    pair.differ(SEMICOLON, get("/connector-plugins/a;b/config"))
    pair.differ(JAVA_CLASSES, get("/connector-plugins/java.lang.String/config"), connect=500, headwater=404)


@pytest.mark.parametrize("name", ["io.debezium.connector.mysql.MySqlConnector", "MySqlConnector", "MySql"])
def test_options_of_the_connector(pair, name):
    theirs, ours = options(pair, name)
    assert ours.keys() - theirs.keys() == {"database.allowPublicKeyRetrieval", "database.ssl.ca"}
    for option in ours.keys() & theirs.keys():
        different = {member for member in COMPARED if ours[option][member] != theirs[option][member]}
        assert (option, different) == (option, set().union(*(on for names, on in KNOWN.items() if option in names)))


@pytest.mark.parametrize(
    "name",
    [
        "org.apache.kafka.connect.json.JsonConverter",
        "JsonConverter",
        "Json",
        "org.apache.kafka.connect.storage.StringConverter",
        "StringConverter",
        "String",
        "org.apache.kafka.connect.storage.SimpleHeaderConverter",
    ],
)
def test_options_of_converters(pair, name):
    theirs, ours = options(pair, name)
    assert theirs.keys() - ours.keys() <= {"converter.type"}  # says whether it is for keys; here that is no option
    for option in ours:
        assert {member: ours[option][member] for member in COMPARED} == {
            member: theirs[option][member] for member in COMPARED
        }


def options(pair, plugin):
    """By name, what Kafka Connect and what Headwater tells of each option of a plugin."""
    request = get(f"/connector-plugins/{plugin}/config")
    connect, headwater = pair.ask(request)
    assert connect.status == headwater.status
    if connect.status != 200:
        pair.same(request)
        return {}, {}
    return tuple({option["name"]: option for option in answer.body} for answer in (connect, headwater))
