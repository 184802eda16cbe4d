"""What `headwater.testing` gives to users' own tests, on SQLite in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from sqlalchemy import Column, Engine, Integer, MetaData, String, Table, create_engine, insert, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import StaticPool

from headwater.inbox import Message, Subscription
from headwater.inbox.events import OutboxEvent, OutboxEvents
from headwater.inbox.sqlalchemy import AsyncInbox, Inbox, inbox_table
from headwater.outbox.sqlalchemy import Outbox, outbox_table
from headwater.testing import AsyncTopic, Topic, WrittenEvent, record_outbox

pytest_plugins = ["pytester"]

METADATA = MetaData()
BOOKINGS = Table("bookings", METADATA, Column("n", Integer, primary_key=True), Column("what", String(50)))
INBOX = inbox_table(METADATA)
OUTBOX_TABLE = outbox_table(METADATA)
OUTBOX = Outbox(OUTBOX_TABLE)


@dataclass(frozen=True)
class Posted:
    aggregate_id: str
    payload: dict[str, object] = field(default_factory=dict)
    aggregate_type: str = "Course"
    type: str = "CoursePosted"


@dataclass(frozen=True)
class Course:
    name: str


def written(aggregate_id: str) -> WrittenEvent:
    return WrittenEvent("Course", aggregate_id, "CoursePosted", {})


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    METADATA.create_all(engine)
    yield engine
    engine.dispose()


def book(session: Session, message: Message) -> None:
    session.execute(insert(BOOKINGS).values(what=(message.value or b"").decode()))


@pytest.fixture
def topic(engine: Engine) -> Topic:
    inbox = Inbox(INBOX, sessionmaker(engine))
    return Topic(Subscription(broker="kafka://unused", topics=["courses"], group="g", inbox=inbox, handler=book))


def bookings(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.scalars(select(BOOKINGS.c.what).order_by(BOOKINGS.c.n)))


def test_what_a_transaction_wrote_is_recorded_once_it_commits(engine: Engine) -> None:
    with record_outbox(engine, OUTBOX_TABLE) as outbox:
        with Session(engine) as session, session.begin():
            OUTBOX.publish(session, Posted("1", {"a": [1]}))
            OUTBOX.publish(session, Posted("2"))
            assert outbox.events == []
        with Session(engine) as session:
            OUTBOX.publish(session, Posted("3"))
            session.rollback()
    with Session(engine) as session, session.begin():
        OUTBOX.publish(session, Posted("unseen"))
    assert outbox.events == [WrittenEvent("Course", "1", "CoursePosted", {"a": [1]}), written("2")]
    assert outbox.types == ["CoursePosted", "CoursePosted"]
    assert outbox.undone == [written("3")]
    assert len({event.id for event in outbox.events}) == 2


def test_a_savepoint_takes_back_its_own_events(engine: Engine) -> None:
    with record_outbox(engine, OUTBOX_TABLE) as outbox, Session(engine) as session, session.begin():
        OUTBOX.publish(session, Posted("1"))
        with session.begin_nested() as savepoint:
            OUTBOX.publish(session, Posted("2"))
            savepoint.rollback()
    assert (outbox.events, outbox.undone) == ([written("1")], [written("2")])


def test_headers_are_part_of_what_was_written(engine: Engine) -> None:
    with record_outbox(engine, OUTBOX_TABLE) as outbox, Session(engine) as session, session.begin():
        OUTBOX.publish(session, Posted("1"), headers={"tenant": "a", "traceparent": "00-1-2-01"})
    assert outbox.events == [WrittenEvent("Course", "1", "CoursePosted", {}, {"tenant": "a"})]
    assert outbox.events != [written("1")]
    assert outbox.events[0].trace_context == {"traceparent": "00-1-2-01"}


@pytest.mark.parametrize("names", [{}, {"type_header": "type"}])
def test_a_recorded_event_is_read_as_one_that_the_relay_sent(engine: Engine, names: dict[str, str]) -> None:
    events = OutboxEvents({"CoursePosted": Course}, **names)
    read: list[OutboxEvent[Course] | None] = []
    subscription = Subscription(
        broker="kafka://unused",
        topics=["outbox.event.Course"],
        group="g",
        inbox=Inbox(INBOX, sessionmaker(engine)),
        handler=lambda session, message: read.append(events.read(message)),
    )
    headers = {"tenant": "a", "traceparent": "00-1-2-01"}
    with record_outbox(engine, OUTBOX_TABLE) as outbox, Session(engine) as session, session.begin():
        event_id = OUTBOX.publish(session, Posted("1", {"name": "MSA"}), headers=headers)
    topic = Topic(subscription)
    message = topic.send_event(outbox.events[0], **names)
    assert topic.deliver() == [message]
    [event] = read
    assert event is not None
    assert (event.id, event.type, event.aggregate_id) == (str(event_id), "CoursePosted", "1")
    assert event.payload == Course("MSA")
    assert headers.items() <= event.headers.items()


def test_delivered_twice_is_handled_once(engine: Engine, topic: Topic) -> None:
    first = topic.send("a", message_id="1")
    topic.send("a", message_id="1")
    assert topic.deliver() == [first]
    topic.redeliver()
    assert topic.deliver() == []
    assert bookings(engine) == ['"a"']


def test_a_crash_before_the_commit_leaves_nothing(engine: Engine, topic: Topic) -> None:
    topic.send("a")
    topic.crash_before_commit()
    assert bookings(engine) == []
    assert len(topic.deliver()) == 1
    assert bookings(engine) == ['"a"']


def test_a_crash_after_the_commit_repeats_nothing(engine: Engine, topic: Topic) -> None:
    topic.send("a")
    topic.crash_after_commit()
    assert bookings(engine) == ['"a"']
    assert topic.deliver() == []
    assert bookings(engine) == ['"a"']


def test_what_a_handler_raises_is_raised_and_its_message_comes_again(engine: Engine) -> None:
    refusals = iter([True, False])

    def refuse_once(session: Session, message: Message) -> None:
        book(session, message)
        if next(refusals):
            raise ValueError("not yet")

    inbox = Inbox(INBOX, sessionmaker(engine))
    topic = Topic(Subscription(broker="kafka://unused", topics=["t"], group="g", inbox=inbox, handler=refuse_once))
    topic.send("a")
    with pytest.raises(ValueError, match="not yet"):
        topic.deliver()
    assert bookings(engine) == []
    assert len(topic.deliver()) == 1


def test_async_handlers() -> None:
    async def book_async(session: AsyncSession, message: Message) -> None:
        await session.run_sync(book, message)

    async def run() -> None:
        engine = create_async_engine("sqlite+aiosqlite://", poolclass=StaticPool)
        async with engine.begin() as connection:
            await connection.run_sync(METADATA.create_all)
        inbox = AsyncInbox(INBOX, async_sessionmaker(engine))
        topic = AsyncTopic(
            Subscription(broker="kafka://unused", topics=["t"], group="g", inbox=inbox, handler=book_async)
        )
        topic.send("a")
        await topic.crash_before_commit()
        await topic.crash_after_commit()
        assert await topic.deliver() == []
        async with engine.connect() as connection:
            assert (await connection.scalars(select(BOOKINGS.c.what))).all() == ['"a"']
        await engine.dispose()

    asyncio.run(run())


def test_pytest_finds_the_fixtures(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        def test_fixtures(outbox_recorder, topic_of):
            from headwater.testing import record_outbox

            assert outbox_recorder is record_outbox
            assert callable(topic_of)
    """)
    pytester.runpytest("-p", "headwater.testing.plugin").assert_outcomes(passed=1)
