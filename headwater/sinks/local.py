"""Topics in a file, written: messages and the offset behind them in one transaction, so that each is there once.

Messages wait in memory until an offset is stored; only where there are very many before the next one (a long snapshot)
are they written ahead, in the transaction that the offset will end.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from headwater.config import ConfigDef, Importance, Option, OptionType, at_least
from headwater.murmur2 import partition_of
from headwater.sink import ANY_PARTITION, Delivered, Message, RetriableSinkError, SinkError
from headwater.sinks.place import parse_place
from headwater.topic_file import OFFSET_BITS, BusyError, TopicFile, TopicFileError, headers_text

MOST_WAITING = 50_000
"""Messages that wait in memory."""
RETENTION_SECONDS = 10.0
"""How often old messages are looked for, at most."""
RETENTION_ROWS = 50_000
"""How many of a partition are deleted at a time."""

OPTIONS = ConfigDef(
    Option("partitions", OptionType.INT, 1, "How many partitions a new topic gets.", Importance.LOW, at_least(1)),
    Option(
        "retention.ms",
        OptionType.LONG,
        604_800_000,
        "Milliseconds after which messages are deleted, whether they were read or not; -1 keeps them for good.",
        Importance.LOW,
        at_least(-1),
    ),
)


def create(place: str, client_id: str, options: Mapping[str, str]) -> LocalSink:
    """A sink into the file at ``place``; ``client_id`` is whose offsets it keeps.

    Raises `headwater.config.ConfigError`.
    """
    parsed = parse_place(place, OPTIONS)
    return LocalSink(Path(parsed.path), client_id, parsed.options | dict(options))


class LocalSink:
    """`headwater.sink.OffsetSink` into a file of topics."""

    def __init__(self, path: Path, connector: str, options: Mapping[str, str]) -> None:
        config = OPTIONS.parse(options)
        self._path = path
        self._connector = connector
        self._new_partitions: int = config["partitions"]
        self._retention_ms: int = config["retention.ms"]
        self._retention_at = 0.0
        self._file: TopicFile | None = None
        self._waiting: list[Message] = []
        self._written = 0
        self._ids: dict[str, list[int]] = {}
        self._next: dict[int, int] = {}
        self._numbers: dict[str, int] = {}

    def open(self) -> None:
        """Open the file, or make it."""
        with _refused():
            self._file = TopicFile(self._path)

    @property
    def _opened(self) -> TopicFile:
        if self._file is None:
            raise RuntimeError("the sink is not open")
        return self._file

    def send(self, messages: Sequence[Message]) -> None:
        """See `headwater.sink.Sink.send`."""
        self._waiting += messages
        if len(self._waiting) >= MOST_WAITING:
            with _refused(), self._opened.errors():
                self._write()

    def flush(self, timeout: float) -> bool:  # noqa: ARG002 - it takes no time
        """Store the messages, with no offset; see `headwater.sink.Sink.flush`."""
        if self._waiting or self._written:
            with _refused(), self._opened.errors():
                self._write()
                self._end()
        return True

    def delivered(self, partition: Mapping[str, str]) -> Delivered | None:
        """See `headwater.sink.OffsetSink.delivered`."""
        key = _json(partition)
        with _refused(), self._opened.errors():
            row = self._opened.database.execute(
                'SELECT "offset", history, stored, number FROM deliveries WHERE connector = ? AND "partition" = ?',
                (self._connector, key),
            ).fetchone()
        self._numbers[key] = 0 if row is None else row[3]
        if row is None:
            return None
        offset, history, stored = row[:3]
        return Delivered(orjson.loads(offset), orjson.loads(history), stored and orjson.loads(stored))

    def commit(self, partition: Mapping[str, str], delivered: Delivered) -> None:
        """See `headwater.sink.OffsetSink.commit`."""
        with _refused(), self._opened.errors():
            self._write()
            self._store(_json(partition), delivered)
            self._end()

    def _store(self, key: str, delivered: Delivered) -> None:
        """Conditional on nobody else having delivered meanwhile: a task that was taken for dead changes nothing."""
        number = self._numbers[key]
        database = self._opened.database
        row = database.execute(
            'SELECT number FROM deliveries WHERE connector = ? AND "partition" = ?', (self._connector, key)
        ).fetchone()
        if (0 if row is None else row[0]) != number:
            raise SinkError(
                f"another task of connector {self._connector} delivers to {self._path}: what this one would have"
                " delivered is left to it"
            )
        texts = (_json(delivered.offset), _json(delivered.history), delivered.stored and _json(delivered.stored))
        database.execute(
            "INSERT OR REPLACE INTO deliveries VALUES (?, ?, ?, ?, ?, ?)", (self._connector, key, *texts, number + 1)
        )
        self._numbers[key] = number + 1

    def _write(self) -> None:
        """Write what waits; the transaction stays open."""
        file = self._opened
        if not file.database.in_transaction:
            file.database.execute("BEGIN IMMEDIATE")
        now = time.time_ns() // 1_000_000
        rows = [
            (self._place(topic, partition, key), timestamp or now, key, value, headers_text(headers))
            for _, topic, key, value, headers, partition, timestamp in self._waiting
        ]
        file.database.executemany("INSERT INTO messages VALUES (?, ?, ?, ?, ?)", rows)
        self._written += len(rows)
        self._waiting.clear()

    def _place(self, topic: str, partition: int, key: bytes | None) -> int:
        """The number of the next message of a topic."""
        ids = self._ids.get(topic) or self._partition_ids(topic)
        if partition == ANY_PARTITION:
            partition = _choose(key, len(ids))
        if not 0 <= partition < len(ids):
            raise SinkError(f"topic {topic} has no partition {partition}: it has {len(ids)} in {self._path}")
        id_ = ids[partition]
        offset = self._next[id_]
        self._next[id_] = offset + 1
        return id_ << OFFSET_BITS | offset

    def _partition_ids(self, topic: str) -> list[int]:
        """The numbers of a topic's partitions, and what comes next in each, in this transaction."""
        file = self._opened
        found = file.partitions([topic])
        if not found:
            file.database.executemany(
                "INSERT INTO partitions (topic, number) VALUES (?, ?)",
                [(topic, number) for number in range(self._new_partitions)],
            )
            found = file.partitions([topic])
        self._next |= {partition.id: partition.next for partition in found}
        ids = self._ids[topic] = [partition.id for partition in found]
        return ids

    def _end(self) -> None:
        """Commit: from now on the messages are there."""
        database = self._opened.database
        database.executemany("UPDATE partitions SET next = ? WHERE id = ?", [(n, id_) for id_, n in self._next.items()])
        self._forget_old()
        database.execute("COMMIT")
        self._ids, self._next, self._written = {}, {}, 0

    def _forget_old(self) -> None:
        if self._retention_ms < 0 or time.monotonic() - self._retention_at < RETENTION_SECONDS:
            return
        self._retention_at = time.monotonic()
        file, oldest_time = self._opened, time.time_ns() // 1_000_000 - self._retention_ms
        for partition in file.partitions():
            end = min(partition.next, partition.oldest + RETENTION_ROWS)
            first = partition.first_id
            row = file.database.execute(
                "SELECT id FROM messages WHERE id >= ? AND id < ? AND timestamp >= ? ORDER BY id LIMIT 1",
                (first + partition.oldest, first + end, oldest_time),
            ).fetchone()
            kept = end if row is None else row[0] - first
            if kept > partition.oldest:
                file.database.execute("DELETE FROM messages WHERE id >= ? AND id < ?", (first, first + kept))
                file.database.execute("UPDATE partitions SET oldest = ? WHERE id = ?", (kept, partition.id))

    def unacknowledged(self) -> int:
        """See `headwater.sink.Sink.unacknowledged`."""
        return len(self._waiting) + self._written

    def close(self, timeout: float) -> None:  # noqa: ARG002
        """Let go of the file; what was not stored with its offset is not there."""
        self._waiting.clear()
        if self._file is not None:
            self._file.close()
            self._file = None


def _choose(key: bytes | None, partitions: int) -> int:
    """As Kafka's Java producer chooses where there is a key, else any."""
    if partitions == 1:
        return 0
    return random.randrange(partitions) if key is None else partition_of(key, partitions)  # noqa: S311 - no secret


def _json(value: Any) -> str:
    """One text for one value, whatever the order of its members."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


@contextlib.contextmanager
def _refused() -> Iterator[None]:
    try:
        yield
    except BusyError as error:
        raise RetriableSinkError(str(error)) from error
    except TopicFileError as error:
        raise SinkError(str(error)) from error
