"""Plugins, and what can be configured of them."""

import pytest

from tests.conformance.rest.connect_process import CONFLUENT_CONVERTERS, NOT_COMPARED
from tests.conformance.rest.differences import JAVA_CLASSES, PLUGINS, SEMICOLON
from tests.conformance.rest.exchange import get

COMPARED = ("name", "type", "required", "default_value", "importance")
"""Members of an option that decide what it does, not how it is told of."""

KNOWN = {
    # Debezium declares them as optional and refuses a configuration without them all the same.
    ("topic.prefix", "database.hostname", "database.user", "database.server.id"): {"required"},
    # A regular expression may have a comma, so that these are no lists to be cut at commas.
    ("skipped.operations", "snapshot.include.collection.list", "collection.include.list"): {"type"},
    tuple(f"{what}.{kind}.list" for what in ("database", "table", "column") for kind in ("include", "exclude")): {
        "type"
    },
    # Debezium takes any text here and finds out in the task; what is taken here is known.
    ("converters",): {"type", "importance", "default_value"},
    # It may hold a password.
    ("mongodb.connection.string",): {"type", "required"},
}
"""Options of connectors, and in what they are not as Debezium's."""
MYSQL = {"database.allowPublicKeyRetrieval", "database.ssl.ca"}
MONGODB = {
    *("capture.mode.full.update.type", "capture.scope", "capture.target", "cursor.pipeline", "cursor.pipeline.order"),
    *("cursor.oversize.handling.mode", "cursor.oversize.skip.threshold", "filters.match.mode"),
    *("topic.heartbeat.name", "topic.heartbeat.prefix", "topic.transaction"),
    *(f"mongodb.ssl.{store}{what}" for store in ("keystore", "truststore") for what in ("", ".password", ".type")),
}
"""Options that Debezium has not, or does not tell of."""
OWN_CONNECTOR = "headwater.sources.sqlite.SqliteConnector"
"""Debezium has none for SQLite."""
SCRIPTED = {(f"io.debezium.transforms.{name}", "transformation") for name in ("Filter", "ContentBasedRouter")}
"""Debezium has them in a module of its own, which this Connect is without."""


def test_plugins(pair):
    paths = ("", "?connectorsOnly=true", "?connectorsOnly=TRUE")
    queries = ("?connectorsOnly=false", "?connectorsOnly=", "?connectorsOnly", "?connectorsOnly=maybe")
    pair.differ(PLUGINS, *(get(f"/connector-plugins{query}") for query in (*paths, *queries)))
    connect, headwater = pair.ask(get("/connector-plugins"))
    shared = [plugin for plugin in headwater.body if plugin["class"] != OWN_CONNECTOR]
    assert [plugin for plugin in connect.body if plugin["type"] == "source"] == shared
    connect, headwater = pair.ask(get("/connector-plugins?connectorsOnly=false"))
    assert len(headwater.body) > 3
    theirs, ours = ({(plugin["class"], plugin["type"]) for plugin in each.body} for each in (connect, headwater))
    assert ours - theirs == {(NOT_COMPARED, "converter"), (OWN_CONNECTOR, "source"), *SCRIPTED}
    unversioned = {plugin["class"] for plugin in connect.body if "version" not in plugin}
    assert unversioned == CONFLUENT_CONVERTERS.keys()  # those of this version do not say


def test_plugins_that_do_not_exist(pair):
    pair.same(*(get(f"/connector-plugins/{name}/config") for name in ("nothing", "MYSQLCONNECTOR", "%20", "%C3%BC")))
    pair.differ(SEMICOLON, get("/connector-plugins/a;b/config"))
    pair.differ(JAVA_CLASSES, get("/connector-plugins/java.lang.String/config"), connect=500, headwater=404)


@pytest.mark.parametrize(
    ("name", "of_our_own"),
    [
        ("io.debezium.connector.mysql.MySqlConnector", MYSQL),
        ("MySqlConnector", MYSQL),
        ("MySql", MYSQL),
        ("io.debezium.connector.mongodb.MongoDbConnector", MONGODB),
    ],
)
def test_options_of_the_connector(pair, name, of_our_own):
    theirs, ours = options(pair, name)
    assert ours.keys() - theirs.keys() == of_our_own
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
