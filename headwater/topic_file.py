"""Topics in a SQLite file: what ``local://PATH`` stands for, as a sink and as a consumer.

For development, tests and small services on one machine. It is a file, not a server: whoever opens it reads and writes
it, the tables below say what is in it, and when it is outgrown an address makes Kafka of it.

    partitions   the topics: of each partition the offset of its oldest message, and the one that its next will have
    messages     by number of partition and offset, both in one integer; headers as JSON, each byte a character
    positions    which offset a group reads next; ``owner`` is the member that reads the partition
    members      who reads in a group, and what (JSON); each keeps a file locked for as long as it lives
    deliveries   how far each connector has read its database: written with its messages, so that each is there once
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import orjson

BUSY_SECONDS = 30.0
"""How long a write waits for another process's write to end."""
OFFSET_BITS = 40
"""Bits of a message's number that are its offset; the rest is its partition's number."""

_VERSION = 1
_APPLICATION = 0x48445754
"""``HDWT``: what SQLite's application_id says of such a file."""
_SCHEMA = """
    CREATE TABLE partitions (
        id INTEGER PRIMARY KEY, topic TEXT NOT NULL, number INTEGER NOT NULL,
        oldest INTEGER NOT NULL DEFAULT 0, next INTEGER NOT NULL DEFAULT 0, UNIQUE (topic, number)
    ) STRICT;
    CREATE TABLE messages (
        id INTEGER PRIMARY KEY, timestamp INTEGER NOT NULL, key BLOB, value BLOB, headers TEXT
    ) STRICT;
    CREATE TABLE positions (
        "group" TEXT NOT NULL, topic TEXT NOT NULL, number INTEGER NOT NULL, "offset" INTEGER, owner TEXT,
        PRIMARY KEY ("group", topic, number)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE members (id TEXT PRIMARY KEY, "group" TEXT NOT NULL, topics TEXT NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE deliveries (
        connector TEXT NOT NULL, "partition" TEXT NOT NULL, "offset" TEXT NOT NULL, history TEXT NOT NULL,
        stored TEXT, number INTEGER NOT NULL, PRIMARY KEY (connector, "partition")
    ) STRICT, WITHOUT ROWID;
"""


class TopicFileError(Exception):
    """The file can't be used: says which, why, and what to do."""


class BusyError(TopicFileError):
    """Another process has it locked for longer than `BUSY_SECONDS`."""


class StoredMessage(NamedTuple):
    """A message in a partition: ``timestamp`` in milliseconds since 1970."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition as it stood when it was asked for."""

    id: int
    topic: str
    number: int
    oldest: int
    next: int

    @property
    def first_id(self) -> int:
        """The number that its message at offset 0 has, or had."""
        return self.id << OFFSET_BITS


class TopicFile:
    """One connection to a file of topics, made where there is none; used by one thread."""

    def __init__(self, path: Path) -> None:
        """Raises `TopicFileError`."""
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # messages are people's data
            self.database = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        except (OSError, sqlite3.Error) as error:
            raise TopicFileError(f"the file of topics {path} can't be opened: {error}") from error
        try:
            with self.errors():
                self._prepare()
        except BaseException:
            self.database.close()
            raise

    def _prepare(self) -> None:
        ((application,),) = self.database.execute("PRAGMA application_id").fetchall()
        if application not in (0, _APPLICATION) or (application == 0 and self._has_tables()):
            raise TopicFileError(f"{self.path} is a database of something else: name a file of its own in local://PATH")
        self.database.execute("PRAGMA journal_mode = WAL")
        self.database.execute("PRAGMA synchronous = FULL")  # what is acknowledged may be forgotten where it came from
        if application == 0:
            with self.transaction():
                if not self._has_tables():  # another process may have been quicker
                    for statement in filter(str.strip, _SCHEMA.split(";")):
                        self.database.execute(statement)
                    self.database.execute(f"PRAGMA application_id = {_APPLICATION}")
                    self.database.execute(f"PRAGMA user_version = {_VERSION}")
        ((version,),) = self.database.execute("PRAGMA user_version").fetchall()
        if version > _VERSION:
            raise TopicFileError(f"{self.path} was written by a newer Headwater (its version is {version})")

    def _has_tables(self) -> bool:
        return self.database.execute("SELECT 1 FROM sqlite_schema").fetchone() is not None

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, and durable at the end. Raises `TopicFileError`."""
        with self.errors():
            self.database.execute("BEGIN IMMEDIATE")
            try:
                yield self.database
                self.database.execute("COMMIT")
            finally:
                if self.database.in_transaction:
                    self.database.execute("ROLLBACK")

    @contextmanager
    def errors(self) -> Iterator[None]:
        """SQLite's errors as `TopicFileError`."""
        try:
            yield
        except sqlite3.OperationalError as error:
            kind = BusyError if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY else TopicFileError
            raise kind(f"the file of topics {self.path}: {error}") from error
        except sqlite3.DatabaseError as error:
            raise TopicFileError(f"the file of topics {self.path}: {error}") from error

    def version(self) -> int:
        """A number that changes when others commit something; costs next to nothing."""
        with self.errors():
            return int(self.database.execute("PRAGMA data_version").fetchone()[0])

    def partitions(self, topics: Sequence[str] | None = None) -> list[Partition]:
        """The partitions of topics, all there are for None, by topic and number."""
        with self.errors():
            rows = self.database.execute(
                "SELECT id, topic, number, oldest, next FROM partitions"
                " WHERE ?1 IS NULL OR topic IN (SELECT value FROM json_each(?1)) ORDER BY topic, number",
                (None if topics is None else orjson.dumps(list(topics)).decode(),),
            ).fetchall()
        return [Partition(*row) for row in rows]

    def read(self, partition: Partition, offset: int, most: int) -> list[StoredMessage]:
        """Messages from an offset on; those that are gone are stepped over."""
        first = partition.first_id
        with self.errors():
            rows = self.database.execute(
                "SELECT id, timestamp, key, value, headers FROM messages WHERE id >= ? AND id < ? ORDER BY id LIMIT ?",
                (first + offset, first + (1 << OFFSET_BITS), most),
            ).fetchall()
        return [StoredMessage(id_ - first, time, key, value, _headers(text)) for id_, time, key, value, text in rows]

    def close(self) -> None:
        """Let go of the file."""
        self.database.close()


def headers_text(headers: Sequence[tuple[str, bytes | None]] | None) -> str | None:
    """A message's headers as `messages` keeps them."""
    if not headers:
        return None
    pairs = [(name, None if value is None else value.decode("latin-1")) for name, value in headers]
    return orjson.dumps(pairs).decode()


def _headers(text: str | None) -> tuple[tuple[str, bytes | None], ...]:
    if text is None:
        return ()
    pairs: list[tuple[str, Any]] = orjson.loads(text)
    return tuple((name, None if value is None else value.encode("latin-1")) for name, value in pairs)
