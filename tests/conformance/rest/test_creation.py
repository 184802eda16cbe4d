"""Creating connectors, and all that is refused."""

import pytest

from tests.conformance.rest.differences import (
    BAD_BODY,
    CHECKED_FIRST,
    CONNECTION,
    EXACTLY_ONCE,
    JAVA_CLASSES,
    LONE_SURROGATE,
    NO_VALUES,
)
from tests.conformance.rest.exchange import delete, get, post, put

MYSQL = "io.debezium.connector.mysql.MySqlConnector"

NAMES = {
    "a b": "a%20b",
    " trimmed\t": "trimmed",
    "ünïcödé 人 🐘": "%C3%BCn%C3%AFc%C3%B6d%C3%A9%20%E4%BA%BA%20%F0%9F%90%98",
    "\u00a0": "%C2%A0",
    "a'b:c@d=e&f$g!h*i(j)k~l+m,n": "a'b:c@d=e&f$g!h*i(j)k~l+m,n",
    "semi;colon": "semi%3Bcolon",
    "what?": "what%3F",
    "#": "%23",
    '"quoted" <tag>': "%22quoted%22%20%3Ctag%3E",
    "..": "..",
    "connectors": "connectors",
}
"""Names of connectors, and how they stand in a path."""


def creation(config, name="x", **more):
    return post("/connectors", {"name": name, "config": config, **more})


@pytest.fixture(autouse=True)
def nothing_is_created(pair, request):
    """What is refused leaves nothing behind."""
    yield
    if "refused" in request.node.name:
        pair.same(get("/connectors"))


@pytest.mark.parametrize("name", NAMES)
def test_names(pair, config, name):
    path = f"/connectors/{NAMES[name]}"
    pair.same(creation(config, name, initial_state="STOPPED"), creation(config, name))
    pair.same(*(get(path + below) for below in ("", "/config", "/status", "/tasks", "/offsets")), get("/connectors"))
    pair.same(put(f"{path}/config", config), delete(path), delete(path))


@pytest.mark.parametrize("name", [None, "", "  ", "a\nb", "a\0b", "a\x7fb", "a\x85b"])
def test_names_that_are_refused(pair, config, name):
    pair.same(creation(config, name), creation({**config, "name": name}, name))


def test_the_name_stands_in_the_configuration_too(pair, config):
    pair.same(*(creation({**config, "name": name}, initial_state="STOPPED") for name in ("y", " x", "X", "", 5)))
    pair.same(
        creation({**config, "name": None}, initial_state="STOPPED"), get("/connectors/x"), delete("/connectors/x")
    )
    pair.same(creation({**config, "name": "x"}, initial_state="STOPPED"), get("/connectors/x"))
    pair.same(post("/connectors", {"config": {**config, "name": "z"}}), creation(config, 5, initial_state="STOPPED"))
    pair.same(creation(config, True, initial_state="STOPPED"), get("/connectors/true"), get("/connectors/5"))


def test_a_name_is_taken_once(pair, config):
    pair.same(creation(config, initial_state="STOPPED"), creation(config), creation({**config, "tasks.max": "2"}))
    pair.same(creation({**config, "tasks.max": "0"}), creation({"connector.class": "nonsense"}), get("/connectors"))
    pair.same(delete("/connectors/x"), creation(config, initial_state="STOPPED"))


@pytest.mark.parametrize("state", ["STOPPED", "stopped", "PAUSED", "Paused"])
def test_states_to_begin_with(pair, config, state):
    pair.same(creation(config, initial_state=state))
    pair.wait("x", state.upper(), [])
    pair.same(*(get(path) for path in ("/connectors/x", "/connectors/x/status", "/connectors/x/tasks")))


@pytest.mark.parametrize("state", ["FOO", "", 5, 99, True, ["PAUSED"], {}])
def test_other_states_are_refused(pair, config, state):
    pair.differ(BAD_BODY, creation(config, initial_state=state), connect=500, headwater=400)


def test_bodies_of_other_shapes_are_refused(pair, config):
    pair.differ(
        BAD_BODY,
        *(post("/connectors", body) for body in ({}, {"name": "x"}, {"name": "x", "config": None})),
        *(creation(other) for other in ([], "text", 5, True, {**config, "a": []}, {**config, "a": {}})),
        *(creation(config, name) for name in (["x"], {"x": 1})),
        creation(config, more=1),
        creation(config, Name="x"),
        connect=500,
        headwater=400,
    )
    pair.differ(LONE_SURROGATE, post("/connectors", b'{"name":"\\ud800","config":{}}'))


def test_values_are_taken_as_text(pair, config):
    more = {
        "int": 5,
        "float": 1.50,
        "exp": 1e100,
        "big": 2**80,
        "true": True,
        "text": " padded ",
        "empty": "",
        "ü": "人",
    }
    pair.same(creation({**config, **more, "tasks.max": 3}, initial_state="STOPPED"))
    pair.same(get("/connectors/x/config"))


def test_connector_classes_that_are_refused(pair):
    pair.same(*(creation({"connector.class": name}) for name in ("", " ", "nonsense", "java.lang.String")))
    pair.same(creation({"connector.class": "org.apache.kafka.connect.json.JsonConverter"}))
    pair.differ(NO_VALUES, creation({}), creation({"connector.class": None}), creation({"a": "b"}))


@pytest.mark.parametrize("option", ["topic.prefix", "database.hostname", "database.user", "database.server.id"])
def test_missing_options_are_refused(pair, config, option):
    pair.same(creation({name: value for name, value in config.items() if name != option}))


@pytest.mark.parametrize("name", [MYSQL, "MySqlConnector"])
def test_all_missing_options_are_refused_together(pair, name):
    pair.same(creation({"connector.class": name}))


@pytest.mark.parametrize(
    "change",
    [
        {"tasks.max": "0"},
        {"tasks.max": "-1"},
        {"tasks.max": "many"},
        {"tasks.max": 1.5},
        {"tasks.max": ""},
        {"tasks.max": "2147483648"},
        {"tasks.max": None},
        {"a": None},
        {"key.converter": "nonsense"},
        {"value.converter": ""},
        {"header.converter": "nonsense"},
        {"exactly.once.support": "some"},
        {"config.action.reload": "some"},
        {"tasks.max.enforce": "some"},
        {"errors.retry.timeout": "some"},
        {"errors.retry.delay.max.ms": "some"},
        {"errors.tolerance": "some"},
        {"errors.log.enable": "some"},
        {"transaction.boundary": "some"},
        {"transaction.boundary.interval.ms": "0"},
        {"offsets.storage.topic": " "},
        {"database.port": "many"},
        {"database.server.id": "many"},
        {"snapshot.mode": "some"},
        {"database.hostname": ""},
        {"topic.prefix": "a b"},
        {"topic.prefix": ""},
        {"topic.prefix": "ü"},
        {"table.include.list": "("},
        {"database.port": "x", "snapshot.mode": "y", "tasks.max": "z"},
    ],
    ids=str,
)
def test_values_that_are_refused(pair, config, change):
    pair.same(creation({**config, **change}), put("/connectors/x/config", {**config, **change}))


def test_a_converter_that_is_no_converter_is_refused(pair, config):
    pair.differ(JAVA_CLASSES, creation({**config, "value.converter": "java.lang.String"}))


def test_the_connection_is_tried_by_the_task(pair, config):
    change = {"database.password": "wrong"}
    pair.differ(CONNECTION, creation({**config, **change}, initial_state="STOPPED"), connect=400, headwater=201)


def test_what_connect_finds_out_when_the_task_starts(pair, config):
    pair.differ(
        CHECKED_FIRST,
        creation({**config, "producer.override.acks": "5"}, initial_state="STOPPED"),
        connect=201,
        headwater=400,
    )
    pair.differ(
        EXACTLY_ONCE,
        creation({**config, "exactly.once.support": "required"}, "y", initial_state="STOPPED"),
        connect=201,
        headwater=400,
    )
