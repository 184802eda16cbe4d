"""What a worker's properties mean."""

from pathlib import Path

import pytest

from headwater.config import ConfigError
from headwater.worker.worker_config import Listener, read_worker_config


def test_defaults(monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", "/var/state")
    config = read_worker_config({})
    assert config.listeners == (Listener("127.0.0.1", 8083),)
    assert config.worker_id == "127.0.0.1:8083"
    assert config.values["bootstrap.servers"] == "localhost:9092"
    assert config.state_file == Path("/var/state/headwater/state.db")
    assert (config.flush_seconds, config.graceful_seconds) == (1.0, 5.0)
    assert config.options["key.converter"] == "org.apache.kafka.connect.json.JsonConverter"
    assert config.warnings == ()


@pytest.mark.parametrize(
    ("text", "listeners"),
    [
        ("http://:8083", (Listener("127.0.0.1", 8083),)),
        ("http://0.0.0.0:80", (Listener("0.0.0.0", 80),)),
        ("HTTP://localhost:0/", (Listener("localhost", 0),)),
        ("http://[::1]:8083, http://127.0.0.1:9", (Listener("::1", 8083), Listener("127.0.0.1", 9))),
    ],
)
def test_listens_on_this_machine_unless_a_host_is_named(text, listeners):
    assert read_worker_config({"listeners": text}).listeners == listeners


@pytest.mark.parametrize("text", ["", "https://:8083", "8083", "http://h:8083/x", "http://h:99999", "http://h:x"])
def test_an_address_that_cannot_be_served_is_named(text):
    with pytest.raises(ConfigError, match=r"Invalid value .* for configuration listeners: "):
        read_worker_config({"listeners": text})


@pytest.mark.parametrize(
    ("given", "listeners"),
    [
        ({}, None),
        ({"admin.listeners": ""}, ()),
        ({"admin.listeners": "http://:8084,http://a:8085"}, (Listener("127.0.0.1", 8084), Listener("a", 8085))),
    ],
)
def test_administration_is_where_the_rest_is_unless_it_has_listeners_or_none(given, listeners):
    assert read_worker_config(given).admin_listeners == listeners


@pytest.mark.parametrize("text", [",", "http://127.0.0.1", "https://:8084"])
def test_an_admin_address_that_cannot_be_served_is_named(text):
    with pytest.raises(ConfigError, match=r"Invalid value .* for configuration admin\.listeners: "):
        read_worker_config({"admin.listeners": text})


def test_every_problem_is_named_at_once():
    with pytest.raises(ConfigError) as caught:
        read_worker_config({"offset.flush.interval.ms": "soon", "rest.hide.passwords": "perhaps"})
    assert [problem.option for problem in caught.value.problems] == ["offset.flush.interval.ms", "rest.hide.passwords"]


def test_what_is_unknown_or_without_effect_warns():
    config = read_worker_config(
        {
            "value.conveter": "x",
            "group.id": "connect",
            "config.storage.topic": "configs",
            "producer.compression.type": "zstd",
            "value.converter.schemas.enable": "false",
        }
    )
    assert [warning.message for warning in config.warnings] == [
        "value.conveter is not a known option and has no effect; did you mean value.converter?",
        "group.id has no effect: this worker runs standalone, in no group; distributed mode comes in a later version",
        "config.storage.topic has no effect: a standalone worker keeps everything in its state file",
    ]
