"""Publishing with SQLAlchemy on a real MySQL: what the binlog and the outbox hold afterwards, and what they don't."""

import asyncio
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest
from sqlalchemy import Column, Engine, Integer, MetaData, String, Table, Text, func, insert, inspect, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from headwater.outbox import AutocommitError, OutboxError, PayloadNotSerializableError, PayloadTooLargeError
from headwater.outbox.sqlalchemy import Outbox, outbox_table

METADATA = MetaData()
ORDERS = Table("orders", METADATA, Column("id", Integer, primary_key=True))
OUTBOX_TABLE = outbox_table(METADATA)
OUTBOX = Outbox(OUTBOX_TABLE)
ORDER = insert(ORDERS).values(id=1)


@dataclass(frozen=True)
class Event:
    aggregate_id: str = "order-1"
    aggregate_type: str = "Order"
    type: str = "OrderPlaced"
    payload: object = field(default_factory=lambda: {"total": 12})


@pytest.fixture
def engine(mysql_engine: Engine) -> Engine:
    METADATA.create_all(mysql_engine)
    return mysql_engine


# Each places an order and publishes events in one transaction, which it then commits or rolls back.
Place = Callable[[Engine, Sequence[Event], bool], list[uuid.UUID]]


def with_session(engine: Engine, events: Sequence[Event], commit: bool) -> list[uuid.UUID]:
    with Session(engine) as session:
        session.execute(ORDER)
        ids = [OUTBOX.publish(session, event) for event in events]
        session.commit() if commit else session.rollback()
    return ids


def with_scoped_session(engine: Engine, events: Sequence[Event], commit: bool) -> list[uuid.UUID]:
    session = scoped_session(sessionmaker(engine))
    try:
        session.execute(ORDER)
        ids = [OUTBOX.publish(session, event) for event in events]
        session.commit() if commit else session.rollback()
    finally:
        session.remove()
    return ids


def with_connection(engine: Engine, events: Sequence[Event], commit: bool) -> list[uuid.UUID]:
    with engine.connect() as connection:
        connection.execute(ORDER)
        ids = [OUTBOX.publish(connection, event) for event in events]
        connection.commit() if commit else connection.rollback()
    return ids


def with_async_session(engine: Engine, events: Sequence[Event], commit: bool) -> list[uuid.UUID]:
    return asyncio.run(_place_async(AsyncSession, engine, events, commit))


def with_async_connection(engine: Engine, events: Sequence[Event], commit: bool) -> list[uuid.UUID]:
    return asyncio.run(_place_async(AsyncEngine.connect, engine, events, commit))


async def _place_async(
    begin: Callable[[AsyncEngine], AsyncSession | AsyncConnection],
    engine: Engine,
    events: Sequence[Event],
    commit: bool,
) -> list[uuid.UUID]:
    async_engine = create_async_engine(engine.url.set(drivername="mysql+asyncmy"))
    try:
        async with begin(async_engine) as session:
            await session.execute(ORDER)
            ids = [await OUTBOX.publish_async(session, event) for event in events]
            await (session.commit() if commit else session.rollback())
    finally:
        await async_engine.dispose()
    return ids


every_kind_of_session = pytest.mark.parametrize(
    "place",
    [with_session, with_scoped_session, with_connection, with_async_session, with_async_connection],
)


@every_kind_of_session
def test_a_committed_event_is_in_the_log_and_not_in_the_table(engine, row_events, place: Place) -> None:
    place(engine, [Event()], True)
    assert row_events() == [("orders", "Write"), ("outbox", "Write"), ("outbox", "Delete")]
    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(OUTBOX_TABLE)) == 0


@every_kind_of_session
def test_a_rolled_back_event_never_shows(engine, row_events, place: Place) -> None:
    place(engine, [Event()], False)
    assert row_events() == []


@every_kind_of_session
def test_the_row_is_the_event(published, engine, place: Place) -> None:
    payload = {"name": "MSA 파헤치기 🎓", "quote": '"', "price": 1.5, "count": 2**53 + 1, "none": None}
    [event_id] = place(engine, [Event(payload=payload)], True)
    assert published() == [
        {
            "id": str(event_id),
            "aggregate_type": "Order",
            "aggregate_id": "order-1",
            "type": "OrderPlaced",
            "payload": payload,
        }
    ]


@every_kind_of_session
def test_events_of_one_transaction_keep_their_order(published, engine, row_events, place: Place) -> None:
    events = [Event(type=f"Step{n}") for n in range(5)]
    ids = place(engine, events, True)
    assert [row["id"] for row in published()] == [str(event_id) for event_id in ids]
    outbox = [kind for table, kind in row_events() if table == "outbox"]
    assert outbox == ["Write", "Delete"] * 5


@every_kind_of_session
@pytest.mark.parametrize(
    ("event", "error"),
    [
        (Event(payload={"order": object()}), PayloadNotSerializableError),
        (Event(payload="x" * 2**20), PayloadTooLargeError),
    ],
)
def test_a_bad_event_fails_the_transaction(engine, row_events, place: Place, event, error) -> None:
    with pytest.raises(error, match="OrderPlaced: payload "):
        place(engine, [Event(), event], True)
    assert row_events() == []


def test_a_bad_event_is_found_before_the_database_is_asked(engine) -> None:
    with Session(engine) as session:
        with pytest.raises(OutboxError):
            OUTBOX.publish(session, Event(aggregate_id=""))
        assert not session.in_transaction()


def test_the_largest_payload_allowed_is_written(published, engine) -> None:
    payload = "가" * ((2**20 - 2) // 3)
    with_session(engine, [Event(payload=payload)], True)
    assert published()[0]["payload"] == payload


def test_only_the_event_of_a_rolled_back_savepoint_is_gone(published, engine, row_events) -> None:
    with Session(engine) as session, session.begin():
        OUTBOX.publish(session, Event(type="Kept"))
        with session.begin_nested() as savepoint:
            OUTBOX.publish(session, Event(type="Undone"))
            savepoint.rollback()
    assert [row["type"] for row in published()] == ["Kept"]


@pytest.mark.parametrize("engine_wide", [True, False])
def test_autocommit_is_refused(engine, row_events, engine_wide: bool) -> None:
    if engine_wide:
        engine = engine.execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        if not engine_wide:
            connection.connection.dbapi_connection.autocommit(True)
        with pytest.raises(AutocommitError, match="publish in a transaction"):
            OUTBOX.publish(connection, Event())
    assert row_events() == []


def test_the_table_is_debeziums_shape(engine) -> None:
    columns = inspect(engine).get_columns("outbox")
    assert [(column["name"], str(column["type"]), column["nullable"]) for column in columns] == [
        ("id", "CHAR(36)", False),
        ("aggregate_type", "VARCHAR(255)", False),
        ("aggregate_id", "VARCHAR(255)", False),
        ("type", "VARCHAR(255)", False),
        ("payload", "JSON", False),
        ("headers", "JSON", True),
        ("traceparent", "VARCHAR(255)", True),
        ("tracestate", "VARCHAR(512)", True),
        ("timestamp", "TIMESTAMP", False),
    ]
    assert columns[-1]["default"] == "CURRENT_TIMESTAMP"
    assert inspect(engine).get_pk_constraint("outbox")["constrained_columns"] == ["id"]


def test_a_table_of_ones_own_sets_the_limits(mysql_engine, row_events) -> None:
    table = Table(
        "events",
        metadata := MetaData(),
        Column("id", String(36), primary_key=True),
        Column("aggregate_type", String(10)),
        Column("aggregate_id", Text),
        Column("type", String(20)),
        Column("payload", Text),
    )
    metadata.create_all(mysql_engine)
    outbox = Outbox(table, max_payload_bytes=12)
    with Session(mysql_engine) as session, session.begin():
        outbox.publish(session, Event(aggregate_id="x" * 1000))
        with pytest.raises(OutboxError, match="aggregate_type is 11 characters long, the column holds 10"):
            outbox.publish(session, Event(aggregate_type="x" * 11))
        with pytest.raises(PayloadTooLargeError, match="is 13 bytes of JSON, the limit is 12"):
            outbox.publish(session, Event(payload={"total": 123}))
    assert row_events() == [("events", "Write"), ("events", "Delete")]


def test_a_table_without_the_columns_is_refused() -> None:
    with pytest.raises(ValueError, match="table 'orders' can't be an outbox, it has no column aggregate_type, "):
        Outbox(ORDERS)


def test_a_session_with_several_binds_writes_where_the_table_is(engine, row_events) -> None:
    with Session(binds={OUTBOX_TABLE: engine}) as session, session.begin():
        OUTBOX.publish(session, Event())
    assert row_events() == [("outbox", "Write"), ("outbox", "Delete")]
