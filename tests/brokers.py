"""The brokers that consumers read, each by its address: the same tests on all of them."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from headwater.consumer import Consumer, Message, TopicPartition
from headwater.consumers import open_consumer
from headwater.sink import ANY_PARTITION, NOW, Sink
from headwater.sinks import open_sink
from tests.worker_process import wait_until

PARTITIONS = 2


@dataclass
class Broker:
    """Somewhere that topics can be made; ``address`` is the one for sinks, ``forget`` has a group forget all."""

    address: str
    make_topic: Callable[[str], None]
    forget: Callable[[str], None]
    opened: list[Consumer | Sink] = field(default_factory=list)

    @property
    def consumers_address(self) -> str:
        return self.address.partition("?")[0]

    def topic(self) -> str:
        """A new topic."""
        name = f"consumers_{uuid.uuid4().hex[:12]}"
        self.make_topic(name)
        return name

    def send(self, topic: str, *values: str | None, partition: int = ANY_PARTITION, key: bytes | None = None) -> None:
        sink = open_sink(self.address, "test")
        sink.open()
        headers = [("id", b"\xff1"), ("none", None)]
        sink.send([(0, topic, key, v and v.encode(), headers, partition, NOW) for v in values])
        assert sink.flush(30)
        sink.close(0)

    def reader(self, topic: str, group: str | None = None) -> Reader:
        consumer = open_consumer(self.consumers_address, group or f"group-{uuid.uuid4()}")
        self.opened.append(consumer)
        return Reader(consumer, topic)


class Reader:
    """A member of a group that notes what it is told."""

    def __init__(self, consumer: Consumer, topic: str) -> None:
        self.consumer = consumer
        self.owned: set[int] = set()
        self.told: list[tuple[str, list[int]]] = []
        self.messages: list[Message] = []
        self.before_revoke: Callable[[], None] = lambda: None
        consumer.subscribe([topic], self)

    def assigned(self, partitions: Sequence[TopicPartition]) -> None:
        self._tell("assigned", partitions)
        self.owned |= {each.partition for each in partitions}

    def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        self.before_revoke()
        self._tell("revoked", partitions)
        self.owned -= {each.partition for each in partitions}

    def lost(self, partitions: Sequence[TopicPartition]) -> None:
        self._tell("lost", partitions)
        self.owned -= {each.partition for each in partitions}

    def _tell(self, what: str, partitions: Sequence[TopicPartition]) -> None:
        self.told.append((what, sorted(each.partition for each in partitions)))

    def poll(self, most: int = 10) -> list[Message]:
        polled = self.consumer.poll(0.1, most)
        assert len(polled) <= most
        self.messages += polled
        return polled

    def read(self, count: int) -> list[str | None]:
        """Poll until so many messages have come in all; their values."""
        wait_until(f"{count} messages", lambda: self.poll() is not None and len(self.messages) >= count)
        return self.values

    @property
    def values(self) -> list[str | None]:
        return [m.value and m.value.decode() for m in self.messages]

    def commit(self) -> None:
        self.consumer.commit({m.place: m.offset + 1 for m in self.messages})

    def close(self) -> None:
        self.consumer.close()


def local_broker(folder: Path, partitions: int = PARTITIONS) -> Broker:
    """A file of topics; they are made by the first message, with so many partitions."""
    path = folder / "topics.db"

    def forget(group: str) -> None:
        with closing(sqlite3.connect(path)) as database, database:
            database.execute('DELETE FROM positions WHERE "group" = ?', (group,))

    return Broker(f"local://{path}?partitions={partitions}", lambda _name: None, forget)


def kafka_broker(bootstrap: str, partitions: int = PARTITIONS) -> Broker:
    """A real Kafka; its topics have so many partitions."""
    from confluent_kafka.admin import AdminClient, NewTopic

    def make_topic(name: str) -> None:
        admin = AdminClient({"bootstrap.servers": bootstrap})
        for future in admin.create_topics([NewTopic(name, partitions, 1)]).values():
            future.result()

    def forget(group: str) -> None:
        admin = AdminClient({"bootstrap.servers": bootstrap})
        admin.delete_consumer_groups([group])[group].result(30)

    return Broker(f"kafka://{bootstrap}", make_topic, forget)
