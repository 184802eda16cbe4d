"""A worker's properties from the environment variables of Debezium's container image ``debezium/connect``.

Source: ``connect-base/3.6/docker-entrypoint.sh`` of debezium/container-images, and the README beside it. Where that
script sets a default of the image (``GROUP_ID=1``, a minute between two commits), the worker's own default holds here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from headwater.config import ConfigError, Problem

_PREFIX = "CONNECT_"

_NAMED = {
    "ADVERTISED_HOST_NAME": "rest.advertised.host.name",
    "ADVERTISED_PORT": "rest.advertised.port",
    "BOOTSTRAP_SERVERS": "bootstrap.servers",
    "CONFIG_STORAGE_TOPIC": "config.storage.topic",
    "GROUP_ID": "group.id",
    "HOST_NAME": "rest.host.name",
    "KEY_CONVERTER": "key.converter",
    "LOG_LEVEL": "log.level",
    "OFFSET_FLUSH_INTERVAL_MS": "offset.flush.interval.ms",
    "OFFSET_FLUSH_TIMEOUT_MS": "offset.flush.timeout.ms",
    "OFFSET_STORAGE_TOPIC": "offset.storage.topic",
    "REST_HOST_NAME": "rest.host.name",
    "REST_PORT": "rest.port",
    "SHUTDOWN_TIMEOUT": "task.shutdown.graceful.timeout.ms",
    "STATUS_STORAGE_TOPIC": "status.storage.topic",
    "VALUE_CONVERTER": "value.converter",
}
"""Variables that the image has a name of its own for; empty is as good as not set, as there."""

_WITHOUT_EFFECT = re.compile(
    r"HEAP_OPTS|JMX(HOST|PORT|AUTH|SSL)|KAFKA_(HEAP|JMX|LOG4J)?_?OPTS|KAFKA_CONNECT_PLUGINS_DIR|CONNECT_LOG4J.*"
)
_SWITCH_WITHOUT_EFFECT = re.compile(
    r"ENABLE_(APICURIO_CONVERTERS|CHRONICLE_QUEUE|DEBEZIUM_(KC_REST_EXTENSION|SCRIPTING)|JFR|JMX_EXPORTER|JOLOKIA|OTEL)"
)

_SERVICE_LINK = re.compile(r"CONNECT_(SERVICE_(HOST|PORT).*|PORT(_\d+_(TCP|UDP).*)?)")
"""What Kubernetes sets in every container beside a service that is named ``connect``."""

_LINKED_BROKER = re.compile(r".*PORT_9092_TCP")
"""What a container link to Kafka, or a Kubernetes service, sets: ``tcp://HOST:PORT``."""

_HOSTLESS = re.compile(r"(?<=://)(?=:)")


@dataclass(frozen=True, slots=True)
class Environment:
    """What the environment says.

    ``properties``      the worker's, by name
    ``variables``       the variable that each of them comes from, by the property's name
    ``without_effect``  variables of the image that mean nothing here
    """

    properties: Mapping[str, str]
    variables: Mapping[str, str]
    without_effect: tuple[str, ...]


def read_environment(environment: Mapping[str, str]) -> Environment:
    """The worker's properties: those by prefix (``CONNECT_FOO_BAR`` is ``foo.bar``), over them those of `_NAMED`.

    Raises `ConfigError` for what would silently be something else than in the image.
    """
    if environment.get("APICURIO_REGISTRY"):
        message = (
            "APICURIO_REGISTRY asks for Apicurio's own converters: remove it, and set KEY_CONVERTER and "
            "VALUE_CONVERTER to io.confluent.connect.avro.AvroConverter, CONNECT_KEY_CONVERTER_SCHEMA_REGISTRY_URL and "
            "CONNECT_VALUE_CONVERTER_SCHEMA_REGISTRY_URL to http://HOST:8080/apis/ccompat/v7"
        )
        raise ConfigError([Problem("APICURIO_REGISTRY", message)])
    variables = {
        _property(name): name
        for name in sorted(environment)
        if name.startswith(_PREFIX) and not _SERVICE_LINK.fullmatch(name) and not _WITHOUT_EFFECT.fullmatch(name)
    }
    variables.update({option: name for name, option in _NAMED.items() if environment.get(name)})
    properties = {option: environment[name] for option, name in variables.items()}
    if "bootstrap.servers" not in properties and (linked := _linked_brokers(environment)):
        properties["bootstrap.servers"] = linked
    for option in {"listeners", "admin.listeners"} & properties.keys():
        # in a container every address is the container's own, which is what the author of http://:8083 has in mind
        properties[option] = _HOSTLESS.sub("0.0.0.0", properties[option])  # noqa: S104
    return Environment(properties, variables, _without_effect(environment))


def _property(variable: str) -> str:
    return variable.removeprefix(_PREFIX).lower().replace("_", ".")


def _linked_brokers(environment: Mapping[str, str]) -> str:
    values = [environment[name] for name in sorted(environment) if _LINKED_BROKER.fullmatch(name)]
    return ",".join(dict.fromkeys(value.rpartition("tcp://")[2] for value in values if value))


def _without_effect(environment: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(
        name
        for name, value in sorted(environment.items())
        if _WITHOUT_EFFECT.fullmatch(name) or (_SWITCH_WITHOUT_EFFECT.fullmatch(name) and value == "true")
    )
