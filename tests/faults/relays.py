"""Writers that publish through an outbox, relays that deliver, and what is owed: each aggregate's numbers in order."""

from __future__ import annotations

import json
import random
import threading
from collections import defaultdict
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Protocol, Self

from confluent_kafka import Message
from pymongo.client_session import ClientSession
from pymongo.database import Database
from sqlalchemy import Column, Integer, MetaData, Table, insert, select, update

from headwater.outbox import Event
from tests.faults.verdict import Verdict
from tests.outboxes import MongoOutbox, SqlOutbox

AGGREGATES = range(1, 21)
MOST_EVENTS = 3
"""Of a transaction."""


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
    """Threads that change accounts for a ``with`` block; one transaction in five is rolled back."""

    def __init__(self, accounts: Accounts, seed: int, threads: int = 3) -> None:
        self._accounts = accounts
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
                self._accounts.change(dice.choice(AGGREGATES), events, commit=dice.random() < 0.8)
        except Exception as error:
            self.error = error


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
