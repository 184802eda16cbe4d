"""Kafka as it is read: one librdkafka consumer (Confluent's Python client).

Source: librdkafka's CONFIGURATION.md for the settings, KIP-429 for how partitions come and go.
"""

# ruff: noqa: SLF001 - librdkafka's own error codes start with an underscore, and are public
from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import structlog
from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, KafkaError, KafkaException
from confluent_kafka import Consumer as Client
from confluent_kafka import Message as ClientMessage
from confluent_kafka import TopicPartition as ClientPartition

from headwater.consumer import ConsumerError, Message, RebalanceListener, TopicPartition
from headwater.kafka_log import ClientLog

log = structlog.get_logger(__name__)

_Callback = Callable[[Client, list[ClientPartition]], None]

ASK_SECONDS = 10.0
"""How long a question to the cluster may take."""

DEFAULTS = {
    "auto.offset.reset": "earliest",
    "partition.assignment.strategy": "cooperative-sticky",
    "isolation.level": "read_committed",
}
"""Where no option says otherwise. With librdkafka's own strategy each rebalance would interrupt every member."""
FIXED = {"enable.auto.commit": False, "enable.auto.offset.store": False, "enable.partition.eof": True}
"""An offset is committed when its message has been handled, and by no timer; a partition's end is told."""

_MENDS = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "grant the user READ and DESCRIBE on the topic",
    KafkaError.GROUP_AUTHORIZATION_FAILED: "grant the user READ on the group",
    KafkaError.TOPIC_EXCEPTION: "a topic's name has at most 249 letters, digits, '.', '_' and '-'",
    KafkaError._AUTHENTICATION: "check security.protocol and sasl.*",
    KafkaError.SASL_AUTHENTICATION_FAILED: "check sasl.*",
    KafkaError.INCONSISTENT_GROUP_PROTOCOL: "all members of a group need the same partition.assignment.strategy",
    KafkaError._FATAL: "start the process again",
}
"""What to do about the errors that trying again does not mend."""


def create(servers: str, group: str, options: Mapping[str, str]) -> KafkaConsumer:
    """A member of ``group``; ``options`` are librdkafka's. Raises `ConsumerError`."""
    if fixed := sorted(FIXED.keys() & options.keys()):
        raise ConsumerError(f"the option {fixed[0]} is set here: offsets are committed once messages are handled")
    return KafkaConsumer({**DEFAULTS, "bootstrap.servers": servers, **options, **FIXED, "group.id": group})


class KafkaConsumer:
    """See `headwater.consumer.Consumer`. ``settings`` are librdkafka's, and may hold secrets."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._failure: ConsumerError | None = None
        self._read_to: dict[TopicPartition, int] = {}
        try:
            self._client = Client({**settings, "error_cb": self._on_error}, logger=ClientLog())
        except KafkaException as error:
            raise ConsumerError(f"Kafka's client takes no such options: {error.args[0].str()}") from error

    def subscribe(self, topics: Sequence[str], listener: RebalanceListener) -> None:
        """As `headwater.consumer.Consumer.subscribe`."""
        self._client.subscribe(
            list(topics),
            on_assign=_telling(listener.assigned),
            on_revoke=self._leaving(listener.revoked),
            on_lost=self._leaving(listener.lost),
        )

    def poll(self, timeout: float, most: int = 1) -> list[Message]:
        """As `headwater.consumer.Consumer.poll`."""
        first = self._client.poll(timeout)
        polled = [] if first is None else [first]
        if polled and most > 1:
            polled += self._client.consume(most - 1, 0)
        messages = [message for each in polled if (message := self._message(each)) is not None]
        if self._failure is not None:
            raise self._failure
        return messages

    def commit(self, offsets: Mapping[TopicPartition, int]) -> bool:
        """As `headwater.consumer.Consumer.commit`: waits until the cluster has it."""
        wanted = [ClientPartition(*partition, offset) for partition, offset in offsets.items()]
        try:
            self._client.commit(offsets=wanted, asynchronous=False)
        except KafkaException as error:
            _raise_final(error.args[0])
            log.warning("offsets could not be committed: messages may be read again", error=error.args[0].str())
            return False
        return True

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """As `headwater.consumer.Consumer.seek`."""
        self._read_to.pop(partition, None)
        with _of_assigned(partition):
            self._client.seek(ClientPartition(*partition, offset))

    def pause(self, partition: TopicPartition) -> None:
        """As `headwater.consumer.Consumer.pause`."""
        with _of_assigned(partition):
            self._client.pause([ClientPartition(*partition)])

    def resume(self, partition: TopicPartition) -> None:
        """As `headwater.consumer.Consumer.resume`."""
        with _of_assigned(partition):
            self._client.resume([ClientPartition(*partition)])

    def read_to(self) -> Mapping[TopicPartition, int]:
        """As `headwater.consumer.Consumer.read_to`."""
        return dict(self._read_to)

    def ends(self, topics: Sequence[str]) -> Mapping[TopicPartition, tuple[int, int]]:
        """As `headwater.consumer.Consumer.ends`."""
        found = {}
        try:
            for topic in topics:
                metadata = self._client.list_topics(topic, ASK_SECONDS).topics[topic]
                for number in metadata.partitions:
                    marks = self._client.get_watermark_offsets(ClientPartition(topic, number), ASK_SECONDS)
                    found[TopicPartition(topic, number)] = marks
        except KafkaException as error:
            raise ConsumerError(f"the cluster doesn't say how far its topics reach: {error.args[0].str()}") from error
        return found

    def close(self) -> None:
        """As `headwater.consumer.Consumer.close`."""
        self._client.close()

    def _leaving(self, tell: Callable[[Sequence[TopicPartition]], None]) -> _Callback:
        def left(partitions: Sequence[TopicPartition]) -> None:
            tell(partitions)
            for partition in partitions:
                self._read_to.pop(partition, None)

        return _telling(left)

    def _message(self, polled: ClientMessage) -> Message | None:
        """A message, or none where it is a report: of an end, of an error that passes. Raises `ConsumerError`."""
        error, offset = polled.error(), int(polled.offset() or 0)
        place = TopicPartition(str(polled.topic()), int(polled.partition() or 0))
        if error is not None and error.code() == KafkaError._PARTITION_EOF:
            self._read_to[place] = offset
            return None
        if error is not None:
            _raise_final(error)
            log.warning("Kafka can't be read for now", error=error.str(), topic=polled.topic())
            return None
        self._read_to[place] = offset + 1
        kind, milliseconds = polled.timestamp()
        headers: Any = polled.headers() or ()
        timestamp = None if kind == TIMESTAMP_NOT_AVAILABLE else milliseconds
        return Message(*place, offset, polled.key(), polled.value(), tuple(headers), timestamp)

    def _on_error(self, error: KafkaError) -> None:
        """Something is wrong with the client as a whole; most of it it mends by itself."""
        if error.fatal() or error.code() in (KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED):
            self._failure = ConsumerError(_text(error))


def _telling(tell: Callable[[Sequence[TopicPartition]], None]) -> _Callback:
    def told(_client: Client, partitions: list[ClientPartition]) -> None:
        tell([TopicPartition(each.topic, each.partition) for each in partitions])

    return told


@contextlib.contextmanager
def _of_assigned(partition: TopicPartition) -> Iterator[None]:
    """A partition that was lost a moment ago is none of ours to steer: the listener is about to be told."""
    try:
        yield
    except KafkaException as error:
        log.debug("a partition is not assigned any more", partition=partition, error=error.args[0].str())


def _raise_final(error: KafkaError) -> None:
    if error.code() in _MENDS or error.fatal():
        raise ConsumerError(_text(error))


def _text(error: KafkaError) -> str:
    mend = _MENDS.get(error.code(), "start the process again")
    return f"Kafka can't be read: {error.str()} ({error.name()}); {mend}"
