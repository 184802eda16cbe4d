"""From a service's outbox through the database's log, a worker and Kafka into another one's inbox: each event once."""

from __future__ import annotations

import json
import threading
import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pymongo.client_session import ClientSession
from pymongo.database import Database
from sqlalchemy import Column, Engine, Integer, MetaData, String, Table, insert, select
from sqlalchemy.orm import Session, sessionmaker

import headwater.inbox.pymongo
import headwater.inbox.sqlalchemy
import headwater.outbox.mongodb
import headwater.outbox.sqlalchemy
from headwater.inbox import Message, Subscription
from headwater.inbox.events import ChangeEvents, OutboxEvents
from headwater.outbox import Aggregate
from tests.integration.inbox.conftest import Running
from tests.worker_process import WorkerProcess, wait_until

AGGREGATES = ("a", "b", "c")
ROUNDS = 25
Numbers = dict[str, list[int]]


@dataclass(frozen=True)
class Counted:
    """The n-th event of its aggregate."""

    __outbox__ = Aggregate(type="Counter", id="counter")

    counter: str
    number: int


def publish(change: Callable[[list[Counted], bool], None], first: int) -> None:
    """For each aggregate at the same time: transactions of one to three events, each also begun and rolled back."""

    def run(aggregate: str) -> None:
        number = first
        for turn in range(ROUNDS):
            events = [Counted(aggregate, number + each) for each in range(turn % 3 + 1)]
            change(events, False)
            change(events, True)
            number += len(events)

    threads = [threading.Thread(target=run, args=(aggregate,)) for aggregate in AGGREGATES]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def follow(
    worker: WorkerProcess,
    config: Mapping[str, str],
    change: Callable[[list[Counted], bool], None],
    subscription: Subscription[Any],
    handled: Callable[[], Numbers],
) -> None:
    """Publish, kill the worker while it delivers, publish; each event is handled once, in order."""
    of_a_part = sum(turn % 3 + 1 for turn in range(ROUNDS))
    worker.create("outbox", config)
    publish(change, 0)
    with Running(subscription):
        wait_until("the first events", handled)
        worker.kill()
        publish(change, of_a_part)
        worker.start()
        wanted = {aggregate: list(range(2 * of_a_part)) for aggregate in AGGREGATES}
        wait_until("the last events", lambda: _lengths(handled()) == _lengths(wanted))
        publish(change, 2 * of_a_part)
        wanted = {aggregate: list(range(3 * of_a_part)) for aggregate in AGGREGATES}
        wait_until("those of the worker that was started again", lambda: _lengths(handled()) == _lengths(wanted))
    assert handled() == wanted


def _lengths(numbers: Numbers) -> dict[str, int]:
    return {aggregate: len(each) for aggregate, each in numbers.items()}


def test_mysql_through_the_event_router(
    own_worker: WorkerProcess, config: dict[str, str], mysql_engine: Engine, kafka_bootstrap: str
) -> None:
    metadata = MetaData()
    outbox = headwater.outbox.sqlalchemy.Outbox(headwater.outbox.sqlalchemy.outbox_table(metadata))
    inbox = headwater.inbox.sqlalchemy.inbox_table(metadata)
    columns = Column("n", Integer, primary_key=True), Column("counter", String(9)), Column("number", Integer)
    table = Table("handled", metadata, *columns)
    metadata.create_all(mysql_engine)

    def change(events: list[Counted], commit: bool) -> None:
        with Session(mysql_engine) as session:
            for event in events:
                outbox.publish(session, event)
            session.commit() if commit else session.rollback()

    counted = OutboxEvents({"Counted": Counted})

    def handle(session: Session, message: Message) -> None:
        event = counted.read(message)
        assert event is not None
        assert event.aggregate_id == event.payload.counter
        session.execute(insert(table).values(counter=event.aggregate_id, number=event.payload.number))

    def handled() -> Numbers:
        numbers: Numbers = defaultdict(list)
        with mysql_engine.connect() as connection:
            for row in connection.execute(select(table).order_by(table.c.n)):
                numbers[row.counter].append(row.number)
        return numbers

    prefix = config["topic.prefix"]
    text = "org.apache.kafka.connect.storage.StringConverter"
    router = {
        "type": "io.debezium.transforms.outbox.EventRouter",
        "route.by.field": "aggregate_type",
        "route.topic.replacement": f"{prefix}.${{routedByValue}}",
        "table.field.event.key": "aggregate_id",
        "table.fields.additional.placement": "type:header:eventType",
    }
    follow(
        own_worker,
        config
        | {"table.include.list": f"{mysql_engine.url.database}.outbox", "transforms": "outbox"}
        | {"key.converter": text, "value.converter": text}
        | {f"transforms.outbox.{name}": value for name, value in router.items()},
        change,
        Subscription(
            broker=f"kafka://{kafka_bootstrap}",
            topics=[f"{prefix}.Counter"],
            group=prefix,
            inbox=headwater.inbox.sqlalchemy.Inbox(inbox, sessionmaker(mysql_engine)),
            handler=handle,
        ),
        handled,
    )


@dataclass(frozen=True)
class CountedDocument:
    """A document of the outbox, as far as it is wanted."""

    aggregateid: str
    type: str
    payload: Counted


def test_mongodb_through_change_events(
    own_worker: WorkerProcess, mongodb_database: Database[dict[str, Any]], mongodb_url: str, kafka_bootstrap: str
) -> None:
    """A document's ``_id`` is its key, and so the event's id."""
    for name in ("handled", "inbox", "outbox"):
        mongodb_database.create_collection(name)
    outbox = headwater.outbox.mongodb.Outbox(mongodb_database.outbox)

    def change(events: list[Counted], commit: bool) -> None:
        with mongodb_database.client.start_session() as session, session.start_transaction():
            for event in events:
                outbox.publish(session, event)
            if not commit:
                session.abort_transaction()

    documents = ChangeEvents(CountedDocument)

    def handle(session: ClientSession, message: Message) -> None:
        event = documents.read(message)
        assert event is not None
        assert event.after is not None
        assert (event.op, event.after.type) == ("c", "Counted")
        counted = {"counter": event.after.aggregateid, "number": event.after.payload.number}
        mongodb_database.handled.insert_one(counted, session=session)

    def handled() -> Numbers:
        numbers: Numbers = defaultdict(list)
        for document in mongodb_database.handled.find().sort("_id"):
            numbers[document["counter"]].append(document["number"])
        return numbers

    def document_id(message: Message) -> str:
        return str(json.loads(message.key or b"")["id"])

    prefix = f"w{uuid.uuid4().hex[:10]}"
    config = {
        "connector.class": "MongoDbConnector",
        "topic.prefix": prefix,
        "mongodb.connection.string": mongodb_url,
        "collection.include.list": f"{mongodb_database.name}.outbox",
        "snapshot.mode": "no_data",
        "skipped.operations": "u,d,t",  # what is deleted at once has been read
        "key.converter": "json",
        "key.converter.schemas.enable": "false",
        "value.converter": "json",
        "value.converter.schemas.enable": "false",
    }
    subscription = Subscription(
        broker=f"kafka://{kafka_bootstrap}",
        topics=[f"{prefix}.{mongodb_database.name}.outbox"],
        group=prefix,
        inbox=headwater.inbox.pymongo.Inbox(mongodb_database.inbox),
        handler=handle,
        message_id=document_id,
    )
    follow(own_worker, config, change, subscription, handled)
