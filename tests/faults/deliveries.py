"""What arrives in Kafka, read while it comes: each message as the step that it tells of."""

from __future__ import annotations

import threading
import time
import uuid
from collections import defaultdict
from typing import NamedTuple, Self

import orjson
from confluent_kafka import Consumer, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from tests.faults.database import BUSINESS, OUTBOX, Change, Database, Position
from tests.faults.ledger import Key, Step

PARTITIONS = 3
SILENT = 0
"""A syslog level: that a broker is away is the test's own doing, and what matters raises an error."""
READ = "r"
"""The operation of a snapshot's message; its step's number is the one of the image that it holds."""


class Arrival(NamedTuple):
    """One message."""

    step: Step
    position: Position


class Deliveries:
    """The topics of the load's tables, made on entering and deleted on leaving, and what has arrived there.

    ``arrivals``   the messages of each key in the order of its partition
    ``distinct``   how many different steps of the log have arrived
    ``reads``      how many messages of snapshots have arrived
    ``streaming``  a monotonic time at which the first step of the log had arrived: no snapshot was taken later
    """

    def __init__(self, bootstrap: str, prefix: str, database: Database) -> None:
        self.arrivals: defaultdict[Key, list[Arrival]] = defaultdict(list)
        self.distinct = 0
        self.reads = 0
        self.streaming: float | None = None
        self._database = database
        self._tables = {f"{prefix}.{database.name}.{table}": table for table in (BUSINESS, OUTBOX)}
        self._schema_changes = prefix
        self._seen: set[tuple[Key, Step]] = set()
        client = {"bootstrap.servers": bootstrap, "log_level": SILENT}
        self._admin = AdminClient(client)
        self._consumer = Consumer(
            {
                **client,
                "group.id": f"faults-{uuid.uuid4()}",
                "enable.auto.commit": False,
                "auto.offset.reset": "error",
                "fetch.wait.max.ms": 50,
            }
        )
        self._reader = threading.Thread(target=self._read, name="deliveries")
        self._ending = threading.Event()
        self._error: Exception | None = None

    def __enter__(self) -> Self:
        made = self._admin.create_topics([NewTopic(topic, PARTITIONS, 1) for topic in self._tables])
        for future in made.values():
            future.result()
        partitions = [TopicPartition(topic, number, 0) for topic in self._tables for number in range(PARTITIONS)]
        self._consumer.assign(partitions)
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._reader.is_alive():
            self.read_to_end()
        self._consumer.close()
        for future in self._admin.delete_topics([*self._tables, self._schema_changes]).values():
            future.exception()  # the schema changes' topic may not have been made

    def read_to_end(self) -> None:
        """Read what is there now, and no more."""
        self._ending.set()
        self._reader.join()
        self.check()

    def check(self) -> None:
        """Raises what reading failed of."""
        if self._error is not None:
            raise self._error

    def _read(self) -> None:
        try:
            while not self._ending.is_set():
                self._take(self._consumer.consume(500, 0.05))
            while not self._at_end():
                self._take(self._consumer.consume(500, 0.05))
        except Exception as error:
            self._error = error

    def _at_end(self) -> bool:
        """Whether every partition is read up to its present end."""
        for partition in self._consumer.position(self._consumer.assignment()):
            _, end = self._consumer.get_watermark_offsets(partition, timeout=10)
            if max(partition.offset, 0) < end:
                return False
        return True

    def _take(self, messages: list[Message]) -> None:
        for message in messages:
            if error := message.error():
                raise KafkaException(error)
            key = Key(self._tables[str(message.topic())], self._database.key(message.key() or b""))
            arrivals = self.arrivals[key]
            value = message.value()
            if value is None:
                arrival = _tombstone(arrivals)
            else:
                arrival = _arrival(key.table, self._database.change(orjson.loads(value)))
            arrivals.append(arrival)
            if arrival.step.operation == READ:
                self.reads += 1
            elif (key, arrival.step) not in self._seen:
                self.streaming = self.streaming or time.monotonic()
                self._seen.add((key, arrival.step))
                self.distinct += 1


def _arrival(table: str, change: Change) -> Arrival:
    """A message with a value; the number 0 is nobody's."""
    operation, row, position = change
    if row is None:
        return Arrival(Step(0, operation, 0), position)
    version, transaction = (1, 0) if table == OUTBOX else (row["version"], row["transaction"])
    return Arrival(Step(version + 1 if operation == "d" else version, operation, transaction), position)


def _tombstone(before: list[Arrival]) -> Arrival:
    """A message without a value belongs to the delete that came just before it, in the same key."""
    if not before or before[-1].step.operation != "d":
        return Arrival(Step(0, "t", 0), ("", 0, 0))
    return Arrival(before[-1].step.tombstone, before[-1].position)
