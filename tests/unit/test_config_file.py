"""Files that describe one connector: what becomes the worker's and what the connector's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from headwater.worker.config_file import ConfigFile, ConfigFileError, read_config_file
from headwater.worker.worker_config import read_worker_config

# "An example configuration file" of Debezium's documentation, with a sink that there is here.
DEBEZIUM_SERVER = """
debezium.sink.type=kafka
debezium.sink.kafka.producer.bootstrap.servers=broker:9092
debezium.source.connector.class=io.debezium.connector.mysql.MySqlConnector
debezium.source.offset.storage.file.filename=data/offsets.dat
debezium.source.offset.flush.interval.ms=0
debezium.source.database.hostname=localhost
debezium.source.topic.prefix=tutorial
"""


@pytest.fixture
def read(tmp_path: Path) -> Any:
    """Reads a text as a file of a name."""

    def read_text(name: str, text: str) -> ConfigFile:
        file = tmp_path / name
        file.write_text(text)
        return read_config_file(file)

    return read_text


def test_debezium_server_s_sample_is_taken_as_it_is(read: Any) -> None:
    found = read("application.properties", DEBEZIUM_SERVER)
    assert found.warnings == ()
    worker = read_worker_config(found.worker)
    assert worker.options["bootstrap.servers"] == "broker:9092"
    assert str(worker.state_file) == "data/offsets.dat"
    assert worker.flush_seconds < 0.01
    assert found.connector["topic.prefix"] == "tutorial"
    assert found.connector["key.converter"] == found.connector["value.converter"] == "json"


@pytest.mark.parametrize(
    ("name", "converter"),
    [("avro", "avro"), ("Protobuf", "protobuf"), ("cloudevents", "cloudevents"), ("jsonbytearray", "json")],
)
def test_formats_are_converters(read: Any, name: str, converter: str) -> None:
    formats = f"""
debezium.format.value={name}
debezium.format.value.schema.registry.url=http://registry:8081
debezium.format.key=simplestring
debezium.format.schemas.enable=false
"""
    found = read("application.properties", DEBEZIUM_SERVER + formats)
    assert {option: value for option, value in found.connector.items() if ".converter" in option} == {
        "key.converter": "string",
        "key.converter.schemas.enable": "false",
        "value.converter": converter,
        "value.converter.schemas.enable": "false",
        "value.converter.schema.registry.url": "http://registry:8081",
        "header.converter": "json",
        "header.converter.schemas.enable": "false",
    }


def test_what_only_a_server_of_its_own_has_is_warned_of(read: Any) -> None:
    others = """
debezium.api.enabled=true
debezium.transform.route.type=RegexRouter
debezium.source.offset.storage=org.apache.kafka.connect.storage.FileOffsetBackingStore
quarkus.log.level=INFO
"""
    found = read("application.properties", DEBEZIUM_SERVER + others)
    warnings = {warning.option: warning.message for warning in found.warnings}
    assert set(warnings) == {"debezium.api.enabled", "debezium.transform.route.type", "debezium.source.offset.storage"}
    assert warnings["debezium.transform.route.type"].endswith("did you mean debezium.transforms?")


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("debezium.format.value=xml", "there are: avro, binary"),
        ("debezium.format.apicurio.registry.url=http://registry", "/apis/ccompat/v7"),
        ("debezium.sink.type=kinesis", "must be one of file, kafka"),
    ],
)
def test_what_there_is_not_is_refused(read: Any, option: str, words: str) -> None:
    with pytest.raises(ConfigFileError, match=words):
        read("application.properties", f"{DEBEZIUM_SERVER}\n{option}")


def test_what_the_rest_api_shows_of_a_connector_is_taken(read: Any) -> None:
    shown = {"name": "n", "config": {"a": ["x", True, 1]}, "tasks": [], "type": "source", "initial_state": "STOPPED"}
    assert read("c.json", json.dumps(shown)) == ConfigFile({}, {"name": "n", "a": "x,true,1"})


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"config": "x"}, "config must hold an object"),
        ({"config": {}, "worker": ["a"]}, "worker must hold an object"),
        ({"worker": None}, "worker must hold an object"),
        ({"worker": {}, "connector.class": "mysql"}, "not connector.class"),
        ({"config": {"a": {"b": [{"c": 1}]}}}, "a.b must be a list of values"),
        (["a"], "must hold an object"),
    ],
)
def test_json_of_another_shape_is_refused_in_a_few_words(read: Any, document: Any, words: str) -> None:
    with pytest.raises(ConfigFileError, match=words):
        read("c.json", json.dumps(document))
