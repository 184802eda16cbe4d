"""Topics in a file, read: see `headwater.topic_file`.

Members of a group share partitions through the file. Each has a file of its own beside it, locked for as long as the
member lives, so that the death of a process is seen at once and whatever it owned goes to the others. Of a topic's
partitions each member is due an equal part, in the order of the members' names: it lets go of what is due to another,
and takes what is due to it once nobody owns it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import time
import uuid
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import structlog

from headwater.addresses import Place
from headwater.consumer import ConsumerError, Message, RebalanceListener, TopicPartition
from headwater.topic_file import Partition, StoredMessage, TopicFile, TopicFileError

log = structlog.get_logger(__name__)

POLL_SECONDS = 0.01
"""How often the file is asked for news, which costs a few microseconds."""
MEMBERS_SECONDS = 1.0
"""How often members that died are looked for."""
AHEAD = 500
"""How many messages of a partition are read at a time."""


def create(place: str, group: str, options: Mapping[str, str]) -> LocalConsumer:
    """A member of ``group`` in the file at ``place``. Raises `ConsumerError`."""
    if options:
        raise ConsumerError(f"the option {min(options)} means nothing to local://")
    return LocalConsumer(Path(Place.parse(place).path), group)


@dataclass(slots=True)
class _Assigned:
    """A partition that this member owns: the offset to read next, and what was read ahead."""

    next: int
    ahead: deque[StoredMessage] = field(default_factory=deque)
    paused: bool = False


class LocalConsumer:
    """See `headwater.consumer.Consumer`."""

    def __init__(self, path: Path, group: str) -> None:
        """Raises `ConsumerError`."""
        self._group = group
        self._id = str(uuid.uuid4())
        self._topics: list[str] = []
        self._listener: RebalanceListener | None = None
        self._assigned: dict[TopicPartition, _Assigned] = {}
        self._turns: deque[TopicPartition] = deque()
        self._seen_version: int | None = None
        self._members_at = 0.0
        self._lock: int | None = None
        with _errors():
            self._file = TopicFile(path)
        self._locks = path.with_name(path.name + ".members")

    def subscribe(self, topics: Sequence[str], listener: RebalanceListener) -> None:
        """As `headwater.consumer.Consumer.subscribe`."""
        self._topics, self._listener = list(topics), listener
        self._locks.mkdir(mode=0o700, exist_ok=True)
        self._lock = os.open(self._locks / self._id, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        with _errors(), self._file.transaction() as database:
            row = (self._id, self._group, orjson.dumps(self._topics).decode())
            database.execute("INSERT INTO members VALUES (?, ?, ?)", row)

    def poll(self, timeout: float, most: int = 1) -> list[Message]:
        """As `headwater.consumer.Consumer.poll`."""
        deadline = time.monotonic() + timeout
        while True:
            with _errors():
                self._look()
                if messages := self._take(most):
                    return messages
            left = deadline - time.monotonic()
            if left <= 0:
                return []
            time.sleep(min(left, POLL_SECONDS))

    def _look(self) -> None:
        """See what others have done: new messages, topics, members."""
        version, now = self._file.version(), time.monotonic()
        if version == self._seen_version and now - self._members_at < MEMBERS_SECONDS:
            return
        self._seen_version, self._members_at = version, now
        self._share()
        for place, assigned in self._assigned.items():
            if not assigned.ahead:
                self._read_ahead(place, assigned)

    def _take(self, most: int) -> list[Message]:
        """Of partitions in turn, each in its order."""
        messages: list[Message] = []
        for _ in range(len(self._turns)):
            place = self._turns[0]
            self._turns.rotate(-1)
            assigned = self._assigned[place]
            while assigned.ahead and not assigned.paused and len(messages) < most:
                stored = assigned.ahead.popleft()
                assigned.next = stored.offset + 1
                messages.append(_message(place, stored))
                if not assigned.ahead:
                    self._read_ahead(place, assigned)
        return messages

    def _read_ahead(self, place: TopicPartition, assigned: _Assigned) -> None:
        partition = self._partition(place)
        if partition is not None:
            assigned.ahead.extend(self._file.read(partition, assigned.next, AHEAD))

    def _partition(self, place: TopicPartition) -> Partition | None:
        return next((each for each in self._file.partitions([place.topic]) if each.number == place.partition), None)

    # the group

    def _share(self) -> None:
        """Give up partitions that are due to others, take those that are due to this member."""
        due = self._due()
        lost = [place for place in self._assigned if not self._owns(place)]
        if lost:
            self._forget(lost)
            self._told.lost(lost)
        going = [place for place in self._assigned if place not in due]
        if going:
            self._told.revoked(going)
            self._give_up(going)
        coming = [place for place in due if place not in self._assigned]
        if coming and (taken := self._own(coming)):
            self._told.assigned(taken)

    @property
    def _told(self) -> RebalanceListener:
        if self._listener is None:
            raise ConsumerError("nothing is subscribed to")
        return self._listener

    def _due(self) -> list[TopicPartition]:
        """The partitions that this member is to read."""
        members = self._members()
        due: list[TopicPartition] = []
        for topic in self._topics:
            readers = sorted(name for name, topics in members.items() if topic in topics)
            due += (
                TopicPartition(topic, partition.number)
                for partition in self._file.partitions([topic])
                if readers[partition.number % len(readers)] == self._id
            )
        return due

    def _members(self) -> dict[str, list[str]]:
        """The topics of every member that lives; those that died are removed."""
        rows = self._file.database.execute(
            'SELECT id, topics FROM members WHERE "group" = ?', (self._group,)
        ).fetchall()
        dead = [name for name, _ in rows if name != self._id and not self._lives(name)]
        if dead:
            with self._file.transaction() as database:
                for name in dead:
                    _remove_member(database, name)
            for name in dead:
                (self._locks / name).unlink(missing_ok=True)
        return {name: orjson.loads(topics) for name, topics in rows if name not in dead} | {self._id: self._topics}

    def _lives(self, member: str) -> bool:
        """Whether a member holds its lock."""
        try:
            lock = os.open(self._locks / member, os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(lock)
        return False

    def _owns(self, place: TopicPartition) -> bool:
        row = self._file.database.execute(
            'SELECT owner FROM positions WHERE "group" = ? AND topic = ? AND number = ?', (self._group, *place)
        ).fetchone()
        return row is not None and row[0] == self._id

    def _own(self, places: Sequence[TopicPartition]) -> list[TopicPartition]:
        """Take partitions that nobody owns, each from what the group has committed, else from its oldest message."""
        taken = []
        with self._file.transaction() as database:
            for place in places:
                row = database.execute(
                    'INSERT INTO positions VALUES (?, ?, ?, NULL, ?) ON CONFLICT ("group", topic, number)'
                    ' DO UPDATE SET owner = excluded.owner WHERE owner IS NULL RETURNING "offset"',
                    (self._group, *place, self._id),
                ).fetchone()
                partition = self._partition(place)
                if row is not None and partition is not None:
                    self._assigned[place] = _Assigned(partition.oldest if row[0] is None else row[0])
                    taken.append(place)
        self._turns.extend(taken)
        return taken

    def _give_up(self, places: Sequence[TopicPartition]) -> None:
        self._forget(places)
        with self._file.transaction() as database:
            for place in places:
                database.execute(
                    'UPDATE positions SET owner = NULL WHERE "group" = ? AND topic = ? AND number = ? AND owner = ?',
                    (self._group, *place, self._id),
                )

    def _forget(self, places: Sequence[TopicPartition]) -> None:
        for place in places:
            del self._assigned[place]
            self._turns.remove(place)

    # what members say

    def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """As `headwater.consumer.Consumer.commit`."""
        if not offsets:
            return
        with _errors(), self._file.transaction() as database:
            for place, offset in offsets.items():
                kept = database.execute(
                    'UPDATE positions SET "offset" = ? WHERE "group" = ? AND topic = ? AND number = ? AND owner = ?',
                    (offset, self._group, *place, self._id),
                ).rowcount
                if not kept:
                    log.warning("an offset was not committed: the partition is another member's", partition=place)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """As `headwater.consumer.Consumer.seek`."""
        if (assigned := self._assigned.get(partition)) is not None:
            assigned.next = offset
            assigned.ahead.clear()
            with _errors():
                self._read_ahead(partition, assigned)

    def pause(self, partition: TopicPartition) -> None:
        """As `headwater.consumer.Consumer.pause`."""
        if (assigned := self._assigned.get(partition)) is not None:
            assigned.paused = True

    def resume(self, partition: TopicPartition) -> None:
        """As `headwater.consumer.Consumer.resume`."""
        if (assigned := self._assigned.get(partition)) is not None:
            assigned.paused = False

    def ends(self, topics: Sequence[str]) -> Mapping[TopicPartition, tuple[int, int]]:
        """As `headwater.consumer.Consumer.ends`."""
        with _errors():
            return {
                TopicPartition(each.topic, each.number): (each.oldest, each.next)
                for each in self._file.partitions(topics)
            }

    def close(self) -> None:
        """As `headwater.consumer.Consumer.close`."""
        if self._lock is None:
            self._file.close()
            return
        with _errors():
            if self._assigned:
                places = list(self._assigned)
                self._told.revoked(places)
                self._forget(places)
            with self._file.transaction() as database:
                _remove_member(database, self._id)
        self._file.close()
        (self._locks / self._id).unlink(missing_ok=True)
        os.close(self._lock)
        self._lock = None


def _remove_member(database: sqlite3.Connection, member: str) -> None:
    database.execute("UPDATE positions SET owner = NULL WHERE owner = ?", (member,))
    database.execute("DELETE FROM members WHERE id = ?", (member,))


def _message(place: TopicPartition, stored: StoredMessage) -> Message:
    return Message(
        place.topic, place.partition, stored.offset, stored.key, stored.value, stored.headers, stored.timestamp
    )


@contextlib.contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except TopicFileError as error:
        raise ConsumerError(str(error)) from error
