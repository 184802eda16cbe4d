"""What holds for every connector's configuration, whatever the connector."""

import re

import pytest

from headwater.config import HIDDEN, ConfigError, OptionType
from headwater.plugins import find_config_provider, find_connector, find_converter, find_header_converter
from headwater.sources.mysql.connector import CONNECTOR
from headwater.worker.common_options import COMMON_OPTIONS
from headwater.worker.connector_config import hide_secrets, name_options, read_connector_config

CONFIG = {
    "name": "outbox",
    "connector.class": "mysql",
    "topic.prefix": "shop",
    "database.hostname": "db",
    "database.user": "cdc",
    "database.server.id": "5400",
}
DECLARED = COMMON_OPTIONS + CONNECTOR.options


@pytest.mark.parametrize(
    ("find", "names"),
    [
        (find_connector, ["io.debezium.connector.mysql.MySqlConnector", "MySqlConnector", "mysql", "MySQL"]),
        (find_converter, ["org.apache.kafka.connect.json.JsonConverter", "JsonConverter", "json", "JSON"]),
        (find_converter, ["org.apache.kafka.connect.storage.StringConverter", "StringConverter", "string"]),
        (
            find_converter,
            ["io.debezium.converters.BinaryDataConverter", "io.debezium.converters.ByteArrayConverter", "binary"],
        ),
        (find_converter, ["org.apache.kafka.connect.converters.ByteArrayConverter", "ByteArrayConverter", "bytes"]),
        (find_header_converter, ["org.apache.kafka.connect.storage.SimpleHeaderConverter", "SimpleHeaderConverter"]),
        (find_config_provider, ["org.apache.kafka.common.config.provider.FileConfigProvider", "FileConfigProvider"]),
    ],
)
def test_a_class_is_known_by_its_full_its_simple_and_its_short_name(find, names):
    assert len({id(find(name)) for name in names}) == 1


@pytest.mark.parametrize("name", ["mysqlconnector", "connector.mysql.MySqlConnector", "postgres", "os", ""])
def test_a_class_that_is_not_known_is_refused_with_those_that_are(name):
    known = (
        "io.debezium.connector.mongodb.MongoDbConnector, io.debezium.connector.mysql.MySqlConnector,"
        " headwater.sources.sqlite.SqliteConnector"
    )
    with pytest.raises(ConfigError, match=re.escape(f"available connectors are: {known}")):
        read_connector_config({**CONFIG, "connector.class": name})


@pytest.mark.parametrize("name", DECLARED.refused)
def test_every_option_that_is_known_and_not_supported_is_refused_by_its_name(name):
    option = f"{name}x" if name.endswith(".") else name
    with pytest.raises(ConfigError) as caught:
        read_connector_config({**CONFIG, option: "something-else"})
    problems = [(problem.option, problem.message) for problem in caught.value.problems]
    assert (option, f"The option {option} is not supported yet: remove it") in problems


PASSWORDS = [name for name, option in DECLARED.options.items() if option.type is OptionType.PASSWORD]


@pytest.mark.parametrize(
    "name",
    [
        *PASSWORDS,
        *(name.upper() for name in PASSWORDS),
        "database.pasword",
        "producer.override.sasl.jaas.config",
        "producer.override.ssl.keystore.key",
        "producer.override.sasl.oauthbearer.client.credentials.client.secret",
        "database.history.producer.ssl.key.password",
        "value.converter.basic.auth.user.info",
        "transforms.call.api.key",
    ],
)
def test_a_password_is_hidden_however_it_is_written(name):
    assert hide_secrets({**CONFIG, name: "s3cret"}) == {**CONFIG, name: HIDDEN}


def test_an_unknown_option_warns_with_the_nearest_one_that_is_known():
    named = name_options({**CONFIG, "table.include.lst": "a.b", "quite.another": "x"})
    assert [warning.message for warning in named.warnings] == [
        "table.include.lst is not a known option and has no effect; did you mean table.include.list?",
        "quite.another is not a known option and has no effect",
    ]
