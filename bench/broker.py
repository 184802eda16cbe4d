"""The Kafka broker: one topic, made anew for each run, and how much it holds."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from bench.server import process_listening_on

DEADLINE = 60
SAMPLED = 1000


class Broker:
    """The broker that ``KAFKA_BOOTSTRAP_SERVERS`` names, seen through one topic with one partition."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self._partition = TopicPartition(topic, 0, 0)
        servers = os.environ["KAFKA_BOOTSTRAP_SERVERS"]
        self._port = int(servers.split(",")[0].rpartition(":")[2])
        self._admin = AdminClient({"bootstrap.servers": servers}, logger=None)
        settings = {"group.id": "bench", "enable.auto.commit": False, "fetch.wait.max.ms": 100}
        self._consumer = Consumer({"bootstrap.servers": servers, **settings}, logger=None)

    @property
    def pid(self) -> int:
        """The broker's process; 0 where it runs on another machine."""
        return process_listening_on(self._port)

    def renew(self) -> None:
        """The topic, empty."""
        self._consumer.unassign()
        if self.topic in self._admin.list_topics(timeout=DEADLINE).topics:
            self._admin.delete_topics([self.topic])[self.topic].result(DEADLINE)
        self._until(self._created, "make")
        self._until(lambda: self.events() == 0, "ask for")

    def remove(self) -> None:
        """Delete the topic."""
        self._consumer.unassign()
        self._admin.delete_topics([self.topic])[self.topic].result(DEADLINE)

    def events(self) -> int:
        """How many messages every reader may read."""
        return int(self._consumer.get_watermark_offsets(self._partition, timeout=DEADLINE)[1])

    def bytes_per_event(self) -> float:
        """Of keys and values, over the first messages."""
        messages: list[Message] = []
        self._consumer.assign([self._partition])
        while len(messages) < min(SAMPLED, self.events()):
            messages += self._consumer.consume(SAMPLED - len(messages), 1.0)
        self._consumer.unassign()
        return sum(len(message.key() or b"") + len(message.value() or b"") for message in messages) / len(messages)

    def note_arrivals(self, arrivals: list[int], until: Callable[[], bool]) -> None:
        """Append the time (ns, monotonic) at which each message reached this consumer."""
        self._consumer.assign([self._partition])
        poll, clock = self._consumer.poll, time.monotonic_ns
        while not until():
            message = poll(0.2)
            if message is not None and not message.error():
                arrivals.append(clock())
        self._consumer.unassign()

    def close(self) -> None:
        """Let go of the broker."""
        self._consumer.close()

    def _created(self) -> bool:
        try:
            self._admin.create_topics([NewTopic(self.topic, 1, 1)])[self.topic].result(DEADLINE)
        except KafkaException:
            return False  # the topic of that name is still being deleted
        return True

    def _until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + DEADLINE
        while True:
            try:
                if condition():
                    return
            except KafkaException:
                pass
            if time.monotonic() > deadline:
                raise TimeoutError(f"could not {what} topic {self.topic} in {DEADLINE} s")
            time.sleep(0.1)
