"""Sagas in SQLite: every way through one; commands and replies come twice, late, in any order or not at all."""

from __future__ import annotations

import enum
import random
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from pymongo import MongoClient
from sqlalchemy import MetaData, create_engine
from sqlalchemy.orm import Session, sessionmaker

from examples.food_orders.order.orders import Orders
from examples.food_orders.order.saga import order_saga
from headwater.consumer import Message
from headwater.inbox import Subscription
from headwater.inbox.sqlalchemy import Inbox, inbox_table
from headwater.outbox import Event
from headwater.saga import (
    Orchestrator,
    Phase,
    Reply,
    Saga,
    SagaDataError,
    SagaError,
    SagaExistsError,
    Status,
    Step,
    UnknownSagaError,
    command_id,
    reply_headers,
)
from headwater.saga.diagram import mermaid
from headwater.saga.sqlalchemy import SagaStore, saga_table
from headwater.testing import Topic

MINUTE = timedelta(minutes=1)


@dataclass
class Trip:
    name: str
    done: list[str] = field(default_factory=list)


def step(name: str, **changed: Any) -> Step[Session, Trip]:
    given: dict[str, Any] = {
        "name": name,
        "process": lambda _, trip: Event(name, trip.name, f"Book{name}", {"trip": trip.name}),
        "rollback": lambda _, trip: Event(name, trip.name, f"Cancel{name}", {"trip": trip.name}),
        "processed": lambda _, trip, reply: trip.done.append(f"+{reply.step}"),
        "rolled_back": lambda _, trip, reply: trip.done.append(f"-{reply.step}"),
        "timeout": MINUTE,
    }
    return Step(**given | changed)


def reply_to(command: Message, *, succeeded: bool, reason: str | None = None) -> Reply:
    headers = reply_headers(command, succeeded=succeeded, reason=reason)
    return Reply.of(Message("replies", 0, 0, None, None, tuple((n, v.encode()) for n, v in headers.items())))


class Service:
    """A service with its database, a clock that stands still, and the commands that it has sent."""

    orchestrator: Orchestrator[Session, Any]

    def __init__(self, *steps: Step[Session, Trip], **options: Any) -> None:
        metadata = MetaData()
        self.engine = create_engine("sqlite://")
        self.store = SagaStore(saga_table(metadata))
        metadata.create_all(self.engine)
        self.now = datetime(2026, 5, 1, tzinfo=UTC)
        self.sent: list[Message] = []
        definition = Saga("trip", steps, data=Trip, **options)
        self.orchestrator = Orchestrator(definition, self.store, self, clock=lambda: self.now)

    def publish(self, _session: Session, event: Event, *, headers: Mapping[str, str] | None = None) -> None:
        named = tuple((name, value.encode()) for name, value in (headers or {}).items())
        self.sent.append(Message(event.aggregate_type, 0, len(self.sent), None, event.type.encode(), named))

    def start(self, name: str = "1") -> Status:
        with Session(self.engine) as session, session.begin():
            return self.orchestrator.start(session, name, Trip(name)).status

    def answer(self, command: Message, *, succeeded: bool, reason: str | None = None) -> Status:
        with Session(self.engine) as session, session.begin():
            instance = self.orchestrator.reply(session, reply_to(command, succeeded=succeeded, reason=reason))
        assert instance is not None
        return instance.status

    def retry(self, name: str = "1") -> Status:
        with Session(self.engine) as session, session.begin():
            return self.orchestrator.retry(session, name).status

    def wait(self, time: timedelta) -> None:
        self.now += time
        with Session(self.engine) as session, session.begin():
            for saga_id in self.orchestrator.overdue(session):
                self.orchestrator.expire(session, saga_id)

    def stored(self) -> Any:
        with Session(self.engine) as session:
            return self.store.find(session)[0]

    @property
    def commands(self) -> list[str]:
        return [(message.value or b"").decode() for message in self.sent]


def test_every_step_succeeds() -> None:
    ended: list[str] = []
    service = Service(step("Flight"), step("Hotel"), completed=lambda _, trip: ended.append(trip.name))
    assert service.start() is Status.RUNNING
    assert service.answer(service.sent[0], succeeded=True) is Status.RUNNING
    assert service.answer(service.sent[1], succeeded=True) is Status.COMPLETED
    assert service.commands == ["BookFlight", "BookHotel"]
    assert service.stored().data == {"name": "1", "done": ["+Flight", "+Hotel"]}
    assert ended == ["1"]


def test_what_was_done_is_undone_in_reverse() -> None:
    service = Service(step("Flight"), step("Insurance", rollback=None), step("Hotel"), step("Car"))
    service.start()
    for place in range(3):
        service.answer(service.sent[place], succeeded=True)
    assert service.answer(service.sent[3], succeeded=False, reason="no cars left") is Status.COMPENSATING
    assert service.answer(service.sent[4], succeeded=True) is Status.COMPENSATING
    assert service.answer(service.sent[5], succeeded=True) is Status.COMPENSATED
    assert service.commands[4:] == ["CancelHotel", "CancelFlight"]
    assert service.stored().reason == "no cars left"
    assert [(each.step, each.phase, each.outcome) for each in service.stored().history[-2:]] == [
        ("Flight", Phase.ROLLBACK, "requested"),
        ("Flight", Phase.ROLLBACK, "succeeded"),
    ]


def test_a_step_without_a_command_is_done_with_its_change() -> None:
    service = Service(step("Flight", process=lambda _, trip: trip.done.append("here")), step("Hotel"))
    service.start()
    assert service.commands == ["BookHotel"]
    assert service.stored().data["done"] == ["here"]


def test_a_step_that_is_not_answered_is_undone_too() -> None:
    service = Service(step("Flight"), step("Hotel"))
    service.start()
    service.answer(service.sent[0], succeeded=True)
    service.wait(MINUTE)
    assert service.commands[2:] == ["CancelHotel"]
    assert service.answer(service.sent[1], succeeded=True) is Status.COMPENSATING  # too late
    assert service.commands[2:] == ["CancelHotel"]
    service.answer(service.sent[2], succeeded=True)
    assert service.commands[3:] == ["CancelFlight"]
    assert service.stored().reason == "Hotel was not answered in time"


def test_undoing_is_asked_for_until_it_is_answered_and_less_and_less_often() -> None:
    service = Service(step("Flight"), step("Hotel"))
    service.start()
    service.answer(service.sent[0], succeeded=True)
    service.answer(service.sent[1], succeeded=False)
    for _ in range(7):
        service.wait(MINUTE)
    assert service.commands[2:] == ["CancelFlight"] * 4
    assert {command_id(message) for message in service.sent[2:]} == {"trip/1/Flight/rollback/0"}
    assert service.answer(service.sent[2], succeeded=True) is Status.COMPENSATED


def test_undoing_that_is_refused_waits_for_someone() -> None:
    service = Service(step("Flight"), step("Hotel"))
    service.start()
    service.answer(service.sent[0], succeeded=True)
    service.answer(service.sent[1], succeeded=False)
    assert service.answer(service.sent[2], succeeded=False, reason="no such booking") is Status.FAILED
    service.wait(MINUTE * 1000)
    assert len(service.sent) == 3
    failed = service.stored()
    service.answer(service.sent[2], succeeded=False, reason="no such booking")  # which comes twice
    assert service.stored() == failed
    assert service.retry() is Status.COMPENSATING
    assert service.answer(service.sent[2], succeeded=False) is Status.COMPENSATING  # and once more
    assert service.answer(service.sent[3], succeeded=True) is Status.COMPENSATED
    with pytest.raises(SagaError, match="only FAILED"):
        service.retry()


def test_a_participant_with_an_inbox_undoes_what_it_refused_once_that_is_retried() -> None:
    service = Service(step("Flight"), step("Hotel"))
    refused, handled = {"CancelFlight", "BookHotel"}, []

    def requested(_session: Session, message: Message) -> None:
        handled.append((message, (message.value or b"").decode()))

    metadata = MetaData()
    inbox = Inbox(inbox_table(metadata), sessionmaker(service.engine))
    metadata.create_all(service.engine)
    topic = Topic(
        Subscription(
            broker="kafka://none",
            topics=["trips"],
            group="trips",
            inbox=inbox,
            handler=requested,
            message_id=command_id,
        )
    )

    def carry_out() -> None:
        """All that was sent, and what that leads to."""
        while service.sent:
            command = service.sent.pop(0)
            headers = {name: value.decode() for name, value in command.headers}
            for _ in range(2):
                topic.send(command.value, headers=headers)
            topic.deliver()
            for message, kind in handled:
                service.answer(message, succeeded=kind not in refused, reason="not now")
            handled.clear()

    service.start()
    carry_out()
    assert service.stored().status is Status.FAILED
    service.retry()
    carry_out()
    assert service.stored().status is Status.FAILED
    refused.clear()
    service.retry()
    carry_out()
    assert service.stored().status is Status.COMPENSATED


def test_two_sagas_with_one_topic_for_their_replies_each_take_their_own() -> None:
    service = Service(step("Flight"))
    refund = Orchestrator(Saga("refund", [step("Flight")], data=Trip), service.store, service)
    service.start("42")
    with Session(service.engine) as session, session.begin():
        refund.start(session, "42", Trip("42"))
    reply = reply_to(service.sent[0], succeeded=True)
    with Session(service.engine) as session, session.begin():
        assert refund.reply(session, reply) is None
        ended = service.orchestrator.reply(session, reply)
    assert ended is not None
    assert ended.status is Status.COMPLETED
    with Session(service.engine) as session:
        assert {each.saga: each.status for each in service.store.find(session)} == {
            "trip": Status.COMPLETED,
            "refund": Status.RUNNING,
        }


def test_a_saga_is_started_once() -> None:
    service = Service(step("Flight"))
    service.start()
    with pytest.raises(SagaExistsError):
        service.start()


def test_a_reply_of_nobody_s() -> None:
    service = Service(step("Flight"))
    service.start()
    for header, value, wrong in (("saga-phase", b"other", "no phase"), ("saga-retries", b"9" * 5000, "no number")):
        headers = dict(service.sent[0].headers) | {header: value}
        with pytest.raises(SagaError, match=wrong):
            reply_to(Message("", 0, 0, None, None, tuple(headers.items())), succeeded=True)
    with Session(service.engine) as session, pytest.raises(UnknownSagaError):
        service.orchestrator.reply(session, Reply("trip", "other", "Flight", Phase.PROCESS, succeeded=True))
    with pytest.raises(SagaError, match="no header saga-name"):
        reply_headers(Message("", 0, 0, None, None), succeeded=True)


class Seat(enum.Enum):
    WINDOW = "window"


@dataclass
class Passenger:
    name: str
    seat: Seat | None = None


@dataclass
class Flight:
    id: uuid.UUID
    day: date
    leaves: datetime
    passengers: list[Passenger] = field(default_factory=list)


class FlightModel(BaseModel):
    id: uuid.UUID
    day: date
    leaves: datetime
    takes: timedelta


@pytest.mark.parametrize(
    "data",
    [
        Flight(
            uuid.UUID(int=1), date(2026, 5, 1), datetime(2026, 5, 1, 12, tzinfo=UTC),
            [Passenger("Ada", Seat.WINDOW), Passenger("Kim")],
        ),
        FlightModel(
            id=uuid.UUID(int=1), day=date(2026, 5, 1), leaves=datetime(2026, 5, 1, 12, tzinfo=UTC), takes=MINUTE
        ),
        {"id": 1, "passengers": ["Ada"]},
    ],
    ids=lambda data: type(data).__name__,
)  # fmt: skip
def test_every_step_has_the_data_as_it_was_given(data: Any) -> None:
    had: list[Any] = []

    def note(_session: Session, data: Any) -> Event:
        had.append(data)
        return Event("flight", "1", "Book", {})

    service = Service(step("Flight"))
    definition = Saga("trip", [Step(name=name, process=note) for name in ("first", "second")], data=type(data))
    service.orchestrator = Orchestrator(definition, service.store, service)
    with Session(service.engine) as session, session.begin():
        service.orchestrator.start(session, "1", data)
    service.answer(service.sent[0], succeeded=True)
    assert had == [data, data]


@dataclass
class Untrue:
    name: str


@pytest.mark.parametrize(
    ("data", "reason"), [(Untrue(5), "name: str is wanted, not int"), (Untrue({1}), "not JSON serializable: set")]
)  # type: ignore[arg-type]
def test_data_that_can_not_be_read_back_starts_no_saga(data: Untrue, reason: str) -> None:
    service = Service(step("Flight"))
    service.orchestrator = Orchestrator(Saga("trip", [step("Flight")], data=Untrue), service.store, service)
    with Session(service.engine) as session, pytest.raises(SagaDataError, match=reason):
        service.orchestrator.start(session, "1", data)


def test_definitions_that_make_no_sense() -> None:
    for steps, reason in (
        ([], "at least one step"),
        ([step("Flight"), step("Flight")], "the same name"),
        ([step("Flight", timeout=timedelta(0))], "longer than nothing"),
    ):
        with pytest.raises(SagaError, match=reason):
            Saga("trip", steps, data=Trip)


def test_a_step_that_was_renamed_is_named() -> None:
    service = Service(step("Flight"))
    service.start()
    service.orchestrator = Orchestrator(Saga("trip", [step("Plane")], data=Trip), service.store, service)
    with pytest.raises(SagaDataError, match="'Flight', only Plane"):
        service.answer(service.sent[0], succeeded=True)


def test_nothing_is_stored_of_what_fails() -> None:
    def refuse(_session: Session, _trip: Trip, _reply: Reply) -> None:
        raise ValueError

    service = Service(step("Flight", processed=refuse), step("Hotel"))
    service.start()
    with pytest.raises(ValueError, match=r"^$"):
        service.answer(service.sent[0], succeeded=True)
    assert service.stored().step == "Flight"


class Participant:
    """Books in the order of its commands, and answers each once; refuses to book if told so."""

    def __init__(self, service: Service, name: str, *, refuses: bool) -> None:
        self.service = service
        self.name = name
        self.refuses = refuses
        self.booked = False
        self.read = 0
        self.answers: dict[str, tuple[Message, bool]] = {}

    def handle_next(self) -> bool:
        queue = [message for message in self.service.sent if message.topic == self.name]
        if self.read == len(queue):
            return False
        command = queue[self.read]
        self.read += 1
        if command_id(command) not in self.answers:  # as an inbox does
            books = (command.value or b"").startswith(b"Book")
            if not (books and self.refuses):
                self.booked = books
            self.answers[command_id(command)] = command, not (books and self.refuses)
        return True


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32), refused=st.sets(st.sampled_from(["Flight", "Hotel", "Car"])), lossy=st.booleans())
def test_whatever_happens_to_messages_all_is_done_or_all_undone(seed: int, refused: set[str], lossy: bool) -> None:
    chance = random.Random(seed)
    service = Service(step("Flight"), step("Hotel"), step("Car"))
    participants = [Participant(service, name, refuses=name in refused) for name in ("Flight", "Hotel", "Car")]
    service.start()
    while service.stored().status.is_under_way:
        participant = chance.choice(participants)
        if chance.random() < 0.8:
            participant.handle_next()
        if participant.answers and chance.random() < 0.7:  # any that it ever gave, again and again
            command, succeeded = chance.choice(list(participant.answers.values()))
            service.answer(command, succeeded=succeeded)
        if lossy and chance.random() < 0.2:
            service.wait(MINUTE)
    while any(each.handle_next() for each in participants):
        pass  # what was still on its way
    if service.stored().status is Status.COMPLETED:
        assert all(each.booked for each in participants)
    else:
        assert service.stored().status is Status.COMPENSATED
        assert not any(each.booked for each in participants)
        assert refused or lossy


def test_a_definition_is_drawn() -> None:
    drawn = mermaid(Saga("trip", [step("Flight"), step("Hotel", rollback=None)], data=Trip))
    assert (
        drawn
        == """\
stateDiagram-v2
    s1: Flight
    s1_undo: undo Flight
    s2: Hotel
    [*] --> s1
    s1 --> s2: succeeded
    s1 --> COMPENSATED: failed
    s1 --> s1_undo: timed out
    s1_undo --> COMPENSATED: undone
    s1_undo --> FAILED: refused
    s2 --> COMPLETED: succeeded
    s2 --> s1_undo: failed
    s2 --> s1_undo: timed out
    COMPLETED --> [*]
    COMPENSATED --> [*]
"""
    )


def test_the_food_order_s_diagram_in_the_documentation_is_that_of_its_definition() -> None:
    drawn = mermaid(order_saga(Orders(MongoClient(connect=False).food.orders), MINUTE))
    assert f"```mermaid\n{drawn}```" in Path("docs/saga.md").read_text()
