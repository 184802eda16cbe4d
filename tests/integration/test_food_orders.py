"""The food order system as its users run it: every way that an order can go, whoever delivers what in which format."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pymongo
import pytest

from examples.food_orders.settings import Settings
from headwater.converters.avro.reader import AvroDeserializer
from headwater.outbox.table import Delivery
from tests.topic import read_topic
from tests.worker_process import wait_until
from tools.food_orders import SERVICES, FoodOrders

DEADLINE_SECONDS = 90.0


class Client:
    """What a customer does."""

    def __init__(self, system: FoodOrders) -> None:
        self.system = system
        self._http = httpx.Client(timeout=30)

    def close(self) -> None:
        self._http.close()

    def call(self, method: str, service: str, path: str, body: Any = None) -> Any:
        answer = self._http.request(method, self.system.url(service) + path, json=body)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def customer(self, credit: int) -> str:
        customer: str = self.call("POST", "customer", "/customers", {"name": "Ada"})["customerId"]
        if credit:
            self.call("POST", "payment", "/deposit", {"customerId": customer, "amount": credit})
        return customer

    def order(self, customer: str, quantity: int = 1) -> str:
        """Place an order; a customer is known to the order service a little later than to their own."""
        body = {
            "customerId": customer,
            "restaurantId": "luigi",
            "items": [{"productId": "pizza", "quantity": quantity, "price": 1000}],
        }
        deadline = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < deadline:
            answer = self._http.post(self.system.url("order") + "/orders", json=body)
            if answer.status_code == 201:
                return str(answer.json()["orderId"])
            assert answer.status_code == 422
            time.sleep(0.1)
        pytest.fail(f"customer {customer} is unknown to the order service")

    def ended(self, order: str) -> dict[str, Any]:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while time.monotonic() < deadline:
            found: dict[str, Any] = self.call("GET", "order", f"/orders/{order}")
            if found["status"] in ("APPROVED", "CANCELLED"):
                return found
            time.sleep(0.1)
        pytest.fail(f"order {order} is still {found['status']}")

    def credit(self, customer: str) -> int:
        return int(self.call("GET", "payment", f"/credit/{customer}")["credit"])


@contextmanager
def running(kind: str, request: pytest.FixtureRequest, folder: Path, **changed: Any) -> Iterator[Client]:
    """A system with one kind of delivery, and messages in JSON or, with a registry or a folder, in Avro."""
    delivery, _, messages = kind.partition("-")
    prefix = f"f{uuid.uuid4().hex[:8]}-"
    mongodb_url, bootstrap = (request.getfixturevalue(name) for name in ("mongodb_url", "kafka_bootstrap"))
    settings = Settings(mongodb_url, f"kafka://{bootstrap}", prefix=prefix, **changed)
    if messages == "registry":
        settings = replace(settings, schema_registry_url=request.getfixturevalue("schema_registry_url"))
    elif messages == "folder":
        settings = replace(settings, schema_registry_url=(folder / "schemas").as_uri())
    with FoodOrders(settings, folder, Delivery(delivery)) as system:
        client = Client(system)
        client.call("PUT", "restaurant", "/restaurants/luigi/stock", {"pizza": 10})
        yield client
        client.close()
    with pymongo.MongoClient[dict[str, Any]](mongodb_url) as mongodb:
        for name in SERVICES:
            mongodb.drop_database(prefix + name)


@pytest.fixture(scope="module", params=["relay-json", "relay-registry", "log-json", "log-folder"])
def client(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with running(request.param, request, tmp_path_factory.mktemp("food_orders")) as client:
        yield client


@pytest.fixture(params=["relay-json", "log-folder"])
def impatient_client(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Client]:
    """Of a system that waits a second for payments."""
    with running(request.param, request, tmp_path, reply_within=timedelta(seconds=1)) as client:
        yield client


def test_messages_are_in_the_format_that_was_chosen(client: Client, kafka_bootstrap: str) -> None:
    customer = client.customer(0)
    settings = client.system.settings
    topic = f"{settings.prefix}customer-create"
    (message,) = read_topic(kafka_bootstrap, topic, bool)
    if settings.schema_registry_url:
        schema, value = AvroDeserializer.at(settings.schema_registry_url).read(topic, message.value() or b"")
        assert schema is not None
        assert schema.name == "food_orders.CustomerCreate"
    else:
        value = json.loads(message.value() or b"")
    assert value == {"customerId": customer, "name": "Ada"}
    assert message.key() == customer.encode()


def test_a_customer_is_projected_into_the_order_service_s_database(client: Client, mongodb_url: str) -> None:
    customer = client.customer(0)
    with pymongo.MongoClient[dict[str, Any]](mongodb_url) as mongodb:
        customers = mongodb[f"{client.system.settings.prefix}order"].customers
        wait_until("the customer", lambda: customers.find_one({"_id": customer}), DEADLINE_SECONDS)
        assert customers.find_one({"_id": customer}) == {"_id": customer, "name": "Ada"}


def test_an_order_is_paid_and_approved(client: Client) -> None:
    customer = client.customer(5000)
    order = client.ended(client.order(customer, 2))
    assert (order["status"], order["price"], order["failureMessages"]) == ("APPROVED", 2000, [])
    assert client.credit(customer) == 3000


def test_an_order_without_enough_credit_is_cancelled(client: Client) -> None:
    customer = client.customer(500)
    order = client.ended(client.order(customer))
    assert (order["status"], order["failureMessages"]) == ("CANCELLED", [f"customer {customer} has 500 of 1000"])
    assert client.credit(customer) == 500


def test_an_order_that_the_restaurant_rejects_is_paid_back(client: Client) -> None:
    customer = client.customer(50_000)
    order = client.ended(client.order(customer, 11))
    assert (order["status"], order["failureMessages"]) == ("CANCELLED", ["restaurant luigi has not enough of pizza"])
    assert client.credit(customer) == 50_000


def test_what_can_not_be_ordered(client: Client) -> None:
    body = {"customerId": "nobody", "restaurantId": "luigi", "items": []}
    for items in (
        [],
        [{"productId": "pizza", "quantity": 0, "price": 1}],
        [{"productId": "p", "quantity": 1, "price": 1}],
    ):
        with pytest.raises(httpx.HTTPStatusError, match="422"):
            client.call("POST", "order", "/orders", body | {"items": items})
    with pytest.raises(httpx.HTTPStatusError, match="404"):
        client.call("GET", "order", "/orders/none")


def test_who_has_no_name_can_neither_sign_up_nor_pay_in(client: Client) -> None:
    for name in ("", " "):
        with pytest.raises(httpx.HTTPStatusError, match="422"):
            client.call("POST", "customer", "/customers", {"name": name})
        with pytest.raises(httpx.HTTPStatusError, match="422"):
            client.call("POST", "payment", "/deposit", {"customerId": name, "amount": 1})


def test_an_order_whose_payment_is_not_answered_is_cancelled_and_paid_back(impatient_client: Client) -> None:
    client, system = impatient_client, impatient_client.system
    customer = client.customer(5000)
    system.kill("payment")
    order = client.order(customer)
    path = f"/orders/{order}"
    wait_until("cancelling", lambda: client.call("GET", "order", path)["status"] == "CANCELLING", DEADLINE_SECONDS)
    system.start("payment")  # it finds the request, and behind it the one that takes it back
    system.wait_for("payment")
    ended = client.ended(order)
    assert (ended["status"], ended["failureMessages"]) == ("CANCELLED", ["payment was not answered in time"])
    assert client.credit(customer) == 5000
