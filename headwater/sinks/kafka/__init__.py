"""Kafka as a sink, on librdkafka (Confluent's Python client)."""

from headwater.sinks.kafka.sink import KafkaSink

__all__ = ["KafkaSink"]
