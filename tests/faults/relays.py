"""Writers that publish through an outbox, relays that deliver, and what is owed: each aggregate's numbers in order."""

from __future__ import annotations

import json
import random
import signal
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Protocol, Self

from confluent_kafka import Message
from pymongo.client_session import ClientSession
from pymongo.database import Database
from sqlalchemy import Column, Integer, MetaData, Table, insert, select, update
from sqlalchemy.exc import OperationalError

from headwater.outbox import Event
from tests.faults import processes
from tests.faults.verdict import Verdict
from tests.outboxes import AnyOutbox, MongoOutbox, RelayProcess, SqlOutbox
from tests.topic import read_topic
from tests.worker_process import wait_until

LEASE_SECONDS = 2
BATCH = 20
"""Events a claim takes: few, so that relays meet."""
AGAIN_SECONDS = 0.1
"""How long a writer waits for a database that is away."""
MANY = 500
"""Messages that are read before it is looked again whether all have come."""
AGGREGATES = range(1, 21)
MOST_EVENTS = 3
"""Of a transaction."""
MOST_AHEAD = 2_000
"""Events that writers may be ahead of the relays: what waits for a broker that is away is to be delivered soon."""


class Accounts(Protocol):
    """Aggregates that count their own events."""

    def change(self, aggregate: int, events: int, *, commit: bool) -> None:
        """A transaction that locks the aggregate and publishes so many events of it."""

    def versions(self) -> dict[str, int]:
        """How many events each aggregate has published in transactions that committed."""


class SqlAccounts:
    """`Accounts` in a table beside the outbox."""

    def __init__(self, outbox: SqlOutbox) -> None:
        self._outbox = outbox
        metadata = MetaData()
        self._table = Table("account", metadata, Column("id", Integer, primary_key=True), Column("version", Integer))
        metadata.create_all(outbox.engine)
        with outbox.engine.begin() as connection:
            connection.execute(insert(self._table), [{"id": each, "version": 0} for each in AGGREGATES])

    def change(self, aggregate: int, events: int, *, commit: bool) -> None:
        table = self._table
        row = select(table.c.version).where(table.c.id == aggregate).with_for_update()
        with self._outbox.engine.connect() as connection, connection.begin() as transaction:
            version = connection.scalars(row).one()
            connection.execute(update(table).where(table.c.id == aggregate).values(version=version + events))
            for number in range(version + 1, version + events + 1):
                self._outbox.publish_in(connection, _changed(aggregate, number))
            if not commit:
                transaction.rollback()

    def versions(self) -> dict[str, int]:
        with self._outbox.engine.connect() as connection:
            return {str(row.id): row.version for row in connection.execute(select(self._table))}


class MongoAccounts:
    """`Accounts` in a collection beside the outbox."""

    def __init__(self, outbox: MongoOutbox, database: Database[dict[str, Any]]) -> None:
        self._outbox = outbox
        self._collection = database["account"]
        self._collection.insert_many([{"_id": each, "version": 0} for each in AGGREGATES])

    def change(self, aggregate: int, events: int, *, commit: bool) -> None:
        def write(session: ClientSession) -> None:
            change = {"$inc": {"version": events}}
            before = self._collection.find_one_and_update({"_id": aggregate}, change, session=session)
            assert before is not None
            for number in range(before["version"] + 1, before["version"] + events + 1):
                self._outbox.publish_in(session, _changed(aggregate, number))
            if not commit:
                session.abort_transaction()

        with self._collection.database.client.start_session() as session:
            session.with_transaction(write)

    def versions(self) -> dict[str, int]:
        return {str(each["_id"]): each["version"] for each in self._collection.find()}


def _changed(aggregate: int, number: int) -> Event:
    return Event("Account", str(aggregate), "Changed", {"number": number})


class Writers:
    """Threads that change accounts for a ``with`` block; one transaction in five is rolled back.

    Where the database goes away, nobody knows whether a change was made: the accounts tell in the end. ``unfinished``
    tells how many events wait.
    """

    def __init__(self, accounts: Accounts, unfinished: Callable[[], int], seed: int, threads: int = 3) -> None:
        self._accounts = accounts
        self._unfinished = unfinished
        self._stopping = threading.Event()
        self.error: BaseException | None = None
        self._threads = [
            threading.Thread(target=self._run, args=(random.Random(f"{seed} {each}"),)) for each in range(threads)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        if error is None and self.error is not None:
            raise self.error

    def _run(self, dice: random.Random) -> None:
        try:
            while not self._stopping.is_set():
                events = dice.randint(1, MOST_EVENTS)
                try:
                    if dice.random() < 0.02 and self._unfinished() > MOST_AHEAD:
                        self._wait_for_relays()
                    self._accounts.change(dice.choice(AGGREGATES), events, commit=dice.random() < 0.8)
                except OperationalError:
                    self._stopping.wait(AGAIN_SECONDS)
        except Exception as error:
            self.error = error

    def _wait_for_relays(self) -> None:
        while self._unfinished() > MOST_AHEAD / 2 and not self._stopping.wait(AGAIN_SECONDS):
            pass


class Relays:
    """Processes that deliver an outbox's events to one topic, for a ``with`` block."""

    def __init__(self, outbox: AnyOutbox, topic: str, bootstrap: str, count: int) -> None:
        self.outbox = outbox
        self._topic = topic
        self._bootstrap = bootstrap
        self._count = count
        self._processes: list[RelayProcess] = []

    def __enter__(self) -> Self:
        self._processes = [self._start() for _ in range(self._count)]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.kill()

    def kill_one(self, dice: random.Random) -> None:
        """SIGKILL; another one is started in its place."""
        victim = dice.randrange(self._count)
        self._processes[victim].kill()
        self._processes[victim] = self._start()

    def stop_one_for_longer_than_its_lease(self, dice: random.Random) -> None:
        """SIGSTOP, and SIGCONT."""
        pid = dice.choice(self._processes).pid
        processes.kill(pid, signal.SIGSTOP)
        end = time.monotonic() + LEASE_SECONDS + 1
        wait_until("the end of its leases", lambda: time.monotonic() > end)
        processes.kill(pid, signal.SIGCONT)

    def check(self) -> None:
        """None ended by itself."""
        for process in self._processes:
            assert processes.alive(process.pid), process.wait()

    def delivered(self, versions: dict[str, int]) -> Sequence[Message]:
        """What is in the topic, once each aggregate's last event is."""
        return read_topic(self._bootstrap, self._topic, lambda messages: has_all(versions, messages), MANY)

    def _start(self) -> RelayProcess:
        options = ("--lease", f"{LEASE_SECONDS}s", "--batch", str(BATCH), "--poll", "100ms")
        return RelayProcess(self.outbox.url, self._topic, self._bootstrap, *options)


def live_through(relays: Relays, accounts: Accounts, faults: Sequence[Callable[[], None]], seed: int) -> Verdict:
    """Each fault once some more events were delivered; in the end all that were committed must be in the topic."""
    outbox = relays.outbox
    with Writers(accounts, outbox.unfinished, seed):
        for fault in faults:
            target = outbox.delivered() + 5 * BATCH
            wait_until("further deliveries", lambda target=target: outbox.delivered() > target)
            fault()
            relays.check()
        target = outbox.delivered() + BATCH
        wait_until("deliveries after the last fault", lambda: outbox.delivered() > target)
    versions = accounts.versions()
    wait_until("every event's completion", lambda: outbox.unfinished() == 0)
    return judge(versions, relays.delivered(versions))


def judge(versions: dict[str, int], messages: Sequence[Message]) -> Verdict:
    """Each aggregate's numbers must arrive for the first time in their order, without a gap."""
    verdict = Verdict(received=len(messages))
    newest: defaultdict[str, int] = defaultdict(int)
    wrong: list[Any] = []
    for message in messages:
        aggregate = (message.key() or b"").decode()
        number = json.loads(message.value() or b"")["number"]
        if number > versions.get(aggregate, 0):
            verdict.foreign.append((aggregate, number))  # type: ignore[arg-type]
        elif number <= newest[aggregate]:
            verdict.repeated += 1
        else:
            if number != newest[aggregate] + 1:
                wrong.append((aggregate, number, newest[aggregate]))
            newest[aggregate] = number
    verdict.misplaced.extend(wrong)
    for aggregate, last in versions.items():
        verdict.lost.extend((aggregate, number) for number in range(newest[aggregate] + 1, last + 1))  # type: ignore[misc]
    return verdict


def has_all(versions: dict[str, int], messages: Sequence[Message]) -> bool:
    """Whether each aggregate's last event is among the messages."""
    last: dict[str, int] = {}
    for message in messages:
        aggregate = (message.key() or b"").decode()
        last[aggregate] = max(last.get(aggregate, 0), json.loads(message.value() or b"")["number"])
    return all(last.get(aggregate, 0) >= version for aggregate, version in versions.items())
