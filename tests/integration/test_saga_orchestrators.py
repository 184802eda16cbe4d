"""A saga on each library's store, outbox and transactions, sync and async alike; a relay's queue reads the commands."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pymongo
import pytest
from sqlalchemy import MetaData, create_engine
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import sessionmaker

import headwater.inbox.pymongo as inbox_pymongo
import headwater.inbox.sqlalchemy as inbox_sqlalchemy
import headwater.outbox.mongodb as outbox_mongodb
import headwater.outbox.sqlalchemy as outbox_sqlalchemy
import headwater.saga.pymongo as saga_pymongo
import headwater.saga.sqlalchemy as saga_sqlalchemy
from headwater.consumer import Message
from headwater.outbox import Event
from headwater.relay.queue import Queue
from headwater.relay.queues import open_queue
from headwater.saga import (
    AsyncOrchestrator,
    AsyncTimeouts,
    Instance,
    Orchestrator,
    Reply,
    Saga,
    Status,
    Step,
    Timeouts,
    reply_headers,
)
from tests.sql_databases import new_database, plain
from tests.worker_process import wait_until

DEADLINE_SECONDS = 30.0
LOOK_SECONDS = 0.05


@dataclass
class Trip:
    trip_id: str


def step(name: str, timeout: timedelta | None, *, is_async: bool) -> Step[Any, Trip]:
    def book(_session: Any, trip: Trip) -> Event:
        return Event(name, trip.trip_id, f"Book{name}", {"trip": trip.trip_id})

    def cancel(_session: Any, trip: Trip) -> Event:
        if trip.trip_id.startswith("gone"):
            raise LookupError(trip.trip_id)
        return Event(name, trip.trip_id, f"Cancel{name}", {"trip": trip.trip_id})

    async def book_async(session: Any, trip: Trip) -> Event:
        return book(session, trip)

    async def cancel_async(session: Any, trip: Trip) -> Event:
        return cancel(session, trip)

    if is_async:
        return Step(name=name, process=book_async, rollback=cancel_async, timeout=timeout)
    return Step(name=name, process=book, rollback=cancel, timeout=timeout)


def saga(within: timedelta | None = None, *, is_async: bool) -> Saga[Any, Trip]:
    return Saga("trip", [step(name, within, is_async=is_async) for name in ("Flight", "Hotel")], data=Trip)


def is_timed_out(instance: Instance) -> bool:
    return instance.reason == "Flight was not answered in time"


@dataclass
class SyncService:
    """A service's saga; ``queue`` is what a relay reads its outbox by."""

    store: Any
    outbox: Any
    transaction: Callable[[], Any]
    queue: Queue

    def orchestrator(self, within: timedelta | None = None) -> Any:
        return Orchestrator(saga(within, is_async=False), self.store, self.outbox)

    def within(self, call: Callable[[Any], Any]) -> Any:
        """What ``call`` gives, in a transaction."""
        with self.transaction() as session:
            return call(session)

    def time_out(self, orchestrator: Any) -> None:
        """Look for timeouts until the saga has been undoing for one."""
        stop = threading.Event()
        thread = threading.Thread(target=Timeouts(orchestrator, self.transaction, LOOK_SECONDS).run, args=(stop,))
        thread.start()
        try:
            wait_until("the timeout", lambda: is_timed_out(self.stored()), DEADLINE_SECONDS)
        finally:
            stop.set()
            thread.join()

    def stored(self) -> Instance:
        found: list[Instance] = self.within(self._find)
        return found[0]

    def _find(self, session: Any) -> Any:
        return self.store.find(session, saga_id="42")

    def commands(self) -> list[Message]:
        """Those that were sent since the last call."""
        claim = self.queue.claim(100, 60, hold=True)
        if claim is None:
            return []
        self.queue.settle(claim, claim.events, [])
        return [
            Message(
                event.aggregate.type, 0, 0, None, event.type.encode(),
                tuple((name, value.encode()) for name, value in event.headers.items()),
            )
            for event in claim.events
        ]  # fmt: skip


@dataclass
class AsyncService(SyncService):
    """The same in asyncio; whoever calls runs it to its end."""

    runner: asyncio.Runner

    def orchestrator(self, within: timedelta | None = None) -> Any:
        return AsyncOrchestrator(saga(within, is_async=True), self.store, self.outbox)

    def within(self, call: Callable[[Any], Any]) -> Any:
        return self.runner.run(self._within(call))

    async def _within(self, call: Callable[[Any], Any]) -> Any:
        async with self.transaction() as session:
            return await call(session)

    def time_out(self, orchestrator: Any) -> None:
        self.runner.run(self._time_out(orchestrator))

    async def _time_out(self, orchestrator: Any) -> None:
        looking = asyncio.create_task(AsyncTimeouts(orchestrator, self.transaction, LOOK_SECONDS).run())
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                while not is_timed_out((await self._within(self._find))[0]):
                    await asyncio.sleep(LOOK_SECONDS)
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)


@contextmanager
def on_sqlalchemy(folder: Path, *, is_async: bool) -> Iterator[SyncService]:
    metadata = MetaData()
    sagas, inbox = saga_sqlalchemy.saga_table(metadata), inbox_sqlalchemy.inbox_table(metadata)
    outbox = outbox_sqlalchemy.outbox_table(metadata, delivery="relay")
    with new_database("postgresql", folder) as url, asyncio.Runner() as runner:
        engine = create_engine(url)
        metadata.create_all(engine)
        queue = open_queue(plain(url), "outbox")
        if not is_async:
            yield SyncService(
                saga_sqlalchemy.SagaStore(sagas),
                outbox_sqlalchemy.Outbox(outbox),
                inbox_sqlalchemy.Inbox(inbox, sessionmaker(engine)).transaction,
                queue,
            )
        else:
            async_engine = create_async_engine(url.set(drivername="postgresql+psycopg_async"))
            yield AsyncService(
                saga_sqlalchemy.AsyncSagaStore(sagas),
                outbox_sqlalchemy.AsyncOutbox(outbox),
                inbox_sqlalchemy.AsyncInbox(inbox, async_sessionmaker(async_engine)).transaction,
                queue,
                runner,
            )
            runner.run(async_engine.dispose())
        queue.close()
        engine.dispose()


@contextmanager
def on_pymongo(url: str, name: str, *, is_async: bool) -> Iterator[SyncService]:
    with pymongo.MongoClient[dict[str, Any]](url) as client, asyncio.Runner() as runner:
        database = client[name]
        outbox_mongodb.create_outbox(database["outbox"], delivery="relay")
        database.create_collection("inbox")
        saga_pymongo.SagaStore(database["sagas"]).create_indexes()
        queue = open_queue(url.replace("/?", f"/{name}?authSource=admin&"), "outbox")
        if not is_async:
            yield SyncService(
                saga_pymongo.SagaStore(database["sagas"]),
                outbox_mongodb.Outbox(database["outbox"], delivery="relay"),
                inbox_pymongo.Inbox(database["inbox"]).transaction,
                queue,
            )
        else:
            async_client: pymongo.AsyncMongoClient[dict[str, Any]] = pymongo.AsyncMongoClient(url)
            yield AsyncService(
                saga_pymongo.AsyncSagaStore(async_client[name]["sagas"]),
                outbox_mongodb.AsyncOutbox(async_client[name]["outbox"], delivery="relay"),
                inbox_pymongo.AsyncInbox(async_client[name]["inbox"]).transaction,
                queue,
                runner,
            )
            runner.run(async_client.close())
        queue.close()


@pytest.fixture(params=["sqlalchemy", "sqlalchemy-async", "pymongo", "pymongo-async"])
def service(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SyncService]:
    library, _, asynchronous = request.param.partition("-")
    if library == "sqlalchemy":
        opened = on_sqlalchemy(tmp_path, is_async=bool(asynchronous))
    else:
        name = request.getfixturevalue("mongodb_database").name
        opened = on_pymongo(request.getfixturevalue("mongodb_url"), name, is_async=bool(asynchronous))
    with opened as service:
        yield service


def answer(command: Message, *, succeeded: bool, reason: str | None = None) -> Reply:
    headers = reply_headers(command, succeeded=succeeded, reason=reason)
    return Reply.of(Message("replies", 0, 0, None, None, tuple((n, v.encode()) for n, v in headers.items())))


def test_a_saga_goes_to_its_end_and_back(service: SyncService) -> None:
    orchestrator = service.orchestrator()
    service.within(lambda session: orchestrator.start(session, "42", Trip("42")))
    (flight,) = service.commands()
    assert flight.value == b"BookFlight"
    for _ in range(2):  # a reply that comes twice counts once
        service.within(lambda session: orchestrator.reply(session, answer(flight, succeeded=True)))
    (hotel,) = service.commands()
    assert hotel.value == b"BookHotel"
    service.within(lambda session: orchestrator.reply(session, answer(hotel, succeeded=False, reason="full")))
    (undo,) = service.commands()
    assert undo.value == b"CancelFlight"
    service.within(lambda session: orchestrator.reply(session, answer(undo, succeeded=True)))
    assert (service.stored().status, service.stored().reason) == (Status.COMPENSATED, "full")


def test_state_and_command_are_undone_with_the_transaction(service: SyncService) -> None:
    orchestrator = service.orchestrator()

    def fail(session: Any) -> Any:
        started = orchestrator.start(session, "42", Trip("42"))
        if not isinstance(service, AsyncService):
            raise LookupError

        async def await_and_fail() -> None:
            await started
            raise LookupError

        return await_and_fail()

    with pytest.raises(LookupError):
        service.within(fail)
    assert service.commands() == []
    assert list(service.within(service.store.find)) == []


def test_what_is_not_answered_in_time_is_undone(service: SyncService) -> None:
    orchestrator = service.orchestrator(timedelta(milliseconds=1))
    service.within(lambda session: orchestrator.start(session, "42", Trip("42")))
    service.time_out(orchestrator)
    assert [command.value for command in service.commands()][:2] == [b"BookFlight", b"CancelFlight"]


def test_sagas_that_can_not_be_undone_hold_no_others_up(service: SyncService) -> None:
    orchestrator = service.orchestrator(timedelta(milliseconds=1))
    for number in range(101):  # more than are looked for at once
        trip = Trip(f"gone-{number}")
        service.within(lambda session, trip=trip: orchestrator.start(session, trip.trip_id, trip))
    service.within(lambda session: orchestrator.start(session, "42", Trip("42")))
    service.time_out(orchestrator)
