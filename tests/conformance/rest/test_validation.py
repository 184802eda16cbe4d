"""Validating configurations without creating a connector."""

import pytest

from tests.conformance.rest.connect_process import NOT_COMPARED
from tests.conformance.rest.differences import ALIASES, NO_VALUES, PRODUCER_OPTIONS, PRODUCER_VALUES
from tests.conformance.rest.exchange import get, put

MYSQL = "io.debezium.connector.mysql.MySqlConnector"
JSON = "org.apache.kafka.connect.json.JsonConverter"
PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"

CONNECTS_GROUPS = ("Common", "Transforms", "Predicates", "Error Handling", "Topic Creation", "Exactly Once Support")
"""The groups of options that all connectors have."""
OTHERS = {
    # other defaults: Headwater retries what Debezium leaves to Connect
    "errors.retry.delay.max.ms",
    "errors.max.retries",
    # Debezium has these among the connector's own options
    "errors.retry.delay.initial.ms",
    "event.converting.failure.handling.mode",
    # Connect has these for sinks only
    "errors.deadletterqueue.topic.name",
    "errors.deadletterqueue.topic.replication.factor",
    "errors.deadletterqueue.context.headers.enable",
    # versions apart
    "connector.plugin.version",
    "key.converter.plugin.version",
    "value.converter.plugin.version",
    "header.converter.plugin.version",
}
"""Options in those groups that are not the same, and why."""


def validation(config, plugin=MYSQL):
    return put(f"/connector-plugins/{plugin}/config/validate", config)


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"name": None},
        {"name": ""},
        {"name": "a\nb"},
        {"name": "ü 人"},
        {"tasks.max": "0"},
        {"tasks.max": 3},
        {"tasks.max": "many", "exactly.once.support": "some"},
        {"unknown": "a", "tasks.max": 2},
        {"unknown": None},
        {"key.converter": "nonsense"},
        {"key.converter": JSON, "key.converter.schemas.enable": "maybe"},
        {"value.converter": JSON, "value.converter.schemas.enable": "false"},
        {"config.action.reload": "some", "tasks.max.enforce": "some", "errors.retry.timeout": "some"},
        {"topic.prefix": "a b"},
        {"topic.prefix": None, "database.hostname": None},
        {"database.port": "many", "snapshot.mode": "some"},
        {"database.password": "wrong"},
        {"database.hostname": "nowhere.invalid"},
        {"table.include.list": "("},
        {"table.include.list": "a.b", "table.exclude.list": "a.c"},
        {"database.include.list": "a", "database.exclude.list": "b", "column.exclude.list": "a.b.c"},
        {"column.include.list": "a.b.c", "column.exclude.list": "a.b.d"},
    ],
    ids=str,
)
def test_configurations(pair, config, change):
    theirs, ours = infos(pair, {**config, "name": "x", **change})
    assert names_with_errors(theirs) == names_with_errors(ours)
    assert (theirs["error_count"] > 0) == (ours["error_count"] > 0)
    assert ours["name"] == theirs["name"]
    assert set(ours["groups"]) - set(theirs["groups"]) <= {"Warnings"}
    orders = [[group for group in each["groups"] if group in CONNECTS_GROUPS] for each in (theirs, ours)]
    assert orders[0] == orders[1]
    values = [
        {name: info["value"]["value"] for name, info in common(each).items() if not info["value"]["errors"]}
        for each in (theirs, ours)
    ]
    assert values[0] == values[1]
    definitions = [{name: defined(info) for name, info in common(each).items()} for each in (theirs, ours)]
    assert definitions[0] == definitions[1]


def test_recommended_converters(pair, config):
    theirs, ours = infos(pair, config)
    for option in ("key.converter", "value.converter", "header.converter"):
        few, many = (common(each)[option]["value"]["recommended_values"] for each in (ours, theirs))
        few = [name for name in few if name != NOT_COMPARED]
        assert len(few) >= 2
        # what two plugins bring, Connect names twice
        assert [name for name in dict.fromkeys(many) if name in few] == few


def test_classes_that_do_not_match(pair, config):
    plugins = ("nothing", "Connector", "%20", "java.lang.String", "JsonConverter", JSON, "mysqlconnector")
    pair.same(*(validation(config, plugin) for plugin in plugins))
    pair.same(*(validation({**config, "connector.class": name}) for name in ("nonsense", "", "java.lang.String")))
    pair.differ(ALIASES, validation(config, "mysql"), connect=400, headwater=200)
    pair.differ(ALIASES, validation({**config, "connector.class": "MySqlConnector"}), connect=400, headwater=200)


@pytest.mark.parametrize("plugin", ["MySqlConnector", "MySql", "Sql"])
def test_other_names_of_the_plugin(pair, config, plugin):
    theirs, ours = infos(pair, config, plugin)
    assert (theirs["name"], theirs["error_count"]) == (ours["name"], ours["error_count"])


def test_a_class_must_be_given(pair, config):
    pair.differ(
        NO_VALUES,
        *(validation(body) for body in ({}, {"name": "x"}, {"connector.class": None})),
        connect=500,
        headwater=400,
    )


def test_nothing_is_created(pair, config):
    infos(pair, {**config, "name": "x"})
    pair.same(get("/connectors"), get("/connectors/x"))


def test_options_of_the_connectors_own(pair, config):
    theirs, ours = (
        {info["value"]["name"]: info["value"] for info in body["configs"]}
        for body in infos(pair, {**config, "snapshot.mode": "some"})
    )
    assert (theirs["topic.prefix"]["value"], ours["topic.prefix"]["value"]) == (None, config["topic.prefix"])
    assert all("The 'snapshot.mode' value is invalid" in error for error in theirs["snapshot.mode"]["errors"])
    (error,) = ours["snapshot.mode"]["errors"]
    assert error.startswith("Invalid value some for configuration snapshot.mode: String must be one of")


def test_options_of_the_producer(pair, config):
    given = {
        "producer.override.linger.ms": "5",
        "producer.override.compression.type": "lz4",
        "producer.override.sasl.jaas.config": f'{PLAIN} required username="u" password="p";',
        "producer.override.lingerms": "5",
    }
    pair.differ(PRODUCER_OPTIONS, validation({**config, **given}))
    known, unknown = list(given)[:3], list(given)[3]
    theirs, ours = ({info["value"]["name"]: info for info in body["configs"]} for body in infos(pair, config | given))
    for name in known:
        assert ours[name]["value"] == theirs[name]["value"]
        members = ("name", "required", "group", "order_in_group", "width", "display_name", "dependents")
        few, many = (each[name]["definition"] for each in (ours, theirs))
        assert {member: few[member] for member in members} == {member: many[member] for member in members}
        assert (few["type"] == "PASSWORD") == (many["type"] == "PASSWORD")
    assert ours[unknown]["value"] == theirs[unknown]["value"]
    assert theirs[unknown]["definition"] is None
    assert "did you mean producer.override.linger.ms?" in ours[unknown]["definition"]["documentation"]


def test_values_that_the_producer_can_t_read(pair, config):
    request = validation({**config, "name": "x", "producer.override.linger.ms": "soon"})
    pair.differ(PRODUCER_VALUES, request, connect=500, headwater=200)
    _, ours = pair.ask(request)
    assert names_with_errors(ours.body) == {"producer.override.linger.ms"}


def infos(pair, config, plugin=MYSQL):
    """What Kafka Connect and what Headwater says of a configuration."""
    connect, headwater = pair.ask(validation(config, plugin))
    assert (connect.status, headwater.status) == (200, 200)
    assert connect.body.keys() == headwater.body.keys()
    return connect.body, headwater.body


def names_with_errors(body):
    return {info["value"]["name"] for info in body["configs"] if info["value"]["errors"]}


def common(body):
    """By name, what is said of options that all connectors have."""
    return {
        info["value"]["name"]: info
        for info in body["configs"]
        if info["definition"] and info["definition"]["group"] in CONNECTS_GROUPS and info["value"]["name"] not in OTHERS
    }


def defined(info):
    """Of an option's definition what decides its place in a form and its meaning."""
    members = ("type", "required", "default_value", "importance", "group", "width", "display_name", "dependents")
    return {member: info["definition"][member] for member in members}
