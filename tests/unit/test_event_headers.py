"""The headers that EventRouter and MongoEventRouter take out of an outbox row: the event's own, and its trace."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from headwater.converters.json import create as json_converter
from headwater.converters.simple_header import create as header_converter
from headwater.converters.string import create as string_converter
from headwater.plan import Converters, plan
from headwater.record import Record, Schema, Type, struct
from headwater.shape import Const, MessageShape, Slot, Stage, Struct
from headwater.sources.envelope import OPTIONAL_STRING, STRING
from headwater.testing.transforms import StepError, change_event, transformed
from headwater.worker.transforms import build_chain
from tests.mongodb_transform_cases import ENVELOPE, KEY
from tests.transform_cases import Rows

JSON = Schema(Type.STRING, optional=True, name="io.debezium.data.Json", version=1)
ROUTER = {"transforms": "outbox", "transforms.outbox.type": "EventRouter"}
OWN = {
    **ROUTER,
    "transforms.outbox.table.field.event.headers": "headers",
    "transforms.outbox.table.fields.additional.placement": "type:header:eventType,traceparent:header,tracestate:header",
}
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
ROW = {"id": "e1", "aggregatetype": "Order", "aggregateid": "o-1", "type": "Placed", "payload": "{}"}
COLUMNS = ("headers", "traceparent", "tracestate")


def event(**columns: str | None) -> Record:
    """An insert into an outbox table; columns without a value are null."""
    return change_event("server.shop.outbox", after={**ROW, **columns})


def headers(record: Record, config: Mapping[str, str]) -> list[tuple[str, Any]]:
    found = transformed(record, config)
    assert found is not None
    assert all(header.schema == STRING for header in found.headers if header.name != "id")
    return [(header.name, header.value) for header in found.headers]


def outbox(**columns: str | None) -> Record:
    return event(**{**dict.fromkeys(COLUMNS), **columns})


def test_members_become_headers() -> None:
    record = outbox(headers='{"tenant": "a", "한": ""}', traceparent=PARENT)
    told = [("id", "e1"), ("eventType", "Placed"), ("tenant", "a"), ("한", "")]
    assert sorted(headers(record, OWN)) == sorted([*told, ("traceparent", PARENT)])


@pytest.mark.parametrize("value", [None, "null", "{}"])
def test_without_any(value: str | None) -> None:
    assert headers(outbox(headers=value), OWN) == [("id", "e1"), ("eventType", "Placed")]


def test_its_own_take_the_place_of_others() -> None:
    assert headers(outbox(headers='{"eventType": "Other"}'), OWN) == [("id", "e1"), ("eventType", "Other")]


def test_without_the_option_nothing_changes() -> None:
    config = {name: value for name, value in OWN.items() if not name.endswith("event.headers")}
    found = transformed(outbox(headers='{"tenant": "a"}'), config)
    assert found is not None
    assert [header.name for header in found.headers] == ["id", "eventType", "traceparent", "tracestate"]


@pytest.mark.parametrize("value", ["[]", '{"a": 1}', '{"a": null}', "no JSON", '"text"'])
def test_what_is_no_object_of_strings_is_refused(value: str) -> None:
    with pytest.raises(StepError, match="the event's headers"):
        transformed(outbox(headers=value), OWN)


def test_rows_get_what_records_get() -> None:
    """Planned once; headers of other names are planned when they are met."""
    texts = ['{"a": "1"}', None, '{"a": "2", "b": "3"}', '{"a": "4"}']
    columns = [*ROW, *COLUMNS]
    schema = struct("outbox.Value", *((name, OPTIONAL_STRING) for name in columns))
    envelope = struct("outbox.Envelope", ("after", schema), ("op", STRING), ("ts_ms", Schema(Type.INT64)))
    row = Struct(tuple(Slot(name, Stage.ROW) for name in columns))
    shape = MessageShape("outbox", None, Const(None), envelope, Struct((row, Const("c"), Const(1))))
    text = string_converter({}, is_key=False)
    converters = Converters(text, text, header_converter({}, is_key=False))
    function = plan(Rows(shape).event(), converters, build_chain(OWN).plan).function
    messages = function([{**dict.fromkeys(columns), **ROW, "headers": text} for text in texts])
    expected = [
        [("id", b"e1"), ("eventType", b"Placed"), *own]
        for own in ([("a", b"1")], [], [("a", b"2"), ("b", b"3")], [("a", b"4")])
    ]
    assert [message[4] for message in messages] == expected


def properties(**entries: str) -> str:
    """As java.util.Properties writes them."""
    return "".join(
        ["#Mon May 06\n", *(f"{name}={value.replace('=', chr(92) + '=')}\n" for name, value in entries.items())]
    )


def test_the_trace_goes_on() -> None:
    context = properties(traceparent=PARENT, tracestate="a=1,b=2", other="x")
    assert headers(event(tracingspancontext=context), ROUTER) == [
        ("traceparent", PARENT),
        ("tracestate", "a=1,b=2"),
        ("id", "e1"),
    ]


@pytest.mark.parametrize(
    "context", [None, "", "other=x", f"traceparent={PARENT.replace('0af7651916cd43dd8448eb211c80319c', '0' * 32)}"]
)
def test_without_a_trace(context: str | None) -> None:
    assert headers(event(tracingspancontext=context), ROUTER) == [("id", "e1")]


def test_the_trace_in_another_column() -> None:
    config = {**ROUTER, "transforms.outbox.tracing.span.context.field": "trace"}
    assert ("traceparent", PARENT) in headers(event(trace=properties(traceparent=PARENT)), config)


def mongodb_event(**fields: Any) -> Record:
    after = {"_id": {"$oid": "65e000000000000000000001"}, **{k: v for k, v in ROW.items() if k != "id"}, **fields}
    value = dict.fromkeys(field.name for field in ENVELOPE.fields) | {"op": "c", "after": json.dumps(after)}
    return Record("server.shop.outbox", KEY, {"id": "1"}, ENVELOPE, value)


MONGODB = {
    "transforms": "outbox",
    "transforms.outbox.type": "MongoEventRouter",
    "transforms.outbox.collection.field.event.headers": "headers",
    "transforms.outbox.collection.fields.additional.placement": "type:header:eventType,traceparent:header",
    "transforms.outbox.collection.field.additional.missing": "ignore",
}
ID = ("id", "65e000000000000000000001")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, []),
        ({"headers": None}, []),
        ({"headers": {"tenant": "a"}, "traceparent": PARENT}, [("traceparent", PARENT), ("tenant", "a")]),
        ({"headers": '{"tenant": "a"}'}, [("tenant", "a")]),
    ],
    ids=str,
)
def test_documents_have_headers_too(fields: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    found = transformed(mongodb_event(**fields), MONGODB)
    assert found is not None
    assert [(h.name, h.value) for h in found.headers] == [ID, ("eventType", "Placed"), *expected]


def test_a_date_is_the_events_time() -> None:
    config = {**MONGODB, "transforms.outbox.collection.field.event.timestamp": "at"}
    found = transformed(mongodb_event(at={"$date": 1_700_000_000_123}), config)
    assert found is not None
    assert found.timestamp == 1_700_000_000_123


def test_the_other_fields_may_be_of_any_type() -> None:
    found = transformed(mongodb_event(other={"$minKey": 1}, mixed=[1, "x"]), MONGODB)
    assert found is not None
    assert (
        json.loads(
            json_converter({"schemas.enable": "false"}, is_key=False).convert("t", found.value_schema, found.value)
            or b""
        )
        == "{}"
    )
