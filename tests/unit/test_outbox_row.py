"""From an event to its row: what is written, and what is refused before any database is asked."""

import enum
import json
import math
import subprocess
import sys
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pydantic
import pytest
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState

from headwater.outbox import (
    Aggregate,
    InvalidFieldError,
    OutboxError,
    PayloadNotSerializableError,
    PayloadTooLargeError,
)
from headwater.outbox import Event as PlainEvent
from headwater.outbox.row import Limits, row_of


@dataclass(frozen=True)
class Event:
    aggregate_id: Any = "order-1"
    aggregate_type: Any = "Order"
    type: Any = "OrderPlaced"
    payload: Any = field(default_factory=lambda: {"total": 12})


@dataclass
class Line:
    product: str
    price: float | None


class Currency(enum.Enum):
    WON = "KRW"


def test_the_row_is_the_event_with_an_id_of_its_own() -> None:
    first, second = row_of(Event(), Limits()), row_of(Event(), Limits())
    assert (first.aggregate_id, first.aggregate_type, first.type) == ("order-1", "Order", "OrderPlaced")
    assert first.payload == '{"total":12}'
    assert first.id != second.id


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        ({"name": "파헤치기"}, '{"name":"파헤치기"}'),
        (Line("tea", 1.5), '{"product":"tea","price":1.5}'),
        ([Line("tea", None)], '[{"product":"tea","price":null}]'),
        (datetime(2023, 2, 17, 1, 53, 42, tzinfo=UTC), '"2023-02-17T01:53:42+00:00"'),
        (uuid.UUID(int=1), '"00000000-0000-0000-0000-000000000001"'),
        ({"currency": Currency.WON, "no": None}, '{"currency":"KRW","no":null}'),
    ],
)
def test_what_orjson_writes_is_a_payload(payload: object, text: str) -> None:
    assert row_of(Event(payload=payload), Limits()).payload == text


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({"price": Decimal("1.50")}, "decimal.Decimal"),
        ({1: "one"}, "key must be str"),
        ({"text": "\ud800"}, "surrogates"),
        ({"n": 2**64}, "64-bit"),
        ({"average": math.nan}, "float values"),
        ([Line("tea", math.inf)], "float values"),
    ],
)
def test_what_json_can_not_say_is_refused(payload: object, reason: str) -> None:
    with pytest.raises(PayloadNotSerializableError, match=f"OrderPlaced: payload .*{reason}") as caught:
        row_of(Event(payload=payload), Limits())
    assert isinstance(caught.value, TypeError)
    assert caught.value.event_type == "OrderPlaced"


def test_the_payload_limit_counts_bytes_of_json() -> None:
    payload = {"name": "가나"}
    size = len(json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode())
    assert row_of(Event(payload=payload), Limits(payload_bytes=size))
    with pytest.raises(PayloadTooLargeError, match=f"{size} bytes of JSON, the limit is {size - 1}") as caught:
        row_of(Event(payload=payload), Limits(payload_bytes=size - 1))
    assert (caught.value.size, caught.value.limit) == (size, size - 1)


def test_the_default_payload_limit_is_one_mebibyte() -> None:
    assert row_of(Event(payload="x" * (2**20 - 2)), Limits())
    with pytest.raises(PayloadTooLargeError):
        row_of(Event(payload="x" * (2**20 - 1)), Limits())


@pytest.mark.parametrize("name", ["aggregate_id", "aggregate_type", "type"])
@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("", "is empty"),
        ("x" * 256, "is 256 characters long, the column holds 255"),
        (7, "must be a str, not int"),
        (None, "must be a str, not NoneType"),
    ],
)
def test_a_field_that_does_not_fit_is_named(name: str, value: object, problem: str) -> None:
    with pytest.raises(InvalidFieldError, match=f": {name} {problem}") as caught:
        row_of(Event(**{name: value}), Limits())
    assert caught.value.field == name


class NoAggregate(pydantic.BaseModel):
    __outbox__ = Aggregate("Order", id="order_id")


class NoDescription:
    __outbox__ = "Order"


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        ({"a": 1}, "dict: aggregate_type is missing, .*: publish a dataclass or Pydantic model with __outbox__"),
        (None, "NoneType: aggregate_type is missing"),
        (NoAggregate(), "NoAggregate: aggregate_id is missing, there is no attribute 'order_id'"),
        (NoDescription(), "NoDescription: __outbox__ must be an Aggregate, not str"),
    ],
)
def test_what_is_no_event_is_refused_as_every_bad_event_is(event: Any, problem: str) -> None:
    with pytest.raises(OutboxError, match=problem):
        row_of(event, Limits())


def test_255_characters_of_any_script_fit() -> None:
    assert row_of(Event(aggregate_id="가" * 255), Limits()).aggregate_id == "가" * 255


def test_errors_do_not_show_what_the_event_holds() -> None:
    for event in (Event(payload={"secret": Decimal(4111)}), Event(aggregate_id="4111" * 100)):
        with pytest.raises(OutboxError) as caught:
            row_of(event, Limits())
        assert "4111" not in str(caught.value)


@dataclass(frozen=True, slots=True)
class OrderPlaced:
    __outbox__ = Aggregate("Order", id="order")

    order: int
    total: float


class OrderShipped(pydantic.BaseModel):
    __outbox__ = Aggregate("Order", id="order_id", event="order.shipped")

    order_id: uuid.UUID = pydantic.Field(serialization_alias="orderId")
    price: Decimal


@pytest.mark.parametrize(
    ("event", "row"),
    [
        (PlainEvent("Order", "7", "OrderPlaced", {"total": 1}), ("Order", "7", "OrderPlaced", '{"total":1}')),
        (OrderPlaced(7, 1.5), ("Order", "7", "OrderPlaced", '{"order":7,"total":1.5}')),
        (
            OrderShipped(order_id=uuid.UUID(int=7), price=Decimal("1.50")),
            (
                *("Order", "00000000-0000-0000-0000-000000000007", "order.shipped"),
                '{"orderId":"00000000-0000-0000-0000-000000000007","price":"1.50"}',
            ),
        ),
    ],
)
def test_dataclasses_and_models_that_describe_themselves_are_events(event: Any, row: tuple[str, ...]) -> None:
    written = row_of(event, Limits())
    assert (written.aggregate_type, written.aggregate_id, written.type, written.payload) == row


def test_a_model_is_a_payload_wherever_it_stands() -> None:
    model = OrderShipped(order_id=uuid.UUID(int=7), price=Decimal(1))
    assert '"price":"1"' in row_of(Event(payload={"shipped": [model]}), Limits()).payload


def test_an_id_that_is_missing_is_told_of() -> None:
    with pytest.raises(InvalidFieldError, match="OrderPlaced: aggregate_id is empty"):
        row_of(OrderPlaced(None, 1.5), Limits())  # type: ignore[arg-type]


def test_headers_are_kept_as_json() -> None:
    assert json.loads(row_of(Event(), Limits(), {"tenant": "가나"}).headers or "") == {"tenant": "가나"}
    assert row_of(Event(), Limits()).headers is None


@pytest.mark.parametrize(
    ("headers", "problem"),
    [
        ({"tenant": 7}, "must have strings"),
        ({"": "x"}, "must have strings"),
        ({"id": "x"}, "can't have 'id': every message has its own"),
    ],
)
def test_a_header_that_can_not_be_is_named(headers: Any, problem: str) -> None:
    with pytest.raises(InvalidFieldError, match=f"OrderPlaced: headers {problem}"):
        row_of(Event(), Limits(), headers)


@pytest.mark.parametrize("headers", ["tenant", ["tenant"], 7])
def test_headers_that_are_no_mapping_are_refused(headers: Any) -> None:
    with pytest.raises(InvalidFieldError, match="OrderPlaced: headers must be a mapping, not "):
        row_of(Event(), Limits(), headers)


def test_headers_without_a_column_are_refused() -> None:
    with pytest.raises(InvalidFieldError, match="headers have no column in the outbox table"):
        row_of(Event(), Limits(headers=False), {"tenant": "a"})


def test_the_current_trace_context_goes_with_the_row() -> None:
    span = NonRecordingSpan(SpanContext(7, 8, False, TraceFlags(1), TraceState([("vendor", "x")])))
    with trace.use_span(span):
        row = row_of(Event(), Limits())
    assert (row.traceparent, row.tracestate) == (f"00-{7:032x}-{8:016x}-01", "vendor=x")
    assert row_of(Event(), Limits()).traceparent is None


def test_a_trace_context_that_is_given_counts() -> None:
    row = row_of(Event(), Limits(), {"traceparent": "00-1-2-01", "tenant": "a"})
    assert (row.traceparent, row.headers) == ("00-1-2-01", '{"tenant": "a"}')


def test_without_opentelemetry_nothing_of_it_is_imported() -> None:
    program = (
        "import sys\nfrom headwater.outbox import Event\nfrom headwater.outbox.row import Limits, row_of\n"
        "assert row_of(Event('Order', '1', 'Placed', {}), Limits()).traceparent is None\n"
        "assert not any('opentelemetry' in name for name in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_without_sqlalchemy_the_error_names_the_extra() -> None:
    program = (
        "import sys; sys.modules['sqlalchemy'] = None\nimport headwater.outbox\nimport headwater.outbox.sqlalchemy\n"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert result.stderr.endswith(
        "ImportError: headwater.outbox.sqlalchemy needs SQLAlchemy: pip install 'headwater[sqlalchemy]'\n"
    )
