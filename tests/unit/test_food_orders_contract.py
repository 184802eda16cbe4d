"""The food orders' schema files: what services publish fits them and is read as it was; what doesn't is not sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from examples.food_orders import contract, delivery
from examples.food_orders.messages import (
    CustomerCreate,
    OrderedProduct,
    PaymentOrderStatus,
    PaymentRequest,
    PaymentResponse,
    PaymentStatus,
    RestaurantApprovalRequest,
    RestaurantApprovalResponse,
    RestaurantApprovalStatus,
)
from examples.food_orders.settings import Settings
from headwater.consumer import Message
from headwater.converter import ConversionError, RetriableConversionError
from headwater.converters.avro.converter import create
from headwater.converters.string import create as text
from headwater.inbox.events import OutboxEvents
from headwater.outbox.row import Limits, row_of
from headwater.relay.queue import Aggregate, QueuedEvent
from headwater.relay.routing import Routing

EVENTS = [
    *(
        PaymentRequest(order_id="1", customer_id="c", price=price, payment_order_status=status)
        for price in (0, 2**31)
        for status in PaymentOrderStatus
    ),
    *(
        PaymentResponse(order_id="1", payment_status=status, failure_message=reason)
        for status in PaymentStatus
        for reason in (None, "no credit")
    ),
    RestaurantApprovalRequest(
        order_id="1", restaurant_id="r", products=[OrderedProduct(product_id="pizza", quantity=n) for n in (1, 2)]
    ),
    *(
        RestaurantApprovalResponse(order_id="1", restaurant_approval_status=status, failure_message=reason)
        for status in RestaurantApprovalStatus
        for reason in (None, "no pizza")
    ),
    CustomerCreate(customer_id="c", name="Zoë"),
]
TOPICS = {event.__outbox__.type for event in EVENTS}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Those of a system with messages in Avro, and schemas in a folder."""
    return Settings("", "", schema_registry_url=tmp_path.as_uri(), prefix="t-")


def sent(settings: Settings, topic: str, kind: str, payload: str) -> Message:
    """The message that a relay makes of an event."""
    options = contract.value_converter(settings)
    del options["value.converter"]
    avro = create({name.removeprefix("value.converter."): each for name, each in options.items()}, is_key=False)
    string = text({}, is_key=False)
    routing = Routing(string, avro, string, delivery.topic(settings), expand=True)
    event = QueuedEvent(0, "1", Aggregate(topic, "1"), kind, payload, {}, 0)
    _, topic, key, value, headers, _, _ = routing.message(event)
    return Message(topic, 0, 0, key, value, tuple(headers))


@pytest.mark.parametrize("event", EVENTS, ids=repr)
def test_events_are_read_as_they_were_published(settings: Settings, event: PaymentRequest) -> None:
    contract.register(settings, TOPICS)
    row = row_of(event, Limits())
    message = sent(settings, row.aggregate_type, row.type, row.payload)
    events = OutboxEvents({type(event).__name__: type(event)}, payloads=contract.deserializer(settings))
    read = events.read(message)
    assert read is not None
    assert read.payload == event


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ('{"customerId": "c"}', "a field name without a default, the value none"),
        ('{"customerId": "c", "name": 1}', "name: int32 can't be written as"),
    ],
)
def test_an_event_that_does_not_fit_is_not_sent(settings: Settings, payload: str, reason: str) -> None:
    contract.register(settings, TOPICS)
    with pytest.raises(ConversionError, match=reason):
        sent(settings, "customer-create", "CustomerCreate", payload)


def test_a_schema_is_waited_for(settings: Settings) -> None:
    with pytest.raises(RetriableConversionError, match="no subject t-customer-create-value"):
        sent(settings, "customer-create", "CustomerCreate", '{"customerId": "c", "name": "Zoë"}')
