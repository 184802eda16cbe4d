"""Change events in every form, read into models; and what doesn't fit."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any
from uuid import UUID

import pytest
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from headwater.consumer import Message
from headwater.converters.json import create
from headwater.inbox.events import ChangeEvents, Column, EventError, MicroTime, MicroTimestamp, OutboxEvents, scale
from headwater.record import DECIMAL, Schema, Type, struct

BYTES, TEXT = Schema(Type.BYTES), Schema(Type.STRING)
INT32, INT64 = Schema(Type.INT32), Schema(Type.INT64)
SOURCE = {"connector": "mysql", "name": "shop", "table": "orders", "file": "binlog.000003", "pos": 120, "row": 0}


class State(Enum):
    OPEN = "open"
    SHIPPED = "shipped"


@dataclass
class Order:
    id: int
    state: State
    total: Decimal
    placed: datetime
    due: date
    cutoff: timedelta
    note: str | None
    tags: set[str] = field(default_factory=set)
    address: dict[str, Any] = field(default_factory=dict)


class PydanticOrder(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    id: int
    state: State
    total: Decimal = Field(ge=0)
    placed: datetime
    due: date
    cutoff: timedelta
    note: str | None


ROW = struct(
    "shop.orders.Value",
    ("id", INT64),
    ("state", Schema(Type.STRING, name="io.debezium.data.Enum", parameters=(("allowed", "open,shipped"),))),
    ("total", Schema(Type.BYTES, name=DECIMAL, parameters=(("scale", "2"),))),
    ("placed", Schema(Type.INT64, name="io.debezium.time.MicroTimestamp")),
    ("due", Schema(Type.INT32, name="io.debezium.time.Date")),
    ("cutoff", Schema(Type.INT64, name="io.debezium.time.MicroTime")),
    ("note", TEXT.as_optional()),
    ("tags", Schema(Type.STRING, name="io.debezium.data.EnumSet")),
    ("address", Schema(Type.STRING, name="io.debezium.data.Json")),
    ("added_later", INT32),
    optional=True,
)
VALUES = {
    "id": 7,
    "state": "open",
    "total": 1234,
    "placed": 1_600_000_000_000_001,
    "due": 18_000,
    "cutoff": -3_600_000_000,
    "note": None,
    "tags": "a,b",
    "address": '{"city": "서울"}',
    "added_later": 1,
}
SOURCE_SCHEMA = struct(
    "io.debezium.connector.mysql.Source",
    *((name, TEXT) for name in ("connector", "name", "table", "file")),
    ("pos", INT64),
    ("row", INT32),
)
ENVELOPE = struct(
    "shop.orders.Envelope", ("before", ROW), ("after", ROW), ("source", SOURCE_SCHEMA), ("op", TEXT), ("ts_ms", INT64)
)
KEY = struct("shop.orders.Key", ("id", INT64))
PLACED = datetime(2020, 9, 13, 12, 26, 40, 1)  # noqa: DTZ001 - MySQL's DATETIME has no zone


def message(value: object, key: object = None, **headers: str) -> Message:
    def as_bytes(part: object) -> bytes | None:
        return part if part is None or isinstance(part, bytes) else json.dumps(part).encode()

    return Message(
        "shop.orders", 1, 42, as_bytes(key), as_bytes(value), tuple((n, v.encode()) for n, v in headers.items())
    )


def envelope(op: str, before: object, after: object, **more: object) -> dict[str, object]:
    return {"before": before, "after": after, "source": SOURCE, "op": op, "ts_ms": 5, **more}


def converted(schema: Schema, value: object, **options: str) -> bytes:
    written = create(options, is_key=False).convert("shop.orders", schema, value)
    assert written is not None
    return written


@pytest.mark.parametrize("decimal_format", ["BASE64", "NUMERIC"])
@pytest.mark.parametrize("model", [Order, PydanticOrder])
def test_the_schema_says_what_values_are(model: type, decimal_format: str) -> None:
    value = converted(ENVELOPE, envelope("u", VALUES, VALUES | {"note": "x"}), **{"decimal.format": decimal_format})
    event = ChangeEvents(model).read(message(value, converted(KEY, {"id": 7})))
    assert event is not None
    assert (event.op, event.key, event.source.table, event.source["pos"]) == ("u", {"id": 7}, "orders", 120)
    assert (event.before.note, event.after.note) == (None, "x")
    order = event.after
    assert (order.id, order.state, order.total) == (7, State.OPEN, Decimal("12.34"))
    assert (order.placed, order.due, order.cutoff) == (PLACED, date(2019, 4, 14), timedelta(hours=-1))
    if model is Order:
        assert (order.tags, order.address) == ({"a", "b"}, {"city": "서울"})


def test_a_decimal_of_many_digits_keeps_them_all() -> None:
    schema = struct(None, ("n", Schema(Type.BYTES, name=DECIMAL, parameters=(("scale", "10"),))))
    events = ChangeEvents(dict, form="flattened")
    for decimal_format in "BASE64", "NUMERIC":
        value = converted(schema, {"n": 1234567890123456789012345678901}, **{"decimal.format": decimal_format})
        event = events.read(message(value))
        assert event is not None
        assert event.after == {"n": Decimal("123456789012345678901.2345678901")}


def test_without_schemas_annotations_say_it() -> None:
    @dataclass
    class Plain:
        total: Annotated[Decimal, scale(2)]
        price: Decimal
        placed: Annotated[datetime, MicroTimestamp]
        cutoff: Annotated[time, MicroTime] | None
        due: date
        zoned: datetime
        active: bool
        data: bytes
        id: UUID

    row = {
        "total": "+y4=",
        "price": "12.50",
        "placed": 1_600_000_000_000_001,
        "cutoff": 3_600_000_000,
        "due": 18_000,
        "zoned": "2020-09-13T12:26:40Z",
        "active": 1,
        "data": "AAE=",
        "id": "6f8d2ed1-77fa-4d70-bdfd-77e67c513bbd",
    }
    event = ChangeEvents(Plain).read(message(envelope("c", None, row)))
    assert event is not None
    assert event.after == Plain(
        Decimal("-12.34"),
        Decimal("12.50"),
        PLACED,
        time(1),
        date(2019, 4, 14),
        datetime(2020, 9, 13, 12, 26, 40, tzinfo=UTC),
        True,
        b"\0\1",
        UUID("6f8d2ed1-77fa-4d70-bdfd-77e67c513bbd"),
    )


@dataclass
class Place:
    since: Annotated[datetime, MicroTimestamp]
    house_number: Annotated[int | None, Column("house-number")]


class PydanticPlace(BaseModel):
    since: Annotated[datetime, MicroTimestamp]
    house_number: int | None = Field(alias="house-number")


@dataclass
class Person:
    class_: Annotated[str, Column("class")]
    tags: set[str]
    home: Place
    others: list[Place]


class PydanticPerson(BaseModel):
    class_: str = Field(alias="class")
    tags: set[str]
    home: PydanticPlace
    others: list[PydanticPlace]


@pytest.mark.parametrize(("person", "place"), [(Person, Place), (PydanticPerson, PydanticPlace)])
def test_parts_are_read_as_the_whole_is_and_columns_may_have_names_that_python_has_not(
    person: type, place: type
) -> None:
    at = {"since": 1_600_000_000_000_001, "house-number": 5}
    row = {"class": "A", "tags": "a,b", "home": json.dumps(at), "others": [at, at | {"house-number": None}]}
    event = ChangeEvents(person).read(message(envelope("c", None, row)))
    assert event is not None
    assert (event.after.class_, event.after.tags) == ("A", {"a", "b"})
    places = [event.after.home, *event.after.others]
    assert all(type(each) is place for each in places)
    assert [(each.since, each.house_number) for each in places] == [(PLACED, 5), (PLACED, 5), (PLACED, None)]


def test_what_a_column_of_another_name_lacks_is_told_by_the_columns_name() -> None:
    event = ChangeEvents(Place).read(message(envelope("c", None, {"since": 1, "house_number": 1})))
    assert event is not None
    with pytest.raises(EventError, match=r"after.house-number: Place needs it"):
        assert event.after


def test_keys_are_read_as_models_and_may_be_a_value_alone() -> None:
    @dataclass
    class Key:
        id: int

    event = ChangeEvents(dict).read(message(envelope("c", None, {}), {"id": 7}))
    assert event is not None
    assert event.key_as(Key) == Key(7)
    alone = ChangeEvents(dict, form="flattened").read(message({"id": 7}, 7))
    assert alone is not None
    assert (alone.key, alone.key_as(int)) == (7, 7)
    with pytest.raises(EventError, match="key: Key is wanted, not int"):
        alone.key_as(Key)


def test_mongodb_documents_are_extended_json() -> None:
    document = {
        "_id": {"$oid": "5f5e0d1e2c8b9a0001234567"},
        "at": {"$date": 1600000000000},
        "n": {"$numberLong": "9007199254740993"},
        "price": {"$numberDecimal": "1.10"},
        "data": {"$binary": {"base64": "AAE=", "subType": "00"}},
        "list": [{"$numberInt": "1"}, {"nested": {"$uuid": "6f8d2ed1-77fa-4d70-bdfd-77e67c513bbd"}}],
    }
    source = {"connector": "mongodb", "collection": "orders", "ord": 1, "ts_ms": 1000}
    event = ChangeEvents(dict).read(message(envelope("u", None, json.dumps(document)) | {"source": source}))
    assert event is not None
    assert event.after == {
        "_id": "5f5e0d1e2c8b9a0001234567",
        "at": datetime(2020, 9, 13, 12, 26, 40, tzinfo=UTC),
        "n": 9007199254740993,
        "price": Decimal("1.10"),
        "data": b"\0\1",
        "list": [1, {"nested": UUID("6f8d2ed1-77fa-4d70-bdfd-77e67c513bbd")}],
    }


def test_flattened_events_tell_deletes_in_each_way() -> None:
    events = ChangeEvents(dict, form="flattened")
    row = {"id": 7}
    tombstone = events.read(message(None, row))
    rewritten = events.read(message({**row, "__deleted": "true"}, row))
    headed = events.read(message(row, row, __op="d"))
    for event in tombstone, rewritten, headed:
        assert event is not None
        assert (event.op, event.key, event.after) == ("d", row, None)
    live = events.read(message({**row, "__deleted": "false", "__op": "c", "__source_ts_ms": 9, "__table": "orders"}))
    assert live is not None
    assert (live.op, live.after, live.source.ts_ms, live.source.table) == ("c", row, 9, "orders")


def test_an_envelopes_tombstone_is_no_event() -> None:
    assert ChangeEvents(dict).read(message(None, {"id": 7})) is None


@dataclass
class Line:
    n: int


@dataclass
class Row:
    id: int
    at: datetime | None = None
    price: Decimal | None = None
    lines: list[Line] = field(default_factory=list)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (b"\xff", "shop.orders-1@42: topic shop.orders: "),
        ({"id": 1}, "an envelope with op, before, after and source is wanted"),
        (envelope("x", None, None), "op: an operation is one of c, u, d, r, t"),
        (envelope("c", None, 5), "after: an object is wanted"),
        (envelope("c", None, {}), "after.id: Row needs it, and the event has no such field"),
        (envelope("c", None, {"id": "secret"}), "after.id: int is wanted, not str"),
        (envelope("c", None, {"id": 1, "at": 5}), r"annotate it as in Annotated\[datetime, Timestamp\]"),
        (
            envelope("c", None, {"id": 1, "at": "secret"}),
            r"after.at: the text is no datetime",
        ),
        (envelope("c", None, {"id": 1, "price": "secret"}), r"Annotated\[Decimal, scale\(2\)\]"),
        (envelope("c", None, {"id": 1, "lines": [{"n": 1}, {"n": None}]}), r"after.lines.1.n: int is wanted, not None"),
    ],
)
def test_what_does_not_fit_is_named_without_its_value(value: object, problem: str) -> None:
    def read() -> object:
        event = ChangeEvents(Row).read(message(value))
        return event and event.after

    with pytest.raises(EventError, match=problem) as raised:
        read()
    assert "secret" not in str(raised.value)


def test_pydantics_own_validation_is_an_event_error() -> None:
    value = converted(ENVELOPE, envelope("c", None, VALUES | {"total": -1}))
    event = ChangeEvents(PydanticOrder).read(message(value))
    assert event is not None
    with pytest.raises(EventError, match=r"after.total: PydanticOrder: Input should be greater than or equal to 0"):
        assert event.after


def test_before_is_read_only_when_it_is_asked_for() -> None:
    event = ChangeEvents(Order).read(message(envelope("d", {"id": 7}, None)))
    assert event is not None
    assert event.after is None
    with pytest.raises(EventError, match=r"before.state: Order needs it"):
        assert event.before


@dataclass(frozen=True)
class CoursePosted:
    courseId: str  # noqa: N815
    posted: bool


def test_outbox_events_are_read_by_their_type() -> None:
    events = OutboxEvents({"CoursePostedEvent": CoursePosted})
    payload = {"courseId": "42", "posted": True}
    wanted = CoursePosted("42", True)
    expanded = message(payload, b"42", id="e1", eventType="CoursePostedEvent")
    as_text = message(json.dumps(payload), '"42"', id="e1", eventType="CoursePostedEvent")
    with_schema = message(
        {"schema": {"type": "string"}, "payload": json.dumps(payload)}, b"42", eventType="CoursePostedEvent"
    )
    for each in expanded, as_text, with_schema:
        event = events.read(each)
        assert event is not None
        assert (event.type, event.payload) == ("CoursePostedEvent", wanted)
    event = events.read(expanded)
    assert event is not None
    assert (event.id, event.aggregate_id) == ("e1", "42")
    assert events.read(message(payload, b"42", eventType="CourseRenamedEvent")) is None
    with pytest.raises(EventError, match=r"table.fields.additional.placement=type:header:eventType"):
        events.read(message(payload, b"42"))


def test_payloads_of_mongodb_are_extended_json() -> None:
    @dataclass
    class Paid:
        price: Decimal
        count: int
        at: datetime

    payload = {
        "price": {"$numberDecimal": "1.10"},
        "count": {"$numberInt": "3"},
        "at": {"$date": {"$numberLong": "1600000000000"}},
    }
    events = OutboxEvents({"Paid": Paid, "Deep": dict})
    for each in payload, json.dumps(payload):
        event = events.read(message(each, b"1", eventType="Paid"))
        assert event is not None
        assert event.payload == Paid(Decimal("1.10"), 3, datetime(2020, 9, 13, 12, 26, 40, tzinfo=UTC))
    with pytest.raises(EventError, match=r"the payload is no extended JSON: .* \$date"):
        events.read(message({"at": {"$date": "x"}}, b"1", eventType="Paid"))
    with pytest.raises(EventError, match="recursion"):
        events.read(message(('{"a":' * 900 + "1" + "}" * 900).encode(), b"1", eventType="Deep"))


def test_a_stale_position_is_known_by_offset_and_by_the_log() -> None:
    def position(offset: int, pos: int, **more: Any) -> Any:
        source = {**SOURCE, "pos": pos, **more}
        value = {**envelope("u", None, {"id": 7}), "source": source}
        event = ChangeEvents(dict).read(Message("t", 0, offset, None, json.dumps(value).encode()))
        assert event is not None
        return event.position

    stored = position(10, 500)
    assert position(10, 500).is_stale(stored)
    assert position(9, 600).is_stale(stored)
    assert position(11, 499).is_stale(stored)  # sent again behind later ones
    assert not position(11, 501).is_stale(stored)
    assert not position(11, 4, file="binlog.000004").is_stale(stored)
    assert not position(11, 4, file="other.000001").is_stale(stored)  # another server's log can't be compared
    by_gtid = position(10, 500, gtid="a:7")
    assert position(11, 4, gtid="a:6", file="other.000001").is_stale(by_gtid)
    assert not position(11, 4, gtid="b:6").is_stale(by_gtid)
