"""What librdkafka reports, as the sink's errors: the topic, the cause, and what to do about it."""

# ruff: noqa: SLF001 - librdkafka's own error codes start with an underscore, and are public
from __future__ import annotations

from dataclasses import dataclass

from confluent_kafka import KafkaError, KafkaException

from headwater.sink import RetriableSinkError, SinkError

PURGED = (KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT)
"""A message was dropped because we said so."""
SIGN_IN_REFUSED = (KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED)
_UNKNOWN_TOPIC = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC)

_MENDS = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "grant the producer's user WRITE and DESCRIBE on the topic "
    "(and CREATE, where the topic does not exist yet)",
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: "grant the producer's user IDEMPOTENT_WRITE (and CREATE, where topics "
    "are to be made) on the cluster",
    KafkaError.TOPIC_EXCEPTION: "a topic's name has at most 249 letters, digits, '.', '_' and '-': "
    "take another, by a topic routing transform or topic.prefix where a connector sends, by --topic or the aggregate's "
    "type where a relay does",
    KafkaError.INVALID_RECORD: "the broker takes no such message in this topic: a compacted topic needs a key",
    KafkaError.POLICY_VIOLATION: "ask whoever set the cluster's policy, or create the topic beforehand",
    KafkaError.INVALID_REPLICATION_FACTOR: "set topic.creation.*.replication.factor, or for the dead letter topic "
    "errors.deadletterqueue.topic.replication.factor, to at most the number of brokers",
    KafkaError.INVALID_PARTITIONS: "set topic.creation.*.partitions to -1 (the cluster's default) or at least 1",
    KafkaError.INVALID_CONFIG: "correct the topic configuration among topic.creation.*",
    KafkaError.INVALID_REQUEST: "correct the options topic.creation.*",
    KafkaError.UNSUPPORTED_VERSION: "the brokers are too old for this client",
    KafkaError.UNSUPPORTED_COMPRESSION_TYPE: "choose another producer.override.compression.type",
    KafkaError.SASL_AUTHENTICATION_FAILED: "check producer.sasl.* and the user's rights",
}
"""What to do about the errors that trying again does not mend."""


@dataclass(frozen=True, slots=True)
class Size:
    """How big a message is, in bytes, without its headers."""

    key: int
    value: int

    @classmethod
    def of(cls, key: bytes | None, value: bytes | None) -> Size:
        """The size of a message with these."""
        return cls(len(key or b""), len(value or b""))

    def __str__(self) -> str:
        return f"{self.key + self.value} bytes (key {self.key}, value {self.value}; headers not counted)"


def is_final(error: KafkaError) -> bool:
    """Whether trying again won't help."""
    return error.code() in _MENDS


def refusal(reason: Exception, topic: str, size: Size, limit: int) -> SinkError:
    """Why librdkafka did not even take a message; ``limit`` is the producer's ``max.request.size``."""
    if not isinstance(reason, KafkaException):
        return SinkError(f"topic {topic!r} takes no message: {reason}; {_MENDS[KafkaError.TOPIC_EXCEPTION]}")
    error = reason.args[0]
    if error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
        return SinkError(
            f"topic {topic!r}: a message of {size} is over the producer's max.request.size of {limit} bytes; set "
            "producer.override.max.request.size higher, and with it the topic's max.message.bytes "
            "(the brokers' message.max.bytes)"
        )
    return delivery_error(error, topic, size)


def delivery_error(error: KafkaError, topic: str, size: Size) -> SinkError:
    """Why a message to ``topic`` was not delivered: `RetriableSinkError` unless someone has to act."""
    code = error.code()
    if code == KafkaError.MSG_SIZE_TOO_LARGE:
        return SinkError(
            f"topic {topic!r}: the broker refused a message of {size} as too large, or the batch it was sent in; set "
            "the topic's max.message.bytes (the brokers' message.max.bytes) higher, or "
            "producer.override.batch.size to at most what the topic takes"
        )
    if code in _UNKNOWN_TOPIC:
        return SinkError(
            f"topic {topic!r} does not exist, and the cluster does not create it: create it, set "
            "topic.creation.default.replication.factor and topic.creation.default.partitions on the connector, "
            "or set auto.create.topics.enable=true on the brokers"
        )
    return _error(error, f"topic {topic!r} takes no message")


def creation_error(error: KafkaError, topic: str) -> SinkError:
    """Why ``topic`` could not be made."""
    return _error(error, f"topic {topic!r} could not be created")


def stop_error(error: KafkaError) -> SinkError:
    """Why the producer as a whole sends nothing more: a new one can, unless a right is missing."""
    return _error(error, "the idempotent producer stopped")


def _error(error: KafkaError, what: str) -> SinkError:
    reason = f"{what}: {error.str()} ({error.name()})"
    mend = _MENDS.get(error.code())
    return SinkError(f"{reason}; {mend}") if mend else RetriableSinkError(reason)
