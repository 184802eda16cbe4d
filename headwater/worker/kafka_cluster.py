"""The Kafka cluster's id, for those who ask a worker which cluster it delivers to."""

from __future__ import annotations

from collections.abc import Mapping

from headwater.addresses import Address

TIMEOUT_SECONDS = 3.0


def kafka_cluster_id(worker: Mapping[str, str]) -> str | None:
    """The id that the brokers give; None while they can't be reached. Blocks for `TIMEOUT_SECONDS` at most.

    None too where the worker delivers to something else.
    """
    if Address.of_sink(worker["bootstrap.servers"]).scheme != "kafka":
        return None
    from confluent_kafka import KafkaException, Producer

    from headwater.sinks.kafka.producer_config import ProducerConfig

    settings = ProducerConfig.from_config(worker, {}, "headwater-worker").settings
    producer = Producer({**settings, "log_level": 0})
    try:
        cluster_id = producer.cluster_id(TIMEOUT_SECONDS)
    except KafkaException:
        return None
    finally:
        producer.close()
    return str(cluster_id) if cluster_id else None
