"""Reading a Kafka topic in tests."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable

from confluent_kafka import Consumer, Message, TopicPartition
from confluent_kafka.admin import AdminClient

DEADLINE = 60.0


def read_topic(bootstrap: str, topic: str, enough: Callable[[list[Message]], bool], together: int = 1) -> list[Message]:
    """A topic's messages from its beginning until there are enough; all of its partitions.

    ``enough`` is asked after every ``together`` messages, at the most, and where none come for a while.
    Raises TimeoutError with what came where that takes longer than a minute.
    """
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": f"test-{uuid.uuid4()}", "enable.auto.commit": False}
    )
    end = time.monotonic() + DEADLINE
    admin = AdminClient({"bootstrap.servers": bootstrap})
    try:
        while topic not in (topics := admin.list_topics(timeout=10).topics):
            if time.monotonic() > end:
                raise TimeoutError(f"topic {topic} was not made within {DEADLINE} s")
        consumer.assign([TopicPartition(topic, number, 0) for number in topics[topic].partitions])
        messages: list[Message] = []
        while not enough(messages):
            if time.monotonic() > end:
                seen = [(message.key(), message.value()) for message in messages[-5:]]
                raise TimeoutError(f"topic {topic} has {len(messages)} messages after {DEADLINE} s, last: {seen}")
            messages += (message for message in consumer.consume(together, 0.2) if message.error() is None)
        return messages
    finally:
        consumer.close()


def topic_names(bootstrap: str) -> set[str]:
    """The names of all topics."""
    return set(AdminClient({"bootstrap.servers": bootstrap}).list_topics(timeout=10).topics)
