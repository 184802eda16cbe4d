"""Validating a configuration over the REST API: what create would say, and more."""

import pytest

from tests.worker_process import WorkerProcess

MYSQL = "io.debezium.connector.mysql.MySqlConnector"


@pytest.fixture
def named(config):
    return {**config, "connector.class": MYSQL, "name": "items"}


def validate(worker, config, plugin="MySqlConnector"):
    answer = worker.request("PUT", f"/connector-plugins/{plugin}/config/validate", config)
    assert answer.status_code == 200, answer.text
    return answer.json()


def by_name(validation):
    return {config["value"]["name"]: config for config in validation["configs"]}


def errors(validation):
    found = {name: config["value"]["errors"] for name, config in by_name(validation).items()}
    assert validation["error_count"] == sum(map(len, found.values()))
    return {name: messages for name, messages in found.items() if messages}


def test_a_good_configuration_has_no_errors_and_every_option_its_place(worker, named):
    validation = validate(worker, named)
    assert (validation["name"], errors(validation)) == (MYSQL, {})
    assert validation["groups"] == [
        "Common",
        "Transforms",
        "Predicates",
        "Error Handling",
        "Topic Creation",
        "Exactly Once Support",
        "offsets.topic",
        "MySQL",
        "Connector",
        "Events",
        "Schemas",
        "Serialization",
    ]
    options = by_name(validation)
    tasks = options["tasks.max"]
    assert tasks["definition"].pop("documentation")
    assert tasks == {
        "definition": {
            "name": "tasks.max",
            "type": "INT",
            "required": False,
            "default_value": "1",
            "importance": "HIGH",
            "group": "Common",
            "order_in_group": 4,
            "width": "SHORT",
            "display_name": "Tasks max",
            "dependents": [],
        },
        "value": {"name": "tasks.max", "value": "1", "recommended_values": [], "errors": [], "visible": True},
    }
    assert options["database.password"]["value"]["value"] == "[hidden]"
    assert options["decimal.handling.mode"]["value"]["recommended_values"] == ["precise", "double", "string"]
    assert options["value.converter.schemas.enable"]["value"]["value"] == "false"
    assert "key.converter.schemas.enable" not in options
    assert worker.request("GET", "/connectors").json() == []


def test_every_option_has_its_errors_as_create_tells_them(worker, named):
    del named["topic.prefix"]
    named |= {
        "tasks.max": 0,
        "database.port": "many",
        "snapshot.mode": "bogus",
        "transforms": "unwrap",
        "column.mask.with.3.chars": "a.b.c",
        "value.converter.schemas.enable": "maybe",
        "producer.override.acks": "2",
        "producer.override.interceptor.classes": "a.b.C",
        "topic.creation.default.replication.factor": 1,
        "topic.creation.default.partitions": "none",
        "signal.data.collection": None,
    }
    found = errors(validate(worker, named))
    assert {name: len(messages) for name, messages in found.items()} == dict.fromkeys(
        [
            "signal.data.collection",
            "column.mask.with.3.chars",
            "producer.override.acks",
            "producer.override.interceptor.classes",
            "topic.creation.default.partitions",
            "tasks.max",
            "transforms.unwrap.type",
            "topic.prefix",
            "database.port",
            "snapshot.mode",
            "value.converter.schemas.enable",
        ],
        1,
    )
    assert found["tasks.max"] == ["Invalid value 0 for configuration tasks.max: Value must be at least 1"]
    (null,) = found["signal.data.collection"]
    assert null.startswith(
        "Null value can not be supplied as the configuration value. Leave signal.data.collection out"
    )
    created = worker.request("PUT", "/connectors/items/config", {k: v for k, v in named.items() if v is not None})
    assert created.status_code == 400
    told = created.json()["message"].splitlines()[1:-1]
    assert sorted(told) == sorted(m for name in found if named.get(name, "") is not None for m in found[name])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"database.password": "wrong"}, "Access denied"),
        ({"database.port": "1"}, "Unable to connect: "),
        ({"database.hostname": "nobody.invalid"}, "Unable to connect: "),
        # an address that nothing answers for
        ({"database.hostname": "192.0.2.1", "connection.validation.timeout.ms": "1000"}, "Unable to connect: "),
    ],
)
def test_a_source_that_can_not_be_reached_is_told_at_its_host(worker, named, change, message):
    found = errors(validate(worker, named | change))
    assert list(found) == ["database.hostname"]
    assert message in found["database.hostname"][0]


def test_what_is_set_of_the_producer_is_described(worker, named):
    named |= {
        "producer.override.linger.ms": "5",
        "producer.override.ssl.key.password": "a",
        "producer.override.ack": "1",
    }
    validation = validate(worker, named)
    assert errors(validation) == {}
    options = by_name(validation)
    linger = options["producer.override.linger.ms"]["definition"]
    assert (linger["type"], linger["display_name"]) == ("STRING", "linger.ms")
    assert "queue.buffering.max.ms" in linger["documentation"]
    password = options["producer.override.ssl.key.password"]
    assert (password["definition"]["type"], password["value"]["value"]) == ("PASSWORD", "[hidden]")
    unknown = options["producer.override.ack"]["definition"]
    assert (unknown["group"], "did you mean producer.override.acks?" in unknown["documentation"]) == ("Warnings", True)


def test_what_has_no_effect_is_told_in_a_group_of_its_own(worker, named):
    named |= {"topic.prefx": "x", "column.whitelist": "a.b.c", "max.queue.size": "9", "tasks.max.enforce": "false"}
    validation = validate(worker, named)
    assert errors(validation) == {}
    assert validation["groups"][-1] == "Warnings"
    options = by_name(validation)
    warnings = {
        name: (config["definition"]["documentation"], config["value"]["value"])
        for name, config in options.items()
        if config["definition"]["group"] == "Warnings"
    }
    assert warnings == {
        "topic.prefx": ("topic.prefx is not a known option and has no effect; did you mean topic.prefix?", "x"),
        "column.whitelist": ("column.whitelist is deprecated: use column.include.list", "a.b.c"),
        "max.queue.size": ("max.queue.size has no effect here", "9"),
    }
    assert options["column.include.list"]["value"]["value"] == "a.b.c"
    assert options["tasks.max.enforce"]["definition"]["documentation"].startswith("tasks.max.enforce has no effect")


def test_a_hidden_password_stands_for_the_connectors_own_where_it_goes_to_the_same_place(worker, named):
    hidden = named | {"database.password": "[hidden]"}
    assert list(errors(validate(worker, hidden))) == ["database.password"]
    assert worker.request("PUT", "/connectors/items/config", named).status_code == 201
    assert errors(validate(worker, hidden)) == {}
    assert list(errors(validate(worker, hidden | {"database.hostname": "elsewhere"}))) == ["database.password"]
    assert list(errors(validate(worker, hidden | {"name": "others"}))) == ["database.password"]


def test_what_is_looked_up_is_checked_and_not_shown(tmp_path, kafka_bootstrap, named, monkeypatch):
    monkeypatch.setenv("SECRET_PORT", "not-a-port-at-all")
    providers = {
        "config.providers": "env",
        "config.providers.env.class": "org.apache.kafka.common.config.provider.EnvVarConfigProvider",
    }
    named |= {"database.port": "${env:SECRET_PORT}", "database.user": "${env:NO_SUCH_VARIABLE}"}
    with WorkerProcess(tmp_path, kafka_bootstrap, **providers) as worker:
        validation = validate(worker, named)
    found = errors(validation)
    assert sorted(found) == ["database.port", "database.user"]
    assert "not-a-port-at-all" not in str(validation)
    assert by_name(validation)["database.port"]["value"]["value"] == "${env:SECRET_PORT}"
    assert "${env:NO_SUCH_VARIABLE} has no value" in found["database.user"][0]


@pytest.mark.parametrize("name", ["mysql", "MySql", "MySqlConnector", MYSQL])
@pytest.mark.parametrize("class_name", ["mysql", MYSQL])
def test_the_path_names_the_connector_by_any_of_its_names(worker, named, name, class_name):
    assert validate(worker, named | {"connector.class": class_name}, name)["error_count"] == 0


@pytest.mark.parametrize(
    ("plugin", "body", "message"),
    [
        ("MySqlConnector", {"connector.class": "Foo"}, "connector type Foo does not match request type MySqlConnector"),
        ("FooConnector", {"connector.class": "FooConnector"}, "available connectors are"),
        ("MySqlConnector", {}, "contains no connector type"),
        ("MySqlConnector", [], "must be a JSON object"),
        ("MySqlConnector", {"connector.class": {}}, "must be a string"),
    ],
)
def test_requests_that_are_refused(worker, plugin, body, message):
    answer = worker.request("PUT", f"/connector-plugins/{plugin}/config/validate", body)
    assert (answer.status_code, answer.json()["error_code"]) == (400, 400)
    assert message in answer.json()["message"]


@pytest.fixture
def mongodb(mongodb_url):
    return {
        "connector.class": "MongoDbConnector",
        "name": "orders",
        "topic.prefix": "orders",
        "mongodb.connection.string": mongodb_url,
    }


def test_mongodb_s_options_stand_in_debezium_s_groups(worker, mongodb):
    validation = validate(worker, mongodb, "MongoDbConnector")
    assert errors(validation) == {}
    assert validation["groups"][-3:] == ["MongoDB", "Connector", "Events"]
    options = by_name(validation)
    assert options["mongodb.connection.string"]["value"]["value"] == "[hidden]"
    own = [config["definition"] for config in options.values() if config["definition"]["group"] == "MongoDB"]
    assert [each["order_in_group"] for each in own] == list(range(1, len(own) + 1))
    assert all(each["display_name"] != each["name"] for each in own)


@pytest.mark.parametrize(
    ("change", "option", "message"),
    [
        ({"capture.scope": "collection", "capture.target": "orders"}, "capture.target", "must be DATABASE.COLLECTION"),
        (
            {"snapshot.collection.filter.overrides": "orders.outbox"},
            "snapshot.collection.filter.overrides.orders.outbox",
            "must be a condition",
        ),
    ],
)
def test_what_options_say_together_is_checked_as_at_creation(worker, mongodb, change, option, message):
    (told,) = errors(validate(worker, mongodb | change, "MongoDbConnector"))[option]
    assert message in told
    created = worker.request("PUT", "/connectors/orders/config", mongodb | change)
    assert created.status_code == 400
    assert told in created.json()["message"]
