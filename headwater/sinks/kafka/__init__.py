"""Kafka as a sink, on librdkafka (Confluent's Python client)."""

from collections.abc import Mapping

from headwater.sinks.kafka.options import DEFAULTS
from headwater.sinks.kafka.producer_config import ProducerConfig
from headwater.sinks.kafka.sink import KafkaSink

__all__ = ["KafkaSink", "create"]

_CONNECTING = ("security.protocol", "sasl.", "ssl.", "socket.", "broker.", "enable.ssl.", "client.dns.")


def create(servers: str, client_id: str, options: Mapping[str, str]) -> KafkaSink:
    """A sink that creates no topics; of ``options``, librdkafka's, those that connecting needs are heeded."""
    connecting = {name: value for name, value in options.items() if name.startswith(_CONNECTING)}
    settings = {**DEFAULTS, "client.id": client_id, "metadata.broker.list": servers, **connecting}
    return KafkaSink(ProducerConfig(settings), None)
