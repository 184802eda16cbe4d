"""The environment variables of the debezium/connect image."""

import pytest

from headwater.config import ConfigError
from headwater.worker.environment import read_environment
from headwater.worker.worker_config import read_worker_config

TUTORIAL = {
    "BOOTSTRAP_SERVERS": "kafka:9092",
    "GROUP_ID": "1",
    "CONFIG_STORAGE_TOPIC": "my_connect_configs",
    "OFFSET_STORAGE_TOPIC": "my_connect_offsets",
    "STATUS_STORAGE_TOPIC": "my_connect_statuses",
}


def properties(**environment):
    return dict(read_environment(environment).properties)


def test_the_tutorials_variables():
    environment = read_environment({**TUTORIAL, "PATH": "/bin", "HOME": "/", "HOSTNAME": "3f2a"})
    assert environment.properties == {
        "bootstrap.servers": "kafka:9092",
        "group.id": "1",
        "config.storage.topic": "my_connect_configs",
        "offset.storage.topic": "my_connect_offsets",
        "status.storage.topic": "my_connect_statuses",
    }
    assert environment.variables["config.storage.topic"] == "CONFIG_STORAGE_TOPIC"
    assert environment.without_effect == ()
    warnings = {warning.option: warning.message for warning in read_worker_config(environment.properties).warnings}
    assert warnings.pop("group.id").endswith("standalone, in no group; distributed mode comes in a later version")
    assert warnings == {
        f"{kind}.storage.topic": f"{kind}.storage.topic has no effect: a standalone worker keeps everything in its"
        " state file"
        for kind in ("config", "offset", "status")
    }


def test_variables_with_names_of_their_own():
    assert properties(
        KEY_CONVERTER="string",
        VALUE_CONVERTER="json",
        LOG_LEVEL="DEBUG",
        OFFSET_FLUSH_INTERVAL_MS="60000",
        OFFSET_FLUSH_TIMEOUT_MS="5000",
        SHUTDOWN_TIMEOUT="10000",
        HOST_NAME="connect",
        REST_PORT="8083",
        ADVERTISED_HOST_NAME="connect",
        ADVERTISED_PORT="8083",
    ) == {
        "key.converter": "string",
        "value.converter": "json",
        "log.level": "DEBUG",
        "offset.flush.interval.ms": "60000",
        "offset.flush.timeout.ms": "5000",
        "task.shutdown.graceful.timeout.ms": "10000",
        "rest.host.name": "connect",
        "rest.port": "8083",
        "rest.advertised.host.name": "connect",
        "rest.advertised.port": "8083",
    }


def test_any_property_by_its_prefix():
    assert properties(
        CONNECT_KEY_CONVERTER_SCHEMAS_ENABLE="false",
        CONNECT_CONFIG_PROVIDERS_ENV_PARAM_ALLOWLIST_PATTERN="SHOP_.*",
        CONNECT_PRODUCER_SASL_JAAS_CONFIG='a="b@c=d"\n;',
        CONNECT_PRODUCER_CLIENT_ID="",
        connect_lower="x",
        XCONNECT_A="x",
    ) == {
        "key.converter.schemas.enable": "false",
        "config.providers.env.param.allowlist.pattern": "SHOP_.*",
        "producer.sasl.jaas.config": 'a="b@c=d"\n;',
        "producer.client.id": "",
    }


def test_a_variable_with_a_name_of_its_own_wins_unless_it_is_empty():
    assert properties(CONNECT_BOOTSTRAP_SERVERS="a:1", BOOTSTRAP_SERVERS="b:2") == {"bootstrap.servers": "b:2"}
    assert properties(CONNECT_BOOTSTRAP_SERVERS="a:1", BOOTSTRAP_SERVERS="") == {"bootstrap.servers": "a:1"}
    assert properties(GROUP_ID="") == {}


def test_brokers_of_a_linked_container():
    links = {
        "KAFKA_PORT_9092_TCP": "tcp://10.0.0.7:9092",
        "KAFKA2_PORT_9092_TCP": "tcp://10.0.0.8:9092",
        "K_PORT_9092_TCP": "tcp://10.0.0.7:9092",
        "KAFKA_PORT_9092_TCP_ADDR": "10.0.0.7",
    }
    assert properties(**links) == {"bootstrap.servers": "10.0.0.8:9092,10.0.0.7:9092"}
    assert properties(**links, BOOTSTRAP_SERVERS="kafka:9092") == {"bootstrap.servers": "kafka:9092"}


def test_what_kubernetes_sets_for_a_service_named_connect_is_no_option():
    assert (
        properties(
            CONNECT_SERVICE_HOST="10.0.0.9",
            CONNECT_SERVICE_PORT="8083",
            CONNECT_SERVICE_PORT_HTTP="8083",
            CONNECT_PORT="tcp://10.0.0.9:8083",
            CONNECT_PORT_8083_TCP="tcp://10.0.0.9:8083",
            CONNECT_PORT_8083_TCP_PROTO="tcp",
        )
        == {}
    )


@pytest.mark.parametrize(
    ("given", "listeners"),
    [("http://:8083", "http://0.0.0.0:8083"), ("HTTP://:80,http://a:81", "HTTP://0.0.0.0:80,http://a:81")],
)
def test_a_listener_without_a_host_is_reached_from_outside_the_container(given, listeners):
    assert properties(CONNECT_LISTENERS=given) == {"listeners": listeners}


def test_what_belongs_to_java_is_named_as_without_effect():
    environment = read_environment(
        {
            "HEAP_OPTS": "-Xmx2G",
            "KAFKA_OPTS": "-javaagent:x",
            "KAFKA_HEAP_OPTS": "-Xmx2G",
            "JMXPORT": "1976",
            "CONNECT_LOG4J_LOGGERS": "DEBUG, stdout",
            "ENABLE_DEBEZIUM_SCRIPTING": "true",
            "ENABLE_APICURIO_CONVERTERS": "false",
        }
    )
    assert environment.properties == {}
    assert environment.without_effect == (
        "CONNECT_LOG4J_LOGGERS",
        "ENABLE_DEBEZIUM_SCRIPTING",
        "HEAP_OPTS",
        "JMXPORT",
        "KAFKA_HEAP_OPTS",
        "KAFKA_OPTS",
    )


def test_another_format_than_the_images_is_not_written_in_silence():
    with pytest.raises(ConfigError, match="APICURIO_REGISTRY asks for Apicurio"):
        read_environment({**TUTORIAL, "APICURIO_REGISTRY": "http://apicurio:8080/apis/registry/v2"})
