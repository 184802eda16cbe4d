"""The Kafka cluster's id, for those who ask a worker which cluster it delivers to."""

from __future__ import annotations

from collections.abc import Mapping

TIMEOUT_SECONDS = 3.0


def kafka_cluster_id(worker: Mapping[str, str]) -> str | None:
    """The id that the brokers give; None while they can't be reached. Blocks for `TIMEOUT_SECONDS` at most."""
    try:
        from confluent_kafka import KafkaException
        from confluent_kafka.admin import AdminClient
    except ModuleNotFoundError:
        return None
    client = AdminClient({"bootstrap.servers": worker["bootstrap.servers"], "log_level": 0})
    try:
        cluster_id = client.describe_cluster(request_timeout=TIMEOUT_SECONDS).result().cluster_id
    except KafkaException:
        return None
    return str(cluster_id) if cluster_id else None
