"""What every service has: its database with outbox and inbox, its threads, and HTTP in front."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import structlog
from fastapi import FastAPI
from pymongo import MongoClient
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from examples.food_orders import contract
from examples.food_orders.settings import Settings
from headwater.consumer import Message
from headwater.inbox import RejectedMessageError, Subscription
from headwater.inbox.events import OutboxEvents
from headwater.inbox.message_id import MessageId, from_outbox
from headwater.inbox.pymongo import Inbox
from headwater.outbox.mongodb import Outbox, create_outbox

log = structlog.get_logger(__name__)

M = TypeVar("M")
Document = dict[str, Any]
Handler = Callable[[ClientSession, Message], None]
Loop = Callable[[threading.Event], None]

KAFKA_OPTIONS = {"session.timeout.ms": "6000", "heartbeat.interval.ms": "1000"}
"""A service that was killed is soon started again, and then waits this long for what it was reading."""


@dataclass
class Runtime:
    """A service's database and what runs beside its HTTP; ``publishes`` are the topics of its events."""

    name: str
    settings: Settings
    publishes: Sequence[str]
    client: MongoClient[Document] = field(init=False)
    loops: list[Loop] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.client = MongoClient(self.settings.mongodb_url)
        self.outbox = Outbox(self.collection("outbox"), delivery=self.settings.delivery)
        self.inbox = Inbox(self.collection("inbox"))
        create_outbox(self.collection("outbox"), delivery=self.settings.delivery)
        self.create("inbox")
        contract.register(self.settings, self.publishes)

    @property
    def database(self) -> Database[Document]:
        """The service's own; no other service knows it."""
        return self.client[self.settings.prefix + self.name]

    def collection(self, name: str) -> Collection[Document]:
        """One of the service's collections."""
        return self.database[name]

    def create(self, *names: str) -> None:
        """Create collections that aren't there yet: a transaction that does conflicts with others."""
        existing = self.database.list_collection_names()
        for name in names:
            if name not in existing:
                self.database.create_collection(name)

    def transact(self, change: Callable[[ClientSession], Any]) -> Any:
        """Run ``change`` in a transaction; again where it met another one."""
        with self.client.start_session() as session:
            return session.with_transaction(
                change, read_concern=ReadConcern("snapshot"), write_concern=WriteConcern("majority")
            )

    def subscribe(self, topics: Sequence[str], handler: Handler, message_id: MessageId = from_outbox) -> None:
        """Have messages of ``topics`` handled, each once, while the service runs."""
        subscription = Subscription(
            broker=self.settings.broker,
            topics=[self.settings.prefix + topic for topic in topics],
            group=f"{self.settings.prefix}{self.name}-{topics[0]}",
            inbox=self.inbox,
            handler=handler,
            message_id=message_id,
            dead_letters=f"{self.settings.prefix}{topics[0]}.dead-letters",
            options=KAFKA_OPTIONS if self.settings.broker.startswith("kafka:") else {},
        )
        self.loops.append(subscription.run)

    def reader(self, model: type[M]) -> Callable[[Message], M]:
        """What reads messages as events of that class; for one subscription's handler."""
        events = OutboxEvents({model.__name__: model}, payloads=contract.deserializer(self.settings))

        def read(message: Message) -> M:
            event = events.read(message)
            if event is None:
                raise RejectedMessageError(f"{message}: a {model.__name__} is wanted")
            return event.payload

        return read

    def app(self) -> FastAPI:
        """The HTTP application; what was subscribed to runs as long as it does."""

        @asynccontextmanager
        async def lifespan(_: FastAPI) -> AsyncIterator[None]:
            stop = threading.Event()
            threads = [threading.Thread(target=_kept, args=(loop, stop), daemon=True) for loop in self.loops]
            for thread in threads:
                thread.start()
            yield
            stop.set()
            for thread in threads:
                thread.join(10)
            self.client.close()

        return FastAPI(title=f"{self.name} service", lifespan=lifespan)


def _kept(loop: Loop, stop: threading.Event) -> None:
    """Run a loop until ``stop``; one that ends by an error begins again."""
    while not stop.is_set():
        try:
            loop(stop)
        except Exception:
            log.exception("a loop has ended, it begins again in a second")
            stop.wait(1)
