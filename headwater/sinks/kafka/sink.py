"""The sink itself: one librdkafka producer, fed and watched by the pipeline's thread.

What makes it quick, and still safe: no callback for each message. The producer has one callback, called for
failures only, and `KafkaSink.flush` is the barrier behind which an offset may be stored. The producer is
idempotent, so that its own retries neither repeat a message nor change the order.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn

import structlog
from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka import Message as Report

from headwater.config import ConfigError, Problem
from headwater.kafka_log import ClientLog
from headwater.sink import Message, RetriableSinkError, SinkError, Topic
from headwater.sinks.kafka.errors import PURGED, SIGN_IN_REFUSED, Size, delivery_error, refusal, stop_error
from headwater.sinks.kafka.producer_config import ProducerConfig
from headwater.sinks.kafka.topic_admin import TopicAdmin
from headwater.sinks.kafka.topics import TopicCreation

log = structlog.get_logger(__name__)

OPEN_SECONDS = 10.0
"""How long `KafkaSink.open` waits for a broker to answer."""
SERVE_EVERY = 100
"""Messages between two times that librdkafka is asked for failures: asking costs about as much as sending one."""
POLL_SECONDS = 0.1
"""How long librdkafka is waited for at a time: in between the task can take note of a signal."""
WARN_SECONDS = 10.0
"""How often a wait for the cluster is told of."""


class KafkaSink:
    """Delivers to a Kafka cluster; see `headwater.sink.Sink`."""

    def __init__(self, config: ProducerConfig, creation: TopicCreation | None, topics: Sequence[Topic] = ()) -> None:
        self._config = config
        self._topics = TopicAdmin(creation, config.settings) if creation else None
        self._topics_at_start = [topic.name for topic in topics]
        self._failure: SinkError | None = None
        self._client_error = ""
        self._signed_in = False
        self._ready: set[str] = set()
        self._unserved = 0
        self._producer: Producer | None = None
        self._produce: Callable[..., None] = _not_open

    @classmethod
    def from_config(
        cls, worker: Mapping[str, str], connector: Mapping[str, str], client_id: str, topics: Sequence[Topic] = ()
    ) -> KafkaSink:
        """The sink that the worker's and the connector's options describe; connects nowhere yet.

        ``topics`` are there once it is open, whatever ``topic.creation.*`` says of them.
        Raises `ConfigError` with everything that is wrong with ``producer.*`` and ``topic.creation.*``.
        """
        problems: list[Problem] = []
        producer, creation = None, None
        try:
            producer = ProducerConfig.from_config(worker, connector, client_id)
        except ConfigError as error:
            problems.extend(error.problems)
        try:
            creation = TopicCreation.from_config(worker, connector, topics)
        except ConfigError as error:
            problems.extend(error.problems)
        if producer is None or problems:
            raise ConfigError(problems)
        return cls(producer, creation, topics)

    def open(self) -> None:
        """Make the producer, wait until a broker answers, and make the topics that are to be there from the start.

        Raises `SinkError` where the brokers refuse the sign-in or a topic, `RetriableSinkError` after `OPEN_SECONDS`.
        """
        callbacks = {"on_delivery": self._on_delivery, "error_cb": self._on_error}
        self._producer = Producer({**self._config.settings, **callbacks}, logger=ClientLog())
        self._produce = self._producer.produce
        wait = _Wait("no Kafka broker answers", OPEN_SECONDS)
        while not self._answers(self._producer):
            wait.check(self._client_error)
        self._signed_in = True
        for topic in self._topics_at_start:
            self._make_ready(topic)

    def send(self, messages: Sequence[Message]) -> None:
        """Put messages into the producer's queue; blocks while it is full.

        Raises `SinkError` for a message sent earlier, or for one of these: too large, or its topic can't be made.
        """
        produce, ready = self._produce, self._ready
        for message in messages:
            # `ANY_PARTITION` and `NOW` are what librdkafka takes for them too.
            _, topic, key, value, headers, partition, timestamp = message
            if topic not in ready:
                self._make_ready(topic)
            try:
                produce(topic, value, key, partition, None, None, timestamp, headers)  # keywords would cost 1 µs
            except (BufferError, KafkaException, ValueError) as error:
                self._send_again(message, error)
        self._unserved += len(messages)
        if self._unserved >= SERVE_EVERY:
            self._serve(0)

    def flush(self, timeout: float) -> bool:
        """Wait until the brokers have acknowledged every message; see `headwater.sink.Sink.flush`."""
        left = self._opened.flush(timeout)
        self._raise_failure()
        return left == 0

    def unacknowledged(self) -> int:
        """Messages in the producer's queue and on their way; see `headwater.sink.Sink.unacknowledged`."""
        producer = self._producer
        return 0 if producer is None else len(producer)

    def close(self, timeout: float) -> None:
        """Let go of the cluster; after a failure, messages that still wait are dropped at once."""
        if self._producer is None:
            return
        left = len(self._producer) if self._failure else self._producer.flush(timeout)
        if left:
            log.warning("messages dropped undelivered; they are sent again from the stored offset", messages=left)
        self._producer.purge()  # `Producer.close` would wait for them without end
        self._producer.close()
        self._producer, self._produce = None, _not_open

    @property
    def _opened(self) -> Producer:
        if self._producer is None:
            _not_open()
        return self._producer

    def _answers(self, producer: Producer) -> bool:
        """Whether a broker answers, waiting a little for it."""
        try:
            producer.cluster_id(POLL_SECONDS)
        except KafkaException:
            self._serve(0)
            return False
        return True

    def _make_ready(self, topic: str) -> None:
        """See to it that ``topic`` exists, where ``topic.creation.*`` asks for that."""
        if self._topics is not None:
            wait = _Wait(f"topic {topic} can't be created yet", self._config.max_block)
            while (problem := self._topics.ensure(topic)) is not None:
                self._serve(POLL_SECONDS)
                wait.check(problem)
        self._ready.add(topic)

    def _send_again(self, message: Message, error: Exception) -> None:
        """A message that `Producer.produce` didn't take: wait for room in the queue, or give the reason."""
        _, topic, key, value, headers, partition, timestamp = message
        wait = _Wait("the producer's queue is full", self._config.max_block)
        while isinstance(error, BufferError):
            self._serve(POLL_SECONDS)
            wait.check(self._client_error)
            try:
                self._produce(topic, value, key, partition, None, None, timestamp, headers)
            except (BufferError, KafkaException, ValueError) as again:
                error = again
            else:
                return
        self._serve(0)  # a report that is waiting there may say more than this error
        raise refusal(error, topic, Size.of(key, value), self._config.settings["message.max.bytes"]) from error

    def _serve(self, timeout: float) -> None:
        """Let librdkafka call back, waiting ``timeout`` seconds for it; raises what it reports."""
        self._unserved = 0
        self._opened.poll(timeout)
        self._raise_failure()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _on_delivery(self, error: KafkaError, report: Report) -> None:
        """A message was not delivered. The first reason stands, unless it would pass and a later one won't."""
        if error.code() in PURGED:
            return
        failure = delivery_error(error, report.topic() or "", Size.of(report.key(), report.value()))
        if self._failure is None or (isinstance(self._failure, RetriableSinkError) and type(failure) is SinkError):
            self._failure = failure

    def _on_error(self, error: KafkaError) -> None:
        """Something is wrong with the client as a whole; all but fatal errors it mends by itself."""
        self._client_error = error.str()
        if error.fatal():
            self._failure = self._failure or stop_error(error)
        elif error.code() in SIGN_IN_REFUSED and not self._signed_in:
            self._failure = SinkError(f"the Kafka brokers refuse the sign-in: {error.str()}; check producer.sasl.*")


def _not_open(*_arguments: object) -> NoReturn:
    raise RuntimeError("the sink is not open")


class _Wait:
    """A wait for the cluster: tells of itself from time to time, and ends at ``limit`` seconds (None: never)."""

    def __init__(self, what: str, limit: float | None) -> None:
        self._what = what
        self._limit = limit
        self._start = self._told = time.monotonic()

    def check(self, cause: str) -> None:
        """Raises `RetriableSinkError` at the limit."""
        now = time.monotonic()
        waited = now - self._start
        if self._limit is not None and waited >= self._limit:
            raise RetriableSinkError(f"{self._what} after {waited:.0f} seconds{f': {cause}' if cause else ''}")
        if now - self._told >= WARN_SECONDS:
            self._told = now
            log.warning("waiting for Kafka", because=self._what, seconds=round(waited), cause=cause or None)
